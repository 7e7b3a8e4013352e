//! Deployments: behind forward and reverse proxies, and with an issuer that has an internal address.

use std::net::SocketAddr;

use okta_auth_core::config::{ConfigBuilder, Userinfo};
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_dev::Org;
use reqwest::Method;

use crate::app::{App, Framework};
use crate::support::site::local;
use crate::support::{ADA, Browser, Relay};

/// The address that the org listens on.
fn address(org: &Org) -> SocketAddr {
    org.url().strip_prefix("http://").unwrap().parse().unwrap()
}

/// The requests that the application itself sent to the org.
fn own_requests(org: &Org) -> Vec<(String, String)> {
    let own = |path: &str| !["/v1/authorize", "/v1/logout", "/signin"].iter().any(|browsers| path.ends_with(browsers));
    let all = org.request_log().into_iter().filter(|request| own(&request.path));
    all.map(|request| (request.method, request.path)).collect()
}

pub(crate) async fn a_backchannel_is_used_by_the_application_and_never_by_browsers<F: Framework>() {
    let org = Org::start().await.unwrap();
    // A second loopback address acts as the internal host.
    let inside = Relay::inside("127.0.0.2", address(&org)).await;
    let url = inside.url();
    // A proxy that is set for this library is not asked for the inside host.
    let proxy = Relay::forward().await;
    let through = proxy.url();
    let app = App::with::<F>(org, move |config| {
        let scopes = "openid profile email offline_access";
        config.backchannel_url(url).scopes(scopes).userinfo(Userinfo::Always).http_proxy(through)
    })
    .await;
    let mut browser = app.browser();
    let page = browser.navigate("/profile").await;
    assert!(page.location().starts_with(&app.org.issuer()), "browsers go to the public address: {}", page.location());
    assert_eq!(browser.sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
    assert_eq!(browser.navigate("/").await.body, "Ada Lovelace", "`iss` is the public one");
    let out = browser.post("/logout", "").await;
    assert!(out.location().starts_with(&format!("{}/v1/logout?", app.org.issuer())), "{}", out.location());

    let seen = inside.seen();
    let came: Vec<_> = seen.iter().map(|seen| (seen.method.clone(), seen.path().to_owned())).collect();
    assert_eq!(came, own_requests(&app.org), "all requests of the application come by the inside address");
    for endpoint in ["/openid-configuration", "/v1/token", "/v1/keys", "/v1/userinfo", "/v1/revoke"] {
        assert!(came.iter().any(|(_, path)| path.ends_with(endpoint)), "{endpoint}: {came:?}");
    }
    assert!(proxy.seen().is_empty(), "{:?}", proxy.seen());
    let public = address(&app.org).to_string();
    assert!(seen.iter().all(|seen| seen.header("host") == Some(&public)), "the org is called by its public address");
}

pub(crate) async fn introspection_goes_inside_too<F: Framework>() {
    let org = Org::start().await.unwrap();
    let inside = Relay::inside("127.0.0.2", address(&org)).await;
    let (url, issuer) = (inside.url(), org.org_issuer());
    let app = App::with::<F>(org, move |config| config.backchannel_url(url).issuer(issuer)).await;
    let token = app.org.token().server("org").access_token(ADA, ["openid"]).sign();
    app.call("/token", &token).await;
    assert!(inside.seen().iter().any(|seen| seen.path().ends_with("/v1/introspect")), "{:?}", inside.seen());
}

pub(crate) async fn requests_to_okta_go_through_the_proxy_that_is_set<F: Framework>() {
    let org = Org::start().await.unwrap();
    let proxy = Relay::forward().await;
    let url = format!("http://app:hunter2@{}", proxy.address);
    let app = App::with::<F>(org, move |config| config.http_proxy(url)).await;
    assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
    let seen = proxy.seen();
    assert_eq!(seen.len(), own_requests(&app.org).len(), "{seen:?}");
    assert!(seen.iter().any(|seen| seen.path().ends_with("/v1/token")), "{seen:?}");
    let credentials = Some("Basic YXBwOmh1bnRlcjI=");
    assert!(seen.iter().all(|seen| seen.header("proxy-authorization") == credentials), "{seen:?}");
}

pub(crate) async fn an_https_issuer_is_reached_through_a_tunnel<F: Framework>() {
    let proxy = Relay::forward().await;
    let variables = |more: &[(&str, String)]| {
        let mut all = vec![
            ("OKTA_ISSUER_URI".to_owned(), "https://acme.okta.example/oauth2/default".to_owned()),
            ("OKTA_CLIENT_ID".to_owned(), "0oa1abcd".to_owned()),
            ("OKTA_COOKIE_SECRET".to_owned(), crate::support::SECRET.to_owned()),
        ];
        all.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        all
    };
    let url = format!("http://app:hunter2@{}", proxy.address);
    for (name, more) in [
        ("HTTPS_PROXY", vec![]),
        ("https_proxy", vec![("NO_PROXY", "okta.com, 10.0.0.0/8".to_owned())]),
        ("OKTA_HTTP_PROXY", vec![("HTTPS_PROXY", "http://127.0.0.1:1".to_owned())]),
    ] {
        let before = proxy.seen().len();
        let set = [vec![(name, url.clone())], more].concat();
        let config = ConfigBuilder::from_variables(variables(&set));
        let app = App::with::<F>(Org::start().await.unwrap(), |base| {
            let base_url = base.build().unwrap().base_url().to_string();
            config.base_url(base_url.trim_end_matches('/'))
        })
        .await;
        let answer = app.browser().navigate("/profile").await;
        assert_eq!(answer.status, 503, "{name}: the proxy cannot reach it");
        let seen = &proxy.seen()[before..];
        let tunnels = seen.iter().all(|seen| (&*seen.method, &*seen.target) == ("CONNECT", "acme.okta.example:443"));
        assert!(!seen.is_empty() && tunnels, "{name}: {seen:?}");
        assert_eq!(seen[0].header("proxy-authorization"), Some("Basic YXBwOmh1bnRlcjI="), "{name}");
    }
}

const CHILD: &str = "deployment::the_process_that_trusts_the_org";

/// Verifies a token at an https issuer: metadata and keys come through the tunnel. The process trusts what
/// `SSL_CERT_FILE` has.
#[tokio::test]
#[ignore = "another test runs it as a process of its own"]
async fn the_process_that_trusts_the_org() {
    let Ok(token) = std::env::var("TUNNEL_TOKEN") else { return };
    let config = ConfigBuilder::from_env().cookie_secret(crate::support::SECRET);
    let verified = OktaAuthBuilder::from(config).build().unwrap().verify_access_token(&token).await;
    verified.unwrap_or_else(|error| panic!("{error:?}"));
}

#[tokio::test]
async fn tls_through_the_tunnel_is_with_the_issuer() {
    let (org, proxy) = (Org::builder().https().start().await.unwrap(), Relay::forward().await);
    let token = org.token().access_token(ADA, ["orders:read"]).sign();
    let trusted = std::env::temp_dir().join(format!("okta-auth-tunnel-{}.pem", std::process::id()));
    std::fs::write(&trusted, org.certificate().unwrap()).unwrap();
    let run = async |variable: &str, trusts: bool| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", CHILD, "--ignored", "--nocapture"]).envs(org.env()).env("TUNNEL_TOKEN", &token);
        child.env(variable, proxy.url()).env_remove("NO_PROXY").env_remove("no_proxy");
        if trusts {
            child.env("SSL_CERT_FILE", &trusted);
        }
        let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
        let told = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&told).into_owned())
    };
    let (success, why) = run("OKTA_HTTP_PROXY", false).await;
    assert!(!success && why.contains("invalid peer certificate"), "a proxy cannot stand in for the issuer: {why}");
    assert_eq!(org.request_log().len(), 0);
    let (success, why) = run("OKTA_HTTP_PROXY", true).await;
    assert!(success, "{why}");
    assert_eq!((org.count("/openid-configuration"), org.count("/v1/keys")), (1, 1));
    let seen = proxy.seen();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.method == "CONNECT"), "nothing else: {seen:?}");
    // The proxy of every program is not for this machine, whatever the scheme is.
    let (success, why) = run("HTTPS_PROXY", true).await;
    assert!(success, "{why}");
    assert_eq!(proxy.seen().len(), seen.len());
    std::fs::remove_file(trusted).unwrap();
}

pub(crate) async fn hosts_of_no_proxy_and_this_machine_are_reached_directly<F: Framework>() {
    let proxy = Relay::forward().await;
    for (name, more) in [
        ("HTTPS_PROXY", None),
        ("ALL_PROXY", None),
        // Unencrypted requests are never sent to another machine.
        ("OKTA_HTTP_PROXY", Some(("OKTA_HTTP_PROXY", "http://proxy.invalid:3128"))),
        ("OKTA_HTTP_PROXY", Some(("NO_PROXY", "127.0.0.1"))),
        ("OKTA_HTTP_PROXY", Some(("no_proxy", "*"))),
        ("HTTPS_PROXY", Some(("OKTA_HTTP_PROXY", "none"))),
    ] {
        let org = Org::start().await.unwrap();
        let mut variables: Vec<(String, String)> =
            org.env().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        variables.push((name.to_owned(), proxy.url()));
        // Of two variables with one name, the later one counts.
        variables.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let config = ConfigBuilder::from_variables(variables).cookie_secret(crate::support::SECRET);
        let app = App::with::<F>(org, |base| {
            let base_url = base.build().unwrap().base_url().to_string();
            config.base_url(base_url.trim_end_matches('/'))
        })
        .await;
        assert_eq!(app.browser().sign_in(&app.org, ADA, "/profile").await.location(), "/profile", "{name} {more:?}");
    }
    assert!(proxy.seen().is_empty(), "{:?}", proxy.seen());
}

/// Requests of tenants ignore the operator's proxy, so that the egress policy sees the addresses.
#[tokio::test]
async fn requests_of_tenants_take_no_proxy() {
    let (org, proxy) = (Org::start().await.unwrap(), Relay::forward().await);
    let mut acme = crate::support::site::settings("acme", &org);
    acme.hosts = vec!["localhost".to_owned()];
    let shared = ConfigBuilder::from_variables([("HTTPS_PROXY", proxy.url()), ("OKTA_HTTP_PROXY", proxy.url())]);
    let shared = OktaAuthBuilder::from(shared.cookie_secret(crate::support::SECRET));
    let tenants = Tenants::builder(shared).table(TenantTable::new([acme]).unwrap()).egress(local());
    let tenants = tenants.resolve(Resolver::Host).build().unwrap();
    let auth = tenants.tenant(&crate::support::site::id("acme")).await.unwrap().unwrap();
    let token = org.token().access_token(ADA, ["orders:read"]).sign();
    auth.verify_access_token(&token).await.unwrap();
    assert!(proxy.seen().is_empty() && org.count("/v1/keys") == 1);
}

pub(crate) async fn behind_a_proxy_that_takes_a_prefix_off<F: Framework>() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let proxy = Relay::stripping("/app", listener.local_addr().unwrap()).await;
    let org = Org::start().await.unwrap();
    let (origin, base) = (proxy.url(), format!("{}/app", proxy.url()));
    org.allow_redirect(&base);
    let variables = org.env().into_iter().chain([("OKTA_PUBLIC_PREFIX", "/app".to_owned())]);
    let config = ConfigBuilder::from_variables(variables).base_url(&origin).cookie_secret(crate::support::SECRET);
    let clock = org.clock();
    F::serve(listener, OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap());

    let mut browser = Browser::new(&base);
    let answer = browser.sign_in(&org, ADA, "/profile?tab=1").await;
    assert_eq!(answer.location(), "/app/profile?tab=1", "back to where the browser was, as it sees it");
    assert_eq!(browser.navigate("/").await.body, "Ada Lovelace");
    let cookies: Vec<String> = answer.set_cookies().iter().map(|cookie| (*cookie).to_owned()).collect();
    assert!(cookies.iter().all(|cookie| cookie.contains("Path=/;") || cookie.ends_with("Path=/")), "{cookies:?}");

    let mut other = Browser::new(&base);
    let login = other.navigate("/login?return_to=%2Fapp%2Forders%3Fpage%3D2").await;
    assert_eq!(other.complete(&org, login.location(), ADA).await.location(), "/app/orders?page=2");
    for target in
        ["/login", "/login?return_to=%2F", "/login?return_to=%2Fapp%2Flogin", "/login?return_to=%2F%2Fevil.example"]
    {
        let mut browser = Browser::new(&base);
        let login = browser.navigate(target).await;
        assert_eq!(browser.complete(&org, login.location(), ADA).await.location(), "/app/", "{target}");
    }

    let page = browser.navigate("/logout").await;
    assert!(page.body.contains("action=\"/app/logout\"") && page.body.contains("href=\"/app/\""), "{}", page.body);
    let failed = browser.navigate("/authorization-code/callback?code=x&state=y").await;
    if failed.status != 303 {
        assert!(failed.body.contains("href=\"/app/login?"), "{}", failed.body);
    }
    let headers = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    let out = browser.send(Method::POST, "/logout", &headers, String::new()).await;
    let landing = url::Url::parse(out.location()).unwrap();
    let landing = landing.query_pairs().find(|(name, _)| name == "post_logout_redirect_uri").unwrap().1.into_owned();
    assert_eq!(landing, format!("{base}/"));

    let challenge = Browser::new(&base).fetch("/token").await;
    let metadata = challenge.header("www-authenticate").split('"').nth(1).unwrap().to_owned();
    assert!(metadata.starts_with(&format!("{base}/")), "{metadata}");
    assert_eq!(Browser::new(&base).fetch(&metadata).await.json()["resource"], base);
}
