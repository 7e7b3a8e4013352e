//! Who signed in, verified.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::validated::Exchange;
use crate::config::{Config, Userinfo};
use crate::error::{Code, Error, Result};
use crate::jose::{IdTokenClaims, VerifiedIdToken};
use crate::protocol::TokenSet;
use crate::tokens::userinfo;

/// A person whom Okta has authenticated for this application, just now: the claims of a
/// verified ID token, completed from userinfo where the token is thin.
///
/// Key your own records by [`issuer`](Self::issuer) and [`subject`](Self::subject),
/// never by e-mail: only that pair identifies a user (OIDC Core §5.7).
#[derive(Debug)]
pub struct VerifiedIdentity {
    id_token: VerifiedIdToken,
    claims: Map<String, Value>,
    pub(crate) tokens: TokenSet,
    pub(crate) scopes: Vec<String>,
    /// Whether these are all claims: userinfo may have failed.
    pub(crate) complete: bool,
}

impl VerifiedIdentity {
    /// From an ID token that has been verified, with the tokens that came along.
    pub(crate) fn new(id_token: VerifiedIdToken, tokens: TokenSet, config: &Arc<Config>) -> Self {
        let claims = id_token.claims().all().clone();
        let scopes = tokens.scopes.clone().unwrap_or_else(|| config.scopes.clone());
        Self { id_token, claims, tokens, scopes, complete: true }
    }

    /// Asks userinfo for what the ID token lacks. A failure of userinfo does not fail
    /// the sign-in: a missing claim can only lead to less access. A response about
    /// somebody else does (OIDC Core §5.3.2).
    pub(super) async fn complete(&mut self, with: &Exchange<'_>) -> Result<()> {
        let Some(endpoint) = with.metadata.userinfo_endpoint() else { return Ok(()) };
        let wanted = match with.config.options.userinfo {
            Userinfo::Always => true,
            Userinfo::Never => false,
            Userinfo::WhenThin => userinfo::is_thin(&self.claims, &self.scopes),
        };
        if !wanted {
            return Ok(());
        }
        match with.protocol.userinfo(endpoint, &self.tokens.access_token).await {
            Ok(more) => userinfo::merge(&mut self.claims, more, self.id_token.claims().subject()),
            Err(error) => {
                self.complete = false;
                tracing::warn!(target: "okta_auth", code = %error.code(), "userinfo failed; signing in without: {error:?}");
                Ok(())
            }
        }
    }

    /// The claims of the ID token that the protocol defines.
    pub fn id_token(&self) -> &IdTokenClaims {
        self.id_token.claims()
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        self.id_token.claims().issuer()
    }

    /// The user's identifier at the issuer.
    pub fn subject(&self) -> &str {
        self.id_token.claims().subject()
    }

    /// All claims, those of userinfo included.
    pub fn all_claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The claims as a type of the application's own.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if they do not fit it.
    pub fn claims<C: DeserializeOwned>(&self) -> Result<C> {
        C::deserialize(&self.claims).map_err(|error| {
            Error::new(Code::ClaimsMismatch, "the claims do not fit the application's type").with_cause(error)
        })
    }
}
