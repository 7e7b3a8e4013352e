//! Access tokens for the application itself: client authentication, the cache, and Okta's errors.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::Request;
use okta_auth_core::config::{ClientAuth, ConfigBuilder, PrivateKey};
use okta_auth_core::error::{Code, Error};
use okta_auth_core::outgoing::{Outgoing, OutgoingBuilder, TokenRequest};
use okta_auth_dev::{
    AccessPolicy, AuthMethod, AuthorizationServer, Client, ClientKey, Endpoint, Fault, Org, Outage, PUBLIC_CLIENT_ID,
    Recorded,
};
use serde_json::json;

use crate::support::eventually;

const JOB: &str = "0oajob";
const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";

/// The service of a worker at the org, on the org's clock.
fn worker_with(org: &Org, config: ConfigBuilder) -> Outgoing {
    let clock = org.clock();
    OutgoingBuilder::from(config.issuer(org.issuer())).clock(move || clock.now()).build().unwrap()
}

fn config() -> ConfigBuilder {
    ConfigBuilder::default().client_id(JOB).client_secret(SECRET)
}

async fn org() -> Org {
    Org::builder().client(Client::service(JOB, SECRET)).start().await.unwrap()
}

fn token_requests(org: &Org) -> Vec<Recorded> {
    org.request_log().into_iter().filter(|request| request.path.ends_with("/v1/token")).collect()
}

fn orders() -> TokenRequest {
    TokenRequest::new(["orders:read"])
}

#[tokio::test]
async fn each_client_authentication_gets_a_token() {
    let key = ClientKey::generate().unwrap();
    let private = PrivateKey::from_pem(key.private_pem(), Some(key.id().to_owned())).unwrap();
    let service = |id| Client::service(id, SECRET);
    let org = Org::builder()
        .client(service("0oabasic"))
        .client(service("0oapost").auth_method(AuthMethod::ClientSecretPost))
        .client(service("0oahmac").auth_method(AuthMethod::ClientSecretJwt))
        .client(service("0oakey").private_key_jwt(key.public_jwk()))
        .start()
        .await
        .unwrap();
    let with_secret = |id: &str| ConfigBuilder::default().client_id(id).client_secret(SECRET);
    for (id, config, sent) in [
        ("0oabasic", with_secret("0oabasic"), "authorization"),
        ("0oapost", with_secret("0oapost").client_secret_in_body(), "client_secret"),
        ("0oahmac", with_secret("0oahmac").client_secret_jwt(), "client_assertion"),
        ("0oakey", ConfigBuilder::default().client_id("0oakey").private_key(private), "client_assertion"),
    ] {
        org.clear_request_log();
        let token = worker_with(&org, config).machine_tokens().token(&orders()).await.unwrap();
        assert_eq!(token.scopes(), ["orders:read"], "{id}");
        let [request] = &token_requests(&org)[..] else { panic!("{id}: not one request") };
        assert_eq!(request.form_field("grant_type").as_deref(), Some("client_credentials"));
        let credentials: Vec<&str> = ["authorization", "client_secret", "client_assertion"]
            .into_iter()
            .filter(|name| request.header(name).is_some() || request.form_field(name).is_some())
            .collect();
        assert_eq!(credentials, [sent], "{id}: exactly one kind of credentials");
    }
}

#[tokio::test]
async fn the_method_of_a_secret_can_be_a_variable() {
    let build = |method: &str, secret: &str| {
        let variables = [
            ("OKTA_ISSUER_URI", "https://x.okta.com"),
            ("OKTA_CLIENT_ID", JOB),
            ("OKTA_CLIENT_SECRET", secret),
            ("OKTA_CLIENT_SECRET_METHOD", method),
        ];
        ConfigBuilder::from_variables(variables)
    };
    let auth = |method: &str| build(method, SECRET).build().unwrap();
    assert!(matches!(auth("client_secret_basic").client_auth(), ClientAuth::SecretBasic(_)));
    assert!(matches!(auth("client_secret_post").client_auth(), ClientAuth::SecretPost(_)));
    assert!(matches!(auth("client_secret_jwt").client_auth(), ClientAuth::SecretJwt(_)));
    let in_code = build("client_secret_post", SECRET).client_secret_jwt().build().unwrap();
    assert!(matches!(in_code.client_auth(), ClientAuth::SecretJwt(_)), "code takes precedence");
    let error = build("basic", SECRET).build().unwrap_err().to_string();
    assert!(error.contains("OKTA_CLIENT_SECRET_METHOD") && error.contains("client_secret_basic"), "{error}");
    let short = "a-secret-of-31-characters-here!";
    let error = build("client_secret_jwt", short).build().unwrap_err().to_string();
    assert!(error.contains("31 characters") && !error.contains(short), "{error}");
    build("client_secret_post", short).build().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_tasks_cause_one_request() {
    let org = org().await;
    let worker = worker_with(&org, config());
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let worker = worker.clone();
            tokio::spawn(async move { worker.machine_tokens().token(&orders()).await.unwrap().expose().to_owned() })
        })
        .collect();
    let mut tokens = BTreeSet::new();
    for task in tasks {
        tokens.insert(task.await.unwrap());
    }
    assert_eq!((tokens.len(), org.count("/v1/token")), (1, 1));
}

/// A caller in a loop must not cause a request each, whatever lifetime the server states.
#[tokio::test]
async fn a_token_that_is_issued_expired_is_cached_for_a_moment() {
    for lifetime in [json!(0), json!("0"), json!(1), json!(2)] {
        let org = org().await;
        org.clock().stop();
        org.fault(Fault::TokenMember("expires_in".into(), lifetime.clone()));
        let worker = worker_with(&org, config());
        for requests in 1..=3 {
            for _ in 0..20 {
                worker.machine_tokens().token(&orders()).await.unwrap();
            }
            assert_eq!(org.count("/v1/token"), requests, "{lifetime}");
            org.clock().advance(Duration::from_secs(5));
        }
    }
}

/// CVE-2025-26620: a cache without the scope in its key returns a token with other permissions.
#[tokio::test]
async fn a_token_is_never_returned_for_other_scopes() {
    let org = org().await;
    let worker = worker_with(&org, config());
    let of = |scopes: &'static [&'static str]| {
        let worker = worker.clone();
        async move { worker.machine_tokens().token(&TokenRequest::new(scopes)).await.unwrap() }
    };
    let (read, write, both) =
        (of(&["orders:read"]).await, of(&["orders:write"]).await, of(&["orders:write", "orders:read"]).await);
    assert_eq!(read.scopes(), ["orders:read"]);
    assert_eq!(write.scopes(), ["orders:write"]);
    assert_eq!(both.scopes().len(), 2);
    assert_eq!(of(&["orders:read", "orders:write"]).await.expose(), both.expose(), "the order does not matter");
    assert_eq!(org.count("/v1/token"), 3);
}

#[tokio::test]
async fn a_token_of_another_server_of_the_org_has_its_own_entry() {
    let orders_server = AuthorizationServer::custom("orders", "api://orders").scope("orders:read");
    let org =
        Org::builder().client(Client::service(JOB, SECRET)).authorization_server(orders_server).start().await.unwrap();
    let worker = worker_with(&org, config());
    let own = worker.machine_tokens().token(&orders()).await.unwrap();
    let request = orders().issuer(org.custom_issuer("orders"));
    let other = worker.machine_tokens().token(&request).await.unwrap();
    assert_ne!(own.expose(), other.expose());
    assert_eq!(worker.machine_tokens().token(&request).await.unwrap().expose(), other.expose());
    assert_eq!((org.count("/default/v1/token"), org.count("/orders/v1/token")), (1, 1));
}

#[tokio::test]
async fn the_credentials_are_sent_to_no_other_org() {
    let (org, other) = (org().await, org().await);
    let worker = worker_with(&org, config());
    for issuer in [other.issuer(), "not a url".to_owned(), "https://x.okta.com/oauth2/default".to_owned()] {
        let error = worker.machine_tokens().token(&orders().issuer(issuer)).await.unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid);
    }
    assert_eq!((other.request_log().len(), org.count("/v1/token")), (0, 0));
}

#[tokio::test]
async fn a_worker_starts_during_an_outage() {
    let org = org().await;
    org.outage(Endpoint::Discovery, Outage::Drop);
    let worker = worker_with(&org, config());
    let error = worker.machine_tokens().token(&orders()).await.unwrap_err();
    assert!(error.is_temporary(), "{error:?}");
    org.restore_all();
    // The failure is cached, and then requests to the endpoint are paused.
    for _ in 0..120 {
        org.clock().advance(Duration::from_secs(1));
        if worker.machine_tokens().token(&orders()).await.is_ok() {
            return;
        }
    }
    panic!("no token after the outage");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires_and_never_used_after() {
    let org = org().await;
    let worker = worker_with(&org, config());
    let first = worker.machine_tokens().token(&orders()).await.unwrap();
    org.clock().advance(Duration::from_secs(3_600 - 20));
    org.outage(Endpoint::Token, Outage::Hang);
    let during = worker.machine_tokens().token(&orders()).await.unwrap();
    assert_eq!(during.expose(), first.expose(), "callers do not wait for the renewal");
    org.until_waiting(Endpoint::Token, 1).await;
    org.restore(Endpoint::Token);
    let is_renewed = || {
        let renewed = worker.machine_tokens().cached() == 1 && org.count("/v1/token") == 2;
        renewed && org.waiting(Endpoint::Token) == 0
    };
    eventually("the renewal ends", is_renewed).await;
    let mut second = worker.machine_tokens().token(&orders()).await.unwrap();
    for _ in 0..1_000 {
        if second.expose() != first.expose() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        second = worker.machine_tokens().token(&orders()).await.unwrap();
    }
    assert_ne!(second.expose(), first.expose());
    assert!(second.expires_at() > first.expires_at());
    assert_eq!(org.count("/v1/token"), 2);
    org.clock().advance(Duration::from_secs(3_600));
    let third = worker.machine_tokens().token(&orders()).await.unwrap();
    assert_ne!(third.expose(), second.expose(), "an expired token");
}

#[tokio::test]
async fn a_429_is_answered_from_the_cache_until_the_reset() {
    let org = org().await;
    org.clock().stop();
    let worker = worker_with(&org, config());
    org.outage_times(Endpoint::Token, Outage::RateLimited, 1);
    let error = worker.machine_tokens().token(&orders()).await.unwrap_err();
    assert_eq!(error.code(), Code::ProviderRateLimited);
    let wait = error.retry_after().unwrap();
    for _ in 0..10 {
        let error = worker.machine_tokens().token(&orders()).await.unwrap_err();
        assert_eq!(error.code(), Code::ProviderRateLimited);
    }
    let second = Duration::from_secs(1);
    org.clock().advance(wait.checked_sub(second).unwrap());
    assert_eq!(worker.machine_tokens().token(&orders()).await.unwrap_err().code(), Code::ProviderRateLimited);
    assert_eq!(org.count("/v1/token"), 1);
    org.clock().advance(second);
    worker.machine_tokens().token(&orders()).await.unwrap();
}

/// Okta accepts each assertion once, also if its response was lost.
#[tokio::test]
async fn every_attempt_has_an_assertion_of_its_own() {
    let key = ClientKey::generate().unwrap();
    let private = PrivateKey::from_pem(key.private_pem(), Some(key.id().to_owned())).unwrap();
    for hmac in [false, true] {
        let client = Client::service(JOB, SECRET);
        let client = if hmac {
            client.auth_method(AuthMethod::ClientSecretJwt)
        } else {
            client.private_key_jwt(key.public_jwk())
        };
        let org = Org::builder().client(client).start().await.unwrap();
        let config = ConfigBuilder::default().client_id(JOB);
        let config =
            if hmac { config.client_secret(SECRET).client_secret_jwt() } else { config.private_key(private.clone()) };
        let worker = worker_with(&org, config);
        org.outage_times(Endpoint::Token, Outage::DropAfter, 1);
        worker.machine_tokens().token(&orders()).await.unwrap();
        org.clock().advance(Duration::from_secs(3_600));
        worker.machine_tokens().token(&orders()).await.unwrap();
        let requests = token_requests(&org);
        let assertions: BTreeSet<_> = requests.iter().map(|request| request.form_field("client_assertion")).collect();
        assert_eq!((requests.len(), assertions.len()), (3, 3), "hmac: {hmac}");
    }
}

/// The error of a client that the org refuses.
async fn refusal(org: &Org, config: ConfigBuilder, request: &TokenRequest) -> Error {
    let worker = worker_with(org, config);
    let error = worker.machine_tokens().token(request).await.unwrap_err();
    let before = org.count("/v1/token");
    for _ in 0..20 {
        assert_eq!(worker.machine_tokens().token(request).await.unwrap_err().code(), error.code());
    }
    assert_eq!(org.count("/v1/token"), before, "the refusal is cached");
    error
}

#[tokio::test]
async fn documented_errors_name_the_fix() {
    let nightly = AccessPolicy::new("nightly").client("0oanightly").scope("orders:read");
    let closed = AuthorizationServer::custom("closed", "api://closed").scope("orders:read").access_policy(nightly);
    let org = Org::builder()
        .client(Client::service(JOB, SECRET))
        .client(Client::web("0oaweb", SECRET))
        .authorization_server(closed)
        .start()
        .await
        .unwrap();
    let at_closed = orders().issuer(org.custom_issuer("closed"));
    let wrong_secret = ConfigBuilder::default().client_id(JOB).client_secret("kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Px");
    let web_app = ConfigBuilder::default().client_id("0oaweb").client_secret(SECRET);
    for (config, request, provider_error, fix) in [
        (wrong_secret, orders(), "invalid_client", "OKTA_CLIENT_SECRET"),
        (config().client_secret_in_body(), orders(), "invalid_client", "client authentication method"),
        (web_app, orders(), "unauthorized_client", "grant type"),
        (config(), TokenRequest::new(["orders:cancel"]), "invalid_scope", "add it to the authorization server"),
        (config(), TokenRequest::new(["openid"]), "invalid_scope", "need a sign-in"),
        (config(), TokenRequest::new::<&str>([]), "invalid_scope", "scope"),
        (config(), at_closed, "access_denied", "access policy"),
    ] {
        let error = refusal(&org, config, &request).await;
        assert_eq!((error.code(), error.provider_error()), (Code::TokenRefused, Some(provider_error)), "{error:?}");
        assert!(error.to_string().contains(fix), "{error}");
        assert!(!format!("{error:?}").contains(SECRET));
    }
}

#[tokio::test]
async fn a_setting_in_code_takes_precedence_over_its_variable() {
    let org = org().await;
    let variables =
        [("OKTA_ISSUER_URI", "https://acme.okta.com"), ("OKTA_CLIENT_ID", "0oaother"), ("OKTA_CLIENT_SECRET", SECRET)];
    // Before and after the variables are read.
    let builder = Outgoing::builder().issuer(org.issuer()).from_variables(variables).client_id(JOB);
    assert!(builder.names_an_org() && !Outgoing::builder().names_an_org());
    let clock = org.clock();
    let worker = builder.clone().clock(move || clock.now()).build().unwrap();
    worker.machine_tokens().token(&orders()).await.unwrap();
    let [request] = &token_requests(&org)[..] else { panic!("not one request") };
    assert_eq!(request.client_id().as_deref(), Some(JOB));
    let refused = builder.client_secret(format!("{SECRET}x")).build().unwrap();
    let error = refused.machine_tokens().token(&orders()).await.unwrap_err();
    assert_eq!(error.provider_error(), Some("invalid_client"));
}

#[tokio::test]
async fn a_client_that_cannot_authenticate_itself_is_a_configuration_error() {
    let org = org().await;
    let build = |config: ConfigBuilder| OutgoingBuilder::from(config.issuer(org.issuer())).build().unwrap_err();
    let error = build(ConfigBuilder::default().client_id(PUBLIC_CLIENT_ID));
    assert!(error.is_config() && error.to_string().contains("OKTA_CLIENT_SECRET"), "{error}");
    let error = build(ConfigBuilder::default());
    assert!(error.is_config() && error.to_string().contains("OKTA_CLIENT_ID"), "{error}");
    // An API without a client of its own still builds, and fails at its first call.
    let api = okta_auth_core::engine::OktaAuthBuilder::from(ConfigBuilder::default().issuer(org.issuer()).api_only());
    let error = api.build().unwrap().machine_tokens().token(&orders()).await.unwrap_err();
    assert!(error.is_config(), "{error}");
    assert_eq!(org.count("/v1/token"), 0);
}

#[tokio::test]
async fn no_output_shows_a_token_or_a_secret() {
    let org = org().await;
    let worker = worker_with(&org, config());
    let token = worker.machine_tokens().token(&orders()).await.unwrap();
    let target = worker.target("https://orders.example.com").unwrap();
    let mut request = Request::get("https://orders.example.com/").body(()).unwrap();
    target.for_machine(["orders:read"]).authorize(&mut request).await.unwrap();
    let shown = format!("{worker:?} {token:?} {target:?} {:?} {request:?}", target.for_machine(["orders:read"]));
    assert!(!shown.contains(token.expose()) && !shown.contains(SECRET), "{shown}");
}
