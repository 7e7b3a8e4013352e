//! Client metadata documents and keys at a URL: fetched when a request names the client (OAuth Client ID Metadata
//! Document).
//!
//! 1. The org fetches only for registered clients, and only from this machine.
//! 2. It fetches for each request, so that a changed document has an effect immediately.
//! 3. After five failures within a minute it stops fetching for the rest of that minute.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use crate::client::{AuthMethod, Client, PublishedDetails, Registration};
use crate::grant_type::GrantType;
use crate::local_address::local_address;
use crate::oauth_error::OAuthError;
use crate::sync::lock;

const TIMEOUT: Duration = Duration::from_secs(5);

/// The largest document in bytes.
const LIMIT: usize = 64 * 1024;

/// The failures within a window that stop further fetches.
const FAILURES: usize = 5;

/// The length of a window in seconds.
const WINDOW: i64 = 60;

/// The last result for each client, by client id.
#[derive(Debug, Default)]
pub(crate) struct ClientDocuments {
    states: Mutex<HashMap<String, State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    result: Option<Result<PublishedDetails, OAuthError>>,
    /// When fetches failed, in seconds.
    failures: Vec<i64>,
}

impl ClientDocuments {
    /// The last result; `None` before the first fetch.
    pub(crate) fn result(&self, client_id: &str) -> Option<Result<PublishedDetails, OAuthError>> {
        lock(&self.states).get(client_id).and_then(|state| state.result.clone())
    }

    /// Fetches what the client publishes, and stores the result.
    pub(crate) async fn refresh(&self, client: &Client, now: i64) {
        if self.is_throttled(&client.client_id, now) {
            let error = invalid("Request throttled due to repeated invalid client errors.");
            lock(&self.states).entry(client.client_id.clone()).or_default().result = Some(Err(error));
            return;
        }
        let result = fetch(client).await;
        let mut states = lock(&self.states);
        let state = states.entry(client.client_id.clone()).or_default();
        state.failures.extend(result.is_err().then_some(now));
        state.result = Some(result);
    }

    fn is_throttled(&self, client_id: &str, now: i64) -> bool {
        let mut states = lock(&self.states);
        let Some(state) = states.get_mut(client_id) else { return false };
        state.failures.retain(|failure| now < failure + WINDOW);
        state.failures.len() >= FAILURES
    }
}

async fn fetch(client: &Client) -> Result<PublishedDetails, OAuthError> {
    let Some(uri) = client.jwks_uri.as_deref().filter(|_| !client.is_metadata_document) else {
        return fetch_document(&client.client_id).await;
    };
    Ok(PublishedDetails { registration: None, jwks: fetch_keys(uri).await? })
}

async fn fetch_document(url: &str) -> Result<PublishedDetails, OAuthError> {
    let body = get(url).await.ok_or_else(|| invalid(INVALID_DETAILS))?;
    let document: Map<String, Value> =
        serde_json::from_str(&body).map_err(|_| invalid("The metadata document could not be parsed as valid JSON."))?;
    let registration = registration(url, &document)?;
    let jwks = match (document.get("jwks"), document.get("jwks_uri").and_then(Value::as_str)) {
        (Some(jwks), _) => keys(jwks)?,
        (None, Some(uri)) => fetch_keys(uri).await?,
        (None, None) => Vec::new(),
    };
    if registration.auth_method == AuthMethod::PrivateKeyJwt && jwks.is_empty() {
        return Err(invalid(REQUIREMENTS));
    }
    Ok(PublishedDetails { registration: Some(registration), jwks })
}

const INVALID_DETAILS: &str = "The metadata document contains invalid client configuration details.";
const REQUIREMENTS: &str =
    "The CIMD metadata document is invalid based on the configured metadata document requirements.";

/// Checks the document: its own id, redirect URIs, no secret and no symmetric authentication.
fn registration(url: &str, document: &Map<String, Value>) -> Result<Registration, OAuthError> {
    if document.get("client_id").and_then(Value::as_str) != Some(url) {
        return Err(invalid("The 'client_id' in the metadata document does not match the URL used to fetch it."));
    }
    let redirect_uris = texts(document, "redirect_uris")?.unwrap_or_default();
    if redirect_uris.is_empty() {
        return Err(invalid("The metadata document is missing the required 'redirect_uris' field."));
    }
    let has_keys = document.contains_key("jwks") || document.contains_key("jwks_uri");
    let auth_method = match document.get("token_endpoint_auth_method").map(Value::as_str) {
        None if has_keys => AuthMethod::PrivateKeyJwt,
        None | Some(Some("none")) => AuthMethod::None,
        Some(Some("private_key_jwt")) => AuthMethod::PrivateKeyJwt,
        Some(_) => return Err(invalid(REQUIREMENTS)),
    };
    if document.contains_key("client_secret") {
        return Err(invalid(REQUIREMENTS));
    }
    let grants = texts(document, "grant_types")?.unwrap_or_else(|| vec!["authorization_code".to_owned()]);
    let grant_types: Option<Vec<GrantType>> = grants.iter().map(|name| GrantType::named(name)).collect();
    let grant_types = grant_types.ok_or_else(|| invalid(INVALID_DETAILS))?;
    let name = document.get("client_name").and_then(Value::as_str).map(str::to_owned);
    Ok(Registration { name, redirect_uris, grant_types, auth_method })
}

/// A list of texts; `None` if the member is missing.
fn texts(document: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, OAuthError> {
    let Some(value) = document.get(name) else { return Ok(None) };
    let values =
        value.as_array().and_then(|values| values.iter().map(|value| value.as_str().map(str::to_owned)).collect());
    values.map(Some).ok_or_else(|| invalid(INVALID_DETAILS))
}

async fn fetch_keys(uri: &str) -> Result<Vec<Value>, OAuthError> {
    let body = get(uri).await;
    let jwks: Option<Value> = body.and_then(|body| serde_json::from_str(&body).ok());
    keys(&jwks.unwrap_or_default())
}

/// The members of a key set (RFC 7517 §5).
fn keys(jwks: &Value) -> Result<Vec<Value>, OAuthError> {
    let keys = jwks.get("keys").and_then(Value::as_array).cloned();
    keys.ok_or_else(|| OAuthError::invalid_client("The client JWKSet is invalid."))
}

/// Fetches a text from this machine; `None` if there is none. Redirects are not followed.
async fn get(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let address = local_address(&url)?;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(TIMEOUT);
    let client = client.resolve(url.host_str()?, address).build().ok()?;
    let mut response = client.get(url).send().await.ok()?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > LIMIT {
            return None;
        }
    }
    String::from_utf8(body).ok().filter(|_| response.status() == 200)
}

fn invalid(description: &'static str) -> OAuthError {
    OAuthError::bad("invalid_client_metadata", description)
}
