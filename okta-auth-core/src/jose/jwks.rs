//! The cache of an issuer's keys.
//!
//! Known key ids never wait for a fetch. An unknown one may mean that the keys were
//! rotated, so the set is fetched again, once for all who ask; but a stranger can
//! invent key ids, so for tokens that strangers can send this happens at most once per
//! interval.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::algorithm::Algorithm;
use super::jwk::{self, KeySet, WireSet};
use crate::base64url;
use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};
use crate::events::ProviderEndpoint;
use crate::http::{Cached, Fetched, Freshness, HttpClient};

/// How the keys are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeysSettings {
    /// The least time between two fetches that unknown key ids of strangers cause.
    pub(crate) floor: Duration,
    /// How long a set stays fresh.
    pub(crate) freshness: Freshness,
}

impl Default for KeysSettings {
    /// Okta's `max-age` is honoured from 5 minutes to a day: it has sent `no-store` by
    /// mistake, and an emergency rotation should not take longer than a day to be
    /// noticed by itself. While the keys cannot be fetched, those that were fetched last
    /// serve for 48 hours: whoever has stolen a key and keeps this application from Okta
    /// can use it for no longer.
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes.saturating_mul(60));
        let freshness = Freshness {
            default: minutes(60),
            least: minutes(5),
            most: minutes(24 * 60),
            retry: Duration::from_secs(30),
            limit: Some(minutes(48 * 60)),
        };
        Self { floor: Duration::from_secs(5), freshness }
    }
}

/// Where a token came from. A rotation just before signing must not cost anybody a
/// sign-in, and a stranger must not be able to make us fetch at will. This decides
/// whether its key id may cause a fetch at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Straight from the token endpoint, for a code of our own: a fetch is bounded by
    /// the exchange before it.
    BackChannel,
    /// From anybody.
    Anonymous,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) struct Keys {
    http: HttpClient,
    clock: SharedClock,
    settings: KeysSettings,
    /// The set, with the place that it came from: the metadata may name another one
    /// some day.
    current: Mutex<Option<(Url, Cached<KeySet>)>>,
    /// When a stranger's key id last caused a fetch.
    last_refetch: Mutex<Option<Timestamp>>,
}

impl Keys {
    /// Knows no keys yet and asks for none.
    pub(crate) fn new(http: HttpClient, clock: SharedClock, settings: KeysSettings) -> Self {
        Self { http, clock, settings, current: Mutex::new(None), last_refetch: Mutex::new(None) }
    }

    /// Verifies a signature with the key that the header names.
    ///
    /// # Errors
    /// [`Code::TokenKeyUnknown`] if no published key fits, [`Code::TokenSignature`] if
    /// the fitting one did not sign; the error of the fetch if there are no keys at
    /// all.
    ///
    /// The set comes back, so that a caller can tell later whether it has been
    /// replaced.
    pub(super) async fn verify(&self, place: &Url, token: &Signed<'_>, trust: Trust) -> Result<Arc<KeySet>> {
        let cached = self.cached(place);
        let mut set = cached.value(|| self.fetch(place)).await?;
        // Twice, because a fetch that was under way may have begun before the rotation.
        for _ in 0..2 {
            if let Some(outcome) = token.verify_with(&set) {
                return outcome.map(|()| set);
            }
            // Most strangers come within the interval, and what they sent is not read for its issuer.
            let may = || self.has_waited(trust) && token.is_worth_it(trust) && self.may_refetch(trust);
            match cached.refetch(may, || self.fetch(place)) {
                Some(fetch) => set = fetch.value().await?,
                None => break,
            }
        }
        // A fetch may have ended since this began.
        let set = cached.current().unwrap_or(set);
        token.verify_with(&set).unwrap_or_else(|| Err(unknown_key())).map(|()| set)
    }

    /// The keys as they are now, and fetched again behind it if they are stale.
    ///
    /// # Errors
    /// The error of the fetch, if there are no keys at all.
    pub(super) async fn current(&self, place: &Url) -> Result<Arc<KeySet>> {
        self.cached(place).value(|| self.fetch(place)).await
    }

    /// What `look` sees in the keys of a place, if they are here and fresh.
    pub(super) fn fresh<R>(&self, place: &Url, now: Timestamp, look: impl FnOnce(&Arc<KeySet>) -> R) -> Option<R> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|(known, _)| known == place).and_then(|(_, cached)| cached.fresh(now, look))
    }

    /// The cache for the place that the metadata names. Another place is another cache:
    /// keys of the old one say nothing about the new one.
    fn cached(&self, place: &Url) -> Cached<KeySet> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some((known, cached)) if known == place => cached.clone(),
            _ => {
                let cached = Cached::new(self.clock.clone(), self.settings.freshness);
                *current = Some((place.clone(), cached.clone()));
                cached
            }
        }
    }

    /// How the set is fetched.
    fn fetch(&self, place: &Url) -> impl Future<Output = Result<Fetched<KeySet>>> + Send + 'static + use<> {
        let (http, place) = (self.http.clone(), place.clone());
        async move {
            let fetched = http.json::<WireSet>(&place, ProviderEndpoint::Keys).await?;
            let set = KeySet::new(fetched.value);
            tracing::debug!(target: "okta_auth", keys = set.len(), "fetched the keys of the issuer");
            Ok(Fetched { value: set, max_age: fetched.max_age })
        }
    }

    /// One refetch per interval for strangers; the one that asks takes it. The first
    /// fetch of all does not count: a rotation may come right after it.
    fn may_refetch(&self, trust: Trust) -> bool {
        let may = self.has_waited(trust);
        if may && trust != Trust::BackChannel {
            *self.last_refetch.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now());
        }
        may
    }

    /// Whether the interval since the last refetch for a stranger is over. A clock that
    /// was set back does not block.
    fn has_waited(&self, trust: Trust) -> bool {
        let last = || *self.last_refetch.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |last: Timestamp, now: Timestamp| last <= now && now.since(last) < self.settings.floor;
        trust == Trust::BackChannel || !last().is_some_and(|last| waits(last, self.clock.now()))
    }
}

/// A token's signature, and what it says about the key.
#[derive(Debug)]
pub(super) struct Signed<'a> {
    /// The key id of the header.
    pub(super) kid: Option<&'a str>,
    /// The algorithm, which has been allowed.
    pub(super) algorithm: Algorithm,
    /// Whose keys are asked.
    pub(super) issuer: &'a str,
    /// What is signed.
    pub(super) input: &'a [u8],
    /// The signature over it.
    pub(super) signature: &'a [u8],
}

impl Signed<'_> {
    /// Whether a fetch could help: not if a stranger's token says itself that it is of another
    /// issuer. With many tenants, the tokens of one would else cost another's org requests.
    fn is_worth_it(&self, trust: Trust) -> bool {
        #[derive(Deserialize)]
        struct Claimed<'a> {
            iss: std::borrow::Cow<'a, str>,
        }
        let payload = || {
            let payload = std::str::from_utf8(self.input).ok()?.split('.').nth(1)?;
            base64url::decode(payload).ok()
        };
        let claims =
            |payload: Vec<u8>| serde_json::from_slice::<Claimed<'_>>(&payload).is_ok_and(|c| c.iss == self.issuer);
        trust == Trust::BackChannel || payload().is_some_and(claims)
    }

    /// `None` if the set has no key that fits.
    fn verify_with(&self, set: &Arc<KeySet>) -> Option<Result<()>> {
        let keys = set.candidates(self.kid, self.algorithm);
        (!keys.is_empty()).then(|| jwk::verify(&keys, self.input, self.signature))
    }
}

/// The message names the one cause that is not an attack.
fn unknown_key() -> Error {
    let message = "no key that the issuer publishes fits the token (by key id, type and use); an access token of the \
                   org server is signed with a key that Okta does not publish";
    Error::new(Code::TokenKeyUnknown, message)
}
