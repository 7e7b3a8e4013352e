//! The cache of an issuer's keys.
//!
//! A token with a known key id never waits for a fetch. An unknown key id may mean that the keys were rotated, so the
//! set is fetched again, once for all waiting callers. An attacker can invent key ids, so for tokens from untrusted
//! senders this happens at most once per interval. For tokens from the token endpoint a wrong signature may mean the same,
//! because some providers reuse the key id or publish none.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use url::Url;

use super::algorithm::Algorithm;
use super::jwk::{self, KeySet, WireSet};
use super::unverified::unverified_issuer;
use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};
use crate::events::ProviderEndpoint;
use crate::http::{DocumentCache, Fetched, Freshness, HttpClient};

#[derive(Clone, Copy, Debug)]
pub(crate) struct KeysSettings {
    /// Minimum time between two fetches that unknown key ids of untrusted senders trigger.
    pub(crate) min_refetch_interval: Duration,
    pub(crate) freshness: Freshness,
}

impl Default for KeysSettings {
    /// Okta's `max-age` is clamped to between 5 minutes and a day, because Okta has sent `no-store` by mistake, and an
    /// emergency rotation should take effect within a day. If the keys cannot be fetched, the last set is used for up
    /// to 48 hours: an attacker who has stolen a key and blocks this application's access to Okta can use the key no
    /// longer than that.
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes.saturating_mul(60));
        let freshness = Freshness {
            default: minutes(60),
            least: minutes(5),
            most: minutes(24 * 60),
            retry: Duration::from_secs(30),
            limit: Some(minutes(48 * 60)),
        };
        Self { min_refetch_interval: Duration::from_secs(5), freshness }
    }
}

/// The origin of a token. It decides whether an unknown key id may trigger a fetch at any time. A rotation just before
/// signing must not make a sign-in fail, and an attacker must not be able to trigger fetches at will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefetchPolicy {
    /// From the token endpoint, in exchange for a code of this application. The exchange bounds the number of fetches.
    Always,
    /// From any sender.
    RateLimited,
}

#[derive(Debug)]
pub(crate) struct Keys {
    http: HttpClient,
    clock: SharedClock,
    settings: KeysSettings,
    /// The key set, and the URL that it came from, because the metadata may name another URL later.
    current: Mutex<Option<(Url, DocumentCache<KeySet>)>>,
    /// When an untrusted key id last triggered a fetch.
    last_refetch: Mutex<Option<Timestamp>>,
}

impl Keys {
    pub(crate) fn new(http: HttpClient, clock: SharedClock, settings: KeysSettings) -> Self {
        Self { http, clock, settings, current: Mutex::new(None), last_refetch: Mutex::new(None) }
    }

    /// Verifies a signature with the key that the header names.
    ///
    /// Returns the key set, so that the caller can check later whether it has been replaced.
    ///
    /// # Errors
    /// [`Code::TokenKeyUnknown`] if no published key matches; [`Code::TokenSignature`] if the matching key did not
    /// sign; the error of the fetch if no keys are cached.
    pub(super) async fn verify(
        &self,
        place: &Url,
        token: &SignatureInput<'_>,
        trust: RefetchPolicy,
    ) -> Result<Arc<KeySet>> {
        let cached = self.cached(place);
        let mut set = cached.value(|| self.fetch(place)).await?;
        // Twice, because a fetch that was already running may have begun before the rotation.
        for _ in 0..2 {
            match token.verify_with(&set) {
                Some(Ok(())) => return Ok(set),
                // The key may have been replaced under the same key id, or without a key id.
                Some(Err(_)) if trust == RefetchPolicy::Always => {}
                Some(Err(error)) => return Err(error),
                None => {}
            }
            // The interval is checked first, because parsing the token for its issuer costs more.
            let may = || self.has_waited(trust) && token.is_worth_it(trust) && self.may_refetch(trust);
            match cached.refetch(may, || self.fetch(place)) {
                Some(fetch) => set = fetch.value().await?,
                None => break,
            }
        }
        // Another fetch may have finished in the meantime.
        let set = cached.current().unwrap_or(set);
        token.verify_with(&set).unwrap_or_else(|| Err(unknown_key())).map(|()| set)
    }

    /// Returns the cached keys. Stale keys are refreshed in the background.
    pub(super) async fn current(&self, place: &Url) -> Result<Arc<KeySet>> {
        self.cached(place).value(|| self.fetch(place)).await
    }

    pub(super) fn fresh<R>(&self, place: &Url, now: Timestamp, look: impl FnOnce(&Arc<KeySet>) -> R) -> Option<R> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|(known, _)| known == place).and_then(|(_, cached)| cached.fresh(now, look))
    }

    /// Returns the cache for the URL in the metadata. A new URL gets a new cache, because the keys of the old URL do
    /// not belong to it.
    fn cached(&self, place: &Url) -> DocumentCache<KeySet> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some((known, cached)) if known == place => cached.clone(),
            _ => {
                let cached = DocumentCache::new(self.clock.clone(), self.settings.freshness);
                *current = Some((place.clone(), cached.clone()));
                cached
            }
        }
    }

    fn fetch(&self, place: &Url) -> impl Future<Output = Result<Fetched<KeySet>>> + Send + 'static + use<> {
        let (http, place) = (self.http.clone(), place.clone());
        async move {
            let fetched = http.json::<WireSet>(&place, ProviderEndpoint::Keys).await?;
            let set = KeySet::new(fetched.value);
            tracing::debug!(target: "okta_auth", keys = set.len(), "fetched the keys of the issuer");
            Ok(Fetched { value: set, max_age: fetched.max_age })
        }
    }

    /// Allows one refetch per interval for untrusted senders, and records it. The first fetch does not count, because a
    /// rotation may follow it directly.
    fn may_refetch(&self, trust: RefetchPolicy) -> bool {
        let may = self.has_waited(trust);
        if may && trust != RefetchPolicy::Always {
            *self.last_refetch.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now());
        }
        may
    }

    /// Whether the interval since the last untrusted refetch is over. A clock that jumps backwards does not block
    /// fetches.
    fn has_waited(&self, trust: RefetchPolicy) -> bool {
        let last = || *self.last_refetch.lock().unwrap_or_else(PoisonError::into_inner);
        let waits =
            |last: Timestamp, now: Timestamp| last <= now && now.since(last) < self.settings.min_refetch_interval;
        trust == RefetchPolicy::Always || !last().is_some_and(|last| waits(last, self.clock.now()))
    }
}

/// A token's signature, and the header values that select its key.
#[derive(Debug)]
pub(super) struct SignatureInput<'a> {
    pub(super) kid: Option<&'a str>,
    /// Checked against the allow-list.
    pub(super) algorithm: Algorithm,
    pub(super) issuer: &'a str,
    /// The signed bytes.
    pub(super) input: &'a [u8],
    pub(super) signature: &'a [u8],
}

impl SignatureInput<'_> {
    /// Whether a fetch could help. It cannot if an untrusted token names another issuer. Otherwise, with many tenants,
    /// tokens of one tenant would trigger requests to another tenant's org.
    fn is_worth_it(&self, trust: RefetchPolicy) -> bool {
        let issuer = || unverified_issuer(std::str::from_utf8(self.input).ok()?).ok();
        trust == RefetchPolicy::Always || issuer().is_some_and(|issuer| issuer == self.issuer)
    }

    /// Returns `None` if no key in the set matches.
    fn verify_with(&self, set: &Arc<KeySet>) -> Option<Result<()>> {
        let keys = set.candidates(self.kid, self.algorithm);
        (!keys.is_empty()).then(|| jwk::verify(&keys, self.input, self.signature))
    }
}

/// The message names the only cause that is not an attack.
fn unknown_key() -> Error {
    let message = "no published key of the issuer matches the token (by key id, type and use); an access token of the \
                   org server is signed with a key that Okta does not publish";
    Error::new(Code::TokenKeyUnknown, message)
}
