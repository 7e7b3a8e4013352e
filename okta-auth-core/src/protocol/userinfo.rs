//! The userinfo request (OIDC Core §5.3.1).

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, Response, StatusCode};
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
use crate::http::{Idempotency, ProviderError};
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
            None => self.send_userinfo(url, tokens, None).await?,
            Some(key) => self.userinfo_with_proof(url, tokens, key).await?,
        };
        if response.status() != StatusCode::OK {
            let message = format!("the userinfo endpoint answered {}", response.status().as_u16());
            return Err(ProviderError::read(response.body()).explain(Error::new(Code::ProviderResponse, message)));
        }
        Unique::read(response.body()).map(|Unique(claims)| claims).map_err(|error| {
            let message = "the userinfo response is not a JSON object with unique names";
            Error::new(Code::ProviderResponse, message).with_cause(error)
        })
    }

    /// If the server asks for a nonce and states one, or if the connection broke, the request is sent once more, with a
    /// new proof.
    async fn userinfo_with_proof(&self, url: &Url, tokens: &TokenSet, key: &DpopKey) -> Result<Response<SecretBytes>> {
        let server = url.origin().ascii_serialization();
        let hash = base64url::encode(sha256(tokens.access_token.expose().as_bytes()));
        let target = without_query(url);
        let target = ProofTarget { method: "GET", url: target.as_str(), server: &server, token_hash: Some(&hash) };
        let proof = || self.dpop.proof(key, target).map(Some);
        let first = match self.send_userinfo(url, tokens, proof()?).await {
            Err(error) if is_repeatable(&error) => return self.send_userinfo(url, tokens, proof()?).await,
            outcome => outcome?,
        };
        let has_nonce = self.dpop.learn(&server, first.headers());
        if !has_nonce || !asks_for_nonce(first.status(), first.headers()) {
            return Ok(first);
        }
        let second = self.send_userinfo(url, tokens, proof()?).await?;
        self.dpop.learn(&server, second.headers());
        Ok(second)
    }

    /// A request with a proof is sent once, because a server accepts each proof once.
    async fn send_userinfo(
        &self,
        url: &Url,
        tokens: &TokenSet,
        proof: Option<HeaderValue>,
    ) -> Result<Response<SecretBytes>> {
        let (scheme, repeat) = match &proof {
            None => ("Bearer", Idempotency::Idempotent),
            Some(_) => ("DPoP", Idempotency::NotIdempotent),
        };
        let credentials = Zeroizing::new(format!("{scheme} {}", tokens.access_token.expose()));
        let mut request = http::Request::get(url.as_str())
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, sensitive(&credentials)?)
            .body(Vec::new())
            .map_err(|error| Error::new(Code::Internal, "the userinfo request cannot be built").with_cause(error))?;
        request.headers_mut().extend(proof.map(|proof| (DPOP, proof)));
        self.http.send(request, repeat, ProviderEndpoint::Userinfo).await
    }
}
