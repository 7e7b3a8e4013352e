//! The refresh of a session's tokens (RFC 6749 §6, OIDC Core §12).
//!
//! The response must be for the same user and the same sign-in. Otherwise the whole response is rejected.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::userinfo;
use crate::clock::NumericDate;
use crate::error::{Error, Result};
use crate::jose::{IdTokenRules, RefetchPolicy, VerifiedIdToken};
use crate::protocol::{DpopKey, ProviderContext, TokenSet};
use crate::secret::Secret;

#[derive(Debug)]
pub(crate) struct RefreshContext<'a> {
    pub(crate) subject: &'a str,
    pub(crate) claims: &'a Map<String, Value>,
    pub(crate) scopes: &'a [String],
    pub(crate) refresh_token: &'a Secret,
    /// The key of the refresh token, if it is bound.
    pub(crate) dpop_key: Option<&'a DpopKey>,
}

#[derive(Debug)]
pub(crate) struct RefreshedTokens {
    pub(crate) tokens: Arc<TokenSet>,
    /// The new claims; `None` if the response had none.
    pub(crate) claims: Option<Map<String, Value>>,
    /// Whether the claims are complete. They are not if userinfo failed.
    pub(crate) complete: bool,
}

/// Sends the refresh token. The returned tokens are unverified, and the sent refresh token may be used up.
///
/// # Errors
/// [`Code::TokenRefused`](crate::error::Code::TokenRefused) with the provider's `invalid_grant` if the refresh token is
/// no longer valid, or the error of reaching the issuer.
pub(crate) async fn ask(with: &ProviderContext<'_>, known: &RefreshContext<'_>) -> Result<TokenSet> {
    with.protocol.refresh(with.metadata, known.refresh_token, known.scopes, known.dpop_key).await
}

/// Verifies the response to a refresh.
///
/// # Errors
/// A `Token...` code if the new ID token is invalid, or the error of fetching the keys.
pub(crate) async fn verified(
    with: &ProviderContext<'_>,
    known: &RefreshContext<'_>,
    tokens: Arc<TokenSet>,
) -> Result<RefreshedTokens> {
    let claims = match &tokens.id_token {
        Some(id_token) => Some(verify(with, known, id_token, &tokens.access_token).await?),
        None => None,
    };
    let mut refreshed = RefreshedTokens { tokens, claims, complete: true };
    refreshed.complete(with, known).await?;
    Ok(refreshed)
}

async fn verify(
    with: &ProviderContext<'_>,
    known: &RefreshContext<'_>,
    id_token: &Secret,
    access_token: &Secret,
) -> Result<Map<String, Value>> {
    let rules = IdTokenRules {
        issuer: with.metadata.issuer(),
        client_id: &with.config.client_id,
        trusted_audiences: &with.config.app.options.trusted_audiences,
        nonce: None,
        access_token: Some(access_token.expose()),
        max_age: None,
        acr_values: &[],
        // The ID token came over TLS from the token endpoint, for our own refresh token.
        trust: RefetchPolicy::Always,
    };
    let verified = with.verifier.id_token(with.metadata.jwks_uri(), id_token.expose(), &rules).await?;
    check_continuity(&verified, known)?;
    Ok(verified.all().clone())
}

/// The rules of OIDC Core §12.2: the same user, the same sign-in. Issuer, audience and `azp` have been checked as for
/// every ID token.
fn check_continuity(new: &VerifiedIdToken, known: &RefreshContext<'_>) -> Result<()> {
    if new.subject() != known.subject {
        return Err(Error::invalid_claim("sub", "is not the user whose tokens were refreshed"));
    }
    let auth_time = known.claims.get("auth_time").and_then(NumericDate::read);
    if let (Some(before), Some(after)) = (auth_time, new.auth_time())
        && before != after
    {
        return Err(Error::invalid_claim("auth_time", "differs from that of the sign-in"));
    }
    match (known.claims.get("nonce"), new.all().get("nonce")) {
        (_, None) => Ok(()),
        (Some(before), Some(after)) if before == after => Ok(()),
        _ => Err(Error::invalid_claim("nonce", "differs from that of the sign-in")),
    }
}

impl RefreshedTokens {
    /// Fetches from userinfo the claims that the new ID token lacks, or all of them if there is no ID token. If
    /// userinfo fails, the refresh continues: a missing claim can only reduce access.
    async fn complete(&mut self, with: &ProviderContext<'_>, known: &RefreshContext<'_>) -> Result<()> {
        let scopes = self.tokens.scopes.as_deref().unwrap_or(known.scopes);
        match userinfo::fetch(with, self.claims.as_ref(), scopes, &self.tokens).await {
            None => {}
            Some(Ok(more)) => {
                let mut claims = self.claims.take().unwrap_or_else(|| of_the_sign_in(known.claims));
                userinfo::merge(&mut claims, more, known.subject)?;
                self.claims = Some(claims);
            }
            Some(Err(error)) => {
                self.complete = false;
                tracing::warn!(target: "okta_auth", code = %error.code(), "userinfo failed at a refresh: {error:?}");
            }
        }
        Ok(())
    }
}

/// The claims about the sign-in, which stay when everything else is read again: userinfo does not have them.
fn of_the_sign_in(claims: &Map<String, Value>) -> Map<String, Value> {
    let kept = claims.iter().filter(|(name, _)| userinfo::is_of_the_sign_in(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}
