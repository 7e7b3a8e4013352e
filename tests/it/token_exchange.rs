//! Tokens on behalf of a user: one audience for another, within one org, never longer than the user's token.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, Response};
use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::error::Code;
use okta_auth_core::outgoing::TokenRequest;
use okta_auth_dev::{ADA, AuthorizationServer, BEN, Client, GrantType, Org, OrgBuilder, SERVICE_CLIENT_ID};

const API: &str = "0oaapi";
const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";

/// An org whose server `billing` trusts `default`, and an API that may exchange tokens.
fn builder() -> OrgBuilder {
    let billing = AuthorizationServer::custom("billing", "api://billing")
        .scope("invoices:read")
        .scope("invoices:send")
        .trusted_server("default");
    Org::builder()
        .client(Client::service(API, SECRET).grant_type(GrantType::TokenExchange))
        .authorization_server(billing)
        .authorization_server(AuthorizationServer::custom("foreign", "api://foreign").scope("foreign:read"))
}

fn config(org: &Org) -> ConfigBuilder {
    ConfigBuilder::default().issuer(org.issuer()).client_id(API).client_secret(SECRET).api_only()
}

fn api_with(org: &Org, config: ConfigBuilder) -> OktaAuth {
    let clock = org.clock();
    OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap()
}

fn invoices(org: &Org) -> TokenRequest {
    TokenRequest::new(["invoices:read"]).audience("api://billing").issuer(org.custom_issuer("billing"))
}

fn exchanges(org: &Org) -> usize {
    org.count("/v1/token")
}

#[tokio::test]
async fn an_api_gets_a_token_for_its_user_once() {
    let org = builder().start().await.unwrap();
    let api = api_with(&org, config(&org));
    let sent = org.token().access_token(ADA, ["openid"]).sign();
    let received = api.verify_access_token(&sent).await.unwrap();
    let token = api.token_exchange().token(&received, &invoices(&org)).await.unwrap();
    assert_ne!(token.expose(), sent);
    assert_eq!(token.scopes(), ["invoices:read"]);
    let billing = ConfigBuilder::default().issuer(org.custom_issuer("billing")).audience("api://billing").api_only();
    let at_billing = api_with(&org, billing).verify_access_token(token.expose()).await.unwrap();
    assert_eq!(at_billing.claims().user_id(), received.claims().user_id());
    assert_eq!((at_billing.claims().client_id(), at_billing.claims().is_machine()), (API, false));
    for _ in 0..10 {
        // Each request of the caller is verified again, from the cache.
        let received = api.verify_access_token(&sent).await.unwrap();
        assert_eq!(api.token_exchange().token(&received, &invoices(&org)).await.unwrap().expose(), token.expose());
    }
    assert_eq!((exchanges(&org), api.token_exchange().cached()), (1, 1));
}

/// Duende CVE-2024-51987: a cache without the user in its key returns another user's token.
#[tokio::test]
async fn a_token_is_never_returned_for_another_user_scope_or_audience() {
    let org = builder().start().await.unwrap();
    let api = api_with(&org, config(&org));
    let mut tokens = Vec::new();
    for sent in [
        org.token().access_token(ADA, ["openid"]).sign(),
        org.token().access_token(BEN, ["openid"]).sign(),
        // The next token of the same user may have other permissions.
        org.token().access_token(ADA, ["openid", "orders:read"]).sign(),
    ] {
        let received = api.verify_access_token(&sent).await.unwrap();
        for scope in ["invoices:read", "invoices:send"] {
            let request = TokenRequest::new([scope]).audience("api://billing").issuer(org.custom_issuer("billing"));
            let token = api.token_exchange().token(&received, &request).await.unwrap();
            assert_eq!(token.scopes(), [scope]);
            tokens.push(token.expose().to_owned());
        }
        let error = api.token_exchange().token(&received, &invoices(&org).audience("api://other")).await.unwrap_err();
        assert_eq!(error.provider_error(), Some("invalid_target"), "the cached token is for another audience");
    }
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 6);
}

#[tokio::test]
async fn a_token_never_outlives_the_one_that_it_was_made_from() {
    let org = builder().start().await.unwrap();
    org.clock().stop();
    let api = api_with(&org, config(&org));
    let lifetime = 120;
    let expires_at = org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + lifetime;
    let sent = org.token().access_token(ADA, ["openid"]).claim("exp", expires_at).sign();
    let received = api.verify_access_token(&sent).await.unwrap();
    let token = api.token_exchange().token(&received, &invoices(&org)).await.unwrap();
    assert_eq!(token.expires_at(), received.claims().expires_at());
    org.clock().advance(Duration::from_secs(lifetime));
    // The leeway still accepts it here, but nothing is exchanged for it.
    let received = api.verify_access_token(&sent).await.unwrap();
    let error = api.token_exchange().token(&received, &invoices(&org)).await.unwrap_err();
    assert_eq!((error.code(), exchanges(&org)), (Code::TokenExpired, 1));
    let other = invoices(&org).audience("api://other");
    assert_eq!(api.token_exchange().token(&received, &other).await.unwrap_err().code(), Code::TokenExpired);
    assert_eq!(exchanges(&org), 1, "an expired token was sent");
}

/// A token of another org could be used there.
#[tokio::test]
async fn a_token_of_another_org_is_not_sent() {
    let (org, partner) = (builder().start().await.unwrap(), builder().start().await.unwrap());
    let api = api_with(&org, config(&org).accept_issuer(partner.issuer()));
    let received = api.verify_access_token(&partner.token().access_token(ADA, ["openid"]).sign()).await.unwrap();
    let error = api.token_exchange().token(&received, &invoices(&org)).await.unwrap_err();
    assert_eq!((error.code(), error.claim()), (Code::TokenClaim, Some("iss")));
    assert_eq!((exchanges(&org), exchanges(&partner)), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_requests_of_one_user_cause_one_exchange() {
    let org = builder().start().await.unwrap();
    let api = api_with(&org, config(&org));
    let received = api.verify_access_token(&org.token().access_token(ADA, ["openid"]).sign()).await.unwrap();
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let (api, received, request) = (api.clone(), received.clone(), invoices(&org));
            tokio::spawn(async move { api.token_exchange().token(&received, &request).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(exchanges(&org), 1);
}

#[tokio::test]
async fn documented_errors_name_the_fix() {
    let org = builder().start().await.unwrap();
    let api = api_with(&org, config(&org));
    let received = api.verify_access_token(&org.token().access_token(ADA, ["openid"]).sign()).await.unwrap();
    let machine = api.verify_access_token(&org.token().service_token(["orders:read"]).sign()).await.unwrap();
    let at_foreign = TokenRequest::new(["foreign:read"]).audience("api://foreign").issuer(org.custom_issuer("foreign"));
    let without_audience = TokenRequest::new(["invoices:read"]).issuer(org.custom_issuer("billing"));
    for (subject, request, provider_error, fix) in [
        (&received, at_foreign, "access_denied", "access policy"),
        (&received, without_audience, "invalid_target", "audience"),
        (&received, TokenRequest::new(["openid"]).audience("api://default"), "invalid_scope", "need a sign-in"),
        (&machine, invoices(&org), "invalid_request", "provider_error"),
    ] {
        let error = api.token_exchange().token(subject, &request).await.unwrap_err();
        assert_eq!((error.code(), error.provider_error()), (Code::TokenRefused, Some(provider_error)), "{error:?}");
        assert!(error.to_string().contains(fix), "{error}");
        let before = exchanges(&org);
        assert!(api.token_exchange().token(subject, &request).await.is_err());
        assert_eq!(exchanges(&org), before, "the refusal is cached");
    }
    let service = org.client_with_id(SERVICE_CLIENT_ID).unwrap();
    let no_grant = config(&org).client_id(SERVICE_CLIENT_ID).client_secret(service.client_secret.unwrap());
    let error = api_with(&org, no_grant).token_exchange().token(&received, &invoices(&org)).await.unwrap_err();
    assert_eq!(error.provider_error(), Some("unauthorized_client"));
    let text = received.claims().subject();
    assert!(!text.is_empty() && !format!("{received:?} {error:?}").contains(SECRET));
}

/// A proxy on the way to the org, which changes the responses of the token endpoint.
async fn changing(org: &Org, from: &'static str, to: &'static str) -> String {
    type Shared = (String, &'static str, &'static str);
    async fn forward(State((url, from, to)): State<Shared>, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let path = parts.uri.path_and_query().unwrap();
        let mut forwarded = reqwest::Client::new().request(parts.method.clone(), format!("{url}{path}")).body(body);
        for (name, value) in &parts.headers {
            forwarded = forwarded.header(name, value);
        }
        let answer = forwarded.send().await.unwrap();
        let mut response = Response::builder().status(answer.status());
        if let Some(kind) = answer.headers().get("content-type") {
            response = response.header("content-type", kind);
        }
        response.body(Body::from(answer.text().await.unwrap().replace(from, to))).unwrap()
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(forward).with_state((org.url().to_owned(), from, to));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// A grant for another server (ID-JAG) must not be used as an access token.
#[tokio::test]
async fn a_response_that_is_not_an_access_token_is_rejected() {
    let org = builder().start().await.unwrap();
    for (from, to) in [
        ("token-type:access_token", "token-type:id-jag"),
        ("issued_token_type", "other_member"),
        ("\"token_type\":\"Bearer\"", "\"token_type\":\"N_A\""),
        ("\"token_type\":\"Bearer\"", "\"token_type\":\"DPoP\""),
    ] {
        let address = changing(&org, from, to).await;
        let api = api_with(&org, config(&org).backchannel_url(address));
        let received = api.verify_access_token(&org.token().access_token(ADA, ["openid"]).sign()).await.unwrap();
        let error = api.token_exchange().token(&received, &invoices(&org)).await.unwrap_err();
        assert_eq!(error.code(), Code::ProviderResponse, "{from} -> {to}: {error:?}");
    }
}

/// Spring CVE-2022-31690: an empty scope is not every requested scope.
#[tokio::test]
async fn granted_scopes_are_those_of_the_response() {
    let org = builder().start().await.unwrap();
    for (to, scopes) in [("\"scope\":\"\"", vec![]), ("\"other\":\"\"", vec!["invoices:read"])] {
        let address = changing(&org, "\"scope\":\"invoices:read\"", to).await;
        let api = api_with(&org, config(&org).backchannel_url(address));
        let received = api.verify_access_token(&org.token().access_token(ADA, ["openid"]).sign()).await.unwrap();
        let token = api.token_exchange().token(&received, &invoices(&org)).await.unwrap();
        assert_eq!(token.scopes(), scopes);
    }
}
