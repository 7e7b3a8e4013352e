//! The store that is the browser: sessions in sealed cookies.

use std::sync::Arc;

use http::HeaderValue;

use super::clock_skew::ClockSkew;
use super::limits::{Activity, SessionLimits};
use super::opened::{Opened, OpenedSessions};
use super::record::{Formats, Session};
use super::tokens::SealedText;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::{Chunks, CookieKeys, CookieSettings, Purpose, RequestCookies, Sealer};
use crate::error::Result;

/// The first byte of a sealed record. A record of another format is no session.
const FORMATS: Formats = Formats { current: 5, previous: 4 };

/// Reads and writes sessions in cookies.
#[derive(Debug)]
pub(crate) struct CookieStore {
    /// Seals for this issuer and client.
    sealer: Arc<Sealer>,
    /// Where sessions are written.
    place: Place,
    /// Where an earlier version of this library wrote them.
    previous: Option<Place>,
    /// When a session ends.
    limits: SessionLimits,
    /// Whose issuer and client a record must name.
    config: Arc<Config>,
    /// What has been opened; `None` if nothing is to be remembered.
    opened: Option<OpenedSessions>,
    /// Warns about sessions from the future.
    skew: ClockSkew,
}

/// The cookies of one name.
#[derive(Debug)]
struct Place {
    /// Spreads over several cookies.
    chunks: Chunks,
    /// The name of the first cookie, for which a session is sealed.
    name: Arc<str>,
}

impl Place {
    /// The cookies of this name, to which the settings may add a prefix.
    fn new(settings: CookieSettings, name: &str) -> Self {
        let chunks = Chunks::new(settings, name);
        Self { name: chunks.name().into(), chunks }
    }
}

/// What a request's cookies hold.
#[derive(Debug)]
pub(crate) enum Loaded {
    /// Nothing that opens. Cookies of our name may belong to another application on the
    /// host, so they stay.
    None,
    /// A live session; `rewrite` if its cookie should be written again (time of use, or
    /// an old key).
    Session { session: Arc<Session>, rewrite: bool },
    /// A session of ours that has ended by its limits. It is to be cleared.
    Ended,
    /// A session of ours that began in the future: a clock is wrong.
    Early(Arc<Session>),
}

impl CookieStore {
    /// Seals for one issuer and one client: a session of another one does not open.
    pub(crate) fn new(
        keys: &CookieKeys,
        settings: CookieSettings,
        config: &Arc<Config>,
        limits: SessionLimits,
    ) -> Result<Self> {
        let (owner, client_id) = config.owner();
        let sealer = Arc::new(keys.sealer(Purpose::Session, &format!("{owner} {client_id}"))?);
        let previous = config.cookie_names.previous.as_deref().map(|name| Place::new(settings.clone(), name));
        let place = Place::new(settings, &config.cookie_names.current);
        let capacity = config.options.session_cache_size;
        let opened = (capacity > 0).then(|| OpenedSessions::new(capacity));
        let skew = ClockSkew::default();
        Ok(Self { sealer, place, previous, limits, config: Arc::clone(config), opened, skew })
    }

    /// The session of a request. Never an error: what cannot be read is no session.
    pub(crate) fn load(&self, cookies: &RequestCookies, now: Timestamp, activity: Activity) -> Loaded {
        let live = |opened: &Opened| self.limits.is_live(opened.session.lifeline(), now);
        let known = |cache: &OpenedSessions| cache.find(self.place.chunks.first(cookies)?, &self.place.name);
        let (mut ended, mut early) = (false, None);
        let mut open = self.opened.as_ref().and_then(known).filter(live);
        for place in self.places() {
            let candidates = if open.is_none() { place.chunks.candidates(cookies) } else { Vec::new() };
            let opened: Vec<Opened> = candidates.iter().filter_map(|text| self.open(place, text)).collect();
            ended |= !opened.is_empty();
            early = early.or_else(|| opened.iter().find(|opened| opened.session.is_early(now)).cloned());
            open = open.or_else(|| opened.into_iter().find(live));
        }
        match (open, early) {
            (Some(Opened { session, old_key, .. }), _) => {
                let is_used = activity == Activity::Active && self.limits.is_touch_due(session.lifeline(), now);
                Loaded::Session { session, rewrite: old_key || is_used }
            }
            (None, Some(early)) => {
                self.skew.check(early.session.lifeline(), now);
                Loaded::Early(early.session)
            }
            (None, None) if ended => Loaded::Ended,
            (None, None) => Loaded::None,
        }
    }

    /// Where sessions may be: first the name of now.
    fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.place).chain(&self.previous)
    }

    /// Opens, or finds that it has been opened. Every way to fail is the same to the
    /// caller.
    fn open(&self, place: &Place, text: &[u8]) -> Option<Opened> {
        let Some(cache) = &self.opened else { return self.open_now(place, text) };
        if let Some(known) = cache.find(text, &place.name) {
            return Some(known);
        }
        let Opened { session, old_key, name } = self.open_now(place, text)?;
        let text: Arc<[u8]> = text.into();
        let cookie = SealedText { sealer: Arc::clone(&self.sealer), name: Arc::clone(&name), text: Arc::clone(&text) };
        let session = Arc::new(Arc::unwrap_or_clone(session).with_sealed_tokens(cookie));
        let opened = Opened { session, old_key, name };
        cache.insert(text, opened.clone());
        Some(opened)
    }

    /// Opens and decodes.
    fn open_now(&self, place: &Place, text: &[u8]) -> Option<Opened> {
        let opened = self.sealer.open(&place.name, text)?;
        let old_key = opened.old_key;
        let (bytes, range) = opened.into_parts();
        let session = Session::decode(bytes, range, FORMATS)?;
        let name = Arc::clone(&place.name);
        session.belongs_to(&self.config).then(|| Opened { session: Arc::new(session), old_key, name })
    }

    /// The `Set-Cookie` values that store a session in place of whatever the browser
    /// holds. A session under the previous name moves by this.
    ///
    /// # Errors
    /// [`Code::SessionTooLarge`](crate::error::Code::SessionTooLarge) if it does not
    /// fit into cookies.
    pub(crate) fn save(&self, cookies: &RequestCookies, session: &Session, now: Timestamp) -> Result<Vec<HeaderValue>> {
        let plain = session.encode(FORMATS, &self.limits)?;
        let sealed = self.sealer.seal_bytes(&self.place.name, &plain)?;
        let left = self.limits.remaining(session.lifeline(), now);
        let mut set = self.place.chunks.write(cookies, &sealed, left)?;
        set.extend(self.previous.iter().flat_map(|place| self.clear_at(place, cookies)));
        Ok(set)
    }

    /// The `Set-Cookie` values that take the session away. What does not open is of
    /// another application, and stays.
    pub(crate) fn clear(&self, cookies: &RequestCookies) -> Vec<HeaderValue> {
        self.places().flat_map(|place| self.clear_at(place, cookies)).collect()
    }

    /// The same for the cookies of one name.
    fn clear_at(&self, place: &Place, cookies: &RequestCookies) -> Vec<HeaderValue> {
        let ours = place.chunks.candidates(cookies).iter().any(|text| self.open(place, text).is_some());
        if ours { place.chunks.clear(cookies) } else { Vec::new() }
    }

    /// Its cookies.
    pub(crate) fn chunks(&self) -> &Chunks {
        &self.place.chunks
    }

    /// The name of the first cookie.
    pub(crate) fn cookie_name(&self) -> &str {
        &self.place.name
    }
}

#[cfg(test)]
#[path = "cookie_store_tests.rs"]
mod tests;
