//! Verifies access tokens with the keys of a configured issuer, by introspection, or from a cache.
//!
//! A token takes one of these ways:
//!
//! 1. The cache has a verified entry for its hash, and the issuer's keys are unchanged since.
//! 2. Its issuer is a custom authorization server: the token is verified with that server's keys.
//! 3. Its issuer is the org server, whose access tokens only Okta can verify: the token is introspected, provided that
//!    a client is configured.
//!
//! The cache holds bound tokens too: whether their sender has the key is checked with each request, after the cache.
//!
//! This cache holds no failures: a token that could not be checked while Okta was unreachable is verified again with
//! the next request. Negative introspection responses have a cache of their own (see
//! [`introspection`](super::introspection)).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::cache::{TokenCache, TokenKey, Verified};
use super::credentials::{Credentials, SentProof, SentToken};
use super::dpop::{DpopVerifier, RequestTarget};
use super::introspection::{Introspection, Question};
use crate::clock::{SharedClock, Timestamp};
use crate::config::Config;
use crate::discovery::Metadata;
use crate::error::{Code, Error, Result};
use crate::jose::{AccessTokenRules, VerifiedAccessToken, unverified_issuer};
use crate::protocol::{Authority, Provider};

/// Verifies the access tokens of requests to one application, or to one tenant.
pub(crate) struct BearerVerifier {
    config: Arc<Config>,
    provider: Arc<Provider>,
    /// The first is the application's own issuer.
    authorities: Box<[Authority]>,
    /// The clients whose tokens of custom servers are accepted; empty accepts every client.
    clients: Vec<String>,
    cache: Option<TokenCache>,
    /// Created at the first token that has to be introspected.
    introspection: OnceLock<Arc<Introspection>>,
    dpop: DpopVerifier,
    clock: SharedClock,
    /// Whether the warning about pages that accept every client's tokens was logged.
    has_warned: AtomicBool,
}

impl BearerVerifier {
    /// Accepts the access tokens of all configured issuers. `has_warned` is whether the check of the configuration has
    /// logged what [`warn_of_tokens_on_pages`](Self::warn_of_tokens_on_pages) logs.
    pub(crate) fn new(provider: &Arc<Provider>, dpop: DpopVerifier, clock: SharedClock, has_warned: bool) -> Self {
        let (config, options) = (Arc::clone(&provider.config), &provider.config.app.options);
        // Tokens of an org server are always introspected at the present issuer.
        let former = config.former_issuers.iter().filter(|issuer| !issuer.is_org_server());
        let others = config.accepted_issuers.iter().chain(former).cloned().map(|issuer| provider.authority(issuer));
        let cache = (options.token_cache_size > 0).then(|| TokenCache::new(options.token_cache_size));
        Self {
            authorities: std::iter::once(provider.own_authority()).chain(others).collect(),
            clients: config.accepted_clients(),
            introspection: OnceLock::new(),
            cache,
            dpop,
            clock,
            has_warned: AtomicBool::new(has_warned),
            provider: Arc::clone(provider),
            config,
        }
    }

    /// Verifies the token that a request presents, and its proof of possession.
    ///
    /// # Errors
    /// [`Code::CredentialsMalformed`] unless the request has exactly one token, those of [`verify`](Self::verify), and
    /// those of [`DpopVerifier`].
    pub(crate) async fn verify_presented(
        &self,
        sent: &Credentials,
        target: RequestTarget<'_>,
        now: Timestamp,
    ) -> Result<VerifiedAccessToken> {
        match sent {
            Credentials::Token(sent) => {
                let token = self.verify_sent(sent.bytes(), || sent.text(), now).await?;
                self.dpop.check_unproven(&token)?;
                Ok(token)
            }
            Credentials::Proven(sent) => Box::pin(self.verify_proven(sent, target, now)).await,
            other => other.token().and(Err(Error::new(Code::Internal, "there is no token to verify"))),
        }
    }

    async fn verify_proven(
        &self,
        (sent, proof): &(SentToken, SentProof),
        target: RequestTarget<'_>,
        now: Timestamp,
    ) -> Result<VerifiedAccessToken> {
        let token = self.verify_sent(sent.bytes(), || sent.text(), now).await?;
        self.dpop.check(proof, (&token, TokenCache::key(sent.bytes())), target, now).await?;
        Ok(token)
    }

    /// Logs once if routes accept the access tokens of every client of the issuer besides sessions. Routes in a file
    /// are known at startup, routes in code only at their first request.
    pub(crate) fn warn_of_tokens_on_pages(&self) {
        if self.has_warned.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(problem) = self.config.tokens_on_pages() {
            tracing::warn!(target: "okta_auth", "{problem}");
        }
    }

    /// Verifies a token without a proof, or returns its cached verification.
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of reaching the issuer.
    pub(crate) async fn verify(&self, token: &str) -> Result<VerifiedAccessToken> {
        let token = self.verify_sent(token.as_bytes(), || Ok(token), self.clock.now()).await?;
        self.dpop.check_unproven(&token)?;
        Ok(token)
    }

    /// Verifies a token at `now`, but not whether its sender has its key. `text` validates its characters and is called
    /// only when the token is not cached.
    async fn verify_sent<'a>(
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
        // Boxed, so that the future for a cached token stays small.
        let verified = Box::pin(self.verify_now(text()?, Some(&key))).await;
        if verified.as_ref().is_err_and(Error::is_token) {
            cache.remove(&key);
        }
        let verified = verified?;
        cache.insert(key, verified.clone());
        Ok(verified.token)
    }

    /// Whether the verification keys are unchanged, from cached data only. `false` means "unknown".
    fn surely_holds(&self, known: &Verified, now: Timestamp) -> bool {
        let Some((position, version)) = &known.keys else { return true };
        self.authorities.get(*position).is_some_and(|authority| {
            let is_current =
                |metadata: &Metadata| authority.verifier.is_current_cached(metadata.jwks_uri(), version, now);
            authority.discovery.fresh(now, is_current) == Some(true)
        })
    }

    /// Whether the verification keys are unchanged, so that a withdrawn key does not stay accepted through the cache.
    /// An introspected token has no keys and is valid until its cache entry expires.
    async fn still_holds(&self, known: &Verified) -> Result<bool> {
        let Some((position, version)) = &known.keys else { return Ok(true) };
        let Some(authority) = self.authorities.get(*position) else { return Ok(false) };
        let metadata = authority.discovery.metadata().await?;
        authority.verifier.is_current(metadata.jwks_uri(), version).await
    }

    /// Verifies a token without the cache. The result is cached until the token's expiry without the leeway; within the
    /// leeway the token is verified with each request.
    async fn verify_now(&self, token: &str, key: Option<&TokenKey>) -> Result<Verified> {
        let (position, authority) = self.authority(token)?;
        if authority.issuer.is_org_server() {
            let key = key.copied().unwrap_or_else(|| TokenCache::key(token.as_bytes()));
            return Box::pin(self.introspect(authority, token, key)).await;
        }
        let metadata = authority.discovery.metadata().await?;
        let rules = AccessTokenRules { issuer: metadata.issuer(), audiences: &self.config.audiences };
        let (token, version) = authority.verifier.access_token(metadata.jwks_uri(), token, &rules).await?;
        if !self.clients.is_empty() && !self.clients.iter().any(|client| client == token.claims().client_id()) {
            return Err(Error::invalid_claim("cid", "is not one of the accepted clients"));
        }
        let until = token.claims().expires_at();
        Ok(Verified { token, until, keys: Some((position, version)) })
    }

    /// Selects the issuer to verify with. With several, the token's own `iss` selects one, and is checked again after
    /// the signature.
    ///
    /// An attacker can only select a configured issuer. No URL is built from the token, so the application never
    /// fetches keys from a host of the attacker's choice.
    fn authority(&self, token: &str) -> Result<(usize, &Authority)> {
        let mut all = self.authorities.iter().enumerate();
        let chosen = if self.authorities.len() > 1 {
            let issuer = unverified_issuer(token)?;
            all.find(|(_, authority)| authority.issuer.is_spelled(&issuer))
        } else {
            all.next()
        };
        chosen.ok_or_else(|| Error::invalid_claim("iss", "is not one of the configured issuers"))
    }

    async fn introspect(&self, authority: &Authority, token: &str, key: TokenKey) -> Result<Verified> {
        if self.config.client_id.is_empty() {
            let message = "only Okta can verify access tokens of the org server, and no client is configured for \
                           introspection; use a custom authorization server, or set OKTA_CLIENT_ID";
            return Err(Error::new(Code::AccessTokenOpaque, message));
        }
        let create = || Arc::new(Introspection::of(&self.provider, self.cache.is_some(), &self.clock));
        let introspection = self.introspection.get_or_init(create);
        let is_known = self.cache.as_ref().is_some_and(|cache| cache.knows(&key));
        let question = Question { token, key, is_known };
        let (token, until) = introspection.verify(&authority.issuer, &authority.discovery, question).await?;
        Ok(Verified { token, until, keys: None })
    }
}

opaque_debug!(BearerVerifier, |it| cache: it.cache);
