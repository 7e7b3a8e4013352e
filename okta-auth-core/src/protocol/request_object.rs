//! Signed request objects (RFC 9101), by value.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::assertion::{AssertionKey, sign_jwt};
use super::client::ProviderClient;
use crate::config::ClientAuth;
use crate::discovery::Metadata;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// The time between the signature and the use of the object by the browser or the endpoint. Okta accepts an hour.
const LIFETIME: Duration = Duration::from_secs(300);

/// The explicit type (RFC 9101 §10.8). The object has no `sub`, so it is no client assertion either.
const TYP: &str = "oauth-authz-req+jwt";

impl ProviderClient {
    /// Whether requests are signed: by the configuration, or because the server accepts no others.
    pub(super) fn signs_requests(&self, metadata: &Metadata) -> bool {
        self.config.app.options.signed_requests || metadata.require_signed_request_object()
    }

    /// Signs the parameters of an authorization request for the server with this metadata. Each object has its own
    /// `jti`, so it is used once.
    ///
    /// # Errors
    /// [`Code::MetadataInvalid`] if the client is public and has nothing to sign with.
    pub(super) fn request_object(&self, metadata: &Metadata, parameters: &[(String, String)]) -> Result<Secret> {
        let key = match &self.config.client_auth {
            ClientAuth::PrivateKeyJwt(key) => AssertionKey::Private(key),
            other => AssertionKey::Secret(other.secret().ok_or_else(public_client)?),
        };
        let now = self.clock.now();
        let mut claims: Map<String, Value> = parameters.iter().map(claim).collect();
        let own: [(&str, Value); 6] = [
            ("iss", self.config.client_id.as_str().into()),
            ("client_id", self.config.client_id.as_str().into()),
            ("aud", metadata.issuer().into()),
            ("iat", now.seconds().into()),
            ("exp", now.plus(LIFETIME).seconds().into()),
            ("jti", Secret::random()?.expose().into()),
        ];
        claims.extend(own.map(|(name, value)| (name.to_owned(), value)));
        if self.config.app.options.fapi2 {
            // FAPI 2.0 Message Signing §5.3.2 limits the age of the object by it.
            claims.insert("nbf".to_owned(), now.seconds().into());
        }
        sign_jwt(key, TYP, &Value::Object(claims))
    }

    /// Returns the URL of a signed request that the browser carries. `response_type` and `scope` are repeated outside
    /// of the object, because OIDC Core §6.1 requires them there.
    pub(super) fn signed_url(&self, metadata: &Metadata, parameters: &[(String, String)]) -> Result<Url> {
        let object = self.request_object(metadata, parameters)?;
        let repeated = parameters.iter().filter(|(name, _)| matches!(name.as_str(), "response_type" | "scope"));
        let mut url = metadata.authorization_endpoint().clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .extend_pairs(repeated)
            .append_pair("request", object.expose());
        Ok(url)
    }
}

/// A parameter as a claim: `max_age` is a number (OIDC Core §6.1), all others are strings.
fn claim((name, value): &(String, String)) -> (String, Value) {
    let number = value.parse::<u64>().ok().filter(|_| name == "max_age");
    (name.clone(), number.map_or_else(|| value.as_str().into(), Value::from))
}

fn public_client() -> Error {
    let message = "the issuer accepts only signed authorization requests (RFC 9101), which need a key; set \
                   OKTA_PRIVATE_KEY or OKTA_CLIENT_SECRET";
    Error::new(Code::MetadataInvalid, message)
}
