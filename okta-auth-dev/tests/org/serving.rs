//! Listening address, issuer, and access to responses.

use okta_auth_dev::{ADA, Client, GrantType, Org, PUBLIC_CLIENT_ID, SERVICE_CLIENT_ID};
use serde_json::json;

use crate::support::*;

const APP: &str = "http://localhost:8080";

fn issuer_under(org: &Org, host: &str) -> Answer {
    send("GET", &format!("{}/.well-known/openid-configuration", org.issuer()), &[("host", host)], "")
}

#[tokio::test]
async fn only_names_on_the_allow_list_are_answered() {
    let org = Org::builder().allow_host("Okta").allow_host("127.0.0.2").start().await.unwrap();
    for host in ["okta", "OKTA:8090", "127.0.0.2:1", "127.0.0.1"] {
        assert_eq!(issuer_under(&org, host).json()["issuer"], org.issuer(), "the issuer never follows Host ({host})");
    }
    for host in ["okta.evil.example", "notokta", "evil.example", ""] {
        assert_eq!(issuer_under(&org, host).status, 421, "{host}");
    }
    for name in ["http://okta", "okta:8090", "0.0.0.0", ""] {
        assert!(Org::builder().allow_host(name).start().await.unwrap_err().is_config(), "{name}");
    }
    let everywhere = Org::builder().host([0, 0, 0, 0].into()).allow_host("okta").start().await.unwrap();
    assert!(everywhere.url().starts_with("http://127.0.0.1:"), "{}", everywhere.url());
    assert_eq!(issuer_under(&everywhere, "okta").status, 200);
}

#[tokio::test]
async fn the_issuer_can_differ_from_the_address() {
    // Not from the range that port 0 is taken from: another test could receive it.
    let mut ports = 12_000..32_000;
    let free = ports.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap();
    let org =
        Org::builder().port(free).issuer(format!("http://localhost:{free}/oauth2/default")).start().await.unwrap();
    assert_eq!(org.issuer(), format!("http://localhost:{free}/oauth2/default"));
    assert_eq!(issuer_under(&org, "localhost").json()["issuer"], org.issuer());
    let misnamed = issuer_under(&org, "127.0.0.1");
    assert!(misnamed.status == 421 && misnamed.body.contains(org.url()), "{}", misnamed.body);
    assert_eq!(tokens(&org, "openid").await.status, 200);
    assert!(Org::builder().issuer("localhost:8090").start().await.unwrap_err().is_config());
}

#[tokio::test]
async fn scripts_of_registered_and_configured_origins_may_read_responses() {
    let org = Org::builder().trusted_origin("http://trusted.test/").start().await.unwrap();
    let base = format!("{}/v1", org.issuer());
    let discovery = format!("{}/.well-known/openid-configuration", org.issuer());
    let shared = ["keys", "token", "userinfo", "introspect", "revoke"].map(|name| format!("{base}/{name}"));
    for url in shared.iter().chain([&discovery]) {
        for (origin, echoed) in [
            (APP, APP),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://trusted.test", "http://trusted.test"),
            ("http://evil.example", ""),
            ("http://localhost:8081", ""),
            ("https://localhost:8080", ""),
            ("null", ""),
        ] {
            for method in ["GET", "POST", "OPTIONS"] {
                let answer = send(method, url, &[("origin", origin)], "");
                assert_eq!(answer.header("access-control-allow-origin"), echoed, "{method} {url} {origin}");
                assert_eq!(answer.header("vary"), "Origin", "{method} {url} {origin}");
            }
        }
        let preflight = send("OPTIONS", url, &[("origin", APP), ("access-control-request-method", "POST")], "");
        assert_eq!(preflight.status, 204);
        let allowed = preflight.header("access-control-allow-headers");
        for name in ["x-okta-user-agent-extended", "authorization", "content-type", "accept"] {
            assert!(allowed.split(", ").any(|known| known == name), "{name}: {allowed}");
        }
        assert_eq!(preflight.header("access-control-max-age"), "3600");
    }
    for name in ["authorize", "logout"] {
        for method in ["GET", "OPTIONS"] {
            let answer = send(method, &format!("{base}/{name}"), &[("origin", APP)], "");
            assert!(answer.headers.keys().all(|name| !name.starts_with("access-control")), "{method} {name}");
        }
    }
}

/// Without CORS headers, a script shows a network failure instead of the error.
#[tokio::test]
async fn scripts_may_read_the_errors_of_features_that_the_org_does_not_serve() {
    let org = Org::builder().trusted_origin("http://trusted.test/").start().await.unwrap();
    for path in ["/oauth2/default/v1/interact", "/oauth2/v1/challenge", "/api/v1/authn", "/api/v1/authn/factors/x"] {
        let url = format!("{}{path}", org.url());
        for (origin, echoed) in
            [(APP, APP), ("http://trusted.test", "http://trusted.test"), ("http://evil.example", "")]
        {
            let preflight = send("OPTIONS", &url, &[("origin", origin), ("access-control-request-method", "POST")], "");
            let answer = send("POST", &url, &[("origin", origin)], "");
            assert!(preflight.status == 204 && (400..500).contains(&answer.status), "{path}: {}", answer.status);
            // The SDK sends its cookies.
            let credentials = if echoed.is_empty() { "" } else { "true" };
            for response in [&preflight, &answer] {
                assert_eq!(response.header("access-control-allow-origin"), echoed, "{path}");
                assert_eq!(response.header("access-control-allow-credentials"), credentials, "{path}");
            }
        }
    }
    let users = send("GET", &format!("{}/api/v1/users", org.url()), &[("origin", APP)], "");
    assert_eq!(users.header("access-control-allow-origin"), "", "users are for servers");
}

#[tokio::test]
async fn head_has_the_status_and_headers_of_get_and_no_body() {
    let org = Org::start().await.unwrap();
    for path in [
        "/",
        "/.well-known/openid-configuration",
        "/oauth2/default/.well-known/oauth-authorization-server",
        "/oauth2/default/v1/keys",
        "/oauth2/default/v1/userinfo",
        "/oauth2/default/v1/authorize",
        "/oauth2/default/v1/token",
        "/api/v1/users",
        "/dev",
        "/nothing",
    ] {
        let url = format!("{}{path}", org.url());
        let (get, head) = (send("GET", &url, &[], ""), send("HEAD", &url, &[], ""));
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        for name in ["content-type", "cache-control", "www-authenticate"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
    assert_eq!(org.count("/nothing"), 2, "the request log has both");
    assert!(org.request_log().iter().any(|request| request.method == "HEAD"));
}

/// Okta's JavaScript SDK asks for the session, and ends it, with the browser's cookie.
#[tokio::test]
async fn a_script_reads_and_ends_its_session() {
    let org = Org::builder().trusted_origin("http://trusted.test").start().await.unwrap();
    let url = format!("{}/api/v1/sessions/me", org.url());
    let call =
        |method: &str, origin: &str, cookie: &str| send(method, &url, &[("origin", origin), ("cookie", cookie)], "");
    for method in ["GET", "DELETE"] {
        let without = call(method, APP, "");
        assert_eq!((without.status, &without.json()["errorCode"]), (404, &json!("E0000007")), "{method}");
        assert_eq!(without.header("access-control-allow-credentials"), "true");
    }
    let mut browser = org.browser();
    browser.sign_in(&authorize_url(&org, &org.issuer(), &[]), ADA).await.unwrap();
    let cookie = format!("idx={}", cookie_of(&org, &mut browser).await);
    let session = call("GET", APP, &cookie);
    let body = session.json();
    assert_eq!((session.status, &body["status"], &body["login"]), (200, &json!("ACTIVE"), &json!(ADA)));
    assert_eq!(body["userId"], org.user(ADA).unwrap().id);
    assert_eq!(body["amr"], json!(["pwd"]));
    assert_eq!(session.header("access-control-allow-origin"), APP);
    for (origin, methods, credentials) in
        [(APP, "GET, DELETE", "true"), ("http://evil.example", "", ""), ("null", "", "")]
    {
        let preflight = send("OPTIONS", &url, &[("origin", origin), ("access-control-request-method", "DELETE")], "");
        assert_eq!(preflight.header("access-control-allow-methods"), methods, "{origin}");
        assert_eq!(preflight.header("access-control-allow-credentials"), credentials, "{origin}");
        assert_eq!(call("GET", origin, &cookie).header("access-control-allow-credentials"), credentials, "{origin}");
    }
    assert_eq!(call("DELETE", "http://trusted.test", &cookie).status, 204);
    assert!(org.sessions().is_empty());
    assert_eq!(call("GET", APP, &cookie).status, 404);
    assert_eq!(call("POST", APP, &cookie).status, 405);
}

/// Okta's JavaScript SDK omits the colon.
#[tokio::test]
async fn a_public_client_may_send_its_id_without_a_colon_to_revoke_and_introspect() {
    use base64::Engine as _;
    let org = Org::start().await.unwrap();
    let header = |text: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    let call = |endpoint: &str, credentials: &str, body: &str| {
        let url = format!("{}/v1/{endpoint}", org.issuer());
        send("POST", &url, &[("authorization", &header(credentials))], body)
    };
    assert_eq!(call("introspect", PUBLIC_CLIENT_ID, "token=x").json(), json!({"active": false}));
    assert_eq!(call("revoke", PUBLIC_CLIENT_ID, "token=x").status, 200);
    let secret = org.client();
    assert_eq!(call("introspect", &secret.client_id, "token=x").status, 401, "a client with a secret must send it");
    assert_eq!(call("introspect", "unknown", "token=x").status, 401);
    let elsewhere = call("token", PUBLIC_CLIENT_ID, "grant_type=authorization_code&code=x");
    assert!(elsewhere.body.contains("Found Authentication header"), "{}", elsewhere.body);
}

#[tokio::test]
async fn announced_but_unsupported_features_return_oktas_error() {
    let org = Org::start().await.unwrap();
    const WORDS: &str = "The requested feature is not enabled in this environment.";
    for base in [format!("{}/v1", org.issuer()), format!("{}/oauth2/v1", org.url())] {
        for path in ["bc/authorize", "primary-authenticate", "challenge"] {
            let answer = post(&format!("{base}/{path}"), Some(&org.client()), &[]);
            assert_eq!((answer.status, &answer.json()["error_description"]), (400, &json!(WORDS)), "{path}");
            assert_eq!(get(&format!("{base}/{path}")).status, 405, "{path}");
        }
        let (status, error, description) = refusal(&post(&format!("{base}/interact"), None, &[]));
        assert_eq!((status, error.as_str()), (400, "access_denied"));
        assert!(description.contains("(Interaction Code flow) isn't enabled in this environment."), "{description}");
    }
    assert_eq!(get(&format!("{}/oauth2/v1/clients", org.url())).json()["errorCode"], "E0000011");
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let token =
        |grant: &str| post(&format!("{}/v1/token", org.issuer()), Some(&org.client()), &[("grant_type", grant)]);
    for grant in [device, "password", "urn:openid:params:grant-type:ciba", "interaction_code"] {
        let answer = token(grant).json();
        assert_eq!(answer["error"], "unauthorized_client", "{grant}");
        let granted = "Configured grant types: [authorization_code, refresh_token].";
        assert!(answer["error_description"].as_str().unwrap().ends_with(granted), "{answer}");
    }
    assert_eq!(token("nonsense").json()["error"], "unsupported_grant_type");
    org.put_client(org.client().grant_types([GrantType::AuthorizationCode, GrantType::Password]));
    assert_eq!(token("password").json()["error_description"], WORDS);
}

#[tokio::test]
async fn services_get_no_scope_at_the_orgs_own_server() {
    let org = Org::start().await.unwrap();
    let url = format!("{}/oauth2/v1/token", org.url());
    let fields = [("grant_type", "client_credentials"), ("scope", "okta.users.read")];
    let answer = post(&url, org.client_with_id(SERVICE_CLIENT_ID).as_ref(), &fields).json();
    assert!(answer["error_description"].as_str().unwrap().contains("private_key_jwt"), "{answer}");
}

#[tokio::test]
async fn the_cross_site_switch_sets_same_site_none() {
    for (org, attributes) in [
        (Org::start().await.unwrap(), "SameSite=Lax"),
        (Org::builder().cross_site_cookies(true).start().await.unwrap(), "SameSite=None; Secure"),
    ] {
        let page = get(&authorize_url(&org, &org.issuer(), &[])).body;
        let handle = page.split("name=\"stateToken\" value=\"").nth(1).unwrap()[..43].to_owned();
        let form = [("stateToken", handle.as_str()), ("username", ADA), ("password", "correct-horse-1")];
        let answer = post(&format!("{}/signin", org.url()), None, &form);
        assert!(answer.header("set-cookie").ends_with(&format!("; {attributes}")), "{:?}", answer.headers);
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "the response goes to another site");
    }
}

/// One line for each request, with the reason of a rejection and without secrets.
#[tokio::test]
async fn request_lines_include_the_reason_of_a_rejection() {
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = std::sync::Arc::clone(&lines);
    let builder = Org::builder().on_request(move |request| heard.lock().unwrap().push(request.to_string()));
    let org = builder.start().await.unwrap();
    let code = sign_in(&org, &[]).await.param("code").unwrap();
    let wrong = Client::web(&org.client().client_id, "wrong");
    post(&format!("{}/v1/token", org.issuer()), Some(&wrong), &[("grant_type", "authorization_code"), ("code", &code)]);
    let url = authorize_url(&org, &org.issuer(), &[("redirect_uri", "http://evil.example/\u{1b}[2J")]);
    get(&url);
    get(&authorize_url(&org, &org.issuer(), &[("prompt", "none")]));
    get(&format!("{}/admin", org.url()));
    let lines = lines.lock().unwrap().clone();
    let id = org.client().client_id;
    assert_eq!(lines[0], format!("GET /oauth2/default/v1/authorize 200 client={id}"));
    assert_eq!(lines[1], "POST /signin 302");
    let refused = "invalid_client: The client secret supplied for a confidential client is invalid.";
    assert_eq!(lines[2], format!("POST /oauth2/default/v1/token 401 client={id} {refused}"));
    assert!(lines[3].contains("must be a Login redirect URI") && !lines[3].contains('\u{1b}'), "{}", lines[3]);
    assert!(lines[4].contains("302") && lines[4].contains("login_required: "), "{}", lines[4]);
    assert_eq!(lines.len(), 5, "the administrator's page is not a request of an app");
    assert!(lines.iter().all(|line| !line.contains(&code) && !line.contains("the-state")), "{lines:?}");
    let entry = org.request_log().into_iter().find(|entry| entry.path.ends_with("/token")).unwrap();
    assert_eq!((entry.status, entry.refusal.as_deref()), (Some(401), Some(refused)));
}

#[tokio::test]
async fn secrets_are_random_or_stable_across_runs() {
    let secret = |org: &Org| org.client().client_secret.unwrap();
    let stable = || async { Org::builder().stable_secrets(true).customers(["acme"]).start().await.unwrap() };
    let (one, two) = (stable().await, stable().await);
    assert_eq!(secret(&one), secret(&two));
    assert_eq!(secret(&one.org("acme").unwrap()), secret(&two.org("acme").unwrap()));
    let mut all = vec![secret(&one), secret(&one.org("acme").unwrap()), secret(&Org::start().await.unwrap())];
    all.extend(one.client_with_id(SERVICE_CLIENT_ID).unwrap().client_secret);
    all.sort();
    all.dedup();
    assert!(all.len() == 4 && all.iter().all(|secret| secret.len() == 43), "{all:?}");
}
