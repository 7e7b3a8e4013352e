//! A development org and an API, so that the example runs without an Okta org.

use axum::{Json, Router, routing::get};
use okta_auth::axum::{AccessToken, RequireExt, RouterExt};
use okta_auth::{OktaAuth, config::ConfigBuilder, policy::scope};
use okta_auth_dev::{Client, GrantType, Org};
use serde_json::{Value, json};

const CLIENT_ID: &str = "0oadevcli0000000001";

/// Runs until it is dropped.
pub(crate) struct Demo {
    org: Org,
    pub(crate) api_url: String,
}

impl Demo {
    pub(crate) async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        // Users get the program, so it can keep no secret: a public client.
        let app = Client::public(CLIENT_ID).label(crate::NAME).grant_type(GrantType::DeviceCode);
        let org = Org::builder().client(app).start().await?;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let auth = OktaAuth::builder().from_variables(org.env()).base_url(&base).api_only().build()?;
        let orders = get(orders).require_token(scope("orders:read"));
        let api = Router::new().route("/orders", orders).okta_auth(&auth);
        tokio::spawn(axum::serve(listener, api).into_future());
        println!("OKTA_ISSUER_URI is not set: a development org runs at {}. Sign in as one of:", org.url());
        org.users().iter().for_each(|user| println!("  {}  password {}", user.login, user.password));
        Ok(Self { org, api_url: format!("{base}/orders") })
    }

    pub(crate) fn config(&self) -> ConfigBuilder {
        ConfigBuilder::default().issuer(self.org.issuer()).client_id(CLIENT_ID)
    }
}

/// The same as in the example `axum-api`.
async fn orders(token: AccessToken) -> Json<Value> {
    Json(json!({ "sub": token.subject(), "client": token.client_id(), "scopes": token.token().scopes() }))
}
