//! At which level a failure is logged.
//!
//! | failure | level |
//! |---|---|
//! | a stranger alone can cause it: junk callbacks, old links, unknown hosts, forged sign-out messages | `info` |
//! | any other | `warn`, once a second for each kind; what follows within that second is `info`, and the next warning counts it |
//!
//! No line is lost: each reference that a user was shown is in the log.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::happening::Happening;
use crate::clock::Stopwatch;
use crate::error::{Code, Error};

/// The shortest time between two warnings of one kind.
const INTERVAL: Duration = Duration::from_secs(1);
/// More kinds than there are codes. What Okta answers is part of some.
const KINDS: usize = 128;

/// At which level a line is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Info,
    Warning {
        /// How many failures of this kind were logged at `info` since the last warning.
        suppressed: u64,
    },
}

/// What is warned about once a second: event, reason, and Okta's error code.
type Kind = (&'static str, &'static str, Option<String>);

/// The warnings of the last second.
#[derive(Default)]
pub(super) struct Warnings(Mutex<HashMap<Kind, Window>>);

/// The time since the last warning of a kind.
struct Window {
    since: Stopwatch,
    suppressed: u64,
}

impl Warnings {
    /// The level of an event.
    pub(super) fn of_event(&self, happening: &Happening, error: Option<&Error>) -> Severity {
        let failed = happening.is_failure() || is_unexpected_end(happening, error);
        if !failed || is_by_strangers(happening, error) {
            return Severity::Info;
        }
        self.warn((happening.name(), happening.reason(), answer_of_okta(error)))
    }

    /// The level of an error that is no event. `anonymous` if no session came along.
    pub(super) fn of_error(&self, error: &Error, anonymous: bool) -> Severity {
        let by_strangers = match error.code() {
            Code::TenantUnknown | Code::CallbackMalformed | Code::CredentialsMalformed | Code::AccessDenied => true,
            Code::SignOutLinkInvalid => true,
            // With a session it is what a wrong OKTA_BASE_URL looks like.
            Code::CrossOrigin => anonymous,
            _ => false,
        };
        if by_strangers {
            Severity::Info
        } else {
            self.warn(("error", error.code().as_str(), answer_of_okta(Some(error))))
        }
    }

    /// A warning, unless there was one of this kind within the last second.
    fn warn(&self, kind: Kind) -> Severity {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kinds.len() >= KINDS && !kinds.contains_key(&kind) {
            kinds.clear();
        }
        match kinds.get_mut(&kind) {
            Some(window) if window.since.elapsed() < INTERVAL => {
                window.suppressed = window.suppressed.saturating_add(1);
                Severity::Info
            }
            known => {
                let suppressed = known.map_or(0, |window| window.suppressed);
                kinds.insert(kind, Window { since: Stopwatch::start(), suppressed: 0 });
                Severity::Warning { suppressed }
            }
        }
    }
}

/// Okta's error code, if it came from the token endpoint. On a callback it can be forged.
fn answer_of_okta(error: Option<&Error>) -> Option<String> {
    error.filter(|error| error.code() == Code::TokenRefused)?.provider_error().map(str::to_owned)
}

/// Whether a session ended because its new tokens do not fit it. A session that Okta does
/// not renew any more has run its course, and is no failure.
fn is_unexpected_end(happening: &Happening, error: Option<&Error>) -> bool {
    let ended = matches!(happening, Happening::SessionEnded { .. });
    ended && error.is_some_and(|error| error.code() != Code::TokenRefused)
}

/// Whether a stranger alone can cause this, without a session, a key or an account.
fn is_by_strangers(happening: &Happening, error: Option<&Error>) -> bool {
    match happening {
        Happening::SignInFailed { code } => match code {
            Code::AttemptUnknown | Code::AttemptExpired | Code::CallbackMalformed | Code::TenantUnknown => true,
            // A made-up or used code: strangers can begin a sign-in too.
            Code::TokenRefused => error.and_then(Error::provider_error) == Some("invalid_grant"),
            _ => false,
        },
        // Nothing here is signed by the issuer, or it is not meant for this endpoint.
        Happening::LogoutReceived { refused: Some(code), .. } => matches!(
            code,
            Code::LogoutMalformed
                | Code::LogoutRefused
                | Code::TokenMalformed
                | Code::TokenEncrypted
                | Code::TokenAlgorithm
                | Code::TokenHeader
                | Code::TokenKind
                | Code::TokenKeyUnknown
                | Code::TokenSignature
        ),
        _ => false,
    }
}

impl fmt::Debug for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warnings").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: Code) -> Happening {
        Happening::SignInFailed { code }
    }

    #[test]
    fn one_warning_a_second_for_each_kind_and_the_next_one_counts_the_others() {
        let warnings = Warnings::default();
        let of = |code| warnings.of_event(&failed(code), None);
        assert_eq!(of(Code::ProviderUnavailable), Severity::Warning { suppressed: 0 });
        for _ in 0..3 {
            assert_eq!(of(Code::ProviderUnavailable), Severity::Info);
        }
        assert_eq!(of(Code::TokenSignature), Severity::Warning { suppressed: 0 }, "another kind");
        // A second later.
        let kind = ("sign_in_failed", "provider_unavailable", None);
        let before = std::time::Instant::now().checked_sub(INTERVAL).map(Stopwatch::since);
        warnings.0.lock().unwrap().get_mut(&kind).unwrap().since = before.unwrap();
        assert_eq!(of(Code::ProviderUnavailable), Severity::Warning { suppressed: 3 });
        assert_eq!(of(Code::ProviderUnavailable), Severity::Info);
    }

    #[test]
    fn what_strangers_cause_is_no_warning_and_what_okta_refuses_is_one() {
        let warnings = Warnings::default();
        for code in [Code::AttemptUnknown, Code::CallbackMalformed] {
            assert_eq!(warnings.of_event(&failed(code), None), Severity::Info);
        }
        let refused = |error: &str| Error::new(Code::TokenRefused, "").with_provider_error(error);
        let of = |error: &Error| warnings.of_event(&failed(Code::TokenRefused), Some(error));
        assert_eq!(of(&refused("invalid_grant")), Severity::Info);
        assert_eq!(of(&refused("invalid_client")), Severity::Warning { suppressed: 0 });
        assert_eq!(of(&refused("unauthorized_client")), Severity::Warning { suppressed: 0 });
        let cross_origin = Error::new(Code::CrossOrigin, "");
        assert_eq!(warnings.of_error(&cross_origin, true), Severity::Info);
        assert_eq!(warnings.of_error(&cross_origin, false), Severity::Warning { suppressed: 0 });
    }

    #[test]
    fn a_session_that_ends_for_tokens_that_do_not_fit_it_is_a_warning() {
        let warnings = Warnings::default();
        let ended = Happening::SessionEnded { why: crate::events::EndReason::RenewalRefused };
        let of = |error: Option<&Error>| warnings.of_event(&ended, error);
        let refused = Error::new(Code::TokenRefused, "").with_provider_error("invalid_grant");
        assert_eq!((of(None), of(Some(&refused))), (Severity::Info, Severity::Info));
        let other = Error::invalid_claim("auth_time", "is another one");
        assert_eq!(of(Some(&other)), Severity::Warning { suppressed: 0 });
    }

    #[test]
    fn made_up_error_codes_are_one_kind() {
        let warnings = Warnings::default();
        let of = |error: &str| {
            let error = Error::new(Code::AuthorizationRefused, "").with_provider_error(error);
            warnings.of_event(&failed(Code::AuthorizationRefused), Some(&error))
        };
        assert_eq!(of("one"), Severity::Warning { suppressed: 0 });
        assert!((0..1_000).all(|n| of(&format!("made_up_{n}")) == Severity::Info));
    }
}
