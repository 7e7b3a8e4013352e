//! The content types of a provider's responses: one rule for all endpoints whose response is JSON.

use axum::routing::get;
use okta_auth_axum::User;
use okta_auth_core::device::DeviceFlow;
use okta_auth_dev::{Endpoint, Fault, Org};
use serde_json::Value;

use crate::device;
use crate::support::{ADA, AppBuilder, routes};

const ENDPOINTS: [Endpoint; 7] = [
    Endpoint::Discovery,
    Endpoint::Keys,
    Endpoint::Token,
    Endpoint::Par,
    Endpoint::Userinfo,
    Endpoint::Introspect,
    Endpoint::DeviceAuthorize,
];

async fn org_for(endpoint: Endpoint) -> Org {
    if endpoint == Endpoint::DeviceAuthorize { device::org().await } else { Org::start().await.unwrap() }
}

/// Uses the endpoint while its responses have a content type; the error is the code or the message of the failure.
async fn outcome(org: &Org, endpoint: Endpoint, kind: &str) -> Result<(), String> {
    org.fault(Fault::ContentType(endpoint.as_str().to_owned(), kind.to_owned()));
    match endpoint {
        Endpoint::DeviceAuthorize => {
            let flow = DeviceFlow::builder("Orders CLI", device::config(org)).build().unwrap();
            flow.start().await.map(drop).map_err(|error| format!("{}: {error}", error.code()))
        }
        Endpoint::Introspect => {
            let app = AppBuilder::default().org(org.clone()).issuer(org.org_issuer()).start().await;
            let client = app.org.client().client_id;
            let token = app.org.token().server("org").client(&client).access_token(ADA, ["openid"]).sign();
            let verified = app.auth.verify_access_token(&token).await;
            verified.map(drop).map_err(|error| format!("{}: {error}", error.code()))
        }
        _ => {
            let is_par = endpoint == Endpoint::Par;
            let app = AppBuilder::default().configure(move |config| if is_par { config.par() } else { config });
            let claims = get(|user: User<Value>| async move { user.claims().to_string() });
            let app = app.org(org.clone()).routes(routes().route("/claims", claims)).start().await;
            let mut browser = app.browser();
            let first = browser.navigate("/profile").await;
            if first.status != 303 {
                return Err(first.body);
            }
            let landed = browser.sign_in(&app.org, ADA, "/profile").await;
            if landed.location() != "/profile" {
                return Err(landed.body);
            }
            // Only userinfo has this claim.
            let page = browser.navigate("/claims").await.body;
            if page.contains("family_name") { Ok(()) } else { Err(format!("provider_response: {page}")) }
        }
    }
}

#[tokio::test]
async fn json_has_a_type_of_json_or_none() {
    for endpoint in ENDPOINTS {
        let org = org_for(endpoint).await;
        for kind in [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "Application/JSON",
            "application/jwk-set+json",
            "application/entity-statement+json; profile=x",
            "",
        ] {
            let outcome = outcome(&org, endpoint, kind).await;
            assert!(outcome.is_ok(), "{} with `{kind}`: {outcome:?}", endpoint.as_str());
        }
    }
}

#[tokio::test]
async fn another_type_is_refused() {
    for endpoint in ENDPOINTS {
        let org = org_for(endpoint).await;
        for kind in [
            "text/html;charset=utf-8",
            "text/plain",
            "application/jwt",
            "application/token-introspection+jwt",
            "application/x-www-form-urlencoded",
            "application/octet-stream",
            "application/jsonp",
            "json",
            " ",
        ] {
            let error = outcome(&org, endpoint, kind).await.expect_err(&format!("{} with `{kind}`", endpoint.as_str()));
            assert!(error.contains("provider_response"), "{} with `{kind}`: {error}", endpoint.as_str());
        }
    }
}

/// A signed response is another format of the endpoint (OIDC Core §5.3.2, RFC 9701), which the operator has to turn off.
#[tokio::test]
async fn a_signed_response_is_named_in_the_error() {
    for (endpoint, kind) in
        [(Endpoint::Introspect, "application/token-introspection+jwt"), (Endpoint::DeviceAuthorize, "application/jwt")]
    {
        let error = outcome(&org_for(endpoint).await, endpoint, kind).await.unwrap_err();
        assert!(error.contains("is a JWT") && error.contains("JSON"), "{error}");
    }
}
