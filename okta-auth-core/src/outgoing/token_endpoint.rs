//! The token endpoint that issues tokens for outgoing calls.

use std::sync::Arc;

use quick_cache::sync::Cache;
use url::Url;

use super::binding::TokenBinding;
use super::issued_token::{IssuedToken, TokenTimes};
use super::token_request::TokenRequest;
use crate::clock::{SharedClock, Timestamp};
use crate::config::{ClientAuth, parse_issuer};
use crate::discovery::{Discovery, Metadata};
use crate::error::{Code, Error, Result};
use crate::jose::VerifiedAccessToken;
use crate::protocol::{Provider, TokenSet};

/// The number of other issuers whose metadata is cached.
const OTHER_ISSUERS: usize = 64;

pub(super) struct TokenEndpoint {
    pub(super) provider: Arc<Provider>,
    /// The metadata of other authorization servers of the org, by issuer.
    others: Cache<String, Discovery>,
    pub(super) clock: SharedClock,
}

impl TokenEndpoint {
    pub(super) fn new(provider: Arc<Provider>, clock: SharedClock) -> Self {
        Self { provider, others: Cache::new(OTHER_ISSUERS), clock }
    }

    /// The application at its own authorization server.
    #[cfg(feature = "id-jag")]
    pub(super) fn provider(&self) -> &Arc<Provider> {
        &self.provider
    }

    /// Requests a token for the application itself (RFC 6749 §4.4).
    pub(super) async fn for_client(&self, request: &TokenRequest) -> Result<IssuedToken> {
        self.check_client()?;
        let metadata = self.metadata(request).await?;
        let tokens = self.provider.protocol.client_credentials(&metadata, request.parameters()).await?;
        self.issued(&tokens, request, None)
    }

    /// Exchanges a token that this application received (RFC 8693).
    pub(super) async fn for_subject(
        &self,
        subject: &VerifiedAccessToken,
        request: &TokenRequest,
    ) -> Result<IssuedToken> {
        self.check_client()?;
        self.check_subject(subject)?;
        let metadata = self.metadata(request).await?;
        let tokens = self.provider.protocol.exchange_token(&metadata, subject.text(), request.parameters()).await?;
        self.issued(&tokens, request, Some(subject.claims().expires_at()))
    }

    /// Checks that the application can authenticate itself. A public client cannot, and anyone could request its tokens
    /// (RFC 6749 §4.4).
    pub(super) fn check_client(&self) -> Result<()> {
        if self.provider.config.client_id.is_empty() {
            let message = "OKTA_CLIENT_ID: it is not set, and tokens for other APIs are issued to a client";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        if matches!(self.provider.config.client_auth, ClientAuth::None) {
            let message = "OKTA_CLIENT_SECRET: neither a secret nor a private key is set, and tokens for other APIs \
                           are issued only to a client that authenticates itself";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        Ok(())
    }

    /// Checks the token before it is sent. A token of another org is not sent, because it may give access there.
    fn check_subject(&self, subject: &VerifiedAccessToken) -> Result<()> {
        let issuer = subject.claims().issuer();
        let own = self.provider.config.issuer.url().origin();
        let is_of_org = Url::parse(issuer).is_ok_and(|issuer| issuer.origin() == own);
        if !is_of_org && !self.provider.config.is_or_was_issuer(issuer) {
            return Err(Error::invalid_claim(
                "iss",
                "belongs to another org than the one that would exchange the token",
            ));
        }
        Ok(())
    }

    async fn metadata(&self, request: &TokenRequest) -> Result<Arc<Metadata>> {
        let Some(issuer) = request.other_issuer() else { return self.provider.discovery.metadata().await };
        let discovery = self.others.get(issuer).map_or_else(|| self.discovery_of(issuer), Ok)?;
        discovery.metadata().await
    }

    /// The credentials are those of a client of one org, so no other org receives them.
    fn discovery_of(&self, text: &str) -> Result<Discovery> {
        let issuer = parse_issuer(text)?;
        if issuer.url().origin() != self.provider.config.issuer.url().origin() {
            let message = format!(
                "the issuer `{issuer}` of a token request belongs to another org than OKTA_ISSUER_URI; configure the \
                 client of that org in an `Outgoing` of its own"
            );
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        let discovery = self.provider.authority(issuer).discovery;
        self.others.insert(text.to_owned(), discovery.clone());
        Ok(discovery)
    }

    /// `latest` is the end of the token that this one was made from.
    pub(super) fn issued(
        &self,
        tokens: &TokenSet,
        request: &TokenRequest,
        latest: Option<Timestamp>,
    ) -> Result<IssuedToken> {
        let requested = || request.parameters().scopes.split_ascii_whitespace().map(str::to_owned).collect();
        let scopes = tokens.scopes.clone().unwrap_or_else(requested);
        let times = TokenTimes::new(self.clock.now(), tokens.access_token_expires_at, latest)?;
        let dpop = || Arc::clone(&self.provider.protocol.dpop);
        let binding = tokens.dpop_key.clone().map(|key| TokenBinding::new(dpop(), key, &tokens.access_token));
        IssuedToken::with_binding(&tokens.access_token, scopes, times, binding)
    }
}

opaque_debug!(TokenEndpoint, |it| issuer: it.provider.config.issuer);
