//! The userinfo request (OIDC Core §5.3.1).

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use super::challenge::asks_for_nonce;
use super::client::{ProviderClient, is_repeatable, sensitive};
use super::dpop::{DPOP, DpopKey, ProofTarget};
use super::token_request::without_query;
use super::token_response::TokenSet;
use crate::base64url;
use crate::error::{Code, Error, Result};
use crate::events::ProviderEndpoint;
use crate::http::{Idempotency, ProviderError, check_json};
use crate::json::Unique;
use crate::secret::{SecretBytes, sha256};

impl ProviderClient {
    /// Fetches the claims of the userinfo endpoint (OIDC Core §5.3), as a JSON object. The caller has to compare the
    /// subject.
    ///
    /// The token is sent in the header (RFC 6750 §2.1), a bound one with a proof (RFC 9449 §7.1). Responses that are
    /// signed JWTs (OIDC Core §5.3.2) are not supported.
    ///
    /// # Errors
    /// `Code::ProviderResponse` for another status than 200, or for a body that is not a JSON object; and the errors of
    /// sending.
    pub(crate) async fn userinfo(&self, url: &Url, tokens: &TokenSet) -> Result<Map<String, Value>> {
        let response = match &tokens.dpop_key {
            None => {
                let request = userinfo_request(url, tokens, "Bearer")?;
                self.http.send(request, Idempotency::Idempotent, ProviderEndpoint::Userinfo).await?
            }
            Some(key) => self.userinfo_with_proof(url, tokens, key).await?,
        };
        if response.status() != StatusCode::OK {
            let message = format!("the userinfo endpoint answered {}", response.status().as_u16());
            return Err(ProviderError::read(response.body()).explain(Error::new(Code::ProviderResponse, message)));
        }
        check_json(response.headers(), "the userinfo response")?;
        Unique::read(response.body()).map(|Unique(claims)| claims).map_err(|error| {
            let message = "the userinfo response is not a JSON object with unique names";
            Error::new(Code::ProviderResponse, message).with_cause(error)
        })
    }

    /// If the server asks for a nonce and states one, or if the connection broke, the request is sent once more, with a
    /// new proof: a server accepts each one once.
    async fn userinfo_with_proof(&self, url: &Url, tokens: &TokenSet, key: &DpopKey) -> Result<Response<SecretBytes>> {
        let first = self.send_userinfo_with_proof(url, tokens, key).await;
        let is_worth_it = match &first {
            Err(error) => is_repeatable(error),
            Ok((response, has_nonce)) => *has_nonce && asks_for_nonce(response.status(), response.headers()),
        };
        let outcome = if is_worth_it { self.send_userinfo_with_proof(url, tokens, key).await } else { first };
        outcome.map(|(response, _)| response)
    }

    /// Returns the response, and whether it has a nonce for the next proof.
    async fn send_userinfo_with_proof(
        &self,
        url: &Url,
        tokens: &TokenSet,
        key: &DpopKey,
    ) -> Result<(Response<SecretBytes>, bool)> {
        let server = url.origin().ascii_serialization();
        let hash = base64url::encode(sha256(tokens.access_token.expose().as_bytes()));
        let address = without_query(url);
        let target = ProofTarget { method: "GET", url: address.as_str(), server: &server, token_hash: Some(&hash) };
        let mut request = userinfo_request(url, tokens, "DPoP")?;
        request.headers_mut().insert(DPOP, self.dpop.proof(key, target)?);
        let mut has_nonce = false;
        let observe = |headers: &HeaderMap| has_nonce = self.dpop.learn_nonce(&server, headers);
        let response = self.http.send_observed(request, ProviderEndpoint::Userinfo, observe).await?;
        Ok((response, has_nonce))
    }
}

fn userinfo_request(url: &Url, tokens: &TokenSet, scheme: &str) -> Result<Request<SecretBytes>> {
    let credentials = Zeroizing::new(format!("{scheme} {}", tokens.access_token.expose()));
    Request::get(url.as_str())
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, sensitive(&credentials)?)
        .body(SecretBytes::new(Vec::new()))
        .map_err(|error| Error::new(Code::Internal, "the userinfo request cannot be built").with_cause(error))
}
