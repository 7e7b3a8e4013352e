//! Pushed authorization requests (RFC 9126).

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::client::{AuthorizationParameters, ProviderClient, is_repeatable};
use super::token_response::ExpiresIn;
use super::transport;
use crate::config::ClientAuth;
use crate::discovery::Metadata;
use crate::error::{Code, Error, Result};
use crate::events::ProviderEndpoint;
use crate::http::{ProviderError, check_json};
use crate::json;

/// The longest request URI, in bytes. It has to fit into a URL with a client id.
const MAX_REQUEST_URI: usize = 1_024;

/// The lifetime of a request URI is shorter than this (FAPI 2.0 Security Profile §5.3.2.2).
const FAPI2_LIFETIME: Duration = Duration::from_secs(600);

/// The response (RFC 9126 §2.2). Both members are required.
#[derive(Deserialize)]
struct PushedAuthorizationResponse {
    request_uri: String,
    /// The browser is redirected at once, so the number is only checked.
    expires_in: ExpiresIn,
}

impl ProviderClient {
    /// Returns the URL that starts a sign-in in the browser.
    ///
    /// The request is signed and pushed if that is configured or the server requires it. It never falls back to an
    /// ordinary request, because an attacker could force that by blocking the endpoint.
    ///
    /// # Errors
    /// [`Code::MetadataInvalid`] if the server has no endpoint for pushed requests or requires what a public client
    /// cannot do, [`Code::TokenRefused`] if it rejects the request, [`Code::ProviderResponse`] for a response without a
    /// usable request URI, and the errors of sending.
    pub(crate) async fn authorization_redirect(
        &self,
        metadata: &Metadata,
        with: &AuthorizationParameters<'_>,
    ) -> Result<Url> {
        if self.config.app.options.fapi2 {
            metadata.check_fapi2()?;
        }
        let request = self.authorization_url(metadata, with)?;
        let parameters = parameters(&request, metadata.authorization_endpoint());
        if self.config.app.options.par || metadata.require_pushed_authorization_requests() {
            Box::pin(self.pushed_url(metadata, &parameters)).await
        } else if self.signs_requests(metadata) {
            self.signed_url(metadata, &parameters)
        } else {
            Ok(request)
        }
    }

    async fn pushed_url(&self, metadata: &Metadata, parameters: &[(String, String)]) -> Result<Url> {
        let endpoint = metadata.pushed_authorization_request_endpoint().ok_or_else(no_endpoint)?;
        if matches!(self.config.client_auth, ClientAuth::None) {
            return Err(public_client());
        }
        let request_uri = match self.push(endpoint, metadata, parameters).await {
            // Pushing twice uses nothing up. The second request has its own assertion and request object.
            Err(error) if is_repeatable(&error) => self.push(endpoint, metadata, parameters).await?,
            pushed => pushed?,
        };
        let mut url = metadata.authorization_endpoint().clone();
        url.query_pairs_mut().append_pair("client_id", &self.config.client_id).append_pair("request_uri", &request_uri);
        Ok(url)
    }

    async fn push(&self, endpoint: &Url, metadata: &Metadata, parameters: &[(String, String)]) -> Result<String> {
        let object = match self.signs_requests(metadata) {
            true => Some(self.request_object(metadata, parameters)?),
            false => None,
        };
        // RFC 9126 §3: next to a request object there is only the client and its authentication.
        let plain = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let plain = plain.filter(|(name, _)| object.is_none() && *name != "client_id");
        // All other methods of client authentication include the client id.
        let is_unnamed = matches!(self.config.client_auth, ClientAuth::SecretBasic(_));
        let named = is_unnamed.then_some(("client_id", self.config.client_id.as_str()));
        let signed = object.as_ref().map(|object| ("request", object.expose()));
        let pairs: Vec<_> = plain.chain(named).chain(signed).collect();
        let request = self.authenticated(metadata, endpoint, &pairs)?;
        let response = transport::send(&self.http, request, ProviderEndpoint::PushedAuthorization).await?;
        check_json(response.headers(), "the response of the endpoint for pushed authorization requests")?;
        let pushed = json::document::<PushedAuthorizationResponse>(response.body()).map_err(|error| {
            let message = format!(
                "the endpoint for pushed authorization requests did not answer with a request URI (RFC 9126 §2.2): \
                 {error}"
            );
            ProviderError::read(response.body()).explain(Error::new(Code::ProviderResponse, message))
        })?;
        pushed.checked(self.config.app.options.fapi2)
    }
}

impl PushedAuthorizationResponse {
    fn checked(self, fapi2: bool) -> Result<String> {
        let wrong = |member: &str, why: &str| {
            let message = format!("the response to the pushed authorization request has an unusable `{member}`: {why}");
            Err(Error::new(Code::ProviderResponse, message))
        };
        let uri = &self.request_uri;
        if uri.is_empty() || uri.len() > MAX_REQUEST_URI || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("request_uri", "it does not have 1 to 1024 printable characters");
        }
        if Url::parse(uri).is_err() {
            return wrong("request_uri", "it is not a URI");
        }
        if self.expires_in.0.is_zero() {
            return wrong("expires_in", "the request has expired already");
        }
        if fapi2 && self.expires_in.0 >= FAPI2_LIFETIME {
            return wrong("expires_in", "FAPI 2.0 requires less than 600 seconds");
        }
        Ok(self.request_uri)
    }
}

/// The parameters of the request, without those that the endpoint has in its own URL.
fn parameters(request: &Url, endpoint: &Url) -> Vec<(String, String)> {
    request.query_pairs().into_owned().skip(endpoint.query_pairs().count()).collect()
}

fn no_endpoint() -> Error {
    let message = "the authorization request has to be pushed (RFC 9126), but the issuer's metadata has no \
                   `pushed_authorization_request_endpoint`; remove OKTA_PAR, or have the feature enabled at Okta";
    Error::new(Code::MetadataInvalid, message)
}

fn public_client() -> Error {
    let message = "the issuer accepts only pushed authorization requests (RFC 9126), which need client authentication; \
                   set OKTA_CLIENT_SECRET or OKTA_PRIVATE_KEY";
    Error::new(Code::MetadataInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_uri_is_bounded_and_a_uri() {
        let checked = |uri: &str, expires_in| {
            let expires_in = ExpiresIn(Duration::from_secs(expires_in));
            PushedAuthorizationResponse { request_uri: uri.to_owned(), expires_in }.checked(false).map_err(|e| e.code())
        };
        for uri in
            ["urn:okta:YWJj", "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c", "https://a.example/r"]
        {
            assert_eq!(checked(uri, 1).as_deref(), Ok(uri));
        }
        let long = format!("urn:okta:{}", "x".repeat(MAX_REQUEST_URI));
        for uri in ["", "no-uri", "urn:okta:a b", "urn:okta:\u{e9}", "urn:okta:\n", &long] {
            assert_eq!(checked(uri, 1), Err(Code::ProviderResponse), "{uri}");
        }
        assert_eq!(checked("urn:okta:x", 0), Err(Code::ProviderResponse));
    }

    #[test]
    fn with_fapi2_a_request_uri_lives_for_less_than_ten_minutes() {
        let checked = |expires_in, fapi2| {
            let expires_in = ExpiresIn(Duration::from_secs(expires_in));
            let response = PushedAuthorizationResponse { request_uri: "urn:okta:x".to_owned(), expires_in };
            response.checked(fapi2).map(drop).map_err(|error| error.code())
        };
        assert_eq!((checked(599, true), checked(3600, false)), (Ok(()), Ok(())));
        assert_eq!(checked(600, true), Err(Code::ProviderResponse));
    }

    #[test]
    fn the_endpoints_own_query_is_not_pushed() {
        let url = |text: &str| Url::parse(text).unwrap();
        let endpoint = url("https://a.example/authorize?tenant=1");
        let pushed = parameters(&url("https://a.example/authorize?tenant=1&scope=openid&state=s"), &endpoint);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pushed, [pair("scope", "openid"), pair("state", "s")]);
    }
}
