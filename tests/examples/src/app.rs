//! Both examples, axum-app and actix-app, as processes, over HTTP: without settings, and
//! with the settings of an operator.

use std::process::Command;

use okta_auth_dev::{Org, Response};
use reqwest::Method;

use crate::api;
use crate::browser::{Browser, field};
pub use crate::process::names_of_other_okta_libraries_are_errors_that_name_the_right_ones;
use crate::process::{Process, command, free_port};

const ADA: &str = "ada@example.test";
const BEN: &str = "ben@example.test";

/// The running example.
struct Example {
    process: Process,
    base: String,
}

/// Starts the example with these variables and no other `OKTA_*`, and waits until it
/// serves.
fn start(program: &str, port: u16, variables: &[(&str, String)]) -> Example {
    let mut command = command(program, port);
    command.envs(variables.iter().cloned());
    Example { process: Process::start(command, "Open "), base: format!("http://localhost:{port}") }
}

/// Sign-in, profile, API and sign-out, as the README promises.
async fn round_trip(example: &Example, org: &Org) {
    let base = &example.base;
    let mut browser = Browser::new();
    assert!(browser.open(&format!("{base}/")).await.body.contains("Hello, stranger"));
    let login = browser.open(&format!("{base}/profile")).await;
    assert_eq!(login.status, 303);
    assert!(login.location.starts_with(&org.issuer()), "{}", login.location);
    let Response::Redirect(back) = org.sign_in(&login.location, ADA).await.unwrap() else { panic!("no redirect") };
    let done = browser.open(&back).await;
    assert_eq!((done.status, done.location.as_str()), (303, "/profile"), "{}", done.body);
    let profile = browser.open(&format!("{base}/profile")).await.body;
    assert!(profile.contains("Ada Lovelace") && profile.contains(ADA) && profile.contains("Admins"), "{profile}");
    let me = browser.open(&format!("{base}/api/me")).await;
    let me: serde_json::Value = serde_json::from_str(&me.body).unwrap();
    assert_eq!((me["email"].as_str(), me["groups"][1].as_str()), (Some(ADA), Some("Admins")));
    let admin = browser.open(&format!("{base}/admin")).await.body;
    for text in
        ["Administration", "Admins", "Session ends", "<code>acr</code>", "<code>sub</code>", "data-api=\"/api/me\""]
    {
        assert!(admin.contains(text), "{text}: {admin}");
    }
    assert!(!admin.contains("eyJ"), "a token on a page: {admin}");
    assert!(browser.open(&format!("{base}/app.js")).await.body.contains("data-api"));
    for path in ["/", "/profile", "/app.js", "/api/me"] {
        let (url, mut stranger) = (format!("{base}{path}"), Browser::new());
        let (head, get) = (stranger.send(Method::HEAD, &url).await, stranger.open(&url).await);
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "HEAD {path}");
    }
    let out = browser.send(Method::POST, &format!("{base}/logout")).await;
    assert!(out.location.starts_with(&format!("{}/v1/logout", org.issuer())), "{}", out.location);
    let back = Browser::new().open(&out.location).await.location;
    assert!(back.starts_with(&format!("{base}/")), "{back}");
    let landing = browser.open(&back).await;
    assert_eq!((landing.status, landing.location), (303, format!("{base}/")), "the state is removed from the URL");
    assert!(browser.open(&format!("{base}/")).await.body.contains("Hello, stranger"));
}

/// An org with the claim `groups`, which the policies need.
async fn org() -> Org {
    Org::builder().groups_claim_everywhere("groups").start().await.unwrap()
}

fn variables(org: &Org, port: u16) -> Vec<(&'static str, String)> {
    let mut variables = org.env();
    variables.push(("OKTA_BASE_URL", format!("http://localhost:{port}")));
    variables.push(("OKTA_COOKIE_SECRET", "a cookie secret for tests of 32 bytes or more".to_owned()));
    variables
}

pub async fn without_settings_it_starts_an_org_and_prints_its_address(program: &str) {
    let example = start(program, free_port(), &[]);
    let output = example.process.lines.join("\n");
    assert!(output.contains("development org") && output.contains(ADA), "{output}");
    let mut browser = Browser::new();
    assert_eq!(browser.open(&format!("{}/", example.base)).await.status, 200);
    let login = browser.open(&format!("{}/profile", example.base)).await;
    assert_eq!(login.status, 303);
    let page = browser.open(&login.location).await;
    assert!(page.status == 200 && page.body.contains("<form") && page.body.contains(ADA), "the org's sign-in page");
    let mut script = Browser::new();
    let request = script.http.get(format!("{}/api/me", example.base)).send().await.unwrap();
    assert_eq!((request.status().as_u16(), request.headers()["www-authenticate"].to_str().unwrap()), (401, "Bearer"));
    assert!(script.open(&format!("{}/", example.base)).await.challenge.is_empty());
}

pub async fn with_variables_it_uses_that_issuer_and_starts_no_org(program: &str) {
    let (org, port) = (org().await, free_port());
    org.allow_redirect(&format!("http://localhost:{port}"));
    let example = start(program, port, &variables(&org, port));
    assert_eq!(example.process.lines.len(), 1, "no development org is announced: {:?}", example.process.lines);
    round_trip(&example, &org).await;
}

pub async fn it_starts_while_its_issuer_is_down_and_recovers(program: &str) {
    let (org, port) = (org().await, free_port());
    org.allow_redirect(&format!("http://localhost:{port}"));
    org.stop();
    let example = start(program, port, &variables(&org, port));
    let mut browser = Browser::new();
    assert_eq!(browser.open(&format!("{}/", example.base)).await.status, 200);
    assert_eq!(browser.open(&format!("{}/profile", example.base)).await.status, 503);
    org.restart().await.unwrap();
    round_trip(&example, &org).await;
}

pub async fn an_invalid_configuration_names_every_fix_and_prevents_the_start(program: &str) {
    let output = Command::new(program)
        .env("PORT", free_port().to_string())
        .env("OKTA_ISSUER_URI", "https://{yourOktaDomain}/oauth2/default")
        .env("OKTA_CLIENT_ID", "{clientId}")
        .env("OKTA_BASE_URL", "http://app.example.com")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    for variable in ["OKTA_ISSUER_URI", "OKTA_CLIENT_ID", "OKTA_BASE_URL"] {
        assert!(text.contains(variable), "{text}");
    }
}

pub async fn its_address_follows_the_port_and_an_unusable_port_names_the_fix(program: &str) {
    let (org, port) = (org().await, free_port());
    org.allow_redirect(&format!("http://localhost:{port}"));
    let example = start(program, port, &org.env());
    assert_eq!(example.process.lines, [format!("Open http://localhost:{port}/ in your browser.")]);
    round_trip(&example, &org).await;
    for (taken, words) in [(port.to_string(), "is in use"), ("abc".to_owned(), "`abc` is not a port")] {
        let output = Command::new(program).envs(variables(&org, port)).env("PORT", taken).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && message.contains(words) && message.contains("PORT=8088"), "{message}");
    }
}

pub async fn the_reason_of_a_failed_sign_in_is_only_in_the_log(program: &str) {
    let (org, port) = (org().await, free_port());
    let example = start(program, port, &variables(&org, port));
    let old = format!("{}/authorization-code/callback?code=old&state=old", example.base);
    let answer = Browser::new().open(&old).await;
    let line = example.process.log.line("attempt_unknown");
    let reference = line.split("reference=").nth(1).unwrap().split(' ').next().unwrap();
    assert!(answer.status == 400 && answer.body.contains(reference), "{line} {}", answer.body);
    let why = line.rsplit_once(": ").map_or(line.as_str(), |(_, why)| why);
    assert!(!answer.body.contains(why), "{line} {}", answer.body);
}

/// Signs in at a page, and returns the browser.
async fn signed_in(example: &Example, org: &Org, user: &str) -> Browser {
    let mut browser = Browser::new();
    let login = browser.open(&format!("{}/profile", example.base)).await;
    let Response::Redirect(back) = org.sign_in(&login.location, user).await.unwrap() else { panic!("no redirect") };
    assert_eq!(browser.open(&back).await.status, 303);
    browser
}

pub async fn policies_apply_and_change_without_a_rebuild(program: &str) {
    let (org, port) = (org().await, free_port());
    org.allow_redirect(&format!("http://localhost:{port}"));
    let example = start(program, port, &variables(&org, port));
    let admin = format!("{}/admin", example.base);
    assert_eq!(Browser::new().open(&admin).await.status, 303, "a browser without a session is redirected to Okta");
    assert_eq!(signed_in(&example, &org, ADA).await.open(&admin).await.status, 200);
    assert_eq!(signed_in(&example, &org, BEN).await.open(&admin).await.status, 403);
    drop(example);

    let file = std::env::temp_dir().join(format!("okta-auth-policies-{port}.toml"));
    let text = include_str!("../../../examples/axum-app/policies.toml").replace("Admins", "Everyone");
    std::fs::write(&file, &text).unwrap();
    let mut more = variables(&org, port);
    more.push(("POLICIES", file.display().to_string()));
    let example = start(program, port, &more);
    assert_eq!(
        signed_in(&example, &org, BEN).await.open(&admin).await.status,
        200,
        "a changed rule applies without a rebuild"
    );
    drop(example);

    // A policy with routes needs no code.
    std::fs::write(&file, format!("{text}\n[own]\nrule = {{ group = \"Admins\" }}\nroutes = [\"/profile\"]\n"))
        .unwrap();
    let example = start(program, port, &more);
    let profile = format!("{}/profile", example.base);
    assert_eq!(signed_in(&example, &org, ADA).await.open(&profile).await.status, 200);
    assert_eq!(signed_in(&example, &org, BEN).await.open(&profile).await.status, 403, "the routes in the file apply");
    drop(example);

    std::fs::write(&file, text.replace("{ group = ", "{ grup = ")).unwrap();
    let output = Command::new(program).envs(more).env("PORT", port.to_string()).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    std::fs::remove_file(&file).unwrap();
    let line = text.lines().position(|line| line.contains("group")).unwrap() + 1;
    assert!(!output.status.success() && message.contains(&format!("line {line}")), "{message}");
    assert!(message.contains("grup") && message.contains("`group`"), "the message names the fix: {message}");
}

pub async fn access_tokens_give_access_only_to_the_api(program: &str) {
    let (org, port) = (org().await, free_port());
    org.allow_redirect(&format!("http://localhost:{port}"));
    let example = start(program, port, &variables(&org, port));
    let orders = format!("{}/api/orders", example.base);
    let call = |token: Option<String>, url: String| async move {
        let mut request = Browser::new().http.get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        let challenge = answer.headers().get("www-authenticate").map_or("", |value| value.to_str().unwrap());
        (answer.status().as_u16(), challenge.to_owned())
    };
    let (status, challenge) = call(None, orders.clone()).await;
    assert!(status == 401 && !challenge.contains("error"), "{challenge}");
    let good = org.token().access_token(ADA, ["orders:read"]).sign();
    assert_eq!(call(Some(good.clone()), orders.clone()).await.0, 200);
    assert_eq!(call(Some(good), format!("{}/api/me", example.base)).await.0, 401, "that route requires a session");
    let (status, challenge) = call(Some(org.token().access_token(ADA, ["openid"]).sign()), orders.clone()).await;
    assert!(status == 403 && challenge.contains("insufficient_scope") && challenge.contains("orders:read"));
    let (status, challenge) = call(Some(org.token().id_token(ADA, None).sign()), orders).await;
    assert!(status == 401 && challenge.contains("invalid_token"), "{challenge}");
}

pub async fn sessions_in_cookies_cannot_be_listed_and_the_page_names_the_fix(program: &str) {
    let (org, port) = (org().await, free_port());
    org.allow_redirect(&format!("http://localhost:{port}"));
    let example = start(program, port, &variables(&org, port));
    let mut browser = signed_in(&example, &org, ADA).await;
    let page = browser.open(&format!("{}/devices", example.base)).await;
    assert!(page.status == 200 && page.body.contains("OKTA_SESSION_STORE=memory"), "{}", page.body);
    let done = browser.post(&format!("{}/devices/end", example.base), &format!("id={}", "A".repeat(43))).await;
    assert_eq!((done.status, done.location.as_str()), (303, "/devices"), "the page explains why");
    assert_eq!(
        Browser::new().open(&format!("{}/devices", example.base)).await.status,
        303,
        "a browser without a session is redirected to Okta"
    );
}

pub async fn users_end_only_their_own_sessions(program: &str) {
    let (org, port) = (org().await, free_port());
    org.allow_redirect(&format!("http://localhost:{port}"));
    let mut variables = variables(&org, port);
    variables.push(("OKTA_SESSION_STORE", "memory".to_owned()));
    let example = start(program, port, &variables);
    let (devices, end) = (format!("{}/devices", example.base), format!("{}/devices/end", example.base));
    let mut desk = signed_in(&example, &org, ADA).await;
    let mut phone = signed_in(&example, &org, ADA).await;
    let mut ben = signed_in(&example, &org, BEN).await;
    let page = desk.open(&devices).await.body;
    assert_eq!((page.matches("<li>").count(), page.matches("this device").count()), (2, 1), "{page}");
    let id = field(page.split("action=\"/devices/end\"").nth(1).unwrap(), "id");

    assert_eq!(ben.post(&end, &format!("id={id}")).await.status, 303);
    assert_eq!(phone.open(&devices).await.status, 200, "the id of another user's session ends nothing");
    desk.origin = "http://evil.example".to_owned();
    assert_eq!(desk.post(&end, &format!("id={id}")).await.status, 403, "another site ends nothing");
    assert_eq!(phone.open(&devices).await.status, 200);
    desk.origin = example.base.clone();
    assert_eq!(desk.post(&end, "id=nonsense").await.status, 303);
    assert_eq!(desk.post(&end, &format!("id={id}")).await.location, "/devices");
    assert_eq!(phone.open(&devices).await.status, 303, "the phone must sign in again");
    assert_eq!(desk.open(&devices).await.body.matches("<li>").count(), 1);
}

/// Only variables: refresh tokens of the embedded org, and sessions in memory.
pub async fn without_settings_a_session_outlives_its_access_tokens(program: &str) {
    let variables = [
        ("OKTA_SCOPES", "openid profile email offline_access"),
        ("OKTA_SESSION_STORE", "memory"),
        ("OKTA_DEV_ACCESS_TOKEN_LIFETIME", "60"),
    ];
    let example = start(program, free_port(), &variables.map(|(name, value)| (name, value.to_owned())));
    let mut browser = Browser::new();
    let profile = format!("{}/profile", example.base);
    let (org, answer) = browser.sign_in(&profile).await;
    assert!(answer.body.contains("Ada Lovelace"), "{}", answer.body);
    for round in 1..=3 {
        let advance = browser.http.post(format!("{org}/dev/clock")).header("content-type", "application/json");
        assert!(advance.body("{\"advance\": 61}").send().await.unwrap().status().is_success());
        assert_eq!(browser.open(&profile).await.status, 200, "round {round}");
        let refreshes: serde_json::Value =
            serde_json::from_str(&browser.open(&format!("{org}/dev/refreshes")).await.body).unwrap();
        assert_eq!(refreshes["granted"], round, "{refreshes}");
    }
}

/// Only variables: the embedded org accepts only pushed and signed requests.
pub async fn with_two_switches_each_a_request_is_pushed_and_signed(program: &str) {
    let variables = [
        ("OKTA_DEV_PAR", "on"),
        ("OKTA_PAR", "on"),
        ("OKTA_DEV_SIGNED_REQUESTS", "on"),
        ("OKTA_REQUEST_OBJECT", "signed"),
    ];
    let variables = variables.map(|(name, value)| (name, value.to_owned()));
    for count in [2, 4] {
        let example = start(program, free_port(), variables.get(..count).unwrap());
        let mut browser = Browser::new();
        let profile = format!("{}/profile", example.base);
        let authorize = Browser::new().open(&profile).await.location;
        let query = authorize.split_once('?').unwrap().1;
        let names: Vec<_> = query.split('&').map(|pair| pair.split('=').next().unwrap()).collect();
        assert_eq!(names, ["client_id", "request_uri"], "{authorize}");
        let (_, answer) = browser.sign_in(&profile).await;
        assert!(answer.body.contains("Ada Lovelace"), "{}", answer.body);
    }
}

/// The app binds its tokens to a key, and calls the example of an API, which requires a proof with a nonce.
pub async fn with_bound_tokens_it_signs_in_refreshes_and_calls_an_api(program: &str) {
    let (folder, end) = program.rsplit_once("-app").unwrap();
    let api = format!("{folder}-api{end}");
    assert!(std::path::Path::new(&api).exists(), "{api}: build the example of the API first");
    let api_port = free_port();
    let variables = [
        ("OKTA_DPOP", "on".to_owned()),
        ("OKTA_DEV_DPOP", "on".to_owned()),
        ("OKTA_PAR", "on".to_owned()),
        ("OKTA_DEV_PAR", "on".to_owned()),
        ("OKTA_DEV_ACCESS_TOKEN_LIFETIME", "60".to_owned()),
        ("OKTA_SCOPES", "openid profile email offline_access orders:read".to_owned()),
        ("API_URL", format!("http://localhost:{api_port}/orders")),
    ];
    let example = start(program, free_port(), &variables);
    let (mut browser, orders) = (Browser::new(), format!("{}/orders", example.base));
    let (org, _) = browser.sign_in(&format!("{}/profile", example.base)).await;
    let variables = [
        ("OKTA_ISSUER_URI", format!("{org}/oauth2/default")),
        ("OKTA_AUDIENCE", "api://default".to_owned()),
        ("OKTA_BASE_URL", format!("http://localhost:{api_port}")),
        // The clock of the org runs ahead of the API's.
        ("OKTA_LEEWAY", "5m".to_owned()),
        ("OKTA_DPOP_NONCE_LIFETIME", "5m".to_owned()),
        ("OKTA_COOKIE_SECRET", "a cookie secret for tests of 32 bytes or more".to_owned()),
    ];
    let _api = api::start(&api, api_port, &variables).await;
    for refreshes in 0..=1 {
        let answer = browser.open(&orders).await;
        assert!(answer.status == 200 && answer.body.contains(ADA), "{} {}", answer.status, answer.body);
        let counts = browser.open(&format!("{org}/dev/refreshes")).await.body;
        let counts: serde_json::Value = serde_json::from_str(&counts).unwrap();
        assert_eq!(counts["granted"], refreshes, "{counts}");
        let advance = browser.http.post(format!("{org}/dev/clock")).header("content-type", "application/json");
        assert!(advance.body("{\"advance\": 61}").send().await.unwrap().status().is_success());
    }
}

/// Declares the tests of `axum-app` and `actix-app`.
#[macro_export]
macro_rules! app {
    ($program:expr) => {
        $crate::tests! {
            $program, app,
            without_settings_it_starts_an_org_and_prints_its_address
            with_variables_it_uses_that_issuer_and_starts_no_org
            it_starts_while_its_issuer_is_down_and_recovers
            an_invalid_configuration_names_every_fix_and_prevents_the_start
            names_of_other_okta_libraries_are_errors_that_name_the_right_ones
            its_address_follows_the_port_and_an_unusable_port_names_the_fix
            the_reason_of_a_failed_sign_in_is_only_in_the_log
            policies_apply_and_change_without_a_rebuild
            access_tokens_give_access_only_to_the_api
            sessions_in_cookies_cannot_be_listed_and_the_page_names_the_fix
            users_end_only_their_own_sessions
            without_settings_a_session_outlives_its_access_tokens
            with_two_switches_each_a_request_is_pushed_and_signed
            with_bound_tokens_it_signs_in_refreshes_and_calls_an_api
        }
    };
}
