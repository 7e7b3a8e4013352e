//! Cross App Access as the requester: the session of a user becomes a grant (ID-JAG) of the org, and the grant an access
//! token of another app's authorization server.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::future::join_all;
use okta_auth_axum::User;
use okta_auth_core::config::{ConfigBuilder, PrivateKey};
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::error::{Code, Error};
use okta_auth_core::id_jag::IdJagVerifier;
use okta_auth_core::outgoing::{
    IdJagTokens, IssuedToken, Outgoing, OutgoingBuilder, Target, TokenRequest, UserToken, UserTokenFuture,
};
use okta_auth_dev::{
    ADA, AuthorizationServer, BEN, Client, ClientKey, Endpoint, Fault, IdJagFault, Org, OrgBuilder, Outage, Recorded,
    ResourceConnection,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{App, AppBuilder, Browser};

const AGENT: &str = "0oaagent";
const AT_CHAT: &str = "agent-at-chat";
const CHAT_SECRET: &str = "vM3kq-81Lf0aXo2vM3kq-81Lf0aXo2";
const API: &str = "https://orders.example/";

/// An application whose users call another app, and its org.
struct Setup {
    app: App,
}

/// What the handler of the application answers.
#[derive(Debug)]
struct Outcome {
    token: String,
    scopes: String,
    expires_at: i64,
    code: String,
    provider_error: String,
    message: String,
}

fn shown(outcome: Result<IssuedToken, Error>) -> Json<Value> {
    Json(match outcome {
        Ok(token) => json!({
            "token": token.expose(),
            "scopes": token.scopes().join(" "),
            "expires_at": token.expires_at().seconds(),
        }),
        Err(error) => json!({
            "code": error.code().as_str(),
            "provider_error": error.provider_error(),
            "message": error.to_string(),
        }),
    })
}

/// A target with the origin of this URL.
fn target(url: &str) -> Target {
    let origin = url::Url::parse(url).unwrap().origin().ascii_serialization();
    let config = ConfigBuilder::default().issuer("https://x.okta.com").client_id("x").client_secret(CHAT_SECRET);
    OutgoingBuilder::from(config).build().unwrap().target(&origin).unwrap()
}

/// Requests a token for the user of the request, as its query says.
fn routes(tokens: IdJagTokens) -> Router {
    let with_scope = tokens.clone().with_scope_parameter();
    let handler = move |user: User, Query(query): Query<HashMap<String, String>>| async move {
        let mut request = TokenRequest::new(query.get("scope"));
        if let Some(resource) = query.get("resource") {
            request = request.resource(resource);
        }
        let tokens = if query.contains_key("with_scope") { with_scope } else { tokens };
        // Any target will do: it has the origins, and the tokens are those of the argument.
        match query.get("url") {
            Some(url) => {
                let authorization = target(url).for_user_at(&user, &tokens, &request);
                let sent = authorization.client(reqwest::Client::builder()).unwrap().get(url).send().await;
                Json(json!({ "token": sent.unwrap().text().await.unwrap() }))
            }
            None => shown(tokens.token(&user, &request).await),
        }
    };
    Router::new().route("/call", get(handler))
}

fn org_builder(key: &ClientKey, connection: ResourceConnection) -> OrgBuilder {
    let orders = AuthorizationServer::custom("orders", "api://orders")
        .scope("orders:read")
        .scope("orders:write")
        .access_token_lifetime(Duration::from_secs(7_200))
        .resource(API);
    let agent = Client::agent(AGENT, key.public_jwk()).connection(connection);
    Org::builder().client(agent).authorization_server(orders)
}

async fn orders_org() -> (Org, PrivateKey) {
    let key = ClientKey::generate().unwrap();
    let private = PrivateKey::from_pem(key.private_pem(), Some(key.id().to_owned())).unwrap();
    (org_builder(&key, to_orders()).start().await.unwrap(), private)
}

fn at_orders(org: &Org, key: &PrivateKey) -> IdJagTokens {
    let server = ConfigBuilder::default().issuer(org.custom_issuer("orders"));
    outgoing(org, key).id_jag(server.client_id(AGENT).private_key(key.clone())).unwrap()
}

fn to_orders() -> ResourceConnection {
    ResourceConnection::to_server("orders").resource(API).scope("orders:read").scope("orders:write")
}

impl Setup {
    /// The other app is behind a custom server of the same org.
    async fn orders() -> Self {
        Self::orders_with("openid profile email").await
    }

    async fn orders_with(scopes: &'static str) -> Self {
        let (org, key) = orders_org().await;
        let tokens = at_orders(&org, &key);
        Self::start(org, key, scopes, tokens).await
    }

    async fn start(org: Org, key: PrivateKey, scopes: &'static str, tokens: IdJagTokens) -> Self {
        let app = AppBuilder::default()
            .org(org)
            .routes(routes(tokens))
            .configure(move |config| config.client_id(AGENT).private_key(key).scopes(scopes));
        Self { app: app.start().await }
    }

    fn org(&self) -> &Org {
        &self.app.org
    }

    async fn signed_in(&self, user: &str) -> Browser {
        let mut browser = self.app.browser();
        browser.sign_in(self.org(), user, "/call").await;
        self.org().clear_request_log();
        browser
    }

    /// The requests to the token endpoints, the org's own first.
    fn token_requests(&self) -> Vec<Recorded> {
        self.org().request_log().into_iter().filter(|request| request.path.ends_with("/v1/token")).collect()
    }

    /// How many grants were requested, and how many were presented.
    fn counts(&self) -> (usize, usize) {
        (self.org().count("/oauth2/v1/token"), self.org().count("/orders/v1/token"))
    }
}

fn outgoing(org: &Org, key: &PrivateKey) -> Outgoing {
    let clock = org.clock();
    let config = ConfigBuilder::default().issuer(org.issuer()).client_id(AGENT).private_key(key.clone());
    OutgoingBuilder::from(config).clock(move || clock.now()).build().unwrap()
}

async fn call(browser: &mut Browser, query: &str) -> Outcome {
    let answer = browser.fetch(&format!("/call?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    Outcome {
        token: text("token"),
        scopes: text("scopes"),
        expires_at: body["expires_at"].as_i64().unwrap_or_default(),
        code: text("code"),
        provider_error: text("provider_error"),
        message: text("message"),
    }
}

async fn read(browser: &mut Browser) -> Outcome {
    call(browser, "scope=orders:read").await
}

fn now(org: &Org) -> i64 {
    i64::try_from(org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The claims of a token or an assertion.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_users_session_becomes_a_token_of_another_server() {
    let setup = Setup::orders().await;
    let mut browser = setup.signed_in(ADA).await;
    let answer = call(&mut browser, "scope=orders:read&resource=https://orders.example/").await;
    assert_eq!((answer.scopes.as_str(), answer.message.as_str()), ("orders:read", ""));
    let [first, second] = &setup.token_requests()[..] else { panic!("not two requests") };
    assert_eq!(first.path, "/oauth2/v1/token");
    let field = |request: &Recorded, name: &str| request.form_field(name).unwrap_or_default();
    assert_eq!(field(first, "requested_token_type"), "urn:ietf:params:oauth:token-type:id-jag");
    assert_eq!(field(first, "subject_token_type"), "urn:ietf:params:oauth:token-type:id_token");
    assert_eq!(field(first, "audience"), setup.org().custom_issuer("orders"));
    assert_eq!((field(first, "scope").as_str(), field(first, "resource").as_str()), ("orders:read", API));
    assert_eq!(second.path, "/oauth2/orders/v1/token");
    assert_eq!(field(second, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!(second.form_field("scope"), None, "Okta refuses it");
    let grant = field(second, "assertion");
    assert_eq!(claims(&grant)["aud"], setup.org().custom_issuer("orders"));
    // The API of that server sees its user, in the hands of the agent.
    let clock = setup.org().clock();
    let config = ConfigBuilder::default().issuer(setup.org().custom_issuer("orders")).audience(API).api_only();
    let orders = OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap();
    let verified = orders.verify_access_token(&answer.token).await.unwrap();
    assert_eq!(verified.claims().subject(), setup.org().user(ADA).unwrap().id);
    assert_eq!(verified.claims().actor().unwrap().subject(), AGENT);
    assert!(verified.claims().is_user() && !verified.claims().is_machine());
    for _ in 0..5 {
        let again = call(&mut browser, "scope=orders:read&resource=https://orders.example/").await;
        assert_eq!(again.token, answer.token);
    }
    assert_eq!(setup.counts(), (1, 1));
}

/// Agents may pass a task on. A chain that no handler could judge gives no access.
#[tokio::test]
async fn a_token_with_too_many_actors_is_refused_by_the_api() {
    let setup = Setup::orders().await;
    let mut browser = setup.signed_in(ADA).await;
    let clock = setup.org().clock();
    let config = ConfigBuilder::default().issuer(setup.org().custom_issuer("orders")).audience("api://orders");
    let orders = OktaAuthBuilder::from(config.api_only()).clock(move || clock.now()).build().unwrap();
    setup.org().fault_once(Fault::IdJag(IdJagFault::DeepActor));
    let deep = read(&mut browser).await;
    let error = orders.verify_access_token(&deep.token).await.unwrap_err();
    assert_eq!((error.code(), error.claim()), (Code::TokenClaim, Some("act")));
    let chain =
        json!({ "sub": AGENT, "sub_profile": "ai_agent", "act": { "sub": "0oajob", "sub_profile": "service" } });
    setup.org().fault_once(Fault::IdJag(IdJagFault::Claim("act".into(), chain)));
    let token = call(&mut browser, "scope=orders:write").await.token;
    let verified = orders.verify_access_token(&token).await.unwrap();
    let actors: Vec<&str> = verified.claims().actor().unwrap().chain().map(|actor| actor.subject()).collect();
    assert_eq!((actors, verified.claims().is_machine()), (vec![AGENT, "0oajob"], false));
}

/// CVE-2025-26620: a cache without one parameter in its key returns a token with other permissions.
#[tokio::test]
async fn a_token_is_never_returned_for_another_user_session_scope_resource_or_server() {
    let setup = Setup::orders().await;
    let (mut ada, mut ben) = (setup.signed_in(ADA).await, setup.signed_in(BEN).await);
    let mut ada_again = setup.signed_in(ADA).await;
    // Without a `jti`, two tokens of the same second would be equal.
    setup.org().fault(Fault::IdJag(IdJagFault::AccessTokenWithClient));
    let mut tokens = BTreeSet::new();
    for browser in [&mut ada, &mut ben, &mut ada_again] {
        for query in ["scope=orders:read", "scope=orders:write", "scope=orders:read&resource=https://orders.example/"] {
            let answer = call(browser, query).await;
            assert!(query.contains(&format!("scope={}", answer.scopes)), "{answer:?}");
            tokens.insert(answer.token);
        }
    }
    assert_eq!(tokens.len(), 9);
    let subjects: BTreeSet<String> = tokens.iter().map(|token| claims(token)["sub"].to_string()).collect();
    assert_eq!(subjects.len(), 2);
    assert_eq!(setup.counts(), (9, 9));
    let both = call(&mut ada, "scope=orders:write%20orders:read").await;
    assert_eq!(call(&mut ada, "scope=orders:read%20orders:write").await.token, both.token, "the order is the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_calls_of_one_user_cause_one_grant() {
    let setup = Setup::orders().await;
    let browser = setup.signed_in(ADA).await;
    let calls = (0..50).map(|_| {
        let mut browser = browser.clone();
        async move { read(&mut browser).await.token }
    });
    let tokens: BTreeSet<String> = join_all(calls).await.into_iter().collect();
    assert_eq!((tokens.len(), setup.counts()), (1, (1, 1)));
}

/// Okta accepts each `jti` once, so that a captured assertion is worthless.
#[tokio::test]
async fn every_attempt_has_its_own_assertion_and_its_own_grant() {
    let setup = Setup::orders().await;
    let mut browser = setup.signed_in(ADA).await;
    // It is repeated at once, and fails again.
    setup.org().outage_times(Endpoint::Token, Outage::Status(503), 2);
    assert_eq!(read(&mut browser).await.code, "provider_unavailable");
    for _ in 0..3 {
        setup.org().clock().advance(Duration::from_secs(20));
        setup.org().fault_once(Fault::IdJag(IdJagFault::NoJti));
        assert_eq!(read(&mut browser).await.provider_error, "invalid_grant");
    }
    setup.org().clock().advance(Duration::from_secs(20));
    assert!(!read(&mut browser).await.token.is_empty());
    let requests = setup.token_requests();
    let assertions: BTreeSet<String> = requests
        .iter()
        .map(|request| claims(&request.form_field("client_assertion").unwrap())["jti"].to_string())
        .collect();
    let grants: Vec<String> = requests.iter().filter_map(|request| request.form_field("assertion")).collect();
    assert_eq!((assertions.len(), grants.len()), (requests.len(), 4));
    assert_eq!(grants.iter().collect::<BTreeSet<_>>().len(), 4, "a grant was presented twice");
}

/// The org's own answer is checked before anything is sent to the other server.
#[tokio::test]
async fn an_answer_that_is_not_the_requested_grant_is_sent_nowhere() {
    let setup = Setup::orders().await;
    let mut browser = setup.signed_in(ADA).await;
    let kind = |name: &str| format!("urn:ietf:params:oauth:token-type:{name}");
    let other_user = setup.org().user(BEN).unwrap().id;
    for (fault, why) in [
        (IdJagFault::IssuedTokenType(kind("access_token")), "issued_token_type"),
        (IdJagFault::IssuedTokenType(kind("jwt")), "issued_token_type"),
        (IdJagFault::Type, "`typ`"),
        (IdJagFault::Header("typ".into(), json!("at+jwt")), "`typ`"),
        (IdJagFault::Header("typ".into(), Value::Null), "`typ`"),
        (IdJagFault::Header("crit".into(), json!(["x"])), "crit"),
        (IdJagFault::Issuer, "`iss`"),
        (IdJagFault::Audience, "`aud`"),
        (IdJagFault::ExtraAudience, "`aud`"),
        (IdJagFault::Claim("aud".into(), Value::Null), "`aud`"),
        (IdJagFault::ClientId, "`client_id`"),
        (IdJagFault::Claim("client_id".into(), Value::Null), "`client_id`"),
        (IdJagFault::Claim("sub".into(), Value::Null), "`sub`"),
        (IdJagFault::Claim("sub".into(), json!("")), "`sub`"),
        (IdJagFault::Claim("sub".into(), json!(other_user)), "`sub`"),
        (IdJagFault::Expired, "expired"),
        (IdJagFault::IssuedInFuture, "`iat`"),
        (IdJagFault::AlgNone, "is empty"),
    ] {
        setup.org().clock().advance(Duration::from_secs(20));
        setup.org().fault_once(Fault::IdJag(fault.clone()));
        let answer = read(&mut browser).await;
        assert_eq!(answer.code, "provider_response", "{fault:?}: {answer:?}");
        assert!(answer.message.contains(why), "{fault:?}: {}", answer.message);
    }
    setup.org().clock().advance(Duration::from_secs(20));
    setup.org().fault_once(Fault::TokenMember("token_type".into(), json!("DPoP")));
    assert!(read(&mut browser).await.message.contains("token_type"));
    assert_eq!(setup.counts().1, 0, "a wrong grant was sent on");
    // One page of Okta shows another `token_type`, and subjects may be e-mail addresses.
    setup.org().clock().advance(Duration::from_secs(20));
    setup.org().fault_once(Fault::IdJag(IdJagFault::TokenTypeBearer));
    setup.org().fault_once(Fault::IdJag(IdJagFault::Claim("sub".into(), json!(ADA))));
    assert_eq!(read(&mut browser).await.message, "");
}

#[tokio::test]
async fn a_grant_that_the_other_server_refuses_is_an_error_and_is_requested_anew_later() {
    let setup = Setup::orders().await;
    let mut browser = setup.signed_in(ADA).await;
    assert!(!read(&mut browser).await.token.is_empty());
    // The org repeats an old grant: a replay.
    for fault in [IdJagFault::Replayed, IdJagFault::BadSignature, IdJagFault::TooLong] {
        setup.org().fault_once(Fault::IdJag(fault.clone()));
        let write = call(&mut browser, "scope=orders:write").await;
        assert_eq!(
            (write.code.as_str(), write.provider_error.as_str()),
            ("token_refused", "invalid_grant"),
            "{fault:?}"
        );
        assert!(write.message.contains("the other app"), "{}", write.message);
        let before = setup.counts();
        assert_eq!(call(&mut browser, "scope=orders:write").await.code, "token_refused");
        assert_eq!(setup.counts(), before, "the refusal is cached");
        setup.org().clock().advance(Duration::from_secs(10));
    }
    assert!(!call(&mut browser, "scope=orders:write").await.token.is_empty());
}

#[tokio::test]
async fn refusals_of_the_org_name_the_fix_and_are_cached() {
    let setup = Setup::orders().await;
    let mut browser = setup.signed_in(ADA).await;
    for (query, provider_error, fix) in [
        ("scope=orders:admin", "unauthorized_client", "compare the scopes"),
        ("scope=orders:read&resource=https://orders.example", "invalid_target", "character by character"),
    ] {
        let answer = call(&mut browser, query).await;
        assert_eq!((answer.code.as_str(), answer.provider_error.as_str()), ("token_refused", provider_error));
        assert!(answer.message.contains(fix), "{}", answer.message);
        let before = setup.counts();
        assert_eq!(call(&mut browser, query).await.code, "token_refused");
        assert_eq!(setup.counts(), before);
    }
    // Without scopes a grant is issued that no server accepts.
    assert_eq!(call(&mut browser, "").await.provider_error, "invalid_grant");
    setup.org().unassign(ADA, AGENT);
    let answer = read(&mut browser).await;
    assert_eq!((answer.code.as_str(), answer.provider_error.as_str()), ("token_refused", "invalid_request"));
    assert!(answer.message.contains("the user's session"), "{}", answer.message);
    setup.org().assign(ADA, AGENT);
    let sid = setup.org().sessions()[0].sid.clone();
    setup.org().end_session(&sid).await;
    setup.org().clock().advance(Duration::from_secs(20));
    assert_eq!(read(&mut browser).await.provider_error, "invalid_request", "the session at Okta has ended");
    assert!(!format!("{answer:?}").contains("eyJ"));
}

#[tokio::test]
async fn a_token_ends_with_the_id_token_and_an_expired_one_is_not_sent() {
    let setup = Setup::orders().await;
    setup.org().clock().stop();
    let mut browser = setup.signed_in(ADA).await;
    let signed_in_at = now(setup.org());
    setup.org().clock().advance(Duration::from_secs(1_800));
    let first = read(&mut browser).await;
    assert_eq!(first.expires_at, signed_in_at + 3_600, "the server's own lifetime is two hours");
    // No renewal in the background: the next token would end at the same time.
    setup.org().clock().advance(Duration::from_secs(1_780));
    assert_eq!(read(&mut browser).await.token, first.token);
    assert_eq!(setup.counts(), (1, 1));
    setup.org().clock().advance(Duration::from_secs(10));
    let expired = read(&mut browser).await;
    assert_eq!((expired.code.as_str(), setup.counts()), ("token_expired", (1, 1)));
    assert!(expired.message.contains("offline_access"), "{}", expired.message);
    setup.org().clock().advance(Duration::from_secs(10));
    assert_eq!(read(&mut browser).await.code, "token_expired");
    assert_eq!(setup.counts(), (1, 1), "an expired token was sent");
}

#[tokio::test]
async fn a_session_with_a_refresh_token_outlives_its_id_token() {
    let setup = Setup::orders_with("openid offline_access").await;
    let mut browser = setup.signed_in(ADA).await;
    let first = read(&mut browser).await;
    // Two steps, so that the session is not idle for too long.
    setup.org().clock().advance(Duration::from_secs(1_801));
    assert_eq!(read(&mut browser).await.token, first.token);
    setup.org().clock().advance(Duration::from_secs(1_801));
    setup.org().clear_request_log();
    // The refresh brings a new ID token.
    assert_ne!(read(&mut browser).await.token, first.token);
    let kinds = || -> Vec<String> {
        setup.token_requests().iter().filter_map(|request| request.form_field("subject_token_type")).collect()
    };
    assert_eq!(kinds(), ["urn:ietf:params:oauth:token-type:id_token"]);
    setup.org().clock().advance(Duration::from_secs(1_801));
    read(&mut browser).await;
    setup.org().clock().advance(Duration::from_secs(1_801));
    setup.org().clear_request_log();
    setup.org().fault(Fault::RefreshIdTokenMissing);
    let token = read(&mut browser).await;
    assert_eq!(
        (token.message.as_str(), &kinds()[..]),
        ("", &["urn:ietf:params:oauth:token-type:refresh_token".to_owned()][..])
    );
    assert_eq!(token.expires_at, now(setup.org()) + 7_200, "only Okta knows the end of a refresh token");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires_and_never_used_after_it() {
    let setup = Setup::orders().await;
    setup.org().clock().stop();
    let mut browser = setup.signed_in(ADA).await;
    setup.org().fault(Fault::IdJag(IdJagFault::Claim("x".into(), json!(1))));
    // The second response of each call is that of the resource's server.
    setup.org().fault(Fault::TokenMember("expires_in".into(), json!(100)));
    let first = read(&mut browser).await;
    assert_eq!(first.expires_at, now(setup.org()) + 100);
    setup.org().clock().advance(Duration::from_secs(89));
    assert_eq!(read(&mut browser).await.token, first.token, "still valid, and renewed in the background");
    crate::support::eventually("no renewal", || setup.counts() == (2, 2)).await;
    setup.org().clock().advance(Duration::from_secs(11));
    let second = read(&mut browser).await;
    assert_ne!(second.token, first.token);
    assert!(second.expires_at > now(setup.org()));
    setup.org().clock().advance(Duration::from_secs(1_000));
    let third = read(&mut browser).await;
    assert!(third.token != second.token && third.expires_at > now(setup.org()));
}

/// Any scope that reaches the application takes an entry, so the number of entries is bounded.
#[tokio::test]
async fn the_cache_is_bounded() {
    struct Expired(Arc<okta_auth_core::session::Session>);
    impl UserToken for Expired {
        fn access_token(&self) -> UserTokenFuture<'_> {
            unreachable!()
        }
        fn fresh_session(&self) -> UserTokenFuture<'_, Arc<okta_auth_core::session::Session>> {
            Box::pin(async { Ok(Arc::clone(&self.0)) })
        }
    }
    let (org, key) = orders_org().await;
    let (tokens, store) = (at_orders(&org, &key), okta_auth_core::session::MemoryStore::new(10));
    let app = AppBuilder::default()
        .org(org)
        .configure(move |config| config.client_id(AGENT).private_key(key))
        .build_with(move |builder| builder.session_store(store))
        .start()
        .await;
    app.browser().sign_in(&app.org, ADA, "/profile").await;
    let session = app.auth.sessions_of(&app.org.user(ADA).unwrap().id).await.unwrap().remove(0);
    app.org.clock().advance(Duration::from_secs(3_601));
    let user = Expired(session);
    for number in 0..4_500 {
        let request = TokenRequest::new([format!("scope:{number}")]);
        assert_eq!(tokens.token(&user, &request).await.unwrap_err().code(), Code::TokenExpired);
    }
    let cached = tokens.cached();
    assert!((1..=4_096).contains(&cached), "{cached}");
}

/// The ID token of another tenant could give access at its own org, and the credentials of one at the other's.
#[tokio::test]
async fn the_session_of_another_org_is_not_sent() {
    let ((one, key), (two, key_of_two)) = (orders_org().await, orders_org().await);
    let foreign = at_orders(&two, &key_of_two);
    let setup = Setup::start(one, key, "openid", foreign).await;
    let answer = read(&mut setup.signed_in(ADA).await).await;
    assert_eq!(answer.code, "token_claim");
    assert!(answer.message.contains("is not sent"), "{}", answer.message);
    assert_eq!((setup.counts(), two.request_log().len()), ((0, 0), 0));
}

#[tokio::test]
async fn a_user_without_a_session_has_no_token() {
    struct Nameless;
    impl UserToken for Nameless {
        fn access_token(&self) -> UserTokenFuture<'_> {
            unreachable!()
        }
    }
    let (org, key) = orders_org().await;
    let error = at_orders(&org, &key).token(&Nameless, &TokenRequest::new(["orders:read"])).await.unwrap_err();
    assert_eq!((error.code(), org.request_log().len()), (Code::SessionEnded, 0));
    // The audience is that of the server, and must not be overridden.
    for request in [TokenRequest::new(["a"]).audience("api://x"), TokenRequest::new(["a"]).issuer(org.issuer())] {
        let error = at_orders(&org, &key).token(&Nameless, &request).await.unwrap_err();
        assert!(error.is_config() && error.to_string().contains("resource"), "{error}");
    }
}

#[tokio::test]
async fn wrong_settings_are_errors_at_startup() {
    let (org, key) = orders_org().await;
    let server = || ConfigBuilder::default().issuer("https://auth.chat.example").client_id(AT_CHAT);
    let outgoing = outgoing(&org, &key);
    outgoing.id_jag(server().client_secret(CHAT_SECRET)).unwrap();
    for (wrong, fix) in [
        (server(), "credential"),
        (ConfigBuilder::default().issuer("https://auth.chat.example").client_secret(CHAT_SECRET), "client id"),
        (server().issuer("http://auth.chat.example").client_secret(CHAT_SECRET), "https"),
        (server().issuer(org.org_issuer()).client_secret(CHAT_SECRET), "is the org itself"),
    ] {
        let error = outgoing.id_jag(wrong).unwrap_err();
        assert!(error.is_config() && error.to_string().contains(fix), "{fix}: {error}");
    }
    let public = ConfigBuilder::default().issuer(org.issuer()).client_id(AGENT).api_only();
    let public = OktaAuthBuilder::from(public).build().unwrap();
    let error = public.outgoing().id_jag(server().client_secret(CHAT_SECRET)).unwrap_err();
    assert!(error.to_string().contains("OKTA_CLIENT_SECRET"), "{error}");
}

/// Another app with an authorization server of its own, which verifies grants by this library.
#[derive(Clone)]
struct Chat {
    url: String,
    state: Arc<ChatState>,
}

#[derive(Default)]
struct ChatState {
    verifier: Mutex<Option<IdJagVerifier>>,
    /// Replaces the response of the token endpoint.
    answer: Mutex<Option<(StatusCode, &'static str, String)>>,
    /// Changes to the metadata.
    metadata: Mutex<HashMap<&'static str, String>>,
    /// The forms of the token endpoint, and their `Authorization`.
    seen: Mutex<Vec<HashMap<String, String>>>,
}

async fn chat_metadata(State(chat): State<Chat>) -> Json<Value> {
    let endpoint = |name: &str| format!("{}/{name}", chat.url);
    let mut document = json!({
        "issuer": chat.url,
        "authorization_endpoint": endpoint("authorize"),
        "token_endpoint": endpoint("token"),
        "jwks_uri": endpoint("keys"),
    });
    for (name, value) in &*chat.state.metadata.lock().unwrap() {
        document[*name] = json!(value);
    }
    Json(document)
}

async fn chat_token(State(chat): State<Chat>, headers: axum::http::HeaderMap, body: String) -> Response {
    let mut form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let credentials = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
    let assertion = form.get("assertion").cloned().unwrap_or_default();
    form.insert("authorization".into(), credentials.clone());
    chat.state.seen.lock().unwrap().push(form);
    if let Some((status, header, value)) = chat.state.answer.lock().unwrap().clone() {
        return (status, [(header, value)]).into_response();
    }
    use base64::Engine as _;
    let expected = base64::engine::general_purpose::STANDARD.encode(format!("{AT_CHAT}:{CHAT_SECRET}"));
    if credentials != format!("Basic {expected}") {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" }))).into_response();
    }
    let verifier = chat.state.verifier.lock().unwrap().clone().unwrap();
    match verifier.verify(&assertion, AT_CHAT).await {
        Ok(grant) => Json(json!({
            "access_token": format!("chat-{}", grant.all()["jti"].as_str().unwrap()),
            "token_type": "Bearer",
            "expires_in": 600,
            "scope": grant.scopes().join(" "),
            "refresh_token": "a grant should bring none",
        }))
        .into_response(),
        Err(error) => {
            assert!(error.is_token(), "{error:?}");
            (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response()
        }
    }
}

impl Chat {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let chat = Self { url: format!("http://{}", listener.local_addr().unwrap()), state: Arc::default() };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(chat_metadata))
            .route("/token", post(chat_token))
            .with_state(chat.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        chat
    }

    /// Starts an application whose org is connected to this one.
    async fn requester(&self) -> (Setup, IdJagTokens) {
        self.requester_with(CHAT_SECRET).await
    }

    async fn requester_with(&self, secret: &str) -> (Setup, IdJagTokens) {
        let key = ClientKey::generate().unwrap();
        let private = PrivateKey::from_pem(key.private_pem(), Some(key.id().to_owned())).unwrap();
        let connection = ResourceConnection::to_issuer(&self.url).client_id(AT_CHAT).scope("chat.read").scope("extra");
        let org = org_builder(&key, connection).start().await.unwrap();
        let clock = org.clock();
        let verifier = IdJagVerifier::builder(&self.url).connection(org.org_issuer()).scopes(["chat.read"]);
        let verifier = verifier.clock(move || clock.now()).build().unwrap();
        *self.state.verifier.lock().unwrap() = Some(verifier);
        let server = ConfigBuilder::default().issuer(&self.url).client_id(AT_CHAT).client_secret(secret.to_owned());
        let tokens = outgoing(&org, &private).id_jag(server).unwrap();
        (Setup::start(org, private, "openid", tokens.clone()).await, tokens)
    }

    fn seen(&self) -> Vec<HashMap<String, String>> {
        self.state.seen.lock().unwrap().clone()
    }

    fn answer(&self, status: StatusCode, header: &'static str, value: impl Into<String>) {
        *self.state.answer.lock().unwrap() = Some((status, header, value.into()));
    }
}

#[tokio::test]
async fn both_roles_of_this_library_work_together() {
    let chat = Chat::start().await;
    let (setup, tokens) = chat.requester().await;
    let mut browser = setup.signed_in(ADA).await;
    let answer = call(&mut browser, "scope=chat.read%20extra").await;
    assert!(answer.token.starts_with("chat-IDAAG."), "{answer:?}");
    assert_eq!(answer.scopes, "chat.read", "the other server grants what it knows");
    assert_eq!((chat.seen().len(), setup.org().count("/v1/token"), tokens.cached()), (1, 1, 1));
    let [seen] = &chat.seen()[..] else { panic!("not one request") };
    assert!(!seen.contains_key("scope") && !seen.contains_key("client_id"));
    let [request] = &setup.token_requests()[..] else { panic!("not one request") };
    assert!(!format!("{:?}", request.form()).contains(CHAT_SECRET), "credentials of another server");
    // A copy of the grant is useless, also to the client itself.
    let verifier = chat.state.verifier.lock().unwrap().clone().unwrap();
    let error = verifier.verify(&seen["assertion"], AT_CHAT).await.unwrap_err();
    assert_eq!(error.claim(), Some("jti"));
}

#[tokio::test]
async fn scopes_are_sent_to_the_other_server_only_on_request() {
    let chat = Chat::start().await;
    let (setup, _) = chat.requester().await;
    let mut browser = setup.signed_in(ADA).await;
    let plain = call(&mut browser, "scope=chat.read").await;
    let with_scope = call(&mut browser, "scope=chat.read&with_scope").await;
    assert!(plain.token != with_scope.token && with_scope.message.is_empty(), "{with_scope:?}");
    let sent: Vec<Option<String>> = chat.seen().iter().map(|form| form.get("scope").cloned()).collect();
    assert_eq!(sent, [None, Some("chat.read".to_owned())]);
}

/// A redirect would carry the grant and the credentials to a host that the response chooses.
#[tokio::test]
async fn a_redirect_of_the_token_endpoint_is_not_followed() {
    let (chat, evil) = (Chat::start().await, Chat::start().await);
    let (setup, _) = chat.requester().await;
    let mut browser = setup.signed_in(ADA).await;
    for status in [302, 307, 308] {
        chat.answer(StatusCode::from_u16(status).unwrap(), "location", format!("{}/token", evil.url));
        let answer = read_chat(&mut browser, &setup).await;
        assert_eq!(answer.code, "provider_response", "{status}: {answer:?}");
    }
    assert_eq!((chat.seen().len(), evil.seen().len()), (3, 0));
}

/// Waits until no failure is cached.
async fn read_chat(browser: &mut Browser, setup: &Setup) -> Outcome {
    setup.org().clock().advance(Duration::from_secs(20));
    call(browser, "scope=chat.read").await
}

/// The grant goes only to the token endpoint of the server whose issuer is its audience.
#[tokio::test]
async fn metadata_of_another_issuer_get_no_grant() {
    for (name, value, code) in [
        ("issuer", "https://auth.other.example", "issuer_mismatch"),
        ("token_endpoint", "http://auth.other.example/token", "metadata_invalid"),
        ("token_endpoint", "https://me@auth.other.example/token", "metadata_invalid"),
    ] {
        let chat = Chat::start().await;
        chat.state.metadata.lock().unwrap().insert(name, value.to_owned());
        let (setup, _) = chat.requester().await;
        let answer = call(&mut setup.signed_in(ADA).await, "scope=chat.read").await;
        assert_eq!(answer.code, code, "{answer:?}");
        assert_eq!((chat.seen().len(), setup.org().count("/v1/token")), (0, 0), "{name}");
    }
}

#[tokio::test]
async fn answers_of_the_other_server_that_are_no_token_are_errors() {
    let chat = Chat::start().await;
    let (setup, _) = chat.requester().await;
    let mut browser = setup.signed_in(ADA).await;
    for (status, header, value, code) in [
        (200, "content-type", "text/html", "provider_response"),
        (400, "x-nothing", "x", "token_refused"),
        (429, "retry-after", "5", "provider_rate_limited"),
        (500, "x-nothing", "x", "provider_unavailable"),
    ] {
        chat.answer(StatusCode::from_u16(status).unwrap(), header, value);
        let answer = read_chat(&mut browser, &setup).await;
        assert_eq!(answer.code, code, "{status}: {answer:?}");
        let before = chat.seen().len();
        assert_eq!(call(&mut browser, "scope=chat.read").await.code, code, "the failure is cached");
        assert_eq!(chat.seen().len(), before);
    }
    *chat.state.answer.lock().unwrap() = None;
    setup.org().clock().advance(Duration::from_secs(60));
    assert!(!read_chat(&mut browser, &setup).await.token.is_empty());
}

#[tokio::test]
async fn wrong_credentials_at_the_other_server_are_named() {
    let chat = Chat::start().await;
    let (setup, _) = chat.requester_with("another-secret-of-this-client-at-chat").await;
    let answer = call(&mut setup.signed_in(ADA).await, "scope=chat.read").await;
    assert_eq!((answer.code.as_str(), answer.provider_error.as_str()), ("token_refused", "invalid_client"));
    assert!(answer.message.contains("that it gave to this application"), "{}", answer.message);
}

/// An API that rejects the first token that it sees. Attaching follows the rules of every target.
#[tokio::test]
async fn a_target_gets_the_token_and_a_rejected_one_is_renewed_once() {
    let chat = Chat::start().await;
    let (setup, _) = chat.requester().await;
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let api = {
        let (seen, clock) = (Arc::clone(&seen), setup.org().clock());
        Router::new().fallback(move |headers: axum::http::HeaderMap| async move {
            let token = headers["authorization"].to_str().unwrap().to_owned();
            let mut seen = seen.lock().unwrap();
            seen.push(token.clone());
            if *seen.first().unwrap() == token {
                clock.advance(Duration::from_secs(11));
                return (StatusCode::UNAUTHORIZED, [("www-authenticate", r#"Bearer error="invalid_token""#)])
                    .into_response();
            }
            "messages".into_response()
        })
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, api).await.unwrap() });
    let mut browser = setup.signed_in(ADA).await;
    let query = format!("scope=chat.read&url={url}/messages");
    assert_eq!(call(&mut browser, &query).await.token, "messages");
    let sent = seen.lock().unwrap().clone();
    assert!(sent.len() == 2 && sent[0] != sent[1] && sent[0].starts_with("Bearer chat-IDAAG."), "{sent:?}");
    assert_eq!(call(&mut browser, &query).await.token, "messages");
    assert_eq!((chat.seen().len(), seen.lock().unwrap().len()), (2, 3));
}
