//! Cross App Access: ID-JAGs from the org's own server, and their exchange at custom servers.

use std::time::Duration;

use okta_auth_dev::{
    ADA, AccessPolicy, AuthorizationServer, BEN, Client, Fault, GrantType, IdJagFault, Org, OrgBuilder,
    ResourceConnection,
};
use serde_json::{Value, json};

use crate::support::*;

const AGENT: &str = "0oaagent";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const TYPES: &str = "urn:ietf:params:oauth:token-type:";
const ORDERS_URL: &str = "https://orders.example/";

struct Setup {
    org: Org,
    signer: Signer,
}

fn builder(signer: &Signer) -> OrgBuilder {
    let to_orders = ResourceConnection::to_server("orders")
        .client_id("agent-at-orders")
        .resource(ORDERS_URL)
        .scope("orders:read")
        .scope("email");
    let to_chat = ResourceConnection::to_issuer("https://auth.chat.example/").email_subject(true);
    let agent =
        Client::agent(AGENT, signer.jwk()).origin("http://localhost:8080").connection(to_orders).connection(to_chat);
    let orders = AuthorizationServer::custom("orders", "api://orders").scope("orders:read").resource(ORDERS_URL);
    Org::builder().client(agent).authorization_server(orders)
}

impl Setup {
    async fn new() -> Self {
        let signer = Signer::new();
        Self { org: builder(&signer).start().await.unwrap(), signer }
    }

    fn orders(&self) -> String {
        self.org.custom_issuer("orders")
    }

    /// An ID token of Ada for the agent, which no browser session belongs to.
    fn id_token(&self) -> String {
        self.org.token().id_token(ADA, None).sign()
    }

    /// Signs Ada in, and returns the agent's tokens.
    async fn sign_in(&self) -> Value {
        let code = sign_in(&self.org, &[("scope", "openid offline_access")]).await.param("code").unwrap();
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        post_signed(&self.org, &self.signer, AGENT, &token_url(&self.org, Some("default")), &fields).json()
    }

    /// Asks for a grant, with changes; an empty value omits a parameter.
    fn ask(&self, kind: &str, token: &str, changes: &[(&str, &str)]) -> Answer {
        let (kind, audience) = (format!("{TYPES}{kind}"), self.orders());
        let mut fields = std::collections::BTreeMap::from([
            ("grant_type", GrantType::TokenExchange.as_str()),
            ("requested_token_type", ID_JAG),
            ("subject_token", token),
            ("subject_token_type", &kind),
            ("audience", &audience),
            ("scope", "orders:read"),
        ]);
        fields.extend(changes.iter().copied());
        let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        post_signed(&self.org, &self.signer, AGENT, &token_url(&self.org, None), &fields)
    }

    fn grant(&self, changes: &[(&str, &str)]) -> String {
        let answer = self.ask("id_token", &self.id_token(), changes);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Exchanges a grant at the server `orders`.
    fn exchange(&self, grant: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![("grant_type", GrantType::JwtBearer.as_str()), ("assertion", grant)];
        fields.extend_from_slice(more);
        post_signed(&self.org, &self.signer, AGENT, &token_url(&self.org, Some("orders")), &fields)
    }

    fn refused(&self, grant: &str) -> String {
        let (status, error, description) = refusal(&self.exchange(grant, &[]));
        assert_eq!((status, error.as_str()), (400, "invalid_grant"), "{description}");
        description
    }
}

#[tokio::test]
async fn an_id_token_becomes_a_grant_for_another_app() {
    let setup = Setup::new().await;
    let answer = setup.ask("id_token", &setup.id_token(), &[("scope", "orders:read email"), ("resource", ORDERS_URL)]);
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("N_A"), &json!(300)));
    assert_eq!(body["issued_token_type"], ID_JAG);
    let (grant, ada) = (&body["access_token"], setup.org.user(ADA).unwrap());
    assert_eq!(header(grant)["typ"], "oauth-id-jag+jwt");
    let keys = get(&format!("{}/oauth2/v1/keys", setup.org.url())).json();
    assert!(verifies_with(&keys, grant), "the keys are those of the org's own server");
    let claims = claims(grant);
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(setup.org.url()), &json!(ada.id)));
    assert_eq!((&claims["aud"], &claims["client_id"]), (&json!(setup.orders()), &json!("agent-at-orders")));
    assert_eq!((&claims["scope"], &claims["resource"]), (&json!("orders:read email"), &json!(ORDERS_URL)));
    assert_eq!(claims["act"], json!({"sub": AGENT, "sub_profile": "ai_agent"}));
    assert_eq!(claims["email"], ADA);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
    assert!(claims["jti"].as_str().unwrap().starts_with("IDAAG."));
}

#[tokio::test]
async fn a_refresh_token_becomes_a_grant_and_stays_valid() {
    let setup = Setup::new().await;
    let tokens = setup.sign_in().await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    for _ in 0..2 {
        assert_eq!(setup.ask("refresh_token", refresh, &[]).status, 200);
    }
    let elsewhere =
        setup.ask("refresh_token", refresh, &[("audience", "https://auth.chat.example/"), ("scope", "chat.read")]);
    let grant = claims(&elsewhere.json()["access_token"]);
    assert_eq!(
        (&grant["sub"], &grant["client_id"]),
        (&json!(ADA), &json!(AGENT)),
        "this resource knows users by e-mail"
    );
    assert!(grant.get("email").is_none());
}

#[tokio::test]
async fn an_app_that_is_no_agent_gets_a_grant_without_an_actor() {
    let signer = Signer::new();
    let web = Client::web("0oaweb", "web-secret").connection(ResourceConnection::to_server("default"));
    let org = builder(&signer).client(web).start().await.unwrap();
    let id_token = org.token().client("0oaweb").id_token(BEN, None).sign();
    let (kind, audience) = (format!("{TYPES}id_token"), org.issuer());
    let fields = [
        ("grant_type", GrantType::TokenExchange.as_str()),
        ("requested_token_type", ID_JAG),
        ("subject_token", &id_token),
        ("subject_token_type", &kind),
        ("audience", &audience),
        ("scope", "orders:read"),
    ];
    let web = org.client_with_id("0oaweb").unwrap();
    let body = post(&token_url(&org, None), Some(&web), &fields).json();
    assert!(claims(&body["access_token"]).get("act").is_none());
    let grant = [("grant_type", GrantType::JwtBearer.as_str()), ("assertion", body["access_token"].as_str().unwrap())];
    let token = post(&token_url(&org, Some("default")), Some(&web), &grant).json();
    let claims = claims(&token["access_token"]);
    assert_eq!((&claims["aud"], claims.get("act")), (&json!("api://default"), None));
}

#[tokio::test]
async fn requests_for_a_grant_get_oktas_errors() {
    let setup = Setup::new().await;
    let id_token = setup.id_token();
    let subject_type = "'subject_token_type' is invalid or not supported.";
    let incomplete = "The resource app is not completely configured or user is not assigned to the app.";
    let exceeds =
        "The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner.";
    let saml = format!("{TYPES}saml2");
    for (changes, error, description) in [
        (("subject_token_type", saml.as_str()), "invalid_request", subject_type),
        (("subject_token_type", ""), "invalid_request", "The required parameter 'subject_token_type' is missing."),
        (("audience", ""), "invalid_request", "The required parameter 'audience' is missing."),
        (("audience", "https://unknown.example/"), "invalid_target", incomplete),
        (("resource", "https://orders.example"), "invalid_target", "'resource' is invalid or not supported."),
        (("scope", "orders:write"), "unauthorized_client", exceeds),
        (
            ("requested_token_type", "urn:okta:params:oauth:token-type:oauth-sts"),
            "invalid_request",
            "'requested_token_type' is invalid or not supported.",
        ),
    ] {
        let answer = setup.ask("id_token", &id_token, &[changes]);
        assert_eq!(refusal(&answer), (400, error.to_owned(), description.to_owned()), "{changes:?}");
    }
    let at_custom = token_url(&setup.org, Some("orders"));
    let fields = [("grant_type", GrantType::TokenExchange.as_str()), ("requested_token_type", ID_JAG)];
    let answer = post_signed(&setup.org, &setup.signer, AGENT, &at_custom, &fields);
    assert_eq!(refusal(&answer).2, "'requested_token_type' is invalid or not supported.");
}

#[tokio::test]
async fn unusable_subject_tokens_are_explained() {
    let setup = Setup::new().await;
    let (org, invalid) = (&setup.org, "'subject_token' is invalid");
    let ask = |token: &str| refusal(&setup.ask("id_token", token, &[])).2;
    assert_eq!(ask("junk"), format!("{invalid}."));
    assert_eq!(
        ask(&org.token().client("0oaother").id_token(ADA, None).sign()),
        format!("{invalid}."),
        "of another client"
    );
    assert_eq!(ask(&org.token().access_token(ADA, ["openid"]).sign()), format!("{invalid}."), "an access token");
    assert_eq!(ask(&org.token().id_token(ADA, None).bad_signature().sign()), format!("{invalid}."));
    let foreign = org.token().id_token(ADA, None).claim("iss", "https://other.example").sign();
    assert_eq!(ask(&foreign), format!("{invalid}: the authorization server that issued it is not valid."));
    org.unassign(BEN, AGENT);
    let of_ben = org.token().id_token(BEN, None).sign();
    assert_eq!(ask(&of_ben), format!("{invalid}: the user is not assigned to the client application."));
    org.remove_user(BEN);
    assert_eq!(ask(&of_ben), format!("{invalid}: the user account is not active."));
    let tokens = setup.sign_in().await;
    let (id_token, refresh) = (tokens["id_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    assert_eq!(setup.ask("id_token", id_token, &[]).status, 200);
    let sid = org.sessions()[0].sid.clone();
    org.end_session(&sid).await;
    assert_eq!(ask(id_token), format!("{invalid}: the session associated with it is no longer active."));
    assert_eq!(setup.ask("refresh_token", refresh, &[]).status, 200, "a refresh token outlives the session");
    let expired = "The 'subject_token' either expired or the session associated with it was terminated.";
    assert_eq!(refusal(&setup.ask("refresh_token", "junk", &[])).2, expired);
    org.clock().advance(Duration::from_secs(3601));
    assert_eq!(ask(id_token), expired);
}

#[tokio::test]
async fn a_grant_becomes_an_access_token_that_names_the_agent() {
    let setup = Setup::new().await;
    let answer = setup.exchange(&setup.grant(&[("resource", ORDERS_URL)]), &[]);
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["token_type"], &body["expires_in"]),
        (200, &json!("Bearer"), &json!(3600)),
        "{body}"
    );
    assert_eq!(body["scope"], "orders:read");
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let access = claims(&body["access_token"]);
    let names: Vec<&String> = access.as_object().unwrap().keys().collect();
    assert_eq!(names, ["act", "aud", "exp", "iat", "iss", "scope", "sub"]);
    assert_eq!((&access["aud"], &access["scope"]), (&json!(ORDERS_URL), &json!("orders:read")));
    assert_eq!((&access["iss"], &access["sub"]), (&json!(setup.orders()), &json!(setup.org.user(ADA).unwrap().id)));
    assert_eq!(access["act"], json!({"sub": AGENT, "sub_profile": "ai_agent"}));
    let keys = get(&format!("{}/v1/keys", setup.orders())).json();
    assert!(verifies_with(&keys, &body["access_token"]));
    let default = claims(&setup.exchange(&setup.grant(&[]), &[]).json()["access_token"]);
    assert_eq!(default["aud"], "api://orders", "without a resource");
    let fields = [("token", body["access_token"].as_str().unwrap())];
    let introspected =
        post_signed(&setup.org, &setup.signer, AGENT, &format!("{}/v1/introspect", setup.orders()), &fields).json();
    assert_eq!((&introspected["active"], &introspected["scope"]), (&json!(true), &json!("orders:read")));
    assert_eq!((&introspected["client_id"], &introspected["username"]), (&json!(AGENT), &json!(ADA)));
}

#[tokio::test]
async fn every_wrong_grant_is_rejected() {
    let setup = Setup::new().await;
    let typ = "The issuer of the token is not permitted to use the JWT Bearer Grant.";
    setup.org.fault_once(Fault::IdJag(IdJagFault::Type));
    assert_eq!(refusal(&setup.exchange(&setup.grant(&[]), &[])), (401, "invalid_token".to_owned(), typ.to_owned()));
    assert_eq!(refusal(&setup.exchange(&setup.id_token(), &[])).2, typ, "an ID token is no grant");
    let signature = "The signature of the id-jag is invalid.";
    let audience = "The audience of the JWT Bearer Grant must match the the issuer of the authorization server.";
    let subject = IdJagFault::Claim("sub".into(), json!("00unobody"));
    for (fault, description) in [
        (IdJagFault::Issuer, "The issuer of the id-jag is not a trusted authorization server."),
        (IdJagFault::Audience, audience),
        (IdJagFault::ExtraAudience, audience),
        (
            IdJagFault::ClientId,
            "The 'client_id' in the JWT Bearer Grant must match the 'client_id' used to authenticate the client.",
        ),
        (IdJagFault::Expired, "The id-jag is expired."),
        (IdJagFault::IssuedInFuture, "The id-jag is issued in the future."),
        (IdJagFault::TooLong, "The lifetime of the id-jag must not exceed 5 minutes."),
        (IdJagFault::NoJti, "The id-jag was already used."),
        (IdJagFault::BadSignature, signature),
        (IdJagFault::UnpublishedKey, signature),
        (IdJagFault::AlgNone, signature),
        (subject, "The 'sub' claim in the id-jag is invalid."),
        (IdJagFault::Header("kid".into(), Value::Null), signature),
        (
            IdJagFault::Claim("resource".into(), json!("https://other.example/")),
            "The 'resource' claim in the id-jag is not valid for this authorization server.",
        ),
    ] {
        setup.org.fault_once(Fault::IdJag(fault.clone()));
        assert_eq!(setup.refused(&setup.grant(&[])), description, "{fault:?}");
    }
    assert_eq!(setup.refused(&setup.grant(&[("scope", "")])), "The id-jag must include at least one scope.");
    let resource =
        refusal(&setup.exchange(&setup.grant(&[("resource", ORDERS_URL)]), &[("resource", "https://other.example/")]));
    assert_eq!(
        resource.2,
        "The 'resource' claim in the id-jag does not match the 'resource' parameter in the request."
    );
    let scope = refusal(&setup.exchange(&setup.grant(&[]), &[("scope", "orders:read")]));
    assert_eq!(
        scope,
        (400, "invalid_request".to_owned(), "The id-jag request must not include a 'scope' parameter.".to_owned())
    );
    let unknown = refusal(&setup.exchange(&setup.grant(&[("scope", "email")]), &[])).1;
    assert_eq!(unknown, "", "OpenID Connect scopes are known, but give no ID token");
}

#[tokio::test]
async fn a_grant_works_once() {
    let setup = Setup::new().await;
    let grant = setup.grant(&[]);
    assert_eq!(setup.exchange(&grant, &[]).status, 200);
    assert_eq!(setup.refused(&grant), "The id-jag was already used.");
    setup.org.fault_once(Fault::IdJag(IdJagFault::Replayed));
    let again = setup.grant(&[]);
    assert_eq!(again, grant);
    assert_eq!(setup.refused(&again), "The id-jag was already used.");
    setup.org.clock().advance(Duration::from_secs(301));
    assert_eq!(setup.refused(&grant), "The id-jag is expired.");
}

#[tokio::test]
async fn policies_of_the_resource_apply_to_grants() {
    let signer = Signer::new();
    let orders = AuthorizationServer::custom("orders", "api://orders")
        .scope("orders:read")
        .access_policy(AccessPolicy::new("Staff").group("Staff").grant_type(GrantType::JwtBearer));
    let setup = Setup { org: builder(&signer).authorization_server(orders).start().await.unwrap(), signer };
    assert_eq!(refusal(&setup.exchange(&setup.grant(&[]), &[])).1, "access_denied");
    let of_ben = setup.org.token().id_token(BEN, None).sign();
    let grant = setup.ask("id_token", &of_ben, &[]).json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(setup.exchange(&grant, &[]).status, 200);
    let at_org = [("grant_type", GrantType::JwtBearer.as_str()), ("assertion", &grant)];
    let at_org = post_signed(&setup.org, &setup.signer, AGENT, &token_url(&setup.org, None), &at_org);
    assert_eq!(refusal(&at_org).2, "The requested feature is not enabled in this environment.");
}

const SECOND: &str = "0oasecond";
const SECOND_URL: &str = "https://second.example";

/// Two agents: a service may delegate to the first one, and the first one to the second one.
struct Chain {
    org: Org,
    signer: Signer,
}

impl Chain {
    async fn new() -> Self {
        let signer = Signer::new();
        let orders = AuthorizationServer::custom("orders", "api://orders").scope("orders:read");
        let orders = orders.resource(SECOND_URL).resource("https://agent.example");
        let first = Client::agent(AGENT, signer.jwk())
            .resource("https://agent.example")
            .delegated_by(okta_auth_dev::SERVICE_CLIENT_ID)
            .connection(ResourceConnection::to_server("orders").resource(SECOND_URL));
        let second = Client::agent(SECOND, signer.jwk())
            .resource(SECOND_URL)
            .delegated_by(AGENT)
            .connection(ResourceConnection::to_server("orders"));
        let builder = Org::builder().client(first).client(second).authorization_server(orders);
        Self { org: builder.start().await.unwrap(), signer }
    }

    /// Asks for a token of the service for a resource.
    fn start(&self, resource: &str) -> Answer {
        let fields = [("grant_type", "client_credentials"), ("scope", "orders:read"), ("resource", resource)];
        post(&token_url(&self.org, Some("orders")), Some(&self.org.service_client()), &fields)
    }

    /// Asks for a grant of an agent for a token that another client passed to it.
    fn delegate(&self, agent: &str, token: &str, resource: &str) -> Answer {
        let (kind, issuer) = (format!("{TYPES}access_token"), self.org.custom_issuer("orders"));
        let mut fields = vec![
            ("grant_type", GrantType::TokenExchange.as_str()),
            ("requested_token_type", ID_JAG),
            ("subject_token", token),
            ("subject_token_type", &kind),
            ("audience", &issuer),
            ("scope", "orders:read"),
        ];
        fields.extend((!resource.is_empty()).then_some(("resource", resource)));
        post_signed(&self.org, &self.signer, agent, &token_url(&self.org, None), &fields)
    }

    /// Exchanges the grant in a response for an access token.
    fn redeem(&self, agent: &str, grant: &Answer) -> String {
        let grant = grant.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", grant.body)).to_owned();
        let fields = [("grant_type", GrantType::JwtBearer.as_str()), ("assertion", &grant)];
        let answer = post_signed(&self.org, &self.signer, agent, &token_url(&self.org, Some("orders")), &fields);
        answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
    }
}

#[tokio::test]
async fn agents_pass_a_task_on_and_the_chain_grows() {
    let chain = Chain::new().await;
    let service = chain.org.service_client().client_id;
    let rejected = "The authorization server has rejected the 'resource' parameter: https://unknown.example";
    assert_eq!(refusal(&chain.start("https://unknown.example")).2, rejected);
    let started = chain.start("https://agent.example").json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&json!(started))["aud"], "https://agent.example");
    let at_second = chain.redeem(AGENT, &chain.delegate(AGENT, &started, SECOND_URL));
    let token = chain.redeem(SECOND, &chain.delegate(SECOND, &at_second, ""));
    let claims = claims(&json!(token));
    assert_eq!((&claims["sub"], &claims["sub_profile"]), (&json!(service), &json!("service")));
    let service_actor = json!({"sub": service, "sub_profile": "service"});
    let first_actor = json!({"sub": AGENT, "sub_profile": "ai_agent", "act": service_actor});
    assert_eq!(claims["act"], json!({"sub": SECOND, "sub_profile": "ai_agent", "act": first_actor}));
    let elsewhere = refusal(&chain.delegate(SECOND, &started, "")).2;
    assert_eq!(
        elsewhere, "'subject_token' is invalid: no delegation policy authorizes this token.",
        "another resource"
    );
}

#[tokio::test]
async fn tokens_that_were_not_delegated_to_an_agent_are_explained() {
    let chain = Chain::new().await;
    let refused = |token: String| refusal(&chain.delegate(SECOND, &token, "")).2;
    let invalid = "'subject_token' is invalid";
    let build = |client: &str| chain.org.token().server("orders").client(client);
    let of = |client: &str| build(client).service_token(["orders:read"]).claim("aud", SECOND_URL).sign();
    let unregistered = format!("{invalid}: the client application is not registered for delegation to this agent.");
    assert_eq!(refused(of(okta_auth_dev::PUBLIC_CLIENT_ID)), unregistered);
    let inactive = format!("{invalid}: the client application referenced in the token is not active.");
    assert_eq!(refused(of("0oagone")), inactive);
    let of_org = chain.org.token().server(okta_auth_dev::ORG_SERVER).service_token(["orders:read"]).sign();
    assert_eq!(refused(of_org), format!("{invalid}: the token issuer is not allowed for this exchange."));
    let acting = |act: Value| {
        let token = build(AGENT).agent_token(ADA, AGENT, ["orders:read"]).claim("aud", SECOND_URL);
        refused(token.claim("act", act).sign())
    };
    let deep = (0..6).fold(json!({"sub": AGENT}), |act, _| json!({"sub": AGENT, "act": act}));
    assert_eq!(acting(deep), "The 'subject_token' 'act' claim contains too many nested actors.");
    assert_eq!(acting(json!({"sub": 1})), "The 'subject_token' 'act' claim is malformed.");
    assert_eq!(acting(json!([])), "The 'subject_token' 'act' claim is malformed.");
}

#[tokio::test]
async fn faults_change_the_response_and_the_access_token() {
    let setup = Setup::new().await;
    setup.org.fault_once(Fault::IdJag(IdJagFault::TokenTypeBearer));
    setup.org.fault_once(Fault::IdJag(IdJagFault::IssuedTokenType(format!("{TYPES}access_token"))));
    let body = setup.ask("id_token", &setup.id_token(), &[]).json();
    assert_eq!(
        (&body["token_type"], &body["issued_token_type"]),
        (&json!("Bearer"), &json!(format!("{TYPES}access_token")))
    );
    setup.org.fault_once(Fault::IdJag(IdJagFault::DeepActor));
    let mut act = &claims(&json!(setup.grant(&[])))["act"].clone();
    let mut depth = 0;
    while act.is_object() {
        (act, depth) = (&act["act"], depth + 1);
    }
    assert_eq!(depth, 11);
    setup.org.fault_once(Fault::IdJag(IdJagFault::Claim("tenant".into(), json!("acme"))));
    assert_eq!(claims(&json!(setup.grant(&[])))["tenant"], "acme");
    setup.org.fault_once(Fault::IdJag(IdJagFault::AccessTokenWithClient));
    let access = claims(&setup.exchange(&setup.grant(&[]), &[]).json()["access_token"]);
    assert_eq!((&access["cid"], &access["uid"]), (&json!(AGENT), &json!(setup.org.user(ADA).unwrap().id)));
    assert!(access["jti"].as_str().unwrap().starts_with("AT.") && access["scope"] == "orders:read");
    setup.org.fault_once(Fault::TokenMember("expires_in".into(), json!(9)));
    assert_eq!(setup.ask("id_token", &setup.id_token(), &[]).json()["expires_in"], 9);
}

#[tokio::test]
async fn metadata_announces_cross_app_access_where_it_is_configured() {
    let setup = Setup::new().await;
    let document = |issuer: String| get(&format!("{issuer}/.well-known/oauth-authorization-server")).json();
    let (custom, own) = (document(setup.orders()), document(setup.org.url().to_owned()));
    let grants = |document: &Value| document["grant_types_supported"].as_array().unwrap().clone();
    let (exchange, bearer) = (json!(GrantType::TokenExchange.as_str()), json!(GrantType::JwtBearer.as_str()));
    assert!(grants(&custom).contains(&exchange) && grants(&custom).contains(&bearer));
    assert!(grants(&own).contains(&exchange) && !grants(&own).contains(&bearer));
    let profile = json!(["urn:ietf:params:oauth:grant-profile:id-jag"]);
    assert_eq!(custom["authorization_grant_profiles_supported"], profile);
    assert_eq!(own["identity_chaining_requested_token_types_supported"], json!([ID_JAG]));
    assert!(own["authorization_grant_profiles_supported"].is_null());
    let plain = Org::start().await.unwrap();
    let plain = document(plain.issuer());
    assert!(plain.get("authorization_grant_profiles_supported").is_none() && !grants(&plain).contains(&exchange));
}

#[tokio::test]
async fn grants_and_agent_tokens_are_built_without_a_request() {
    let setup = Setup::new().await;
    let grant = setup.org.token().client("agent-at-orders").id_jag(ADA, &setup.orders(), ["orders:read"]).sign();
    assert_eq!(setup.exchange(&grant, &[]).status, 200);
    let order = json!({"kind": "id_jag", "audience": "https://auth.chat.example/", "scopes": ["chat.read"]});
    let url = format!("{}/dev/tokens", setup.org.url());
    let token = send("POST", &url, &[], &order.to_string()).json()["token"].clone();
    assert_eq!(
        (&header(&token)["typ"], &claims(&token)["sub"]),
        (&json!("oauth-id-jag+jwt"), &json!(setup.org.user(ADA).unwrap().id))
    );
    let order = json!({"kind": "agent_token", "agent": "0oax", "scopes": ["orders:read"], "server": "orders"});
    let token = send("POST", &url, &[], &order.to_string()).json()["token"].clone();
    assert_eq!((&claims(&token)["act"]["sub"], &claims(&token)["scope"]), (&json!("0oax"), &json!("orders:read")));
    assert!(claims(&token).get("cid").is_none());
    let missing = send("POST", &url, &[], &json!({"kind": "id_jag"}).to_string());
    assert_eq!(missing.json()["errorSummary"], "Api validation failed: audience");
}

#[tokio::test]
async fn a_settings_file_configures_agents_and_connections() {
    let text = r#"
[[client]]
id = "0oafile"
auth_method = "private_key_jwt"
agent = true
delegated_by = ["0oadevservice000001"]
resource = "https://agent.example"

[[client.connection]]
audience = "orders"
client_id = "at-orders"
resources = ["https://orders.example/"]
scopes = ["orders:read"]
email_subject = true

[[server]]
id = "orders"
resources = ["https://orders.example/"]
"#;
    let org = OrgBuilder::from_toml(text).unwrap().start().await.unwrap();
    let client = org.client_with_id("0oafile").unwrap();
    let connection = ResourceConnection::to_server("orders")
        .client_id("at-orders")
        .resource(ORDERS_URL)
        .scope("orders:read")
        .email_subject(true);
    assert_eq!((client.is_agent, client.connections), (true, vec![connection]));
    assert_eq!((client.delegators.len(), client.resource_url.as_deref()), (1, Some("https://agent.example")));
    let table = get(&format!("{}/dev/clients/0oafile", org.url())).json();
    assert_eq!((&table["agent"], &table["connection"][0]["client_id"]), (&json!(true), &json!("at-orders")));
}
