//! What the sender of a sign-out message is told when it was not carried out.
//!
//! The status is all of it. Why is in the log, under the code of the error; the sender
//! could be anybody, and a provider can do nothing with it. The answer is never cached
//! (`Cache-Control: no-store`).

use http::StatusCode;

use crate::error::{Code, Error};

/// The way on which a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// OIDC Back-Channel Logout.
    Back,
    /// OIDC Front-Channel Logout.
    Front,
    /// Global Token Revocation, Okta's Universal Logout.
    Universal,
}

impl Channel {
    /// The status of a message that was carried out.
    pub(crate) fn done(self) -> StatusCode {
        match self {
            Self::Back | Self::Front => StatusCode::OK,
            Self::Universal => StatusCode::NO_CONTENT,
        }
    }

    /// The status for an error. 401 needs a challenge besides (RFC 9110 §15.5.2), and
    /// 503 a `Retry-After`.
    pub(crate) fn status(self, error: &Error) -> StatusCode {
        match (self, error.code()) {
            (Self::Universal, _) => universal(error),
            // Who is not signed in here has been signed out (OIDC Back-Channel Logout §2.7).
            (_, Code::LogoutSubjectUnknown) => self.done(),
            // Whatever is wrong with the message, and whatever failed here (§2.8).
            (Self::Back, _) => StatusCode::BAD_REQUEST,
            (Self::Front, _) => front(error),
        }
    }
}

/// Nobody reads the answer in a frame; the status is for the logs of proxies.
fn front(error: &Error) -> StatusCode {
    match error.code() {
        Code::LogoutMalformed => StatusCode::BAD_REQUEST,
        _ if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The statuses of Global Token Revocation §4. Keys that cannot be fetched say nothing
/// about the token: 503, and never 401.
fn universal(error: &Error) -> StatusCode {
    match error.code() {
        Code::LogoutMalformed => StatusCode::BAD_REQUEST,
        Code::LogoutRefused | Code::CredentialsMalformed => StatusCode::UNAUTHORIZED,
        Code::LogoutForbidden => StatusCode::FORBIDDEN,
        Code::LogoutSubjectUnknown => StatusCode::NOT_FOUND,
        Code::LogoutUnsupported => StatusCode::UNPROCESSABLE_ENTITY,
        _ if error.is_token() => StatusCode::UNAUTHORIZED,
        _ if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
