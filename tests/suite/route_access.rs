//! Access by route: completely protected applications, policies with misspelled routes,
//! requests without a matching route, and the credentials that pages accept.

use std::net::TcpListener;

use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::policy::{AcceptedCredentials, DefaultAccess, PolicySet, anyone, group, scope, signed_in};
use okta_auth_dev::Org;
use reqwest::Method;

use crate::app::App;
use crate::sites::{Layout, SPA, Site};
use crate::support::{ADA, Answer, BEN, Browser, SECRET, log, org_with_groups};

/// Counts the log lines that contain all of these words.
fn count(words: &[&str]) -> usize {
    log::lines(words).len()
}

/// An application with this layout.
async fn site<F: Site>(
    layout: Layout,
    settings: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
    change: impl FnOnce(OktaAuthBuilder) -> OktaAuthBuilder,
) -> (App, OktaAuth) {
    log::listen();
    let org = org_with_groups().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    org.allow_redirect(&base);
    let config = ConfigBuilder::from_variables(org.env()).base_url(&base).cookie_secret(SECRET);
    let clock = org.clock();
    let auth = change(OktaAuthBuilder::from(settings(config)).clock(move || clock.now())).build().unwrap();
    F::serve_site(listener, auth.clone(), layout);
    (App { org, base, auth: auth.clone() }, auth)
}

async fn plain<F: Site>(change: impl FnOnce(OktaAuthBuilder) -> OktaAuthBuilder) -> (App, OktaAuth) {
    site::<F>(Layout::Plain, |config| config, change).await
}

async fn with_policies<F: Site>(policies: PolicySet) -> (App, OktaAuth) {
    plain::<F>(|auth| auth.policies(policies)).await
}

/// Every spelling of a path that must not bypass its protection.
async fn attempts(browser: &mut Browser, path: &str) -> Vec<(String, Answer)> {
    let mut answers = Vec::new();
    for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"] {
        let own = browser.base.clone();
        let answer = browser.send(method.parse().unwrap(), path, &[("origin", &own)], String::new()).await;
        answers.push((format!("{method} {path}"), answer));
    }
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let override_method =
        [("x-http-method-override", "GET"), ("x-original-url", "/health"), ("x-rewrite-url", "/health")];
    for headers in [&upgrade[..], &override_method[..]] {
        answers.push((format!("{headers:?} {path}"), browser.send(Method::GET, path, headers, String::new()).await));
    }
    answers
}

pub(crate) async fn a_whole_application_is_protected_but_for_named_routes<F: Site>() {
    let (app, auth) = plain::<F>(|auth| auth.protect_all_except(["/", "/health"])).await;
    let mut stranger = app.browser();
    assert_eq!(stranger.navigate("/").await.body, "home");
    assert_eq!(stranger.fetch("/health").await.body, "healthy");
    assert_eq!(stranger.fetch("/health?x=/secret").await.body, "healthy");
    for path in [
        "/secret",
        "/secret?/health",
        "/%73ecret",
        "//secret",
        "/secret/",
        "/./secret",
        "/health/../secret",
        "/health/",
        "//health",
        "/health%2F",
        "/health;x",
        "/HEALTH",
        "/orders/7",
        "/area/reports",
        "/area",
        "/reports/",
        "/reports",
        "/blog/health",
        "/blog/drafts",
        "/files",
        "/files/x.css",
        "/nothing",
        "/app.js",
    ] {
        for (what, answer) in attempts(&mut stranger, path).await {
            let refused = answer.status.is_client_error() && !answer.body.contains("page") && answer.body != "file";
            assert!(refused, "{what}: {} {}", answer.status, answer.body);
        }
        let page = stranger.navigate(path).await;
        assert!(page.status == 303 && page.location().starts_with(&app.org.issuer()), "{path}: {}", page.status);
    }
    let bearer = format!("Bearer {}", app.token(&["openid", "orders:read"]));
    let with_token = stranger.send(Method::GET, "/secret", &[("authorization", &bearer)], String::new()).await;
    assert_eq!(with_token.status, 401, "a page accepts only sessions");
    let mut ada = app.signed_in(ADA).await;
    for path in ["/secret", "/orders/7", "/area/reports", "/reports/", "/app.js", "/"] {
        let answer = ada.fetch(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let depends = path != "/";
        assert_eq!(answer.header("vary").contains("Cookie"), depends, "{path}");
    }
    assert_eq!(ada.post("/secret", "").await.status, 200);
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(ada.send(Method::POST, "/secret", &foreign, String::new()).await.status, 403, "forged");
    assert_eq!(ada.post("/logout", "").await.status, 303);
    assert_eq!(ada.fetch("/secret").await.status, 401);
    assert_eq!(auth.unmatched_routes(), Vec::<String>::new());
}

/// actix-web selects among resources by guards after the layer, so a pattern with
/// parameters also matches the paths of other resources.
pub(crate) async fn a_public_pattern_opens_no_other_route<F: Site>() {
    let (app, _) = plain::<F>(|auth| auth.protect_all_except(["/blog/{slug}"])).await;
    let mut stranger = app.browser();
    let article = stranger.fetch("/blog/first").await;
    assert_eq!(article.status == 200, !F::LAYER_BEFORE_ROUTER, "{}", article.body);
    let draft = stranger.send(Method::POST, "/blog/drafts", &[], String::new()).await;
    assert_eq!(draft.status, 401, "{}", draft.body);
    assert!(!F::LAYER_BEFORE_ROUTER || count(&["ERROR", "`/blog/{slug}` is listed as public"]) > 0);
    // The library's own paths are always open.
    assert_eq!(app.signed_in(ADA).await.fetch("/secret").await.status, 200);
}

pub(crate) async fn an_api_without_sessions_is_protected_as_a_whole<F: Site>() {
    let protect = |auth: OktaAuthBuilder| auth.protect_all_except(["/health"]);
    let (app, _) = site::<F>(Layout::Plain, ConfigBuilder::api_only, protect).await;
    assert_eq!(app.browser().fetch("/health").await.status, 200);
    for path in ["/secret", "/nothing", "/page"] {
        assert_eq!(app.browser().navigate(path).await.status, 401, "{path}");
    }
    assert_eq!(app.call("/secret", &app.token(&["openid"])).await.status, 200);
    assert_eq!(app.browser().fetch("/.well-known/oauth-protected-resource").await.status, 200);
}

pub(crate) async fn a_misspelled_route_is_denied<F: Site>() {
    let policies = PolicySet::default().protect("/orders/{order}", group("Admins")).protect("/reports", anyone());
    let (app, _) = with_policies::<F>(policies.clone()).await;
    let mut ada = app.signed_in(ADA).await;
    for path in ["/orders/7", "/reports/"] {
        let answer = ada.fetch(path).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (403, Some("route_denied")), "{path}");
        assert_eq!(app.browser().navigate(path).await.status, 403, "{path}");
    }
    assert!(count(&["ERROR", "`/orders/{id}`", "`/orders/{order}`"]) > 0);
    assert!(count(&["ERROR", "`/reports/`", "`/reports`"]) > 0);
    assert_eq!(ada.fetch("/secret").await.status, 200, "other routes are not affected");
    // `open` applies only to routes without a policy.
    let (app, _) = with_policies::<F>(policies.default_access(DefaultAccess::Open)).await;
    assert_eq!(app.signed_in(ADA).await.fetch("/orders/7").await.status, 403);
    assert_eq!(app.browser().fetch("/app.js").await.body, "file");
}

pub(crate) async fn a_request_without_a_route_is_denied_while_routes_have_policies<F: Site>() {
    let policies = PolicySet::default().protect("/secret", group("Admins"));
    for (default, other, unmatched, of_ada) in [
        (None, 200, 403, (200, 403)),
        (Some(DefaultAccess::Open), 200, 200, (200, 200)),
        (Some(DefaultAccess::SignedIn), 401, 403, (200, 403)),
        (Some(DefaultAccess::Deny), 403, 403, (403, 403)),
    ] {
        let policies = match default {
            Some(default) => policies.clone().default_access(default),
            None => policies.clone(),
        };
        let (app, _) = with_policies::<F>(policies.public("/health").public("/profile")).await;
        let mut stranger = app.browser();
        for (path, expected) in
            [("/orders/7", other), ("/app.js", unmatched), ("//secret", unmatched), ("/secret", 401), ("/health", 200)]
        {
            assert_eq!(stranger.fetch(path).await.status, expected, "{path} {default:?}");
        }
        let (mut ada, mut ben) = (app.signed_in(ADA).await, app.signed_in(BEN).await);
        assert_eq!(ada.fetch("/orders/7").await.status, of_ada.0, "{default:?}");
        assert_eq!(ada.fetch("/app.js").await.status, of_ada.1, "{default:?}");
        assert_eq!(
            (ada.fetch("/secret").await.status.as_u16(), ben.fetch("/secret").await.status.as_u16()),
            (200, 403)
        );
    }
    assert!(count(&["ERROR", "without a matched route"]) > 0);
    // Without route policies there is no policy to bypass.
    let (app, _) = with_policies::<F>(PolicySet::default()).await;
    assert_eq!(app.browser().fetch("/app.js").await.status, 200);
    let (app, _) = with_policies::<F>(PolicySet::default().default_access(DefaultAccess::SignedIn)).await;
    assert_eq!(app.browser().fetch("/app.js").await.status, 401);
    assert_eq!(app.signed_in(ADA).await.fetch("/app.js").await.body, "file");
}

pub(crate) async fn a_layer_outside_of_the_router_lets_nothing_through<F: Site>() {
    let policies = PolicySet::default().protect("/secret", group("Admins"));
    let (app, _) = site::<F>(Layout::Outside, |config| config, |auth| auth.policies(policies)).await;
    let answer = app.browser().fetch("/secret").await;
    assert_eq!(answer.status, if F::LAYER_BEFORE_ROUTER { 401 } else { 403 }, "{}", answer.body);
    assert_ne!(answer.body, "page");
    // Without route policies, the layer is outside of the router.
    let (app, _) = site::<F>(Layout::Outside, |config| config, |auth| auth).await;
    assert_eq!(app.browser().fetch("/health").await.status, 200);
    assert_eq!(app.browser().navigate("/profile").await.status, 303);
    let (app, _) = site::<F>(Layout::Outside, |config| config, |auth| auth.protect_all_except(["/health"])).await;
    assert_eq!(app.browser().fetch("/secret").await.status, 401);
}

pub(crate) async fn a_route_that_differs_by_a_prefix_is_logged<F: Site>() {
    let (app, _) = with_policies::<F>(PolicySet::default().protect("/deep/area/reports", group("Admins"))).await;
    assert_eq!(app.browser().fetch("/area/reports").await.body, "page");
    assert!(count(&["WARN", "`/deep/area/reports`", "requests to `/area/reports`"]) > 0);
    let (app, _) = with_policies::<F>(PolicySet::default().protect("/{x}", group("Admins"))).await;
    assert_eq!(app.browser().fetch("/area/reports").await.body, "page");
    assert_eq!(count(&["WARN", "policy of `/{x}`"]), 0, "a pattern with only parameters matches every prefix");
}

pub(crate) async fn routes_that_no_request_has_matched_are_listed<F: Site>() {
    let nowhere = if F::LAYER_BEFORE_ROUTER { "/nowhere/actix" } else { "/nowhere/axum" };
    let policies =
        PolicySet::default().protect("/secret", group("Admins")).protect(nowhere, signed_in()).public("/health");
    let (app, auth) = with_policies::<F>(policies).await;
    assert_eq!(auth.unmatched_routes(), ["/health", nowhere, "/secret"]);
    assert_eq!(app.browser().fetch("/secret").await.status, 401);
    assert_eq!(auth.unmatched_routes(), ["/health", nowhere], "denied requests count as matches");
    let mut browser = app.browser();
    for _ in 0..998 {
        browser.fetch("/health").await;
    }
    let line = ["WARN", "none of the first 1000 requests", nowhere];
    assert_eq!(count(&line), 0);
    for _ in 0..5 {
        browser.fetch("/health").await;
    }
    assert_eq!(count(&line), 1);
    assert_eq!(auth.unmatched_routes(), [nowhere]);
}

pub(crate) async fn a_policy_on_a_whole_router_covers_its_fallback<F: Site>() {
    let (app, _) = site::<F>(Layout::Required, |config| config, |auth| auth).await;
    let mut stranger = app.browser();
    for path in ["/secret", "/app.js", "/nothing", "//secret", "/inner/x", "/inner/nothing", "/any", "/health"] {
        for (what, answer) in attempts(&mut stranger, path).await {
            assert!(answer.status.is_client_error(), "{what}: {} {}", answer.status, answer.body);
        }
        assert_eq!(stranger.navigate(path).await.status, 303, "{path}");
    }
    let (mut ada, mut ben) = (app.signed_in(ADA).await, app.signed_in(BEN).await);
    for (path, body) in [("/secret", "page"), ("/app.js", "file"), ("/inner/x", "x"), ("/inner/nothing", "inner")] {
        assert_eq!(ben.fetch(path).await.body, body);
    }
    // A handler for any method is also a fallback.
    assert_eq!(ada.fetch("/any").await.body, "got");
    assert_eq!(ada.post("/any", "").await.body, "any");
    assert_eq!((ben.fetch("/any").await.status.as_u16(), ben.post("/any", "").await.status.as_u16()), (403, 403));
}

pub(crate) async fn pages_accept_only_sessions<F: Site>() {
    let policies = PolicySet::default().protect("/orders/{id}", signed_in()).protect("/reports/", group("Admins"));
    let (app, auth) = with_policies::<F>(policies.default_access(DefaultAccess::Open)).await;
    let admin = |client: &str| {
        let token = app.org.token().client(client).access_token(ADA, ["openid", "orders:read"]);
        token.claim("groups", serde_json::json!(["Admins"])).sign()
    };
    for path in ["/page", "/orders/7", "/reports/"] {
        for token in [admin("0oaForeign"), admin(&app.org.client().client_id)] {
            assert_eq!(app.call(path, &token).await.status, 401, "{path}");
        }
    }
    assert_eq!(app.call("/both", &admin("0oaForeign")).await.status, 200, "control: where both are accepted");
    // A token in addition to a session has no effect, valid or not.
    let (mut ada, mut ben) = (app.signed_in(ADA).await, app.signed_in(BEN).await);
    let good = format!("Bearer {}", admin("0oaForeign"));
    for value in [good.as_str(), "Bearer x", "Bearer", "Bearer a b", "Basic dTpw"] {
        let headers = [("authorization", value)];
        for (path, of_ben) in [("/page", 403), ("/orders/7", 200), ("/reports/", 403), ("/profile", 200)] {
            assert_eq!(ada.send(Method::GET, path, &headers, String::new()).await.status, 200, "{path} {value}");
            assert_eq!(ben.send(Method::GET, path, &headers, String::new()).await.status, of_ben, "{path} {value}");
        }
    }
    assert!(auth.config().warnings().iter().all(|warning| !warning.message.contains("accept_client")));
}

pub(crate) async fn routes_of_a_file_accept_tokens_where_it_says_so<F: Site>() {
    let text = r#"
        default = "open"
        public = ["/health"]
        [both]
        rule = "signed_in"
        routes = ["/secret"]
        accepts = "session_or_token"
        [api]
        rule = { scope = "orders:read" }
        routes = ["/orders/{id}"]
        accepts = "token"
    "#;
    let (app, auth) = with_policies::<F>(PolicySet::parse(text).unwrap()).await;
    let token = app.token(&["orders:read"]);
    assert_eq!(app.call("/secret", &token).await.status, 200);
    assert_eq!(app.call("/orders/7", &token).await.status, 200);
    assert_eq!(app.call("/orders/7", &app.token(&["openid"])).await.status, 403);
    let mut ada = app.signed_in(ADA).await;
    assert_eq!((ada.fetch("/secret").await.status.as_u16(), ada.fetch("/orders/7").await.status.as_u16()), (200, 401));
    let told =
        |auth: &OktaAuth| auth.config().warnings().iter().any(|warning| warning.message.contains("accept_client"));
    assert!(told(&auth), "every client of the server can get a token for the default audience");
    // With named clients there is no warning, and the tokens of other clients are
    // rejected.
    let policies = PolicySet::parse(text).unwrap();
    let settings = |config: ConfigBuilder| config.accept_client("0oaPartner");
    let (app, auth) = site::<F>(Layout::Plain, settings, |auth| auth.policies(policies)).await;
    assert!(!told(&auth));
    let own = app.org.client().client_id;
    for (client, expected) in [("0oaPartner", 200), (own.as_str(), 200), ("0oaForeign", 401)] {
        let token = app.org.token().client(client).access_token(ADA, ["orders:read"]).sign();
        assert_eq!(app.call("/orders/7", &token).await.status, expected, "{client}");
        assert_eq!(app.call("/token", &token).await.status, expected, "{client}");
    }
}

/// Browser, path, headers, and the expected status.
type Case<'a> = (&'a mut Browser, &'a str, &'a [(&'a str, &'a str)], u16);

pub(crate) async fn headers_of_other_layers_stay_when_an_answer_is_replaced<F: Site>() {
    let (app, _) = site::<F>(Layout::Layers, |config| config, |auth| auth).await;
    let mut ben = app.signed_in(BEN).await;
    let script =
        [("accept", "application/json"), ("accept-encoding", "gzip"), ("origin", SPA), ("sec-fetch-mode", "cors")];
    let bad = [&script[..], &[("authorization", "Bearer x")]].concat();
    let navigation = [("accept-encoding", "gzip"), ("sec-fetch-mode", "navigate"), ("origin", SPA)];
    let requests: [Case<'_>; 5] = [
        (&mut app.browser(), "/profile", &script, 401),
        (&mut app.browser(), "/token", &script, 401),
        (&mut app.browser(), "/token", &bad, 401),
        (&mut ben, "/page", &script, 403),
        (&mut app.browser(), "/profile", &navigation, 303),
    ];
    for (browser, path, headers, status) in requests {
        let answer = browser.send(Method::GET, path, headers, String::new()).await;
        assert_eq!(answer.status, status, "{path} {}", answer.body);
        assert_eq!(answer.header("access-control-allow-origin"), SPA, "{path}");
        assert_eq!(answer.header("x-request-id"), "7", "{path}");
        let all = |name: &str| {
            let values = answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_lowercase());
            values.collect::<Vec<_>>().join(", ")
        };
        let vary = all("vary");
        assert!(
            vary.contains("origin") && (vary.contains("cookie") || vary.contains("authorization")),
            "{path} {vary}"
        );
        assert_eq!(vary.matches("origin").count(), 1, "{vary}");
        assert_eq!(answer.headers.get_all("content-type").iter().count(), 1, "{path}");
        assert!(answer.header("cache-control").contains("no-store"), "{path}");
        assert_eq!(answer.header("content-encoding"), "", "the engine's answer is not compressed");
        if status == 401 {
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
            let exposed = all("access-control-expose-headers");
            assert!(exposed.contains("www-authenticate") && exposed.contains("x-request-id"), "{exposed}");
        }
        if status != 303 {
            assert!(answer.json()["error"].is_string(), "readable as it is: {}", answer.body);
        }
    }
    let control = app.browser().send(Method::GET, "/long", &script, String::new()).await;
    assert_eq!((control.status.as_u16(), control.header("content-encoding")), (200, "gzip"));
}

pub(crate) async fn responses_that_depend_on_a_token_vary_by_it<F: Site>() {
    let (app, _) = plain::<F>(|auth| auth).await;
    let good = format!("Bearer {}", app.token(&["orders:read"]));
    for (path, vary) in [
        ("/token", "Authorization"),
        ("/maybe-token", "Authorization"),
        ("/scoped", "Authorization"),
        ("/both", "Cookie, Authorization"),
        ("/page", "Cookie"),
        ("/health", ""),
    ] {
        for value in [good.as_str(), "Bearer x", ""] {
            let headers = if value.is_empty() { vec![] } else { vec![("authorization", value)] };
            let answer = app.browser().send(Method::GET, path, &headers, String::new()).await;
            assert_eq!(answer.header("vary"), vary, "{path} {value:.9}");
            let caching = if vary.is_empty() { "" } else { "no-store" };
            assert_eq!(answer.header("cache-control"), caching, "{path} {value:.9}");
        }
    }
}

pub(crate) async fn the_metadata_of_a_resource_with_a_path<F: Site>() {
    let path = "/.well-known/oauth-protected-resource";
    let mut base = String::new();
    let settings = |config: ConfigBuilder| config.resource_scopes(["mcp:read", "mcp:write"]);
    let resource = |config: ConfigBuilder, base: &str| config.resource(format!("{base}/mcp"));
    let app = App::with::<F>(Org::start().await.unwrap(), |config| {
        // The base URL is known only here.
        base = config.clone().build().unwrap().base_url().as_str().trim_end_matches('/').to_owned();
        resource(settings(config), &base)
    })
    .await;
    assert_eq!(base, app.base);
    let url = format!("{base}{path}/mcp");
    let challenge = format!("Bearer scope=\"mcp:read mcp:write\", resource_metadata=\"{url}\"");
    assert_eq!(app.browser().fetch("/token").await.header("www-authenticate"), challenge);
    let scoped = app.browser().fetch("/orders").await;
    assert_eq!(scoped.header("www-authenticate"), format!("Bearer scope=\"orders:read\", resource_metadata=\"{url}\""));
    assert_eq!(scoped.header("access-control-expose-headers"), "WWW-Authenticate");
    let refused = app.call("/orders", "x").await;
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("invalid_token") && challenge.contains("scope=\"orders:read\""), "{challenge}");
    for path in [url.as_str(), path] {
        let answer = app.browser().fetch(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, "*"), "{path}");
        assert_eq!(answer.json()["resource"], format!("{base}/mcp"));
        let preflight = [
            ("origin", "https://client.example"),
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "mcp-protocol-version"),
        ];
        let answer = app.browser().send(Method::OPTIONS, path, &preflight, String::new()).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("access-control-allow-methods").contains("GET"));
        assert_eq!(answer.header("access-control-allow-headers"), "*");
    }
    assert_eq!(app.browser().fetch(&format!("{path}/other")).await.status, 404, "and no other path");
}

pub(crate) async fn contradictions_are_errors_when_the_application_is_built<F: Site>() {
    let builder = || OktaAuth::builder().issuer("https://acme.okta.com").client_id("0oa1");
    let both = PolicySet::default().protect("/x", signed_in());
    let error = builder().policies(both.clone()).protect_all_except(["/x"]).build().unwrap_err();
    assert!(error.to_string().contains("`/x` is public and has a policy"), "{error}");
    let error =
        builder().policies(both.protect_for("/x", AcceptedCredentials::BearerOnly, scope("a"))).build().unwrap_err();
    assert!(error.to_string().contains("`/x` accepts only sessions"), "{error}");
    // A file cannot open a route that the code has closed.
    let open = PolicySet::parse("default = \"open\"").unwrap();
    let (app, _) = plain::<F>(|auth| auth.policies(open).protect_all_except(["/health"])).await;
    assert_eq!(app.browser().fetch("/secret").await.status, 401);
    for (text, expected) in [
        ("default = \"closed\"", "line 1"),
        ("default = 7", "default"),
        ("public = [\"health\"]", "write `/health`"),
        ("public = \"/health\"", "line 1"),
        ("[a]\nrule = \"user\"\nroutes = [\"/x\"]\naccepts = \"cookie\"", "line 4"),
        ("public = [\"/x\"]\n[a]\nrule = \"user\"\nroutes = [\"/x\"]", "line 4"),
    ] {
        let error = PolicySet::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    // Policies with these names are still policies.
    let named = PolicySet::parse("[default]\nrule = \"user\"\n[public]\nrule = \"anyone\"").unwrap();
    assert_eq!(named.names().collect::<Vec<_>>(), ["default", "public"]);
}
