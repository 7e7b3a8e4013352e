//! The status of the response to a logout message.
//!
//! The sender gets only the status. The reason is in the log, under the code of the error, because the sender may be an
//! attacker, and a provider cannot act on it. The response is never cached (`Cache-Control: no-store`).

use http::StatusCode;

use crate::error::{Code, Error};
use crate::events::LogoutChannel;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// OIDC Back-Channel Logout.
    Back,
    /// OIDC Front-Channel Logout.
    Front,
    /// Global Token Revocation, Okta's Universal Logout.
    Universal,
}

impl From<Channel> for LogoutChannel {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Back => Self::BackChannel,
            Channel::Front => Self::FrontChannel,
            Channel::Universal => Self::UniversalLogout,
        }
    }
}

impl Channel {
    pub(crate) fn done(self) -> StatusCode {
        match self {
            Self::Back | Self::Front => StatusCode::OK,
            Self::Universal => StatusCode::NO_CONTENT,
        }
    }

    /// The status for an error. A 401 also needs a challenge (RFC 9110 §15.5.2), and a 503 a `Retry-After`.
    pub(crate) fn status(self, error: &Error) -> StatusCode {
        match (self, error.code()) {
            (Self::Universal, _) => universal(error),
            // A user without a session here counts as signed out (OIDC Back-Channel Logout §2.7).
            (_, Code::LogoutSubjectUnknown) => self.done(),
            // For an invalid message and for a failed logout (§2.8).
            (Self::Back, _) => StatusCode::BAD_REQUEST,
            (Self::Front, _) => front(error),
        }
    }
}

/// The frame ignores the response; the status is for the logs of proxies.
fn front(error: &Error) -> StatusCode {
    match error.code() {
        Code::LogoutMalformed => StatusCode::BAD_REQUEST,
        _ if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The statuses of Global Token Revocation §4. If keys cannot be fetched, the token may still be valid: 503, and never
/// 401.
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
