//! Sessions in a store: the browser has an id, and the store has the sealed record.
//!
//! The id is 256 random bits followed by a MAC. The store sees only the hash of these bits. The record under that hash
//! is sealed with the cookie keys, bound to that hash and to its version. A record does not open under another key or
//! with another version. So an attacker who can write to the store cannot replace a record by an older one with a newer
//! version.

use std::sync::Arc;

use crate::base64url;
use http::HeaderValue;

use super::clock_skew::ClockSkew;
use super::index_keys::{IndexKeys, IndexKind};
use super::limits::{Activity, SessionLimits};
use super::probe::{Probe, ProbeFuture, Probed};
use super::record::{Formats, Session};
use super::store::{SessionStore, StoreKey, StoredRecord};
use super::store_timeout::with_store_timeout;
use super::watches::Watches;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::{Chunks, CookieKeys, CookieSettings, PresentedId, Purpose, RequestCookies, Sealer, SessionIds};
use crate::error::{Code, Error, Result};
use crate::events::SessionId;
use crate::secret::{SecretBytes, random_bytes};

/// The first byte of a sealed record. Records with any other format byte are ignored.
const FORMATS: Formats = Formats { current: 3, previous: 2 };

/// The maximum number of ids of one request that are looked up.
const CANDIDATES: usize = 4;

#[derive(Clone, Copy, Debug)]
pub(crate) struct PresentedKey {
    pub(crate) key: StoreKey,
    /// Whether the MAC shows that the id was issued here. Ids of the previous format have no MAC.
    pub(crate) proven: bool,
}

#[derive(Clone)]
pub(crate) struct StoredSessions(Arc<Inner>);

struct Inner {
    store: Arc<dyn SessionStore>,
    sealer: Sealer,
    ids: SessionIds,
    chunks: Chunks,
    /// The cookies of the name that an earlier version of this library used.
    previous: Option<Chunks>,
    limits: SessionLimits,
    index_keys: IndexKeys,
    config: Arc<Config>,
    skew: ClockSkew,
    watches: Watches,
}

/// A session with the version of its record.
#[derive(Clone, Debug)]
pub(crate) struct SessionEntry {
    pub(crate) session: Arc<Session>,
    pub(crate) version: u64,
    /// Whether it was sealed with a previous key.
    pub(crate) needs_reseal: bool,
}

impl StoredSessions {
    /// Stores sessions of one issuer and one client: sessions of any other issuer or client have other keys and do not
    /// open.
    ///
    /// The sealer has its own purpose: a record from the store is not valid as a cookie, although both are sealed with
    /// the same cookie secrets.
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        keys: &CookieKeys,
        settings: CookieSettings,
        config: &Arc<Config>,
        (limits, watches): (SessionLimits, Watches),
    ) -> Result<Self> {
        let (owner, client_id) = config.owner();
        let tenant = format!("{owner} {client_id}");
        let (sealer, ids) = (keys.sealer(Purpose::StoredSession, &tenant)?, keys.session_ids()?);
        let previous = config.cookie_names.previous.as_deref().map(|name| Chunks::new(settings.clone(), name));
        let chunks = Chunks::new(settings, &config.cookie_names.current);
        let (index_keys, skew, config) = (IndexKeys::of(config), ClockSkew::default(), Arc::clone(config));
        Ok(Self(Arc::new(Inner { store, sealer, ids, chunks, previous, limits, index_keys, config, skew, watches })))
    }

    /// Returns the keys of the records that a request's cookies name, usually one and at most [`CANDIDATES`].
    ///
    /// The cookie has the id, and the key is its hash, so a cookie cannot be made from a key.
    pub(crate) fn keys(&self, cookies: &RequestCookies) -> Vec<PresentedKey> {
        let mut keys = Vec::new();
        for chunks in self.places() {
            chunks.undivided(cookies).for_each(|text| {
                if keys.len() < CANDIDATES {
                    keys.extend(self.presented(text));
                }
            });
        }
        keys
    }

    fn presented(&self, text: &[u8]) -> Option<PresentedKey> {
        let bytes = base64url::decode(text).ok()?;
        let presented = PresentedId::split(&bytes)?;
        let key = self.key(presented.id);
        let proven = self.0.ids.prove(presented, key.as_bytes())?;
        Some(PresentedKey { key, proven })
    }

    fn key(&self, id: &[u8; 32]) -> StoreKey {
        self.0.index_keys.name(IndexKind::Record, id)
    }

    /// Returns the live session under a key.
    ///
    /// The limits are checked here too: the TTL in the store only cleans up, and a store may delete late.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`]. An unreadable record counts as no session.
    pub(crate) async fn load(&self, key: &StoreKey, now: Timestamp) -> Result<Option<SessionEntry>> {
        Ok(self.load_any(key, now).await?.filter(|entry| self.is_live(entry, now)))
    }

    /// Returns the session under a key, live or not. Warns if it began in the future.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`]. An unreadable record counts as no session.
    pub(crate) async fn load_any(&self, key: &StoreKey, now: Timestamp) -> Result<Option<SessionEntry>> {
        let record = with_store_timeout(self.0.store.load(key)).await?;
        let entry = record.and_then(|record| self.open(key, record));
        if let Some(early) = entry.as_ref().filter(|entry| entry.session.is_early(now)) {
            self.0.skew.check(early.session.lifeline(), now);
        }
        Ok(entry)
    }

    pub(crate) fn is_live(&self, entry: &SessionEntry, now: Timestamp) -> bool {
        self.0.limits.is_live(entry.session.lifeline(), now)
    }

    /// Opens and decodes a record.
    ///
    /// The record must contain its own key, its issuer and its client. The seal is bound to them too; this is a second
    /// check.
    fn open(&self, key: &StoreKey, record: StoredRecord) -> Option<SessionEntry> {
        let opened = self.0.sealer.open_version(key.as_bytes(), record.version, SecretBytes::new(record.sealed))?;
        let needs_reseal = opened.needs_reseal;
        let (bytes, range) = opened.into_parts();
        let session = Session::decode(bytes, range, FORMATS)?;
        let ours = session.belongs_to(&self.0.config) && session.key() == *key;
        ours.then_some(SessionEntry { session, version: record.version, needs_reseal })
    }

    /// Writes a new session. Returns its id and the `Set-Cookie` values that replace the browser's session.
    ///
    /// Links are written first, so that no session exists that a logout cannot find.
    ///
    /// A key that is taken is an error without a retry: with 256 random bits a collision is not an accident.
    pub(crate) async fn create(
        &self,
        cookies: &RequestCookies,
        session: Session,
        now: Timestamp,
    ) -> Result<(SessionId, Vec<HeaderValue>)> {
        let id: [u8; 32] = random_bytes()?;
        let key = self.key(&id);
        let session = session.with_id(*key.as_bytes());
        self.link(&key, &session, now).await?;
        let record = self.seal(&key, &session, 1)?;
        let lifetime = self.0.limits.remaining(session.lifeline(), now);
        if !with_store_timeout(self.0.store.create(&key, &record, lifetime)).await? {
            return Err(Error::new(Code::Internal, "a new session id was in use already"));
        }
        Ok((session.id(), self.0.chunks.write(cookies, &self.0.ids.sign(&id, key.as_bytes())?, lifetime)?))
    }

    /// Links a record to its session's index keys.
    ///
    /// A link lasts as long as the session can live with continuous use, so it is not rewritten with each use. A link
    /// that outlives its record is skipped.
    async fn link(&self, key: &StoreKey, session: &Session, now: Timestamp) -> Result<()> {
        let lifetime = self.0.limits.longest(session.lifeline(), now);
        for name in &session.names(&self.0.index_keys).others {
            with_store_timeout(self.0.store.link(name, key, lifetime)).await?;
        }
        Ok(())
    }

    /// Replaces the record of `before`. Returns `None` if that version is no longer stored.
    ///
    /// The version is compared and set: of two concurrent writers one gets `None` and has to read again. A late write
    /// cannot revive a session that has been ended. New index keys, such as another e-mail address after a refresh, are
    /// linked before the record is written.
    pub(crate) async fn save(
        &self,
        before: &SessionEntry,
        session: Session,
        now: Timestamp,
    ) -> Result<Option<SessionEntry>> {
        let known = &before.session.names(&self.0.index_keys).others;
        if session.names(&self.0.index_keys).others.iter().any(|name| !known.contains(name)) {
            self.link(&session.key(), &session, now).await?;
        }
        self.replace(before, session, now).await
    }

    /// Replaces the record of `before` by one with the same index keys.
    async fn replace(&self, before: &SessionEntry, session: Session, now: Timestamp) -> Result<Option<SessionEntry>> {
        let (key, version) = (session.key(), before.version.saturating_add(1));
        let record = self.seal(&key, &session, version)?;
        let lifetime = self.0.limits.remaining(session.lifeline(), now);
        let saved = with_store_timeout(self.0.store.save(&key, &record, lifetime)).await?;
        Ok(saved.then(|| SessionEntry { session: Arc::new(session), version, needs_reseal: false }))
    }

    /// Seals a session as a record.
    ///
    /// The seal is bound to the key and the version: the record does not open under any other.
    fn seal(&self, key: &StoreKey, session: &Session, version: u64) -> Result<StoredRecord> {
        let plain = session.encode(FORMATS, &self.0.limits)?;
        let sealed = self.0.sealer.seal_version(key.as_bytes(), version, &plain)?;
        Ok(StoredRecord { version, sealed: sealed.to_vec() })
    }

    /// Records that a session was used, if the recorded use is old enough. Failures are ignored, because the session is
    /// still valid.
    ///
    /// A record that was sealed with a previous key is also rewritten, with the current key. Returns the entry if it
    /// was written; the cookie should then be written too.
    pub(crate) async fn touch(&self, entry: &SessionEntry, now: Timestamp, activity: Activity) -> Option<SessionEntry> {
        let is_active = activity == Activity::Active;
        let is_used = is_active && self.0.limits.is_touch_due(entry.session.lifeline(), now);
        if !entry.needs_reseal && !is_used {
            return None;
        }
        let session = if is_active { entry.session.touched(now) } else { Session::clone(&entry.session) };
        // A use changes no index key, and computing them costs more than the rest. Boxed, because few requests write.
        Box::pin(self.replace(entry, session, now)).await.ok().flatten()
    }

    /// Ends a session. Returns `false` if it had ended already.
    ///
    /// The record is removed first, so the session is invalid even if removing the links fails.
    pub(crate) async fn end(&self, session: &Session) -> Result<bool> {
        let key = session.key();
        // Connections close even if the store does not answer.
        self.0.watches.end(&key);
        let ended = with_store_timeout(self.0.store.remove(&key)).await?;
        for name in &session.names(&self.0.index_keys).others {
            // A remaining link has no record and expires.
            if let Err(error) = with_store_timeout(self.0.store.unlink(name, &key)).await {
                tracing::debug!(target: "okta_auth", "a link to an ended session could not be removed: {error}");
            }
        }
        Ok(ended)
    }

    /// Returns the live sessions of an index key.
    ///
    /// A link is only a hint: the session's claims may have changed since the link was written. Sessions that no longer
    /// have the key are skipped.
    pub(crate) async fn named(&self, name: &StoreKey, now: Timestamp) -> Result<Vec<SessionEntry>> {
        let mut found = Vec::new();
        for key in with_store_timeout(self.0.store.linked(name)).await? {
            let entry = self.load(&key, now).await?;
            found.extend(entry.filter(|entry| entry.session.names(&self.0.index_keys).others.contains(name)));
        }
        Ok(found)
    }

    /// Returns the `Set-Cookie` values that write the cookie again with the remaining lifetime. This also moves a
    /// session from the previous cookie name to the current one.
    ///
    /// The id stays: only a sign-in makes a new one. Its MAC is computed again with the current cookie secret. A
    /// request without the id of this session gets no cookie.
    pub(crate) fn rewrite(&self, cookies: &RequestCookies, session: &Session, now: Timestamp) -> Vec<HeaderValue> {
        let id = self.places().find_map(|chunks| self.id_of(chunks, cookies, session));
        let Some(signed) = id.and_then(|id| self.0.ids.sign(&id, session.key().as_bytes()).ok()) else {
            return Vec::new();
        };
        let left = self.0.limits.remaining(session.lifeline(), now);
        let mut set = self.0.chunks.write(cookies, &signed, left).unwrap_or_default();
        set.extend(self.clear_previous(cookies, session));
        set
    }

    /// Returns the `Set-Cookie` values that delete a session's cookies. Without a session only the cookies of the
    /// current name are deleted, because their session has ended.
    pub(crate) fn clear(&self, cookies: &RequestCookies, session: Option<&Session>) -> Vec<HeaderValue> {
        let mut removed = self.0.chunks.clear(cookies);
        removed.extend(session.into_iter().flat_map(|session| self.clear_previous(cookies, session)));
        removed
    }

    /// Returns the `Set-Cookie` values that delete every cookie that may be a session, for when the store cannot
    /// answer.
    pub(crate) fn forget(&self, cookies: &RequestCookies) -> Vec<HeaderValue> {
        let previous = self
            .0
            .previous
            .iter()
            .filter(|previous| previous.undivided(cookies).any(|text| self.presented(text).is_some()));
        let mut removed = self.0.chunks.clear(cookies);
        removed.extend(previous.flat_map(|previous| previous.clear(cookies)));
        removed
    }

    /// Clears the cookies of the previous name if they belong to this session. Otherwise they belong to another
    /// application.
    pub(crate) fn clear_previous(&self, cookies: &RequestCookies, session: &Session) -> Vec<HeaderValue> {
        let Some(previous) = &self.0.previous else { return Vec::new() };
        if self.id_of(previous, cookies, session).is_some() { previous.clear(cookies) } else { Vec::new() }
    }

    /// Returns the id of this session, if the cookies of one name have it. The key of the session is a hash of the id
    /// and proves it, so the MAC is not checked again.
    fn id_of(&self, chunks: &Chunks, cookies: &RequestCookies, session: &Session) -> Option<[u8; 32]> {
        let mut ids = chunks.undivided(cookies).filter_map(|text| base64url::decode(text).ok()?.first_chunk().copied());
        ids.find(|id| self.key(id) == session.key())
    }

    /// All names that may hold a session; the current name first.
    fn places(&self) -> impl Iterator<Item = &Chunks> {
        std::iter::once(&self.0.chunks).chain(&self.0.previous)
    }

    pub(crate) fn cookie_name(&self) -> &str {
        self.0.chunks.name()
    }

    pub(crate) fn chunks(&self) -> &Chunks {
        &self.0.chunks
    }

    pub(crate) fn index_keys(&self) -> &IndexKeys {
        &self.0.index_keys
    }

    pub(super) fn limits(&self) -> &SessionLimits {
        &self.0.limits
    }

    pub(super) fn watches(&self) -> &Watches {
        &self.0.watches
    }

    pub(crate) fn store(&self) -> &Arc<dyn SessionStore> {
        &self.0.store
    }
}

impl Probe for StoredSessions {
    fn probe(&self, session: Arc<Session>, now: Timestamp) -> ProbeFuture<'_> {
        Box::pin(async move {
            let Some(entry) = self.load(&session.key(), now).await? else { return Ok(Probed::Ended) };
            let until = self.limits().end(entry.session.lifeline());
            Ok(Probed::Lives { session: entry.session, until })
        })
    }

    fn names(&self, session: &Session) -> Vec<StoreKey> {
        session.names(self.index_keys()).all()
    }
}

impl std::fmt::Debug for StoredSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSessions").field("issuer", self.0.config.issuer()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::memory::MemoryStore;
    use super::*;
    use crate::cookie::jar_for_tests::{Jar, sent};
    use crate::secret::Secret;

    fn of_tenant(id: &str, store: &Arc<MemoryStore>) -> StoredSessions {
        at(id, "https://issuer.example", store)
    }

    fn at(id: &str, issuer: &str, store: &Arc<MemoryStore>) -> StoredSessions {
        let config = Config::builder().issuer(issuer).client_id("client").tenant(id).build();
        let keys = CookieKeys::new(&[Secret::new("a secret for tests, 32 bytes or more")]);
        let limits = SessionLimits { idle: Duration::from_secs(3600), absolute: Duration::from_secs(43_200) };
        let store: Arc<dyn SessionStore> = store.clone();
        let watches = Watches::new(crate::clock::SharedClock::default());
        let config = Arc::new(config.unwrap());
        StoredSessions::new(store, &keys, CookieSettings::new(false), &config, (limits, watches)).unwrap()
    }

    /// Issuer, client, store and key are the same, so only the seal separates the two tenants.
    #[tokio::test]
    async fn a_record_of_one_tenant_does_not_open_for_another() {
        let (store, now) = (Arc::new(MemoryStore::new(10)), Timestamp::from_seconds(1_800_000_000));
        let (acme, globex) = (of_tenant("acme", &store), of_tenant("globex", &store));
        let (id, _) = acme.create(&RequestCookies::default(), Session::sample(3, now), now).await.unwrap();
        assert!(acme.load(&id.into(), now).await.unwrap().is_some());
        assert!(globex.load(&id.into(), now).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_id_of_one_tenant_has_no_key_of_another() {
        let (store, now) = (Arc::new(MemoryStore::new(10)), Timestamp::from_seconds(1_800_000_000));
        let (acme, globex) = (of_tenant("acme", &store), of_tenant("globex", &store));
        let (id, set) = acme.create(&RequestCookies::default(), Session::sample(3, now), now).await.unwrap();
        let mut jar = Jar::with(&set);
        let keys = acme.keys(&jar.cookies());
        assert!(matches!(&keys[..], [PresentedKey { key, proven: true }] if *key == id.into()));
        let cookie = jar.0.remove(acme.cookie_name()).unwrap();
        assert!(globex.keys(&sent([(globex.cookie_name(), cookie)])).is_empty());
    }

    /// Name, client, store, key and seal are the same, so only the issuer in the record differs.
    #[tokio::test]
    async fn the_issuer_in_the_record_separates_a_tenant_from_a_later_one_of_the_same_name() {
        let (store, now) = (Arc::new(MemoryStore::new(10)), Timestamp::from_seconds(1_800_000_000));
        let (before, next) = (of_tenant("acme", &store), at("acme", "https://other.example", &store));
        let (id, _) = before.create(&RequestCookies::default(), Session::sample(3, now), now).await.unwrap();
        assert!(before.load(&id.into(), now).await.unwrap().is_some());
        assert!(next.load(&id.into(), now).await.unwrap().is_none(), "a later tenant of the same name has opened it");
    }

    /// A session under a wrong key would be ended and listed by the wrong id.
    #[tokio::test]
    async fn a_record_must_contain_its_own_key_even_if_the_seal_fits() {
        let (store, now) = (Arc::new(MemoryStore::new(10)), Timestamp::from_seconds(1_800_000_000));
        let (acme, elsewhere) = (of_tenant("acme", &store), StoreKey::from_bytes([7; 32]));
        let (id, _) = acme.create(&RequestCookies::default(), Session::sample(3, now), now).await.unwrap();
        let session = acme.load(&id.into(), now).await.unwrap().unwrap().session;
        let record = acme.seal(&elsewhere, &session, 1).unwrap();
        assert!(store.create(&elsewhere, &record, Duration::from_secs(60)).await.unwrap());
        assert!(acme.load(&elsewhere, now).await.unwrap().is_none());
    }
}
