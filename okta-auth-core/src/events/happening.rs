//! What can happen.
//!
//! A new kind has to be added to the table of the [module](super), which a test
//! compares with the names here. Names and reasons are part of the interface:
//! dashboards and alerts hang on them.

use std::sync::Arc;

use crate::error::Code;

/// What happened, with what is particular to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// A browser was sent to Okta. Whether it ever comes back is open: robots do not.
    SignInStarted,
    /// Somebody has signed in, and the answer that carries the session is on its way.
    SignInSucceeded,
    /// A sign-in could not be started or completed. The user is known only if what
    /// failed came after Okta's answer had been verified.
    #[non_exhaustive]
    SignInFailed {
        /// Why.
        code: Code,
    },
    /// The application's hook let somebody not in. The reason that it gave is for the
    /// user, and not here.
    SignInRefused,
    /// A session has new tokens.
    SessionRenewed,
    /// A session could not be renewed. It stays, and it is tried again.
    #[non_exhaustive]
    RenewalFailed {
        /// Why.
        code: Code,
    },
    /// A policy asks for a stronger or a more recent sign-in (RFC 9470).
    #[non_exhaustive]
    StepUpAsked {
        /// The name of the policy, if it has one.
        policy: Option<Arc<str>>,
    },
    /// A policy refused a request: of a user with a session, or of the holder of a
    /// token, whose issuer may be another one than that of sign-in.
    #[non_exhaustive]
    AccessDenied {
        /// The name of the policy, if it has one.
        policy: Option<Arc<str>>,
        /// The code of its decision, for example `not_met` or `insufficient_scope`.
        code: &'static str,
    },
    /// A session ended before its limits. Those that run into a limit are just not
    /// there any more, and no event tells of it.
    #[non_exhaustive]
    SessionEnded {
        /// Why.
        why: EndReason,
    },
    /// Somebody outside asked to end sessions. The sessions themselves are events of
    /// their own, with the same reference.
    #[non_exhaustive]
    LogoutReceived {
        /// By which way.
        channel: LogoutChannel,
        /// Why it was not carried out; `None` if it was.
        refused: Option<Code>,
        /// How many sessions ended; `None` if that cannot be told, as with those in
        /// cookies.
        sessions: Option<usize>,
    },
    /// The store of sessions did not answer a request. A renewal that fails for that
    /// reason is a failed renewal.
    #[non_exhaustive]
    StoreUnavailable {
        /// What it was asked for.
        during: StoreUse,
    },
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// `signed_out`: the user signed out here.
    SignedOut,
    /// `replaced`: somebody signed in with the same browser.
    Replaced,
    /// `renewal_refused`: Okta does not give new tokens any more.
    RenewalRefused,
    /// `front_channel`: the user signed out at Okta, which told the browser.
    FrontChannel,
    /// `back_channel`: the user signed out at Okta, which told the application.
    BackChannel,
    /// `universal_logout`: Okta signed the user out everywhere.
    UniversalLogout,
    /// `ended_by_application`: the application's own code ended it.
    EndedByApplication,
}

/// The way on which a sign-out message came.
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

/// What a store was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreUse {
    /// `session_not_read`: who makes a request is not known.
    Read,
    /// `session_not_ended`: a session lives on that should have ended.
    End,
}

/// The reason of what went well.
const OK: &str = "ok";

impl Happening {
    /// The name of the event.
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

    /// The stable code of why.
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

    /// The same in words, for the log.
    pub(super) fn sentence(&self) -> &'static str {
        match self {
            Self::SignInStarted => "a sign-in was started",
            Self::SignInSucceeded => "signed in",
            Self::SignInFailed { .. } => "a sign-in failed",
            Self::SignInRefused => "the application refused the sign-in",
            Self::SessionRenewed => "a session was renewed",
            Self::RenewalFailed { .. } => "a session was not renewed",
            Self::StepUpAsked { .. } => "a stronger or more recent sign-in was asked for",
            Self::AccessDenied { .. } => "a policy refused a request",
            Self::SessionEnded { .. } => "a session ended",
            Self::LogoutReceived { refused: None, .. } => "a sign-out message was carried out",
            Self::LogoutReceived { .. } => "a sign-out message was not carried out",
            Self::StoreUnavailable { during: StoreUse::Read } => "a session could not be read",
            Self::StoreUnavailable { during: StoreUse::End } => "a session could not be ended",
        }
    }

    /// Whether something failed that should not: such events may be warnings in the log.
    pub(super) fn is_failure(&self) -> bool {
        match self {
            Self::SignInFailed { .. } | Self::RenewalFailed { .. } | Self::StoreUnavailable { .. } => true,
            Self::LogoutReceived { refused, .. } => refused.is_some(),
            _ => false,
        }
    }
}

impl EndReason {
    /// The stable code.
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
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FrontChannel => "front_channel",
            Self::BackChannel => "back_channel",
            Self::UniversalLogout => "universal_logout",
        }
    }
}

impl StoreUse {
    /// The stable code.
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

    /// The next kind. A new one does not compile until it has its place here.
    fn after(last: Option<&Happening>) -> Option<Happening> {
        let code = Code::Internal;
        let (channel, refused, sessions) = (LogoutChannel::BackChannel, None, None);
        let Some(last) = last else { return Some(Happening::SignInStarted) };
        match last {
            Happening::SignInStarted => Some(Happening::SignInSucceeded),
            Happening::SignInSucceeded => Some(Happening::SignInFailed { code }),
            Happening::SignInFailed { .. } => Some(Happening::SignInRefused),
            Happening::SignInRefused => Some(Happening::SessionRenewed),
            Happening::SessionRenewed => Some(Happening::RenewalFailed { code }),
            Happening::RenewalFailed { .. } => Some(Happening::StepUpAsked { policy: None }),
            Happening::StepUpAsked { .. } => Some(Happening::AccessDenied { policy: None, code: "not_met" }),
            Happening::AccessDenied { .. } => Some(Happening::SessionEnded { why: EndReason::Replaced }),
            Happening::SessionEnded { .. } => Some(Happening::LogoutReceived { channel, refused, sessions }),
            Happening::LogoutReceived { .. } => Some(Happening::StoreUnavailable { during: StoreUse::Read }),
            Happening::StoreUnavailable { .. } => None,
        }
    }

    #[test]
    fn the_table_names_every_event_and_its_reason() {
        let table = include_str!("mod.rs").split("| event | reason | when |").nth(1).unwrap();
        let table = table.lines().skip(1).take_while(|line| line.starts_with("//! |"));
        let rows = table.filter_map(|line| line.strip_prefix("//! | `"));
        let rows: Vec<(&str, &str)> = rows.filter_map(|row| row.split_once("` | ")).collect();
        let all: Vec<Happening> = std::iter::successors(after(None), |last| after(Some(last))).collect();
        assert_eq!(
            rows.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            all.iter().map(Happening::name).collect::<Vec<_>>()
        );
        for ((_, rest), happening) in rows.iter().zip(&all) {
            let told = rest.split(" | ").next().unwrap();
            let fixed = told.starts_with('`') && !told.contains('[');
            assert!(!fixed || told.contains(&format!("`{}`", happening.reason())), "{}: {told}", happening.name());
        }
    }
}
