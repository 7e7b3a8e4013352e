//! The storage interface for sessions.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::base64url;
use crate::error::{Code, Error};
use crate::events::SessionId;

/// The future of a store operation. Callers may drop it before it completes.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The key of an entry: a hash of 256 bits that does not reveal what it stands for.
///
/// `Display` writes it in the URL-safe base64 alphabet, 43 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// Creates a key from the bytes that a store has kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The text of `Display`, in one allocation.
    pub(crate) fn encoded(&self) -> String {
        base64url::encode(self.0)
    }

    /// Parses the output of `Display`. Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        base64url::decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl From<SessionId> for StoreKey {
    fn from(id: SessionId) -> Self {
        Self(id.0)
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.encoded())
    }
}

/// Prints the hash, which is the same for a session in every log.
impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({self})")
    }
}

/// A session as a store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Counts the writes: 1 for a new record, and one more with each [`save`](SessionStore::save).
    pub version: u64,
    /// The sealed session: 2 to 4 KB that are opaque to the store.
    pub sealed: Vec<u8>,
}

opaque_debug!(StoredRecord, |it| version: it.version);

/// The store failed. The request is answered with 503, and the user stays signed in.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreError(Box<dyn StdError + Send + Sync + 'static>);

impl StoreError {
    /// Wraps the store's own error, for the log.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync + 'static>>) -> Self {
        Self(cause.into())
    }

    #[cfg(feature = "device")]
    pub(crate) fn into_cause(self) -> Box<dyn StdError + Send + Sync + 'static> {
        self.0
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let message = "the session store does not answer; check its own log, and OKTA_SESSION_STORE";
        Self::new(Code::StoreUnavailable, message).with_cause(error)
    }
}

/// A session store that all replicas of an application share.
///
/// [`MemoryStore`](super::MemoryStore) and, with the feature `redis`, `RedisStore` implement it. Both pass the suite
/// `store_tests!`; your own store should pass it too.
///
/// A method must fail within about a second if the store cannot be reached, because a browser is waiting.
///
/// # Three tables
///
/// | table | key | value | for |
/// |---|---|---|---|
/// | records | the hash of a session's id | a version, and the sealed session | sessions |
/// | links | the hash of a user, an e-mail or a session at Okta | keys of records | logout from the server side |
/// | marks | the hash of anything else | a number | locks, watermarks of revocations, replay detection |
///
/// Every key is a SHA-256 hash, and every record is sealed with keys that the store does not have. A copy of the store
/// therefore reveals no session and cannot be used to sign in. Every entry has a lifetime, after which the store may
/// delete it.
///
/// # What has to be atomic
///
/// [`create`](SessionStore::create), [`save`](SessionStore::save), [`try_lock`](SessionStore::try_lock),
/// [`unlock`](SessionStore::unlock) and [`raise_watermark`](SessionStore::raise_watermark) each read and write one
/// entry in one atomic step. Two entries never have to change together: a link without a record is skipped, and links
/// are written before their record. So a store may distribute keys over machines.
///
/// Within one store, every later read sees a completed write, from any replica.
pub trait SessionStore: Send + Sync + 'static {
    /// Writes a new record. Returns `false` without writing if the key is taken.
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool>;

    /// Returns the record, or `None` if it does not exist or has expired.
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>>;

    /// Replaces the record whose version is one less, with a new lifetime. Returns `false` without writing if the
    /// stored version differs or the record does not exist: another writer was faster, or the session was ended.
    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool>;

    /// Removes a record. Returns `false` if there was none.
    fn remove<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, bool>;

    /// Adds `record` to the links of `index`, or extends its lifetime. Each link has its own lifetime.
    fn link<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey, lifetime: Duration) -> StoreFuture<'a, ()>;

    /// Removes `record` from the links of `index`.
    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()>;

    /// Returns the unexpired links of `index`, in any order. The cost must not grow with the number of other records.
    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>>;

    /// Acquires a mark as a lock for `owner`. Returns `true` if the mark is free or `owner` holds it already, and
    /// restarts its lifetime. Returns `false` while another owner holds it.
    fn try_lock<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool>;

    /// Releases a lock if `owner` holds it.
    fn unlock<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()>;

    /// Sets a watermark to `value` for `lifetime`. A greater value stays, and so does a longer lifetime, because a
    /// watermark that expires early would revive a session that it has ended.
    fn raise_watermark<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()>;

    /// Returns the numbers of marks, in the order of the keys; 0 for a missing mark.
    fn watermarks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>>;
}
