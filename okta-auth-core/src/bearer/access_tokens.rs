//! Verifies access tokens: by the keys of one of several issuers, by asking the issuer,
//! or by remembering.
//!
//! A token goes one of these ways:
//!
//! 1. It has been verified before: the cache knows its hash, and the keys of its
//!    issuer are still those that it was verified with.
//! 2. Its issuer is a custom authorization server: by the keys of that server.
//! 3. Its issuer is the org server, whose access tokens only Okta can verify: by
//!    introspection, where a client is configured to ask with.
//!
//! Failures are not in the cache: a token that could not be checked while Okta was
//! out of reach is looked at anew the next time. What Okta said about a bad token is
//! remembered apart (see [`introspection`](super::introspection)).

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::cache::{TokenCache, TokenKey, Verified};
use super::introspection::{Introspection, Question};
use crate::base64url;
use crate::clock::{SharedClock, Timestamp};
use crate::config::Issuer;
use crate::discovery::{Discovery, Metadata};
use crate::error::{Code, Error, Result};
use crate::jose::{AccessTokenRules, VerifiedAccessToken, Verifier};

/// One issuer whose access tokens count.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) issuer: Issuer,
    pub(crate) discovery: Discovery,
    pub(crate) verifier: Arc<Verifier>,
}

/// The access tokens of an API.
pub(crate) struct AccessTokens {
    /// The first one is the application's own issuer.
    authorities: Vec<Authority>,
    audiences: Vec<String>,
    /// The clients whose tokens of custom servers count; empty for all.
    clients: Vec<String>,
    cache: Option<TokenCache>,
    introspection: Option<Arc<Introspection>>,
    clock: SharedClock,
}

impl AccessTokens {
    /// Accepts tokens of these issuers for these audiences, and from these clients or, if
    /// none is named, from all. `capacity` is how many are
    /// remembered; zero is none.
    pub(crate) fn new(
        authorities: Vec<Authority>,
        (audiences, clients): (Vec<String>, Vec<String>),
        capacity: usize,
        introspection: Option<Introspection>,
        clock: SharedClock,
    ) -> Self {
        let cache = (capacity > 0).then(|| TokenCache::new(capacity));
        Self { authorities, audiences, clients, cache, introspection: introspection.map(Arc::new), clock }
    }

    /// Verifies a token, or finds that it has been verified.
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of reaching the issuer.
    pub(crate) async fn verify(&self, token: &str) -> Result<VerifiedAccessToken> {
        self.verify_sent(token.as_bytes(), || Ok(token), self.clock.now()).await
    }

    /// The same at a moment, for a token whose characters have not been looked at:
    /// `text` does that, if it is needed.
    ///
    /// # Errors
    /// Those of [`verify`](Self::verify), and that of `text`.
    pub(crate) async fn verify_sent<'a>(
        &self,
        sent: &[u8],
        text: impl Fn() -> Result<&'a str>,
        now: Timestamp,
    ) -> Result<VerifiedAccessToken> {
        let Some(cache) = &self.cache else { return Ok(Box::pin(self.verify_now(text()?, None)).await?.token) };
        let key = TokenCache::key(sent);
        if let Some(known) = cache.find(&key, now) {
            if self.surely_holds(&known, now) {
                return Ok(known.token);
            }
            if Box::pin(self.still_holds(&known)).await? {
                return Ok(known.token);
            }
            cache.remove(&key);
        }
        // On the heap, so that a token that is known does not carry the room for all of this along.
        let verified = Box::pin(self.verify_now(text()?, Some(key))).await;
        if verified.as_ref().is_err_and(Error::is_token) {
            cache.remove(&key);
        }
        let verified = verified?;
        cache.insert(key, verified.clone());
        Ok(verified.token)
    }

    /// Whether the keys are still those that a token was verified with, as far as that
    /// is known without asking anybody: `false` says nothing.
    fn surely_holds(&self, known: &Verified, now: Timestamp) -> bool {
        let Some((position, version)) = &known.keys else { return true };
        self.authorities.get(*position).is_some_and(|authority| {
            let is_current =
                |metadata: &Metadata| authority.verifier.surely_is_current(metadata.jwks_uri(), version, now);
            authority.discovery.fresh(now, is_current) == Some(true)
        })
    }

    /// Whether the keys are still those that a token was verified with. A key that has
    /// been withdrawn must not live on in a cache.
    ///
    /// A token that its issuer was asked about has no keys, and holds for as long as
    /// the answer does.
    async fn still_holds(&self, known: &Verified) -> Result<bool> {
        let Some((position, version)) = &known.keys else { return Ok(true) };
        let Some(authority) = self.authorities.get(*position) else { return Ok(false) };
        let metadata = authority.discovery.metadata().await?;
        authority.verifier.is_current(metadata.jwks_uri(), version).await
    }

    /// Verifies a token by itself: by the keys of its issuer, or by asking the issuer.
    ///
    /// A token that was verified by keys is remembered until it expires, without the
    /// leeway: after that it is verified each time.
    async fn verify_now(&self, token: &str, key: Option<TokenKey>) -> Result<Verified> {
        let (position, authority) = self.authority(token)?;
        if authority.issuer.is_org_server() {
            let key = key.unwrap_or_else(|| TokenCache::key(token.as_bytes()));
            return Box::pin(self.introspect(authority, token, key)).await;
        }
        let metadata = authority.discovery.metadata().await?;
        let rules = AccessTokenRules { issuer: metadata.issuer(), audiences: &self.audiences };
        let (token, version) = authority.verifier.access_token(metadata.jwks_uri(), token, &rules).await?;
        if !self.clients.is_empty() && !self.clients.iter().any(|client| client == token.claims().client_id()) {
            return Err(Error::invalid_claim("cid", "is none of the accepted clients"));
        }
        let until = token.claims().expires_at();
        Ok(Verified { token, until, keys: Some((position, version)) })
    }

    /// The issuer to verify with. With several, the token's own `iss` chooses among
    /// them, and is checked again once the signature has been.
    ///
    /// The token can choose among what is configured and nothing else: no URL is
    /// ever made from it, so nobody can make this application fetch keys from a host
    /// of their own.
    fn authority(&self, token: &str) -> Result<(usize, &Authority)> {
        let mut all = self.authorities.iter().enumerate();
        let chosen = if self.authorities.len() > 1 {
            let issuer = claimed_issuer(token)?;
            all.find(|(_, authority)| authority.issuer.is_spelled(&issuer))
        } else {
            all.next()
        };
        chosen.ok_or_else(|| Error::invalid_claim("iss", "is none of the configured issuers"))
    }

    /// Asks the issuer (RFC 7662), within the bounds of [`Introspection`].
    async fn introspect(&self, authority: &Authority, token: &str, key: TokenKey) -> Result<Verified> {
        let introspection = self.introspection.as_ref().ok_or_else(|| {
            let message = "access tokens of the org server can be verified by Okta alone, and no client is configured \
                           to ask with; use a custom authorization server, or set OKTA_CLIENT_ID";
            Error::new(Code::AccessTokenOpaque, message)
        })?;
        let is_known = self.cache.as_ref().is_some_and(|cache| cache.knows(&key));
        let question = Question { token, key, is_known };
        let (token, until) = introspection.verify(&authority.issuer, &authority.discovery, question).await?;
        Ok(Verified { token, until, keys: None })
    }
}

/// The `iss` that a token claims, with nothing of it believed.
///
/// It may only choose whose keys are tried, or who is asked. The rules of the token
/// compare it again.
///
/// # Errors
/// `Code::TokenMalformed`, with one message for all: the text is a stranger's.
pub(crate) fn claimed_issuer(token: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: String,
    }
    let malformed = || Error::new(Code::TokenMalformed, "the token is not a signed token that names its issuer");
    let payload = token.split('.').nth(1).ok_or_else(malformed)?;
    let payload = base64url::decode(payload).map_err(|_| malformed())?;
    serde_json::from_slice::<Claimed>(&payload).map(|claimed| claimed.iss).map_err(|_| malformed())
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens").field("cache", &self.cache).finish_non_exhaustive()
    }
}
