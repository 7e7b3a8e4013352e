//! Sessions: what is remembered of a sign-in, for how long, and where.
//!
//! The one store of this version is the browser itself: the record is sealed into
//! cookies, so nothing has to run beside the application, and any replica with the same
//! cookie secret can read it.
//!
//! # How long
//!
//! A session ends when it has not been used for the idle limit (1 h by default) or when
//! the absolute limit since sign-in is reached (12 h by default), whichever comes
//! first. The time of last use is written when it is older than a twentieth of the idle
//! limit, so most responses set no cookie.
//!
//! # How large
//!
//! A typical session with an ID token and an access token of Okta takes less than 3 KB
//! in one cookie; five cookies are the most. What does not fit is refused at sign-in,
//! with the fix in the message, and not silently cut.
//!
//! # What is in it
//!
//! | | from | for |
//! |---|---|---|
//! | an id of 128 random bits | this library | telling two sessions of one user apart |
//! | issuer, client, subject | the verified ID token | whose session it is, and where |
//! | all claims | ID token and userinfo | handlers and policies |
//! | the application's own data | the `on_sign_in` hook | handlers; never taken for claims |
//! | granted scopes | the token response | policies |
//! | ID token | the token response | the hint at sign-out |
//! | access and refresh token | the token response | calls to other APIs; revocation |
//! | when it began and was last used | the clock | the limits |
//!
//! Tokens are secrets: they are wiped from memory when dropped, and in no `Debug`.
//!
//! # What it cannot do
//!
//! A session in a cookie cannot be ended from the server before its limits, and a copy
//! of the cookie is a copy of the session.

mod cookie_store;
mod device;
mod flights;
mod limits;
#[cfg(feature = "metrics")]
mod measured;
mod memory;
mod names;
mod opened;
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

pub(crate) use cookie_store::CookieStore;
pub(crate) use device::device;
pub(crate) use flights::Flights;
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
