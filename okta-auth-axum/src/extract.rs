//! The extractors: `User<C>`, `AccessToken<C>`, `Tenant` and `SignedOut`, each plain, as `Option` and as `Result`.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::Extensions;
use http::request::Parts;
use okta_auth_core::adapter::{Rejection, RequestContext, extractors};
use serde::de::DeserializeOwned;

use crate::response::{AccessRejection, LAYER, UserRejection};

extractors!("axum");

impl<S, C> FromRequestParts<S> for User<C>
where
    S: Send + Sync,
    C: DeserializeOwned + Send + 'static,
{
    type Rejection = UserRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, UserRejection> {
        Self::of(context(parts).map_err(|_| UserRejection::LayerMissing)?)
    }
}

impl<S, C> OptionalFromRequestParts<S> for User<C>
where
    S: Send + Sync,
    C: DeserializeOwned + Send + 'static,
{
    type Rejection = UserRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, UserRejection> {
        Self::optional(context(parts).map_err(|_| UserRejection::LayerMissing)?)
    }
}

impl<S, C> FromRequestParts<S> for AccessToken<C>
where
    S: Send + Sync,
    C: DeserializeOwned + Send + 'static,
{
    type Rejection = AccessRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AccessRejection> {
        Self::of(context(parts).map_err(AccessRejection::new)?).await
    }
}

impl<S, C> OptionalFromRequestParts<S> for AccessToken<C>
where
    S: Send + Sync,
    C: DeserializeOwned + Send + 'static,
{
    type Rejection = AccessRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, AccessRejection> {
        Ok(Self::of(context(parts).map_err(AccessRejection::new)?).await.ok())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Tenant {
    type Rejection = AccessRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AccessRejection> {
        Self::of(context(parts).map_err(AccessRejection::new)?)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Tenant {
    type Rejection = AccessRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, AccessRejection> {
        Ok(Self::of(context(parts).map_err(AccessRejection::new)?).ok())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedOut {
    type Rejection = UserRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, UserRejection> {
        Ok(Self::of(context(parts).map_err(|_| UserRejection::LayerMissing)?))
    }
}

/// For services without axum's extractors, such as a gRPC server or a plain tower service.
impl<C: DeserializeOwned + 'static> User<C> {
    /// Returns the signed-in user of a request to a service inside [`OktaAuthLayer`](crate::OktaAuthLayer).
    ///
    /// # Errors
    /// The rejection of the extractor if no user can be extracted. Return it as the
    /// [response](axum::response::IntoResponse), which the layer replaces by a sign-in or 401.
    ///
    /// ```
    /// use axum::response::{IntoResponse, Response};
    /// use okta_auth::axum::User;
    ///
    /// async fn service(request: http::Request<String>) -> Response {
    ///     match User::<()>::from_extensions(request.extensions()) {
    ///         Ok(user) => user.name().to_owned().into_response(),
    ///         Err(rejection) => rejection.into_response(),
    ///     }
    /// }
    /// # let _ = service;
    /// ```
    pub fn from_extensions(extensions: &Extensions) -> Result<Self, UserRejection> {
        Self::of(in_extensions(extensions).map_err(|_| UserRejection::LayerMissing)?)
    }
}

/// For services without axum's extractors, such as a gRPC server or a plain tower service.
impl<C: DeserializeOwned + 'static> AccessToken<C> {
    /// Returns the holder of the access token of a request to a service inside [`OktaAuthLayer`](crate::OktaAuthLayer).
    ///
    /// # Errors
    /// The rejection of the extractor if the access token is missing or not accepted; see [`User::from_extensions`].
    pub async fn from_extensions(extensions: &Extensions) -> Result<Self, AccessRejection> {
        Self::of(in_extensions(extensions).map_err(AccessRejection::new)?).await
    }
}

/// For services without axum's extractors, such as a gRPC server or a plain tower service.
impl Tenant {
    /// Returns the tenant of a request to a service inside [`OktaAuthLayer`](crate::OktaAuthLayer).
    ///
    /// # Errors
    /// The rejection of the extractor if the request has no tenant; see [`User::from_extensions`].
    pub fn from_extensions(extensions: &Extensions) -> Result<Self, AccessRejection> {
        Self::of(in_extensions(extensions).map_err(AccessRejection::new)?)
    }
}

fn context(parts: &Parts) -> Result<&RequestContext, Rejection> {
    LAYER.context(parts.extensions.get(), parts.uri.path())
}

fn in_extensions(extensions: &Extensions) -> Result<&RequestContext, Rejection> {
    LAYER.context(extensions.get(), "(unknown)")
}
