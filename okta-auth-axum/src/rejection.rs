//! Why there is no user, one variant for each cause.

use std::fmt;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use okta_auth_core::engine::Challenge;
use okta_auth_core::error::{Code, Error};

/// Why [`User`](crate::User) could not be extracted.
///
/// Returned from a handler it becomes the right answer by itself; for
/// [`NotSignedIn`](Self::NotSignedIn) that is a redirect to sign-in for a browser and
/// 401 for anything else.
#[derive(Debug)]
#[non_exhaustive]
pub enum UserRejection {
    /// Nobody is signed in.
    NotSignedIn,
    /// Somebody is, but the claims do not fit the type that the handler asks for.
    Claims(Error),
    /// The layer is not there: a mistake in the program.
    LayerMissing,
}

impl UserRejection {
    /// A stable code for logs and for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "login_required",
            Self::Claims(_) => Code::ClaimsMismatch.as_str(),
            Self::LayerMissing => "layer_missing",
        }
    }
}

/// What a developer reads who forgot the layer. It names the fix and nothing else.
const LAYER_MISSING: &str = "okta-auth is not set up for this route: call `.okta_auth(&auth)` on the `Router`, \
                             after the last `.route(..)` that uses it";

impl fmt::Display for UserRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn => f.write_str("nobody is signed in"),
            Self::Claims(error) => error.fmt(f),
            Self::LayerMissing => f.write_str(LAYER_MISSING),
        }
    }
}

impl std::error::Error for UserRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Claims(error) = self { Some(error) } else { None }
    }
}

impl IntoResponse for UserRejection {
    /// The layer replaces the first two by the engine's own answers on the way out:
    /// starting a sign-in may need the network, and this function cannot wait.
    fn into_response(self) -> Response {
        match self {
            Self::NotSignedIn => {
                let mut response = StatusCode::UNAUTHORIZED.into_response();
                response.extensions_mut().insert(Challenge::SignIn);
                response
            }
            Self::Claims(error) => {
                let mut response = StatusCode::FORBIDDEN.into_response();
                response.extensions_mut().insert(Challenge::error(error));
                response
            }
            Self::LayerMissing => (StatusCode::INTERNAL_SERVER_ERROR, LAYER_MISSING).into_response(),
        }
    }
}
