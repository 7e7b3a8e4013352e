//! Introspects tokens that only their issuer can verify (RFC 7662), within limits.
//!
//! Any text that looks like a token leads here, and each introspection counts against Okta's rate limit. These are the
//! rules:
//!
//! 1. A token whose own claims name another issuer, or that has expired, is rejected without introspection.
//! 2. Concurrent requests with the same token share one introspection.
//! 3. A negative response is cached for as long as a positive one.
//! 4. Tokens that were valid before have a semaphore of their own, so that junk cannot block them. All other tokens
//!    share 32 permits.
//! 5. A permit used for an invalid token is released only after a pause, which limits such introspections to 16 a
//!    second. Valid tokens cause no pause.
//! 6. A request waits for a permit for a bounded time. Then the response is 503, because the token may be valid.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::cache::TokenKey;
use crate::clock::{NumericDate, SharedClock, Timestamp};
use crate::config::Issuer;
use crate::discovery::Discovery;
use crate::error::{Code, Error, Result};
use crate::http::SingleFlight;
use crate::jose::{IntrospectionRules, VerifiedAccessToken, unverified_claims};
use crate::protocol::Provider;
use crate::secret::Secret;

/// Concurrent introspections of tokens that are not in the cache.
const NEW_PLACES: usize = 32;
/// Concurrent introspections of tokens that were valid before.
const KNOWN_PLACES: usize = 16;
/// How long a permit stays taken after a negative response.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a request waits for a permit.
const PATIENCE: Duration = Duration::from_secs(3);
/// Capacity of the cache of negative responses.
const BAD_ANSWERS: usize = 4_096;
/// Larger tokens are rejected.
const MAX_BYTES: usize = 32 * 1024;

pub(super) struct Introspection {
    provider: Arc<Provider>,
    /// The clients whose tokens are accepted.
    clients: Vec<String>,
    /// How long a response is cached.
    lifetime: Duration,
    leeway: Duration,
    clock: SharedClock,
    new_places: Arc<Semaphore>,
    known_places: Arc<Semaphore>,
    /// Negative responses with the end of their validity; `None` caches no negative responses. Allocated with the
    /// first.
    bad: Option<OnceLock<Cache<TokenKey, (Error, Timestamp)>>>,
    under_way: SingleFlight<TokenKey, Result<VerifiedAccessToken, Error>>,
}

pub(super) struct Question<'a> {
    pub(super) token: &'a str,
    pub(super) key: TokenKey,
    pub(super) is_known: bool,
}

impl Introspection {
    /// Introspects at this provider. `remembers` enables the cache of negative responses.
    pub(super) fn of(provider: &Arc<Provider>, remembers: bool, clock: &SharedClock) -> Self {
        let (config, options) = (&provider.config, &provider.config.app.options);
        let places = |places| Arc::new(Semaphore::new(places));
        Self {
            provider: Arc::clone(provider),
            clients: std::iter::once(&config.client_id).chain(&options.accepted_clients).cloned().collect(),
            lifetime: options.introspection_lifetime,
            leeway: options.leeway,
            clock: clock.clone(),
            new_places: places(NEW_PLACES),
            known_places: places(KNOWN_PLACES),
            bad: remembers.then(OnceLock::new),
            under_way: SingleFlight::default(),
        }
    }

    /// Introspects a token. Returns it with the end of its cache lifetime, which is never later than the token's
    /// expiry. Until then a revoked token may still be accepted.
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of the introspection request.
    pub(super) async fn verify(
        self: &Arc<Self>,
        issuer: &Issuer,
        discovery: &Discovery,
        question: Question<'_>,
    ) -> Result<(VerifiedAccessToken, Timestamp)> {
        let now = self.clock.now();
        check_claims(question.token, issuer, now.minus(self.leeway))?;
        if let Some(error) = self.bad_answer(&question.key, now) {
            return Err(error);
        }
        let (asks, discovery, key) = (Arc::clone(self), discovery.clone(), question.key);
        let (token, is_known) = (Secret::new(question.token), question.is_known);
        let work = move || async move { asks.ask(&discovery, &token, key, is_known).await };
        let answer = self.under_way.join(key, work).await;
        let answer = answer.ok_or_else(|| Error::new(Code::Internal, "an introspection ended without an outcome"))?;
        let token = answer?;
        let until = token.claims().expires_at().min(self.clock.now().plus(self.lifetime));
        Ok((token, until))
    }

    async fn ask(
        &self,
        discovery: &Discovery,
        token: &Secret,
        key: TokenKey,
        is_known: bool,
    ) -> Result<VerifiedAccessToken> {
        let place = self.place(is_known).await?;
        let metadata = discovery.metadata().await?;
        let answer = self.provider.protocol.introspect(&metadata, token.expose()).await?;
        let now = self.clock.now();
        let rules = IntrospectionRules {
            issuer: metadata.issuer(),
            clients: &self.clients,
            audiences: &self.provider.config.audiences,
            token: token.expose(),
        };
        let verified = VerifiedAccessToken::from_introspection(&answer, &rules, now, self.leeway);
        let verified = verified.map(|verified| verified.with_text(token.expose()));
        if let Err(error) = &verified {
            if let Some(bad) = &self.bad {
                bad.get_or_init(|| Cache::new(BAD_ANSWERS)).insert(key, (error.clone(), now.plus(self.lifetime)));
            }
            if !is_known {
                tokio::spawn(async move {
                    tokio::time::sleep(PAUSE).await;
                    drop(place);
                });
            }
        }
        verified
    }

    /// Waits for a permit, in the order of arrival.
    async fn place(&self, is_known: bool) -> Result<OwnedSemaphorePermit> {
        let places = if is_known { &self.known_places } else { &self.new_places };
        let waiting = tokio::time::timeout(PATIENCE, Arc::clone(places).acquire_owned());
        // The semaphore is never closed, so only the timeout can fail here.
        waiting.await.ok().and_then(|place| place.ok()).ok_or_else(|| {
            let message = "too many access tokens are being introspected at the moment";
            Error::new(Code::ProviderUnavailable, message).with_retry_after(PAUSE)
        })
    }

    fn bad_answer(&self, key: &TokenKey, now: Timestamp) -> Option<Error> {
        self.bad.as_ref()?.get()?.get(key).filter(|(_, until)| now < *until).map(|(error, _)| error)
    }
}

/// Rejects a token that is invalid by its own, unverified claims. Forged claims can only cause a rejection.
///
/// A text that is not a JWT passes, because other providers issue opaque access tokens.
fn check_claims(token: &str, issuer: &Issuer, now: Timestamp) -> Result<()> {
    #[derive(Deserialize)]
    struct Claimed {
        #[serde(default)]
        iss: Option<Value>,
        #[serde(default)]
        exp: Option<Value>,
    }
    if token.len() > MAX_BYTES {
        return Err(Error::new(Code::TokenMalformed, "the token is larger than 32 KiB"));
    }
    let has_three_parts = token.split('.').count() == 3;
    let Some(claimed) = unverified_claims::<Claimed>(token).filter(|_| has_three_parts) else { return Ok(()) };
    if claimed.iss.is_some_and(|iss| !iss.as_str().is_some_and(|iss| issuer.is_spelled(iss))) {
        return Err(Error::invalid_claim("iss", "is not the configured issuer"));
    }
    match claimed.exp.map(|exp| NumericDate::read(&exp)) {
        Some(None) => Err(Error::invalid_claim("exp", "is not a number of seconds")),
        Some(Some(exp)) if exp <= now => Err(Error::new(Code::TokenExpired, "the token has expired")),
        _ => Ok(()),
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
