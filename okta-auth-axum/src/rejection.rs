//! The rejections of the extractors, with one variant for each cause.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use okta_auth_core::adapter::{self, Challenge};
use okta_auth_core::error::{Code, Error};
use okta_auth_core::policy::Decision;

use crate::layer::into_response;

/// Why [`User`](crate::User) could not be extracted.
///
/// As the result of a handler it becomes the right response by itself. For
/// [`NotSignedIn`](Self::NotSignedIn) that is a redirect to sign-in for a browser, and
/// 401 for other clients.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserRejection {
    /// The request has no session.
    #[error("no user is signed in")]
    NotSignedIn,
    /// The user is signed in, but the claims do not fit the type that the handler
    /// requests.
    #[error(transparent)]
    Claims(Error),
    /// The user is signed in, but the request changes state and comes from another site.
    #[error(transparent)]
    CrossOrigin(Error),
    /// The session store or Okta does not respond, so it is unknown whether a user is
    /// signed in.
    #[error(transparent)]
    Unavailable(Error),
    /// The layer is missing, which is a bug in the program.
    #[error("the layer of okta-auth is missing: {LAYER_MISSING}")]
    LayerMissing,
}

/// Why [`AccessToken`](crate::AccessToken) could not be extracted, or why a policy in a
/// handler denied access.
///
/// As the result of a handler it becomes the right response by itself: 400, 401 or 403
/// with a challenge, a redirect to a stronger sign-in, or 503.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessRejection {
    /// The token is missing, was rejected or could not be verified, or a policy denied
    /// access. The challenge's [`code`](Challenge::code) names the reason.
    #[error("the request is not allowed: {}", .0.code())]
    Refused(Challenge),
    /// The layer is missing, which is a bug in the program.
    #[error("the layer of okta-auth is missing: {LAYER_MISSING}")]
    LayerMissing,
}

impl UserRejection {
    /// A stable code for logs and for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "login_required",
            Self::Claims(error) | Self::CrossOrigin(error) | Self::Unavailable(error) => error.code().as_str(),
            Self::LayerMissing => "layer_missing",
        }
    }
}

impl From<Error> for UserRejection {
    /// The variant for an error of the core, for example from
    /// [`SignedIn`](okta_auth_core::engine::SignedIn).
    fn from(error: Error) -> Self {
        match error.code() {
            Code::CrossOrigin => Self::CrossOrigin(error),
            Code::SessionEnded => Self::NotSignedIn,
            _ if error.is_temporary() => Self::Unavailable(error),
            _ => Self::Claims(error),
        }
    }
}

impl AccessRejection {
    /// A stable code for logs and for clients: `login_required`, `invalid_token`,
    /// `invalid_request`, the code of a decision, or that of an error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(challenge) => challenge.code(),
            Self::LayerMissing => "layer_missing",
        }
    }

    pub(crate) fn into_challenge(self) -> Option<Challenge> {
        match self {
            Self::Refused(challenge) => Some(challenge),
            Self::LayerMissing => None,
        }
    }

    pub(crate) fn unless(decision: Decision, by_token: bool) -> Result<(), Self> {
        Challenge::decision(decision, by_token).map_or(Ok(()), |challenge| Err(Self::Refused(challenge)))
    }
}

pub(crate) const LAYER_MISSING: &str = "call `.okta_auth(&auth)` on the `Router`, after the last `.route(..)`";

impl UserRejection {
    pub(crate) fn into_challenge(self) -> Option<Challenge> {
        match self {
            Self::NotSignedIn => Some(Challenge::sign_in()),
            Self::Claims(error) | Self::CrossOrigin(error) | Self::Unavailable(error) => Some(Challenge::error(error)),
            Self::LayerMissing => None,
        }
    }
}

impl IntoResponse for UserRejection {
    /// The layer replaces this response by the engine's own, except for a missing layer,
    /// because starting a sign-in may need the network and this function cannot await.
    fn into_response(self) -> Response {
        self.into_challenge().map_or_else(layer_missing, marked)
    }
}

impl IntoResponse for AccessRejection {
    fn into_response(self) -> Response {
        self.into_challenge().map_or_else(layer_missing, marked)
    }
}

/// A response that the layer replaces. Without the layer it stays a plain 401.
pub(crate) fn marked(challenge: Challenge) -> Response {
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    response.extensions_mut().insert(challenge);
    response
}

pub(crate) fn report_missing_layer(path: &str) {
    adapter::report_missing_layer(path, LAYER_MISSING);
}

/// Responds with 500 and denies access, because the program has a bug.
pub(crate) fn layer_missing() -> Response {
    into_response(adapter::missing_layer())
}
