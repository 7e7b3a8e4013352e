//! Why there is no user or no token, one variant for each cause.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use okta_auth_core::engine::Challenge;
use okta_auth_core::error::{Code, Error};
use okta_auth_core::policy::Decision;

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
    /// Somebody is, but the request would change something and comes from another site.
    CrossOrigin(Error),
    /// The middleware is not there: a mistake in the program.
    LayerMissing,
}

/// Why [`AccessToken`](crate::AccessToken) could not be extracted.
///
/// Returned from a handler it becomes the right answer by itself.
#[derive(Debug)]
#[non_exhaustive]
pub enum AccessTokenRejection {
    /// No token was sent, or it was refused, or could not be verified; the challenge's
    /// [`code`](Challenge::code) tells which.
    Refused(Challenge),
    /// The middleware is not there: a mistake in the program.
    LayerMissing,
}

/// A policy did not let a handler go on.
///
/// Returned from a handler it becomes the right answer by itself: a redirect to a stronger
/// sign-in, 401, or 403.
#[derive(Debug)]
pub struct AccessDenied(Challenge);

impl UserRejection {
    /// A stable code for logs and for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "login_required",
            Self::Claims(error) | Self::CrossOrigin(error) => error.code().as_str(),
            Self::LayerMissing => "layer_missing",
        }
    }

    /// The variant for an error of the core.
    pub(crate) fn from_error(error: Error) -> Self {
        if error.code() == Code::CrossOrigin { Self::CrossOrigin(error) } else { Self::Claims(error) }
    }
}

impl AccessTokenRejection {
    /// A stable code for logs and for clients: `login_required`, `invalid_token`,
    /// `invalid_request`, or that of an error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(challenge) => challenge.code(),
            Self::LayerMissing => "layer_missing",
        }
    }
}

impl AccessDenied {
    /// Nothing for a decision that allows.
    pub(crate) fn unless(decision: Decision, by_token: bool) -> Result<(), Self> {
        match Challenge::decision(decision, by_token) {
            None => Ok(()),
            Some(challenge) => Err(Self(challenge)),
        }
    }

    /// The decision's stable code.
    pub fn code(&self) -> &'static str {
        self.0.code()
    }
}

/// What a developer reads who forgot the middleware. It names the fix and nothing else.
const LAYER_MISSING: &str = "okta-auth is not set up for this route: call `.okta_auth(&auth)` on the `App`, or wrap \
                             the scope in `OktaAuthLayer::new(&auth)`";

impl fmt::Display for UserRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn => f.write_str("nobody is signed in"),
            Self::Claims(error) | Self::CrossOrigin(error) => error.fmt(f),
            Self::LayerMissing => f.write_str(LAYER_MISSING),
        }
    }
}

impl fmt::Display for AccessTokenRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(challenge) => write!(f, "no access token that counts: {}", challenge.code()),
            Self::LayerMissing => f.write_str(LAYER_MISSING),
        }
    }
}

impl fmt::Display for AccessDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a policy does not allow this: {}", self.code())
    }
}

impl std::error::Error for UserRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Claims(error) | Self::CrossOrigin(error) = self { Some(error) } else { None }
    }
}

impl std::error::Error for AccessTokenRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Refused(challenge) = self { challenge.as_error().map(|error| error as _) } else { None }
    }
}

impl std::error::Error for AccessDenied {}

impl ResponseError for UserRejection {
    fn status_code(&self) -> StatusCode {
        self.error_response().status()
    }

    /// The middleware replaces all but the last by the engine's own answers on the way out:
    /// starting a sign-in may need the network, and this function cannot wait.
    fn error_response(&self) -> HttpResponse {
        match self {
            Self::NotSignedIn => marked(&Challenge::sign_in()),
            Self::Claims(error) | Self::CrossOrigin(error) => marked(&Challenge::error(error.duplicate())),
            Self::LayerMissing => layer_missing(),
        }
    }
}

impl ResponseError for AccessTokenRejection {
    fn status_code(&self) -> StatusCode {
        self.error_response().status()
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Refused(challenge) => marked(challenge),
            Self::LayerMissing => layer_missing(),
        }
    }
}

impl ResponseError for AccessDenied {
    fn status_code(&self) -> StatusCode {
        self.error_response().status()
    }

    fn error_response(&self) -> HttpResponse {
        marked(&self.0)
    }
}

/// A response that the middleware will replace. Should it not be there, it is no way in.
pub(crate) fn marked(challenge: &Challenge) -> HttpResponse {
    let mut response = HttpResponse::Unauthorized().finish();
    response.extensions_mut().insert(challenge.clone());
    response
}

/// 500: the program has a mistake, and nobody gets in by it.
pub(crate) fn layer_missing() -> HttpResponse {
    HttpResponse::InternalServerError().body(LAYER_MISSING)
}
