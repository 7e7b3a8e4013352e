//! A session store in Redis or Valkey, for any number of replicas.
//!
//! # Keys
//!
//! | key | type | value |
//! |---|---|---|
//! | `okta-auth:r:` and a hash | string | the version in 8 bytes, and the sealed record |
//! | `okta-auth:l:` and a hash | sorted set | hashes of records, ordered by the time at which each link expires |
//! | `okta-auth:m:` and a hash | string | a number of 20 digits |
//!
//! Each command uses one key, so a cluster may distribute the keys freely. Each key has a TTL, so the server deletes
//! expired entries itself.

mod connections;
mod failure;
mod scripts;
mod settings;

use std::time::Duration;

use fred::bytes::Bytes;
use fred::clients::Client;
use fred::interfaces::{KeysInterface as _, LuaInterface as _, SortedSetsInterface as _};
use fred::types::{Expiration, SetOptions};

use self::connections::Connections;
use self::failure::Failure;
use self::settings::Settings;
use super::store::{SessionStore, StoreFuture, StoreKey, StoredRecord};
use crate::error::Result;

const VERSION: usize = size_of::<u64>();

/// The longest lifetime in milliseconds, about 300 years. Beyond it the scores of a sorted set, which are
/// floating-point numbers, would lose digits.
const LONGEST: u64 = 10_000_000_000_000;

/// Sessions in Redis or Valkey, which all replicas share.
///
/// The store connects at the first use, so an application starts without the server. The connections have their own
/// thread and runtime. Each worker of actix-web has its own runtime, and a worker that ends must not close connections
/// that others use.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::session::RedisStore;
///
/// let store = RedisStore::new("redis://127.0.0.1:6379").unwrap();
/// assert!(RedisStore::new("http://127.0.0.1:6379").unwrap_err().is_config());
/// # drop(store);
/// ```
///
/// # Which server
///
/// Redis 5 or later, Valkey, and any server that speaks their protocol. The URL selects the topology:
///
/// | URL | topology |
/// |---|---|
/// | `redis://user:password@host:6379/0` | one server |
/// | `rediss://...` | one server over TLS; likewise `rediss-sentinel`, `rediss-cluster` |
/// | `redis-sentinel://host:26379?sentinelServiceName=mymaster&node=other:26379` | the primary that Sentinel reports; `sentinelUsername` and `sentinelPassword` authenticate at the Sentinels themselves |
/// | `redis-cluster://host:7001?node=other:7002` | a cluster; the client discovers the other nodes |
/// | `valkey://...` and so on | aliases of the schemes above |
///
/// Percent-encode password characters that a URL does not allow. TLS trusts the roots of the operating system, or those
/// given to [`with_roots`](Self::with_roots).
///
/// Set `maxmemory-policy noeviction` at the server. With any other policy a full server evicts live sessions, and it
/// evicts the records of ended sessions in cookies.
///
/// # When the server is down
///
/// A command completes within about a second. It fails if the server is dead, paused or slow. At most 512 commands run
/// at once; the others queue within the same second. So neither time nor memory grows with an outage. A command is
/// never sent twice, because after an error it may have been executed or not. The client reconnects at most half a
/// second after the server returns, and commands during a short gap wait for the new connection.
pub struct RedisStore {
    connections: Connections,
}

impl RedisStore {
    /// Creates a store at this URL. This opens no connection and needs no runtime.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid) if the URL has none of the [supported forms](Self);
    /// the message names the fix and repeats no part of the URL. [`Code::Internal`](crate::error::Code::Internal) if
    /// the system cannot start a thread.
    pub fn new(url: &str) -> Result<Self> {
        Ok(Self { connections: Connections::new(Settings::parse(url, None)?)? })
    }

    /// Creates a store that trusts only these root certificates (PEM), in place of those of the operating system.
    ///
    /// # Errors
    /// As for [`new`](Self::new), and [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid) if the roots are not
    /// PEM certificates or the URL does not use TLS.
    pub fn with_roots(url: &str, roots: &[u8]) -> Result<Self> {
        Ok(Self { connections: Connections::new(Settings::parse(url, Some(roots))?)? })
    }

    /// Runs a script on one key. Each script returns an integer.
    async fn script(&self, script: &'static str, key: String, arguments: Vec<Bytes>) -> Result<i64, Failure> {
        self.connections.run(|client: Client| async move { client.eval(script, vec![key], arguments).await }).await
    }
}

impl SessionStore for RedisStore {
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        let (key, value, lifetime) = (record_key(key), encode(record), Some(expiration(lifetime)));
        Box::pin(async move {
            let set = |client: Client| async move {
                client.set::<Option<String>, _, _>(key, value, lifetime, Some(SetOptions::NX), false).await
            };
            Ok(self.connections.run(set).await?.is_some())
        })
    }

    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>> {
        let key = record_key(key);
        Box::pin(async move {
            let value: Option<Bytes> =
                self.connections.run(|client: Client| async move { client.get(key).await }).await?;
            Ok(value.map(|value| decode(&value)).transpose()?)
        })
    }

    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let Some(before) = record.version.checked_sub(1) else { return Ok(false) };
            let before = Bytes::copy_from_slice(&before.to_be_bytes());
            let arguments = vec![before, encode(record), milliseconds(lifetime)];
            Ok(self.script(scripts::SAVE, record_key(key), arguments).await? == 1)
        })
    }

    fn remove<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, bool> {
        let key = record_key(key);
        Box::pin(async move {
            let removed: i64 = self.connections.run(|client: Client| async move { client.del(key).await }).await?;
            Ok(removed == 1)
        })
    }

    fn link<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey, lifetime: Duration) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let arguments = vec![Bytes::copy_from_slice(record.as_bytes()), milliseconds(lifetime)];
            self.script(scripts::LINK, link_key(index), arguments).await?;
            Ok(())
        })
    }

    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()> {
        let (index, record) = (link_key(index), Bytes::copy_from_slice(record.as_bytes()));
        Box::pin(async move {
            let _removed: i64 =
                self.connections.run(|client: Client| async move { client.zrem(index, record).await }).await?;
            Ok(())
        })
    }

    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>> {
        let index = link_key(index);
        Box::pin(async move {
            let eval = |client: Client| async move {
                client.eval::<Vec<Bytes>, _, _, _>(scripts::LINKED, vec![index], Vec::<Bytes>::new()).await
            };
            let members = self.connections.run(eval).await?;
            let keys = members.iter().map(|member| <[u8; 32]>::try_from(member.as_ref()).map(StoreKey::from_bytes));
            Ok(keys.collect::<Result<_, _>>().map_err(|_| Failure::Foreign)?)
        })
    }

    fn try_lock<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let arguments = vec![digits(owner), milliseconds(lifetime)];
            Ok(self.script(scripts::CLAIM, mark_key(mark), arguments).await? == 1)
        })
    }

    fn unlock<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.script(scripts::RELEASE, mark_key(mark), vec![digits(owner)]).await?;
            Ok(())
        })
    }

    fn raise_watermark<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let arguments = vec![digits(value), milliseconds(lifetime)];
            self.script(scripts::RAISE, mark_key(mark), arguments).await?;
            Ok(())
        })
    }

    fn watermarks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        Box::pin(async move {
            if marks.is_empty() {
                return Ok(Vec::new());
            }
            let keys: Vec<String> = marks.iter().map(mark_key).collect();
            // Separate commands in one pipeline: in a cluster the keys may be on different machines.
            let read = |client: Client| async move {
                let pipeline = client.pipeline();
                for key in keys {
                    let () = pipeline.get(key).await?;
                }
                pipeline.all::<Vec<Option<Bytes>>>().await
            };
            let values = self.connections.run(read).await?;
            Ok(values.iter().map(|value| value.as_ref().map_or(Ok(0), number)).collect::<Result<_, _>>()?)
        })
    }
}

// Hides the address and the password.
opaque_debug!(RedisStore);

fn record_key(key: &StoreKey) -> String {
    format!("okta-auth:r:{key}")
}

fn link_key(index: &StoreKey) -> String {
    format!("okta-auth:l:{index}")
}

fn mark_key(mark: &StoreKey) -> String {
    format!("okta-auth:m:{mark}")
}

fn encode(record: &StoredRecord) -> Bytes {
    let mut value = Vec::with_capacity(VERSION.saturating_add(record.sealed.len()));
    value.extend_from_slice(&record.version.to_be_bytes());
    value.extend_from_slice(&record.sealed);
    Bytes::from(value)
}

fn decode(value: &[u8]) -> Result<StoredRecord, Failure> {
    let (version, sealed) = value.split_first_chunk::<VERSION>().ok_or(Failure::Foreign)?;
    Ok(StoredRecord { version: u64::from_be_bytes(*version), sealed: sealed.to_vec() })
}

/// Formats a number with a fixed length, so that text order equals numeric order. The numbers of a script have only 53
/// bits.
fn digits(number: u64) -> Bytes {
    Bytes::from(format!("{number:020}"))
}

fn number(value: &Bytes) -> Result<u64, Failure> {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(Failure::Foreign)
}

/// A lifetime in milliseconds, at least 1, because the server rejects 0.
fn clamped(lifetime: Duration) -> u64 {
    u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX).clamp(1, LONGEST)
}

fn milliseconds(lifetime: Duration) -> Bytes {
    Bytes::from(clamped(lifetime).to_string())
}

fn expiration(lifetime: Duration) -> Expiration {
    Expiration::PX(i64::try_from(clamped(lifetime)).unwrap_or(i64::MAX))
}
