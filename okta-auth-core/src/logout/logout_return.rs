//! The return from the provider after a logout.
//!
//! The provider adds the `state` of the request to the URL that the browser returns to. A short-lived cookie stores
//! that state, so that the application can remove it from the URL and confirm the logout.
//!
//! | the cookie has | a navigation | then |
//! |---|---|---|
//! | a state | whose query has the same `state` | is redirected to its URL without it; the cookie records the return |
//! | a state | any other | is unchanged: its `state` is the application's own |
//! | the return | without a session | may show once that the user is signed out |
//!
//! The cookie is sealed, so a page on a neighbouring subdomain cannot plant one for a `state` of the application's own.

use std::time::Duration;

use http::HeaderValue;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::{CookieKeys, CookieSettings, Purpose, RequestCookies, Sealer};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// How long the browser may stay at the provider.
const AWAY: Duration = Duration::from_secs(600);
/// How long the return is stored.
const ARRIVED: Duration = Duration::from_secs(60);

/// Stores logouts in the browsers that return from the provider.
#[derive(Debug)]
pub(crate) struct LogoutReturns {
    sealer: Sealer,
    cookies: CookieSettings,
    name: String,
    /// Whether the post-logout redirect URI is on this application's origin.
    here: bool,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    /// The state that the provider will echo; `None` after the browser has returned.
    state: Option<Secret>,
    expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogoutReturn {
    /// The browser returns from the provider. Contains the path and query without the state.
    Returns(String),
    /// The browser has returned before.
    Arrived,
}

impl LogoutReturns {
    pub(crate) fn new(keys: &CookieKeys, cookies: CookieSettings, config: &Config) -> Result<Self> {
        let (owner, client_id) = config.owner();
        let sealer = keys.sealer(Purpose::SignOut, &format!("{owner} {client_id}"))?;
        let name = cookies.name(&format!("{}_signed_out", config.cookie_names.current));
        let here = config.app.post_logout_redirect_uri.origin() == config.app.base_url.origin();
        Ok(Self { sealer, cookies, name, here })
    }

    /// Returns the `Set-Cookie` value that stores the state, or without a state records the return.
    ///
    /// Returns `None` if the browser does not return to this application.
    pub(crate) fn begin(&self, state: Option<Secret>, now: Timestamp) -> Result<Option<HeaderValue>> {
        if !self.here {
            return Ok(None);
        }
        let lifetime = if state.is_some() { AWAY } else { ARRIVED };
        let plain = postcard::to_allocvec(&Sealed { state, expires_at: now.plus(lifetime) });
        let failed = |error| Error::new(Code::Internal, "a logout cannot be encoded").with_cause(error);
        let sealed = self.sealer.seal(&self.name, &plain.map_err(failed)?)?;
        self.cookies.set(&self.name, &sealed, Some(lifetime)).map(Some)
    }

    pub(crate) fn read(&self, request: &RequestCookies, target: &str, now: Timestamp) -> Option<LogoutReturn> {
        let opened = request.values(&self.name).find_map(|value| self.sealer.open(&self.name, value))?;
        let sealed: Sealed = postcard::from_bytes(opened.plain()).ok()?;
        if now >= sealed.expires_at {
            return None;
        }
        match sealed.state {
            None => Some(LogoutReturn::Arrived),
            Some(state) => without_state(target, state.expose()).map(LogoutReturn::Returns),
        }
    }

    pub(crate) fn clear(&self) -> HeaderValue {
        self.cookies.remove(&self.name)
    }
}

/// Removes the parameter `state` with this value from a path and query. Returns `None` if it is missing. Everything
/// else stays byte for byte.
fn without_state(target: &str, state: &str) -> Option<String> {
    let (path, query) = target.split_once('?')?;
    let is_ours = |pair: &&str| {
        form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, value)| name == "state" && value == state)
    };
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_ours(pair)).collect();
    let found = rest.len() < query.split('&').count();
    found.then(|| if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::jar_for_tests::Jar;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    /// The `LogoutReturns` of a tenant; secret, issuer and client are the same for all.
    fn of_tenant(id: &str) -> LogoutReturns {
        let config = Config::builder().issuer("https://issuer.example").client_id("client").tenant(id);
        let keys = CookieKeys::new(&[Secret::new("a secret for tests, 32 bytes or more")]);
        LogoutReturns::new(&keys, CookieSettings::new(false), &config.build().unwrap()).unwrap()
    }

    #[test]
    fn a_state_is_accepted_only_at_its_own_tenant_and_for_ten_minutes() {
        let acme = of_tenant("acme");
        let cookie = Jar::with(&acme.begin(Some(Secret::new("S")), NOW).unwrap()).cookies();
        let read = |landings: &LogoutReturns, seconds| {
            landings.read(&cookie, "/?state=S", NOW.plus(Duration::from_secs(seconds)))
        };
        assert_eq!(read(&acme, 599), Some(LogoutReturn::Returns("/".to_owned())));
        assert_eq!(read(&acme, 600), None);
        assert_eq!(read(&of_tenant("globex"), 0), None);
        let forged = Jar::with(&[HeaderValue::from_static("okta_session_signed_out=S;")]).cookies();
        assert_eq!(acme.read(&forged, "/?state=S", NOW), None);
    }

    #[test]
    fn only_the_state_is_removed_from_the_query() {
        for (target, without) in [
            ("/?state=S", Some("/")),
            ("/a%20b?x=%41&state=S&y", Some("/a%20b?x=%41&y")),
            ("/?st%61te=S&state=mine", Some("/?state=mine")),
            ("/?state=T", None),
            ("/?states=S&xstate=S&state", None),
            ("/state=S", None),
            ("/", None),
        ] {
            assert_eq!(without_state(target, "S").as_deref(), without, "{target}");
        }
    }
}
