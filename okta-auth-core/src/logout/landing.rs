//! The way back from the provider after a sign-out.
//!
//! The provider echoes the `state` of the request into the address that the browser comes
//! back to. A short-lived cookie remembers that state, so the application can drop it from
//! the address and say that the sign-out worked.
//!
//! | the cookie has | a navigation | then |
//! |---|---|---|
//! | a state | whose query has the same `state` | is redirected to its address without it, and the cookie notes the arrival |
//! | a state | any other | is not touched: its `state` is the application's own |
//! | the arrival | without a session | may show that the user is signed out, once |
//!
//! The cookie is sealed, so a page on a neighbouring subdomain cannot plant one for a
//! `state` of the application's own.

use std::time::Duration;

use http::HeaderValue;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::{CookieKeys, CookieSettings, Purpose, RequestCookies, Sealer};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// How long the provider may take.
const AWAY: Duration = Duration::from_secs(600);
/// How long the arrival is remembered.
const ARRIVED: Duration = Duration::from_secs(60);

/// Remembers sign-outs in the browsers that come back from one.
#[derive(Debug)]
pub(crate) struct Landings {
    sealer: Sealer,
    cookies: CookieSettings,
    name: String,
    /// Whether the browser comes back to this application at all.
    here: bool,
}

/// What the cookie has.
#[derive(Serialize, Deserialize)]
struct Sealed {
    /// What the provider will echo; `None` once the browser has arrived.
    state: Option<Secret>,
    expires_at: Timestamp,
}

/// What a request is to a sign-out before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    /// It comes from the provider. Its path and query without the state.
    Returns(String),
    /// It comes after the return.
    Arrived,
}

impl Landings {
    /// For one issuer and one client.
    pub(crate) fn new(keys: &CookieKeys, cookies: CookieSettings, config: &Config) -> Result<Self> {
        let (owner, client_id) = config.owner();
        let sealer = keys.sealer(Purpose::SignOut, &format!("{owner} {client_id}"))?;
        let name = cookies.name(&format!("{}_signed_out", config.options.cookie_name));
        let here = config.post_logout_redirect_uri.origin() == config.base_url.origin();
        Ok(Self { sealer, cookies, name, here })
    }

    /// The `Set-Cookie` value that waits for the return with this state, or without a state
    /// notes the arrival.
    ///
    /// `None` if the browser does not come back here.
    ///
    /// # Errors
    /// [`Code::Internal`].
    pub(crate) fn begin(&self, state: Option<Secret>, now: Timestamp) -> Result<Option<HeaderValue>> {
        if !self.here {
            return Ok(None);
        }
        let lifetime = if state.is_some() { AWAY } else { ARRIVED };
        let plain = postcard::to_allocvec(&Sealed { state, expires_at: now.plus(lifetime) });
        let failed = |error| Error::new(Code::Internal, "a sign-out cannot be encoded").with_cause(error);
        let sealed = self.sealer.seal(&self.name, &plain.map_err(failed)?)?;
        self.cookies.set(&self.name, &sealed, Some(lifetime)).map(Some)
    }

    /// What a navigation to a path and query is.
    pub(crate) fn read(&self, request: &RequestCookies, target: &str, now: Timestamp) -> Option<Landing> {
        let opened = self.sealer.open(&self.name, request.value(&self.name)?)?;
        let sealed: Sealed = postcard::from_bytes(opened.plain()).ok()?;
        if now >= sealed.expires_at {
            return None;
        }
        match sealed.state {
            None => Some(Landing::Arrived),
            Some(state) => without_state(target, state.expose()).map(Landing::Returns),
        }
    }

    /// The `Set-Cookie` value that forgets it.
    pub(crate) fn clear(&self) -> HeaderValue {
        self.cookies.remove(&self.name)
    }
}

/// A path and query without the parameter `state` of this value; `None` if it is not
/// there. Everything else stays as it was written.
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

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    /// The landings of a tenant; secret, issuer and client are the same for all.
    fn of_tenant(id: &str) -> Landings {
        let config = Config::builder().issuer("https://issuer.example").client_id("client").tenant(id);
        let keys = CookieKeys::new(&[Secret::new("a secret for tests, 32 bytes or more")]);
        Landings::new(&keys, CookieSettings::new(false), &config.build().unwrap()).unwrap()
    }

    /// What a browser sends back.
    fn sent(set: &HeaderValue) -> RequestCookies {
        let mut headers = http::HeaderMap::new();
        headers.append("cookie", set.to_str().unwrap().split(';').next().unwrap().parse().unwrap());
        RequestCookies::new(&headers)
    }

    #[test]
    fn a_state_counts_at_its_own_tenant_and_for_ten_minutes() {
        let acme = of_tenant("acme");
        let cookie = sent(&acme.begin(Some(Secret::new("S")), NOW).unwrap().unwrap());
        let read =
            |landings: &Landings, seconds| landings.read(&cookie, "/?state=S", NOW.plus(Duration::from_secs(seconds)));
        assert_eq!(read(&acme, 599), Some(Landing::Returns("/".to_owned())));
        assert_eq!(read(&acme, 600), None);
        assert_eq!(read(&of_tenant("globex"), 0), None);
        assert_eq!(acme.read(&sent(&HeaderValue::from_static("okta_session_signed_out=S;")), "/?state=S", NOW), None);
    }

    #[test]
    fn one_parameter_goes_and_everything_else_stays() {
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
