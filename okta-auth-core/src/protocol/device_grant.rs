//! The messages of the device flow (RFC 8628).

use std::time::Duration;

use serde::Deserialize;

use super::client::ProviderClient;
use super::dpop::TokenKey;
use super::token_response::{ExpiresIn, TokenSet};
use super::transport;
use crate::discovery::Metadata;
use crate::error::{Code, Error, Result};
use crate::events::ProviderEndpoint;
use crate::http::{ProviderError, check_json};
use crate::json;
use crate::secret::Secret;

/// The device authorization response (RFC 8628 §3.2). Its texts are untrusted.
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceAuthorizationResponse {
    pub(crate) device_code: Secret,
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    #[serde(default)]
    pub(crate) verification_uri_complete: Option<String>,
    expires_in: ExpiresIn,
    #[serde(default)]
    interval: Option<ExpiresIn>,
}

impl DeviceAuthorizationResponse {
    /// How long both codes live.
    pub(crate) fn lifetime(&self) -> Duration {
        self.expires_in.0
    }

    /// The pause between polls; `None` if the server leaves it to the default. It is at most half as long as the codes
    /// live, so that a user who confirms the code is signed in before it expires.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.interval.map(|interval| interval.0.min(self.lifetime() / 2))
    }
}

impl ProviderClient {
    /// Requests the codes for a sign-in on another device (RFC 8628 §3.1).
    ///
    /// # Errors
    /// [`Code::MetadataInvalid`] if the issuer does not support the device flow, otherwise as for
    /// [`exchange_code`](Self::exchange_code).
    pub(crate) async fn authorize_device(
        &self,
        metadata: &Metadata,
        scopes: &[String],
    ) -> Result<DeviceAuthorizationResponse> {
        let endpoint = metadata.device_authorization_endpoint().ok_or_else(|| {
            let message = "the issuer has no device authorization endpoint, so it does not support the device flow";
            Error::new(Code::MetadataInvalid, message)
        })?;
        let request = self.authenticated(metadata, endpoint, &[("scope", &scopes.join(" "))])?;
        let response = transport::send(&self.http, request, ProviderEndpoint::DeviceAuthorization).await?;
        check_json(response.headers(), "the response of the device authorization endpoint")?;
        json::document(response.body()).map_err(|error| {
            let message = format!(
                "the device authorization endpoint did not answer with a device authorization response (RFC 8628 \
                 §3.2): {error}"
            );
            ProviderError::read(response.body()).explain(Error::new(Code::ProviderResponse, message))
        })
    }

    /// Asks for the tokens once (RFC 8628 §3.4).
    ///
    /// # Errors
    /// [`Code::TokenRefused`] with the provider's `authorization_pending`, `slow_down`, `access_denied` or
    /// `expired_token` (RFC 8628 §3.5), otherwise as for [`exchange_code`](Self::exchange_code).
    pub(crate) async fn device_tokens(&self, metadata: &Metadata, code: &Secret) -> Result<TokenSet> {
        let parameters =
            [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.expose())];
        self.tokens(metadata, &parameters, TokenKey::New).await
    }

    /// Revokes an access token that was issued without a refresh token (RFC 7009 §2).
    pub(crate) async fn revoke_access_token(&self, metadata: &Metadata, token: &Secret) -> Result<()> {
        self.revoke(metadata, token, "access_token").await
    }
}
