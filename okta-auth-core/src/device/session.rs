//! A signed-in user of a tool: access tokens, their refresh, and sign-out.

use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::client::DeviceClient;
use super::tokens::DeviceTokens;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
#[cfg(feature = "client")]
use crate::outgoing::{Authorization, UserAccessToken, UserToken, UserTokenFuture};
use crate::secret::{Secret, sha256};
use crate::tokens::refresh::{self, RefreshContext};

/// A user who signed in with the device flow. Clones are cheap and share the tokens.
///
/// It comes from [`DeviceAuthorization::wait_for_user`](super::DeviceAuthorization::wait_for_user), or from the store
/// by [`DeviceFlow::session`](super::DeviceFlow::session).
#[derive(Clone)]
pub struct DeviceSession(Arc<Inner>);

struct Inner {
    client: DeviceClient,
    tokens: Mutex<Arc<DeviceTokens>>,
}

impl DeviceSession {
    pub(super) fn new(client: DeviceClient, tokens: DeviceTokens) -> Self {
        Self(Arc::new(Inner { client, tokens: Mutex::new(Arc::new(tokens)) }))
    }

    /// Returns the user's identifier at the issuer (`sub`).
    pub fn subject(&self) -> String {
        self.tokens().subject().to_owned()
    }

    /// Returns the claims of the verified ID token, completed by userinfo if it lacks the profile.
    pub fn all_claims(&self) -> Map<String, Value> {
        self.tokens().claims.clone()
    }

    /// Deserializes the claims into the application's own type.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if they do not fit it.
    pub fn claims<C: DeserializeOwned>(&self) -> Result<C> {
        C::deserialize(&self.tokens().claims).map_err(|error| {
            Error::new(Code::ClaimsMismatch, "the claims do not fit the application's type").with_cause(error)
        })
    }

    /// Returns the granted scopes, which may be fewer than requested.
    pub fn scopes(&self) -> Vec<String> {
        self.tokens().scopes.clone()
    }

    /// Returns when the present access token expires.
    pub fn expires_at(&self) -> Timestamp {
        self.tokens().expires_at()
    }

    /// Returns the access token, refreshed in its last 30 s, or in the last tenth of a lifetime below 5 minutes.
    /// Concurrent callers share one refresh, which continues if they are dropped.
    ///
    /// # Errors
    /// [`Code::SessionEnded`] if the user has to sign in again: Okta rejected the refresh token, or there is none,
    /// which needs the scope `offline_access`. The saved tokens are then deleted. Otherwise the error of reaching Okta.
    pub async fn access_token(&self) -> Result<Secret> {
        self.fresh().await.map(|tokens| tokens.access_token.clone())
    }

    async fn fresh(&self) -> Result<Arc<DeviceTokens>> {
        let tokens = self.tokens();
        if tokens.is_usable(self.0.client.now()) {
            return Ok(tokens);
        }
        let Some(refresh_token) = &tokens.refresh_token else { return Err(ended("no refresh token was issued")) };
        let key = sha256(refresh_token.expose().as_bytes());
        let work = || {
            let session = self.clone();
            async move { session.refresh().await }
        };
        let outcome = self.0.client.refreshes().join(key, work).await;
        let refreshed = outcome.ok_or_else(|| Error::new(Code::Internal, "a refresh ended without an outcome"))??;
        self.replace(&refreshed);
        Ok(refreshed)
    }

    /// Attaches the access token to requests to an API, given by its origin such as `https://orders.example.com`, with
    /// the feature `client`. Tokens are sent to no other origin, and redirects are not followed.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if this is not an origin, or neither https nor on this machine.
    #[cfg(feature = "client")]
    pub fn authorization(&self, origin: &str) -> Result<Authorization> {
        let dpop = &self.0.client.provider().protocol.dpop;
        Authorization::for_user(origin, self, (self.0.client.clock(), dpop))
    }

    /// Deletes the saved tokens, and revokes the refresh token at Okta, and with it the access tokens (RFC 7009 §2).
    ///
    /// The user's session in the browser that confirmed the code does not end.
    ///
    /// # Errors
    /// The error of the store, or of reaching Okta. The tokens have been deleted here in any case that the store
    /// allows; if Okta cannot be reached, they stay valid there until they expire.
    pub async fn sign_out(self) -> Result<()> {
        let deleted = self.0.client.store().delete().await;
        revoke(&self.0.client, &self.tokens()).await?;
        deleted
    }

    fn tokens(&self) -> Arc<DeviceTokens> {
        Arc::clone(&self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, tokens: &Arc<DeviceTokens>) {
        *self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(tokens);
    }

    async fn refresh(&self) -> Result<Arc<DeviceTokens>> {
        let known = self.newest().await;
        if known.is_usable(self.0.client.now()) {
            return Ok(known);
        }
        match self.request(&known).await {
            Err(error) if is_final(&error) => {
                // Another process may have used the refresh token in the meantime.
                let newest = self.newest().await;
                if newest.is_usable(self.0.client.now()) {
                    return Ok(newest);
                }
                self.forget(&known).await;
                Err(ended("Okta rejected the refresh token").with_cause(error))
            }
            outcome => outcome,
        }
    }

    /// Returns the saved tokens if another process has refreshed them, or else those of this session.
    async fn newest(&self) -> Arc<DeviceTokens> {
        let own = self.tokens();
        match self.0.client.saved().await {
            Ok(Some(saved)) if saved.is_successor_of(&own) => {
                let saved = Arc::new(saved);
                self.replace(&saved);
                saved
            }
            _ => own,
        }
    }

    /// Sends the refresh token, and saves the next one before the response is verified, because the old one is used up.
    async fn request(&self, known: &DeviceTokens) -> Result<Arc<DeviceTokens>> {
        let client = &self.0.client;
        let refresh_token = known.refresh_token.as_ref().ok_or_else(|| ended("no refresh token was issued"))?;
        let metadata = client.provider().discovery.metadata().await?;
        let with = client.provider().context(&metadata);
        let key = known.dpop_key();
        let context = RefreshContext {
            subject: known.subject(),
            claims: &known.claims,
            scopes: &known.scopes,
            refresh_token,
            dpop_key: key.as_ref(),
        };
        let response = Arc::new(refresh::ask(&with, &context).await?);
        let now = client.now();
        if response.refresh_token.as_ref().is_some_and(|next| next != refresh_token) {
            self.keep(known.with_refresh_token(&response, now)?).await;
        }
        let verified = refresh::verified(&with, &context, response).await?;
        Ok(self.keep(known.refreshed(&verified.tokens, verified.claims, now)?).await)
    }

    /// Saves new tokens. If that fails, this process can still use them.
    async fn keep(&self, tokens: DeviceTokens) -> Arc<DeviceTokens> {
        let tokens = Arc::new(tokens);
        self.replace(&tokens);
        if let Err(error) = self.0.client.store().save(&tokens).await {
            tracing::warn!(target: "okta_auth", code = %error.code(), "refreshed tokens were not saved, so the user has to sign in again next time: {error:?}");
        }
        tokens
    }

    /// Deletes the saved tokens, unless a new sign-in has replaced them.
    async fn forget(&self, known: &DeviceTokens) {
        let client = &self.0.client;
        let is_saved = |saved: &DeviceTokens| saved.refresh_token == known.refresh_token;
        if client.saved().await.is_ok_and(|saved| saved.as_ref().is_some_and(is_saved))
            && let Err(error) = client.store().delete().await
        {
            tracing::warn!(target: "okta_auth", code = %error.code(), "the tokens of an ended session were not deleted: {error:?}");
        }
    }
}

/// Revokes the tokens at the issuer.
pub(super) async fn revoke(client: &DeviceClient, tokens: &DeviceTokens) -> Result<()> {
    let provider = client.provider();
    let metadata = provider.discovery.metadata().await?;
    match &tokens.refresh_token {
        Some(token) => provider.protocol.revoke_refresh_token(&metadata, token).await,
        None => provider.protocol.revoke_access_token(&metadata, &tokens.access_token).await,
    }
}

fn ended(why: &str) -> Error {
    let message = format!("the sign-in of the command-line tool has ended, because {why}; sign in again");
    Error::new(Code::SessionEnded, message)
}

/// Whether a refresh can never succeed, because of the refresh token or of the user.
fn is_final(error: &Error) -> bool {
    error.code() == Code::TokenRefused && matches!(error.provider_error(), Some("invalid_grant" | "access_denied"))
}

#[cfg(feature = "client")]
impl UserToken for DeviceSession {
    fn access_token(&self) -> UserTokenFuture<'_> {
        Box::pin(self.access_token())
    }

    fn access_token_with_key(&self) -> UserTokenFuture<'_, UserAccessToken> {
        Box::pin(async {
            let tokens = self.fresh().await?;
            Ok(UserAccessToken::new(tokens.access_token.clone(), tokens.dpop_key()))
        })
    }
}

opaque_debug!(DeviceSession, |it| subject: it.subject());
