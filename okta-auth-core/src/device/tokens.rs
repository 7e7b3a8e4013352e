//! The tokens of a signed-in user, and their text in a store.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::{REPLICA_SKEW, Timestamp};
use crate::error::{Code, Error, Result};
use crate::protocol::{DpopKey, TokenSet};
use crate::secret::{Secret, SecretBytes};
use crate::{base64url, json};

/// The assumed lifetime of an access token if the response has no `expires_in` (RFC 6749 §5.1): the shortest that Okta
/// can be set to.
const UNSTATED_LIFETIME: Duration = Duration::from_secs(300);
/// An access token is not used in its last seconds, because it would expire on the way. The margin of a short lifetime
/// is a tenth of it, so that the token is used at all.
const MARGIN: Duration = Duration::from_secs(30);
/// The version of the text.
const VERSION: u8 = 1;
/// The space of the other members in the text, in bytes.
const MEMBERS_SIZE: usize = 1_024;

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct DeviceTokens {
    version: u8,
    issuer: String,
    client_id: String,
    pub(super) access_token: Secret,
    pub(super) refresh_token: Option<Secret>,
    /// The key that the tokens are bound to (RFC 9449 §5), in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dpop_key: Option<Secret>,
    /// When the tokens were issued, by this machine's clock.
    issued_at: Timestamp,
    access_token_expires_at: Timestamp,
    pub(super) scopes: Vec<String>,
    /// Of the verified ID token and of userinfo.
    pub(super) claims: Map<String, Value>,
}

impl DeviceTokens {
    /// Joins the tokens of a response with the verified claims.
    pub(super) fn new(
        (issuer, client_id): (&str, &str),
        tokens: TokenSet,
        (scopes, claims): (Vec<String>, Map<String, Value>),
        now: Timestamp,
    ) -> Result<Self> {
        Ok(Self {
            version: VERSION,
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            access_token_expires_at: expires_at(&tokens, now),
            dpop_key: stored_key(&tokens)?,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            issued_at: now,
            scopes,
            claims,
        })
    }

    /// Parses the text of a store.
    ///
    /// # Errors
    /// [`Code::SessionEnded`] if it is not the text of this client's tokens.
    pub(super) fn parse(text: &Secret, issuer: &str, client_id: &str) -> Result<Self> {
        let tokens: Self = json::document(text.expose().as_bytes()).map_err(|error| {
            let message =
                format!("the saved tokens cannot be read, because {error}; sign in again, which replaces them");
            Error::new(Code::SessionEnded, message)
        })?;
        let is_own = tokens.version == VERSION && tokens.issuer == issuer && tokens.client_id == client_id;
        if is_own && !tokens.subject().is_empty() {
            return Ok(tokens);
        }
        let message = "the saved tokens are of another version, issuer or client; sign in again, which replaces them";
        Err(Error::new(Code::SessionEnded, message))
    }

    /// Returns the text for a store.
    pub(super) fn to_text(&self) -> Result<Secret> {
        let failed = |error| Error::new(Code::Internal, "the tokens cannot be serialized").with_cause(error);
        let claims = serde_json::to_vec(&self.claims).map_err(failed)?.len();
        let secrets = [Some(&self.access_token), self.refresh_token.as_ref()].into_iter().flatten();
        let secrets = secrets.map(|secret| secret.expose().len().saturating_mul(2)).sum::<usize>();
        let others: usize = self.scopes.iter().map(|scope| scope.len().saturating_add(3)).sum();
        let others = others.saturating_add(self.issuer.len()).saturating_add(self.client_id.len());
        // A text that grows would leave copies of the tokens behind.
        let capacity = [claims, secrets, others].into_iter().fold(MEMBERS_SIZE, usize::saturating_add);
        let mut text = Vec::with_capacity(capacity);
        serde_json::to_writer(&mut text, self).map_err(failed)?;
        let text = SecretBytes::new(text);
        let text = std::str::from_utf8(&text)
            .map_err(|error| Error::new(Code::Internal, "JSON is not UTF-8").with_cause(error))?;
        Ok(Secret::from(text))
    }

    pub(super) fn subject(&self) -> &str {
        self.claims.get("sub").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        self.access_token_expires_at
    }

    /// Whether the access token can still be sent. If the clock was set back, its times are wrong, and it is refreshed.
    pub(super) fn is_usable(&self, now: Timestamp) -> bool {
        let expires_at = self.access_token_expires_at;
        let margin = MARGIN.min(expires_at.since(self.issued_at) / 10);
        self.issued_at <= now.plus(REPLICA_SKEW) && now < expires_at.minus(margin)
    }

    /// Whether these tokens were issued after others of the same user, by a refresh of another process.
    pub(super) fn is_successor_of(&self, other: &Self) -> bool {
        self.subject() == other.subject() && self.issued_at > other.issued_at
    }

    /// The key that the tokens are bound to.
    pub(super) fn dpop_key(&self) -> Option<DpopKey> {
        DpopKey::from_bytes(&SecretBytes::new(base64url::decode(self.dpop_key.as_ref()?.expose()).ok()?))
    }

    /// Returns these tokens with the refresh token of a response that is not verified yet. The access token remains.
    pub(super) fn with_refresh_token(&self, tokens: &TokenSet, now: Timestamp) -> Result<Self> {
        let refresh_token = tokens.refresh_token.clone().or_else(|| self.refresh_token.clone());
        Ok(Self { refresh_token, dpop_key: stored_key(tokens)?, issued_at: now, ..self.clone() })
    }

    /// Returns these tokens with the verified response of a refresh.
    pub(super) fn refreshed(
        &self,
        tokens: &TokenSet,
        claims: Option<Map<String, Value>>,
        now: Timestamp,
    ) -> Result<Self> {
        Ok(Self {
            access_token: tokens.access_token.clone(),
            access_token_expires_at: expires_at(tokens, now),
            scopes: tokens.scopes.clone().unwrap_or_else(|| self.scopes.clone()),
            claims: claims.unwrap_or_else(|| self.claims.clone()),
            ..self.with_refresh_token(tokens, now)?
        })
    }
}

fn stored_key(tokens: &TokenSet) -> Result<Option<Secret>> {
    tokens.dpop_key.as_ref().map(|key| Ok(Secret::new(base64url::encode(key.to_bytes()?)))).transpose()
}

fn expires_at(tokens: &TokenSet, now: Timestamp) -> Timestamp {
    tokens.access_token_expires_at.unwrap_or_else(|| now.plus(UNSTATED_LIFETIME))
}

opaque_debug!(DeviceTokens, |it| subject: it.subject(), scopes: it.scopes);
