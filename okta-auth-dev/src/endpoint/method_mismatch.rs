//! A client that authenticates with another method than its own.
//!
//! Okta's response names no method. The request log of this org names both, and how to change the client.

use crate::client::{AuthMethod, Client, PUBLIC_CLIENT_ID};
use crate::oauth_error::OAuthError;

/// Okta's error for a client that uses another method than its own. Its text names no method, so the request log does.
pub(super) fn other_method(client: &Client, used: AuthMethod) -> OAuthError {
    OAuthError::client_authentication_failed().with_advice(method_advice(client, used))
}

/// How client and app can agree on a method.
pub(super) fn method_advice(client: &Client, used: AuthMethod) -> String {
    let (id, configured) = (&client.client_id, client.auth_method.as_str());
    let request = match used {
        AuthMethod::None => "has no client credentials".to_owned(),
        _ => format!("uses {}", used.as_str()),
    };
    let remedy = match (client.auth_method, used) {
        _ if client.is_metadata_document => {
            "Change the app, or `token_endpoint_auth_method` in the document of the client.".to_owned()
        }
        (AuthMethod::None, _) => "Send only its client_id, or use a client with a secret.".to_owned(),
        (_, AuthMethod::None) => {
            format!("Send its credentials, or use a public client, such as {PUBLIC_CLIENT_ID}.")
        }
        _ => format!("Change the app, or the client: {}", ways_to_change(client, used)),
    };
    format!("{id} is configured for {configured}, and the request {request}. {remedy}")
}

/// How to change the method of a client: in code, in a file, and while the org runs.
fn ways_to_change(client: &Client, used: AuthMethod) -> String {
    let mut ways = "`Client::auth_method` in code".to_owned();
    if cfg!(feature = "cli") {
        ways.push_str(", `auth_method` in the settings file (--config)");
    }
    if cfg!(feature = "admin-api") {
        let needed = match used {
            AuthMethod::PrivateKeyJwt if client.jwks.is_empty() => r#", "jwks": [...]"#,
            AuthMethod::PrivateKeyJwt => "",
            _ if client.client_secret.is_none() => r#", "secret": "...""#,
            _ => "",
        };
        let (id, used) = (&client.client_id, used.as_str());
        ways.push_str(&format!(r#", or PATCH /dev/clients/{id} {{"auth_method": "{used}"{needed}}}"#));
    }
    ways
}
