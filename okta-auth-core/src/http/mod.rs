//! The one HTTP client: bounded in time and size, without redirects, and careful about
//! what it repeats.

mod cached;
mod client;
mod rate_limit;

pub(crate) use cached::{Cached, Fetched, Freshness};
pub(crate) use client::{HttpClient, HttpSettings, Repeat};
