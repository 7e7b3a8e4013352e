//! Responses of the library, and the errors of handlers.

use actix_web::{HttpResponse, ResponseError};
use okta_auth_core::adapter::{LayerCall, rejections};

use crate::bridge::into_response;

/// The call that adds the layer.
pub(crate) const LAYER: LayerCall = LayerCall("call `.wrap(OktaAuthLayer::new(&auth))` on the `App`");

rejections! {
    "actix", LAYER,
    /// `okta_auth::Error` itself does not implement `ResponseError`, because the core is independent of the framework:
    ///
    /// ```compile_fail,E0277
    /// use okta_auth::actix::User;
    ///
    /// async fn report(user: User) -> Result<String, okta_auth::Error> { // `HandlerError` compiles
    ///     Ok(user.access_token().await?.expose().to_owned())
    /// }
    /// let _ = actix_web::web::get().to(report);
    /// ```
    ///
    /// An application's own error type can include it as a variant, with `From` and `ResponseError`. A handler may also
    /// return `actix_web::Error`.
}

impl ResponseError for UserRejection {
    fn error_response(&self) -> HttpResponse {
        into_response(self.rejection().into_reply())
    }
}

impl ResponseError for AccessRejection {
    fn error_response(&self) -> HttpResponse {
        into_response(self.rejection().into_reply())
    }
}

impl ResponseError for HandlerError {
    fn error_response(&self) -> HttpResponse {
        into_response(self.rejection().into_reply())
    }
}
