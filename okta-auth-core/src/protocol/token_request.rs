//! Token requests, with a proof of possession if DPoP is on (RFC 9449 §5).

use http::{HeaderMap, Response, StatusCode};
use url::Url;

use super::client::ProviderClient;
use super::dpop::{DPOP, DpopKey, ProofTarget, TokenKey};
use super::token_response::TokenSet;
use super::transport;
use crate::discovery::Metadata;
use crate::error::{Code, Error, Result};
use crate::events::ProviderEndpoint;
use crate::http::ProviderError;
use crate::jose::open_id_token;
use crate::secret::SecretBytes;

impl ProviderClient {
    /// Requests tokens.
    pub(super) async fn tokens(
        &self,
        metadata: &Metadata,
        parameters: &[(&str, &str)],
        key: TokenKey<'_>,
    ) -> Result<TokenSet> {
        let now = || self.clock.now();
        let mut tokens = match self.token_response(metadata, parameters, key).await? {
            (response, None) => TokenSet::read(&response, now()),
            (response, Some(key)) => TokenSet::read_bound(&response, now(), key, self.dpop.is_required()),
        }?;
        let keys = &self.config.decryption_keys;
        if let Some(id_token) = tokens.id_token.as_ref().filter(|_| !keys.is_empty()) {
            // Everything after this uses the signed token inside, also as the hint at logout (OIDC Core §3.1.2.1).
            tokens.id_token = Some(open_id_token(keys, id_token.expose())?);
        }
        Ok(tokens)
    }

    /// Returns a response of status 200, and the key of the request's proof, if it had one.
    ///
    /// If DPoP is automatic, the refusal of a request without a proof turns it on, and the request is sent once more.
    pub(super) async fn token_response(
        &self,
        metadata: &Metadata,
        parameters: &[(&str, &str)],
        key: TokenKey<'_>,
    ) -> Result<(Response<SecretBytes>, Option<DpopKey>)> {
        if !self.dpop.is_active() && !matches!(key, TokenKey::Of(_)) {
            let request = self.authenticated(metadata, metadata.token_endpoint(), parameters)?;
            match transport::send(&self.http, request, ProviderEndpoint::Token).await {
                Err(error) if self.dpop.turn_on_after(&error) => {}
                outcome => return outcome.map(|response| (response, None)),
            }
        }
        let key = match key {
            TokenKey::New => DpopKey::generate()?,
            TokenKey::Of(key) => key.clone(),
            #[cfg(feature = "client")]
            TokenKey::Own => self.dpop.own_key()?,
        };
        let response = self.response_to_proof(metadata, parameters, &key).await?;
        Ok((response, Some(key)))
    }

    /// If the server asks for a nonce and states one, the request is sent once more, with a new proof and a new client
    /// assertion.
    async fn response_to_proof(
        &self,
        metadata: &Metadata,
        parameters: &[(&str, &str)],
        key: &DpopKey,
    ) -> Result<Response<SecretBytes>> {
        let (mut response, has_nonce) = self.send_with_proof(metadata, parameters, key).await?;
        if has_nonce && asks_for_nonce(&response) {
            response = self.send_with_proof(metadata, parameters, key).await?.0;
        }
        if response.status() == StatusCode::OK { Ok(response) } else { Err(refusal(&response)) }
    }

    /// Returns the response, and whether it has a nonce for the next proof.
    async fn send_with_proof(
        &self,
        metadata: &Metadata,
        parameters: &[(&str, &str)],
        key: &DpopKey,
    ) -> Result<(Response<SecretBytes>, bool)> {
        let endpoint = metadata.token_endpoint();
        let mut request = self.authenticated(metadata, endpoint, parameters)?;
        let url = without_query(endpoint);
        let target = ProofTarget { method: "POST", url: url.as_str(), server: endpoint.as_str(), token_hash: None };
        request.headers_mut().insert(DPOP, self.dpop.proof(key, target)?);
        let mut has_nonce = false;
        let observe = |headers: &HeaderMap| has_nonce = self.dpop.learn_nonce(target.server, headers);
        let response = self.http.send_observed(request, ProviderEndpoint::Token, observe).await?;
        Ok((response, has_nonce))
    }
}

/// The address that a proof names (RFC 9449 §4.2).
pub(super) fn without_query(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn asks_for_nonce(response: &Response<SecretBytes>) -> bool {
    let is_refusal = matches!(response.status(), StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED);
    is_refusal && ProviderError::read(response.body()).code() == "use_dpop_nonce"
}

fn refusal(response: &Response<SecretBytes>) -> Error {
    let said = ProviderError::read(response.body());
    let message = match said.code() {
        "invalid_dpop_proof" => {
            "Okta rejected the DPoP proof (invalid_dpop_proof): check the clock of this machine; \
             `provider_description` names the member"
        }
        "use_dpop_nonce" => {
            "Okta rejected the nonce of the DPoP proof (use_dpop_nonce), and issued none that works for this request"
        }
        _ => return transport::refusal(response),
    };
    said.explain(Error::new(Code::TokenRefused, message))
}
