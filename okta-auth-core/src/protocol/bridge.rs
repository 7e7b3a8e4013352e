//! `openidconnect`'s requests, sent through our own HTTP client; and the two shapes of
//! Okta's error bodies.

use http::{Request, Response};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::{Code, Error, Result};
use crate::events::ProviderEndpoint;
use crate::http::{HttpClient, Repeat};
use crate::json;

/// Sends one request to a token-like endpoint. A code or a refresh token must not be
/// sent twice: Okta would take the second one for a replay, so nothing is repeated
/// here.
pub(super) async fn send(
    http: HttpClient,
    request: Request<Vec<u8>>,
    endpoint: ProviderEndpoint,
) -> Result<Response<Vec<u8>>> {
    let response = http.send(request, Repeat::Never, endpoint).await?;
    if response.status() != http::StatusCode::OK {
        return Err(refusal(&response));
    }
    // Whoever reads the tokens takes an array too, and stops at the end of the first value.
    if let (ProviderEndpoint::Token, Err(error)) = (endpoint, json::object::<IgnoredAny>(response.body())) {
        return Err(Error::new(Code::ProviderResponse, "Okta's answer is not a JSON object").with_cause(error));
    }
    Ok(response)
}

/// Okta answers in the OAuth form (`error`) or in its management form (`errorCode`), at
/// any endpoint.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Option<String>,
    #[serde(default, rename = "errorCode")]
    error_code: Option<String>,
}

/// The error for an answer other than 200, whichever of the two forms it has. The
/// description stays out: it is dynamic text of the provider.
fn refusal(response: &Response<Vec<u8>>) -> Error {
    let status = response.status().as_u16();
    let body: Option<Refusal> = serde_json::from_slice(response.body()).ok();
    let code = body.and_then(|body| body.error.or(body.error_code)).unwrap_or_default().to_ascii_lowercase();
    let message = match code.as_str() {
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
        "" => format!("Okta refused the request with status {status} and no reason"),
        _ => format!("Okta refused the request with status {status}; see `provider_error`"),
    };
    Error::new(Code::TokenRefused, message).with_provider_error(&code)
}
