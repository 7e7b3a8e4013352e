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
    /// Spreads over several cookies.
    chunks: Chunks,
    /// When a session ends.
    limits: SessionLimits,
    /// Whose issuer and client a record must name.
    config: Arc<Config>,
    /// The name of the first cookie, for which a session is sealed.
    name: Arc<str>,
    /// What has been opened; `None` if nothing is to be remembered.
    opened: Option<OpenedSessions>,
    /// Warns about sessions from the future.
    skew: ClockSkew,
}

/// What a request's cookies hold.
#[derive(Debug)]
pub(crate) enum Loaded {
    /// Nothing of ours.
    None,
    /// A live session; `rewrite` if its cookie should be written again (time of use, or
    /// an old key).
    Session { session: Arc<Session>, rewrite: bool },
    /// Something that is no session: edited, expired, sealed with a key that is gone.
    /// It is to be cleared.
    Invalid,
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
        let chunks = Chunks::new(settings, &config.options.cookie_name);
        let (name, capacity) = (chunks.name().into(), config.options.session_cache_size);
        let opened = (capacity > 0).then(|| OpenedSessions::new(capacity));
        let skew = ClockSkew::default();
        Ok(Self { sealer, chunks, limits, config: Arc::clone(config), name, opened, skew })
    }

    /// The session of a request. Never an error: what cannot be read is no session.
    pub(crate) fn load(&self, cookies: &RequestCookies, now: Timestamp, activity: Activity) -> Loaded {
        if let Some(Opened { session, old_key }) = self.open(cookies) {
            let line = session.lifeline();
            if self.limits.is_live(line, now) {
                let is_used = activity == Activity::Active && self.limits.is_touch_due(line, now);
                let rewrite = old_key || is_used;
                return Loaded::Session { session, rewrite };
            }
            self.skew.check(line, now);
        }
        if self.chunks.present(cookies) { Loaded::Invalid } else { Loaded::None }
    }

    /// Opens, or finds that it has been opened. Every way to fail is the same to the
    /// caller.
    fn open(&self, cookies: &RequestCookies) -> Option<Opened> {
        let known = |cache: &OpenedSessions| cache.find(self.chunks.first(cookies)?);
        if let Some(known) = self.opened.as_ref().and_then(known) {
            return Some(known);
        }
        let text = self.chunks.read(cookies)?;
        let Some(cache) = &self.opened else { return self.open_now(&text) };
        // It may be in several parts, or behind another value of its name that is no text.
        if let Some(known) = cache.find(&text) {
            return Some(known);
        }
        let Opened { session, old_key } = self.open_now(&text)?;
        let text: Arc<[u8]> = text.into();
        let cookie =
            SealedText { sealer: Arc::clone(&self.sealer), name: Arc::clone(&self.name), text: Arc::clone(&text) };
        let session = Arc::new(Arc::unwrap_or_clone(session).with_sealed_tokens(cookie));
        let opened = Opened { session, old_key };
        cache.insert(text, opened.clone());
        Some(opened)
    }

    /// Opens and decodes.
    fn open_now(&self, text: &[u8]) -> Option<Opened> {
        let opened = self.sealer.open(&self.name, text)?;
        let old_key = opened.old_key;
        let (bytes, range) = opened.into_parts();
        let session = Session::decode(bytes, range, FORMATS)?;
        session.belongs_to(&self.config).then(|| Opened { session: Arc::new(session), old_key })
    }

    /// The `Set-Cookie` values that store a session in place of whatever the browser
    /// holds.
    ///
    /// # Errors
    /// [`Code::SessionTooLarge`](crate::error::Code::SessionTooLarge) if it does not
    /// fit into cookies.
    pub(crate) fn save(&self, cookies: &RequestCookies, session: &Session, now: Timestamp) -> Result<Vec<HeaderValue>> {
        let plain = session.encode(FORMATS, &self.limits)?;
        let sealed = self.sealer.seal_bytes(&self.name, &plain)?;
        let left = self.limits.remaining(session.lifeline(), now);
        self.chunks.write(cookies, &sealed, left)
    }

    /// The `Set-Cookie` values that take the session away.
    pub(crate) fn clear(&self, cookies: &RequestCookies) -> Vec<HeaderValue> {
        self.chunks.clear(cookies)
    }

    /// Its cookies.
    pub(crate) fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// The name of the first cookie.
    pub(crate) fn cookie_name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
#[path = "cookie_store_tests.rs"]
mod tests;
