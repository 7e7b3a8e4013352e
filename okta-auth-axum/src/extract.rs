//! The extractors: `User<C>`, `Option<User<C>>`, `Result<User<C>, UserRejection>`.

use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use okta_auth_core::engine::{SignedIn, Visit};
use serde::de::DeserializeOwned;

use crate::rejection::UserRejection;

/// The signed-in user.
///
/// As a plain argument it protects the handler: a browser that nobody has signed in
/// with goes to Okta and comes back here, any other client gets 401. `Option<User>` is
/// for pages that are open to everybody, and `Result<User, UserRejection>` for handlers
/// that want to answer themselves.
///
/// `C` is your own type for the claims, read with `serde`; `()` asks for none. Claims
/// that do not fit `C` are answered with 403.
///
/// ```
/// # use okta_auth_axum::User;
/// #[derive(serde::Deserialize)]
/// struct Claims {
///     department: String,
/// }
///
/// async fn report(user: User<Claims>) -> String {
///     format!("{} of {}", user.name(), user.claims().department)
/// }
/// ```
#[derive(Debug)]
pub struct User<C = ()>(SignedIn<C>);

impl<C: Clone> Clone for User<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C> Deref for User<C> {
    type Target = SignedIn<C>;

    fn deref(&self) -> &SignedIn<C> {
        &self.0
    }
}

impl<S, C> FromRequestParts<S> for User<C>
where
    S: Send + Sync,
    C: DeserializeOwned + Send + 'static,
{
    type Rejection = UserRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, UserRejection> {
        let user = visit(parts)?.user().map_err(UserRejection::Claims)?;
        user.map(User).ok_or(UserRejection::NotSignedIn)
    }
}

impl<S, C> OptionalFromRequestParts<S> for User<C>
where
    S: Send + Sync,
    C: DeserializeOwned + Send + 'static,
{
    type Rejection = UserRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, UserRejection> {
        Ok(visit(parts)?.user().map_err(UserRejection::Claims)?.map(User))
    }
}

fn visit(parts: &Parts) -> Result<&Visit, UserRejection> {
    parts.extensions.get::<Visit>().ok_or(UserRejection::LayerMissing)
}
