//! Sessions: what is remembered of a sign-in, for how long, and where.
//!
//! The one store of this version is the browser itself: the record is sealed into
//! cookies, so nothing has to run beside the application and any replica with the same
//! cookie secret can read it.

mod cookie_store;
mod limits;
mod record;

pub(crate) use cookie_store::{CookieStore, Loaded};
pub(crate) use limits::SessionLimits;
pub use record::Session;
