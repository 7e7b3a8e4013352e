//! Discovery of the authorization server's metadata (OIDC Discovery §4).
//!
//! The metadata is fetched at the first use, never at startup. It is cached for an hour or as long as its server says,
//! from five minutes to a day. After that the stale metadata is served while new metadata is fetched, and for as long
//! as Okta is down.
//!
//! Requests to an Okta org server include the application's client id. Only then does the metadata show the key that an
//! application is pinned to, and the issuer that it is set to.
//!
//! Endpoints are taken from the metadata and never built from the issuer. The metadata is trustworthy only if it
//! belongs to the issuer, so the issuer is compared first.

mod auth_methods;
mod fapi;
mod metadata;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use auth_methods::{AuthMethod, AuthMethods};
pub(crate) use metadata::Metadata;

use crate::clock::{SharedClock, Timestamp};
use crate::config::Issuer;
use crate::error::Result;
use crate::events::ProviderEndpoint;
use crate::http::{DocumentCache, Freshness, HttpClient};

/// Metadata changes rarely, and Okta's may lag; Okta's own verifiers cache it for at most an hour.
const FRESHNESS: Freshness = Freshness {
    default: Duration::from_secs(3_600),
    least: Duration::from_secs(300),
    most: Duration::from_secs(86_400),
    retry: Duration::from_secs(10),
    limit: None,
};

#[derive(Clone, Debug)]
pub(crate) struct Discovery {
    issuer: Issuer,
    /// The client id to send; empty if the server does not need it.
    client_id: Arc<str>,
    http: HttpClient,
    cached: DocumentCache<Metadata>,
}

impl Discovery {
    pub(crate) fn new(issuer: Issuer, client_id: &str, http: HttpClient, clock: SharedClock) -> Self {
        Self { issuer, client_id: client_id.into(), http, cached: DocumentCache::new(clock, FRESHNESS) }
    }

    /// Returns the metadata. Stale metadata of any age is returned too, and refreshed in the background.
    ///
    /// # Errors
    /// [`Code::ProviderUnavailable`](crate::error::Code::ProviderUnavailable) and similar codes if the metadata has
    /// never been fetched; [`Code::IssuerMismatch`](crate::error::Code::IssuerMismatch) and
    /// [`Code::MetadataInvalid`](crate::error::Code::MetadataInvalid) if it cannot be trusted;
    /// [`Code::EgressRefused`](crate::error::Code::EgressRefused) if it contains a URL that requests and browsers must
    /// not be sent to.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>> {
        let fetch = || {
            let (http, issuer) = (self.http.clone(), self.issuer.clone());
            let url = issuer.metadata_url_for(&self.client_id);
            async move {
                let fetched = http.json::<Metadata>(&url, ProviderEndpoint::Metadata).await?;
                fetched.value.check(&issuer, |endpoint| http.is_inside(endpoint))?;
                fetched.value.endpoints().try_for_each(|endpoint| http.check_url(endpoint))?;
                Ok(fetched)
            }
        };
        self.cached.value(fetch).await
    }

    /// Applies `look` to the metadata if it is cached and fresh.
    pub(crate) fn fresh<R>(&self, now: Timestamp, look: impl FnOnce(&Metadata) -> R) -> Option<R> {
        self.cached.fresh(now, |metadata| look(metadata))
    }
}

#[cfg(test)]
#[path = "egress_tests.rs"]
mod tests;
