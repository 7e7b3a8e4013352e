//! Unauthenticated junk on every route must not produce log lines that an operator has to
//! read.
//!
//! Each test runs in its own process, which has the log to itself.

#![allow(clippy::print_stdout, reason = "the process that runs a test reads what the test prints")]

use std::process::Command;
use std::time::{Duration, Instant, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_dev::{Endpoint, Org, Outage};
use reqwest::Method;

use crate::app::{App, Framework};
use crate::support::site::{self, Site};
use crate::support::{ADA, CALLBACK};

/// Set in the process that logs.
const CHILD: &str = "OKTA_AUTH_SUITE_LOGS";

/// Marks the start of the unauthenticated requests in the log.
const BEGIN: &str = "---- strangers ----";

/// Runs the test in a child process, and returns its log lines after the mark; `None` in
/// the child process.
fn logged<F: Framework>(test: &str) -> Option<Vec<String>> {
    if std::env::var_os(CHILD).is_some() {
        tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::INFO).with_ansi(false).init();
        return None;
    }
    let framework = if std::any::type_name::<F>().ends_with("Axum") { "on_axum" } else { "on_actix" };
    let child = Command::new(std::env::current_exe().unwrap())
        .args([&format!("{framework}::{test}"), "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(child.status.success(), "{output}\n{}", String::from_utf8_lossy(&child.stderr));
    let (_, since) = output.split_once(BEGIN).unwrap();
    Some(since.lines().filter(|line| line.contains("okta_auth")).map(str::to_owned).collect())
}

fn loud(lines: &[String]) -> Vec<&String> {
    lines.iter().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect()
}

/// A token with the correct form and a made-up signature.
fn made_up(header: &str, claims: &str) -> String {
    format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims), URL_SAFE_NO_PAD.encode("junk"))
}

const QUERIES: [&str; 10] = [
    "",
    "?state=x&code=y",
    "?error=access_denied&state=x",
    "?code=a&code=b&state=s",
    "?iss=https%3A%2F%2Fevil.example&sid=made-up",
    "?iss=&sid=",
    "?continue",
    "?return_to=//evil.example&prompt=login&login_hint=%00",
    "?%ff%fe=&&==&state",
    "?access_token=junk&state=x&code=y",
];

const PATHS: [&str; 7] = ["/", "/profile", "/api/me", "/token", "/orders", "/policed", "/nothing/here"];

/// Headers that need no session, key or account.
fn headers(jwt: &str) -> Vec<Vec<(&'static str, String)>> {
    let text = |text: &str| text.to_owned();
    vec![
        vec![],
        vec![("authorization", text("Bearer junk"))],
        vec![("authorization", format!("Bearer {jwt}"))],
        vec![("authorization", text("Basic dTpw")), ("accept", text("text/html"))],
        vec![(
            "cookie",
            text("okta_session=1.junk; okta_session.1=x; okta_session_login_x=junk; __Host-okta_session=1."),
        )],
        vec![("origin", text("https://evil.example")), ("sec-fetch-site", text("cross-site"))],
        vec![("host", text("evil.example")), ("x-forwarded-host", text("evil.example"))],
        vec![("accept", text("text/html")), ("sec-fetch-mode", text("navigate")), ("sec-fetch-dest", text("document"))],
    ]
}

/// Sends junk to every route of an application with one Okta.
async fn junk_to_an_application<F: Framework>() {
    let app = App::start::<F>().await;
    let jwt = made_up(
        r#"{"alg":"RS256","kid":"made-up","typ":"logout+jwt"}"#,
        &format!(r#"{{"iss":"{}"}}"#, app.org.issuer()),
    );
    println!("{BEGIN}");
    let engine = okta_auth_core::adapter::Engine::new(&app.auth);
    let own: Vec<String> = engine.endpoints().into_iter().map(|(_, path)| path).collect();
    let mut browser = app.browser();
    let mut ask = async |method: Method, target: &str, headers: &[(&str, String)], body: &str| {
        let mut sent: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if !body.is_empty() {
            sent.push((
                "content-type",
                if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" },
            ));
        }
        browser.jar.clear();
        browser.send(method, target, &sent, body.to_owned()).await
    };
    let bodies = [
        "",
        "code=x&state=y",
        "logout_token=junk",
        &format!("logout_token={jwt}"),
        "logout_token=a&logout_token=b",
        "\u{0}\u{1}",
        r#"{"sub_id":{"format":"email","email":"ada@example.test"}}"#,
    ];
    for path in own.iter().map(String::as_str).chain(PATHS) {
        for query in QUERIES {
            for headers in headers(&jwt) {
                ask(Method::GET, &format!("{path}{query}"), &headers, "").await;
            }
        }
        for body in bodies {
            for headers in headers(&jwt) {
                ask(Method::POST, path, &headers, body).await;
            }
        }
        for method in [Method::PUT, Method::DELETE, Method::OPTIONS, Method::HEAD, Method::PATCH] {
            ask(method, path, &[], "").await;
        }
    }
    // A stranger starts a sign-in, and returns with a made-up code.
    let mut own = app.browser();
    let login = own.navigate("/login").await.location().to_owned();
    let state =
        url::Url::parse(&login).unwrap().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    assert_eq!(own.navigate(&format!("{CALLBACK}?code=made-up&state={state}")).await.status, 400);
    // Users can still sign in.
    assert!(app.signed_in(ADA).await.is_signed_in().await);
}

/// Sends junk to an application with tenants.
async fn junk_to_tenants<F: Framework>() {
    let axum = std::any::type_name::<F>().ends_with("Axum");
    let framework = if axum { site::Framework::Axum } else { site::Framework::Actix };
    let site = Site::start(framework, &["acme"], |plan| {
        let builder = Tenants::builder(plan.shared(&plan.base, "cookie")).egress(site::local());
        let builder = builder.table(TenantTable::new(plan.all()).unwrap());
        let resolvers = [Resolver::Host, Resolver::Path("/t".to_owned()), Resolver::BearerIssuer, Resolver::Session];
        resolvers.into_iter().fold(builder, okta_auth_core::multi_tenant::TenantsBuilder::resolve).build().unwrap()
    })
    .await;
    let jwt = made_up(r#"{"alg":"RS256","kid":"x"}"#, r#"{"iss":"https://evil.example"}"#);
    let authorization = format!("Bearer {jwt}");
    for host in ["evil.example", "127.0.0.1", "[::1]", "a.b.c", "acme@evil.example"] {
        for path in [
            "/who",
            "/me",
            "/t/unknown/me",
            "/t/%61cme/me",
            "/login",
            "/t/unknown/login",
            CALLBACK,
            "/frontchannel-logout",
        ] {
            for more in
                [("x", "y"), ("authorization", authorization.as_str()), ("cookie", "okta_session_unknown=1.junk")]
            {
                let headers = [("host", host), ("accept", "text/html"), more];
                site.browser().send(Method::GET, path, &headers, String::new()).await;
                site.browser().send(Method::POST, path, &headers, "email=a@b.example&iss=x".to_owned()).await;
            }
        }
    }
}

pub(crate) async fn unauthenticated_junk_causes_no_warning<F: Framework>() {
    let Some(lines) = logged::<F>("unauthenticated_junk_causes_no_warning") else {
        junk_to_an_application::<F>().await;
        return junk_to_tenants::<F>().await;
    };
    assert!(lines.len() > 500, "control: it is logged");
    assert!(loud(&lines).is_empty(), "{:#?}", loud(&lines));
}

/// A failure that the operator has to fix is one warning per second, not one for each
/// affected request.
pub(crate) async fn many_failures_of_one_kind_are_one_warning_a_second<F: Framework>() {
    const TIMES: usize = 60;
    let Some(lines) = logged::<F>("many_failures_of_one_kind_are_one_warning_a_second") else {
        let org = Org::start().await.unwrap();
        org.outage(Endpoint::Discovery, Outage::Status(503));
        let app = App::with::<F>(org, |config| config).await;
        println!("{BEGIN}");
        let (mut browser, start) = (app.browser(), Instant::now());
        for _ in 0..TIMES {
            assert_eq!(browser.navigate("/login").await.status, 503);
        }
        println!("seconds=okta_auth {}", start.elapsed().as_secs());
        return;
    };
    let of_this = |lines: &[&String]| lines.iter().filter(|line| line.contains("sign_in_failed")).count();
    let seconds = lines.iter().find_map(|line| line.strip_prefix("seconds=okta_auth ")).unwrap();
    let (warnings, all) = (of_this(&loud(&lines)), of_this(&lines.iter().collect::<Vec<_>>()));
    assert!((1..=seconds.parse::<usize>().unwrap() + 1).contains(&warnings), "{warnings} in {seconds} s");
    assert_eq!(all, TIMES, "each failure is still in the log");
}

/// The clock of this machine is behind that of the replica where users have signed in.
pub(crate) async fn a_session_from_the_future_is_one_warning_that_names_the_clock<F: Framework>() {
    let Some(lines) = logged::<F>("a_session_from_the_future_is_one_warning_that_names_the_clock") else {
        for store in ["cookie", "memory"] {
            let app = App::with::<F>(Org::start().await.unwrap(), move |config| config.session_store(store)).await;
            app.org.clock().stop();
            let browser = app.signed_in(ADA).await;
            println!("{BEGIN}");
            app.org.clock().rewind(Duration::from_secs(50));
            assert!(browser.clone().is_signed_in().await, "within the tolerated clock skew");
            app.org.clock().rewind(Duration::from_secs(250));
            for _ in 0..20 {
                assert!(!browser.clone().is_signed_in().await);
            }
            let now = app.org.clock().now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            println!("now=okta_auth {now}");
        }
        return;
    };
    let loud = loud(&lines);
    assert_eq!(loud.len(), 2, "one for each store: {loud:#?}");
    let clocks = lines.iter().filter_map(|line| line.strip_prefix("now=okta_auth "));
    for (line, now) in loud.iter().zip(clocks) {
        assert!(line.contains("clock") && line.contains("in the future") && line.contains("NTP"), "{line}");
        assert!(line.contains(&format!("clock={now}")), "{line}");
    }
}
