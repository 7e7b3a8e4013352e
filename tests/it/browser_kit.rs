//! The browser kit with many tenants, on both frameworks.

use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use reqwest::Method;
use serde_json::Value;

use crate::support::site::{BOTH, Framework, Site, local};
use crate::support::{ADA, Browser, SECRET};

async fn site(framework: Framework) -> Site {
    Site::start(framework, &["acme", "globex"], |plan| {
        for (name, org) in &plan.orgs {
            org.allow_redirect(&format!("{}/t/{name}", plan.base));
        }
        let (shared, clock) =
            (ConfigBuilder::default().base_url(&plan.base).cookie_secret(SECRET), plan.orgs[0].1.clock());
        let shared = OktaAuthBuilder::from(shared.browser_kit().session_claims(["email"])).clock(move || clock.now());
        let builder = Tenants::builder(shared).egress(local()).table(TenantTable::new(plan.all()).unwrap());
        builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
    })
    .await
}

async fn session(browser: &mut Browser, path: &str) -> Value {
    let answer = browser.fetch(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

#[tokio::test]
async fn each_tenant_has_its_own_session_address() {
    for framework in BOTH {
        let site = site(framework).await;
        let mut browser = site.signed_in("acme", ADA).await;
        let acme = session(&mut browser, "/t/acme/session").await;
        assert_eq!((&acme["signed_in"], &acme["claims"]["email"]), (&true.into(), &ADA.into()), "{framework:?}");
        assert_eq!((&acme["login_path"], &acme["logout_path"]), (&"/t/acme/login".into(), &"/t/acme/logout".into()));
        assert_eq!(session(&mut browser, "/t/globex/session").await["signed_in"], false, "{framework:?}");
        site.sign_in(&mut browser, "globex", ADA).await;
        let globex = session(&mut browser, "/t/globex/session").await;
        assert_ne!(acme["user"], globex["user"], "{framework:?}: users of two orgs have one tag");

        // A stranger has not chosen a tenant yet.
        let mut stranger = site.browser();
        let none = session(&mut stranger, "/session").await;
        assert_eq!((&none["signed_in"], &none["silent_login"]), (&false.into(), &false.into()), "{framework:?}");
        assert_eq!(none["login_path"], "/login", "{framework:?}");
        for path in ["/okta-auth.js", "/t/acme/okta-auth.js", "/session/popup", "/t/acme/session/popup"] {
            assert_eq!(stranger.navigate(path).await.status, 200, "{framework:?} {path}");
        }
        for path in ["/t/unknown/session", "/t/unknown/okta-auth.js"] {
            assert_eq!(stranger.fetch(path).await.status, 404, "{framework:?} {path}");
        }
    }
}

#[tokio::test]
async fn the_session_address_of_a_tenant_counts_only_a_post_as_a_use() {
    for framework in BOTH {
        let site = site(framework).await;
        site.stop_clock();
        let mut browser = site.signed_in("acme", ADA).await;
        site.advance(std::time::Duration::from_secs(1000));
        let read = session(&mut browser, "/t/acme/session").await["idle_ends_in"].as_u64().unwrap();
        assert!(read <= 2601, "{framework:?}: {read}");
        let used = browser.send(Method::POST, "/t/acme/session", &[], String::new()).await.json();
        assert_eq!(used["idle_ends_in"], 3600, "{framework:?}");
    }
}
