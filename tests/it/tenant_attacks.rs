//! Attacks by one tenant's org, or by its users, on another tenant of the same
//! application (RFC 9700 §4.4 and its update). Each attack is stopped before a code, a
//! secret or an assertion is sent.

use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Router;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use okta_auth_core::config::{ConfigBuilder, PrivateKey};
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{
    Resolver, TenantFuture, TenantKey, TenantSource, TenantTable, Tenants, TenantsBuilder,
};
use okta_auth_core::tenant::TenantSettings;
use okta_auth_dev::{Fault, Response};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::site::{BOTH, Framework, Plan, Site, id, local, navigate, settings};
use crate::support::{ADA, BEN, Browser, CALLBACK, SECRET};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

const NAMES: [&str; 2] = ["acme", "globex"];

fn build(plan: &Plan, resolvers: &[Resolver], change: impl FnOnce(TenantsBuilder) -> TenantsBuilder) -> Tenants {
    for (name, org) in &plan.orgs {
        org.allow_redirect(&format!("{}/t/{name}", plan.base));
        let mut client = org.client();
        // The redirect URI without a tenant is one that an org may still have registered.
        client.redirect_uris.extend([format!("{}{CALLBACK}/{name}", plan.base), format!("{}{CALLBACK}", plan.base)]);
        org.put_client(client);
    }
    let builder = Tenants::builder(plan.shared(&plan.base, "cookie")).egress(local());
    let builder = builder.table(TenantTable::new(plan.all()).unwrap());
    change(resolvers.iter().cloned().fold(builder, TenantsBuilder::resolve)).build().unwrap()
}

async fn by_path(change: impl FnOnce(TenantsBuilder) -> TenantsBuilder) -> Site {
    let path = Resolver::Path("/t".to_owned());
    Site::start(Framework::Axum, &NAMES, |plan| build(plan, &[path], change)).await
}

/// All tenants at one address.
async fn at_one_address(framework: Framework) -> Site {
    Site::start(framework, &NAMES, |plan| build(plan, &[Resolver::Session], |builder| builder)).await
}

/// Starts a sign-in where all tenants share one address. Returns the authorize URL.
async fn begin(browser: &mut Browser, tenant: &str) -> String {
    let answer = browser.send(Method::POST, "/login", &[FORM], format!("email=ada%40{tenant}.example")).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.location().to_owned()
}

/// An authorize URL with changed parameters.
fn forged(authorize: &str, changes: &[(&str, &str)]) -> String {
    let mut url = url::Url::parse(authorize).unwrap();
    let change = |name: &str| changes.iter().find(|(changed, _)| *changed == name).map(|(_, to)| (*to).to_owned());
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let pairs = pairs.into_iter().map(|(name, value)| (name.clone(), change(&name).unwrap_or(value)));
    let pairs: Vec<_> = pairs.collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.into()
}

fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}

fn no_code_went_out(site: &Site, what: &str) {
    let outbound = site.outbound();
    assert!(!outbound.iter().any(|request| request.ends_with("/token")), "{what}: {outbound:?}");
}

#[tokio::test]
async fn tenants_at_one_address_have_their_own_redirect_uris() {
    for framework in BOTH {
        let site = at_one_address(framework).await;
        for tenant in NAMES {
            let mut browser = site.browser();
            let authorize = begin(&mut browser, tenant).await;
            let own = format!("{}{CALLBACK}/{tenant}", site.plan.base);
            assert_eq!(parameter(&authorize, "redirect_uri"), own, "{framework:?}");
            let answer = site.complete(&mut browser, tenant, &authorize, ADA).await;
            assert_eq!((answer.status.as_u16(), answer.location()), (303, "/"), "{framework:?}: {}", answer.body);
            // An application's own parameter with the name of a protocol parameter has no
            // effect.
            let answer = browser.fetch("/me?state=CA").await;
            assert!(answer.body.contains(&format!("\"id\":\"{tenant}\"")), "{framework:?}: {}", answer.body);
        }
    }
}

/// A tenant may set its own base URL. If other tenants share that address, it gets its
/// own redirect URI as well.
#[tokio::test]
async fn a_tenant_whose_base_url_is_shared_has_its_own_redirect_uri() {
    let site = Site::start(Framework::Axum, &NAMES, |plan| {
        let mut tenants = plan.all();
        // The same origin; the path does not matter.
        tenants[0].base_url = Some(format!("{}/", plan.base));
        let builder = Tenants::builder(plan.shared(&plan.base, "cookie")).egress(local());
        let builder = builder.table(TenantTable::new(tenants).unwrap());
        builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
    })
    .await;
    let acme = site.tenants.tenant(&id("acme")).await.unwrap().unwrap();
    assert_eq!(acme.config().redirect_uri().as_str(), format!("{}{CALLBACK}/acme", site.plan.base));
}

/// A user with a session at one tenant can go to another one by its address or its link,
/// without a sign-out.
#[tokio::test]
async fn at_one_address_a_request_that_names_a_tenant_leads_to_it() {
    for framework in BOTH {
        let site =
            Site::start(framework, &NAMES, |plan| build(plan, &[Resolver::Session], |one| one.exclusive(true))).await;
        for switch in ["address", "link"] {
            let mut browser = site.browser();
            let authorize = begin(&mut browser, "acme").await;
            assert_eq!(site.complete(&mut browser, "acme", &authorize, ADA).await.status, 303);
            let authorize = if switch == "address" {
                begin(&mut browser, "globex").await
            } else {
                let issuer: String =
                    url::form_urlencoded::byte_serialize(site.org("globex").issuer().as_bytes()).collect();
                browser.navigate(&format!("/login/initiate?iss={issuer}")).await.location().to_owned()
            };
            assert_eq!(parameter(&authorize, "client_id"), site.org("globex").client().client_id, "{switch}");
            assert!(browser.fetch("/me").await.body.contains("\"id\":\"acme\""), "{framework:?} {switch}: not yet");
            assert_eq!(site.complete(&mut browser, "globex", &authorize, ADA).await.status, 303, "{switch}");
            let me = browser.fetch("/me").await;
            assert!(me.body.contains("\"id\":\"globex\""), "{framework:?} {switch}: {}", me.body);
        }
    }
}

#[tokio::test]
async fn mix_up_at_one_address() {
    for framework in BOTH {
        let site = at_one_address(framework).await;
        // The operator of globex starts a sign-in at acme, and wants the code of a user
        // of acme for it.
        let mut attacker = site.browser();
        let wanted = begin(&mut attacker, "acme").await;
        // The victim signs in at globex, which redirects to acme with globex's state and
        // the attacker's challenge. The victim has a session at globex, so a request
        // without a tenant would be globex's.
        let mut victim = site.browser();
        let authorize = begin(&mut victim, "globex").await;
        assert_eq!(site.complete(&mut victim, "globex", &authorize, BEN).await.status, 303);
        let state = parameter(victim.navigate("/login").await.location(), "state");
        site.quiet();
        for address in [format!("{CALLBACK}/acme"), CALLBACK.to_owned()] {
            let address = format!("{}{address}", site.plan.base);
            let back = site.back("acme", &forged(&wanted, &[("state", &state), ("redirect_uri", &address)]), ADA).await;
            let answer = navigate(&mut victim, &back).await;
            no_code_went_out(&site, &back);
            assert!(answer.status.is_client_error(), "{framework:?} {back}: {}", answer.body);
        }
        assert!(victim.fetch("/me").await.body.contains("Ben Okri"), "{framework:?}: the session continues");
        // acme never redirects to the address of another tenant, regardless of globex's
        // request.
        let other = format!("{}{CALLBACK}/globex", site.plan.base);
        let stray = forged(&wanted, &[("state", &state), ("redirect_uri", &other)]);
        let answer = site.org("acme").browser().open(&stray).await.unwrap();
        assert!(matches!(answer, Response::Page { status: 400, .. }), "{framework:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_pending_login_of_one_tenant_is_unknown_at_the_callback_of_another_at_the_same_address() {
    for framework in BOTH {
        let site = at_one_address(framework).await;
        let mut browser = site.browser();
        let authorize = begin(&mut browser, "acme").await;
        let back = site.back("acme", &authorize, ADA).await;
        site.quiet();
        let renamed = browser.jar.iter().map(|(name, value)| (name.replace("_acme_", "_globex_"), value.clone()));
        let mut thief = browser.clone();
        thief.jar.extend(renamed.collect::<Vec<_>>());
        let elsewhere = back.replace(&format!("{CALLBACK}/acme"), &format!("{CALLBACK}/globex"));
        for (url, status) in [
            (elsewhere, 400),
            (back.replace(&format!("{CALLBACK}/acme"), &format!("{CALLBACK}/initech")), 404),
            (back.replace(&format!("{CALLBACK}/acme"), &format!("{CALLBACK}/acme/acme")), 404),
            (back.replace(&format!("{CALLBACK}/acme"), CALLBACK), 404),
        ] {
            let answer = navigate(&mut thief, &url).await;
            assert_eq!(answer.status, status, "{framework:?} {url}: {}", answer.body);
            assert!(site.outbound().is_empty(), "{framework:?} {url}: {:?}", site.outbound());
        }
        assert_eq!(navigate(&mut browser, &back).await.status, 303, "{framework:?}: the control");
    }
}

#[tokio::test]
async fn mix_up_with_a_path_for_each_tenant() {
    let site = by_path(|builder| builder).await;
    let mut attacker = site.browser();
    let wanted = attacker.navigate("/t/acme/me").await.location().to_owned();
    let mut victim = site.browser();
    let begun = victim.navigate("/t/globex/me").await.location().to_owned();
    let back = site.back("acme", &forged(&wanted, &[("state", &parameter(&begun, "state"))]), ADA).await;
    site.quiet();
    for url in [back.clone(), back.replace("/t/acme", "")] {
        let answer = navigate(&mut victim, &url).await;
        assert!(answer.status.is_client_error(), "{url}: {}", answer.body);
        assert!(site.outbound().is_empty(), "{url}: {:?}", site.outbound());
    }
    let elsewhere = parameter(&begun, "redirect_uri");
    let answer = site.org("acme").browser().open(&forged(&wanted, &[("redirect_uri", &elsewhere)])).await.unwrap();
    assert!(matches!(answer, Response::Page { status: 400, .. }), "{answer:?}");
}

#[tokio::test]
async fn a_response_that_names_another_tenants_issuer_is_refused() {
    let site = by_path(|builder| builder).await;
    site.org("globex").fault(Fault::AuthorizeIss(site.org("acme").issuer()));
    let mut victim = site.browser();
    let authorize = victim.navigate("/t/globex/me").await.location().to_owned();
    let back = site.back("globex", &authorize, ADA).await;
    site.quiet();
    let answer = victim.navigate(&back).await;
    assert!(answer.status.is_client_error() && answer.body.contains("response_issuer"), "{}", answer.body);
    no_code_went_out(&site, "a foreign `iss`");
}

/// An issuer without its own endpoints: its metadata names the endpoints of another org.
async fn borrower(metadata: impl FnOnce(&str) -> Value) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}/oauth2/default", listener.local_addr().unwrap());
    let document = metadata(&issuer);
    let app = Router::new().fallback(async |State(document): State<Value>| axum::Json(document)).with_state(document);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    issuer
}

#[tokio::test]
async fn an_issuer_that_borrows_the_endpoints_of_another_cannot_sign_users_in() {
    let acme = okta_auth_dev::Org::start().await.unwrap();
    let honest = acme.issuer();
    let issuer = borrower(|issuer| {
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{honest}/v1/authorize"),
            "token_endpoint": format!("{honest}/v1/token"),
            "jwks_uri": format!("{honest}/v1/keys"),
        })
    })
    .await;
    let site = Site::start(Framework::Axum, &["acme"], |plan| {
        // The worst case: the client at acme's org also has this redirect URI, and its
        // secret is known.
        acme.allow_redirect(&format!("{}/t/globex", plan.base));
        let mut globex = settings("globex", &acme);
        globex.issuer.clone_from(&issuer);
        let tenants = TenantTable::new([settings("acme", plan.org("acme")), globex]).unwrap();
        let builder = Tenants::builder(plan.shared(&plan.base, "cookie")).egress(local()).table(tenants);
        builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
    })
    .await;
    let mut victim = site.browser();
    let authorize = victim.navigate("/t/globex/me").await.location().to_owned();
    let Response::Redirect(back) = acme.sign_in(&authorize, ADA).await.unwrap() else { panic!() };
    let answer = victim.navigate(&back).await;
    assert!(!answer.status.is_redirection() && !answer.status.is_success(), "{}", answer.body);
    assert!(answer.body.contains("token_claim"), "the issuer of the ID token is another: {}", answer.body);
    assert_eq!(victim.fetch("/t/globex/me").await.status, 401);
}

fn private_key() -> PrivateKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let text = STANDARD.encode(pair.to_pkcs8v1().unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    PrivateKey::from_pem(&pem, Some("app-key-1".to_owned())).unwrap()
}

/// One key at several servers enables audience injection, so no tenant uses the
/// application's own key.
#[tokio::test]
async fn the_private_key_of_the_application_signs_for_no_tenant() {
    let site = Site::start(Framework::Axum, &NAMES, |plan| {
        for (name, org) in &plan.orgs {
            org.allow_redirect(&format!("{}/t/{name}", plan.base));
        }
        let shared = ConfigBuilder::default().base_url(&plan.base).cookie_secret(SECRET).private_key(private_key());
        let clock = plan.orgs[0].1.clock();
        let builder = Tenants::builder(OktaAuthBuilder::from(shared).clock(move || clock.now())).egress(local());
        let builder = builder.table(TenantTable::new(plan.all()).unwrap());
        builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
    })
    .await;
    for tenant in NAMES {
        let mut browser = site.browser();
        let answer = browser.navigate(&format!("/t/{tenant}/me")).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let authorize = answer.location().to_owned();
        assert_eq!(site.complete(&mut browser, tenant, &authorize, ADA).await.status, 303);
        for request in site.org(tenant).request_log() {
            assert_eq!(request.form_field("client_assertion"), None, "{} {}", request.method, request.path);
        }
    }
}

#[tokio::test]
async fn a_sign_in_that_an_attacker_started_cannot_be_completed_by_a_victim_at_any_tenant() {
    for exclusive in [false, true] {
        let site = by_path(|builder| builder.exclusive(exclusive)).await;
        let mut attacker = site.signed_in("globex", BEN).await;
        let mut victim = site.signed_in("acme", ADA).await;
        // The victim is lured to complete the attacker's sign-in, once with the victim's
        // own account and once with the attacker's code.
        for user in [ADA, BEN] {
            let authorize = attacker.navigate("/t/globex/login?prompt=login").await.location().to_owned();
            let back = site.back("globex", &authorize, user).await;
            site.quiet();
            let answer = victim.navigate(&back).await;
            assert!(answer.body.contains("attempt_unknown"), "{user}: {}", answer.body);
            no_code_went_out(&site, user);
        }
        assert_eq!(victim.fetch("/t/globex/me").await.status, 401);
        assert!(victim.fetch("/t/acme/me").await.body.contains("Ada Lovelace"), "the existing session continues");
        assert!(attacker.fetch("/t/globex/me").await.body.contains("Ben Okri"));
    }
}

/// A database that records the requested ids.
#[derive(Clone)]
struct Asked(Arc<Mutex<Vec<String>>>, Vec<TenantSettings>);

impl TenantSource for Asked {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        let TenantKey::Id(id) = key else { return Box::pin(async { Ok(None) }) };
        self.0.lock().unwrap().push(id.to_string());
        let found = self.1.iter().find(|tenant| tenant.id == *id).cloned();
        Box::pin(async move { Ok(found) })
    }
}

/// A visitor controls the cookies of a request, and each cookie name may cause a database
/// lookup.
#[tokio::test]
async fn a_sign_in_with_forty_made_up_sessions_causes_sixteen_lookups() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let site = Site::start(Framework::Axum, &NAMES, |plan| {
        for (name, org) in &plan.orgs {
            org.allow_redirect(&format!("{}/t/{name}", plan.base));
        }
        let source = Asked(Arc::clone(&asked), plan.all());
        let builder = Tenants::builder(plan.shared(&plan.base, "cookie")).egress(local()).source(source);
        builder.resolve(Resolver::Path("/t".to_owned())).exclusive(true).build().unwrap()
    })
    .await;
    let mut browser = site.browser();
    browser.jar.extend((0..40).map(|n| (format!("okta_session_made-up-{n}"), "1.AAAA".to_owned())));
    site.sign_in(&mut browser, "acme", ADA).await;
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let made_up = asked.iter().filter(|id| id.starts_with("made-up-")).count();
    assert_eq!(made_up, 16, "{asked:?}");
    assert!(!asked.iter().any(|id| id == "globex"), "a tenant without a cookie is not looked up: {asked:?}");
    let left = browser.jar.keys().filter(|name| name.contains("made-up")).count();
    assert_eq!(left, 40, "a cookie of no tenant may belong to another application");
    assert!(browser.fetch("/t/acme/me").await.body.contains("Ada Lovelace"));
}
