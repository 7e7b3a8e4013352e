//! The store that is the browser: sessions in sealed cookies.

use std::sync::Arc;

use http::HeaderValue;

use super::limits::SessionLimits;
use super::record::Session;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::{Chunks, CookieKeys, CookieSettings, Purpose, RequestCookies, Sealer};
use crate::error::Result;

/// The first byte of a sealed record. A record of another format is no session.
const FORMAT: u8 = 2;

/// Reads and writes sessions in cookies.
#[derive(Debug)]
pub(crate) struct CookieStore {
    /// Seals for this issuer and client.
    sealer: Sealer,
    /// Spreads over several cookies.
    chunks: Chunks,
    /// When a session ends.
    limits: SessionLimits,
    /// The issuer that a record must name.
    issuer: String,
    /// The client that a record must name.
    client_id: String,
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
        config: &Config,
        limits: SessionLimits,
    ) -> Result<Self> {
        let (issuer, client_id) = (config.issuer.as_str().to_owned(), config.client_id.clone());
        let sealer = keys.sealer(Purpose::Session, &format!("{issuer} {client_id}"))?;
        let chunks = Chunks::new(settings, &config.options.cookie_name);
        Ok(Self { sealer, chunks, limits, issuer, client_id })
    }

    /// The session of a request. Never an error: what cannot be read is no session.
    pub(crate) fn load(&self, cookies: &RequestCookies, now: Timestamp) -> Loaded {
        match self.open(cookies, now) {
            Some((session, old_key)) => {
                let rewrite = old_key || self.limits.is_touch_due(session.last_seen_at(), now);
                Loaded::Session { session: Arc::new(session), rewrite }
            }
            None if self.chunks.present(cookies) => Loaded::Invalid,
            None => Loaded::None,
        }
    }

    /// Opens, decodes and judges. Every way to fail is the same to the caller.
    fn open(&self, cookies: &RequestCookies, now: Timestamp) -> Option<(Session, bool)> {
        let text = self.chunks.read(cookies)?;
        let opened = self.sealer.open(self.chunks.name(), &text)?;
        let old_key = opened.old_key;
        let (bytes, range) = opened.into_parts();
        let session = Session::decode(bytes, range, FORMAT)?;
        let ours = session.belongs_to(&self.issuer, &self.client_id);
        let live = self.limits.is_live(session.created_at(), session.last_seen_at(), now);
        (ours && live).then_some((session, old_key))
    }

    /// The `Set-Cookie` values that store a session in place of whatever the browser
    /// holds.
    ///
    /// # Errors
    /// [`Code::SessionTooLarge`](crate::error::Code::SessionTooLarge) if it does not fit into cookies.
    pub(crate) fn save(&self, cookies: &RequestCookies, session: &Session, now: Timestamp) -> Result<Vec<HeaderValue>> {
        let plain = session.encode(FORMAT)?;
        let sealed = self.sealer.seal(self.chunks.name(), &plain)?;
        let left = self.limits.remaining(session.created_at(), session.last_seen_at(), now);
        self.chunks.write(cookies, &sealed, left)
    }

    /// The `Set-Cookie` values that take the session away.
    pub(crate) fn clear(&self, cookies: &RequestCookies) -> Vec<HeaderValue> {
        self.chunks.clear(cookies)
    }

    /// The name of the first cookie.
    pub(crate) fn cookie_name(&self) -> &str {
        self.chunks.name()
    }
}

#[cfg(test)]
#[path = "cookie_store_tests.rs"]
mod tests;
