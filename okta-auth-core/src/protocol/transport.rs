//! Sends requests to token-like endpoints, and explains their errors.

use http::{Request, Response, StatusCode};

use crate::error::{Code, Error, Result};
use crate::events::ProviderEndpoint;
use crate::http::{HttpClient, Idempotency, ProviderError};
use crate::secret::SecretBytes;

/// Sends one request to a token-like endpoint. It never retries: Okta would treat the second use of a code or a refresh
/// token as a replay.
///
/// # Errors
/// [`Code::TokenRefused`] for another status than 200, and the errors of sending.
pub(super) async fn send(
    http: &HttpClient,
    request: Request<SecretBytes>,
    endpoint: ProviderEndpoint,
) -> Result<Response<SecretBytes>> {
    let response = http.send(request, Idempotency::NotIdempotent, endpoint).await?;
    // RFC 9126 §2.2 requires 201; Okta's documentation shows 200.
    let is_created = endpoint == ProviderEndpoint::PushedAuthorization && response.status() == StatusCode::CREATED;
    if is_created || response.status() == StatusCode::OK { Ok(response) } else { Err(refusal(&response)) }
}

/// The error for a status other than 200. Okta's description is dynamic text, so it is only logged.
pub(super) fn refusal(response: &Response<SecretBytes>) -> Error {
    let status = response.status().as_u16();
    let said = ProviderError::read(response.body());
    let message = match said.code() {
        "invalid_client" => {
            "Okta does not accept the application's credentials (invalid_client): check OKTA_CLIENT_ID, \
             OKTA_CLIENT_SECRET and the client authentication method set at Okta"
                .to_owned()
        }
        "invalid_grant" => {
            "Okta does not accept the code or token (invalid_grant): it was used before, has expired, or belongs \
             to another client or redirect URI"
                .to_owned()
        }
        "access_denied" => {
            "Okta's policy refused the request (access_denied): check the access policy of the authorization \
             server and the assignment of the user"
                .to_owned()
        }
        "invalid_scope" => {
            "Okta does not know or grant a requested scope (invalid_scope): add it to the authorization server, or \
             grant it to the application; `openid` and `offline_access` need a sign-in"
                .to_owned()
        }
        "unauthorized_client" | "unsupported_grant_type" => {
            "Okta does not allow this grant: enable the grant type for the application, and in a rule of the access \
             policy"
                .to_owned()
        }
        "invalid_target" => {
            "Okta does not know the audience of the requested token (invalid_target): use the audience of the \
             authorization server"
                .to_owned()
        }
        "invalid_request_object" => {
            "Okta does not accept the signed authorization request (invalid_request_object): check the key or secret, \
             the signing algorithm of request objects set at Okta, and the clock"
                .to_owned()
        }
        "invalid_dpop_proof" => {
            "Okta requires DPoP for the application (invalid_dpop_proof): set OKTA_DPOP=on, or turn off `Require \
             Demonstrating Proof of Possession (DPoP) header in token requests`"
                .to_owned()
        }
        "" => format!("Okta refused the request with status {status} and without a reason"),
        _ => format!("Okta refused the request with status {status}; see `provider_error`"),
    };
    said.explain(Error::new(Code::TokenRefused, message)).with_provider_status(status)
}
