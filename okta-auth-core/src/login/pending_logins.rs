//! The cookies of pending logins: one for each attempt, sealed, bounded in number and in size.
//!
//! # Limits
//!
//! Proxies answer 400 to requests with too many bytes of cookies. Therefore:
//!
//! 1. A browser holds at most `max_attempts` pending logins, with fewer than [`ROOM`] bytes of names and values in
//!    total.
//! 2. The oldest attempt is evicted first. Timestamps have microseconds, and the attempts of one browser always have
//!    different ones.
//! 3. A long target never evicts another attempt: it is shortened to its path, or else to `/`.
//! 4. Expired attempts, and cookies that do not open, stay while there is space. An expired attempt still has the page
//!    to return to, and a cookie that does not open may belong to another application on the host.
//! 5. Tabs that start at the same moment do not see each other's cookies, so together they can exceed the limit. The
//!    next start or callback evicts the oldest of them.
//! 6. One response deletes at most `max_attempts` cookies, regardless of how many the browser sends.

use std::time::Duration;

use http::HeaderValue;

use super::options::LoginOptions;
use super::pending::PendingLogin;
use super::return_to::ReturnTo;
use crate::base64url;
use crate::clock::{Moment, Timestamp};
use crate::config::{Config, ResponseMode};
use crate::cookie::{CookieKeys, CookieSettings, Purpose, RequestCookies, Sealer};
use crate::error::{Code, Error, Result};
use crate::protocol::AuthorizationParameters;
use crate::secret::{Secret, sha256};

/// The names and values of all pending logins of a browser, with `=` and `; ` around each, have fewer bytes than this.
const ROOM: usize = 4_000;

/// The size of an attempt with an ordinary target, of up to 200 bytes.
const ORDINARY: usize = 480;

/// The maximum number of values of one name that are tried.
const VALUES: usize = 4;

/// The bytes around a name and a value in a `Cookie` header.
const AROUND: usize = 3;

/// The cookie outlives its attempt by this time, because Okta's sign-in page expires after an hour.
const AFTERLIFE: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub(crate) struct PendingLogins {
    /// Bound to this issuer and client.
    sealer: Sealer,
    /// Cookie attributes; cross-site for form posts.
    cookies: CookieSettings,
    /// The prefix of all cookie names.
    prefix: String,
    lifetime: Duration,
    /// The maximum number of attempts in one browser.
    most: usize,
}

/// A cookie with the name of an attempt.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Held<'a> {
    /// When the attempt began; `None` if the cookie does not open.
    created_at: Option<Moment>,
    name: &'a str,
    /// Its size in a `Cookie` header, in bytes.
    size: usize,
}

impl PendingLogins {
    pub(crate) fn new(keys: &CookieKeys, cookies: CookieSettings, config: &Config) -> Result<Self> {
        let (owner, client_id) = config.owner();
        // Bound to the issuer too: a code from a tenant's previous issuer must never be sent to its new one.
        let tenant = format!("{owner} {} {client_id}", config.issuer);
        // A form post comes from another site, so the browser sends only `SameSite=None` cookies.
        let cookies = cookies.cross_site(config.app.options.response_mode == ResponseMode::FormPost);
        Ok(Self {
            sealer: keys.sealer(Purpose::PendingLogin, &tenant)?,
            prefix: cookies.name(&format!("{}_login_", config.cookie_names.current)),
            cookies,
            lifetime: config.app.options.attempt_lifetime,
            most: config.app.options.max_attempts,
        })
    }

    /// Starts an attempt. Returns it with its `Set-Cookie` value, and with the deletions of evicted attempts.
    pub(crate) fn begin(
        &self,
        options: &LoginOptions,
        request: &RequestCookies,
        now: Moment,
    ) -> Result<(PendingLogin, Vec<HeaderValue>)> {
        let (mut live, mut spare) = self.held(request, now.timestamp());
        let left = |evicted: &Vec<_>| self.most.saturating_sub(evicted.len());
        let mut evicted = evict(&mut live, self.most, |live| live.len() >= self.most);
        let overfull = size(&live) >= ROOM;
        if overfull {
            let crowded = |live: &[Held<'_>]| size(live).saturating_add(ORDINARY) >= ROOM;
            evicted.extend(evict(&mut live, left(&evicted), crowded));
        }
        let latest = live.last().and_then(|held| held.created_at);
        let pending = PendingLogin::new(options, latest.map_or(now, |latest| now.after(latest)))?;
        let name = self.name(pending.state.expose());
        let room = ROOM.saturating_sub(name.len()).saturating_sub(AROUND);
        let space = room.saturating_sub(size(&live)).max(if overfull { ORDINARY } else { 0 });
        let (pending, sealed) = self.seal(pending, &name, space)?;
        let crowded = |held: &[Held<'_>]| size(held).saturating_add(sealed.len()) >= room;
        evicted.extend(evict(&mut live, left(&evicted), crowded));
        let (room, number) = (room.saturating_sub(size(&live)), self.most.saturating_sub(live.len()));
        let crowded = |held: &[Held<'_>]| held.len() >= number || size(held).saturating_add(sealed.len()) >= room;
        evicted.extend(evict(&mut spare, left(&evicted), crowded));
        let mut cookies: Vec<HeaderValue> = evicted.into_iter().map(|name| self.cookies.remove(name)).collect();
        cookies.push(self.cookies.set(&name, &sealed, Some(self.lifetime.saturating_add(AFTERLIFE)))?);
        Ok((pending, cookies))
    }

    /// Deletes the oldest attempts of a browser that has more of them than fit, but never that of `state`, which the
    /// request is about.
    pub(crate) fn trim(&self, request: &RequestCookies, state: &str, now: Timestamp) -> Vec<HeaderValue> {
        let (live, mut held) = self.held(request, now);
        // Expired ones first. What does not open may belong to another application.
        held.extend(live);
        let own = self.name(state);
        held.retain(|held| held.created_at.is_some() && held.name != own);
        let evicted = evict(&mut held, self.most.saturating_sub(1), |held| size(held) >= ROOM);
        evicted.into_iter().map(|name| self.cookies.remove(name)).collect()
    }

    /// Seals an attempt in fewer than `room` bytes, with as much of its target as fits. With the target `/` it is
    /// sealed in any case.
    fn seal(&self, pending: PendingLogin, name: &str, room: usize) -> Result<(PendingLogin, String)> {
        let sealed = self.sealer.seal(name, &pending.encode()?)?;
        let target = pending.return_to().clone();
        if sealed.len() < room || target == ReturnTo::root() {
            return Ok((pending, sealed));
        }
        let path = target.without_query();
        let (shorter, to) = if path == target { (ReturnTo::root(), "/") } else { (path, "its path") };
        tracing::info!(target: "okta_auth", "a sign-in's return target did not fit into the cookies and became {to}");
        self.seal(pending.returning_to(shorter), name, room)
    }

    /// Returns this browser's pending login for a response with `state`. It may have expired.
    ///
    /// # Errors
    /// [`Code::AttemptUnknown`] if there is none.
    pub(crate) fn find(&self, request: &RequestCookies, state: &str) -> Result<PendingLogin> {
        self.open(request, &self.name(state)).ok_or_else(|| {
            let message = "no pending sign-in of this browser has the state of the response: its cookie is gone, the \
                           link was opened in another browser, or OKTA_BASE_URL is not the address in use; allow \
                           cookies, and open the application at the address of OKTA_BASE_URL";
            Error::new(Code::AttemptUnknown, message)
        })
    }

    /// Checks that an attempt may still be completed.
    ///
    /// # Errors
    /// [`Code::AttemptExpired`] if it is too old.
    pub(crate) fn check_live(&self, pending: &PendingLogin, now: Timestamp) -> Result<()> {
        if pending.is_live(self.lifetime, now) {
            return Ok(());
        }
        Err(Error::new(Code::AttemptExpired, "the pending sign-in is too old"))
    }

    pub(crate) fn clear(&self, state: &Secret) -> HeaderValue {
        self.cookies.remove(&self.name(state.expose()))
    }

    /// The name contains a hash of the state, so that it does not reveal the state.
    fn name(&self, state: &str) -> String {
        let hash = sha256(state.as_bytes());
        format!("{}{}", self.prefix, base64url::encode(hash.get(..12).unwrap_or_default()))
    }

    /// Reads a pending login from its cookie. Returns `None` if no value opens.
    fn open(&self, request: &RequestCookies, name: &str) -> Option<PendingLogin> {
        let mut values = request.values(name).take(VALUES);
        values.find_map(|value| PendingLogin::decode(self.sealer.open(name, value)?.plain()))
    }

    /// The attempts of a browser that may still be completed, and the other cookies with such a name. Both are sorted
    /// with the first to evict in front.
    fn held<'a>(&'a self, request: &'a RequestCookies, now: Timestamp) -> (Vec<Held<'a>>, Vec<Held<'a>>) {
        let (mut live, mut spare) = (Vec::new(), Vec::new());
        for (name, value) in request.with_prefix(&self.prefix) {
            let size = name.len().saturating_add(value.len()).saturating_add(AROUND);
            let pending = self.open(request, name);
            let held = Held { created_at: pending.as_ref().map(PendingLogin::created_at), name, size };
            let is_live = pending.is_some_and(|pending| pending.is_live(self.lifetime, now));
            if is_live { live.push(held) } else { spare.push(held) }
        }
        live.sort();
        spare.sort();
        (live, spare)
    }
}

/// The size of cookies in a header, in bytes.
fn size(held: &[Held<'_>]) -> usize {
    held.iter().map(|held| held.size).fold(0, usize::saturating_add)
}

/// Removes cookies from the front while the rest is crowded, and at most `most`.
fn evict<'a>(held: &mut Vec<Held<'a>>, most: usize, crowded: impl Fn(&[Held<'a>]) -> bool) -> Vec<&'a str> {
    let until = (0..held.len().min(most)).find(|at| held.get(*at..).is_none_or(|rest| !crowded(rest)));
    let number = until.unwrap_or(held.len().min(most));
    held.drain(..number).map(|held| held.name).collect()
}

impl PendingLogin {
    pub(crate) fn parameters<'a>(&'a self, options: &'a LoginOptions) -> AuthorizationParameters<'a> {
        AuthorizationParameters {
            state: &self.state,
            nonce: &self.nonce,
            pkce_verifier: &self.pkce_verifier,
            login_hint: options.login_hint.as_deref(),
            force_login: options.force_login && !options.silent,
            silent: options.silent,
            max_age: options.max_age,
            acr_values: &options.acr_values,
            further: &options.parameters,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigBuilder;
    use crate::cookie::jar_for_tests::Jar;
    use crate::login::ReturnTo;

    fn logins(is_secure: bool, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> PendingLogins {
        let config = change(Config::builder().issuer("https://issuer.example").client_id("client")).build().unwrap();
        let keys = CookieKeys::new(&[Secret::new("a secret for tests, 32 bytes or more")]);
        PendingLogins::new(&keys, CookieSettings::new(is_secure), &config).unwrap()
    }

    fn of_tenant(id: &str) -> PendingLogins {
        logins(false, |config| config.tenant(id))
    }

    /// Starts an attempt. Also returns the number of cookies that the response deletes.
    fn begin(jar: &mut Jar, attempts: &PendingLogins, target: &str, now: Moment) -> (PendingLogin, usize) {
        let options = LoginOptions::new(ReturnTo::parse(target, &"https://app.example".parse().unwrap()));
        let (pending, set) = attempts.begin(&options, &jar.cookies(), now).unwrap();
        jar.take(&set);
        (pending, set.len() - 1)
    }

    fn size(jar: &Jar) -> usize {
        jar.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    fn secure() -> PendingLogins {
        logins(true, |config| config)
    }

    #[test]
    fn eight_ordinary_attempts_fit_beside_a_long_one_and_the_oldest_is_evicted_first() {
        // The clock stands still, and the attempts are ordered nevertheless.
        let (attempts, mut jar, now) = (secure(), Jar::default(), Moment::from_seconds(1_800_000_000));
        let long = format!("/search?q={}", "x".repeat(1_800));
        let mut begun = vec![begin(&mut jar, &attempts, &long, now).0];
        begun.extend((0..7).map(|page| begin(&mut jar, &attempts, &format!("/orders?page={page}"), now).0));
        assert_eq!((jar.0.len(), begun[0].return_to().as_str()), (8, long.as_str()));
        for page in 0..20 {
            assert!(size(&jar) < ROOM, "{}", size(&jar));
            assert!(attempts.find(&jar.cookies(), begun[page].state.expose()).is_ok(), "{page}");
            begun.push(begin(&mut jar, &attempts, "/orders", now).0);
            assert!(attempts.find(&jar.cookies(), begun[page].state.expose()).is_err(), "{page} is the oldest");
            assert_eq!(jar.0.len(), 8);
        }
    }

    #[test]
    fn a_long_target_is_shortened_and_evicts_no_other_attempt() {
        let (attempts, mut jar, now) = (secure(), Jar::default(), Moment::from_seconds(1_800_000_000));
        let long = format!("/search?q={}#end", "x".repeat(2_500));
        assert_eq!(begin(&mut jar, &attempts, &long, now).0.return_to().as_str(), long);
        assert_eq!(begin(&mut jar, &attempts, &long, now).0.return_to().as_str(), "/search");
        let path = format!("/{}", "x".repeat(3_000));
        assert_eq!(begin(&mut jar, &attempts, &path, now).0.return_to().as_str(), "/");
        assert!(jar.0.len() == 3 && size(&jar) < ROOM, "{}", size(&jar));
        let alone = format!("/{}", "x".repeat(3_800));
        assert_eq!(begin(&mut Jar::default(), &attempts, &alone, now).0.return_to().as_str(), "/");
    }

    #[test]
    fn junk_and_expired_attempts_are_evicted_at_most_eight_at_a_time() {
        let (attempts, mut jar, now) = (secure(), Jar::default(), Moment::from_seconds(1_800_000_000));
        jar.0.extend((0..150).map(|n| (format!("{}{n}", attempts.prefix), "x".repeat(100))));
        let live = begin(&mut jar, &attempts, "/orders?page=2", now);
        assert_eq!((live.0.return_to().as_str(), live.1), ("/orders?page=2", 8));
        let mut jar = Jar::default();
        let expired = begin(&mut jar, &attempts, "/first", now).0;
        let later = Moment::from_seconds(1_800_000_601);
        assert_eq!(begin(&mut jar, &attempts, "/second", later).1, 0, "the expired attempts were evicted without need");
        let found = attempts.find(&jar.cookies(), expired.state.expose()).unwrap();
        assert_eq!(found.return_to().as_str(), "/first");
        assert_eq!(attempts.check_live(&found, later.timestamp()).unwrap_err().code(), Code::AttemptExpired);
        // The other two do not fit beside this one.
        let long = format!("/{}", "x".repeat(2_700));
        assert_eq!(
            begin(&mut jar, &attempts, &long, later).0.return_to().as_str(),
            long,
            "a target was shortened to keep an expired attempt"
        );
        assert!(attempts.find(&jar.cookies(), expired.state.expose()).is_err());
    }

    /// Issuer, client and cookie names are the same, so only the seal separates the two tenants.
    #[test]
    fn a_pending_login_of_one_tenant_does_not_open_for_another() {
        let (acme, now) = (of_tenant("acme"), Moment::from_seconds(1_000));
        let options = LoginOptions::new(ReturnTo::root());
        let (pending, set) = acme.begin(&options, &RequestCookies::default(), now).unwrap();
        let (request, state) = (Jar::with(&set).cookies(), pending.state.expose());
        assert!(acme.find(&request, state).is_ok());
        assert_eq!(of_tenant("globex").find(&request, state).unwrap_err().code(), Code::AttemptUnknown);
    }
}
