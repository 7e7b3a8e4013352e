//! Decides the log level of failures.
//!
//! | failure | level |
//! |---|---|
//! | an unauthenticated client alone can cause it: junk callbacks, old links, unknown hosts, forged logout messages | `info` |
//! | any other | `warn`, once a second for each kind; further ones within that second are `info`, and the next warning counts them |
//!
//! Every failure is logged, so each reference that a user was shown is in the log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::kind::EventKind;
use crate::clock::Stopwatch;
use crate::error::{Code, Error};

/// The minimum time between two warnings of one kind.
const INTERVAL: Duration = Duration::from_secs(1);
/// The maximum number of stored kinds. It is larger than the number of codes, because Okta's error code is part of some
/// kinds.
const KINDS: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Info,
    Warning {
        /// How many failures of this kind were logged at `info` since the last warning.
        suppressed: u64,
    },
}

type Kind = (&'static str, &'static str, Option<String>);

#[derive(Default)]
pub(super) struct Warnings(Mutex<HashMap<Kind, Window>>);

struct Window {
    since: Stopwatch,
    suppressed: u64,
}

impl Warnings {
    pub(super) fn of_event(&self, kind: &EventKind, error: Option<&Error>) -> Severity {
        let failed = kind.is_failure() || is_unexpected_end(kind, error);
        if !failed || is_by_strangers(kind, error) {
            return Severity::Info;
        }
        self.warn((kind.name(), kind.reason(), answer_of_okta(error)))
    }

    /// The level of an error without an event. `anonymous` if the request had no session.
    pub(super) fn of_error(&self, error: &Error, anonymous: bool) -> Severity {
        let by_strangers = match error.code() {
            Code::TenantUnknown | Code::CallbackMalformed | Code::CredentialsMalformed | Code::AccessDenied => true,
            Code::SignOutLinkInvalid | Code::ActorDenied | Code::ProxyRefused | Code::ProxyTooLarge => true,
            // With a session the cause is probably a wrong OKTA_BASE_URL.
            Code::CrossOrigin => anonymous,
            _ => false,
        };
        if by_strangers {
            Severity::Info
        } else {
            self.warn(("error", error.code().as_str(), answer_of_okta(Some(error))))
        }
    }

    /// Returns a warning, unless there was one of this kind within the last second.
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

/// Okta's error code, if it came from the token endpoint. On a callback an attacker can forge it.
fn answer_of_okta(error: Option<&Error>) -> Option<String> {
    error.filter(|error| error.code() == Code::TokenRefused)?.provider_error().map(str::to_owned)
}

/// Whether a session ended because its new tokens do not fit it. If Okta refuses the refresh, the session has ended as
/// expected, which is not a failure.
fn is_unexpected_end(kind: &EventKind, error: Option<&Error>) -> bool {
    let ended = matches!(kind, EventKind::SessionEnded { .. });
    ended && error.is_some_and(|error| error.code() != Code::TokenRefused)
}

/// Whether an unauthenticated client can cause this: without a session, a key or an account.
fn is_by_strangers(kind: &EventKind, error: Option<&Error>) -> bool {
    match kind {
        EventKind::SignInFailed { code } => match code {
            Code::AttemptUnknown | Code::AttemptExpired | Code::CallbackMalformed | Code::TenantUnknown => true,
            // A made-up or used code: unauthenticated clients can start a sign-in too.
            Code::TokenRefused => error.and_then(Error::provider_error) == Some("invalid_grant"),
            _ => false,
        },
        // The issuer has not signed the message, or the message is not meant for this endpoint.
        EventKind::LogoutReceived { refused: Some(code), .. } => matches!(
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

opaque_debug!(Warnings);

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: Code) -> EventKind {
        EventKind::SignInFailed { code }
    }

    #[test]
    fn warns_once_a_second_for_each_kind_and_counts_the_suppressed_failures() {
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
    fn failures_by_unauthenticated_clients_are_info_and_refusals_by_okta_are_warnings() {
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
    fn a_session_that_ends_because_its_new_tokens_do_not_fit_is_a_warning() {
        let warnings = Warnings::default();
        let ended = EventKind::SessionEnded { why: crate::events::EndReason::RenewalRefused };
        let of = |error: Option<&Error>| warnings.of_event(&ended, error);
        let refused = Error::new(Code::TokenRefused, "").with_provider_error("invalid_grant");
        assert_eq!((of(None), of(Some(&refused))), (Severity::Info, Severity::Info));
        let other = Error::invalid_claim("auth_time", "differs");
        assert_eq!(of(Some(&other)), Severity::Warning { suppressed: 0 });
    }

    #[test]
    fn made_up_error_codes_count_as_one_kind() {
        let warnings = Warnings::default();
        let of = |error: &str| {
            let error = Error::new(Code::AuthorizationRefused, "").with_provider_error(error);
            warnings.of_event(&failed(Code::AuthorizationRefused), Some(&error))
        };
        assert_eq!(of("one"), Severity::Warning { suppressed: 0 });
        assert!((0..1_000).all(|n| of(&format!("made_up_{n}")) == Severity::Info));
    }
}
