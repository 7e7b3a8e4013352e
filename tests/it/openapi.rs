//! The security schemes of an OpenAPI document.

use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::{OktaAuth, OktaAuthBuilder};
use okta_auth_core::openapi::SecuritySchemes;
use okta_auth_dev::{Endpoint, Org, Outage};
use serde_json::{Value, json};
use utoipa::Modify;
use utoipa::openapi::{Info, OpenApi, Paths};

fn api(org: &Org) -> OktaAuth {
    let config = ConfigBuilder::default().issuer(org.issuer()).resource_scopes(["orders:read", "orders:write"]);
    OktaAuthBuilder::from(config.api_only()).build().unwrap()
}

/// The document as JSON, as Swagger UI reads it.
fn schemes(schemes: &SecuritySchemes) -> Value {
    let mut document = OpenApi::new(Info::new("orders", "1.0"), Paths::new());
    schemes.modify(&mut document);
    serde_json::to_value(&document).unwrap()["components"]["securitySchemes"].take()
}

#[tokio::test]
async fn the_schemes_lead_to_the_issuer() {
    let org = Org::start().await.unwrap();
    let found = schemes(&SecuritySchemes::discover(&api(&org)).await.unwrap());
    let issuer = org.issuer();
    let expected = json!({
        "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
        "openid": {
            "type": "openIdConnect",
            "openIdConnectUrl": format!("{issuer}/.well-known/openid-configuration"),
        },
        "oauth2": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": format!("{issuer}/v1/authorize"),
                    "tokenUrl": format!("{issuer}/v1/token"),
                    "scopes": { "orders:read": "", "orders:write": "" },
                },
            },
        },
    });
    assert_eq!(found, expected);
}

#[tokio::test]
async fn without_the_network_the_endpoints_are_left_out_and_never_guessed() {
    let org = Org::start().await.unwrap();
    org.outage(Endpoint::Discovery, Outage::Status(503));
    let api = api(&org);
    assert!(SecuritySchemes::discover(&api).await.unwrap_err().is_temporary());
    let found = schemes(&SecuritySchemes::new(&api));
    assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), ["bearer", "openid"]);
}

#[tokio::test]
async fn components_of_the_application_stay() {
    let org = Org::start().await.unwrap();
    let mut document = OpenApi::new(Info::new("orders", "1.0"), Paths::new());
    let key = utoipa::openapi::security::ApiKey::Header(utoipa::openapi::security::ApiKeyValue::new("x-api-key"));
    let own = utoipa::openapi::security::SecurityScheme::ApiKey(key);
    document.components.get_or_insert_default().add_security_scheme("own", own);
    SecuritySchemes::new(&api(&org)).modify(&mut document);
    let found = serde_json::to_value(&document).unwrap()["components"]["securitySchemes"].take();
    assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), ["bearer", "openid", "own"]);
}
