//! Sessions: what is remembered of a sign-in, for how long, and where.
//!
//! # Where
//!
//! | `OKTA_SESSION_STORE` | the browser has | the server has |
//! |---|---|---|
//! | `cookie` | the whole record, sealed | nothing, or what has been ended |
//! | `memory` | an id of 256 random bits | the record, sealed, in one process |
//! | `redis://..` | an id of 256 random bits | the record, sealed, for all replicas |
//!
//! A store of your own implements `SessionStore`. Whatever the store, it has the hash
//! of an id and never the id, and a record that opens for that hash alone, with keys
//! that it does not have.
//!
//! # How long
//!
//! A session ends when it has not been used for the idle limit (1 h by default), when
//! the absolute limit since sign-in is reached (12 h by default), or at the moment that
//! Okta names in `session_expiry`, whichever comes first. The time of last use is
//! written when it is older than a twentieth of the idle limit, so most requests write
//! nothing.
//!
//! Both ends are written into the session: the absolute end at sign-in, the idle end
//! with each written use. Limits that are lowered later count at once; limits that are
//! raised never revive a session that has ended.
//!
//! # How tokens stay fresh
//!
//! With a refresh token the tokens are renewed shortly before the access token expires,
//! once for any number of requests. The claims are read again with it: a group that was
//! taken away at Okta is gone within one lifetime of an access token. Until Okta
//! answers again a session is used for a grace time past that, and then answered with
//! 503; nobody is signed out by an outage.
//!
//! # What ends one
//!
//! | what | in a store | in cookies |
//! |---|---|---|
//! | sign-out of the browser | removed | cookie deleted, and written down as ended |
//! | a new sign-in in the same browser | removed | the same |
//! | Okta refuses the refresh token | removed | the same |
//! | front-channel, back-channel, Universal Logout | found by the index, removed | written down |
//! | `end_session`, `end_sessions_of` | removed | written down |
//!
//! What is written down is the moment up to which the sessions of a name have ended: of
//! one session, of a user, of an e-mail address, or of a session at Okta. Every request
//! looks there. In memory it holds for one process; in Redis for all replicas.
//!
//! # When a store is down
//!
//! It is then not known whether somebody is signed in. Whatever depends on it is
//! answered with 503 and `Retry-After`; no cookie is cleared, and nobody is treated as
//! a stranger.
//!
//! # How large
//!
//! A typical session with an ID token and an access token of Okta takes less than 3 KB
//! in one cookie; five cookies are the most. What does not fit is refused at sign-in,
//! with the fix in the message, and not silently cut. In a store it has about 2 KB.
//!
//! # What is in it
//!
//! | | from | for |
//! |---|---|---|
//! | an id of 256 bits | this library | telling two sessions of one user apart |
//! | issuer, client, subject | the verified ID token | whose session it is, and where |
//! | all claims | ID token and userinfo | handlers and policies |
//! | the application's own data | the `on_sign_in` hook | handlers; never taken for claims |
//! | granted scopes | the token response | policies |
//! | ID token | the token response | the hint at sign-out |
//! | access and refresh token | the token response | calls to other APIs; renewal; revocation |
//! | browser and system, in two words | the browser, at sign-in | a list of the user's devices |
//! | when it began, was last used, is to be renewed | the clock | the limits, and renewal |
//!
//! Tokens are secrets: they are wiped from memory when dropped, and in no `Debug`.

mod clock_skew;
mod cookie_store;
mod device;
mod flights;
mod limits;
#[cfg(feature = "metrics")]
mod measured;
mod memory;
mod names;
mod opened;
mod probe;
mod profile;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod renewal;
mod revocations;
mod sessions;
mod store;
#[cfg(any(test, feature = "store-tests"))]
pub mod store_tests;
mod stored;
mod tokens;
mod watcher;
mod watches;

pub(crate) use cookie_store::CookieStore;
pub(crate) use device::device;
pub(crate) use flights::Flights;
pub use limits::Activity;
pub(crate) use limits::SessionLimits;
#[cfg(feature = "metrics")]
pub(crate) use measured::Measured;
pub use memory::MemoryStore;
pub(crate) use names::{Kind, Naming};
pub(crate) use record::NewSession;
pub use record::{Session, SessionId};
#[cfg(feature = "redis")]
pub use redis::RedisStore;
pub(crate) use renewal::Due;
pub(crate) use revocations::Revocations;
pub(crate) use sessions::{Found, Look, Sessions, Ticket};
pub use store::{SessionStore, StoreError, StoreFuture, StoreKey, StoredRecord};
pub(crate) use stored::{Entry, StoredSessions, bounded};
pub(crate) use watcher::ended;
pub(crate) use watches::Watches;
