//! Configuration validation: every mistake gets a message with the variable and the fix,
//! and all are reported together.

use std::time::Duration;

use okta_auth_core::config::{ClientAuth, Config, ConfigBuilder};
use okta_auth_core::engine::OktaAuth;
use okta_auth_core::multi_tenant::{Resolver, Tenants};

const GOOD: [(&str, &str); 4] = [
    ("OKTA_ISSUER_URI", "https://dev-12345678.okta.com/oauth2/default"),
    ("OKTA_CLIENT_ID", "0oa1abcdXYZ2efGhI5d7"),
    ("OKTA_CLIENT_SECRET", "xYzABC1234567DefghIJKLmnopQrstuVW"),
    ("OKTA_COOKIE_SECRET", "kU2yZ8mQmE0bq1nTqYxFv7wLh3cVtR9dJp5sGa6iXo4"),
];

/// The valid variables with some replaced; an empty value counts as unset.
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

/// Universal Logout names users by e-mail address, so sessions without it cannot be
/// found.
#[test]
fn universal_logout_without_email_is_a_warning() {
    let warnings = |scopes: &str, route: bool| {
        let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1").scopes(scopes);
        let config = if route { config } else { config.without_global_token_revocation() };
        let config = config.cookie_secret("a secret for tests, 32 bytes or more").build().unwrap();
        config.warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let found = warnings("openid profile", true);
    assert!(found.len() == 1 && found[0].contains("OKTA_SCOPES") && found[0].contains("`email`"), "{found:?}");
    assert!(warnings("openid profile email", true).is_empty());
    assert!(warnings("openid profile", false).is_empty(), "the route is disabled");
}

#[test]
fn three_variables_are_enough() {
    let config = with(&[("OKTA_COOKIE_SECRET", "")]).unwrap();
    assert_eq!(config.redirect_uri().as_str(), "http://localhost:8080/authorization-code/callback");
    assert_eq!(config.post_logout_redirect_uri().as_str(), "http://localhost:8080/");
    assert_eq!(config.scopes(), ["openid", "profile", "email"]);
    assert_eq!(config.audiences(), ["api://default"]);
    assert!(matches!(config.client_auth(), ClientAuth::SecretBasic(_)));
    let warnings = config.warnings();
    assert!(warnings.len() == 1 && warnings[0].variable == "OKTA_COOKIE_SECRET", "{warnings:?}");
    assert!(with(&[]).unwrap().warnings().is_empty());
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
fn valid_issuers() {
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
    refused("OKTA_CLIENT_SECRET", "xYzABC1234..", "placeholder");
    let message = with(&[("OKTA_CLIENT_SECRET", "sensitive secret")]).unwrap_err();
    assert!(!message.contains("sensitive"), "a secret in a message: {message}");
}

#[test]
fn slips_in_urls() {
    refused("OKTA_BASE_URL", "http://app.example.com", "use https");
    refused("OKTA_BASE_URL", "https://app.example.com/app", "https://app.example.com");
    refused("OKTA_BASE_URL", "app.example.com", "not a URL");
    refused(
        "OKTA_REDIRECT_URI",
        "https://other.example.com/authorization-code/callback",
        "use the same origin for both",
    );
    refused("OKTA_REDIRECT_URI", "http://localhost:8080/cb#x", "fragment");
    let message = with(&[("OKTA_REDIRECT_URI", "http://localhost:8080/login")]).unwrap_err();
    assert!(message.contains("two paths are the same"), "{message}");
    refused("OKTA_POST_LOGOUT_REDIRECT_URI", "/goodbye", "not a URL");
}

#[test]
fn slips_in_other_variables() {
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
fn a_misspelled_variable() {
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
fn all_problems_are_reported_at_once() {
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
fn warnings_for_settings_that_are_probably_mistakes() {
    let warned = |changes: &[(&str, &str)]| with(changes).unwrap().warnings()[0].to_string();
    assert!(
        warned(&[("OKTA_BASE_URL", "https://app.example.com"), ("OKTA_COOKIE_SECRET", "")])
            .contains("OKTA_COOKIE_SECRET")
    );
    let org = [("OKTA_ISSUER_URI", "https://dev-1.okta.com"), ("OKTA_AUDIENCE", "api://orders")];
    assert!(warned(&org).contains("introspected"));
}

#[test]
fn code_takes_precedence_over_variables_and_invalid_values_in_code_are_rejected() {
    let base = || ConfigBuilder::from_variables(GOOD);
    assert_eq!(base().client_id("other").build().unwrap().client_id(), "other");
    let refused = |config: ConfigBuilder| config.build().unwrap_err().to_string();
    assert!(refused(base().leeway(Duration::from_secs(301))).contains("leeway"));
    assert!(refused(base().session_idle(Duration::ZERO)).contains("session"));
    assert!(refused(base().attempt_lifetime(Duration::ZERO)).contains("attempt_lifetime"));
    assert!(refused(base().max_attempts(0)).contains("attempt_lifetime"));
    assert!(refused(base().algorithms(Vec::<String>::new())).contains("OKTA_ALGORITHMS"));
    assert!(refused(base().algorithms(["none"])).contains("OKTA_ALGORITHMS"));
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
fn a_store_url_may_use_the_schemes_of_redis_and_of_valkey() {
    for scheme in ["redis", "valkey"] {
        for tls in ["", "s"] {
            for kind in ["", "-cluster", "-sentinel"] {
                let url = format!("{scheme}{tls}{kind}://localhost:6379");
                with(&[("OKTA_SESSION_STORE", &url)]).unwrap_or_else(|error| panic!("{url}: {error}"));
            }
        }
    }
    refused("OKTA_SESSION_STORE", "redis-unix://localhost:6379", "not a supported store");
}

/// The first message that a newcomer sees: the error that `main` returns.
#[test]
fn an_error_of_main_is_shown_line_by_line() {
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

/// Each of these variables selects the user's own Okta in another library.
#[test]
fn names_of_other_okta_libraries_are_refused_with_the_right_name() {
    for (name, meant) in [
        ("OKTA_OAUTH2_ISSUER", "OKTA_ISSUER_URI"),
        ("OKTA_OAUTH2_CLIENT_ID", "OKTA_CLIENT_ID"),
        ("OKTA_OAUTH2_CLIENTID", "OKTA_CLIENT_ID"),
        ("OKTA_OAUTH2_CLIENT_SECRET", "OKTA_CLIENT_SECRET"),
        ("OKTA_OAUTH2_AUDIENCE", "OKTA_AUDIENCE"),
        ("OKTA_OAUTH2_REDIRECT_URI", "OKTA_REDIRECT_URI"),
        ("OKTA_OAUTH2_POST_LOGOUT_REDIRECT_URI", "OKTA_POST_LOGOUT_REDIRECT_URI"),
        ("OKTA_OAUTH2_SCOPES", "OKTA_SCOPES"),
        ("OKTA_DOMAIN", "OKTA_ISSUER_URI"),
        ("OKTA_ORGURL", "OKTA_ISSUER_URI"),
        ("OKTA_CLIENT_ORGURL", "OKTA_ISSUER_URI"),
        ("OKTA_CLIENT_CLIENTID", "OKTA_CLIENT_ID"),
        ("OKTA_CLIENT_PRIVATEKEY", "OKTA_PRIVATE_KEY"),
        ("OKTA_IDX_ISSUER", "OKTA_ISSUER_URI"),
        ("OKTA_IDX_CLIENTSECRET", "OKTA_CLIENT_SECRET"),
        ("OKTA_OIDC_CLIENT_ID", "OKTA_CLIENT_ID"),
        ("OKTA_APP_CLIENT_SECRET", "OKTA_CLIENT_SECRET"),
    ] {
        let config = ConfigBuilder::from_variables([(name, "x"), ("OKTA_SCOPE_OF_NOBODY", "y")]);
        let others = ["OKTA_AUDIENCE", "OKTA_REDIRECT_URI", "OKTA_POST_LOGOUT_REDIRECT_URI", "OKTA_SCOPES"];
        assert_eq!(config.names_an_org(), !others.contains(&meant), "{name}");
        let message = config.build().unwrap_err().to_string();
        assert!(
            message.contains(&format!("{meant}: `{name}` is set, but the name that is read is `{meant}`")),
            "{message}"
        );
    }
}

#[test]
fn names_of_other_libraries_are_a_warning_if_the_right_ones_are_set() {
    let both = [("OKTA_OAUTH2_ISSUER", "x"), ("OKTA_CLIENT_CLIENTID", "x"), ("OKTA_CLIENT_PRIVATEKEY", "x")];
    let config = with(&both).unwrap();
    assert_eq!(config.warnings().len(), 3, "{:?}", config.warnings());
    let in_code =
        ConfigBuilder::from_variables([("OKTA_DOMAIN", "x")]).issuer("https://acme.okta.com").client_id("0oa1");
    let in_code = in_code.cookie_secret("a secret for tests, 32 bytes or more");
    assert_eq!(in_code.build().unwrap().warnings().len(), 1, "a value set in code counts");
    for other in ["OKTA_CLIENT_TOKEN", "OKTA_API_TOKEN", "OKTA_DEV_ORGS", "OKTA_LOG_LEVEL"] {
        assert!(with(&[(other, "x")]).unwrap().warnings().is_empty(), "{other} is for another program");
    }
    let tenants = [("OKTA_TENANTS", "app"), ("OKTA_APP_CLIENT_ID", "0oa1")];
    assert!(with(&tenants).unwrap().warnings().is_empty(), "a tenant's variable");
}

/// On https, where a guessed cookie secret opens every session.
#[test]
fn weak_cookie_secrets() {
    let https = |secret: &str| with(&[("OKTA_BASE_URL", "https://app.example.com"), ("OKTA_COOKIE_SECRET", secret)]);
    for weak in [
        "<put 32 random bytes or more here>",
        "{a secret of at least 32 bytes, random}",
        "changeme-changeme-changeme-changeme",
        "changeme.........................",
        "CHANGE_ME_to_something_of_32_bytes_or_more",
        "replace-me-with-a-long-random-string",
        "your-secret-goes-here-your-secret-goes-here",
        "a secret that all replicas share and nobody else",
        "abababababababababababababababab",
        "0123456789012345678901234567890123456789",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
        "passwordpasswordpasswordpassword",
        "kU2yZ8mQmE0bq1nTqYxFv7wLh3cVtR9dJp..",
        "qzqqzzqzqqqzzqzqzzqzqzzzqqzqzqqzqzzq",
    ] {
        let message = https(weak).expect_err(weak);
        assert!(message.contains("OKTA_COOKIE_SECRET: secret 1"), "{weak}: {message}");
        assert!(message.contains("`openssl rand -base64 48`") && !message.contains(weak), "{weak}: {message}");
    }
    for good in [
        "kU2yZ8mQmE0bq1nTqYxFv7wLh3cVtR9dJp5sGa6iXo4", // base64url
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "3kT!v9#xQz@7mLp$W2rN^8bYc&5hJd*G",
        "8c1f6d3e-52a7-4b90-9e1d-7f30c2a58b64",
    ] {
        https(good).unwrap_or_else(|message| panic!("{good}: {message}"));
    }
    let second = https("kU2yZ8mQmE0bq1nTqYxFv7wLh3cVtR9dJp5sGa6iXo4,abababababababababababababababab").unwrap_err();
    assert!(second.contains("secret 2 repeats itself"), "{second}");
    with(&[("OKTA_COOKIE_SECRET", "abababababababababababababababab")])
        .expect("on this machine a weak secret is allowed");
}

#[test]
fn placeholders_for_every_value_that_belongs_to_one_application() {
    for secret in [
        "...",
        "…",
        "xxxxxxxx",
        "********",
        "your-client-secret",
        "<secret>",
        "changeme",
        "from-a-vault",
        "YOUR_SECRET",
    ] {
        refused("OKTA_CLIENT_SECRET", secret, "placeholder");
    }
    for issuer in ["https://...", "https://your-okta-domain/oauth2/default", "https://yourOrg.okta.com"] {
        refused("OKTA_ISSUER_URI", issuer, "placeholder");
    }
    for id in ["...", "your_client_id", "YOUR_CLIENT_ID", "<client id>"] {
        refused("OKTA_CLIENT_ID", id, "replace");
    }
    for store in ["OKTA_SESSION_STORE", "OKTA_REVOCATION_STORE"] {
        refused(store, "redis://..", "placeholder");
    }
}

/// A reader who copies a sample value of the documentation gets an error at startup and
/// not a failing sign-in.
#[test]
fn sample_values_of_the_documentation_are_rejected() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<std::path::PathBuf> =
        ["README.md", "docs", "okta-auth-core/src", "okta-auth-axum/src", "okta-auth-actix/src", "src", "examples"]
            .iter()
            .map(|name| root.join(name))
            .collect();
    let mut samples = Vec::new();
    while let Some(path) = texts.pop() {
        if path.is_dir() {
            texts.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let is_code = path.extension().is_some_and(|extension| extension == "rs");
        if !is_code && path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // In source files, only documentation comments are checked.
        let lines = text.lines().filter(|line| !is_code || line.trim_start().starts_with("//"));
        lines.for_each(|line| samples.extend(samples_of(line)));
    }
    assert!(samples.len() > 8, "the samples were not found: {samples:?}");
    for (name, value) in samples {
        // The two placeholder secrets in the explanation of rotation are too short
        // anyway.
        let https = ("OKTA_BASE_URL", "https://app.example.com");
        let changes =
            if name == "OKTA_COOKIE_SECRET" { vec![https, (name, &value)] } else { vec![(name, value.as_str())] };
        assert!(with(&changes).is_err(), "{name}={value} of the documentation is accepted");
    }
}

/// Application-specific values in a line, as variables and as calls.
fn samples_of(line: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for name in [
        "OKTA_ISSUER_URI",
        "OKTA_CLIENT_ID",
        "OKTA_CLIENT_SECRET",
        "OKTA_COOKIE_SECRET",
        "OKTA_SESSION_STORE",
        "OKTA_REVOCATION_STORE",
    ] {
        for (at, _) in line.match_indices(&format!("{name}=")) {
            let value = &line[at + name.len() + 1..];
            let end = value.find(|c: char| c.is_whitespace() || "`\",;)|<".contains(c)).unwrap_or(value.len());
            let value = value[..end].trim_end_matches('.').to_owned()
                + if value[..end].ends_with("...") {
                    "..."
                } else if value[..end].ends_with("..") {
                    ".."
                } else {
                    ""
                };
            if !value.is_empty() && !["memory", "cookie", "none"].contains(&&*value) {
                found.push((name, value));
            }
        }
    }
    for (call, name) in [
        (".client_secret(\"", "OKTA_CLIENT_SECRET"),
        (".cookie_secret(\"", "OKTA_COOKIE_SECRET"),
        ("client_secret = \"", "OKTA_CLIENT_SECRET"),
    ] {
        for (at, _) in line.match_indices(call) {
            found.extend(line[at + call.len()..].split_once('"').map(|(value, _)| (name, value.to_owned())));
        }
    }
    found
}

#[test]
fn limits_in_variables() {
    let config = with(&[("OKTA_SESSION_IDLE", "30m"), ("OKTA_SESSION_ABSOLUTE", "8h"), ("OKTA_LEEWAY", "90")]).unwrap();
    let shown = format!("{config:?}");
    for (name, value) in [("session_idle", "1800s"), ("session_absolute", "28800s"), ("leeway", "90s")] {
        assert!(shown.contains(&format!("{name}: {value}")), "{name}: {shown}");
    }
    for name in ["OKTA_SESSION_IDLE", "OKTA_SESSION_ABSOLUTE"] {
        for (value, fix) in [
            ("0", "out of bounds"),
            ("401d", "`400d`"),
            ("1.5h", "is not a time"),
            ("soon", "`30m`"),
            ("-5", "is not a time"),
        ] {
            refused(name, value, fix);
        }
    }
    refused("OKTA_LEEWAY", "6m", "`5m`");
    refused("OKTA_LEEWAY", "1h", "out of bounds");
    let base = ConfigBuilder::from_variables(GOOD.into_iter().chain([("OKTA_LEEWAY", "nonsense")]));
    assert!(format!("{:?}", base.leeway(Duration::from_secs(7)).build().unwrap()).contains("leeway: 7s"), "code wins");
    let variables = [("OKTA_SESSION_IDLE", "30m"), ("OKTA_SESSION_ABSOLUTE", "nonsense")];
    let base = ConfigBuilder::from_variables(GOOD.into_iter().chain(variables));
    let base = base.session_idle(Duration::from_secs(60)).session_absolute(Duration::from_secs(120));
    let shown = format!("{:?}", base.build().unwrap());
    assert!(shown.contains("session_idle: 60s") && shown.contains("session_absolute: 120s"), "code wins: {shown}");
}

#[test]
fn a_proxy_is_validated_and_its_password_never_shown() {
    for (name, value, fix) in [
        ("OKTA_HTTP_PROXY", "socks5://app:hunter2@proxy.example:1080", "proxies that speak HTTP"),
        ("HTTPS_PROXY", "socks5h://app:hunter2@proxy.example:1080", "proxies that speak HTTP"),
        ("ALL_PROXY", "http://app:hunter2@proxy.example:port", "not a URL"),
        ("OKTA_HTTP_PROXY", "http://app:hunter2@proxy.example/path", "a path"),
    ] {
        refused(name, value, fix);
        assert!(!with(&[(name, value)]).unwrap_err().contains("hunter2"), "{name}");
    }
    let proxy = "http://app:hunter2@proxy.example:3128";
    for name in ["OKTA_HTTP_PROXY", "HTTPS_PROXY"] {
        let shown = format!("{:?}", with(&[(name, proxy)]).unwrap());
        assert!(shown.contains("proxy.example:3128") && !shown.contains("hunter2"), "{shown}");
    }
    let builder = ConfigBuilder::from_variables([("HTTPS_PROXY", proxy)]).http_proxy(proxy);
    assert!(!format!("{builder:?}").contains("hunter2"));
    for (none, other) in [("none", "socks5://proxy.example"), ("NONE", proxy)] {
        let config = with(&[("OKTA_HTTP_PROXY", none), ("HTTPS_PROXY", other)]).expect("the other proxy is not used");
        assert!(!format!("{config:?}").contains("HttpProxy"), "{config:?}");
    }
}

#[test]
fn a_backchannel_is_allowed_only_on_this_machine() {
    let local =
        [("OKTA_ISSUER_URI", "http://localhost:8090/oauth2/default"), ("OKTA_BASE_URL", "http://localhost:8080")];
    let inside = ("OKTA_BACKCHANNEL_URL", "http://okta:8090");
    with(&[local[0], local[1], inside]).unwrap();
    for elsewhere in [
        [("OKTA_ISSUER_URI", "https://acme.okta.com/oauth2/default"), local[1]],
        [local[0], ("OKTA_BASE_URL", "https://app.example.com")],
        [("OKTA_ISSUER_URI", "https://localhost.example.com"), local[1]],
        [("OKTA_ISSUER_URI", "https://127.0.0.1.example.com"), local[1]],
        [local[0], ("OKTA_BASE_URL", "https://10.0.0.1")],
    ] {
        let message = with(&[elsewhere[0], elsewhere[1], inside]).unwrap_err();
        assert!(message.contains("OKTA_BACKCHANNEL_URL: it is for development"), "{message}");
    }
    for bad in
        ["okta:8090", "http://okta:8090/oauth2", "http://app:hunter2@okta:8090", "http://okta:8090?x=1", "ftp://okta"]
    {
        let message = with(&[local[0], local[1], ("OKTA_BACKCHANNEL_URL", bad)]).expect_err(bad);
        assert!(message.contains("OKTA_BACKCHANNEL_URL") && !message.contains("hunter2"), "{message}");
    }
}

#[test]
fn a_health_path_is_a_plain_path_of_the_application() {
    with(&[("OKTA_HEALTH_PATH", "/healthz")]).unwrap();
    for own in ["/login", "/logout", "/authorization-code/callback", "/frontchannel-logout"] {
        refused("OKTA_HEALTH_PATH", own, "belongs to the library");
    }
    for bad in ["healthz", "/{path}", "/*", "/a?b", "/a#b", "/a//b", "/%68ealthz", "https://app.example.com/healthz"] {
        refused("OKTA_HEALTH_PATH", bad, "is not a plain path");
    }
}

/// What the protocol decides is no parameter of the application, in any case of letters.
#[test]
fn parameters_of_the_authorization_request_that_an_application_cannot_set() {
    use okta_auth_core::login::{LoginOptions, ReturnTo};
    let allowed = |name: &str| ConfigBuilder::from_variables(GOOD).allow_login_parameters([name]).build();
    let with_value = |name: &str, value: &str| LoginOptions::new(ReturnTo::root()).with_parameter(name, value);
    for reserved in [
        "state",
        "State",
        "nonce",
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "login_hint",
        "max_age",
        "acr_values",
        "dpop_jkt",
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "",
        "a b",
        "a&state",
    ] {
        let set = ConfigBuilder::from_variables(GOOD).login_parameter(reserved, "x").build();
        let message = set.expect_err(reserved).to_string();
        assert!(message.contains("OKTA_LOGIN_PARAMETERS"), "{reserved}: {message}");
        let message = allowed(reserved).expect_err(reserved).to_string();
        assert!(message.contains("allow_login_parameters"), "{reserved}: {message}");
        assert!(with_value(reserved, "x").is_err(), "{reserved}");
    }
    for (name, value) in [("idp", ""), ("idp", "a\nb"), ("idp", &"x".repeat(2_049))] {
        assert!(with_value(name, value).is_err(), "{value:?}");
    }
    allowed("idp").unwrap();
    with_value("idp", &"x".repeat(2_048)).unwrap();
}

#[test]
fn parameters_of_every_sign_in_are_a_query_string() {
    for good in ["access_type=offline&prompt=consent", "prompt=login+consent", "claims=%7B%22userinfo%22%3A%7B%7D%7D"] {
        with(&[("OKTA_LOGIN_PARAMETERS", good)]).expect(good);
    }
    for (bad, fix) in [
        ("state=mine", "leave it out"),
        ("access_type=offline&redirect_uri=https://evil.example", "`redirect_uri` is set by the protocol"),
        ("scope=openid", "OKTA_SCOPES"),
        ("prompt=none", "`silent_login`"),
        ("prompt=login&prompt=consent", "`prompt` occurs twice"),
        ("access_type", "the value of `access_type`"),
        ("access_type=", "the value of `access_type`"),
        ("?access_type=offline", "is not a parameter"),
        ("access_type: offline", "is not a parameter"),
        ("prompt=a%0Ab", "control characters"),
    ] {
        refused("OKTA_LOGIN_PARAMETERS", bad, fix);
    }
    // Code takes precedence, and replaces the variable as a whole.
    let variables = GOOD.into_iter().chain([("OKTA_LOGIN_PARAMETERS", "state=mine")]);
    ConfigBuilder::from_variables(variables).login_parameter("prompt", "consent").build().unwrap();
    let tenants = OktaAuth::builder().from_variables([("OKTA_LOGIN_PARAMETERS", "state=mine")]);
    let message = Tenants::builder(tenants).resolve(Resolver::Path("/t".to_owned())).build().unwrap_err().to_string();
    assert!(message.contains("OKTA_LOGIN_PARAMETERS: `state`"), "{message}");
}

#[test]
fn algorithms_are_a_list_and_code_takes_precedence() {
    for good in ["EdDSA", "Ed25519", "RS256, ES256,", "RS256,RS384,RS512,PS256,ES256,ES384,EdDSA,Ed25519"] {
        with(&[("OKTA_ALGORITHMS", good)]).expect(good);
    }
    for bad in ["none", "HS256", "RS256 ES256", "rs256", ",", "Ed448"] {
        refused("OKTA_ALGORITHMS", bad, "use one or more of RS256, RS384, RS512, PS256, ES256, ES384, EdDSA");
    }
    let variables = GOOD.into_iter().chain([("OKTA_ALGORITHMS", "HS256")]);
    ConfigBuilder::from_variables(variables).algorithms(["Ed25519"]).build().unwrap();
    let tenants = OktaAuth::builder().from_variables([("OKTA_ALGORITHMS", "HS256")]);
    let message = Tenants::builder(tenants).resolve(Resolver::Path("/t".to_owned())).build().unwrap_err().to_string();
    assert!(message.contains("OKTA_ALGORITHMS: use one or more of"), "{message}");
}

/// With many tenants, settings for a single Okta are rejected or ignored.
#[test]
fn tenants_have_neither_a_backchannel_nor_a_proxy() {
    let tenants = |variable: (&'static str, &'static str)| {
        let shared = OktaAuth::builder().from_variables([variable]);
        Tenants::builder(shared).resolve(Resolver::Path("/t".to_owned())).build().map_err(|error| error.to_string())
    };
    let message = tenants(("OKTA_BACKCHANNEL_URL", "http://okta:8090")).unwrap_err();
    assert!(message.contains("OKTA_BACKCHANNEL_URL") && message.contains("remove it"), "{message}");
    tenants(("ALL_PROXY", "socks5://proxy.example")).unwrap();
}

#[test]
fn a_public_prefix_is_part_of_public_urls() {
    let config = with(&[("OKTA_PUBLIC_PREFIX", "/app/")]).unwrap();
    assert_eq!(config.redirect_uri().as_str(), "http://localhost:8080/app/authorization-code/callback");
    assert_eq!(config.post_logout_redirect_uri().as_str(), "http://localhost:8080/app/");
    assert_eq!(config.routes().callback(), Some("/authorization-code/callback"), "the router sees no prefix");
    let both = ConfigBuilder::from_variables(GOOD).public_prefix("/app").mount_path("/portal").build().unwrap();
    assert_eq!(both.redirect_uri().path(), "/app/portal/authorization-code/callback");
    assert_eq!(both.routes().callback(), Some("/portal/authorization-code/callback"));
    for bad in ["app", "/app//x", "/../x", "/a b", "https://app.example.com/app", "/app?x", "/{app}", "//evil.example"]
    {
        refused("OKTA_PUBLIC_PREFIX", bad, "`/app`");
    }
    let elsewhere =
        [("OKTA_PUBLIC_PREFIX", "/app"), ("OKTA_REDIRECT_URI", "http://localhost:8080/authorization-code/callback")];
    assert!(with(&elsewhere).unwrap_err().contains("not below `/app`"));
}

#[test]
fn sessions_in_cookies_with_ended_ones_in_memory_are_warned_about_once() {
    let good = ("OKTA_COOKIE_SECRET", "kU2yZ8mQmE0bq1nTqYxFv7wLh3cVtR9dJp5sGa6iXo4");
    let warned = |more: &[(&str, &str)]| {
        let config = with(&[&[("OKTA_BASE_URL", "https://app.example.com"), good], more].concat()).unwrap();
        config.warnings().iter().filter(|warning| warning.variable == "OKTA_REVOCATION_STORE").count()
    };
    assert_eq!(warned(&[]), 1);
    assert_eq!(warned(&[("OKTA_REVOCATION_STORE", "memory")]), 1, "setting it explicitly does not make it safe");
    assert_eq!(warned(&[("OKTA_REVOCATION_STORE", "redis://localhost:6379")]), 0);
    assert_eq!(warned(&[("OKTA_SESSION_STORE", "redis://localhost:6379")]), 0);
    let message = with(&[("OKTA_BASE_URL", "https://app.example.com"), good]).unwrap().warnings()[0].to_string();
    assert!(
        message.contains("a copy of a signed-out cookie is accepted again") && message.contains("redis://"),
        "{message}"
    );
}

/// Without a provider of its own, the application reads the settings that its tenants inherit.
#[test]
fn tenants_report_invalid_settings_that_they_share_at_the_start() {
    let build = |name: &'static str, value: &'static str| {
        let acme = [("OKTA_ACME_ISSUER_URI", "https://acme.okta.com"), ("OKTA_ACME_CLIENT_ID", "0oa1")];
        let shared = [("OKTA_TENANTS", "acme"), ("OKTA_COOKIE_SECRET", "a secret for tests of 32 bytes or more")];
        let variables = acme.into_iter().chain(shared).chain([(name, value)]);
        Tenants::from_variables(variables).map(drop).map_err(|error| error.to_string())
    };
    for (name, value) in [
        ("OKTA_BASE_URL", "ftp://app.example.com"),
        ("OKTA_REDIRECT_URI", "https://elsewhere.example/callback"),
        ("OKTA_POST_LOGOUT_REDIRECT_URI", "/bye"),
        ("OKTA_SCOPES", "profile"),
        ("OKTA_COOKIE_NAME", "two words"),
        ("OKTA_COOKIE_SECRET", "short"),
        ("OKTA_SESSION_STORE", "a file"),
        ("OKTA_REVOCATION_STORE", "a file"),
        ("OKTA_SESSION_IDLE", "soon"),
        ("OKTA_SESSION_ABSOLUTE", "soon"),
        ("OKTA_LEEWAY", "1 day"),
        ("OKTA_HEALTH_PATH", "healthz"),
        ("OKTA_PUBLIC_PREFIX", "app/"),
        ("OKTA_PAR", "maybe"),
        ("OKTA_REQUEST_OBJECT", "maybe"),
        ("OKTA_DPOP", "maybe"),
        ("OKTA_DPOP_NONCE_LIFETIME", "soon"),
        ("OKTA_CLIENT_SECRET_METHOD", "maybe"),
    ] {
        let message = build(name, value).expect_err(name);
        assert!(message.contains(name), "{name}: {message}");
    }
    // The tenants have issuers and clients, so these names of other libraries do not stand for a missing variable.
    for name in ["OKTA_OAUTH2_ISSUER", "OKTA_CLIENT_CLIENTID", "OKTA_OAUTH2_CLIENT_SECRET"] {
        build(name, "x").unwrap_or_else(|message| panic!("{name}: {message}"));
    }
}
