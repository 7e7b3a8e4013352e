//! Sessions in a store: the browser has an id, and the store has the record, sealed.
//!
//! The id is 256 random bits with a MAC behind them. The store knows the hash of the bits
//! alone, and the record under that hash is sealed with the cookie keys, for that hash and
//! for the number of its writing: moved to another key, or given another version, it does
//! not open. So an attacker who can write to the store cannot pass an older record off as
//! a newer one.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::base64url;
use http::HeaderValue;

use super::clock_skew::ClockSkew;
use super::limits::{Activity, SessionLimits};
use super::names::{Kind, Naming};
use super::record::{Formats, Session, SessionId};
use super::store::{SessionStore, StoreError, StoreKey, StoredRecord};
use super::watches::Watches;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::{Chunks, CookieKeys, CookieSettings, PresentedId, Purpose, RequestCookies, Sealer, SessionIds};
use crate::error::{Code, Error, Result};
use crate::secret::{SecretBytes, random_bytes};

/// The first byte of a sealed record. A record of another format is no session.
const FORMATS: Formats = Formats { current: 3, previous: 2 };

/// No store is waited for longer than this, whatever its own limits are.
/// A store should give up sooner by itself; this is for one that does not.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads and writes sessions in a store. Clones share it.
#[derive(Clone)]
pub(crate) struct StoredSessions(Arc<Inner>);

/// What the clones share.
struct Inner {
    store: Arc<dyn SessionStore>,
    sealer: Sealer,
    ids: SessionIds,
    chunks: Chunks,
    limits: SessionLimits,
    naming: Naming,
    config: Arc<Config>,
    /// Warns about sessions from the future.
    skew: ClockSkew,
    /// The futures that wait for the end of one.
    watches: Watches,
}

/// A session that has been read, and which writing of it that was.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) session: Arc<Session>,
    pub(crate) version: u64,
    /// Whether it was sealed with a key that is on its way out.
    pub(crate) old_key: bool,
}

impl StoredSessions {
    /// For one issuer and one client: the sessions of another one have other keys, and
    /// do not open.
    ///
    /// The keys have a purpose of their own: a record taken from the store is no
    /// session in a cookie, though both are sealed with the same cookie secrets.
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        keys: &CookieKeys,
        settings: CookieSettings,
        config: &Arc<Config>,
        (limits, watches): (SessionLimits, Watches),
    ) -> Result<Self> {
        let (owner, client_id) = config.owner();
        let tenant = format!("{owner} {client_id}");
        let (sealer, ids) = (keys.sealer(Purpose::StoredSession, &tenant)?, keys.session_ids(&tenant)?);
        let chunks = Chunks::new(settings, &config.options.cookie_name);
        let (naming, skew) = (Naming::of(config), ClockSkew::default());
        let config = Arc::clone(config);
        Ok(Self(Arc::new(Inner { store, sealer, ids, chunks, limits, naming, config, skew, watches })))
    }

    /// The key of the record that a request's cookie names, and whether the cookie proves
    /// that the id was issued here.
    ///
    /// The cookie has the bytes of which the key is the hash, so that a key does not make a
    /// cookie.
    pub(crate) fn key(&self, cookies: &RequestCookies) -> Option<(StoreKey, bool)> {
        let PresentedId { id, proven } = self.id(cookies)?;
        Some((self.0.naming.name(Kind::Record, &id), proven))
    }

    /// The id in a request's cookie.
    fn id(&self, cookies: &RequestCookies) -> Option<PresentedId> {
        self.0.ids.read(&base64url::decode(&*self.0.chunks.read(cookies)?).ok()?)
    }

    /// The live session under a key.
    ///
    /// The limits are checked here as well: the lifetime that the store was given is
    /// for tidiness, and a store may forget late.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`]. What cannot be read is no session.
    pub(crate) async fn load(&self, key: &StoreKey, now: Timestamp) -> Result<Option<Entry>> {
        let Some(record) = bounded(self.0.store.load(key)).await? else { return Ok(None) };
        let Some(entry) = self.open(key, record) else { return Ok(None) };
        let line = entry.session.lifeline();
        let live = self.0.limits.is_live(line, now);
        if !live {
            self.0.skew.check(line, now);
        }
        Ok(live.then_some(entry))
    }

    /// Opens and decodes.
    ///
    /// The record has to name its own key, its issuer and its client. The seal says so
    /// already; this is the second lock.
    fn open(&self, key: &StoreKey, record: StoredRecord) -> Option<Entry> {
        let opened = self.0.sealer.open_version(&key.to_string(), record.version, SecretBytes::new(record.sealed))?;
        let old_key = opened.old_key;
        let (bytes, range) = opened.into_parts();
        let session = Session::decode(bytes, range, FORMATS)?;
        let ours = session.belongs_to(&self.0.config) && session.id().0 == *key;
        ours.then(|| Entry { session: Arc::new(session), version: record.version, old_key })
    }

    /// Writes a new session and returns its id and its cookie, which replaces whatever
    /// the browser holds.
    ///
    /// The links come first: a session that nobody could end must not exist.
    ///
    /// A key that is taken is an error and not a second try: with 256 random bits that
    /// is no accident.
    pub(crate) async fn create(
        &self,
        cookies: &RequestCookies,
        session: Session,
        now: Timestamp,
    ) -> Result<(SessionId, Vec<HeaderValue>)> {
        let id: [u8; 32] = random_bytes()?;
        let key = self.0.naming.name(Kind::Record, &id);
        let session = session.with_id(*key.as_bytes());
        self.link(&key, &session, now).await?;
        let record = self.seal(&key, &session, 1)?;
        let lifetime = self.0.limits.remaining(session.lifeline(), now);
        if !bounded(self.0.store.create(&key, &record, lifetime)).await? {
            return Err(Error::new(Code::Internal, "a new session id was in use already"));
        }
        Ok((session.id(), self.0.chunks.write(cookies, &self.0.ids.sign(&id)?, lifetime)?))
    }

    /// Links a record to the names that its session may be ended by.
    ///
    /// Links last as long as the session can if it is used all the time, so they need
    /// not be written again with each use. Those that outlive their record lead to
    /// nothing and are skipped.
    async fn link(&self, key: &StoreKey, session: &Session, now: Timestamp) -> Result<()> {
        let lifetime = self.0.limits.longest(session.lifeline(), now);
        for name in &session.names(&self.0.naming).others {
            bounded(self.0.store.link(name, key, lifetime)).await?;
        }
        Ok(())
    }

    /// Writes a session in the place of `before`; `None` if that is not there any more.
    ///
    /// The version decides: of two that write at once one is told `None`, and has to
    /// read again. A session that has been ended is not brought back by a late write.
    /// New names, such as another e-mail address after a refresh, are linked before the
    /// record that has them.
    pub(crate) async fn save(&self, before: &Entry, session: Session, now: Timestamp) -> Result<Option<Entry>> {
        let key = session.id().0;
        let known = &before.session.names(&self.0.naming).others;
        if session.names(&self.0.naming).others.iter().any(|name| !known.contains(name)) {
            self.link(&key, &session, now).await?;
        }
        let version = before.version.saturating_add(1);
        let record = self.seal(&key, &session, version)?;
        let lifetime = self.0.limits.remaining(session.lifeline(), now);
        let saved = bounded(self.0.store.save(&key, &record, lifetime)).await?;
        Ok(saved.then(|| Entry { session: Arc::new(session), version, old_key: false }))
    }

    /// The record of a session.
    ///
    /// The key and the version are part of what it is sealed for: a record moved under
    /// another key, or to another version, does not open.
    fn seal(&self, key: &StoreKey, session: &Session, version: u64) -> Result<StoredRecord> {
        let plain = session.encode(FORMATS, &self.0.limits)?;
        let sealed = self.0.sealer.seal_version(&key.to_string(), version, &plain)?;
        Ok(StoredRecord { version, sealed: sealed.to_vec() })
    }

    /// Writes down that a session was used, if that is worth it. A failure is none: the
    /// session is as good as it was.
    ///
    /// A record that was sealed with an old key is written too, which is how records
    /// come to the new one. Returns the entry if it was written, and then the cookie
    /// should be as well.
    pub(crate) async fn touch(&self, entry: &Entry, now: Timestamp, activity: Activity) -> Option<Entry> {
        let is_active = activity == Activity::Active;
        let is_used = is_active && self.0.limits.is_touch_due(entry.session.lifeline(), now);
        if !entry.old_key && !is_used {
            return None;
        }
        let session = if is_active { entry.session.touched(now) } else { Session::clone(&entry.session) };
        self.save(entry, session, now).await.ok().flatten()
    }

    /// Ends a session. `false` if it had ended already.
    ///
    /// The record goes first: from then on nobody is signed in with it, whatever
    /// becomes of the links.
    pub(crate) async fn end(&self, session: &Session) -> Result<bool> {
        let key = session.id().0;
        // Connections close even if the store does not answer.
        self.0.watches.end(&key);
        let ended = bounded(self.0.store.remove(&key)).await?;
        for name in &session.names(&self.0.naming).others {
            // What is left behind leads nowhere, and goes by itself.
            if let Err(error) = bounded(self.0.store.unlink(name, &key)).await {
                tracing::debug!(target: "okta_auth", "a link to a session that ended is left: {error}");
            }
        }
        Ok(ended)
    }

    /// The live sessions that have a name.
    ///
    /// A link is a hint and no proof: the session itself has to have the name, or it is
    /// left out. Its claims may have changed since the link was written.
    pub(crate) async fn named(&self, name: &StoreKey, now: Timestamp) -> Result<Vec<Entry>> {
        let mut found = Vec::new();
        for key in bounded(self.0.store.linked(name)).await? {
            let entry = self.load(&key, now).await?;
            found.extend(entry.filter(|entry| entry.session.names(&self.0.naming).others.contains(name)));
        }
        Ok(found)
    }

    /// The cookie again, with the time that is left.
    ///
    /// The id stays: a new one is made at sign-in alone. Its MAC is made anew, with the
    /// current cookie secret. A request without a readable id gets nothing.
    pub(crate) fn rewrite(&self, cookies: &RequestCookies, session: &Session, now: Timestamp) -> Vec<HeaderValue> {
        let signed = self.id(cookies).and_then(|presented| self.0.ids.sign(&presented.id).ok());
        let Some(signed) = signed else { return Vec::new() };
        let left = self.0.limits.remaining(session.lifeline(), now);
        self.0.chunks.write(cookies, &signed, left).unwrap_or_default()
    }

    /// The `Set-Cookie` values that take the session away.
    pub(crate) fn clear(&self, cookies: &RequestCookies) -> Vec<HeaderValue> {
        self.0.chunks.clear(cookies)
    }

    /// The name of the cookie.
    pub(crate) fn cookie_name(&self) -> &str {
        self.0.chunks.name()
    }

    /// Its cookie.
    pub(crate) fn chunks(&self) -> &Chunks {
        &self.0.chunks
    }

    /// The names of this tenant.
    pub(crate) fn naming(&self) -> &Naming {
        &self.0.naming
    }

    /// The limits of its sessions.
    pub(super) fn limits(&self) -> &SessionLimits {
        &self.0.limits
    }

    /// The futures that wait for the end of one of its sessions.
    pub(super) fn watches(&self) -> &Watches {
        &self.0.watches
    }

    /// The store itself, for marks.
    pub(crate) fn store(&self) -> &Arc<dyn SessionStore> {
        &self.0.store
    }
}

/// What a store does, within bounds.
///
/// A store that hangs counts as one that is away. The work is dropped, and what it was
/// about may or may not have been done.
pub(crate) async fn bounded<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T> {
    match tokio::time::timeout(STORE_TIMEOUT, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(StoreError::new("the store took too long").into()),
    }
}

impl std::fmt::Debug for StoredSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSessions").field("issuer", self.0.config.issuer()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::MemoryStore;
    use super::*;
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

    /// Issuer, client, store and even the key are the same: the seal alone keeps the two apart.
    #[tokio::test]
    async fn a_record_of_one_tenant_does_not_open_for_another() {
        let (store, now) = (Arc::new(MemoryStore::new(10)), Timestamp::from_seconds(1_800_000_000));
        let (acme, globex) = (of_tenant("acme", &store), of_tenant("globex", &store));
        let (id, _) = acme.create(&RequestCookies::default(), Session::sample(3, now), now).await.unwrap();
        assert!(acme.load(&id.0, now).await.unwrap().is_some());
        assert!(globex.load(&id.0, now).await.unwrap().is_none());
    }

    /// Name, client, store and key are the same, and so is the seal: what the record says of its issuer is not.
    #[tokio::test]
    async fn the_record_alone_keeps_a_tenant_and_the_next_one_of_its_name_apart() {
        let (store, now) = (Arc::new(MemoryStore::new(10)), Timestamp::from_seconds(1_800_000_000));
        let (before, next) = (of_tenant("acme", &store), at("acme", "https://other.example", &store));
        let (id, _) = before.create(&RequestCookies::default(), Session::sample(3, now), now).await.unwrap();
        assert!(before.load(&id.0, now).await.unwrap().is_some());
        assert!(next.load(&id.0, now).await.unwrap().is_none(), "the name was given to somebody else");
    }

    /// A session under the key of another would be ended, and listed, by the wrong id.
    #[tokio::test]
    async fn a_record_is_that_of_its_own_key_even_if_it_was_sealed_for_another() {
        let (store, now) = (Arc::new(MemoryStore::new(10)), Timestamp::from_seconds(1_800_000_000));
        let (acme, elsewhere) = (of_tenant("acme", &store), StoreKey::from_bytes([7; 32]));
        let (id, _) = acme.create(&RequestCookies::default(), Session::sample(3, now), now).await.unwrap();
        let session = acme.load(&id.0, now).await.unwrap().unwrap().session;
        let record = acme.seal(&elsewhere, &session, 1).unwrap();
        assert!(store.create(&elsewhere, &record, Duration::from_secs(60)).await.unwrap());
        assert!(acme.load(&elsewhere, now).await.unwrap().is_none());
    }
}
