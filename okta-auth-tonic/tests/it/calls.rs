//! What a call needs, and what its client learns without it.

use std::time::Duration;

use http::HeaderMap;
use okta_auth_core::OktaAuth;
use okta_auth_core::config::{ConfigBuilder, EgressPolicy};
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_core::policy::anyone;
use okta_auth_core::tenant::{TenantId, TenantSettings};
use okta_auth_dev::{ADA, Endpoint, ORG_SERVER, Org, Outage};
use okta_auth_tonic::OktaAuthLayer;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic::codegen::Service as _;
use tonic_prost::ProstCodec;

use crate::support::{Refused, Server, bearer, request};

fn refused(status: Code, code: &str, challenge: Option<&str>) -> Refused {
    Refused { status, code: Some(code.to_owned()), challenge: challenge.map(str::to_owned) }
}

/// The claim `act` of a token in the hands of an AI agent.
fn agent() -> serde_json::Value {
    serde_json::json!({ "sub": "0oaagent", "sub_profile": "ai_agent" })
}

/// The challenge with these parameters, and the address of the metadata.
fn challenge(parameters: &str) -> String {
    format!(r#"Bearer {parameters}resource_metadata="http://localhost:8080/.well-known/oauth-protected-resource""#)
}

#[tokio::test]
async fn a_valid_token_reaches_the_method() {
    let server = Server::start().await;
    let client = server.client();
    let service = server.org.token().service_token(["orders:read"]).sign();
    let agent = server.org.token().access_token(ADA, ["orders:read"]).claim("act", agent()).sign();
    let own = server.token(&["orders:read"]);
    assert_eq!(client.with("/test.Echo/Any", &own).await.unwrap(), format!("{ADA}, machine: false"));
    assert!(client.with("/test.Echo/Orders", &service).await.unwrap().ends_with("machine: true"));
    let shown = client.with("/test.Echo/Orders", &agent).await.unwrap();
    assert!(shown.ends_with("by 0oaagent, machine: false"), "{shown}");
}

#[tokio::test]
async fn a_method_without_a_policy_needs_a_token() {
    let server = Server::start().await;
    let client = server.client();
    for path in ["/test.Echo/Any", "/test.Unknown/Any"] {
        let expected = refused(Code::Unauthenticated, "login_required", Some(&challenge("")));
        assert_eq!(client.refused(path, HeaderMap::new()).await, expected, "{path}");
    }
    let expected = refused(Code::Unauthenticated, "login_required", Some(&challenge("scope=\"orders:read\", ")));
    assert_eq!(client.refused("/test.Echo/Orders", HeaderMap::new()).await, expected);
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn a_method_that_is_open_to_anyone_needs_no_token_and_accepts_no_bad_one() {
    let server = Server::start().await;
    let client = server.client();
    server.org.outage(Endpoint::Discovery, Outage::Drop);
    assert_eq!(client.call("/test.Open/Check", HeaderMap::new()).await.unwrap(), "anonymous");
    server.org.restore_all();
    assert!(client.with("/test.Open/Check", &server.token(&["openid"])).await.unwrap().starts_with(ADA));
    assert_eq!(client.refused("/test.Open/Check", bearer("junk")).await.code.unwrap(), "invalid_token");
}

#[tokio::test]
async fn an_invalid_or_expired_token_is_unauthenticated() {
    let server = Server::start().await;
    let client = server.client();
    let tokens = [
        "junk".to_owned(),
        server.org.token().id_token(ADA, None).sign(),
        server.org.token().access_token(ADA, ["openid"]).bad_signature().sign(),
        server.org.token().access_token(ADA, ["openid"]).unsigned().sign(),
        server.org.token().access_token(ADA, ["openid"]).claim("aud", "api://other").sign(),
    ];
    let described = |why: &str| challenge(&format!("error=\"invalid_token\", error_description=\"{why}\", "));
    let expected =
        refused(Code::Unauthenticated, "invalid_token", Some(&described("the access token is not valid for this API")));
    for token in tokens {
        assert_eq!(client.refused("/test.Echo/Any", bearer(&token)).await, expected);
    }
    let token = server.token(&["openid"]);
    client.with("/test.Echo/Any", &token).await.unwrap();
    server.org.clock().advance(Duration::from_secs(2 * 3600));
    let expected = refused(Code::Unauthenticated, "invalid_token", Some(&described("the access token has expired")));
    assert_eq!(client.refused("/test.Echo/Any", bearer(&token)).await, expected);
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn a_policy_that_denies_is_permission_denied() {
    let server = Server::start().await;
    let client = server.client();
    let own = server.token(&["openid"]);
    let described = "error=\"insufficient_scope\", error_description=\"the access token lacks a scope\", \
                     scope=\"orders:read\", ";
    let expected = refused(Code::PermissionDenied, "insufficient_scope", Some(&challenge(described)));
    assert_eq!(client.refused("/test.Echo/Orders", bearer(&own)).await, expected);
    let service = server.org.token().service_token(["openid"]).sign();
    let expected = refused(Code::PermissionDenied, "access_denied", None);
    assert_eq!(client.refused("/test.Echo/Person", bearer(&service)).await, expected);
    assert_eq!(server.calls(), 0);
    client.with("/test.Echo/Person", &own).await.unwrap();
}

/// A policy that is added to a method a second time, or to its service, cannot lift another one.
#[tokio::test]
async fn all_policies_of_a_method_and_its_service_apply() {
    let server = Server::start().await;
    let client = server.client();
    let agent = server.org.token().access_token(ADA, ["openid"]).claim("act", agent()).sign();
    let expected = refused(Code::PermissionDenied, "actor_denied", None);
    assert_eq!(client.refused("/test.Echo/Person", bearer(&agent)).await, expected);
    let service = server.org.token().service_token(["admin"]).sign();
    client.with("/test.Admin/List", &service).await.unwrap();
    assert_eq!(client.refused("/test.Admin/Delete", bearer(&service)).await.code.unwrap(), "access_denied");
    let own = server.token(&["openid"]);
    assert_eq!(client.refused("/test.Admin/Delete", bearer(&own)).await.code.unwrap(), "insufficient_scope");
    client.with("/test.Admin/Delete", &server.token(&["admin"])).await.unwrap();
}

#[tokio::test]
async fn an_unreachable_issuer_is_unavailable_and_says_when_to_retry() {
    let server = Server::start().await;
    let client = server.client();
    let token = server.token(&["openid"]);
    server.org.outage(Endpoint::Discovery, Outage::Status(503));
    let status = client.with("/test.Echo/Any", &token).await.unwrap_err();
    assert_eq!(Refused::of(&status), refused(Code::Unavailable, "provider_unavailable", None));
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap();
    assert!(pushback.parse::<u64>().unwrap() >= 1000, "{pushback}");
    assert!(status.metadata().get("okta-auth-reference").is_some());
    assert_eq!(server.calls(), 0);
}

/// Only Okta can verify the tokens of an org server.
#[tokio::test]
async fn a_token_that_cannot_be_introspected_is_unavailable() {
    let org = Org::start().await.unwrap();
    let config = ConfigBuilder::from_variables(org.env()).issuer(org.org_issuer());
    let server = Server::with(&org, OktaAuthBuilder::from(config).build().unwrap()).await;
    let token = org.token().server(ORG_SERVER).access_token(ADA, ["openid"]).sign();
    org.outage(Endpoint::Introspect, Outage::Drop);
    assert_eq!(server.client().refused("/test.Echo/Any", bearer(&token)).await.status, Code::Unavailable);
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn a_token_selects_its_tenant_and_counts_nowhere_else() {
    let (acme, stranger) = (Org::start().await.unwrap(), Org::start().await.unwrap());
    let settings = TenantSettings::new(TenantId::parse("acme").unwrap(), acme.issuer(), acme.client().client_id);
    let shared = ConfigBuilder::default().base_url("http://localhost:8080").api_only();
    let tenants = Tenants::builder(OktaAuthBuilder::from(shared))
        .table(TenantTable::new([settings]).unwrap())
        .resolve(Resolver::BearerIssuer)
        .egress(EgressPolicy::default().dangerous().allow_loopback())
        .build()
        .unwrap();
    let server = Server::with(&acme, tenants).await;
    let client = server.client();
    let shown = client.with("/test.Echo/Any", &server.token(&["openid"])).await.unwrap();
    assert_eq!(shown, format!("{ADA} of acme, machine: false"));
    let token = stranger.token().access_token(ADA, ["openid"]).sign();
    assert_eq!(client.refused("/test.Echo/Any", bearer(&token)).await.code.unwrap(), "invalid_token");
    assert_eq!(client.refused("/test.Echo/Any", HeaderMap::new()).await.code.unwrap(), "login_required");
    assert_eq!(server.calls(), 1);
}

/// A response without a message is `Trailers-Only`: HTTP 200, and everything in one block of headers.
#[tokio::test]
async fn a_refusal_is_a_grpc_response() {
    let server = Server::start().await;
    let mut channel = server.channel();
    let call = http::Request::post("/test.Echo/Any").header("content-type", "application/grpc");
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
    let response = channel.call(call.body(tonic::body::Body::empty()).unwrap()).await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(response.status(), 200);
    assert_eq!(header("content-type").unwrap(), "application/grpc");
    assert_eq!(header("grpc-status").unwrap(), "16");
    assert_eq!(header("grpc-message").unwrap(), "Send%20an%20access%20token%20in%20the%20Authorization%20header.");
    for name in ["set-cookie", "location", "content-security-policy"] {
        assert_eq!(header(name), None);
    }
}

#[tokio::test]
async fn streams_need_a_token_before_their_first_message() {
    let server = Server::start().await;
    let token = server.token(&["openid"]);
    let texts = || tokio_stream::iter(["a".to_owned(), "b".to_owned()]);
    for headers in [HeaderMap::new(), bearer("junk")] {
        let call = request("hello".to_owned(), headers.clone());
        let counted = ready(&server).await.server_streaming(call, path("/test.Echo/Count"), codec()).await;
        let call = request(texts(), headers.clone());
        let collected = ready(&server).await.client_streaming(call, path("/test.Echo/Collect"), codec()).await;
        let call = request(texts(), headers);
        let answered = ready(&server).await.streaming(call, path("/test.Echo/Answer"), codec()).await;
        let codes = [counted.map(drop), collected.map(drop), answered.map(drop)].map(|it| it.unwrap_err().code());
        assert_eq!(codes, [Code::Unauthenticated; 3]);
    }
    assert_eq!(server.calls(), 0);
    let call = request("hello".to_owned(), bearer(&token));
    let counted = ready(&server).await.server_streaming(call, path("/test.Echo/Count"), codec()).await.unwrap();
    let counted: Vec<String> = counted.into_inner().map(Result::unwrap).collect().await;
    assert_eq!((counted.len(), counted[2].starts_with("3 ada@")), (3, true));
    let call = request(texts(), bearer(&token));
    let collected = ready(&server).await.client_streaming(call, path("/test.Echo/Collect"), codec()).await.unwrap();
    assert!(collected.get_ref().starts_with("a+b for ada@"), "{collected:?}");
    let call = request(texts(), bearer(&token));
    let answered = ready(&server).await.streaming(call, path("/test.Echo/Answer"), codec()).await.unwrap();
    let answered: Vec<String> = answered.into_inner().map(Result::unwrap).collect().await;
    assert!(answered[1].starts_with("b for ada@"), "{answered:?}");
}

async fn ready(server: &Server) -> tonic::client::Grpc<tonic::transport::Channel> {
    let mut grpc = server.client().0;
    grpc.ready().await.unwrap();
    grpc
}

fn path(path: &'static str) -> http::uri::PathAndQuery {
    http::uri::PathAndQuery::from_static(path)
}

fn codec() -> ProstCodec<String, String> {
    ProstCodec::default()
}

/// A policy under a name that no call has would protect nothing.
#[test]
fn a_policy_for_a_malformed_name_is_an_error() {
    let auth: OktaAuth =
        OktaAuthBuilder::from(ConfigBuilder::default().issuer("https://dev-1.okta.com/oauth2/default"))
            .api_only()
            .build()
            .unwrap();
    for name in
        ["", "/test.Echo", "test.Echo/", "/", "test.Echo/Any/", "test.Echo/An%79", "test Echo", "a/b/c", "test/*"]
    {
        let error = OktaAuthLayer::new(&auth).require(name, anyone()).unwrap_err();
        assert!(error.is_config() && error.to_string().contains("package.Service"), "{name}: {error}");
    }
    OktaAuthLayer::new(&auth).require("Echo", anyone()).unwrap().require("a.b_c.D2/E_3", anyone()).unwrap();
}
