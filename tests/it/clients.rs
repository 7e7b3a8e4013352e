//! Client authentication at the token endpoint.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use okta_auth_axum::RouterExt as _;
use okta_auth_core::config::{ConfigBuilder, EgressPolicy, PrivateKey};
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_core::secret::Secret;
use okta_auth_core::tenant::{TenantId, TenantSettings};
use okta_auth_dev::{AuthMethod, Client, Fault, Org, PUBLIC_CLIENT_ID, Recorded};
use serde_json::{Value, json};

use crate::support::{ADA, App, AppBuilder, Browser, SECRET};

const REDIRECT_FREE: &str = "client";

/// An application with this client at the org, and this configuration.
async fn app(client: Client, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder + Send + 'static) -> App {
    let org = Org::builder().client(client).start().await.unwrap();
    let issuer = org.issuer();
    let app = AppBuilder::default().org(org).configure(move |_| change(ConfigBuilder::default().issuer(issuer)));
    app.start().await
}

/// Signs in with a client that is registered for the application's URL.
async fn signs_in(
    client: Client,
    change: impl FnOnce(ConfigBuilder) -> ConfigBuilder + Send + 'static,
) -> (u16, Recorded) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let org = Org::builder().client(client.origin(&base)).start().await.unwrap();
    let config = change(ConfigBuilder::default().issuer(org.issuer()).base_url(&base));
    let auth = OktaAuthBuilder::from(config).build().unwrap();
    let router = okta_auth_axum::RouterExt::okta_auth(crate::support::routes(), &auth);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let answer = Browser::new(&base).sign_in(&org, ADA, "/profile").await;
    let token = org.request_log().into_iter().find(|request| request.path.ends_with("/v1/token")).unwrap();
    (answer.status.as_u16(), token)
}

#[tokio::test]
async fn client_secret_post() {
    let client = Client::web(REDIRECT_FREE, "a+secret/with:odd%characters").auth_method(AuthMethod::ClientSecretPost);
    let (status, token) = signs_in(client, |config| {
        config.client_id(REDIRECT_FREE).client_secret("a+secret/with:odd%characters").client_secret_in_body()
    })
    .await;
    assert_eq!(status, 303);
    assert_eq!(token.form_field("client_secret").as_deref(), Some("a+secret/with:odd%characters"));
    assert!(token.header("authorization").is_none(), "two credentials");
}

#[tokio::test]
async fn client_secret_basic_with_special_characters() {
    let client = Client::web(REDIRECT_FREE, "a+secret/with:odd%characters");
    let (status, token) =
        signs_in(client, |config| config.client_id(REDIRECT_FREE).client_secret("a+secret/with:odd%characters")).await;
    assert_eq!(status, 303);
    assert!(token.header("authorization").unwrap().starts_with("Basic "));
}

/// Some providers accept only HTTP Basic at these endpoints, or only the form.
#[tokio::test]
async fn introspection_and_revocation_send_the_secret_as_their_endpoints_list_it() {
    use AuthMethod::{ClientSecretBasic, ClientSecretPost};
    let (basic, post, key) = (json!("client_secret_basic"), json!("client_secret_post"), json!("private_key_jwt"));
    for (own, at_others, listed) in [
        (ClientSecretPost, ClientSecretBasic, json!([basic])),
        (ClientSecretBasic, ClientSecretPost, json!([key, post])),
        (ClientSecretPost, ClientSecretBasic, json!([basic, key, "none"])),
        (ClientSecretPost, ClientSecretPost, json!([basic, post])),
        (ClientSecretBasic, ClientSecretBasic, json!([])),
        (ClientSecretPost, ClientSecretPost, json!([key, "none"])),
    ] {
        let secret = "a+secret/with:odd%characters";
        let client = Client::web(REDIRECT_FREE, secret).auth_method(own);
        let org = Org::builder().client(client).start().await.unwrap();
        for endpoint in ["introspection", "revocation"] {
            let name = format!("{endpoint}_endpoint_auth_methods_supported");
            org.fault(Fault::DiscoveryMember(name, listed.clone()));
        }
        let issuer = org.org_issuer();
        let app = AppBuilder::default().org(org).issuer(issuer).configure(move |config| {
            let config = config.client_secret(secret).scopes("openid email offline_access");
            if own == ClientSecretPost { config.client_secret_in_body() } else { config }
        });
        let app = app.start().await;
        let mut browser = app.browser();
        assert_eq!(browser.sign_in(&app.org, ADA, "/profile").await.location(), "/profile");
        app.org.put_client(app.org.client().auth_method(at_others));
        let token = app.org.token().server("org").client(REDIRECT_FREE).access_token(ADA, ["openid"]).sign();
        app.auth.verify_access_token(&token).await.unwrap();
        browser.post("/logout", "").await;
        for path in ["/v1/introspect", "/v1/revoke"] {
            let requests = app.org.request_log();
            let request = requests.iter().find(|request| request.path.ends_with(path)).unwrap();
            assert_eq!(request.status, Some(200), "{path} {listed}: {:?}", request.refusal);
            let sent = (request.header("authorization").is_some(), request.form_field("client_secret").is_some());
            assert_eq!(sent, (at_others == ClientSecretBasic, at_others == ClientSecretPost), "{path} {listed}");
        }
    }
}

/// A secret that is never sent stays so, and the operator learns what does not fit.
#[tokio::test]
async fn an_assertion_is_never_replaced_by_a_secret() {
    let secret = "a-secret-that-is-long-enough-to-sign-with";
    let org = Org::builder().client(Client::web(REDIRECT_FREE, secret)).start().await.unwrap();
    for endpoint in ["introspection", "revocation"] {
        let name = format!("{endpoint}_endpoint_auth_methods_supported");
        org.fault(Fault::DiscoveryMember(name, json!(["client_secret_basic", "client_secret_post", "none"])));
    }
    let issuer = org.org_issuer();
    let app = AppBuilder::default()
        .org(org)
        .issuer(issuer)
        .configure(move |config| config.client_id(REDIRECT_FREE).client_secret(secret).client_secret_jwt());
    let app = app.start().await;
    let token = app.org.token().server("org").client(REDIRECT_FREE).access_token(ADA, ["openid"]).sign();
    let error = app.auth.verify_access_token(&token).await.unwrap_err();
    assert_eq!(error.code().as_str(), "provider_response");
    for told in ["lists client_secret_basic, client_secret_post, none", "configured for client_secret_jwt"] {
        assert!(error.to_string().contains(told), "{error}");
    }
    let request = app.org.request_log().into_iter().find(|request| request.path.ends_with("/v1/introspect")).unwrap();
    assert!(request.header("authorization").is_none() && request.form_field("client_secret").is_none());
    assert!(request.form_field("client_assertion").is_some());
}

#[tokio::test]
async fn a_wrong_secret_is_reported_to_the_operator_and_not_to_the_user() {
    let client = Client::web(REDIRECT_FREE, "right");
    let (status, _) = signs_in(client, |config| config.client_id(REDIRECT_FREE).client_secret("wrong")).await;
    assert_eq!(status, 502);
}

#[tokio::test]
async fn public_client_with_pkce_only() {
    let (status, token) = signs_in(Client::public(PUBLIC_CLIENT_ID), |config| config.client_id(PUBLIC_CLIENT_ID)).await;
    assert_eq!(status, 303);
    assert!(token.header("authorization").is_none() && token.form_field("client_secret").is_none());
    assert_eq!(token.form_field("client_id").as_deref(), Some(PUBLIC_CLIENT_ID));
    assert_eq!(token.form_field("code_verifier").unwrap().len(), 43);
}

fn rsa_key() -> (String, Value) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    // PKCS#1: a sequence of the modulus (with a leading zero) and the exponent.
    let public = pair.public_key().as_ref();
    let (n, e) = (&public[9..265], &public[267..]);
    let member = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({ "kty": "RSA", "kid": "app-key-1", "use": "sig", "alg": "RS256", "n": member(n), "e": member(e) });
    (pem(der.as_ref()), jwk)
}

fn ec_key() -> (String, Value) {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let member = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "app-key-1", "use": "sig", "alg": "ES256",
        "x": member(&point[1..33]), "y": member(&point[33..]) });
    (pem(der.as_ref()), jwk)
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[tokio::test]
async fn private_key_jwt() {
    for (pem, jwk) in [rsa_key(), ec_key()] {
        let client = Client::web(REDIRECT_FREE, "unused").private_key_jwt(jwk);
        let key = PrivateKey::from_pem(&pem, Some("app-key-1".to_owned())).unwrap();
        let (status, token) = signs_in(client, move |config| config.client_id(REDIRECT_FREE).private_key(key)).await;
        assert_eq!(status, 303, "{}", token.body);
        let assertion = token.form_field("client_assertion").unwrap();
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap()).unwrap();
        assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some(REDIRECT_FREE), Some(REDIRECT_FREE)));
        assert!(claims["aud"].as_str().unwrap().ends_with("/v1/token"), "Okta requires the endpoint: {claims}");
        assert!(token.form_field("client_secret").is_none() && token.header("authorization").is_none());
    }
}

#[tokio::test]
async fn a_private_key_from_a_variable_or_a_file() {
    let (pem, _) = rsa_key();
    let variables = |name: &'static str, value: String| {
        let set =
            [("OKTA_ISSUER_URI", "https://x.okta.com".to_owned()), ("OKTA_CLIENT_ID", "c".to_owned()), (name, value)];
        ConfigBuilder::from_variables(set).build()
    };
    variables("OKTA_PRIVATE_KEY", pem.clone()).unwrap();
    variables("OKTA_PRIVATE_KEY", pem.replace('\n', "\\n")).unwrap();
    let file = std::env::temp_dir().join(format!("okta-auth-key-{}.pem", std::process::id()));
    std::fs::write(&file, &pem).unwrap();
    variables("OKTA_PRIVATE_KEY_FILE", file.display().to_string()).unwrap();
    std::fs::remove_file(&file).unwrap();
    let missing = variables("OKTA_PRIVATE_KEY_FILE", file.display().to_string()).unwrap_err().to_string();
    assert!(missing.contains("OKTA_PRIVATE_KEY_FILE") && missing.contains("cannot be read"), "{missing}");
    for bad in ["not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
        let error = variables("OKTA_PRIVATE_KEY", bad.to_owned()).unwrap_err().to_string();
        assert!(error.contains("OKTA_PRIVATE_KEY") && !error.contains("AAAA"), "{error}");
    }
}

/// The integers of the PKCS#1 key inside a PKCS#8 key, without leading zeros.
fn rsa_members(pkcs8: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut members) = (&pkcs8[26 + 4..], Vec::new());
    while let [2, length, ..] = *rest {
        let (start, length) = match length {
            0x82 => (4, usize::from(rest[2]) << 8 | usize::from(rest[3])),
            0x81 => (3, usize::from(rest[2])),
            short => (2, usize::from(short)),
        };
        members.push(rest[start..start + length].iter().copied().skip_while(|byte| *byte == 0).collect());
        rest = &rest[start + length..];
    }
    members
}

/// Private keys in PEM and as JWK, with the public JWK.
fn keys_with_jwk() -> [(String, Value, Value); 2] {
    use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let member = |bytes: &[u8]| Value::from(URL_SAFE_NO_PAD.encode(bytes));
    let with = |public: &Value, members: &[(&str, Value)]| {
        let mut jwk = public.clone();
        members.iter().for_each(|(name, value)| jwk[*name] = value.clone());
        jwk
    };
    let (rsa, rsa_public) = rsa_key();
    let der = STANDARD.decode(rsa.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    let names = ["", "n", "e", "d", "p", "q", "dp", "dq", "qi"];
    let members: Vec<_> =
        names.into_iter().zip(rsa_members(&der)).map(|(name, bytes)| (name, member(&bytes))).collect();
    let rsa_private = with(&rsa_public, &members[1..]);

    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let d: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
    let ec_public = json!({ "kty": "EC", "crv": "P-256", "kid": "app-key-1", "use": "sig", "alg": "ES256",
        "x": member(&point[1..33]), "y": member(&point[33..]) });
    let ec_private = with(&ec_public, &[("d", member(d.as_ref()))]);
    [(rsa, rsa_private, rsa_public), (pem(pair.to_pkcs8v1().unwrap().as_ref()), ec_private, ec_public)]
}

#[tokio::test]
async fn a_private_key_in_every_form_signs_in() {
    for (pem, jwk, public) in keys_with_jwk() {
        let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let (jwk_text, keys) = (jwk.to_string(), json!({ "keys": [public.clone(), jwk] }).to_string());
        let forms = [
            ("PEM", pem.clone()),
            ("PEM with \\n", pem.replace('\n', "\\n")),
            ("PEM with \\r\\n in quotes", format!("\"{}\"", pem.replace('\n', "\\r\\n"))),
            ("PEM in one line", pem.trim().replace('\n', " ")),
            ("PEM with CRLF", pem.replace('\n', "\r\n")),
            ("base64 of PEM", STANDARD.encode(&pem)),
            ("base64url of PEM without padding", URL_SAFE_NO_PAD.encode(&pem)),
            ("base64 of DER", der),
            ("a JWK", jwk_text.clone()),
            ("a JWK in quotes", format!("'{jwk_text}'")),
            ("PEM in quotes", format!("\"{}\"", pem.trim().replace('\n', "\\n"))),
            ("a JWK with line ends", serde_json::to_string_pretty(&jwk).unwrap()),
            ("base64 of a JWK", STANDARD.encode(&jwk_text)),
            ("a JWKS", keys),
        ];
        for (form, text) in forms {
            // A JWK has its own `kid`.
            let key_id = (!form.contains("JWK")).then(|| "app-key-1".to_owned());
            let key = PrivateKey::parse(&text, key_id).unwrap_or_else(|error| panic!("{form}: {error}"));
            let client = Client::web(REDIRECT_FREE, "unused").private_key_jwt(public.clone());
            let (status, token) =
                signs_in(client, move |config| config.client_id(REDIRECT_FREE).private_key(key)).await;
            assert_eq!(status, 303, "{form}: {}", token.body);
            let assertion = token.form_field("client_assertion").unwrap();
            let header = URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&header).unwrap()["kid"], "app-key-1", "{form}");
        }
    }
}

#[test]
fn a_private_key_in_another_format_is_rejected_with_its_name() {
    let [(pem, jwk, public), (ec_pem, ec_jwk, _)] = keys_with_jwk();
    let without = |jwk: &Value, member: &str| {
        let mut jwk = jwk.clone();
        jwk.as_object_mut().unwrap().remove(member);
        jwk.to_string()
    };
    let with = |member: &str, value: &str| {
        let mut jwk = jwk.clone();
        jwk[member] = value.into();
        jwk.to_string()
    };
    let labelled = |label: &str| pem.replace("PRIVATE KEY", label);
    // As `openssl genrsa -aes128` of old writes it.
    let legacy = "RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n";
    let legacy = labelled("RSA PRIVATE KEY").replacen("RSA PRIVATE KEY-----\n", legacy, 1);
    let mixed = json!({ "keys": [jwk, ec_jwk] }).to_string();
    for (text, named) in [
        (labelled("CERTIFICATE"), "it is a certificate"),
        (labelled("PUBLIC KEY"), "it is a public key"),
        (labelled("ENCRYPTED PRIVATE KEY"), "it is an encrypted private key"),
        (legacy, "it is an encrypted private key"),
        (labelled("OPENSSH PRIVATE KEY"), "OpenSSH format"),
        (labelled("DSA PRIVATE KEY"), "`DSA PRIVATE KEY`"),
        (pem[..pem.len() / 2].to_owned(), "cut off"),
        ("ssh-rsa AAAAB3NzaC1yc2E ada@example.test".to_owned(), "OpenSSH"),
        ("/run/secrets/okta.pem".to_owned(), "OKTA_PRIVATE_KEY_FILE"),
        ("keys/okta.pem".to_owned(), "OKTA_PRIVATE_KEY_FILE"),
        (public.to_string(), "a JWK of a public key"),
        (json!({ "keys": [public] }).to_string(), "without a private key"),
        (mixed, "several private keys"),
        (json!({ "kty": "oct", "k": "c2VjcmV0" }).to_string(), "symmetric"),
        (json!({ "kty": "EC", "crv": "P-384", "d": "AA" }).to_string(), "neither RSA nor EC with P-256"),
        (without(&jwk, "p"), "missing or inconsistent"),
        (without(&ec_jwk, "y"), "missing or inconsistent"),
        (with("d", "AAAA"), "missing or inconsistent"),
        (with("alg", "RS512"), "for another use"),
        (with("use", "enc"), "for another use"),
        ("{ not JSON".to_owned(), "not valid JSON"),
        (STANDARD.encode("something else altogether"), "base64 of something"),
        ("hunter2!".to_owned(), "neither PEM"),
    ] {
        let variables =
            [("OKTA_ISSUER_URI", "https://x.okta.com"), ("OKTA_CLIENT_ID", "c"), ("OKTA_PRIVATE_KEY", &*text)];
        let error = ConfigBuilder::from_variables(variables).build().expect_err(named).to_string();
        assert!(error.contains("OKTA_PRIVATE_KEY: ") && error.contains(named), "{named}: {error}");
        for secret in [jwk["d"].as_str().unwrap(), &pem[100..140], &ec_pem[100..140], "hunter2"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
    let error = PrivateKey::parse(&jwk.to_string(), Some("other".to_owned())).unwrap_err().to_string();
    assert!(error.contains("`app-key-1`") && error.contains("`other`"), "{error}");
}

#[tokio::test]
async fn an_unknown_client_ends_on_oktas_own_page() {
    let app = app(Client::web("known", "secret"), |config| config.client_id("unknown")).await;
    let authorize = app.browser().navigate("/profile").await.location().to_owned();
    let okta_auth_dev::Response::Page { status, .. } = app.org.browser().open(&authorize).await.unwrap() else {
        panic!()
    };
    assert_eq!(status, 400);
}

// -- many tenants ----------------------------------------------------------------------------------------------------

/// A tenant at an org, without client authentication.
fn tenant(name: &str, org: &Org) -> TenantSettings {
    TenantSettings::new(TenantId::parse(name).unwrap(), org.issuer(), org.client().client_id)
}

/// An application with these tenants; `shared` configures the application itself.
fn tenants(
    base: &str,
    shared: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
    all: Vec<TenantSettings>,
) -> Result<Tenants, String> {
    let config = shared(ConfigBuilder::default().base_url(base).cookie_secret(SECRET));
    let table = TenantTable::new(all).unwrap();
    let builder = Tenants::builder(OktaAuthBuilder::from(config)).table(table).resolve(Resolver::Path("/t".to_owned()));
    builder.egress(EgressPolicy::default().dangerous().allow_loopback()).build().map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_applications_key_is_used_only_by_tenants_that_select_it() {
    let (pem, jwk) = ec_key();
    let key = PrivateKey::from_pem(&pem, Some("app-key-1".to_owned())).unwrap();
    let (acme, globex) = (Org::start().await.unwrap(), Org::start().await.unwrap());
    let secret = globex.client().client_secret.unwrap();
    acme.put_client(acme.client().private_key_jwt(jwk));
    let (mut first, mut second) = (tenant("acme", &acme), tenant("globex", &globex));
    first.shared_key = true;
    second.client_secret = Some(Secret::new(secret));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let tenants = tenants(&base, |config| config.private_key(key), vec![first, second]).unwrap();
    let user = |user: okta_auth_axum::User| async move { user.subject().to_owned() };
    let router = axum::Router::new().route("/t/{tenant}/api/me", axum::routing::get(user)).okta_auth(&tenants);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    for (name, org) in [("acme", &acme), ("globex", &globex)] {
        org.allow_redirect(&format!("{base}/t/{name}"));
        let mut browser = Browser::new(&format!("{base}/t/{name}"));
        assert_eq!(browser.sign_in(org, ADA, "/api/me").await.status, 303, "{name}");
        let token = org.request_log().into_iter().find(|request| request.path.ends_with("/token")).unwrap();
        assert_eq!(token.form_field("client_assertion").is_some(), name == "acme", "{name}: {}", token.body);
    }
}

#[tokio::test]
async fn a_tenant_without_client_authentication_is_an_error_with_the_fix() {
    let key = || PrivateKey::from_pem(&ec_key().0, None).unwrap();
    let org = Org::start().await.unwrap();
    let of = |shared_key: bool, secret: Option<&str>| {
        let mut tenant = tenant("acme", &org);
        (tenant.shared_key, tenant.client_secret) = (shared_key, secret.map(Secret::new));
        vec![tenant]
    };
    let own = "the-tenant-has-a-secret-of-its-own";
    let base = "http://localhost:8080";
    let variable = |_: ConfigBuilder| {
        ConfigBuilder::from_variables([("OKTA_CLIENT_SECRET", own)]).base_url(base).cookie_secret(SECRET)
    };
    tenants(base, |config| config, of(false, None)).expect("a public client");
    tenants(base, |config| config.private_key(key()), of(false, Some(own))).expect("the tenant has its own secret");
    tenants(base, variable, of(false, Some(own))).expect("the tenant has its own secret");
    for (error, fix) in [
        (tenants(base, |config| config.private_key(key()), of(false, None)), "shared_key"),
        (tenants(base, |config| config.client_secret(own), of(false, None)), "client_secret"),
        (tenants(base, variable, of(false, None)), "client_secret"),
        (tenants(base, |config| config, of(true, None)), "OKTA_PRIVATE_KEY"),
        (tenants(base, |config| config.private_key(key()), of(true, Some(own))), "keep one"),
    ] {
        let error = error.unwrap_err();
        assert!(error.contains("- acme: ") && error.contains(fix) && !error.contains(own), "{fix}: {error}");
    }
}
