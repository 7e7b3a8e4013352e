//! Tokens of clients without a user: the four authentication methods, the org's own server, and what it rejects.

use std::time::Duration;

use okta_auth_dev::{
    AccessPolicy, AuthMethod, AuthorizationServer, Client, ClientKey, Fault, GrantType, Org, OrgBuilder,
    PUBLIC_CLIENT_ID, SERVICE_CLIENT_ID,
};
use serde_json::{Value, json};

use crate::support::*;

const SECRET: &str = "a-secret-of-more-than-32-characters";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const ORDERS: (&str, &str) = ("scope", "orders:read");

/// An org with a service for Okta's API.
async fn org_with_api_service() -> (Org, Signer) {
    let signer = Signer::new();
    let client = Client::api_service("0oaapi", signer.jwk())
        .okta_scopes(["okta.users.read", "okta.groups.read"])
        .admin_role("READ_ONLY_ADMIN");
    (Org::builder().client(client).start().await.unwrap(), signer)
}

/// An assertion by `client_secret_jwt`.
fn hmac_assertion(secret: &str, claims: &Value) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, message.as_bytes())))
}

/// An org with a service for each authentication method.
async fn org_with_each_method(signer: &Signer) -> Org {
    let org = Org::builder()
        .client(Client::service("0oabasic", SECRET))
        .client(Client::service("0oapost", SECRET).auth_method(AuthMethod::ClientSecretPost))
        .client(Client::service("0oahmac", SECRET).auth_method(AuthMethod::ClientSecretJwt))
        .client(Client::service("0oakey", "").private_key_jwt(signer.jwk()));
    org.start().await.unwrap()
}

#[tokio::test]
async fn a_service_gets_a_token_with_each_authentication_method() {
    let signer = Signer::new();
    let org = org_with_each_method(&signer).await;
    let url = token_url(&org, Some("default"));
    let by_hmac = hmac_assertion(SECRET, &assertion_claims(&org, "0oahmac", &url));
    let answers = [
        ("0oabasic", post(&url, org.client_with_id("0oabasic").as_ref(), &[GRANT, ORDERS])),
        ("0oapost", post(&url, None, &[GRANT, ORDERS, ("client_id", "0oapost"), ("client_secret", SECRET)])),
        ("0oahmac", post_assertion(&url, &by_hmac, &[GRANT, ORDERS])),
        ("0oakey", post_signed(&org, &signer, "0oakey", &url, &[GRANT, ORDERS])),
    ];
    for (client_id, answer) in answers {
        assert_eq!(answer.status, 200, "{client_id}: {}", answer.body);
        let body = answer.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
        assert_eq!(body["scope"], "orders:read");
        let access = claims(&body["access_token"]);
        assert_eq!((&access["cid"], &access["sub"]), (&json!(client_id), &json!(client_id)));
        assert!(access.get("uid").is_none() && body.get("refresh_token").is_none());
    }
}

/// The response is Okta's and names no reason, so the request log has to.
#[tokio::test]
async fn the_request_log_explains_a_wrong_authentication_method() {
    let signer = Signer::new();
    let org = org_with_each_method(&signer).await;
    let url = token_url(&org, Some("default"));
    let by_basic = |id: &str| post(&url, Some(&Client::service(id, SECRET)), &[GRANT, ORDERS]);
    let by_form = |id: &str| post(&url, None, &[GRANT, ORDERS, ("client_id", id), ("client_secret", SECRET)]);
    let by_key = |id: &str| post_signed(&org, &signer, id, &url, &[GRANT, ORDERS]);
    let by_hmac = |id: &str| {
        let assertion = hmac_assertion(SECRET, &assertion_claims(&org, id, &url));
        post_assertion(&url, &assertion, &[GRANT, ORDERS])
    };
    let by_id = |id: &str| post(&url, None, &[GRANT, ORDERS, ("client_id", id)]);
    let failed = "Client authentication failed. Either the client or the client credentials are invalid.";
    let algorithm = "The client_assertion JWT signature algorithm is invalid.";
    for (id, configured, used, answer, description) in [
        ("0oabasic", "client_secret_basic", "uses client_secret_post", by_form("0oabasic"), failed),
        ("0oabasic", "client_secret_basic", "uses private_key_jwt", by_key("0oabasic"), failed),
        ("0oabasic", "client_secret_basic", "uses client_secret_jwt", by_hmac("0oabasic"), failed),
        ("0oabasic", "client_secret_basic", "has no client credentials", by_id("0oabasic"), failed),
        ("0oapost", "client_secret_post", "uses client_secret_basic", by_basic("0oapost"), failed),
        ("0oakey", "private_key_jwt", "uses client_secret_basic", by_basic("0oakey"), failed),
        ("0oakey", "private_key_jwt", "uses client_secret_jwt", by_hmac("0oakey"), algorithm),
        ("0oahmac", "client_secret_jwt", "uses private_key_jwt", by_key("0oahmac"), algorithm),
        (PUBLIC_CLIENT_ID, "none", "uses client_secret_post", by_form(PUBLIC_CLIENT_ID), failed),
    ] {
        let answered = refusal(&answer);
        assert_eq!(answered, (401, "invalid_client".to_owned(), description.to_owned()), "{id} {used}");
        let requests = org.request_log();
        let logged = requests.iter().rev().find_map(|request| {
            let refusal = request.refusal.clone()?;
            (request.client_id().as_deref() == Some(id) && refusal.contains(used)).then_some(refusal)
        });
        let logged = logged.unwrap_or_else(|| panic!("{id} {used}: {requests:#?}"));
        assert!(logged.starts_with(&format!("invalid_client: {description} ")), "{logged}");
        assert!(logged.contains(&format!("{id} is configured for {configured}, ")), "{logged}");
        assert!(!logged.contains(SECRET), "{logged}");
    }
    assert!(!by_basic("0oabasic").body.contains("configured for"));
}

#[tokio::test]
async fn the_advice_of_the_request_log_works() {
    let org = Org::start().await.unwrap();
    let (url, client) = (token_url(&org, Some("default")), org.service_client());
    let (id, secret) = (client.client_id.clone(), client.client_secret.clone().unwrap());
    let by_form = || post(&url, None, &[GRANT, ORDERS, ("client_id", &id), ("client_secret", &secret)]);
    assert_eq!(by_form().status, 401);
    let line = org.request_log().pop().unwrap().to_string();
    assert!(line.contains("`Client::auth_method`") && line.contains("`auth_method` in the settings file"), "{line}");
    let (path, body) = line.split_once("PATCH ").unwrap().1.split_once(' ').unwrap();
    let patched = send("PATCH", &format!("{}{path}", org.url()), &[], body);
    assert_eq!((patched.status, by_form().status), (200, 200), "{line}: {}", patched.body);
    assert_eq!(post(&url, Some(&client), &[GRANT, ORDERS]).status, 401, "the method is exclusive");
    let settings = format!("[[client]]\nid = \"0oafile\"\nsecret = \"{SECRET}\"\nauth_method = \"client_secret_post\"");
    let org = OrgBuilder::from_toml(&settings).unwrap().start().await.unwrap();
    assert_eq!(org.client().auth_method, AuthMethod::ClientSecretPost);
}

#[tokio::test]
async fn the_request_log_names_the_client_of_an_assertion() {
    let signer = Signer::new();
    let client = Client::service("0oakey", "").private_key_jwt(signer.jwk());
    let org = Org::builder().client(client).start().await.unwrap();
    let url = token_url(&org, Some("default"));
    let last = || org.request_log().pop().unwrap();
    assert_eq!(post_signed(&org, &signer, "0oakey", &url, &[GRANT, ORDERS]).status, 200);
    assert_eq!(last().client_id().as_deref(), Some("0oakey"));
    assert!(last().to_string().contains(" client=0oakey"), "{}", last());
    // The signature is not verified, and one claim is enough.
    for (claims, named) in [
        (json!({"iss": "0oaother", "sub": "0oaother"}), Some("0oaother")),
        (json!({"sub": "0oaother"}), Some("0oaother")),
        (json!({"iss": "0oaother"}), Some("0oaother")),
        (json!({"iss": "", "sub": 7}), None),
    ] {
        assert_eq!(post_assertion(&url, &hmac_assertion(SECRET, &claims), &[GRANT, ORDERS]).status, 401);
        assert_eq!(last().client_id().as_deref(), named, "{claims}");
    }
    post_assertion(&url, "a.b", &[GRANT, ORDERS]);
    assert_eq!(last().client_id(), None);
    let journal = send("GET", &format!("{}/dev/journal", org.url()), &[], "").json();
    let named: Vec<&Value> = journal.as_array().unwrap().iter().map(|entry| &entry["client_id"]).collect();
    assert_eq!(named[..2], [&json!("0oakey"), &json!("0oaother")]);
}

#[tokio::test]
async fn the_orgs_own_server_issues_tokens_for_its_api_to_services_with_a_key() {
    let (org, signer) = org_with_api_service().await;
    let url = token_url(&org, None);
    let answer = post_signed(&org, &signer, "0oaapi", &url, &[GRANT, ("scope", "okta.users.read okta.groups.read")]);
    let body = answer.json();
    assert_eq!((answer.status, &body["scope"]), (200, &json!("okta.users.read okta.groups.read")));
    let access = claims(&body["access_token"]);
    assert_eq!((&access["iss"], &access["aud"]), (&json!(org.url()), &json!(org.url())));
    assert_eq!((&access["cid"], &access["scp"]), (&json!("0oaapi"), &json!(["okta.users.read", "okta.groups.read"])));
    for (scope, error, description) in [
        (
            "",
            "invalid_scope",
            "The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
        ),
        ("openid", "invalid_scope", "Cannot request 'openid' scopes using client credentials."),
        (
            "orders:read",
            "invalid_scope",
            "One or more scopes are not configured for the authorization server resource.",
        ),
        (
            "okta.apps.read",
            "invalid_scope",
            "The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner.",
        ),
        (
            "okta.users.read.self",
            "client_credentials_self_scope_requested",
            "The 'client_credentials' grant type may not request .self scopes.",
        ),
    ] {
        let answer = post_signed(&org, &signer, "0oaapi", &url, &[GRANT, ("scope", scope)]);
        assert_eq!(refusal(&answer), (400, error.to_owned(), description.to_owned()), "{scope}");
    }
}

#[tokio::test]
async fn the_orgs_own_server_rejects_secrets_and_apps_with_users() {
    let signer = Signer::new();
    let web = Client::web("0oaweb", "")
        .grant_types([GrantType::AuthorizationCode, GrantType::ClientCredentials])
        .private_key_jwt(signer.jwk());
    let integration = |id: &str| Client::service(id, SECRET).okta_scopes(["okta.users.read"]).api_integration(true);
    let org = Org::builder()
        .client(web)
        .client(integration("0oaoin"))
        .client(integration("0oaoinpost").auth_method(AuthMethod::ClientSecretPost))
        .start()
        .await
        .unwrap();
    let (url, scope) = (token_url(&org, None), ("scope", "okta.users.read"));
    let refused = |answer: Answer| {
        assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_client")));
        answer.json()["error_description"].as_str().unwrap().to_owned()
    };
    let service = org.client_with_id(SERVICE_CLIENT_ID).unwrap();
    let by_secret = refused(post(&url, Some(&service), &[GRANT, scope]));
    assert!(by_secret.starts_with("Client Credentials requests to the Org Authorization Server must use"));
    let by_web_app = refused(post_signed(&org, &signer, "0oaweb", &url, &[GRANT, scope]));
    assert!(by_web_app.starts_with("Only clients with 'application_type' of 'service' may use"));
    let fields = [GRANT, scope, ("client_id", "0oaoinpost"), ("client_secret", SECRET)];
    assert!(refused(post(&url, None, &fields)).starts_with("OAuth Integration Client Credentials requests"));
    assert_eq!(post(&url, org.client_with_id("0oaoin").as_ref(), &[GRANT, scope]).status, 200);
}

#[tokio::test]
async fn unusable_keys_of_a_client_are_reported() {
    let signer = Signer::new();
    let with = |name: &str, value: Value| {
        let mut jwk = signer.jwk();
        jwk[name] = value;
        Client::service("0oakey", "").private_key_jwt(jwk)
    };
    let org = Org::start().await.unwrap();
    let url = token_url(&org, Some("default"));
    let keyless = Client::service("0oakey", SECRET).auth_method(AuthMethod::PrivateKeyJwt);
    for (client, description) in [
        (keyless, "The client does not have a JWKSet configured, but the client_assertion requires one."),
        (with("kid", json!("k2")), "The client_assertion JWT kid is invalid."),
        (with("kty", json!(null)), "The client JWKSet is invalid."),
        (with("use", json!("enc")), "The client_assertion JWT needs to be signed using a signing key."),
        (
            with("use", json!("tls")),
            "The public key being used for client assertion has an invalid 'use' parameter. Valid values for the 'use' parameter are [sig, enc].",
        ),
        (
            Client::public("0oakey").auth_method(AuthMethod::ClientSecretJwt),
            "The client_assertion JWT signature algorithm is invalid.",
        ),
    ] {
        org.put_client(client);
        let answer = post_signed(&org, &signer, "0oakey", &url, &[GRANT, ORDERS]);
        assert_eq!(refusal(&answer), (401, "invalid_client".to_owned(), description.to_owned()));
    }
    let claims = assertion_claims(&org, "0oakey", &url);
    let without_secret = post_assertion(&url, &hmac_assertion(SECRET, &claims), &[GRANT, ORDERS]);
    assert!(refusal(&without_secret).2.ends_with("the client does not have a client secret."));
    org.put_client(Client::service("0oakey", "short").auth_method(AuthMethod::ClientSecretJwt));
    let short = post_assertion(&url, &hmac_assertion("short", &claims), &[GRANT, ORDERS]);
    assert_eq!(refusal(&short).2, "The client secret is too short to verify a JWT HMAC.");
}

#[tokio::test]
async fn an_assertion_is_used_up_even_by_a_request_over_the_rate_limit() {
    let (org, signer) = org_with_api_service().await;
    let (url, fields) = (token_url(&org, None), [GRANT, ("scope", "okta.users.read")]);
    let assertion = signer.assertion(&org, "0oaapi", &url);
    org.fault_once(Fault::TokenRateLimited);
    let limited = post_assertion(&url, &assertion, &fields);
    assert_eq!((limited.status, limited.header("x-rate-limit-remaining")), (429, "0"));
    let reset: u64 = limited.header("x-rate-limit-reset").parse().unwrap();
    assert!(reset > now(&org));
    let replayed = post_assertion(&url, &assertion, &fields);
    assert_eq!(refusal(&replayed).2, "The client_assertion token has already been used.");
    assert_eq!(post_signed(&org, &signer, "0oaapi", &url, &fields).status, 200);
}

#[tokio::test]
async fn a_configured_rate_limit_also_uses_an_assertion_up() {
    let signer = Signer::new();
    let client = Client::service("0oakey", "").private_key_jwt(signer.jwk());
    let org = Org::builder().client(client).rate_limit(1).start().await.unwrap();
    let url = token_url(&org, Some("default"));
    assert_eq!(post_signed(&org, &signer, "0oakey", &url, &[GRANT, ORDERS]).status, 200);
    let assertion = signer.assertion(&org, "0oakey", &url);
    assert_eq!(post_assertion(&url, &assertion, &[GRANT, ORDERS]).json()["errorCode"], "E0000047");
    org.clock().advance(Duration::from_secs(61));
    assert!(post_assertion(&url, &assertion, &[GRANT, ORDERS]).body.contains("already been used"));
}

#[tokio::test]
async fn policies_and_consent_apply_to_services() {
    let server = AuthorizationServer::custom("audited", "api://audited")
        .scope("audit:read")
        .consent_scope("audit:write")
        .access_policy(AccessPolicy::new("Users").scope("audit:read").grant_type(GrantType::AuthorizationCode))
        .access_policy(AccessPolicy::new("Writers").scope("audit:write"));
    let org = Org::builder().authorization_server(server).start().await.unwrap();
    let service = org.client_with_id(SERVICE_CLIENT_ID).unwrap();
    let ask = |scope: &str| post(&token_url(&org, Some("audited")), Some(&service), &[GRANT, ("scope", scope)]);
    assert_eq!(refusal(&ask("audit:read")).1, "access_denied", "no policy for the grant");
    let (status, error, description) = refusal(&ask("audit:write"));
    assert_eq!((status, error.as_str()), (400, "consent_required"));
    assert_eq!(
        description,
        "The following scopes require user consent and cannot be granted for the client credentials grant type: \
         [audit:write]."
    );
}

#[tokio::test]
async fn a_generated_client_key_signs_assertions() {
    let key = ClientKey::generate().unwrap();
    let org =
        Org::builder().client(Client::service("0oakey", "").private_key_jwt(key.public_jwk())).start().await.unwrap();
    let (url, signer) = (token_url(&org, Some("default")), Signer::from_pem(key.private_pem()));
    let assertion = signer.sign(&json!({"kid": key.id()}), &assertion_claims(&org, "0oakey", &url));
    assert_eq!(post_assertion(&url, &assertion, &[GRANT, ORDERS]).status, 200);
}

#[tokio::test]
async fn a_settings_file_grants_scopes_and_roles() {
    let text = r#"
[[client]]
id = "0oafile"
type = "service"
auth_method = "private_key_jwt"
okta_scopes = ["okta.users.read"]
admin_roles = ["READ_ONLY_ADMIN"]
api_integration = true

[[server]]
id = "audited"
scopes = ["audit:read"]
consent_scopes = ["audit:read"]
access_policy = [{ name = "API to API", grant_types = ["client_credentials"] }]
"#;
    let org = OrgBuilder::from_toml(text).unwrap().start().await.unwrap();
    let client = org.client_with_id("0oafile").unwrap();
    assert_eq!(
        (client.okta_scopes, client.admin_roles),
        (vec!["okta.users.read".to_owned()], vec!["READ_ONLY_ADMIN".to_owned()])
    );
    assert!(client.api_integration);
    let table = get(&format!("{}/dev/clients/0oafile", org.url())).json();
    assert_eq!((&table["okta_scopes"], &table["api_integration"]), (&json!(["okta.users.read"]), &json!(true)));
    let service = org.client_with_id(SERVICE_CLIENT_ID).unwrap();
    let answer = post(&token_url(&org, Some("audited")), Some(&service), &[GRANT, ("scope", "audit:read")]);
    assert_eq!(refusal(&answer).1, "consent_required");
}
