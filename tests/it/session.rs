//! The session as a browser sees it: cookies, limits, caching, hooks.

use std::time::Duration;

use axum::http::header::CACHE_CONTROL;
use axum::routing::get;
use okta_auth_axum::User;
use okta_auth_core::engine::{Refusal, SignIn};

use crate::support::{ADA, App, AppBuilder, BEN};

const SESSION: &str = "okta_session";

#[tokio::test]
async fn attributes_of_the_session_cookie() {
    let app = App::start().await;
    let answer = app.browser().sign_in(&app.org, ADA, "/profile").await;
    let cookies = answer.set_cookies();
    let session = cookies.iter().find(|cookie| cookie.starts_with("okta_session=")).unwrap();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"] {
        assert!(session.contains(attribute), "{session}");
    }
    assert!(!session.contains("Domain") && !session.contains("Secure"), "loopback http: {session}");
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// The application behind a TLS proxy: browsers use https, and the proxy uses http
/// towards the application.
#[tokio::test]
async fn behind_a_tls_proxy_cookies_are_bound_to_the_host() {
    let app = AppBuilder::default().configure(|config| config.base_url("https://app.example.test")).start().await;
    app.org.allow_redirect("https://app.example.test");
    let mut browser = app.browser();
    let login = browser.navigate("/profile").await;
    let cookie = login.set_cookies()[0].to_owned();
    assert!(cookie.starts_with("__Host-okta_session_login_") && cookie.contains("Secure"), "{cookie}");
    let okta_auth_dev::Response::Redirect(back) = app.org.sign_in(login.location(), ADA).await.unwrap() else {
        panic!()
    };
    let answer = browser.navigate(&back.replace("https://app.example.test", &app.base)).await;
    let session = answer.set_cookies().into_iter().find(|cookie| cookie.starts_with("__Host-okta_session=")).unwrap();
    assert!(session.contains("Secure") && session.contains("Path=/") && !session.contains("Domain"), "{session}");
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn a_tampered_cookie_is_no_session_and_is_not_deleted() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    let (jar, good) = (browser.jar.clone(), browser.jar[SESSION].clone());
    let edits: [fn(&str) -> String; 7] = [
        |value| value.replacen('.', "9", 1),
        |value| format!("{value}A"),
        |value| value[..value.len() / 2].to_owned(),
        |value| value.chars().rev().collect(),
        |_| String::new(),
        |_| "1.".to_owned(),
        |_| "x".repeat(4_000),
    ];
    for edit in edits {
        browser.jar.insert(SESSION.to_owned(), edit(&good));
        let answer = browser.navigate("/").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "anonymous"));
        assert!(
            answer.set_cookies().is_empty() && browser.jar.contains_key(SESSION),
            "it may be another application's"
        );
        browser.jar.clone_from(&jar);
    }
    assert!(browser.is_signed_in().await, "control");
}

#[tokio::test]
async fn idle_and_absolute_limits() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    let mut idle = browser.clone();
    app.org.clock().advance(Duration::from_secs(3_590));
    assert!(idle.is_signed_in().await);
    // The request extends the session by another hour.
    app.org.clock().advance(Duration::from_secs(3_590));
    assert!(idle.is_signed_in().await);
    assert!(!browser.is_signed_in().await, "the unused copy has expired");
    for _ in 0..20 {
        app.org.clock().advance(Duration::from_secs(3_000));
        idle.is_signed_in().await;
    }
    assert!(!idle.is_signed_in().await, "twelve hours are the absolute limit");
}

#[tokio::test]
async fn most_responses_set_no_cookie() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    assert!(browser.navigate("/profile").await.set_cookies().is_empty());
    app.org.clock().advance(Duration::from_secs(200));
    assert_eq!(browser.navigate("/profile").await.set_cookies().len(), browser.jar.len());
}

#[tokio::test]
async fn personal_pages_are_not_cached_and_shared_ones_are_unchanged() {
    let css = get(|| async { ([(CACHE_CONTROL, "public, max-age=86400")], "body{}") });
    let own = get(|_: User| async { ([(CACHE_CONTROL, "private, max-age=5")], "mine") });
    let app = AppBuilder::default().routes(support_routes().route("/style.css", css).route("/own", own)).start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    let page = browser.navigate("/profile").await;
    assert_eq!((page.header("cache-control"), page.header("vary")), ("no-store", "Cookie"));
    assert_eq!(browser.navigate("/own").await.header("cache-control"), "private, max-age=5");
    app.org.clock().advance(Duration::from_secs(200));
    let css = browser.navigate("/style.css").await;
    assert_eq!(css.header("cache-control"), "public, max-age=86400");
    assert!(css.set_cookies().is_empty(), "a shared page carries no cookie");
    let own = browser.navigate("/own").await;
    assert_eq!(own.header("cache-control"), "no-store", "the response sets a cookie");
}

fn support_routes() -> axum::Router {
    axum::Router::new()
        .route(
            "/",
            get(|user: Option<User>| async move { user.map_or("anonymous".to_owned(), |u| u.name().to_owned()) }),
        )
        .route("/profile", get(|user: User| async move { user.name().to_owned() }))
        .route("/api/me", get(|user: User| async move { user.subject().to_owned() }))
}

#[tokio::test]
async fn keys_rotate_without_ending_sessions() {
    let org = okta_auth_dev::Org::start().await.unwrap();
    let old = AppBuilder::default().org(org.clone()).start().await;
    let mut browser = old.browser();
    browser.sign_in(&org, ADA, "/profile").await;
    let newer = "a newer cookie secret of 32 bytes or more";
    let both = secrets(&org, &[newer, support_secret()]).await;
    browser.base = both.base.clone();
    let before = browser.jar.clone();
    assert!(browser.is_signed_in().await, "the old key still opens the cookie");
    assert_ne!(browser.jar[SESSION], before[SESSION], "and the session is sealed again");
    let only_new = secrets(&org, &[newer]).await;
    browser.base = only_new.base.clone();
    assert!(browser.is_signed_in().await);
    browser.jar = before;
    assert!(!browser.is_signed_in().await, "cookies of the removed key are invalid");
}

fn support_secret() -> &'static str {
    "a cookie secret for tests of 32 bytes or more"
}

async fn secrets(org: &okta_auth_dev::Org, secrets: &[&str]) -> App {
    let (env, secrets) = (org.env(), secrets.join(","));
    let change = move |_| {
        let variables = env.into_iter().map(|(name, value)| (name.to_owned(), value));
        let variables = variables.chain([("OKTA_COOKIE_SECRET".to_owned(), secrets)]);
        okta_auth_core::config::ConfigBuilder::from_variables(variables).cookie_name(SESSION)
    };
    AppBuilder::default().org(org.clone()).configure(change).start().await
}

#[tokio::test]
async fn a_cookie_of_another_application_is_not_a_session() {
    let org = okta_auth_dev::Org::start().await.unwrap();
    let custom = AppBuilder::default().org(org.clone()).start().await;
    let issuer = org.org_issuer();
    let other = AppBuilder::default().org(org.clone()).issuer(issuer).start().await;
    let mut browser = custom.browser();
    browser.sign_in(&org, ADA, "/profile").await;
    assert!(browser.is_signed_in().await);
    browser.base = other.base.clone();
    assert!(!browser.is_signed_in().await, "the same secret, another issuer");
}

#[tokio::test]
async fn the_hook_enriches_or_rejects() {
    async fn hook(mut sign_in: SignIn) -> Result<SignIn, Refusal> {
        let email = sign_in.identity().claims::<serde_json::Value>().unwrap()["email"].as_str().unwrap().to_owned();
        if email == BEN {
            return Err(Refusal::new("<b>Ben</b> has left the company."));
        }
        sign_in.insert("role", "owner").unwrap();
        Ok(sign_in)
    }
    async fn role(user: User) -> String {
        user.app_data::<String>("role").unwrap().unwrap_or_default()
    }
    let routes = support_routes().route("/role", get(role));
    let app = AppBuilder::default().routes(routes).build_with(|builder| builder.on_sign_in(hook)).start().await;
    let mut ada = app.browser();
    assert_eq!(ada.sign_in(&app.org, ADA, "/role").await.location(), "/role");
    assert_eq!(ada.navigate("/role").await.body, "owner");
    let mut ben = app.browser();
    let answer = ben.sign_in(&app.org, BEN, "/role").await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("&lt;b&gt;Ben&lt;/b&gt; has left the company."), "{}", answer.body);
    assert!(answer.body.contains("prompt=login"), "the page offers another account");
    assert!(!ben.is_signed_in().await && ben.jar.is_empty());
}

#[tokio::test]
async fn claims_in_the_applications_own_type() {
    #[derive(serde::Deserialize)]
    struct Claims {
        preferred_username: String,
    }
    #[derive(serde::Deserialize)]
    struct Missing {
        #[expect(dead_code, reason = "Okta does not send it")]
        cost_center: String,
    }
    let routes = support_routes()
        .route("/typed", get(|user: User<Claims>| async move { user.claims().preferred_username.clone() }))
        .route("/missing", get(|_: User<Missing>| async { "never" }))
        .route(
            "/caught",
            get(|user: Result<User<Missing>, okta_auth_axum::UserRejection>| async move {
                user.err().map_or("", |rejection| rejection.code())
            }),
        );
    let app = AppBuilder::default().routes(routes).start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/typed").await;
    assert_eq!(browser.navigate("/typed").await.body, ADA);
    let answer = browser.navigate("/missing").await;
    assert!(answer.status == 403 && answer.body.contains("claims_mismatch"), "{}", answer.body);
    assert_eq!(browser.fetch("/missing").await.json()["error"], "claims_mismatch");
    assert_eq!(browser.navigate("/caught").await.body, "claims_mismatch");
    assert_eq!(app.browser().navigate("/caught").await.body, "login_required");
}

#[tokio::test]
async fn a_refresh_token_is_revoked_at_sign_out() {
    let app =
        AppBuilder::default().configure(|config| config.scopes("openid profile email offline_access")).start().await;
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, "/profile").await;
    assert_eq!(answer.location(), "/profile", "{}", answer.body);
    browser.post("/logout", "").await;
    assert_eq!(app.org.count("/v1/revoke"), 1);
    // A failing revocation does not prevent the sign-out.
    app.org.fault(okta_auth_dev::Fault::RevokeStatus(500));
    browser.sign_in(&app.org, ADA, "/profile").await;
    assert_eq!(browser.post("/logout", "").await.status, 303);
    assert!(!browser.is_signed_in().await);
}
