//! The one HTTP client: bounded in time and size, without redirects, and careful about
//! what it repeats.
//!
//! - A connection is made within 3 s, and a request is done within 10 s.
//! - Of an answer 1 MiB is read at most, whatever length it claims.
//! - A redirect is an error: it would carry codes and secrets to wherever it points.
//! - A request that changes nothing is sent a second time if the first one got no
//!   answer; one that uses up a code or a token is not.
//! - 429 becomes an error that tells when to try again.
//! - Requests go where an `EgressPolicy` lets them, by name and by address.
//! - To one origin there are 64 requests at a time; an endpoint that does not answer is
//!   left alone for some seconds at a time.
//! - Requests to issuers of the operator go through a proxy where one is set; those that
//!   tenants cause never do. Cookies and referrers are not used.
//!
//! Documents that change seldom are kept by `Cached`: one fetch for any number of
//! callers, and the last good document while the next one is fetched or cannot be had.

mod address;
mod backchannel;
mod breaker;
mod cached;
mod circuit;
mod client;
mod guard;
mod provider_error;
mod proxy;
mod rate_limit;
mod resolve;
#[cfg(test)]
mod server_for_tests;

pub(crate) use backchannel::Backchannel;
pub(crate) use cached::{Cached, Fetched, Freshness};
pub(crate) use client::{HttpClient, HttpSettings, OperatorRoutes, Repeat, is_json};
pub use guard::{Dangerous, EgressPolicy};
pub(crate) use guard::{is_below_okta, is_loopback};
pub(crate) use provider_error::ProviderError;
pub(crate) use proxy::{HttpProxy, ProxyScope};
