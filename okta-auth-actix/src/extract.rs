//! The extractors: `User<C>`, `AccessToken<C>`, `Tenant` and `SignedOut`, each plain, as `Option` and as `Result`.

use std::future::{Future, Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use okta_auth_core::adapter::{Rejection, RequestContext, extractors};
use serde::de::DeserializeOwned;

use crate::response::{AccessRejection, LAYER, UserRejection};

extractors!("actix");

impl<C: DeserializeOwned + 'static> FromRequest for User<C> {
    type Error = UserRejection;
    type Future = Ready<Result<Self, UserRejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let context = context(request).map_err(|_| UserRejection::LayerMissing);
        ready(context.and_then(|context| Self::of(&context)))
    }
}

impl<C: DeserializeOwned + 'static> FromRequest for AccessToken<C> {
    type Error = AccessRejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AccessRejection>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let context = context(request).map_err(AccessRejection::new);
        Box::pin(async move { Self::of(&context?).await })
    }
}

impl FromRequest for Tenant {
    type Error = AccessRejection;
    type Future = Ready<Result<Self, AccessRejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let context = context(request).map_err(AccessRejection::new);
        ready(context.and_then(|context| Self::of(&context)))
    }
}

impl FromRequest for SignedOut {
    type Error = UserRejection;
    type Future = Ready<Result<Self, UserRejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let context = context(request).map_err(|_| UserRejection::LayerMissing);
        ready(context.map(|context| Self::of(&context)))
    }
}

/// Finds the context. If the middleware is missing, that is logged here, because actix-web turns every error of an
/// optional extractor into `None`.
fn context(request: &HttpRequest) -> Result<RequestContext, Rejection> {
    LAYER.context(request.extensions().get(), request.path()).cloned()
}
