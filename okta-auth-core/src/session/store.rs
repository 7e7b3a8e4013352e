//! What a place for sessions has to do, in words that any database has.
//!
//! # Three tables
//!
//! | table | key | value | for |
//! |---|---|---|---|
//! | records | the hash of a session's id | a version, and the sealed session | sessions |
//! | links | the hash of a user, an e-mail or a session at Okta | keys of records | sign-out from the server side |
//! | marks | the hash of anything else | a short value | locks, revocations, messages that came before |
//!
//! Every key is the SHA-256 of what it stands for, and every record is sealed with keys
//! that the store does not have: whoever copies the store can neither read a session
//! nor be signed in with one. Everything has a lifetime, after which the store may
//! forget it.
//!
//! # What has to be atomic
//!
//! [`create`](SessionStore::create), [`save`](SessionStore::save),
//! [`claim`](SessionStore::claim), [`release`](SessionStore::release) and
//! [`raise`](SessionStore::raise) each look at one entry and write it, in one step. No
//! two entries have to change together: a link without a record is skipped, and no
//! record is written before its links. So a store may spread keys over machines.
//!
//! Within one store, what was written is seen by every later read, of any replica.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::base64url;

use crate::error::{Code, Error};

/// What a store does. It may be dropped before it is done.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The name of an entry: a hash of 256 bits that tells nothing about what it stands
/// for.
///
/// `Display` writes it in the URL-safe alphabet, 43 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// From the bytes that a store has kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads what `Display` wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        base64url::decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(self.0))
    }
}

/// Hashes of the same session are the same in every log.
impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({self})")
    }
}

/// A session as a store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Counts the writes: 1 for a new record, and one more with each
    /// [`save`](SessionStore::save).
    pub version: u64,
    /// The session, sealed: bytes without meaning to the store, 2 to 4 KB of them.
    pub sealed: Vec<u8>,
}

impl fmt::Debug for StoredRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredRecord").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The store did not do what it was asked for. The request is answered with 503, and
/// nobody is signed out.
pub struct StoreError(Box<dyn StdError + Send + Sync + 'static>);

impl StoreError {
    /// Wraps the store's own error, for the log.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync + 'static>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreError").field(&self.0).finish()
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let message = "the session store does not answer; look at its own log, and at OKTA_SESSION_STORE";
        Self::new(Code::StoreUnavailable, message).with_cause(error)
    }
}

/// A place for sessions that all replicas of an application share.
///
/// [`MemoryStore`](super::MemoryStore) and, with the feature `redis`, `RedisStore` are
/// there. `store_tests!` is the suite that both pass; a store of your own should pass
/// it too.
///
/// No method waits for long: a store that cannot be reached is an error within about a
/// second, because a browser is waiting.
pub trait SessionStore: Send + Sync + 'static {
    /// Writes a new record. `false`, and nothing is written, if there is one of that
    /// key.
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool>;

    /// The record, or `None` if there is none or its lifetime is over.
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>>;

    /// Writes a record in the place of the one whose version is one less, with a new
    /// lifetime. `false`, and nothing is written, if the version there is another one
    /// or there is no record: somebody was faster, or the session was ended.
    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool>;

    /// Removes a record. `false` if there was none.
    fn remove<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, bool>;

    /// Adds `record` to the links of `index`, or renews it. Each link has a lifetime of
    /// its own.
    fn link<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey, lifetime: Duration) -> StoreFuture<'a, ()>;

    /// Takes `record` out of the links of `index`.
    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()>;

    /// The links of `index` whose lifetime is not over, in any order. It must not get
    /// slower with the number of other records.
    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>>;

    /// Takes a mark for `owner`: `true` if nobody holds it, or `owner` does, whose
    /// lifetime then begins anew. `false` while somebody else holds it.
    fn claim<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool>;

    /// Lets a mark go if `owner` holds it.
    fn release<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()>;

    /// Sets a mark to `value`, or leaves it if it is greater; its lifetime begins anew
    /// in both cases.
    fn raise<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()>;

    /// The values of marks, in the order of the keys; 0 for one that is not there.
    fn marks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>>;
}
