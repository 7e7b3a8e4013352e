//! Tenants and sessions: what the sign-in hook receives, what happens to sessions when a
//! tenant moves to another issuer, and concurrent refreshes of two tenants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::engine::{Refusal, SignIn};
use okta_auth_core::multi_tenant::{Resolver, TenantFuture, TenantKey, TenantSource, TenantTable, Tenants};
use okta_auth_core::tenant::TenantSettings;
use okta_auth_dev::{Endpoint, ORG_SERVER, Outage};

use crate::support::site::{Framework, Plan, Site, id, local, settings};
use crate::support::{ADA, BEN, Browser, SECRET, SharedStore, eventually};

const NAMES: [&str; 2] = ["acme", "globex"];

fn allow_paths(plan: &Plan) {
    for (name, org) in &plan.orgs {
        org.allow_redirect(&format!("{}/t/{name}", plan.base));
    }
}

/// The application's own records: an account for each issuer and subject, with the
/// tenants of its sign-ins.
type Accounts = Arc<Mutex<BTreeMap<(String, String), Vec<String>>>>;

#[tokio::test]
async fn the_hook_receives_the_tenant_and_creates_an_account_for_each_issuer_and_subject() {
    let accounts = Accounts::default();
    let made = Arc::clone(&accounts);
    let hook = move |sign_in: SignIn| {
        let made = Arc::clone(&made);
        async move {
            let tenant = sign_in.tenant().expect("there are many").id.to_string();
            let identity = sign_in.identity();
            if tenant == "globex" && identity.all_claims()["email"] == BEN {
                return Err(Refusal::new("globex does not know you"));
            }
            let key = (identity.issuer().to_owned(), identity.subject().to_owned());
            made.lock().unwrap().entry(key).or_default().push(tenant);
            Ok(sign_in)
        }
    };
    let site = Site::start(Framework::Axum, &NAMES, |plan| {
        allow_paths(plan);
        let builder = Tenants::builder(plan.shared(&plan.base, "memory").on_sign_in(hook)).egress(local());
        let builder = builder.table(TenantTable::new(plan.all()).unwrap());
        builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
    })
    .await;
    for tenant in ["acme", "globex", "acme"] {
        site.signed_in(tenant, ADA).await;
    }
    site.signed_in("acme", BEN).await;
    // The same user id and address at both Oktas, but a separate account for each.
    let subject = |tenant: &str, user: &str| site.org(tenant).user(user).unwrap().id;
    assert_eq!(subject("acme", ADA), subject("globex", ADA), "the premise");
    let key = |tenant: &str, user: &str| (site.org(tenant).issuer(), subject(tenant, user));
    let found = accounts.lock().unwrap().clone();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[&key("acme", ADA)], ["acme", "acme"]);
    assert_eq!(found[&key("globex", ADA)], ["globex"]);
    assert_eq!(found[&key("acme", BEN)], ["acme"]);
    // A refusal at one tenant does not affect another.
    let mut ben = site.browser();
    let authorize = ben.navigate("/t/globex/me").await.location().to_owned();
    let answer = site.complete(&mut ben, "globex", &authorize, BEN).await;
    assert!(answer.status == 403 && answer.body.contains("globex does not know you"), "{}", answer.body);
    assert_eq!(ben.fetch("/t/globex/me").await.status, 401);
    assert_eq!(accounts.lock().unwrap().len(), 3);
}

/// A database with one tenant, which changes.
#[derive(Clone)]
struct Row(Arc<Mutex<TenantSettings>>);

impl TenantSource for Row {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        let row = self.0.lock().unwrap().clone();
        let meant = *key == TenantKey::Id(row.id.clone());
        Box::pin(async move { Ok(meant.then_some(row)) })
    }
}

/// The issuer of the user's session, or the status without a session.
async fn issuer_of(browser: &mut Browser) -> String {
    let answer = browser.fetch("/t/acme/me").await;
    if answer.status == 200 { answer.json()["issuer"].as_str().unwrap().to_owned() } else { answer.status.to_string() }
}

#[tokio::test]
async fn a_tenant_that_moves_keeps_sessions_and_tokens_of_its_former_issuers() {
    for store in ["cookie", "memory"] {
        let mut row = None;
        // One tenant, with its former org and its new org.
        let site = Site::start(Framework::Axum, &["before", "after"], |plan| {
            for (_, org) in &plan.orgs {
                org.allow_redirect(&format!("{}/t/acme", plan.base));
            }
            let source = Row(Arc::new(Mutex::new(settings("acme", plan.org("before")))));
            row = Some(source.clone());
            let builder = Tenants::builder(plan.shared(&plan.base, store)).egress(local()).source(source);
            builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
        })
        .await;
        let edit = |change: &dyn Fn(&mut TenantSettings)| {
            change(&mut row.as_ref().unwrap().0.lock().unwrap());
            site.tenants.forget();
        };
        let [before, after] = ["before", "after"].map(|org| site.org(org).issuer());
        let api = async |org: &str| {
            let bearer = format!("Bearer {}", site.org(org).token().access_token(ADA, ["openid"]).sign());
            site.who("localhost", "/t/acme/api", &[("authorization", &bearer)]).await.0
        };
        let sign_in = async |browser: &mut Browser, org: &str| {
            let authorize = browser.navigate("/t/acme/me").await.location().to_owned();
            assert!(authorize.starts_with(&site.org(org).issuer()), "{store}: {authorize}");
            assert_eq!(site.complete(browser, org, &authorize, ADA).await.status, 303, "{store}");
        };
        let link = url::form_urlencoded::Serializer::new(String::new()).append_pair("iss", &before).finish();
        let link = format!("/t/acme/login/initiate?{link}");
        let [mut old, mut new, mut late] = [site.browser(), site.browser(), site.browser()];
        sign_in(&mut old, "before").await;
        assert_eq!((api("before").await, api("after").await), (200, 401), "{store}: the control");
        // A sign-in that is pending when the tenant moves.
        let pending = late.navigate("/t/acme/me").await.location().to_owned();

        edit(&|acme| {
            acme.issuer.clone_from(&after);
            acme.client_secret = settings("acme", site.org("after")).client_secret;
            acme.former_issuers = vec![before.clone()];
        });
        assert_eq!(issuer_of(&mut old).await, before, "{store}: the move ends no session");
        sign_in(&mut new, "after").await;
        assert_eq!(issuer_of(&mut new).await, after, "{store}");
        assert_eq!((api("before").await, api("after").await), (200, 200), "{store}: both issuers are accepted");
        let begun = site.browser().navigate(&link).await;
        assert!(begun.location().starts_with(&after), "{store}: a link in the former org's dashboard: {}", begun.body);
        site.quiet();
        let answer = site.complete(&mut late, "before", &pending, ADA).await;
        assert!(answer.body.contains("attempt_unknown"), "{store}: {}", answer.body);
        assert_eq!(site.org("after").count("/token"), 0, "{store}: a code of one issuer was sent to the other");

        edit(&|acme| acme.former_issuers.clear());
        assert_eq!(issuer_of(&mut old).await, "401 Unauthorized", "{store}: the former issuer was removed");
        assert_eq!(issuer_of(&mut new).await, after, "{store}");
        assert_eq!((api("before").await, api("after").await), (401, 200), "{store}");
        assert_eq!(site.browser().navigate(&link).await.status, 400, "{store}");
    }
}

/// A database of tenants, found by id and by issuer.
#[derive(Clone, Default)]
struct Customers(Arc<Mutex<Vec<TenantSettings>>>);

impl TenantSource for Customers {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        let meant = |tenant: &&TenantSettings| match key {
            TenantKey::Id(id) => tenant.id == *id,
            TenantKey::Issuer(issuer) => tenant.issuer == *issuer,
            _ => false,
        };
        let found = self.0.lock().unwrap().iter().find(meant).cloned();
        Box::pin(async move { Ok(found) })
    }
}

#[tokio::test]
async fn a_removed_tenant_is_gone_immediately_and_a_link_with_its_issuer_is_rejected() {
    for store in ["cookie", "memory"] {
        let customers = Customers::default();
        let site = Site::start(Framework::Axum, &NAMES, |plan| {
            allow_paths(plan);
            *customers.0.lock().unwrap() = plan.all();
            let builder = Tenants::builder(plan.shared(&plan.base, store)).egress(local()).source(customers.clone());
            builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
        })
        .await;
        let issuer = site.org("acme").issuer();
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("iss", &issuer).finish();
        let link = format!("/login/initiate?{query}");
        let (mut acme, mut globex) = (site.signed_in("acme", ADA).await, site.signed_in("globex", ADA).await);
        let begun = site.browser().navigate(&link).await;
        assert!(begun.location().contains("/t/acme/login"), "{store}: the control: {}", begun.body);

        customers.0.lock().unwrap().retain(|tenant| tenant.id != id("acme"));
        site.tenants.end_tenant(&id("acme")).await.unwrap();
        site.quiet();
        for target in ["/t/acme/me", "/t/acme/login", "/t/acme/login/initiate"] {
            assert_eq!(acme.fetch(target).await.status, 404, "{store} {target}: the cached result still counts");
        }
        let answer = site.browser().navigate(&link).await;
        assert_eq!(answer.status, 400, "{store}: {}", answer.body);
        assert!(answer.set_cookies().is_empty() && site.outbound().is_empty(), "{store}: {:?}", site.outbound());
        assert_eq!(globex.fetch("/t/globex/me").await.status, 200, "{store}");

        // Another customer gets the id, and users of the former one have to sign in
        // again.
        let mut next = settings("acme", site.org("globex"));
        next.audience = Some("api://acme".to_owned());
        next.client_id = "0oanext".to_owned();
        customers.0.lock().unwrap().push(next);
        site.tenants.forget();
        assert_eq!(acme.fetch("/t/acme/me").await.status, 401, "{store}: a session of the former tenant");
    }
}

/// A user who is returning from Okta while the tenant is removed gets no session that
/// would become valid when the tenant returns. Sessions that a failing store kept are
/// ended when it recovers.
#[tokio::test]
async fn a_removed_tenant_has_no_sessions_when_it_comes_back() {
    for late in ["a sign-in", "the store"] {
        let (customers, mut store) = (Customers::default(), None);
        let site = Site::start(Framework::Axum, &NAMES, |plan| {
            allow_paths(plan);
            *customers.0.lock().unwrap() = plan.all();
            let shared = store.insert(SharedStore::new(plan.org("acme"))).clone();
            let shared = plan.shared(&plan.base, "memory").session_store(shared);
            let builder = Tenants::builder(shared).egress(local()).source(customers.clone());
            builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
        })
        .await;
        let store = store.unwrap();
        let mut acme = site.browser();
        let removal = async || {
            customers.0.lock().unwrap().retain(|tenant| tenant.id != id("acme"));
            site.tenants.end_tenant(&id("acme")).await
        };
        if late == "a sign-in" {
            let authorize = acme.navigate("/t/acme/me").await.location().to_owned();
            site.org("acme").outage(Endpoint::Token, Outage::Hang);
            let removed = async {
                site.org("acme").until_waiting(Endpoint::Token, 1).await;
                removal().await.unwrap();
                site.org("acme").restore(Endpoint::Token);
            };
            let (answer, ()) = tokio::join!(site.complete(&mut acme, "acme", &authorize, ADA), removed);
            assert_eq!(answer.status, 404, "{}", answer.body);
        } else {
            site.sign_in(&mut acme, "acme", ADA).await;
            store.fail(&["linked"]);
            assert!(removal().await.unwrap_err().is_temporary(), "the error says that no session has ended");
            store.fail(&[]);
        }
        eventually("no session is left", || store.len() == 0).await;
        customers.0.lock().unwrap().push(settings("acme", site.org("acme")));
        site.tenants.forget();
        assert_eq!(acme.fetch("/t/acme/me").await.status, 401, "{late}");
        site.sign_in(&mut acme, "acme", ADA).await;
        assert_eq!(acme.fetch("/t/acme/me").await.status, 200, "{late}: a new sign-in succeeds");
    }
}

/// The application's former issuers do not apply to its tenants. A former org server
/// verifies no tokens: only it could introspect them, which would require sending it the
/// credentials of the next one.
#[tokio::test]
async fn a_former_issuer_counts_only_for_its_own_tenant_and_only_as_a_custom_server() {
    let site = Site::start(Framework::Axum, &["acme", "globex", "before"], |plan| {
        let (mut acme, globex) = (settings("acme", plan.org("acme")), settings("globex", plan.org("globex")));
        acme.former_issuers = vec![plan.org("globex").org_issuer(), plan.org("acme").org_issuer()];
        let shared = ConfigBuilder::default().base_url(&plan.base).cookie_secret(SECRET).session_store("memory");
        let clock = plan.org("acme").clock();
        let shared =
            OktaAuthBuilder::from(shared.former_issuer(plan.org("before").issuer())).clock(move || clock.now());
        let builder = Tenants::builder(shared).egress(local()).table(TenantTable::new([acme, globex]).unwrap());
        builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
    })
    .await;
    let api = async |tenant: &str, token: String| {
        let bearer = format!("Bearer {token}");
        site.who("localhost", &format!("/t/{tenant}/api"), &[("authorization", &bearer)]).await.0
    };
    for tenant in NAMES {
        let own = site.org(tenant).token().access_token(ADA, ["openid"]).sign();
        assert_eq!(api(tenant, own).await, 200, "{tenant}: the control");
    }
    site.quiet();
    for org in ["globex", "before"] {
        let token = site.org(org).token().access_token(ADA, ["openid"]).sign();
        assert_eq!(api("acme", token).await, 401, "{org}: acme never had this custom server");
    }
    assert_eq!(api("globex", site.org("before").token().access_token(ADA, ["openid"]).sign()).await, 401);
    for org in NAMES {
        let token = site.org(org).token().server(ORG_SERVER).access_token(ADA, ["openid"]).sign();
        assert_eq!(api("acme", token).await, 401, "{org}: a former org server is not contacted");
    }
    assert!(site.outbound().is_empty(), "{:?}", site.outbound());
}

/// The claims of a token, unverified.
fn claims(token: &str) -> serde_json::Value {
    let payload = token.split('.').nth(1).unwrap_or_else(|| panic!("no token: {token}"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn sessions_of_two_tenants_refresh_at_once_each_at_its_own_org() {
    for store in ["cookie", "memory"] {
        let site = Site::start(Framework::Axum, &NAMES, |plan| {
            allow_paths(plan);
            let tenants = plan.all().into_iter().map(|mut tenant| {
                tenant.session_idle = Some(Duration::from_secs(7200));
                tenant.scopes = Some("openid profile email offline_access".to_owned());
                tenant
            });
            let builder = Tenants::builder(plan.shared(&plan.base, store)).egress(local());
            let builder = builder.table(TenantTable::new(tenants).unwrap());
            builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
        })
        .await;
        // Both tenants in one browser, with users of the same id.
        let mut browser = site.signed_in("acme", ADA).await;
        site.sign_in(&mut browser, "globex", ADA).await;
        site.advance(Duration::from_secs(3601));
        site.quiet();
        let ask = |n: usize| {
            let (mut browser, tenant) = (browser.clone(), NAMES[n % 2]);
            async move { (tenant, browser.fetch(&format!("/t/{tenant}/fresh")).await) }
        };
        let answers = futures_util::future::join_all((0..20).map(ask)).await;
        for (tenant, answer) in &answers {
            assert_eq!(answer.status, 200, "{store} {tenant}: {}", answer.body);
            assert_eq!(claims(&answer.body)["iss"], site.org(tenant).issuer(), "{store}");
            let same = answers.iter().filter(|(other, _)| other == tenant).all(|(_, other)| other.body == answer.body);
            assert!(same, "{store} {tenant}: one refresh for all requests");
        }
        for tenant in NAMES {
            let org = site.org(tenant);
            assert_eq!(org.count("/token"), 1, "{store} {tenant}: {:?}", site.outbound());
            let request = org.request_log().into_iter().find(|request| request.path.ends_with("/token")).unwrap();
            assert_eq!(request.form_field("grant_type").as_deref(), Some("refresh_token"), "{store} {tenant}");
        }
        let acme = site.tenants.tenant(&id("acme")).await.unwrap().unwrap();
        assert_eq!(acme.tenant().unwrap().id, id("acme"));
    }
}
