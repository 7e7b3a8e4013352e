//! The HTTP client for all requests to Okta. It bounds time and size, follows no redirect, and retries only idempotent
//! requests.
//!
//! - A connection is established within 3 s, and a request completes within 10 s.
//! - At most 1 MiB of a response body is read, even if the response claims another length.
//! - A redirect is an error, because it would carry codes and secrets to a host that the response chooses.
//! - An idempotent request is sent a second time if the first one got no response. A request that consumes a code or a
//!   token is never retried.
//! - A 429 becomes an error with the time after which a retry is allowed.
//! - An `EgressPolicy` checks every request, by host name and by address.
//! - At most 64 requests to one origin run at a time. Requests to an endpoint that does not respond are paused for a
//!   few seconds at a time.
//! - Requests to issuers of the operator use the configured proxy, if any. Requests that tenants cause always go
//!   directly. The client sends no cookies and no `Referer`.
//!
//! `DocumentCache` caches documents that change rarely. Concurrent callers share one fetch, and the last good document
//! is served while the next fetch runs or fails.

mod address;
mod availability;
mod backchannel;
mod client;
mod content_type;
mod document_cache;
mod egress;
mod forms;
mod guard;
mod provider_error;
mod proxy;
mod rate_limit;
mod resolve;
#[cfg(test)]
mod server_for_tests;
mod settings;
mod single_flight;

pub(crate) use backchannel::Backchannel;
pub(crate) use client::is_timeout;
pub(crate) use client::{HttpClient, Idempotency, OperatorRoutes};
pub(crate) use content_type::check_json;
pub(crate) use document_cache::{DocumentCache, Fetched, Freshness};
pub(crate) use forms::unique_params;
pub use guard::{Dangerous, EgressPolicy};
pub(crate) use provider_error::ProviderError;
pub(crate) use proxy::{HttpProxy, ProxyScope};
#[cfg(feature = "okta-api")]
pub(crate) use rate_limit::{is_concurrency_limit, retry_after, stated};
pub(crate) use settings::HttpSettings;
pub(crate) use single_flight::SingleFlight;
