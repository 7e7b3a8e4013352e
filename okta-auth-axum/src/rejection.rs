//! Why there is no user or no token, one variant for each cause.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use okta_auth_core::engine::{self, Challenge};
use okta_auth_core::error::{Code, Error};
use okta_auth_core::policy::Decision;

use crate::layer::into_response;

/// Why [`User`](crate::User) could not be extracted.
///
/// Returned from a handler it becomes the right answer by itself; for
/// [`NotSignedIn`](Self::NotSignedIn) that is a redirect to sign-in for a browser and
/// 401 for anything else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserRejection {
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// Somebody is, but the claims do not fit the type that the handler asks for.
    #[error(transparent)]
    Claims(Error),
    /// Somebody is, but the request would change something and comes from another site.
    #[error(transparent)]
    CrossOrigin(Error),
    /// It cannot be told: the session store or Okta does not answer.
    #[error(transparent)]
    Unavailable(Error),
    /// The layer is not there: a mistake in the program.
    #[error("the layer of okta-auth is missing: {LAYER_MISSING}")]
    LayerMissing,
}

/// Why [`AccessToken`](crate::AccessToken) could not be extracted, or why a policy that a
/// handler asked does not let it go on.
///
/// Returned from a handler it becomes the right answer by itself: 400, 401 or 403 with a
/// challenge, a redirect to a stronger sign-in, or 503.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessRejection {
    /// No token was sent, or it was refused, or could not be verified, or a policy said no; the
    /// challenge's [`code`](Challenge::code) tells which.
    #[error("this is not allowed: {}", .0.code())]
    Refused(Challenge),
    /// The layer is not there: a mistake in the program.
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
    /// The variant for an error of the core: of [`SignedIn`](okta_auth_core::engine::SignedIn), for
    /// example.
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
    /// `invalid_request`, that of a decision, or that of an error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(challenge) => challenge.code(),
            Self::LayerMissing => "layer_missing",
        }
    }

    /// What stands in the way; `None` if it is the program itself.
    pub(crate) fn into_challenge(self) -> Option<Challenge> {
        match self {
            Self::Refused(challenge) => Some(challenge),
            Self::LayerMissing => None,
        }
    }

    /// Nothing for a decision that allows.
    pub(crate) fn unless(decision: Decision, by_token: bool) -> Result<(), Self> {
        Challenge::decision(decision, by_token).map_or(Ok(()), |challenge| Err(Self::Refused(challenge)))
    }
}

/// The fix for a handler without the layer.
pub(crate) const LAYER_MISSING: &str = "call `.okta_auth(&auth)` on the `Router`, after the last `.route(..)`";

impl UserRejection {
    /// What stands in the way; `None` if it is the program itself.
    pub(crate) fn into_challenge(self) -> Option<Challenge> {
        match self {
            Self::NotSignedIn => Some(Challenge::sign_in()),
            Self::Claims(error) | Self::CrossOrigin(error) | Self::Unavailable(error) => Some(Challenge::error(error)),
            Self::LayerMissing => None,
        }
    }
}

impl IntoResponse for UserRejection {
    /// The layer replaces all but the last by the engine's own answers on the way out:
    /// starting a sign-in may need the network, and this function cannot wait.
    fn into_response(self) -> Response {
        self.into_challenge().map_or_else(layer_missing, marked)
    }
}

impl IntoResponse for AccessRejection {
    fn into_response(self) -> Response {
        self.into_challenge().map_or_else(layer_missing, marked)
    }
}

/// A response that the layer will replace. Should the layer not be there, it is no way in.
pub(crate) fn marked(challenge: Challenge) -> Response {
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    response.extensions_mut().insert(challenge);
    response
}

/// Reports a request without the layer.
pub(crate) fn report_missing_layer(path: &str) {
    engine::report_missing_layer(path, LAYER_MISSING);
}

/// 500: the program has a mistake, and nobody gets in by it.
pub(crate) fn layer_missing() -> Response {
    into_response(engine::missing_layer())
}
