//! The configuration check: every slip gets a message that names the variable and the fix, all at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

use std::time::Duration;

use okta_auth_core::config::{ClientAuth, Config, ConfigBuilder, Severity};

const GOOD: [(&str, &str); 3] = [
    ("OKTA_ISSUER_URI", "https://dev-12345678.okta.com/oauth2/default"),
    ("OKTA_CLIENT_ID", "0oa1abcdXYZ2efGhI5d7"),
    ("OKTA_CLIENT_SECRET", "xYzABC1234567DefghIJKLmnopQrstuVW"),
];

/// The good variables with some replaced; an empty value counts as absent.
fn with(changes: &[(&str, &str)]) -> Result<Config, String> {
    let mut all: Vec<(String, String)> =
        GOOD.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    for (name, value) in changes {
        all.retain(|(known, _)| known != name);
        all.push((name.to_string(), value.to_string()));
    }
    ConfigBuilder::from_variables(all).build().map_err(|error| {
        assert!(error.is_config());
        error.to_string()
    })
}

fn refused(name: &str, value: &str, fix: &str) {
    let message = with(&[(name, value)]).expect_err(&format!("{name}={value} was accepted"));
    assert!(message.contains(name), "{name}={value}: {message}");
    assert!(message.contains(fix), "{name}={value}: {message}");
}

/// Okta names users by e-mail address, and sessions without it are not found.
#[test]
fn universal_logout_without_email_is_a_finding() {
    let warnings = |scopes: &str, route: bool| {
        let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1").scopes(scopes);
        let config = if route { config } else { config.without_global_token_revocation() };
        let config = config.cookie_secret("a secret for tests, 32 bytes or more").build().unwrap();
        config.warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let found = warnings("openid profile", true);
    assert!(found.len() == 1 && found[0].contains("OKTA_SCOPES") && found[0].contains("`email`"), "{found:?}");
    assert!(warnings("openid profile email", true).is_empty());
    assert!(warnings("openid profile", false).is_empty(), "the route is left out");
}

#[test]
fn three_variables_are_enough() {
    let config = with(&[]).unwrap();
    assert_eq!(config.redirect_uri().as_str(), "http://localhost:8080/authorization-code/callback");
    assert_eq!(config.post_logout_redirect_uri().as_str(), "http://localhost:8080/");
    assert_eq!(config.scopes(), ["openid", "profile", "email"]);
    assert_eq!(config.audiences(), ["api://default"]);
    assert!(matches!(config.client_auth(), ClientAuth::SecretBasic(_)));
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
    assert_eq!((config.routes().login(), config.routes().logout()), (Some("/login"), Some("/logout")));
}

#[test]
fn a_client_without_a_secret_is_public() {
    assert!(matches!(with(&[("OKTA_CLIENT_SECRET", "")]).unwrap().client_auth(), ClientAuth::None));
}

#[test]
fn slips_in_the_issuer() {
    for (value, fix) in [
        ("", "is not set"),
        ("https://{yourOktaDomain}/oauth2/default", "placeholder"),
        ("https://${yourOktaDomain}/oauth2/default", "placeholder"),
        ("https://yourOktaDomain/oauth2/default", "placeholder"),
        ("https://<org>.okta.com", "placeholder"),
        ("https://dev-1-admin.okta.com", "dev-1.okta.com"),
        ("https://dev-1-admin.oktapreview.com/oauth2/default", "dev-1.oktapreview.com"),
        ("https://dev-1.okta.com.com", ".com.com"),
        ("https://https://dev-1.okta.com", "twice"),
        ("dev-1.okta.com/oauth2/default", "https://dev-1.okta.com/oauth2/default"),
        ("http://dev-1.okta.com", "use https"),
        ("ftp://dev-1.okta.com", "use https"),
        ("https://dev-1.okta.com/oauth2", "/oauth2/default"),
        ("https://dev-1.okta.com/oauth2/default?x=1", "remove it"),
        ("https://dev-1.okta.com/oauth2/default#x", "remove it"),
        ("https://user:pw@dev-1.okta.com", "before the `@`"),
        ("https://dev-1.okta.com/oauth2/default/.well-known/openid-configuration", "endpoint"),
        ("https://dev-1.okta.com/oauth2/default/v1/authorize", "endpoint"),
        ("https://", "not a URL"),
        ("https://dev 1.okta.com", "not a URL"),
    ] {
        refused("OKTA_ISSUER_URI", value, fix);
    }
}

#[test]
fn issuers_that_are_fine() {
    for (value, org) in [
        ("https://dev-1.okta.com", true),
        ("https://dev-1.okta.com/oauth2/aus9o8wzkhckw9TLa0h7z", false),
        ("https://login.example.com/oauth2/default", false),
        ("http://127.0.0.1:7777/oauth2/default", false),
        ("http://localhost:7777", true),
        ("http://[::1]:7777", true),
        ("http://acme.localhost:7777/oauth2/default", false),
    ] {
        let config = with(&[("OKTA_ISSUER_URI", value)]).unwrap();
        assert_eq!((config.issuer().as_str(), config.issuer().is_org_server()), (value, org));
    }
}

#[test]
fn a_trailing_slash_is_dropped_with_a_warning() {
    let config = with(&[("OKTA_ISSUER_URI", "https://dev-1.okta.com/oauth2/default/")]).unwrap();
    assert_eq!(config.issuer().as_str(), "https://dev-1.okta.com/oauth2/default");
    assert_eq!(config.warnings()[0].severity, Severity::Warning);
    assert_eq!(config.warnings()[0].variable, "OKTA_ISSUER_URI");
}

#[test]
fn slips_in_client_id_and_secret() {
    refused("OKTA_CLIENT_ID", "", "is not set");
    refused("OKTA_CLIENT_ID", "{clientId}", "replace");
    refused("OKTA_CLIENT_ID", "0oa 1", "copy it again");
    refused("OKTA_CLIENT_ID", "\"0oa1\"", "copy it again");
    refused("OKTA_CLIENT_SECRET", "{clientSecret}", "placeholder");
    refused("OKTA_CLIENT_SECRET", "a secret", "copy it again");
    let message = with(&[("OKTA_CLIENT_SECRET", "sensitive secret")]).unwrap_err();
    assert!(!message.contains("sensitive"), "a secret in a message: {message}");
}

#[test]
fn slips_in_urls() {
    refused("OKTA_BASE_URL", "http://app.example.com", "use https");
    refused("OKTA_BASE_URL", "https://app.example.com/app", "https://app.example.com");
    refused("OKTA_BASE_URL", "app.example.com", "not a URL");
    refused("OKTA_REDIRECT_URI", "https://other.example.com/authorization-code/callback", "make both the same");
    refused("OKTA_REDIRECT_URI", "http://localhost:8080/cb#x", "fragment");
    let message = with(&[("OKTA_REDIRECT_URI", "http://localhost:8080/login")]).unwrap_err();
    assert!(message.contains("two of the paths"), "{message}");
    refused("OKTA_POST_LOGOUT_REDIRECT_URI", "/goodbye", "not a URL");
}

#[test]
fn slips_in_the_rest() {
    refused("OKTA_SCOPES", "profile email", "openid");
    refused("OKTA_SCOPES", "openid pro\"file", "not a scope");
    refused("OKTA_COOKIE_SECRET", "short", "32 or more");
    refused("OKTA_COOKIE_SECRET", "a good secret that is long enough.....,short", "secret 2");
    refused("OKTA_COOKIE_SECRET", &"x".repeat(40), "repeated");
    let elsewhere = "postgres://user:password@127.0.0.1";
    for variable in ["OKTA_SESSION_STORE", "OKTA_REVOCATION_STORE"] {
        refused(variable, elsewhere, "`redis://host:6379`");
        assert!(!with(&[(variable, elsewhere)]).unwrap_err().contains("password"));
    }
}

#[test]
fn a_variable_under_a_wrong_name() {
    for (slip, meant) in [
        ("OKTA_ISSUER", "OKTA_ISSUER_URI"),
        ("OKTA_DOMAIN", "OKTA_ISSUER_URI"),
        ("OKTA_ORG_URL", "OKTA_ISSUER_URI"),
        ("OKTA_OAUTH2_CLIENT_ID", "OKTA_CLIENT_ID"),
        ("OKTA_SECRET", "OKTA_CLIENT_SECRET"),
        ("OKTA_CALLBACK_URL", "OKTA_REDIRECT_URI"),
    ] {
        let message = with(&[(meant, ""), (slip, "https://x.okta.com")]).unwrap_err();
        assert!(message.contains(slip) && message.contains("rename it"), "{message}");
        if meant != "OKTA_REDIRECT_URI" {
            let config = with(&[(slip, "https://x.okta.com")]).unwrap();
            assert!(config.warnings()[0].message.contains(slip), "both are set: a warning");
        }
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let message = with(&[
        ("OKTA_ISSUER_URI", "https://{yourOktaDomain}"),
        ("OKTA_CLIENT_ID", ""),
        ("OKTA_BASE_URL", "http://app.example.com"),
        ("OKTA_SCOPES", "profile"),
        ("OKTA_COOKIE_SECRET", "short"),
    ])
    .unwrap_err();
    assert!(message.contains("5 problems"), "{message}");
    for variable in ["OKTA_ISSUER_URI", "OKTA_CLIENT_ID", "OKTA_BASE_URL", "OKTA_SCOPES", "OKTA_COOKIE_SECRET"] {
        assert!(message.contains(&format!("- {variable}:")), "{message}");
    }
}

#[test]
fn warnings_for_what_works_but_is_probably_not_meant() {
    let warned = |changes: &[(&str, &str)]| with(changes).unwrap().warnings()[0].to_string();
    assert!(warned(&[("OKTA_BASE_URL", "https://app.example.com")]).contains("OKTA_COOKIE_SECRET"));
    let org = [("OKTA_ISSUER_URI", "https://dev-1.okta.com"), ("OKTA_AUDIENCE", "api://orders")];
    assert!(warned(&org).contains("introspected"));
}

#[test]
fn code_wins_over_variables_and_nonsense_in_code_is_refused() {
    let base = || ConfigBuilder::from_variables(GOOD);
    assert_eq!(base().client_id("other").build().unwrap().client_id(), "other");
    let refused = |config: ConfigBuilder| config.build().unwrap_err().to_string();
    assert!(refused(base().leeway(Duration::from_secs(301))).contains("leeway"));
    assert!(refused(base().session_idle(Duration::ZERO)).contains("session"));
    assert!(refused(base().attempt_lifetime(Duration::ZERO)).contains("attempt_lifetime"));
    assert!(refused(base().max_attempts(0)).contains("attempt_lifetime"));
    assert!(refused(base().algorithms(Vec::<String>::new())).contains("algorithms"));
    assert!(refused(base().algorithms(["none"])).contains("algorithms"));
    assert!(refused(base().cookie_name("bad name")).contains("cookie_name"));
    assert!(refused(base().login_path("no-slash")).contains("routes"));
    assert!(refused(base().login_path("/{wild}")).contains("routes"));
    assert!(refused(base().mount_path("/app").redirect_uri("http://localhost:8080/cb")).contains("mount path"));
}

#[test]
fn debug_shows_no_secret() {
    let config = with(&[("OKTA_COOKIE_SECRET", "a-cookie-secret-that-is-long-enough-for-it")]).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("xYzABC1234567") && !shown.contains("a-cookie-secret"), "{shown}");
    let builder = ConfigBuilder::from_variables(GOOD)
        .session_store("redis://app:hunter2@localhost:6379")
        .revocation_store("redis://app:hunter2@localhost:6379");
    let shown = format!("{builder:?}");
    assert!(!shown.contains("xYzABC1234567") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_store_may_be_named_in_the_words_of_redis_and_of_valkey() {
    for scheme in ["redis", "valkey"] {
        for tls in ["", "s"] {
            for kind in ["", "-cluster", "-sentinel"] {
                let url = format!("{scheme}{tls}{kind}://localhost:6379");
                with(&[("OKTA_SESSION_STORE", &url)]).unwrap_or_else(|error| panic!("{url}: {error}"));
            }
        }
    }
    refused("OKTA_SESSION_STORE", "redis-unix://localhost:6379", "none of the stores");
}

/// What a newcomer sees first: the error that `main` returns.
#[test]
fn an_error_of_main_is_read_line_by_line() {
    let error =
        ConfigBuilder::from_variables([("OKTA_ISSUER_URI", "https://acme-admin.okta.com")]).build().unwrap_err();
    let shown = format!("{error:?}");
    assert!(
        shown.starts_with("the Okta configuration has 2 problems:\n") && shown.ends_with("[config_invalid]"),
        "{shown}"
    );
    assert!(shown.lines().any(|line| line.trim_start().starts_with("- OKTA_CLIENT_ID")), "{shown}");
}

#[test]
fn slips_in_addresses_and_secrets() {
    refused("OKTA_BASE_URL", "localhost:8080", "begins with https:// (on this machine http://)");
    refused("OKTA_BASE_URL", "http://0.0.0.0:8080", "use `http://localhost:8080`");
    let empty = ConfigBuilder::from_variables(GOOD).client_id("").build().unwrap_err().to_string();
    assert!(empty.contains("OKTA_CLIENT_ID: it is empty"), "{empty}");
    refused("OKTA_REDIRECT_URI", "http://localhost:8080", "`/authorization-code/callback`");
    refused("OKTA_CLIENT_SECRET", "\"xYzABC1234567\"", "in quotes");
    refused("OKTA_ISSUER_URI", "\"https://dev-12345678.okta.com\"", "in quotes");
    for path in ["/oauth2/default/v1", "/login", "/app/UserHome", "/oauth2/default/extra"] {
        refused("OKTA_ISSUER_URI", &format!("https://dev-12345678.okta.com{path}"), path);
    }
    with(&[("OKTA_ISSUER_URI", "https://login.example.com/realms/one")]).unwrap();
}
