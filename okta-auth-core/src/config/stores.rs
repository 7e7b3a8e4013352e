//! Where sessions are stored, and where revocations of sessions are stored.
//!
//! Only the browser can delete a session that is sealed in its cookies, because the server keeps no list of such
//! sessions. A sign-out by Okta or an administrator must therefore be recorded in the revocation store. Sessions in a
//! store are ended in that store.
//!
//! After an error each function still returns a store. It is never used, because the error is among the findings and no
//! configuration is built.

use super::env::{REVOCATION_STORE, SESSION_STORE};
use super::problem::Diagnostics;
use crate::secret::Secret;

/// Whether a scheme is that of a shared store: `redis`, `rediss` with TLS, a cluster or sentinels, and the same for
/// Valkey.
fn is_shared(scheme: &str) -> bool {
    let server = scheme.strip_suffix("-cluster").or_else(|| scheme.strip_suffix("-sentinel")).unwrap_or(scheme);
    matches!(server, "redis" | "rediss" | "valkey" | "valkeys")
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionStoreKind {
    Cookie,
    Memory,
    /// In Redis or Valkey; the URL may contain a password.
    Shared(Secret),
}

/// Where the revocations of sessions in cookies are stored: `OKTA_REVOCATION_STORE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RevocationStoreKind {
    /// Nowhere: a session in a cookie lives until it expires.
    None,
    Memory,
    Shared(Secret),
}

pub(super) fn session_place(value: Option<&str>, findings: &mut Diagnostics) -> SessionStoreKind {
    match value.unwrap_or("cookie") {
        "cookie" => SessionStoreKind::Cookie,
        "memory" => SessionStoreKind::Memory,
        url => match shared(SESSION_STORE, url, "`cookie`, `memory` or `redis://host:6379`", findings) {
            Some(url) => SessionStoreKind::Shared(url),
            None => SessionStoreKind::Cookie,
        },
    }
}

/// Parses `OKTA_REVOCATION_STORE`. Sessions in a store are ended there and need no revocation store.
///
/// The default is the memory of the process, which is correct for a single process. With sessions in cookies,
/// revocations are off only if the setting is `none`.
pub(super) fn revocation_place(
    value: Option<&str>,
    place: &SessionStoreKind,
    findings: &mut Diagnostics,
) -> RevocationStoreKind {
    if *place != SessionStoreKind::Cookie {
        if value.is_some() {
            let message = "sessions in a store are ended in that store, so this setting has no effect; remove it";
            findings.warning(REVOCATION_STORE, message);
        }
        return RevocationStoreKind::None;
    }
    match value {
        None | Some("memory") => RevocationStoreKind::Memory,
        Some("none") => RevocationStoreKind::None,
        Some(url) => match shared(REVOCATION_STORE, url, "`memory`, `none` or `redis://host:6379`", findings) {
            Some(url) => RevocationStoreKind::Shared(url),
            None => RevocationStoreKind::Memory,
        },
    }
}

/// Warns at startup, in an application for the public, about stores that do not fit.
///
/// `secure` is whether the base URL is https and users sign in here. On http the application is in development, and the
/// warnings would be noise.
pub(super) fn warn(
    sessions: &SessionStoreKind,
    revocations: &RevocationStoreKind,
    secure: bool,
    findings: &mut Diagnostics,
) {
    if !secure {
        return;
    }
    if *sessions == SessionStoreKind::Memory {
        let message = "sessions in memory are lost at a restart and unknown to other replicas; use `redis://..`, or \
                       `cookie`";
        findings.warning(SESSION_STORE, message);
    }
    if *sessions == SessionStoreKind::Cookie && *revocations == RevocationStoreKind::Memory {
        let message = "revocations are stored in the memory of this process: after a restart, or at a second replica, \
                       a copy of a signed-out cookie is accepted again, and a sign-out by Okta or an administrator \
                       has no effect; set OKTA_REVOCATION_STORE=redis://.., or move the sessions with \
                       OKTA_SESSION_STORE=redis://..";
        findings.warning(REVOCATION_STORE, message);
    }
}

/// Parses the URL of a shared store. The URL never appears in a message, because it may contain a password.
///
/// Only the scheme is checked; the store parses the rest when it connects. A missing feature and a wrong scheme have
/// different messages, because the fix for one is in `Cargo.toml` and for the other in the variable.
fn shared(variable: &'static str, url: &str, choices: &str, findings: &mut Diagnostics) -> Option<Secret> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    if !is_shared(scheme) {
        return findings.reject(variable, format!("it is not a supported store; use {choices}"));
    }
    if url.ends_with("://..") || url.ends_with("://...") {
        return findings
            .reject(variable, "it is still a placeholder; replace it with the host of your Redis or Valkey");
    }
    if !cfg!(feature = "redis") {
        return findings.reject(variable, "a store in Redis needs the feature `redis` of okta-auth in Cargo.toml");
    }
    Some(Secret::new(url))
}
