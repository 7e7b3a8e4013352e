//! Calls another API with the user's access token.

use std::env;
use std::error::Error;

use reqwest::{Client, Url, redirect::Policy};

use crate::User;

/// Another API, such as the example axum-api.
#[derive(Clone)]
pub(crate) struct Api {
    url: Url,
    client: Client,
}

impl Api {
    /// Reads `API_URL`, such as `http://localhost:8081/orders`.
    pub(crate) fn from_env() -> Result<Option<Self>, Box<dyn Error>> {
        let Ok(url) = env::var("API_URL") else { return Ok(None) };
        let client = Client::builder().redirect(Policy::none()).build()?;
        Ok(Some(Self { url: Url::parse(&url)?, client }))
    }

    /// Returns the status and the body of the response.
    pub(crate) async fn call(&self, user: &User) -> Result<(u16, String), okta_auth::Error> {
        let target = user.outgoing().target(&self.url.origin().ascii_serialization())?;
        // Attaches the token, and a DPoP proof if the token is bound to the key of the session.
        let client = target.for_user(user).with_client(self.client.clone());
        let Ok(response) = client.get(self.url.clone()).send().await else {
            return Ok((502, "The API does not respond.".to_owned()));
        };
        Ok((response.status().as_u16(), response.text().await.unwrap_or_default()))
    }
}
