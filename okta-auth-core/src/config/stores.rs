//! Where sessions live, and where it is written down which of them have been ended.
//!
//! A session that is sealed in cookies can be ended by nobody but its browser: the
//! server keeps no list of such sessions. So what Okta or an administrator ends has
//! to be written down, and that is the second place. Sessions in a store are ended
//! there.
//!
//! After an error each function still gives back a place. It is never used: the
//! error is among the findings, and no configuration is built.

use super::env::{REVOCATION_STORE, SESSION_STORE};
use super::problem::Findings;
use crate::secret::Secret;

/// Whether a scheme is that of a shared store: `redis`, with TLS `rediss`, of a cluster or
/// of sentinels, and the same in the words of Valkey.
fn is_shared(scheme: &str) -> bool {
    let server = scheme.strip_suffix("-cluster").or_else(|| scheme.strip_suffix("-sentinel")).unwrap_or(scheme);
    matches!(server, "redis" | "rediss" | "valkey" | "valkeys")
}

/// Where sessions live: `OKTA_SESSION_STORE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionPlace {
    /// Sealed in the browser's cookies.
    Cookie,
    /// In the memory of this process.
    Memory,
    /// In Redis or Valkey; the URL may hold a password.
    Shared(Secret),
}

/// Where it is written down which sessions in cookies have been ended:
/// `OKTA_REVOCATION_STORE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RevocationPlace {
    /// Nowhere: a session in a cookie lives until its limits.
    None,
    /// In the memory of this process.
    Memory,
    /// In Redis or Valkey.
    Shared(Secret),
}

/// Reads `OKTA_SESSION_STORE`.
pub(super) fn session_place(value: Option<&str>, findings: &mut Findings) -> SessionPlace {
    match value.unwrap_or("cookie") {
        "cookie" => SessionPlace::Cookie,
        "memory" => SessionPlace::Memory,
        url => match shared(SESSION_STORE, url, "`cookie`, `memory` or `redis://host:6379`", findings) {
            Some(url) => SessionPlace::Shared(url),
            None => SessionPlace::Cookie,
        },
    }
}

/// Reads `OKTA_REVOCATION_STORE`. Sessions in a store are ended there, and need no
/// other place.
///
/// The default is the memory of the process, which is right as long as there is one
/// process. With sessions in cookies, nothing is written down only if `none` is
/// asked for by name.
pub(super) fn revocation_place(value: Option<&str>, place: &SessionPlace, findings: &mut Findings) -> RevocationPlace {
    if *place != SessionPlace::Cookie {
        if value.is_some() {
            let message = "sessions in a store are ended in that store, so this is not read; remove it";
            findings.warning(REVOCATION_STORE, message);
        }
        return RevocationPlace::None;
    }
    match value {
        None | Some("memory") => RevocationPlace::Memory,
        Some("none") => RevocationPlace::None,
        Some(url) => match shared(REVOCATION_STORE, url, "`memory`, `none` or `redis://host:6379`", findings) {
            Some(url) => RevocationPlace::Shared(url),
            None => RevocationPlace::Memory,
        },
    }
}

/// What cannot work with a store, said once at the start of an application that is meant
/// for the public.
///
/// `secure` is whether the base URL is https and people sign in here. On http the
/// application is being developed, and the warnings would be noise.
pub(super) fn warn(sessions: &SessionPlace, revocations: &RevocationPlace, secure: bool, findings: &mut Findings) {
    if !secure {
        return;
    }
    if *sessions == SessionPlace::Memory {
        let message = "sessions in memory are gone with a restart and unknown to other replicas; use `redis://..`, or \
                       `cookie`";
        findings.warning(SESSION_STORE, message);
    }
    if *sessions == SessionPlace::Cookie && *revocations == RevocationPlace::Memory {
        let message = "ended sessions are kept in the memory of this process: after a restart, or at a second replica, \
                       a copy of a signed-out cookie is accepted again, and a sign-out that Okta or an administrator \
                       sends does not count; set OKTA_REVOCATION_STORE=redis://.., or move the sessions with \
                       OKTA_SESSION_STORE=redis://..";
        findings.warning(REVOCATION_STORE, message);
    }
}

/// The URL of a shared store. It never enters a message: it may hold a password.
///
/// Only the scheme is looked at; the rest is read by whoever connects. That the
/// feature is missing is told apart from a wrong scheme: the one is mended in
/// `Cargo.toml`, the other in the variable.
fn shared(variable: &'static str, url: &str, choices: &str, findings: &mut Findings) -> Option<Secret> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    if !is_shared(scheme) {
        findings.error(variable, format!("it is none of the stores that there are; use {choices}"));
        return None;
    }
    if url.ends_with("://..") || url.ends_with("://...") {
        findings.error(variable, "it is still a placeholder; put the host of your Redis or Valkey there");
        return None;
    }
    if !cfg!(feature = "redis") {
        findings.error(variable, "a store in Redis needs the feature `redis` of okta-auth in Cargo.toml");
        return None;
    }
    Some(Secret::new(url))
}
