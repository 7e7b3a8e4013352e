//! The cookies of pending sign-ins: one each, capped per browser, sealed.

use http::HeaderValue;

use super::options::LoginOptions;
use super::pending::PendingLogin;
use crate::base64url;
use crate::clock::Timestamp;
use crate::config::{Config, ResponseMode};
use crate::cookie::{CookieKeys, CookieSettings, Purpose, RequestCookies, Sealer};
use crate::error::{Code, Error, Result};
use crate::protocol::AuthorizationParameters;
use crate::secret::{Secret, sha256};

/// Keeps pending sign-ins in the browsers that started them.
#[derive(Debug)]
pub(crate) struct Attempts {
    /// Seals for this issuer and client.
    sealer: Sealer,
    /// Attributes; cross-site for form posts.
    cookies: CookieSettings,
    /// What the names of all attempts begin with.
    prefix: String,
    /// How long an attempt waits for its callback.
    lifetime: std::time::Duration,
    /// How many of them one browser may hold.
    most: usize,
}

impl Attempts {
    /// Keeps attempts for one issuer and one client.
    pub(crate) fn new(keys: &CookieKeys, cookies: CookieSettings, config: &Config) -> Result<Self> {
        let (owner, client_id) = config.owner();
        // The issuer too: a code of the one that a tenant had before is never sent to the next one.
        let tenant = format!("{owner} {} {client_id}", config.issuer);
        // A form post comes from another site, and a browser then sends `SameSite=None`
        // cookies alone.
        let cookies = cookies.cross_site(config.options.response_mode == ResponseMode::FormPost);
        Ok(Self {
            sealer: keys.sealer(Purpose::PendingLogin, &tenant)?,
            prefix: cookies.name(&format!("{}_login_", config.options.cookie_name)),
            cookies,
            lifetime: config.options.attempt_lifetime,
            most: config.options.max_attempts,
        })
    }

    /// Starts an attempt. Returns it with the cookie that holds it, and the deletion of
    /// the attempts that are past the cap: the oldest go first.
    pub(crate) fn begin(
        &self,
        options: &LoginOptions,
        request: &RequestCookies,
        now: Timestamp,
    ) -> Result<(PendingLogin, Vec<HeaderValue>)> {
        let pending = PendingLogin::new(options, now)?;
        let plain = postcard::to_allocvec(&pending)
            .map_err(|error| Error::new(Code::Internal, "a pending sign-in cannot be encoded").with_cause(error))?;
        let name = self.name(pending.state.expose());
        let sealed = self.sealer.seal(&name, &plain)?;
        let mut cookies = self.evict(request, now);
        cookies.push(self.cookies.set(&name, &sealed, Some(self.lifetime))?);
        Ok((pending, cookies))
    }

    /// The pending sign-in of this browser to which a response with `state` belongs.
    ///
    /// # Errors
    /// [`Code::AttemptUnknown`] if there is none, [`Code::AttemptExpired`] if it is too
    /// old.
    pub(crate) fn find(&self, request: &RequestCookies, state: &str, now: Timestamp) -> Result<PendingLogin> {
        let pending = self.open(request, &self.name(state));
        let pending = pending.ok_or_else(|| {
            let message = "no pending sign-in of this browser has the state of the response: its cookie is gone, the \
                           link was opened in another browser, or OKTA_BASE_URL is not the address in use; allow \
                           cookies, and open the application at the address of OKTA_BASE_URL";
            Error::new(Code::AttemptUnknown, message)
        })?;
        if !pending.is_live(self.lifetime, now) {
            return Err(Error::new(Code::AttemptExpired, "the pending sign-in is too old"));
        }
        Ok(pending)
    }

    /// Deletes the cookie of an attempt.
    pub(crate) fn clear(&self, state: &Secret) -> HeaderValue {
        self.cookies.remove(&self.name(state.expose()))
    }

    /// The name is made from a hash of the state, so that it tells nothing about it.
    fn name(&self, state: &str) -> String {
        format!("{}{}", self.prefix, mark_of(state))
    }

    /// A pending sign-in from its cookie; `None` for anything that is not exactly one.
    fn open(&self, request: &RequestCookies, name: &str) -> Option<PendingLogin> {
        let opened = self.sealer.open(name, request.value(name)?)?;
        postcard::from_bytes(opened.plain()).ok()
    }

    /// Makes room for one more. What cannot be opened, or is dead, goes first.
    fn evict(&self, request: &RequestCookies, now: Timestamp) -> Vec<HeaderValue> {
        let names = request.names_with_prefix(&self.prefix);
        let mut attempts: Vec<(Option<Timestamp>, &str)> = names
            .map(|name| {
                let live = self.open(request, name).filter(|pending| pending.is_live(self.lifetime, now));
                (live.map(|pending| pending.created_at), name)
            })
            .collect();
        attempts.sort();
        let surplus = attempts.len().saturating_sub(self.most.saturating_sub(1));
        let gone = attempts.iter().enumerate().filter(|(at, (live, _))| *at < surplus || live.is_none());
        gone.map(|(_, (_, name))| self.cookies.remove(name)).collect()
    }
}

/// What stands for a state in the name of its cookie: a hash, that tells nothing about
/// it.
fn mark_of(state: &str) -> String {
    let hash = sha256(state.as_bytes());
    base64url::encode(hash.get(..12).unwrap_or_default())
}

impl PendingLogin {
    /// The authorization request that belongs to this attempt.
    pub(crate) fn parameters<'a>(&'a self, options: &'a LoginOptions) -> AuthorizationParameters<'a> {
        AuthorizationParameters {
            state: &self.state,
            nonce: &self.nonce,
            pkce_verifier: &self.pkce_verifier,
            login_hint: options.login_hint.as_deref(),
            force_login: options.force_login,
            max_age: options.max_age,
            acr_values: &options.acr_values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::ReturnTo;

    fn of_tenant(id: &str) -> Attempts {
        let config = Config::builder().issuer("https://issuer.example").client_id("client").tenant(id).build();
        let keys = CookieKeys::new(&[Secret::new("a secret for tests, 32 bytes or more")]);
        Attempts::new(&keys, CookieSettings::new(false), &config.unwrap()).unwrap()
    }

    /// Issuer, client and the names of cookies are the same: the seal alone keeps the two apart.
    #[test]
    fn a_pending_sign_in_of_one_tenant_is_none_of_another() {
        let (acme, now) = (of_tenant("acme"), Timestamp::from_seconds(1_000));
        let options = LoginOptions::new(ReturnTo::root());
        let (pending, set) = acme.begin(&options, &RequestCookies::default(), now).unwrap();
        let pair = set[0].to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = http::HeaderMap::new();
        headers.insert(http::header::COOKIE, pair.parse().unwrap());
        let (request, state) = (RequestCookies::new(&headers), pending.state.expose());
        assert!(acme.find(&request, state, now).is_ok());
        assert_eq!(of_tenant("globex").find(&request, state, now).unwrap_err().code(), Code::AttemptUnknown);
    }
}
