//! The refresh of a session's tokens (RFC 6749 §6, OIDC Core §12).
//!
//! What comes back has to speak of the same user, signed in at the same time: a
//! response that does not is refused as a whole.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::userinfo;
use crate::callback::Exchange;
use crate::clock::NumericDate;
use crate::config::Userinfo;
use crate::error::{Error, Result};
use crate::jose::{IdTokenClaims, IdTokenRules, Trust};
use crate::protocol::TokenSet;
use crate::secret::Secret;

/// What is known of the session whose tokens are to be renewed.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    /// The user.
    pub(crate) subject: &'a str,
    /// All claims that it has now.
    pub(crate) claims: &'a Map<String, Value>,
    /// The granted scopes.
    pub(crate) scopes: &'a [String],
    /// What is presented.
    pub(crate) refresh_token: &'a Secret,
}

/// What a refresh brought, verified.
#[derive(Debug)]
pub(crate) struct Refreshed {
    pub(crate) tokens: Arc<TokenSet>,
    /// The claims as they are now; `None` if nothing was said about them.
    pub(crate) claims: Option<Map<String, Value>>,
    /// Whether these are all of them: userinfo may have failed.
    pub(crate) complete: bool,
}

/// Presents the refresh token. Of what comes for it nothing has been verified, and what
/// was presented may be used up.
///
/// # Errors
/// [`Code::TokenRefused`](crate::error::Code::TokenRefused) with the provider's
/// `invalid_grant` if the refresh token is no good any more, or the error of reaching
/// the issuer.
pub(crate) async fn ask(with: &Exchange<'_>, known: &Known<'_>) -> Result<TokenSet> {
    with.protocol.refresh(with.metadata, known.refresh_token, known.scopes).await
}

/// Verifies what came for a refresh token.
///
/// # Errors
/// A `Token...` code if the new ID token is no good, or the error of fetching the keys.
pub(crate) async fn verified(with: &Exchange<'_>, known: &Known<'_>, tokens: Arc<TokenSet>) -> Result<Refreshed> {
    let claims = match &tokens.id_token {
        Some(id_token) => Some(verify(with, known, id_token, &tokens.access_token).await?),
        None => None,
    };
    let mut refreshed = Refreshed { tokens, claims, complete: true };
    refreshed.complete(with, known).await?;
    Ok(refreshed)
}

/// The claims of the new ID token.
async fn verify(
    with: &Exchange<'_>,
    known: &Known<'_>,
    id_token: &Secret,
    access_token: &Secret,
) -> Result<Map<String, Value>> {
    let rules = IdTokenRules {
        issuer: with.metadata.issuer(),
        client_id: &with.config.client_id,
        nonce: None,
        access_token: Some(access_token.expose()),
        max_age: None,
        acr_values: &[],
        // It came over TLS from the token endpoint, for a token of our own.
        trust: Trust::BackChannel,
    };
    let verified = with.verifier.id_token(with.metadata.jwks_uri(), id_token.expose(), &rules).await?;
    check_continuity(verified.claims(), known)?;
    Ok(verified.claims().all().clone())
}

/// The rules of OIDC Core §12.2: the same user, the same sign-in. Issuer, audience and
/// `azp` have been checked as for every ID token.
fn check_continuity(new: &IdTokenClaims, known: &Known<'_>) -> Result<()> {
    if new.subject() != known.subject {
        return Err(Error::invalid_claim("sub", "is another user than the one whose tokens were refreshed"));
    }
    let auth_time = known.claims.get("auth_time").and_then(NumericDate::read);
    if let (Some(before), Some(after)) = (auth_time, new.auth_time())
        && before != after
    {
        return Err(Error::invalid_claim("auth_time", "is another one than that of the sign-in"));
    }
    match (known.claims.get("nonce"), new.all().get("nonce")) {
        (_, None) => Ok(()),
        (Some(before), Some(after)) if before == after => Ok(()),
        _ => Err(Error::invalid_claim("nonce", "is another one than that of the sign-in")),
    }
}

impl Refreshed {
    /// Asks userinfo for what the new ID token lacks, or for all of it where there is
    /// none. A failure of userinfo does not fail the refresh: what is missing can only
    /// lead to less access.
    async fn complete(&mut self, with: &Exchange<'_>, known: &Known<'_>) -> Result<()> {
        let Some(endpoint) = with.metadata.userinfo_endpoint() else { return Ok(()) };
        let scopes = self.tokens.scopes.as_deref().unwrap_or(known.scopes);
        let wanted = match with.config.options.userinfo {
            Userinfo::Always => true,
            Userinfo::Never => false,
            Userinfo::WhenThin => self.claims.as_ref().is_none_or(|claims| userinfo::is_thin(claims, scopes)),
        };
        if !wanted {
            return Ok(());
        }
        match with.protocol.userinfo(endpoint, &self.tokens.access_token).await {
            Ok(more) => {
                let mut claims = self.claims.take().unwrap_or_else(|| of_the_sign_in(known.claims));
                userinfo::merge(&mut claims, more, known.subject)?;
                self.claims = Some(claims);
            }
            Err(error) => {
                self.complete = false;
                tracing::warn!(target: "okta_auth", code = %error.code(), "userinfo failed at a refresh: {error:?}");
            }
        }
        Ok(())
    }
}

/// What a session keeps of its claims if everything else is read anew: userinfo says
/// nothing of the sign-in.
fn of_the_sign_in(claims: &Map<String, Value>) -> Map<String, Value> {
    let kept = claims.iter().filter(|(name, _)| userinfo::is_of_the_sign_in(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}
