//! Stores sessions in sealed cookies in the browser.

use std::sync::Arc;

use http::HeaderValue;

use super::clock_skew::ClockSkew;
use super::cookie_cache::{CookieCache, Opened};
use super::limits::{Activity, SessionLimits};
use super::lookup::LoadedSession;
use super::record::{Formats, Session};
use super::stored::SessionEntry;
use super::tokens::SealedText;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::{Chunks, CookieKeys, CookieSettings, Purpose, RequestCookies, Sealer};
use crate::error::Result;

/// The first byte of a sealed record. Records with any other format byte are ignored.
const FORMATS: Formats = Formats { current: 5, previous: 4 };

#[derive(Debug)]
pub(crate) struct CookieStore {
    sealer: Arc<Sealer>,
    place: Place,
    /// The cookies that an earlier version of this library used.
    previous: Option<Place>,
    limits: SessionLimits,
    /// The issuer and client that a record must name.
    config: Arc<Config>,
    /// Caches opened cookies; `None` if the cache is disabled.
    opened: Option<CookieCache>,
    skew: ClockSkew,
}

#[derive(Debug)]
struct Place {
    chunks: Chunks,
    /// The name of the first cookie; sealing binds a session to it.
    name: Arc<str>,
    /// Whether an earlier version wrote sessions there.
    previous: bool,
}

impl Place {
    fn new(settings: CookieSettings, name: &str, previous: bool) -> Self {
        let chunks = Chunks::new(settings, name);
        Self { name: chunks.name().into(), chunks, previous }
    }
}

impl CookieStore {
    /// Seals for one issuer and one client: sessions of any other issuer or client do not open.
    pub(crate) fn new(
        keys: &CookieKeys,
        settings: CookieSettings,
        config: &Arc<Config>,
        limits: SessionLimits,
    ) -> Result<Self> {
        let (owner, client_id) = config.owner();
        let sealer = Arc::new(keys.sealer(Purpose::Session, &format!("{owner} {client_id}"))?);
        let previous = config.cookie_names.previous.as_deref().map(|name| Place::new(settings.clone(), name, true));
        let place = Place::new(settings, &config.cookie_names.current, false);
        let capacity = config.app.options.session_cache_size;
        let opened = (capacity > 0).then(|| CookieCache::new(capacity));
        let skew = ClockSkew::default();
        Ok(Self { sealer, place, previous, limits, config: Arc::clone(config), opened, skew })
    }

    /// Returns the session of a request. Unreadable cookies count as no session and are never an error.
    pub(crate) fn load(&self, cookies: &RequestCookies, now: Timestamp, activity: Activity) -> LoadedSession {
        let live = |opened: &Opened| self.limits.is_live(opened.session.lifeline(), now);
        let known = |cache: &CookieCache| cache.find(self.place.chunks.first(cookies)?, false);
        let (mut ended, mut early) = (false, None);
        let mut open = self.opened.as_ref().and_then(known).filter(live);
        let mut candidates = self.places().flat_map(|place| self.opened_at(place, cookies));
        while open.is_none()
            && let Some(opened) = candidates.next()
        {
            ended = true;
            if live(&opened) {
                open = Some(opened);
            } else if early.is_none() && opened.session.is_early(now) {
                early = Some(opened);
            }
        }
        match (open, early) {
            (Some(Opened { session, needs_reseal, .. }), _) => {
                let is_used = activity == Activity::Active && self.limits.is_touch_due(session.lifeline(), now);
                let entry = SessionEntry { session, version: 0, needs_reseal: false };
                LoadedSession::Live { entry, needs_rewrite: needs_reseal || is_used }
            }
            (None, Some(early)) => {
                self.skew.check(early.session.lifeline(), now);
                LoadedSession::Early(early.session)
            }
            (None, None) if ended => LoadedSession::Ended,
            (None, None) => LoadedSession::None,
        }
    }

    /// The sessions in the cookies of one name.
    fn opened_at<'a>(&'a self, place: &'a Place, cookies: &'a RequestCookies) -> impl Iterator<Item = Opened> + 'a {
        place.chunks.candidates(cookies).filter_map(|text| self.open(place, &text))
    }

    /// All names that may hold a session; the current name first.
    fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.place).chain(&self.previous)
    }

    /// Opens a cookie, from the cache if possible. All failures look the same to the caller.
    fn open(&self, place: &Place, text: &[u8]) -> Option<Opened> {
        let Some(cache) = &self.opened else { return self.open_now(place, text) };
        if let Some(known) = cache.find(text, place.previous) {
            return Some(known);
        }
        let Opened { session, needs_reseal, previous } = self.open_now(place, text)?;
        let (text, name): (Arc<[u8]>, _) = (text.into(), Arc::clone(&place.name));
        let cookie = SealedText { sealer: Arc::clone(&self.sealer), name, text: Arc::clone(&text) };
        let session = Arc::new(Arc::unwrap_or_clone(session).with_sealed_tokens(cookie));
        let opened = Opened { session, needs_reseal, previous };
        cache.insert(text, opened.clone());
        Some(opened)
    }

    /// Opens and decodes, without the cache.
    fn open_now(&self, place: &Place, text: &[u8]) -> Option<Opened> {
        let opened = self.sealer.open(&place.name, text)?;
        let needs_reseal = opened.needs_reseal;
        let (bytes, range) = opened.into_parts();
        let session = Session::decode(bytes, range, FORMATS)?;
        let previous = place.previous;
        session.belongs_to(&self.config).then_some(Opened { session, needs_reseal, previous })
    }

    /// Returns the `Set-Cookie` values that replace the browser's session by this one. This also moves a session from
    /// the previous name to the current one.
    ///
    /// # Errors
    /// [`Code::SessionTooLarge`](crate::error::Code::SessionTooLarge) if it does not fit into cookies.
    pub(crate) fn save(&self, cookies: &RequestCookies, session: &Session, now: Timestamp) -> Result<Vec<HeaderValue>> {
        let plain = session.encode(FORMATS, &self.limits)?;
        let sealed = self.sealer.seal_bytes(&self.place.name, &plain)?;
        let left = self.limits.remaining(session.lifeline(), now);
        // Usually the browser has nothing to delete, and its one cookie is not searched again.
        let none = RequestCookies::default();
        let cookies = if cookies.only(&self.place.name).is_some() { &none } else { cookies };
        let mut set = self.place.chunks.write(cookies, &sealed, left)?;
        set.extend(self.previous.iter().flat_map(|place| self.clear_at(place, cookies)));
        Ok(set)
    }

    /// Returns the `Set-Cookie` values that delete the session. Cookies that do not open belong to another application,
    /// and stay.
    pub(crate) fn clear(&self, cookies: &RequestCookies) -> Vec<HeaderValue> {
        self.places().flat_map(|place| self.clear_at(place, cookies)).collect()
    }

    fn clear_at(&self, place: &Place, cookies: &RequestCookies) -> Vec<HeaderValue> {
        if self.opened_at(place, cookies).next().is_some() { place.chunks.clear(cookies) } else { Vec::new() }
    }

    pub(crate) fn chunks(&self) -> &Chunks {
        &self.place.chunks
    }

    pub(crate) fn cookie_name(&self) -> &str {
        &self.place.name
    }
}

#[cfg(test)]
#[path = "cookie_store_tests.rs"]
mod tests;
