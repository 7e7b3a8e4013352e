//! Discovery: what the authorization server says about itself (OIDC Discovery §4).
//!
//! The metadata is fetched when it is first needed, never at start, and kept for an
//! hour or as long as its server says, from five minutes to a day. After that the old
//! one serves while a new one is fetched, and for as long as Okta is away.
//!
//! The org server of Okta is asked with the application's client id, because it shows
//! the key that an application is pinned to, and the issuer that it is set to, in no
//! other way.
//!
//! Endpoints are taken from the metadata and never built from the issuer. That they are
//! where the issuer says is worth nothing unless the document speaks for the issuer, so
//! the comparison of the two is the first thing that happens.

mod metadata;

use std::sync::Arc;
use std::time::Duration;

pub use metadata::Metadata;

use crate::clock::{SharedClock, Timestamp};
use crate::config::Issuer;
use crate::error::Result;
use crate::events::ProviderEndpoint;
use crate::http::{Cached, Freshness, HttpClient};

/// Metadata changes seldom and may lag at Okta; an hour is what its own verifiers keep
/// it for at most.
const FRESHNESS: Freshness = Freshness {
    default: Duration::from_secs(3_600),
    least: Duration::from_secs(300),
    most: Duration::from_secs(86_400),
    retry: Duration::from_secs(10),
    limit: None,
};

/// The metadata of one issuer, fetched when it is first needed.
#[derive(Clone, Debug)]
pub(crate) struct Discovery {
    issuer: Issuer,
    /// Which application asks; empty if that does not matter.
    client_id: String,
    http: HttpClient,
    cached: Cached<Metadata>,
}

impl Discovery {
    /// Knows the issuer and asks nothing yet.
    pub(crate) fn new(issuer: Issuer, client_id: &str, http: HttpClient, clock: SharedClock) -> Self {
        Self { issuer, client_id: client_id.to_owned(), http, cached: Cached::new(clock, FRESHNESS) }
    }

    /// The metadata: the last good one if there is any, however old, and fetched again
    /// behind it.
    ///
    /// # Errors
    /// [`Code::ProviderUnavailable`](crate::error::Code::ProviderUnavailable) and its
    /// like if there has never been a good one;
    /// [`Code::IssuerMismatch`](crate::error::Code::IssuerMismatch) and
    /// [`Code::MetadataInvalid`](crate::error::Code::MetadataInvalid) if it cannot be
    /// trusted; [`Code::EgressRefused`](crate::error::Code::EgressRefused) if it names
    /// a place that requests and browsers may not be sent to.
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

    /// What `look` sees in the metadata, if it is here and fresh.
    pub(crate) fn fresh<R>(&self, now: Timestamp, look: impl FnOnce(&Metadata) -> R) -> Option<R> {
        self.cached.fresh(now, |metadata| look(metadata))
    }
}

#[cfg(test)]
#[path = "egress_tests.rs"]
mod tests;
