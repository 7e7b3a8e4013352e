//! Responses of the library, and the errors of handlers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use okta_auth_core::adapter::{LayerCall, Reply, rejections};

/// The call that adds the layer.
pub(crate) const LAYER: LayerCall = LayerCall("call `.okta_auth(&auth)` on the `Router`, after the last `.route(..)`");

rejections! {
    "axum", LAYER,
    /// `okta_auth::Error` itself does not implement `IntoResponse`, because the core is independent of the framework:
    ///
    /// ```compile_fail,E0277
    /// use okta_auth::axum::User;
    ///
    /// async fn report(user: User) -> Result<String, okta_auth::Error> { // `HandlerError` compiles
    ///     Ok(user.access_token().await?.expose().to_owned())
    /// }
    /// let _ = axum::routing::get::<_, _, ()>(report);
    /// ```
    ///
    /// An application's own error type can include it as a variant:
    ///
    /// ```
    /// use axum::response::{IntoResponse, Response};
    /// use okta_auth::axum::HandlerError;
    ///
    /// enum AppError {
    ///     Okta(HandlerError),
    ///     NoSuchOrder,
    /// }
    ///
    /// impl<E: Into<HandlerError>> From<E> for AppError {
    ///     fn from(error: E) -> Self {
    ///         Self::Okta(error.into())
    ///     }
    /// }
    ///
    /// impl IntoResponse for AppError {
    ///     fn into_response(self) -> Response {
    ///         match self {
    ///             Self::Okta(error) => error.into_response(),
    ///             Self::NoSuchOrder => axum::http::StatusCode::NOT_FOUND.into_response(),
    ///         }
    ///     }
    /// }
    /// ```
}

impl IntoResponse for UserRejection {
    fn into_response(self) -> Response {
        into_response(self.rejection().into_reply())
    }
}

impl IntoResponse for AccessRejection {
    fn into_response(self) -> Response {
        into_response(self.rejection().into_reply())
    }
}

impl IntoResponse for HandlerError {
    fn into_response(self) -> Response {
        into_response(self.rejection().into_reply())
    }
}

pub(crate) fn into_response(reply: Reply) -> Response {
    reply.map(Body::from)
}
