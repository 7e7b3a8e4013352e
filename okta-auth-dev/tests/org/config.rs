//! Settings: TOML, builder, and rejected values.

use std::net::IpAddr;
use std::time::Duration;

use okta_auth_dev::{CLIENT_ID, Client, Org, OrgBuilder, PUBLIC_CLIENT_ID, Rotation, SERVICE_CLIENT_ID};
use serde_json::json;

use crate::support::*;

const TOML: &str = r#"
name = "Acme"
default_users = false

[[user]]
login = "eve@acme.test"
password = "pw"
given_name = "Eve"
groups = ["Everyone", "App_Auditors", "App_Readers"]
claims = { department = "Audit" }

[[client]]
id = "0oaacme"
secret = "s3cret"
redirect_uris = ["http://localhost:8080/authorization-code/callback"]
rotation = "rotate"

[[server]]
id = "default"
access_token_lifetime = 300

[[server.groups_claim]]
name = "roles"
always = false
filter = "STARTS_WITH"
value = "app_"
access_token = true

[[org]]
subdomain = "globex"
"#;

#[tokio::test]
async fn a_file_configures_the_whole_org() {
    let file = std::env::temp_dir().join(format!("okta-dev-{}.toml", std::process::id()));
    std::fs::write(&file, TOML).unwrap();
    let org = OrgBuilder::from_file(&file).unwrap().start().await.unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!((org.client().client_id.as_str(), org.users().len()), ("0oaacme", 1));
    assert!(org.org("globex").is_some());
    let url = authorize_url(&org, &org.issuer(), &[("scope", "openid profile email offline_access")]);
    let code = org.sign_in(&url, "eve@acme.test").await.unwrap().param("code").unwrap();
    let body = exchange(&org, &code, &[]).json();
    assert_eq!(body["expires_in"], 300);
    let (id, access) = (claims(&body["id_token"]), claims(&body["access_token"]));
    assert!(id.get("roles").is_none() && id.get("department").is_none(), "thin: {id}");
    assert_eq!(access["roles"], json!(["App_Auditors", "App_Readers"]));
    let userinfo = userinfo(&org, body["access_token"].as_str().unwrap()).json();
    assert_eq!((&userinfo["department"], &userinfo["roles"]), (&json!("Audit"), &access["roles"]));
    let renewed = refresh(&org, body["refresh_token"].as_str().unwrap()).json();
    assert_ne!(renewed["refresh_token"], body["refresh_token"]);
}

#[tokio::test]
async fn mistakes_are_reported_with_their_setting() {
    let cases = [
        ("prot = 1", "prot"),
        ("[[user]]\nlogin = \"a\"", "password"),
        ("[[client]]\nid = \"a\"\nauth_method = \"basic\"", "basic"),
        ("[[org]]\nname = \"x\"", "subdomain"),
        ("port = 99999", "port"),
    ];
    for (text, word) in cases {
        let error = OrgBuilder::from_toml(text).unwrap_err();
        assert!(error.is_config() && error.to_string().contains(word), "{error}");
    }
    assert!(OrgBuilder::from_file("/nowhere.toml").unwrap_err().to_string().contains("/nowhere.toml"));
    let started = [
        "[[server]]\nid = \"v1\"",
        "[[server]]\nid = \"a/b\"",
        "[[server]]\nid = \"a\"\n[[server.groups_claim]]\nname = \"g\"\nfilter = \"REGEX\"\nvalue = \"(\"",
        "[[org]]\nsubdomain = \"A.b\"",
    ];
    for text in started {
        assert!(OrgBuilder::from_toml(text).unwrap().start().await.unwrap_err().is_config(), "{text}");
    }
}

#[tokio::test]
async fn only_loopback_is_served_by_default() {
    for address in ["0.0.0.0", "192.0.2.1", "::"] {
        let error = Org::builder().host(address.parse::<IpAddr>().unwrap()).start().await.unwrap_err();
        assert!(error.is_config() && error.to_string().contains("127.0.0.1"), "{error}");
    }
    let org = Org::start().await.unwrap();
    let url = format!("{}/.well-known/openid-configuration", org.issuer());
    for host in ["evil.example", "evil.example:80", "acme.localhost", "192.0.2.1"] {
        assert_eq!(send("GET", &url, &[("host", host)], "").status, 421, "{host}");
    }
    for host in ["127.0.0.1", "127.0.0.2:9"] {
        assert_eq!(send("GET", &url, &[("host", host)], "").json()["issuer"], org.issuer(), "{host}");
    }
    for host in ["localhost", "LOCALHOST:1", "[::1]:80"] {
        let answer = send("GET", &url, &[("host", host)], "");
        assert_eq!(answer.status, 421, "the issuer never follows Host ({host})");
        assert!(answer.json()["errorSummary"].as_str().unwrap().contains(org.url()), "{}", answer.body);
        let page = send("GET", &url, &[("host", host), ("accept", "text/html")], "");
        assert!(page.status == 421 && page.body.contains("<h1>") && page.body.contains(org.url()), "{}", page.body);
        let keys = format!("{}/v1/keys", org.issuer());
        assert_eq!(send("GET", &keys, &[("host", host)], "").status, 200, "keys name no issuer, so they are served");
    }
}

#[tokio::test]
async fn a_taken_port_is_reported() {
    let org = Org::start().await.unwrap();
    let port = org.url().rsplit_once(':').unwrap().1.parse().unwrap();
    assert!(Org::builder().port(port).start().await.unwrap_err().is_bind());
}

#[tokio::test]
async fn the_defaults_are_ready_to_use() {
    let org = Org::start().await.unwrap();
    let client = org.client();
    assert_eq!(client.client_id, CLIENT_ID);
    let names: Vec<&str> = org.env().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["OKTA_ISSUER_URI", "OKTA_CLIENT_ID", "OKTA_CLIENT_SECRET"]);
    assert_eq!(org.env()[0].1, org.issuer());
    assert!(org.client_with_id(PUBLIC_CLIENT_ID).is_some() && org.client_with_id(SERVICE_CLIENT_ID).is_some());
    org.allow_redirect("http://127.0.0.1:4000");
    let client = org.client();
    assert!(client.redirect_uris.contains(&"http://127.0.0.1:4000/authorization-code/callback".to_owned()));
    for home in ["http://127.0.0.1:4000/", "http://127.0.0.1:4000"] {
        assert!(client.post_logout_redirect_uris.contains(&home.to_owned()), "{client:?}");
    }
    assert_ne!(client.client_secret, Org::start().await.unwrap().client().client_secret, "each org has its own secret");
}

/// Okta's samples for browser apps have `/login/callback`, and those for web apps `/authorization-code/callback`.
#[tokio::test]
async fn a_public_client_of_an_origin_has_the_paths_of_web_apps_and_browser_apps() {
    let uris = |client: Client| client.redirect_uris;
    let (web, spa) = ("http://localhost:3000/authorization-code/callback", "http://localhost:3000/login/callback");
    let builder = Org::builder().client(Client::web("0oaweb", "")).redirect_origin("http://localhost:3000");
    let org = builder.redirect_uri("http://localhost:3000/other").start().await.unwrap();
    assert_eq!(uris(org.client()), [web, "http://localhost:3000/other"]);
    assert_eq!(uris(org.client_with_id(PUBLIC_CLIENT_ID).unwrap()), [web, "http://localhost:3000/other", spa]);
    assert_eq!(uris(Client::public("0oaspa").origin("http://localhost:3000")), [web, spa]);
}

#[tokio::test]
async fn settings_that_repeat_a_uri_register_it_once() {
    let (home, callback) = ("http://localhost:3000", "http://localhost:3000/authorization-code/callback");
    let native = "com.example.app:/callback";
    let list = format!("{callback},{callback},{native}");
    let variables = [("OKTA_DEV_ORIGINS", home), ("OKTA_DEV_REDIRECT_URIS", &list)];
    let builder = OrgBuilder::from_variables(variables).unwrap().client(Client::public("0oaspa"));
    let builder = builder.redirect_uri(callback).post_logout_redirect_uri(home).scope("default", "orders:read");
    let org = builder.trusted_origin(home).trusted_origin(home).start().await.unwrap();
    let client = org.client();
    let all = [client.redirect_uris, client.post_logout_redirect_uris, org.authorization_servers()[1].scopes.clone()];
    for list in all {
        let once: std::collections::BTreeSet<_> = list.iter().collect();
        assert_eq!(list.len(), once.len(), "{list:?}");
        assert!(!list.iter().any(|uri| uri.starts_with("null")), "a private-use scheme has no origin: {list:?}");
    }
}

#[tokio::test]
async fn the_builder_changes_only_the_given_settings() {
    let client = Client::web("0oamine", "secret").redirect_uri(CALLBACK);
    let builder = Org::builder().client(client).group("Auditors", okta_auth_dev::ADA);
    let builder = builder.groups_claim_everywhere("groups");
    let builder = builder.access_token_lifetime(Duration::from_secs(600)).id_token_lifetime(Duration::from_secs(60));
    let org = builder.code_lifetime(Duration::from_secs(10)).start().await.unwrap();
    assert_eq!(org.client().client_id, "0oamine");
    let body = tokens(&org, "openid profile").await.json();
    let id = claims(&body["id_token"]);
    assert_eq!(id["exp"].as_i64().unwrap() - id["iat"].as_i64().unwrap(), 60);
    assert_eq!((&body["expires_in"], &id["groups"][2]), (&json!(600), &json!("Auditors")));
    let code = sign_in(&org, &[]).await.param("code").unwrap();
    org.clock().advance(Duration::from_secs(11));
    assert_eq!(exchange(&org, &code, &[]).json()["error"], "invalid_grant");
}

#[tokio::test]
async fn lifetimes_come_from_the_policy_or_from_the_server() {
    let settings = r#"
        [[server]]
        id = "default"
        access_token_lifetime = 7
        [[server.access_policy]]
        groups = ["Admins"]
        access_token_lifetime = 3
        [[server.access_policy]]
    "#;
    let org = OrgBuilder::from_toml(settings).unwrap().start().await.unwrap();
    for (login, seconds) in [(okta_auth_dev::ADA, 3), (okta_auth_dev::BEN, 7)] {
        let url = authorize_url(&org, &org.issuer(), &[("scope", "openid offline_access")]);
        let code = org.sign_in(&url, login).await.unwrap().param("code").unwrap();
        let body = exchange(&org, &code, &[]).json();
        let renewed = refresh(&org, body["refresh_token"].as_str().unwrap()).json();
        for body in [body, renewed] {
            let access = claims(&body["access_token"]);
            let lifetime = access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap();
            assert_eq!((&body["expires_in"], lifetime), (&json!(seconds), seconds), "{login}");
        }
    }
}

#[tokio::test]
async fn variables_configure_a_demo() {
    let file = std::env::temp_dir().join(format!("okta-dev-variables-{}.toml", std::process::id()));
    std::fs::write(&file, "port = 1\n[[client]]\nid = \"0oafile\"").unwrap();
    let variables = [
        ("OKTA_DEV_PORT", "0"),
        ("OKTA_DEV_ORIGINS", "http://localhost:8080, http://localhost:8081"),
        ("OKTA_DEV_ACCESS_TOKEN_LIFETIME", "5"),
        ("OKTA_DEV_ROTATION", "rotate"),
        ("OKTA_DEV_REFRESH_LEEWAY", "0"),
        ("OKTA_DEV_CONFIG", file.to_str().unwrap()),
        ("PATH", "ignored"),
    ];
    let org = OrgBuilder::from_variables(variables).unwrap().start().await.unwrap();
    std::fs::remove_file(&file).unwrap();
    let client = org.client();
    assert_eq!(client.client_id, "0oafile");
    assert_eq!(client.redirect_uris.len(), 2, "an app on two ports: {:?}", client.redirect_uris);
    assert_eq!((client.rotation, client.rotation_leeway), (Rotation::Rotate, Duration::ZERO));
    assert_eq!(tokens(&org, "openid").await.json()["expires_in"], 5);
    for (name, value) in [
        ("OKTA_DEV_PORT", "x"),
        ("OKTA_DEV_ACCESS_TOKEN_LIFETIME", "0"),
        ("OKTA_DEV_ROTATION", "sometimes"),
        ("OKTA_DEV_PROT", "1"),
        ("OKTA_DEV_CONFIG", "/nowhere.toml"),
    ] {
        let error = OrgBuilder::from_variables([(name, value)]).unwrap_err();
        assert!(
            error.is_config() && (error.to_string().contains(name) || error.to_string().contains(value)),
            "{error}"
        );
    }
    assert!(OrgBuilder::from_variables([("OKTA_DEV_PORT", "")]).is_ok(), "an empty variable counts as unset");
}

#[test]
fn the_program_reads_flags_and_variables() {
    use std::io::BufRead as _;
    use std::process::{Command, Stdio};
    let mut command = Command::new(env!("CARGO_BIN_EXE_okta-dev"));
    command.args(["--port", "0", "--origin=http://localhost:3000", "--origin", "http://localhost:3001"]);
    command.env("OKTA_DEV_PORT", "1").env("OKTA_DEV_ROTATION", "rotate").stdout(Stdio::piped());
    let mut program = Program(command.spawn().unwrap());
    let lines = std::io::BufReader::new(program.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let banner: Vec<String> = lines.take_while(|line| !line.contains("OKTA_CLIENT_SECRET")).collect();
    assert!(banner.iter().any(|line| line.ends_with("  orders:read orders:write")), "{banner:#?}");
    for port in [8080, 3000, 3001] {
        let uri = format!("http://localhost:{port}/authorization-code/callback");
        assert!(banner.iter().any(|line| line.ends_with(&uri)), "{banner:#?}");
    }
    let wrong =
        Command::new(env!("CARGO_BIN_EXE_okta-dev")).args(["--access-token-lifetime", "soon"]).output().unwrap();
    assert!(!wrong.status.success());
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("use seconds"));
}
