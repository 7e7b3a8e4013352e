//! Calls to other APIs in an application with tenants: each tenant's client talks to that tenant's org alone.

use okta_auth_core::config::{ConfigBuilder, PrivateKey};
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_core::outgoing::TokenRequest;
use okta_auth_core::secret::Secret;
use okta_auth_dev::{ADA, Client, ClientKey, GrantType, Org};

use crate::support::SECRET;
use crate::support::site::{BOTH, Framework, Site, id, local};

/// Two tenants, each with a client id and a secret of its own.
async fn site(framework: Framework) -> Site {
    site_with(framework, false).await
}

/// With `dpop` the clients need proofs, and the shared settings name a key.
async fn site_with(framework: Framework, dpop: bool) -> Site {
    Site::start(framework, &["acme", "globex"], |plan| {
        let mut all = plan.all();
        for ((name, org), tenant) in plan.orgs.iter().zip(&mut all) {
            tenant.client_id = format!("0oa{name}");
            tenant.client_secret = Some(Secret::new(secret(name)));
            let client =
                Client::web(format!("0oa{name}"), secret(name)).origin(&plan.base).dpop_bound_access_tokens(dpop);
            let client = client.redirect_uri(format!("{}/t/{name}/authorization-code/callback", plan.base));
            let grants = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];
            org.put_client(client.grant_types(grants));
        }
        let mut shared = plan.shared(&plan.base, "cookie");
        if dpop {
            let key = PrivateKey::from_pem(ClientKey::generate().unwrap().private_pem(), None).unwrap();
            let config = ConfigBuilder::default().base_url(&plan.base).cookie_secret(SECRET).dpop(true).dpop_key(key);
            shared = OktaAuthBuilder::from(config);
        }
        let builder = Tenants::builder(shared).egress(local());
        let builder = builder.table(TenantTable::new(all).unwrap());
        builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
    })
    .await
}

fn secret(name: &str) -> String {
    format!("secret-of-{name}-that-no-other-org-may-see")
}

/// Whether any request to the org has a text, in any header or body.
fn received(org: &Org, text: &str) -> bool {
    use base64::Engine as _;
    let basic = |client: &str| {
        let name = client.trim_start_matches("0oa");
        base64::engine::general_purpose::STANDARD.encode(format!("{client}:{}", secret(name)))
    };
    let (encoded, log) = (basic(text), org.request_log());
    log.iter().any(|request| {
        let shown = format!("{request:?} {:?}", request.form());
        shown.contains(text) || request.header("authorization").is_some_and(|sent| sent.contains(&encoded))
    })
}

#[tokio::test]
async fn the_credentials_of_a_tenant_are_sent_to_no_other_org() {
    let site = site(Framework::Axum).await;
    let request = TokenRequest::new(["orders:read"]);
    let mut tokens = Vec::new();
    for name in ["acme", "globex"] {
        let auth = site.tenants.tenant(&id(name)).await.unwrap().unwrap();
        tokens.push(auth.outgoing().machine_tokens().token(&request).await.unwrap().expose().to_owned());
        // The issuer of another tenant's org is not the tenant's own.
        let other = if name == "acme" { "globex" } else { "acme" };
        let elsewhere = request.clone().issuer(site.org(other).issuer());
        let error = auth.outgoing().machine_tokens().token(&elsewhere).await.unwrap_err();
        assert!(error.is_config() && error.to_string().contains("belongs to another org"), "{error}");
        assert!(received(site.org(name), &format!("0oa{name}")) && !received(site.org(other), &format!("0oa{name}")));
    }
    assert_ne!(tokens[0], tokens[1], "the caches are apart");
    let counts = ["acme", "globex"].map(|name| site.org(name).count("/v1/token"));
    assert_eq!(counts, [1, 1]);
}

/// A key that several tenants shared would let their servers recognize the application.
#[tokio::test]
async fn tenants_share_no_key_for_bound_tokens() {
    let site = site_with(Framework::Axum, true).await;
    let mut keys = Vec::new();
    for name in ["acme", "globex"] {
        let auth = site.tenants.tenant(&id(name)).await.unwrap().unwrap();
        let token = auth.outgoing().machine_tokens().token(&TokenRequest::new(["orders:read"])).await.unwrap();
        keys.push(crate::dpop_client::jkt(token.expose()));
    }
    assert_eq!((keys[0].len(), keys[1].len()), (43, 43));
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test]
async fn a_handler_calls_other_apis_as_the_tenant_of_its_user() {
    for framework in BOTH {
        let site = site(framework).await;
        let mut browser = site.signed_in("acme", ADA).await;
        site.sign_in(&mut browser, "globex", ADA).await;
        for (name, other) in [("acme", "globex"), ("globex", "acme")] {
            site.quiet();
            let token = browser.fetch(&format!("/t/{name}/machine-token")).await.body;
            assert!(token.starts_with("eyJ"), "{framework:?} {name}: {token}");
            assert!(received(site.org(name), &format!("0oa{name}")), "{framework:?}");
            assert_eq!(site.org(other).request_log().len(), 0, "{framework:?}");
        }
    }
}
