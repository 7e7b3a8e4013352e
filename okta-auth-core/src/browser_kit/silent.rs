//! Silent sign-in: one attempt without a prompt (`prompt=none`, OIDC Core §3.1.2.1), until the browser is closed.
//!
//! Okta answers `login_required` if the browser has no session there, and the browser returns to the page as it is. A
//! cookie without an expiry time records that Okta was asked, so that no page asks in a loop. It is set at logout too:
//! a user who signed out must not be signed in again by opening a page.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::HeaderValue;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::{CookieSettings, RequestCookies};
use crate::error::Error;

/// The pause after a silent sign-in that could not be started. During an outage of Okta, pages are shown as they are,
/// also in browsers that refuse the cookie.
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct SilentLogins {
    cookies: CookieSettings,
    name: String,
    /// Whether any page begins silent sign-ins.
    is_used: bool,
    /// In seconds since 1970.
    paused_until: AtomicI64,
}

impl SilentLogins {
    /// Creates them for an application that begins silent sign-ins at routes, or only by its scripts.
    pub(super) fn new(config: &Config, has_routes: bool) -> Self {
        let cookies = CookieSettings::new(config.app.is_secure());
        let name = cookies.name(&format!("{}_silent_used", config.cookie_names.current));
        let is_used = has_routes || config.app.options.browser_kit.is_on;
        Self { cookies, name, is_used, paused_until: AtomicI64::new(0) }
    }

    /// Whether Okta has not been asked about this browser yet.
    pub(crate) fn is_due(&self, request: &RequestCookies, now: Timestamp) -> bool {
        request.first(&self.name).is_none() && now.seconds() >= self.paused_until.load(Ordering::Relaxed)
    }

    /// Returns the `Set-Cookie` value that records the attempt.
    pub(crate) fn record(&self) -> Option<HeaderValue> {
        self.cookies.set(&self.name, "1", None).ok()
    }

    /// Returns the `Set-Cookie` value for a logout, if any page begins silent sign-ins.
    pub(crate) fn record_logout(&self) -> Option<HeaderValue> {
        self.is_used.then(|| self.record()).flatten()
    }

    /// Pauses, because an attempt could not be started.
    pub(crate) fn pause(&self, now: Timestamp) {
        self.paused_until.store(now.plus(PAUSE).seconds(), Ordering::Relaxed);
    }
}

/// Whether the provider would have to ask the user (OIDC Core §3.1.2.6): the usual result of a silent sign-in.
pub(crate) fn needs_the_user(error: &Error) -> bool {
    let required = ["login_required", "interaction_required", "consent_required", "account_selection_required"];
    error.provider_error().is_some_and(|error| required.contains(&error))
}
