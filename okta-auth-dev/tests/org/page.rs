//! The sign-in page for users, screen readers and password managers.

use okta_auth_dev::{
    ADA, ADA_PASSWORD, AuthorizationServer, BEN, Browser, Client, Org, PUBLIC_CLIENT_ID, Response, SERVICE_CLIENT_ID,
    User,
};

use crate::support::*;

async fn page(org: &Org, changes: &[(&str, &str)]) -> String {
    match org.browser().open(&authorize_url(org, &org.issuer(), changes)).await.unwrap() {
        Response::Page { status: 200, body } => body,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_sign_in_page_is_accessible() {
    let org = Org::builder().name("Acme & Sons").start().await.unwrap();
    let html = page(&org, &[("login_hint", BEN)]).await;
    assert!(html.starts_with("<!doctype html><html lang=\"en\">"));
    assert!(html.contains("<title>Sign In - Acme &amp; Sons</title>"));
    for name in ["username", "password"] {
        assert!(html.contains(&format!("<label for=\"{name}\">")), "{name}");
        assert!(html.contains(&format!("<input id=\"{name}\" name=\"{name}\"")), "{name}");
    }
    assert!(html.contains("autocomplete=\"username\"") && html.contains("autocomplete=\"current-password\""));
    assert!(html.contains(&format!("value=\"{BEN}\"")), "login_hint fills in the username");
    assert!(html.contains("<main>") && html.contains("<h1>") && html.contains("name=\"viewport\""));
    assert!(html.contains("prefers-color-scheme:dark"));
    assert!(!html.contains("<script") && !html.contains("src="), "no scripts, no external assets");
}

#[tokio::test]
async fn the_sign_in_page_has_security_headers() {
    let org = Org::start().await.unwrap();
    let answer = get(&authorize_url(&org, &org.issuer(), &[]));
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.header("referrer-policy"), "strict-origin-when-cross-origin");
    assert!(answer.header("cache-control").contains("no-store"));
    let nasty = page(&org, &[("login_hint", "\"><script>alert(1)</script>")]).await;
    assert!(!nasty.contains("<script>"));
}

#[tokio::test]
async fn a_test_user_is_one_click_away() {
    let org = Org::builder().user(User::new("eve@example.test", "p\"<w>'").name("Eve", "<b>")).start().await.unwrap();
    let html = page(&org, &[]).await;
    for user in org.users() {
        let escaped = user.login.replace('&', "&amp;");
        assert!(html.contains(&format!("name=\"username\" value=\"{escaped}\"")), "{escaped}");
    }
    assert!(html.contains("Eve &lt;b&gt;"));
    assert!(html.contains("value=\"p&quot;&lt;w&gt;&#39;\""));
    let response = org.sign_in(&authorize_url(&org, &org.issuer(), &[]), "eve@example.test").await.unwrap();
    assert!(response.param("code").is_some());
}

#[tokio::test]
async fn a_wrong_password_can_be_corrected() {
    let org = Org::start().await.unwrap();
    let mut browser = org.browser();
    let url = authorize_url(&org, &org.issuer(), &[]);
    for (user, password) in [(ADA, "wrong"), ("unknown@example.test", ADA_PASSWORD)] {
        let response = browser.sign_in_with(&url, user, password).await.unwrap();
        let Response::Page { status: 401, body } = response else { panic!("{response:?}") };
        assert!(body.contains("role=\"alert\"") && body.contains("Unable to sign in"));
        assert!(body.contains(&format!("name=\"username\" value=\"{user}\"")));
        assert!(!browser.has_session());
    }
    assert!(browser.sign_in_with(&url, " ADA@example.test ", ADA_PASSWORD).await.unwrap().param("code").is_some());
    assert!(org.sign_in(&url, "unknown@example.test").await.unwrap().target().is_none());
}

/// The fields have the names of Okta Identity Engine.
#[tokio::test]
async fn the_password_can_have_its_own_page() {
    let org = Org::builder().identifier_first(true).start().await.unwrap();
    let html = page(&org, &[("login_hint", BEN)]).await;
    assert!(html.contains("name=\"identifier\"") && html.contains(&format!("value=\"{BEN}\"")), "{html}");
    assert!(html.contains("<label for=\"identifier\">") && !html.contains("type=\"password\""));
    let handle = |html: &str| html.split("name=\"stateToken\" value=\"").nth(1).unwrap()[..43].to_owned();
    let mut browser = org.browser();
    let identify = async |browser: &mut Browser, who: &str| {
        let fields = [("stateToken", handle(&html)), ("identifier", who.to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let response = browser.submit(&format!("{}/signin/identify", org.url()), &fields).await.unwrap();
        let Response::Page { status: 200, body } = response else { panic!("{response:?}") };
        body
    };
    let second = identify(&mut browser, BEN).await;
    assert!(second.contains("name=\"credentials.passcode\" type=\"password\""), "{second}");
    assert!(second.contains("<label for=\"credentials.passcode\">"));
    assert!(
        identify(&mut browser, "unknown").await.contains("credentials.passcode"),
        "the form is the same for unknown names"
    );
    let url = authorize_url(&org, &org.issuer(), &[]);
    let failed = browser.sign_in_with(&url, BEN, "wrong").await.unwrap();
    let Response::Page { status: 401, body } = failed else { panic!("{failed:?}") };
    assert!(body.contains("role=\"alert\"") && body.contains("credentials.passcode"));
    assert!(browser.sign_in(&url, BEN).await.unwrap().param("code").is_some());
}

#[tokio::test]
async fn the_home_page_shows_how_to_connect() {
    let org = Org::start().await.unwrap();
    let answer = get(org.url());
    for client in org.clients() {
        assert!(answer.body.contains(&format!("export OKTA_CLIENT_ID={}", client.client_id)), "{}", client.client_id);
        if let Some(secret) = client.client_secret {
            assert!(answer.body.contains(&format!("export OKTA_CLIENT_SECRET={secret}")), "{}", client.client_id);
        }
    }
    assert!(answer.body.contains(&format!("export OKTA_ISSUER_URI={}", org.issuer())));
    assert!(answer.body.contains("secret in the Authorization header (client_secret_basic)"), "{}", answer.body);
    assert!(answer.body.contains(CALLBACK) && answer.body.contains(ADA_PASSWORD));
    assert!(
        !answer.body.contains("<script") && answer.header("content-security-policy").contains("default-src 'none'")
    );
}

/// Without its scopes, the service cannot be used.
#[tokio::test]
async fn the_home_page_shows_custom_scopes() {
    let orders = AuthorizationServer::custom("orders", "api://orders").scope("<orders>");
    let limited = Client::service("0oalimited", "").scopes(["orders:write"]);
    let org = Org::builder().client(limited).authorization_server(orders).start().await.unwrap();
    let page = get(org.url()).body;
    let scopes = "Custom scopes: <code>orders:read</code> <code>orders:write</code>";
    assert!(page.contains(scopes) && page.contains("Custom scopes: <code>&lt;orders&gt;</code>"), "{page}");
    let section = |id: &str| page.split("</section>").find(|section| section.contains(id)).unwrap();
    assert!(section(SERVICE_CLIENT_ID).contains(scopes), "{page}");
    assert!(section("0oalimited").contains("Custom scopes: <code>orders:write</code></p>"), "{page}");
    assert!(!section(PUBLIC_CLIENT_ID).contains("Custom scopes"), "{page}");
}

/// The page offers sign-out only for users with a session.
#[tokio::test]
async fn the_administrator_sees_users_with_a_session() {
    let org = Org::start().await.unwrap();
    let admin = || get(&format!("{}/admin", org.url())).body;
    assert!(admin().contains("No sessions.") && !admin().contains("<button"));
    let mut browser = org.browser();
    browser.sign_in(&authorize_url(&org, &org.issuer(), &[]), ADA).await.unwrap();
    let page = admin();
    assert!(page.contains(&format!("Sign {ADA} out everywhere")) && page.contains("Dev App"), "{page}");
    assert!(!page.contains(&format!("Sign {BEN} out")) && page.contains("Not signed in"), "{page}");
    let Response::Page { body, .. } = browser.open(org.url()).await.unwrap() else { panic!() };
    assert!(body.contains(&format!("signed in as <strong>{ADA}</strong>")));
}

#[tokio::test]
async fn a_form_without_a_request_is_rejected() {
    let org = Org::start().await.unwrap();
    let fields = [("stateToken", "made-up"), ("username", ADA), ("password", ADA_PASSWORD)];
    let response = org.browser().submit(&format!("{}/signin", org.url()), &fields).await.unwrap();
    assert!(matches!(response, Response::Page { status: 400, .. }), "{response:?}");
    assert!(get(org.url()).body.contains("/.well-known/openid-configuration"));
}
