//! The tenant settings that the development org prints can be read by a multi-tenant app.

use axum::Router;
use axum::routing::get;
use okta_auth::axum::{RouterExt as _, User};
use okta_auth::multi_tenant::{TenantFile, TenantTable, Tenants};
use okta_auth_dev::{Org, Response};
use reqwest::Method;

use crate::support::{Browser, CALLBACK, SECRET};

/// Asserts that everything except the ids is equal.
fn check(table: &TenantTable, orgs: &[Org]) {
    let ids: Vec<_> = table.all().iter().map(|tenant| tenant.id.as_str()).collect();
    assert_eq!(ids, ["acme", "big-co"]);
    for (tenant, org) in table.all().iter().zip(orgs) {
        let client = org.client();
        assert_eq!((&tenant.issuer, &tenant.client_id), (&org.issuer(), &client.client_id));
        assert_eq!(tenant.client_secret.as_ref().unwrap().expose(), client.client_secret.unwrap());
        assert_eq!(
            (tenant.display_name(), tenant.email_domains.clone()),
            (org.name(), vec![org.email_domain().unwrap()])
        );
    }
}

#[tokio::test]
async fn printed_variables_and_sections_are_read_unchanged() {
    let org = Org::builder().customers(["acme", "big-co"]).start().await.unwrap();
    let orgs = org.orgs();
    let list = ("OKTA_TENANTS".to_owned(), "acme,big-co".to_owned());
    let variables = orgs.iter().flat_map(Org::tenant_env).chain([list]);
    check(&TenantTable::from_variables(variables).unwrap(), &orgs);
    let file = std::env::temp_dir().join(format!("okta-auth-pasted-{}.toml", std::process::id()));
    std::fs::write(&file, orgs.iter().map(Org::tenant_toml).collect::<String>()).unwrap();
    let table = TenantFile::new(&file).read();
    std::fs::remove_file(&file).unwrap();
    check(&table.unwrap(), &orgs);
}

/// The printed variables, with the URL of an app.
fn variables(orgs: &[Org], base: &str) -> Vec<(String, String)> {
    let own = [("OKTA_TENANTS", "acme,big-co"), ("OKTA_BASE_URL", base), ("OKTA_COOKIE_SECRET", SECRET)];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    orgs.iter().flat_map(Org::tenant_env).chain(own).collect()
}

#[tokio::test]
async fn an_app_on_this_machine_signs_in_with_the_printed_settings_and_a_public_one_does_not() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let origin = format!("http://localhost:{port}");
    let org = Org::builder().redirect_origin(&origin).customers(["acme", "big-co"]).start().await.unwrap();
    let tenants = Tenants::from_variables(variables(&org.orgs(), &origin)).unwrap();
    let app = Router::new().route("/me", get(|user: User| async move { user.email().unwrap_or("-").to_owned() }));
    tokio::spawn(async move { axum::serve(listener, app.okta_auth(&tenants)).await.unwrap() });
    for name in ["acme", "big-co"] {
        // No name is resolved: the host that a browser would send goes to this machine.
        let host = format!("{name}.localhost:{port}");
        let page = [("host", host.as_str()), ("accept", "text/html"), ("sec-fetch-mode", "navigate")];
        let page = [page.as_slice(), &[("sec-fetch-dest", "document")]].concat();
        let mut browser = Browser::new(&format!("http://127.0.0.1:{port}"));
        let answer = browser.send(Method::GET, "/me", &page, String::new()).await;
        let org = org.org(name).unwrap();
        let user = format!("ada@{name}.test");
        let Response::Redirect(back) = org.sign_in(answer.location(), &user).await.unwrap() else {
            panic!("{answer:?}")
        };
        let callback = back.strip_prefix(&format!("http://{host}")).unwrap();
        assert!(callback.starts_with(CALLBACK), "{back}");
        let answer = browser.send(Method::GET, callback, &page, String::new()).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/me"), "{}", answer.body);
        let answer = browser.send(Method::GET, "/me", &page, String::new()).await;
        assert_eq!(answer.body, user);
    }
    for public in ["https://app.example.com", "https://localhost.example.com", "https://10.0.0.1"] {
        let error = Tenants::from_variables(variables(&org.orgs(), public)).unwrap_err();
        assert!(error.is_config() && error.to_string().contains("- acme: the issuer"), "{public}: {error}");
    }
}
