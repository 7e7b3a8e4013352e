//! The verified identity of a user who signs in.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::jose::VerifiedIdToken;
use crate::protocol::{ProviderContext, TokenSet};
use crate::tokens::userinfo;

/// A user whom Okta has just authenticated for this application: the claims of a verified ID token, completed from
/// userinfo if the token lacks claims.
///
/// Key your own records by [`issuer`](Self::issuer) and [`subject`](Self::subject), never by e-mail: only that pair
/// identifies a user (OIDC Core §5.7).
#[derive(Debug)]
pub struct VerifiedIdentity {
    id_token: VerifiedIdToken,
    claims: Map<String, Value>,
    pub(crate) tokens: TokenSet,
    pub(crate) scopes: Vec<String>,
    /// Whether the claims are complete. They are not if userinfo failed.
    pub(crate) complete: bool,
}

impl VerifiedIdentity {
    pub(crate) fn new(id_token: VerifiedIdToken, tokens: TokenSet, config: &Arc<Config>) -> Self {
        let claims = id_token.all().clone();
        let scopes = tokens.scopes.clone().unwrap_or_else(|| config.scopes.clone());
        Self { id_token, claims, tokens, scopes, complete: true }
    }

    /// Fetches from userinfo the claims that the ID token lacks. If userinfo fails, the sign-in continues: a missing
    /// claim can only reduce access. A response with another subject fails the sign-in (OIDC Core §5.3.2).
    pub(crate) async fn complete(&mut self, with: &ProviderContext<'_>) -> Result<()> {
        match userinfo::fetch(with, Some(&self.claims), &self.scopes, &self.tokens).await {
            None => Ok(()),
            Some(Ok(more)) => userinfo::merge(&mut self.claims, more, self.id_token.subject()),
            Some(Err(error)) => {
                self.complete = false;
                tracing::warn!(target: "okta_auth", code = %error.code(), "userinfo failed; signing in without its claims: {error:?}");
                Ok(())
            }
        }
    }

    /// Returns the ID token.
    pub fn id_token(&self) -> &VerifiedIdToken {
        &self.id_token
    }

    /// Returns the issuer.
    pub fn issuer(&self) -> &str {
        self.id_token.issuer()
    }

    /// Returns the user's identifier at the issuer (`sub`).
    pub fn subject(&self) -> &str {
        self.id_token.subject()
    }

    /// Returns all claims, including those of userinfo.
    pub fn all_claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Deserializes the claims into the application's own type.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if the claims do not fit the type.
    pub fn claims<C: DeserializeOwned>(&self) -> Result<C> {
        C::deserialize(&self.claims).map_err(|error| {
            Error::new(Code::ClaimsMismatch, "the claims do not fit the application's type").with_cause(error)
        })
    }
}
