//! Sessions: what a sign-in stores, how long it lives, and where.
//!
//! # Where
//!
//! | `OKTA_SESSION_STORE` | the browser has | the server has |
//! |---|---|---|
//! | `cookie` | the whole record, sealed | nothing, or a list of ended sessions |
//! | `memory` | an id of 256 random bits | the record, sealed, in one process |
//! | `redis://..` | an id of 256 random bits | the record, sealed, for all replicas |
//!
//! An application can add its own store by implementing `SessionStore`. Every store sees the hash of an id and never
//! the id itself. A record can be opened only under that hash, with keys that the store does not have.
//!
//! # How long
//!
//! A session ends at the earliest of three times: when it has been unused for the idle limit (1 h by default), when the
//! absolute limit since sign-in is reached (12 h by default), or at the moment that Okta sets in `session_expiry`. The
//! time of last use is written only when it is older than a twentieth of the idle limit, so most requests write
//! nothing.
//!
//! The session record stores both ends: the absolute end at sign-in, and the idle end with each written use. Lowering a
//! limit takes effect at once. Raising a limit never revives a session that has ended.
//!
//! # How tokens stay fresh
//!
//! If the session has a refresh token, the tokens are refreshed shortly before the access token expires. Concurrent
//! requests share one refresh. Each refresh reads the claims again, so a group that was removed at Okta disappears
//! within one access token lifetime. If Okta does not answer, the session stays usable for a grace period after the
//! token expired; after that, requests are answered with 503. An outage signs no user out.
//!
//! # What ends a session
//!
//! | what | in a store | in cookies |
//! |---|---|---|
//! | logout in the browser | removed | cookie deleted, and recorded as ended |
//! | a new sign-in in the same browser | removed | the same |
//! | Okta rejects the refresh token | removed | the same |
//! | front-channel, back-channel, Universal Logout | found by the index, removed | recorded as ended |
//! | `end_session`, `end_sessions_of` | removed | recorded as ended |
//!
//! A recorded end is a moment up to which all sessions of one index key have ended. The key stands for one session, a
//! user, an e-mail address, or a session at Okta. Every request checks these records. In memory they hold for one
//! process; in Redis for all replicas.
//!
//! # When a store is down
//!
//! The application then cannot tell whether a user is signed in. Every request that depends on it is answered with 503
//! and `Retry-After`. Cookies stay in place, and no request is treated as unauthenticated.
//!
//! # How large
//!
//! A typical session with an ID token and an access token of Okta takes less than 3 KB in one cookie. A session uses at
//! most five cookies. A larger session is refused at sign-in, with the fix in the message, and never truncated. In a
//! store a session takes about 2 KB.
//!
//! # What a session contains
//!
//! | | from | for |
//! |---|---|---|
//! | an id of 256 bits | this library | distinguishing two sessions of one user |
//! | issuer, client, subject | the verified ID token | which user, at which issuer and client |
//! | all claims | ID token and userinfo | handlers and policies |
//! | the application's own data | the `on_sign_in` hook | handlers; never mixed with claims |
//! | granted scopes | the token response | policies |
//! | ID token | the token response | the `id_token_hint` at logout |
//! | access and refresh token | the token response | calls to other APIs; refresh; revocation |
//! | browser and system, in two words | the browser, at sign-in | a list of the user's devices |
//! | start, last use, next refresh | the clock | the limits, and refresh |
//!
//! Tokens are secrets: they are wiped from memory when dropped, and never appear in `Debug` output.

mod admin;
mod backend;
mod claims;
mod clock_skew;
mod cookie_cache;
mod cookie_store;
mod device;
mod email;
mod identifiers;
mod index_keys;
#[cfg(feature = "metrics")]
mod instrumented;
pub(crate) mod limits;
mod lookup;
mod memory;
mod probe;
mod profile;
mod reader;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod refresh;
mod refresh_schedule;
mod refreshed;
mod request_session;
mod revocations;
mod session_ended;
mod sessions;
mod store;
#[cfg(any(test, feature = "store-tests"))]
pub mod store_tests;
mod store_timeout;
mod stored;
mod token_revocation;
mod tokens;
mod watcher;
mod watches;

pub(crate) use admin::SessionAdmin;
pub(crate) use backend::SessionBackend;
pub(crate) use device::device;
pub(crate) use email::Email;
pub(crate) use index_keys::IndexKind;
pub(crate) use limits::Activity;
pub(crate) use lookup::{LoadedSession, PendingLookup, SessionLookup};
pub use memory::MemoryStore;
pub(crate) use record::NewSession;
pub use record::Session;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
pub(crate) use refresh::{RefreshResult, RefreshState, Refresher};
pub(crate) use refresh_schedule::RefreshDue;
pub(crate) use request_session::{CookieUpdate, RequestSession, SessionState};
pub use session_ended::SessionEnded;
pub(crate) use sessions::Sessions;
pub use store::{SessionStore, StoreError, StoreFuture, StoreKey, StoredRecord};
pub(crate) use store_timeout::with_store_timeout;
pub(crate) use stored::{SessionEntry, StoredSessions};
pub(crate) use token_revocation::TokenRevoker;

pub use crate::events::SessionId;
