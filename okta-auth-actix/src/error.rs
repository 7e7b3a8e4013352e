//! The error that a handler returns.

use std::fmt;

use actix_web::{HttpResponse, ResponseError};
use okta_auth_core::adapter::Challenge;
use okta_auth_core::error::Error;

use crate::rejection::{AccessRejection, LAYER_MISSING, UserRejection, layer_missing, marked};

/// An error that a handler returns. `?` converts every error of the methods of
/// [`User`](crate::User) and [`AccessToken`](crate::AccessToken) into it.
///
/// It becomes the right response by itself: a sign-in or a step-up for a browser, 401 or
/// 403 with a challenge for a client, 503 with `Retry-After` while Okta or the session
/// store is unavailable. Pages and JSON contain a stable code and a reference. The cause
/// appears only in the log.
///
/// ```
/// use okta_auth_actix::{HandlerError, User};
/// use okta_auth_core::policy::group;
///
/// async fn report(user: User) -> Result<String, HandlerError> {
///     user.require(&group("Finance")).await?;
///     let token = user.access_token().await?;
///     Ok(format!("asking for the reports of {} with {} bytes", user.name(), token.expose().len()))
/// }
/// # let _ = actix_web::web::get().to(report);
/// ```
///
/// `okta_auth::Error` itself does not implement `ResponseError`, because the core is
/// independent of the framework:
///
/// ```compile_fail,E0277
/// # use okta_auth_actix::User;
/// # use okta_auth_core as okta_auth;
/// async fn report(user: User) -> Result<String, okta_auth::error::Error> { // `HandlerError` compiles
///     Ok(user.access_token().await?.expose().to_owned())
/// }
/// let _ = actix_web::web::get().to(report);
/// ```
///
/// An application's own error type can include it as a variant, with `From` and
/// `ResponseError`. A handler may also return `actix_web::Error`.
#[derive(Clone, Debug)]
pub struct HandlerError(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Challenge(Challenge),
    LayerMissing,
}

impl HandlerError {
    /// A stable code for logs and for clients.
    pub fn code(&self) -> &'static str {
        match &self.0 {
            Kind::Challenge(challenge) => challenge.code(),
            Kind::LayerMissing => "layer_missing",
        }
    }
}

impl From<Error> for HandlerError {
    fn from(error: Error) -> Self {
        Self(Kind::Challenge(error.into()))
    }
}

impl From<UserRejection> for HandlerError {
    fn from(rejection: UserRejection) -> Self {
        Self(rejection.challenge().map_or(Kind::LayerMissing, Kind::Challenge))
    }
}

impl From<AccessRejection> for HandlerError {
    fn from(rejection: AccessRejection) -> Self {
        Self(rejection.challenge().map_or(Kind::LayerMissing, Kind::Challenge))
    }
}

impl ResponseError for HandlerError {
    fn error_response(&self) -> HttpResponse {
        match &self.0 {
            Kind::Challenge(challenge) => marked(challenge),
            Kind::LayerMissing => layer_missing(),
        }
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Challenge(challenge) => match challenge.as_error() {
                Some(error) => error.fmt(f),
                None => write!(f, "the request is not allowed: {}", challenge.code()),
            },
            Kind::LayerMissing => f.write_str(LAYER_MISSING),
        }
    }
}

impl std::error::Error for HandlerError {}
