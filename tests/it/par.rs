//! Pushed authorization requests (RFC 9126) as a client.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::routing::get;
use okta_auth_core::config::{ConfigBuilder, PrivateKey};
use okta_auth_core::engine::{OktaAuthBuilder, RequestContext};
use okta_auth_core::error::Code;
use okta_auth_core::login::{LoginOptions, ReturnTo};
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_dev::{AuthMethod, Client, ClientKey, Endpoint, Fault, Org, Outage, ParFault, Recorded, Response};
use serde_json::{Value, json};

use crate::support::site::{BOTH, Site, local};
use crate::support::{ADA, App, AppBuilder, BEN};

const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";

async fn pushing(org: Org) -> App {
    AppBuilder::default().org(org).configure(ConfigBuilder::par).start().await
}

async fn app() -> App {
    pushing(Org::builder().require_par(true).start().await.unwrap()).await
}

fn pushed(org: &Org) -> Vec<Recorded> {
    org.request_log().into_iter().filter(|request| request.path.ends_with("/v1/par")).collect()
}

fn names(url: &str) -> Vec<String> {
    url::Url::parse(url).unwrap().query_pairs().map(|(name, _)| name.into_owned()).collect()
}

fn param(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}

/// The code on the page of a sign-in that could not start, with its status.
async fn fails(app: &App) -> (u16, String) {
    let mut browser = app.browser();
    let answer = browser.navigate("/profile").await;
    assert!(!answer.body.contains("request_uri="), "{}", answer.body);
    assert!(browser.jar.is_empty(), "a failed start leaves no pending login: {:?}", browser.jar.keys());
    let code =
        ["provider_unavailable", "provider_rate_limited", "provider_response", "metadata_invalid", "token_refused"];
    let code = code.into_iter().find(|code| answer.body.contains(code)).unwrap_or_else(|| panic!("{}", answer.body));
    (answer.status.as_u16(), code.to_owned())
}

#[tokio::test]
async fn the_browser_carries_only_the_client_and_a_reference() {
    let app = app().await;
    let mut browser = app.browser();
    let authorize = browser.navigate("/profile").await.location().to_owned();
    assert_eq!(names(&authorize), ["client_id", "request_uri"]);
    let request = &pushed(&app.org)[0];
    for (name, value) in
        [("response_type", "code"), ("code_challenge_method", "S256"), ("scope", "openid profile email")]
    {
        assert_eq!(request.form_field(name).as_deref(), Some(value), "{name}");
    }
    for name in ["state", "nonce", "code_challenge", "redirect_uri", "client_id"] {
        assert!(request.form_field(name).is_some(), "{name}");
    }
    assert!(request.form_field("client_secret").is_none() && request.header("authorization").is_some());
    assert_eq!(browser.complete(&app.org, &authorize, ADA).await.location(), "/profile");
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn login_parameters_are_pushed() {
    let configure = |config: ConfigBuilder| config.par().login_parameter("access_type", "offline");
    let app = AppBuilder::default().configure(configure).start().await;
    let authorize = app.browser().navigate("/login?prompt=login").await.location().to_owned();
    assert_eq!(names(&authorize), ["client_id", "request_uri"]);
    let request = &pushed(&app.org)[0];
    for (name, value) in [("access_type", "offline"), ("prompt", "login")] {
        assert_eq!(request.form_field(name).as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn the_metadata_switch_it_on() {
    let app = App::start().await;
    assert!(names(app.browser().navigate("/profile").await.location()).contains(&"state".to_owned()));
    let app = App::start().await;
    app.org.fault(Fault::DiscoveryMember("require_pushed_authorization_requests".to_owned(), json!(true)));
    let mut browser = app.browser();
    let authorize = browser.navigate("/profile").await.location().to_owned();
    assert_eq!(names(&authorize), ["client_id", "request_uri"]);
    assert_eq!(browser.complete(&app.org, &authorize, ADA).await.location(), "/profile");
}

#[tokio::test]
async fn both_statuses_are_accepted() {
    let app = app().await;
    app.org.fault(Fault::Par(ParFault::Created));
    assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
}

#[tokio::test]
async fn every_client_authentication_pushes_with_a_fresh_assertion() {
    let key = ClientKey::generate().unwrap();
    let web = || Client::web("0oaweb", SECRET);
    let (pem, id) = (key.private_pem().to_owned(), key.id().to_owned());
    let methods: Vec<(Client, Change)> = vec![
        (web(), |config, _| config.client_secret(SECRET)),
        (web().auth_method(AuthMethod::ClientSecretPost), |config, _| {
            config.client_secret(SECRET).client_secret_in_body()
        }),
        (web().auth_method(AuthMethod::ClientSecretJwt), |config, _| config.client_secret(SECRET).client_secret_jwt()),
        (web().private_key_jwt(key.public_jwk()), |config, key| config.private_key(key)),
    ];
    for (client, change) in methods {
        let method = client.auth_method;
        let org = Org::builder().client(client).require_par(true).start().await.unwrap();
        let (issuer, key) = (org.issuer(), PrivateKey::from_pem(&pem, Some(id.clone())).unwrap());
        let app = AppBuilder::default().org(org).configure(move |own| change(bare(&own, issuer, "0oaweb"), key));
        let app = app.configure(ConfigBuilder::par).start().await;
        for _ in 0..2 {
            assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile", "{method:?}");
        }
        let assertions: Vec<_> = pushed(&app.org).iter().filter_map(|r| r.form_field("client_assertion")).collect();
        assert!(assertions.is_empty() || assertions[0] != assertions[1], "{method:?}");
    }
}

type Change = fn(ConfigBuilder, PrivateKey) -> ConfigBuilder;

/// A configuration without credentials, at the address of another one.
fn bare(own: &ConfigBuilder, issuer: String, client_id: &str) -> ConfigBuilder {
    let base = own.clone().build().unwrap().base_url().to_string();
    let config = ConfigBuilder::default().issuer(issuer).client_id(client_id).base_url(base);
    config.cookie_secret(crate::support::SECRET)
}

/// The request of one attempt cannot be used for another: state, nonce and challenge belong to one browser.
#[tokio::test]
async fn a_request_uri_is_used_once_and_belongs_to_one_browser() {
    let app = app().await;
    let (mut attacker, mut victim) = (app.browser(), app.browser());
    let first = attacker.navigate("/profile").await.location().to_owned();
    let second = victim.navigate("/profile").await.location().to_owned();
    assert_ne!(param(&first, "request_uri"), param(&second, "request_uri"));
    // The victim follows the attacker's link.
    let Response::Redirect(response) = app.org.sign_in(&first, BEN).await.unwrap() else { panic!() };
    assert!(victim.navigate(&response).await.body.contains("attempt_unknown"));
    assert!(!victim.is_signed_in().await);
    // The reference is used up.
    let Response::Page { body, .. } = app.org.sign_in(&first, BEN).await.unwrap() else { panic!() };
    assert!(body.contains("invalid_request_uri"), "{body}");
    assert_eq!(victim.complete(&app.org, &second, ADA).await.location(), "/profile");
}

#[tokio::test]
async fn an_unusable_response_starts_no_sign_in() {
    let app = app().await;
    let member = |name: &str, value: Value| ParFault::Member(name.to_owned(), value);
    for fault in [
        member("request_uri", Value::Null),
        member("request_uri", json!(7)),
        member("request_uri", json!("")),
        member("request_uri", json!("not a uri")),
        member("request_uri", json!("urn:okta:\u{2028}x")),
        member("request_uri", json!(format!("urn:okta:{}", "x".repeat(2_000)))),
        member("expires_in", Value::Null),
        member("expires_in", json!(0)),
        member("expires_in", json!(-1)),
        ParFault::Html,
        ParFault::Huge,
        ParFault::Redirect,
    ] {
        app.org.clear_faults();
        app.org.fault(Fault::Par(fault.clone()));
        assert_eq!(fails(&app).await, (502, "provider_response".to_owned()), "{fault:?}");
    }
    app.org.clear_faults();
    assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
}

/// The number is read as in a token response.
#[tokio::test]
async fn a_lifetime_is_a_number_or_its_digits() {
    let app = app().await;
    for lifetime in [json!(1), json!(90.5), json!("90"), json!(1e300), json!(u64::MAX)] {
        app.org.clear_faults();
        app.org.fault(Fault::Par(ParFault::Member("expires_in".to_owned(), lifetime.clone())));
        let landed = app.browser().sign_in(&app.org, ADA, "/profile").await;
        assert_eq!(landed.location(), "/profile", "{lifetime}");
    }
}

/// An attacker who blocks the endpoint must not get the request into the browser.
#[tokio::test]
async fn a_refused_request_is_never_sent_through_the_browser() {
    let app = pushing(Org::start().await.unwrap()).await;
    for (status, error) in [
        (401, "invalid_client"),
        (400, "invalid_request"),
        (400, "invalid_scope"),
        (400, "invalid_request_object"),
        (400, "request_uri_not_supported"),
        (403, "access_denied"),
    ] {
        app.org.clear_faults();
        let description = "From the test.".to_owned();
        app.org.fault(Fault::Par(ParFault::Error { status, error: error.to_owned(), description }));
        assert_eq!(fails(&app).await, (502, "token_refused".to_owned()), "{error}");
    }
    assert_eq!(app.org.count("/v1/authorize"), 0);
}

#[tokio::test]
async fn an_outage_is_503_and_a_broken_connection_is_tried_once_more() {
    let app = app().await;
    app.org.outage_times(Endpoint::Par, Outage::Drop, 1);
    assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
    app.org.outage_times(Endpoint::Par, Outage::DropAfter, 1);
    assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
    app.org.fault_once(Fault::Par(ParFault::RateLimited));
    assert_eq!(fails(&app).await, (503, "provider_rate_limited".to_owned()));
    app.org.clock().advance(Duration::from_secs(120));
    app.org.outage(Endpoint::Par, Outage::Status(500));
    assert_eq!(fails(&app).await, (503, "provider_unavailable".to_owned()));
    app.org.restore_all();
    app.org.clock().advance(Duration::from_secs(120));
    assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
}

/// The endpoint gets the client's credentials, so it is checked like the token endpoint.
#[tokio::test]
async fn a_missing_or_insecure_endpoint_is_an_error_of_the_metadata() {
    for value in [Value::Null, json!("http://evil.example/par")] {
        let app = app().await;
        app.org.fault(Fault::DiscoveryMember("pushed_authorization_request_endpoint".to_owned(), value));
        assert_eq!(fails(&app).await, (502, "metadata_invalid".to_owned()));
        assert!(pushed(&app.org).is_empty());
    }
}

#[tokio::test]
async fn a_public_client_cannot_push() {
    let org = Org::builder().client(Client::public("0oaspa")).start().await.unwrap();
    let public = || ConfigBuilder::default().issuer(org.issuer()).client_id("0oaspa");
    let error = public().par().build().unwrap_err();
    assert!(error.code() == Code::ConfigInvalid && error.to_string().contains("OKTA_PRIVATE_KEY"), "{error}");
    public().par().api_only().build().expect("an API starts no sign-in");
    let error = ConfigBuilder::from_variables([("OKTA_PAR", "yes")]).build().unwrap_err();
    assert!(error.to_string().contains("OKTA_PAR: `yes` is not a setting; use `on` or `auto`"), "{error}");
    // The server requires it, which is known only at the first use.
    let issuer = org.issuer();
    let app = AppBuilder::default().org(org).configure(move |own| bare(&own, issuer, "0oaspa")).start().await;
    app.org.fault(Fault::DiscoveryMember("require_pushed_authorization_requests".to_owned(), json!(true)));
    assert_eq!(fails(&app).await, (502, "metadata_invalid".to_owned()));
}

#[tokio::test]
async fn a_step_up_is_pushed_too() {
    let step_up = get(|Extension(context): Extension<RequestContext>| async move {
        let options = LoginOptions::new(ReturnTo::root())
            .with_max_age(Duration::from_secs(300))
            .with_acr_values(["urn:okta:loa:2fa:any"])
            .with_login_hint(ADA)
            .with_forced_login();
        context.start_login(&options).await.map(Body::from)
    });
    let org = Org::builder().require_par(true).start().await.unwrap();
    let app = AppBuilder::default().org(org).routes(crate::support::routes().route("/strong", step_up));
    let app = app.configure(ConfigBuilder::par).start().await;
    let authorize = app.browser().navigate("/strong").await.location().to_owned();
    assert_eq!(names(&authorize), ["client_id", "request_uri"]);
    let request = &pushed(&app.org)[0];
    for (name, value) in
        [("max_age", "300"), ("acr_values", "urn:okta:loa:2fa:any"), ("login_hint", ADA), ("prompt", "login")]
    {
        assert_eq!(request.form_field(name).as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_third_party_initiated_login_is_pushed() {
    let app = app().await;
    let issuer: String = url::form_urlencoded::byte_serialize(app.org.issuer().as_bytes()).collect();
    let target = format!("/login/initiate?iss={issuer}&login_hint=ada%40example.test");
    let mut browser = app.browser();
    let authorize = browser.navigate(&target).await.location().to_owned();
    assert_eq!(names(&authorize), ["client_id", "request_uri"]);
    assert_eq!(pushed(&app.org)[0].form_field("login_hint").as_deref(), Some(ADA));
    assert!(browser.complete(&app.org, &authorize, ADA).await.status.is_redirection());
    assert!(browser.is_signed_in().await);
}

/// A request URI of one tenant's server is worth nothing at another.
#[tokio::test]
async fn each_tenant_pushes_to_its_own_server() {
    for framework in BOTH {
        let site = Site::start(framework, &["acme", "globex"], |plan| {
            for (name, org) in &plan.orgs {
                let callback = format!("{}/t/{name}/authorization-code/callback", plan.base);
                org.put_client(org.client().redirect_uri(callback).require_pushed_authorization_requests(true));
            }
            let clock = plan.orgs[0].1.clock();
            let shared = ConfigBuilder::default().base_url(&plan.base).cookie_secret(crate::support::SECRET);
            let shared = OktaAuthBuilder::from(shared.par()).clock(move || clock.now());
            let builder = Tenants::builder(shared).egress(local()).table(TenantTable::new(plan.all()).unwrap());
            builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
        })
        .await;
        for name in ["acme", "globex"] {
            let mut browser = site.browser();
            let authorize = browser.navigate(&format!("/t/{name}/me")).await.location().to_owned();
            let org = site.org(name);
            assert!(authorize.starts_with(&org.issuer()), "{authorize}");
            assert_eq!((names(&authorize).len(), pushed(org).len()), (2, 1));
            let answer = site.complete(&mut browser, name, &authorize, ADA).await;
            assert_eq!(answer.location(), format!("/t/{name}/me"));
        }
    }
}
