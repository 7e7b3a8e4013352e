//! The service client and its tokens.

use url::Url;

use super::handle::Org;
use crate::browser::http;
use crate::client::{AuthMethod, Client, SERVICE_CLIENT_ID};
use crate::error::Error;
use crate::grant_type::GrantType;
use crate::random;

impl Org {
    /// Returns the first client that is a service: the default one ([`SERVICE_CLIENT_ID`]), or the first configured
    /// service.
    ///
    /// It may request the scopes `orders:read` and `orders:write` from the server `default` with `client_credentials`.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let service = okta_auth_dev::Org::start().await?.service_client();
    /// println!("{} {}", service.client_id, service.client_secret.unwrap_or_default());
    /// # Ok(())
    /// # }
    /// ```
    pub fn service_client(&self) -> Client {
        let mut clients = self.clients().into_iter();
        let service = clients.find(Client::is_service).or_else(|| self.client_with_id(SERVICE_CLIENT_ID));
        service.unwrap_or_else(|| Client::service(SERVICE_CLIENT_ID, ""))
    }

    /// Requests an access token of the service client from the server `default`.
    ///
    /// This is a real request, subject to faults, policies, rate limits and the request log.
    /// [`crate::TokenBuilder::service_token`] creates a token without a request.
    ///
    /// # Errors
    ///
    /// If the server does not respond, or responds with an error, which the message includes; and if the service client
    /// authenticates with a private key, which the org does not have.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// let token = org.client_credentials(&["orders:read"]).await?;
    /// // GET /api/orders with `Authorization: Bearer {token}` ...
    /// # Ok(())
    /// # }
    /// ```
    pub async fn client_credentials(&self, scopes: &[&str]) -> Result<String, Error> {
        let client = self.service_client();
        let mut form = vec![("grant_type", GrantType::ClientCredentials.as_str().to_owned())];
        form.push(("scope", scopes.join(" ")));
        let mut authorization = None;
        let secret = client.client_secret.clone().unwrap_or_default();
        match client.auth_method {
            AuthMethod::ClientSecretBasic => authorization = Some(basic(&client.client_id, &secret)),
            AuthMethod::ClientSecretPost => form.extend([("client_id", client.client_id), ("client_secret", secret)]),
            _ => {
                return Err(Error::browser(
                    "the service client authenticates with a private key, which the org does not have",
                ));
            }
        }
        let url = format!("{}/v1/token", self.issuer());
        let url =
            Url::parse(&url).map_err(|error| Error::browser(format_args!("`{url}` is not a URL")).because(error))?;
        let request = http::Request::post(&url, &form).authorization(authorization);
        let answer = http::exchange(self.host.address, &request).await?;
        access_token(&answer)
    }
}

/// HTTP Basic (RFC 6749 §2.3.1); both halves are form-encoded.
fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", random::base64(format!("{}:{}", encode(id), encode(secret))))
}

fn access_token(answer: &http::Answer) -> Result<String, Error> {
    let body: Option<serde_json::Value> = serde_json::from_str(&answer.body).ok();
    let token = body.as_ref().and_then(|body| body.get("access_token")).and_then(serde_json::Value::as_str);
    token.map(str::to_owned).ok_or_else(|| {
        Error::browser(format_args!(
            "the token endpoint responded with {} and no token: {}",
            answer.status, answer.body
        ))
    })
}
