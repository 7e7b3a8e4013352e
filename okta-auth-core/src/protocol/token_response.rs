//! The token response (RFC 6749 §5.1, OIDC Core §3.1.3.3).

use std::fmt;
use std::time::Duration;

use openidconnect::core::{CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm};
use openidconnect::{
    AccessToken, EmptyAdditionalClaims, IdToken, OAuth2TokenResponse, RefreshToken, Scope, TokenResponse, TokenType,
};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// What a token endpoint issued, in custody. Nothing in it has been verified.
#[derive(Debug)]
pub(crate) struct TokenSet {
    /// For userinfo and for calls to other APIs.
    pub(crate) access_token: Secret,
    /// When the access token expires, by `expires_in`; `None` if the response does not
    /// tell.
    pub(crate) access_token_expires_at: Option<Timestamp>,
    /// With the scope `offline_access` alone.
    pub(crate) refresh_token: Option<Secret>,
    /// To be verified.
    pub(crate) id_token: Option<Secret>,
    /// The granted scopes; `None` if they are the requested ones (RFC 6749 §5.1).
    pub(crate) scopes: Option<Vec<String>>,
}

/// The response as it is on the wire. The ID token stays a text here: parsing it is the
/// verifier's work, after the signature.
#[derive(Serialize, Deserialize)]
pub(super) struct Wire {
    access_token: AccessToken,
    token_type: Scheme,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    id_token: Option<String>,
}

/// The `token_type`, compared without regard to case (RFC 6749 §5.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Scheme(String);

impl TokenType for Scheme {}

impl Wire {
    /// Takes the tokens into custody.
    pub(super) fn into_token_set(self, now: Timestamp) -> Result<TokenSet> {
        if !self.token_type.0.eq_ignore_ascii_case("Bearer") {
            let message = "Okta issued an access token that is not a bearer token; turn DPoP off for the application";
            return Err(Error::new(Code::ProviderResponse, message));
        }
        let lifetime = self.expires_in.map(Duration::from_secs);
        Ok(TokenSet {
            access_token: Secret::new(self.access_token.into_secret()),
            access_token_expires_at: lifetime.map(|lifetime| now.plus(lifetime)),
            refresh_token: self.refresh_token.map(|token| Secret::new(token.into_secret())),
            id_token: self.id_token.map(Secret::new),
            scopes: self.scope.map(|scope| scope.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect()),
        })
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse").finish_non_exhaustive()
    }
}

impl OAuth2TokenResponse for Wire {
    type TokenType = Scheme;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &Scheme {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    // Scopes are read from the wire form directly; `openidconnect` itself never asks
    // for them.
    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

/// The type that the trait asks for, of which there is never a value.
type UnusedIdToken =
    IdToken<EmptyAdditionalClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

// The trait bound of `openidconnect::Client`. Its own ID token type parses claims
// before any signature is checked, so it is never given one.
impl TokenResponse<EmptyAdditionalClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>
    for Wire
{
    fn id_token(&self) -> Option<&UnusedIdToken> {
        None
    }
}
