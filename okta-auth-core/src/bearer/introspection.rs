//! Questions to the issuer about tokens that it alone can verify (RFC 7662), and what
//! bounds them.
//!
//! Any text that looks like a token leads here, and each question costs Okta's rate
//! limit. These are the rules:
//!
//! 1. A token that says itself that it is of another issuer, or that it has expired, is
//!    refused without a question.
//! 2. However many requests bring the same token, there is one question at a time.
//! 3. A bad answer is remembered for as long as a good one.
//! 4. Tokens that were good before have places of their own, so junk does not keep them
//!    out. Tokens that were never seen share 32 others.
//! 5. A place that was used for a bad token is free again only after a pause: at most 16
//!    such questions a second. Tokens that turn out good cost no pause.
//! 6. Without a free place a request waits for a bounded time. Then the answer is 503:
//!    that a token cannot be checked now says nothing about it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::cache::TokenKey;
use crate::base64url;
use crate::clock::{NumericDate, SharedClock, Timestamp};
use crate::config::Issuer;
use crate::discovery::Discovery;
use crate::error::{Code, Error, Result};
use crate::jose::{IntrospectionRules, VerifiedAccessToken};
use crate::protocol::Protocol;
use crate::secret::Secret;
use crate::session::{Flights, StoreKey};

/// Questions at a time about tokens that were never seen.
const NEW_PLACES: usize = 32;
/// Questions at a time about tokens that were good before.
const KNOWN_PLACES: usize = 16;
/// How long a place stays taken after a bad answer.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a request waits for a place.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many bad answers are remembered.
const BAD_ANSWERS: usize = 4_096;
/// Larger texts are no tokens.
const MAX_BYTES: usize = 32 * 1024;

/// How the issuer is asked.
pub(crate) struct Introspection {
    protocol: Protocol,
    /// The clients whose tokens count.
    clients: Vec<String>,
    /// How long an answer is believed.
    lifetime: Duration,
    leeway: Duration,
    clock: SharedClock,
    new_places: Arc<Semaphore>,
    known_places: Arc<Semaphore>,
    /// Until when a token is refused without a question; nothing is remembered with
    /// `None`.
    bad: Option<Cache<TokenKey, (Arc<Error>, Timestamp)>>,
    under_way: Flights<Result<VerifiedAccessToken, Arc<Error>>>,
}

/// A token to ask about.
pub(super) struct Question<'a> {
    pub(super) token: &'a str,
    pub(super) key: TokenKey,
    /// Whether it was good before.
    pub(super) is_known: bool,
}

impl Introspection {
    /// Asks with the application's own credentials. `remembers` is whether bad answers
    /// are kept.
    pub(crate) fn new(
        protocol: Protocol,
        clients: Vec<String>,
        (lifetime, leeway): (Duration, Duration),
        remembers: bool,
        clock: SharedClock,
    ) -> Self {
        let places = |places| Arc::new(Semaphore::new(places));
        Self {
            protocol,
            clients,
            lifetime,
            leeway,
            clock,
            new_places: places(NEW_PLACES),
            known_places: places(KNOWN_PLACES),
            bad: remembers.then(|| Cache::new(BAD_ANSWERS)),
            under_way: Flights::default(),
        }
    }

    /// Verifies a token by asking the issuer. What comes back besides is until when the
    /// answer is believed: never past the expiry of the token. That is how long a token
    /// that was revoked may still be accepted.
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of asking.
    pub(super) async fn verify(
        self: &Arc<Self>,
        issuer: &Issuer,
        discovery: &Discovery,
        question: Question<'_>,
    ) -> Result<(VerifiedAccessToken, Timestamp)> {
        let now = self.clock.now();
        check_claims(question.token, issuer, now.minus(self.leeway))?;
        if let Some(error) = self.bad_answer(&question.key, now) {
            return Err(error.duplicate());
        }
        let (asks, discovery, key) = (Arc::clone(self), discovery.clone(), question.key);
        let (token, is_known) = (Secret::new(question.token), question.is_known);
        let work = move || async move { asks.ask(&discovery, &token, key, is_known).await.map_err(Arc::new) };
        let answer = self.under_way.join(StoreKey::from_bytes(key), work).await;
        let answer = answer.ok_or_else(|| Error::new(Code::Internal, "an introspection ended without an outcome"))?;
        let token = answer.map_err(|error| error.duplicate())?;
        let until = token.claims().expires_at().min(self.clock.now().plus(self.lifetime));
        Ok((token, until))
    }

    /// The question, in a place of its own.
    async fn ask(
        &self,
        discovery: &Discovery,
        token: &Secret,
        key: TokenKey,
        is_known: bool,
    ) -> Result<VerifiedAccessToken> {
        let place = self.place(is_known).await?;
        let metadata = discovery.metadata().await?;
        let answer = self.protocol.introspect(&metadata, token.expose()).await?;
        let now = self.clock.now();
        let rules = IntrospectionRules { issuer: metadata.issuer(), clients: &self.clients };
        let verified = VerifiedAccessToken::from_introspection(&answer, &rules, now, self.leeway);
        if let Err(error) = &verified {
            if let Some(bad) = &self.bad {
                bad.insert(key, (Arc::new(error.duplicate()), now.plus(self.lifetime)));
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

    /// A place, at once or after a bounded wait. First come, first served.
    async fn place(&self, is_known: bool) -> Result<OwnedSemaphorePermit> {
        let places = if is_known { &self.known_places } else { &self.new_places };
        let waiting = tokio::time::timeout(PATIENCE, Arc::clone(places).acquire_owned());
        // The semaphore is never closed, so the inner error does not come.
        waiting.await.ok().and_then(|place| place.ok()).ok_or_else(|| {
            let message = "too many access tokens are being introspected at the moment";
            Error::new(Code::ProviderUnavailable, message).with_retry_after(PAUSE)
        })
    }

    /// What the issuer said about a bad token, if that is still believed.
    fn bad_answer(&self, key: &TokenKey, now: Timestamp) -> Option<Arc<Error>> {
        self.bad.as_ref()?.get(key).filter(|(_, until)| now < *until).map(|(error, _)| error)
    }
}

/// Refuses a token that says itself that it cannot be good. Nothing in it is believed:
/// whoever lies here only fails.
///
/// A text that is no JWT passes. At other providers access tokens are opaque.
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
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Ok(());
    };
    let payload = base64url::decode(payload).ok();
    let Some(claimed) = payload.and_then(|json| serde_json::from_slice::<Claimed>(&json).ok()) else { return Ok(()) };
    if claimed.iss.is_some_and(|iss| !iss.as_str().is_some_and(|iss| issuer.is_spelled(iss))) {
        return Err(Error::invalid_claim("iss", "is another issuer than the configured one"));
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
