//! Sealed values and the mechanics of cookies, for pending sign-ins and for sessions.

mod chunks;
mod keys;
mod request;
mod seal;
mod settings;

pub(crate) use chunks::Chunks;
pub(crate) use keys::{CookieKeys, Purpose};
pub(crate) use request::RequestCookies;
pub(crate) use seal::Sealer;
pub(crate) use settings::CookieSettings;
