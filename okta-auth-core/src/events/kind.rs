//! The kinds of events.
//!
//! A new kind must be added to the table of the [module](super), which a test compares with the names here. Names and
//! reasons are part of the interface: dashboards and alerts depend on them.

use std::sync::Arc;

use crate::error::Code;

/// The kind of an event, with its particular data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A browser was sent to Okta. It may never come back: a crawler, for example, does not.
    SignInStarted,
    /// A user has signed in, and the response with the session is about to be sent.
    SignInSucceeded,
    /// A sign-in could not be started or completed. The user is known only if the failure came after Okta's response
    /// had been verified.
    #[non_exhaustive]
    SignInFailed {
        /// The code of the failure.
        code: Code,
    },
    /// The application's hook refused the user. The hook's text is for the user, and not part of the event.
    SignInRefused,
    /// A session has new tokens.
    SessionRenewed,
    /// A refresh of a session's tokens failed. The session stays, and the refresh is retried.
    #[non_exhaustive]
    RenewalFailed {
        /// The code of the failure.
        code: Code,
    },
    /// A policy requires a stronger or a more recent sign-in (RFC 9470).
    #[non_exhaustive]
    StepUpAsked {
        /// The name of the policy, if it has one.
        policy: Option<Arc<str>>,
    },
    /// A policy refused a request by a user with a session, or by the holder of a token, whose issuer may differ from
    /// the issuer of sign-in.
    #[non_exhaustive]
    AccessDenied {
        /// The name of the policy, if it has one.
        policy: Option<Arc<str>>,
        /// The code of its decision, for example `not_met` or `insufficient_scope`.
        code: &'static str,
    },
    /// A session ended before its limits. Sessions that reach a limit emit no event.
    #[non_exhaustive]
    SessionEnded {
        /// Why it ended.
        why: EndReason,
    },
    /// A logout message arrived. Each session that it ends has its own event, with the same reference.
    #[non_exhaustive]
    LogoutReceived {
        /// The kind of message.
        channel: LogoutChannel,
        /// Why it was not carried out; `None` if it was.
        refused: Option<Code>,
        /// The number of sessions that ended; `None` if it is unknown, as for sessions in cookies.
        sessions: Option<usize>,
    },
    /// The session store did not answer a request. A refresh that fails because of the store is a
    /// [`RenewalFailed`](Self::RenewalFailed).
    #[non_exhaustive]
    StoreUnavailable {
        /// The failed operation.
        during: StoreOperation,
    },
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// `signed_out`: the user signed out here.
    SignedOut,
    /// `replaced`: a new sign-in in the same browser replaced the session.
    Replaced,
    /// `renewal_refused`: Okta issues no new tokens any more.
    RenewalRefused,
    /// `front_channel`: the user signed out at Okta, which notified the browser.
    FrontChannel,
    /// `back_channel`: the user signed out at Okta, which notified the application.
    BackChannel,
    /// `universal_logout`: Okta signed the user out everywhere.
    UniversalLogout,
    /// `ended_by_application`: the application's own code ended it.
    EndedByApplication,
}

/// The kind of a logout message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogoutChannel {
    /// `front_channel`: OIDC Front-Channel Logout.
    FrontChannel,
    /// `back_channel`: OIDC Back-Channel Logout.
    BackChannel,
    /// `universal_logout`: Global Token Revocation.
    UniversalLogout,
}

/// The operation for which a store was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreOperation {
    /// `session_not_read`: the user of the request is unknown.
    Read,
    /// `session_not_ended`: a session stays alive that should have ended.
    End,
}

/// The reason of successful events.
const OK: &str = "ok";

impl EventKind {
    /// Returns the stable name of the event.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignInStarted => "sign_in_started",
            Self::SignInSucceeded => "sign_in_succeeded",
            Self::SignInFailed { .. } => "sign_in_failed",
            Self::SignInRefused => "sign_in_refused",
            Self::SessionRenewed => "session_renewed",
            Self::RenewalFailed { .. } => "renewal_failed",
            Self::StepUpAsked { .. } => "step_up_asked",
            Self::AccessDenied { .. } => "access_denied",
            Self::SessionEnded { .. } => "session_ended",
            Self::LogoutReceived { .. } => "logout_received",
            Self::StoreUnavailable { .. } => "store_unavailable",
        }
    }

    /// Returns the stable reason code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::SignInStarted | Self::SignInSucceeded | Self::SessionRenewed => OK,
            Self::SignInFailed { code } | Self::RenewalFailed { code } => code.as_str(),
            Self::SignInRefused => Code::SignInRefused.as_str(),
            Self::StepUpAsked { .. } => "step_up_required",
            Self::AccessDenied { code, .. } => code,
            Self::SessionEnded { why } => why.as_str(),
            Self::LogoutReceived { refused, .. } => refused.map_or(OK, Code::as_str),
            Self::StoreUnavailable { during } => during.as_str(),
        }
    }

    /// The event as a sentence, for the log.
    pub(super) fn sentence(&self) -> &'static str {
        match self {
            Self::SignInStarted => "a sign-in was started",
            Self::SignInSucceeded => "a user signed in",
            Self::SignInFailed { .. } => "a sign-in failed",
            Self::SignInRefused => "the application refused the sign-in",
            Self::SessionRenewed => "the tokens of a session were refreshed",
            Self::RenewalFailed { .. } => "the tokens of a session were not refreshed",
            Self::StepUpAsked { .. } => "a policy requires a stronger or more recent sign-in",
            Self::AccessDenied { .. } => "a policy refused a request",
            Self::SessionEnded { .. } => "a session ended",
            Self::LogoutReceived { refused: None, .. } => "a logout message was carried out",
            Self::LogoutReceived { .. } => "a logout message was not carried out",
            Self::StoreUnavailable { during: StoreOperation::Read } => "a session could not be read",
            Self::StoreUnavailable { during: StoreOperation::End } => "a session could not be ended",
        }
    }

    /// Whether the event is an unexpected failure, which may be logged as a warning.
    pub(super) fn is_failure(&self) -> bool {
        match self {
            Self::SignInFailed { .. } | Self::RenewalFailed { .. } | Self::StoreUnavailable { .. } => true,
            Self::LogoutReceived { refused, .. } => refused.is_some(),
            _ => false,
        }
    }
}

impl EndReason {
    /// Returns the stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Replaced => "replaced",
            Self::RenewalRefused => "renewal_refused",
            Self::FrontChannel => "front_channel",
            Self::BackChannel => "back_channel",
            Self::UniversalLogout => "universal_logout",
            Self::EndedByApplication => "ended_by_application",
        }
    }
}

impl LogoutChannel {
    /// Returns the stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FrontChannel => "front_channel",
            Self::BackChannel => "back_channel",
            Self::UniversalLogout => "universal_logout",
        }
    }
}

impl StoreOperation {
    /// Returns the stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "session_not_read",
            Self::End => "session_not_ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the next kind. A new kind does not compile until it is added here.
    fn after(last: Option<&EventKind>) -> Option<EventKind> {
        let code = Code::Internal;
        let (channel, refused, sessions) = (LogoutChannel::BackChannel, None, None);
        let Some(last) = last else { return Some(EventKind::SignInStarted) };
        match last {
            EventKind::SignInStarted => Some(EventKind::SignInSucceeded),
            EventKind::SignInSucceeded => Some(EventKind::SignInFailed { code }),
            EventKind::SignInFailed { .. } => Some(EventKind::SignInRefused),
            EventKind::SignInRefused => Some(EventKind::SessionRenewed),
            EventKind::SessionRenewed => Some(EventKind::RenewalFailed { code }),
            EventKind::RenewalFailed { .. } => Some(EventKind::StepUpAsked { policy: None }),
            EventKind::StepUpAsked { .. } => Some(EventKind::AccessDenied { policy: None, code: "not_met" }),
            EventKind::AccessDenied { .. } => Some(EventKind::SessionEnded { why: EndReason::Replaced }),
            EventKind::SessionEnded { .. } => Some(EventKind::LogoutReceived { channel, refused, sessions }),
            EventKind::LogoutReceived { .. } => Some(EventKind::StoreUnavailable { during: StoreOperation::Read }),
            EventKind::StoreUnavailable { .. } => None,
        }
    }

    #[test]
    fn the_table_names_every_event_and_its_reason() {
        let table = include_str!("mod.rs").split("| event | reason | when |").nth(1).unwrap();
        let table = table.lines().skip(1).take_while(|line| line.starts_with("//! |"));
        let rows = table.filter_map(|line| line.strip_prefix("//! | `"));
        let rows: Vec<(&str, &str)> = rows.filter_map(|row| row.split_once("` | ")).collect();
        let all: Vec<EventKind> = std::iter::successors(after(None), |last| after(Some(last))).collect();
        assert_eq!(
            rows.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            all.iter().map(EventKind::name).collect::<Vec<_>>()
        );
        for ((_, rest), kind) in rows.iter().zip(&all) {
            let told = rest.split(" | ").next().unwrap();
            let fixed = told.starts_with('`') && !told.contains('[');
            assert!(!fixed || told.contains(&format!("`{}`", kind.reason())), "{}: {told}", kind.name());
        }
    }
}
