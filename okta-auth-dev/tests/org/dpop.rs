//! DPoP at the token endpoint (RFC 9449): every documented error, nonces, and bound tokens.

use std::time::Duration;

use okta_auth_dev::{
    ADA, AccessPolicy, AuthorizationServer, Client, ClientKey, DpopFault, Fault, GrantType, JweAlgorithm, Org, Rotation,
};
use serde_json::{Value, json};

use crate::support::*;

const SECRET: &str = "a-secret-of-more-than-32-characters";
const GRANT: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "orders:read")];

fn job() -> Client {
    Client::service("0oajob", SECRET).dpop_bound_access_tokens(true)
}

async fn org_with_job() -> Org {
    Org::builder().client(Client::web("0oaweb", SECRET).redirect_uri(CALLBACK)).client(job()).start().await.unwrap()
}

/// A token request of the service with these proofs.
fn ask(org: &Org, proofs: &[&str]) -> Answer {
    let headers: Vec<(&str, &str)> = proofs.iter().map(|proof| ("dpop", *proof)).collect();
    post_with(&token_url(org, Some("default")), Some(&job()), &headers, &GRANT)
}

/// A client that has a nonce.
fn prover(org: &Org) -> Prover {
    let mut prover = Prover::new();
    assert_eq!(prover.post(org, Some(&job()), &token_url(org, Some("default")), &GRANT).status, 200);
    prover
}

fn invalid(description: &str) -> (u16, String, String) {
    (400, "invalid_dpop_proof".to_owned(), description.to_owned())
}

#[tokio::test]
async fn the_first_proof_is_answered_with_a_nonce_and_the_second_with_a_bound_token() {
    let org = org_with_job().await;
    let (url, mut prover) = (token_url(&org, Some("default")), Prover::new());
    assert_eq!(refusal(&ask(&org, &[])), invalid("The DPoP proof JWT header is missing."));
    // The first request of Okta's guide has no `jti`.
    let mut claims = prover.claims(&org, "POST", &url);
    claims["jti"].take();
    let answer = ask(&org, &[&prover.signer.sign(&prover.header(), &claims)]);
    let expected = (400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.");
    let (status, error, description) = refusal(&answer);
    assert_eq!((status, error.as_str(), description.as_str()), expected);
    assert_eq!(answer.header("cache-control"), "no-cache, no-store");
    prover.nonce = Some(answer.header("dpop-nonce").to_owned());
    let answer = ask(&org, &[&prover.proof(&org, "POST", &url)]);
    let body = answer.json();
    assert_eq!((answer.status, &body["token_type"]), (200, &json!("DPoP")));
    assert!(!answer.headers.contains_key("dpop-nonce"), "the nonce is current");
    assert_eq!(claims_of(&body)["cnf"], json!({"jkt": prover.jkt()}));
    let introspected = introspect(&org, body["access_token"].as_str().unwrap());
    assert_eq!((&introspected["token_type"], &introspected["cnf"]["jkt"]), (&json!("DPoP"), &json!(prover.jkt())));
}

fn claims_of(body: &Value) -> Value {
    claims(&body["access_token"])
}

fn with_claim(prover: &Prover, org: &Org, name: &str, value: Value) -> String {
    let mut claims = prover.claims(org, "POST", &token_url(org, Some("default")));
    claims[name] = value;
    prover.signer.sign(&prover.header(), &claims)
}

fn with_header(prover: &Prover, org: &Org, name: &str, value: Value) -> String {
    let mut header = prover.header();
    header[name] = value;
    prover.signer.sign(&header, &prover.claims(org, "POST", &token_url(org, Some("default"))))
}

#[tokio::test]
async fn every_wrong_header_and_signature_is_refused_with_oktas_description() {
    let org = org_with_job().await;
    let (url, prover) = (token_url(&org, Some("default")), prover(&org));
    let good = || prover.proof(&org, "POST", &url);
    let with_header = |name: &str, value: Value| with_header(&prover, &org, name, value);
    let with_member = |name: &str, value: Value| {
        let mut jwk = prover.signer.jwk();
        jwk[name] = value;
        with_header("jwk", jwk)
    };
    let unsigned = |alg: &str| {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let mut header = prover.header();
        header["alg"] = alg.into();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&header), part(&prover.claims(&org, "POST", &url)))
    };
    let damaged = format!("{}AAAA", &good()[..good().len() - 4]);
    let algorithm = "The DPoP proof JWT signature algorithm is invalid.";
    let (key, signature) = ("The DPoP proof JWT is invalid.", "The DPoP proof JWT signature is invalid.");
    for (name, proof, description) in [
        ("no JWT", "junk".to_owned(), "The DPoP proof JWT cannot be parsed."),
        ("no claims", "e30.W10.AA".to_owned(), "The DPoP proof JWT cannot be parsed."),
        ("typ", with_header("typ", json!("JWT")), "'typ' must be 'dpop+jwt' in the DPoP proof JWT."),
        ("none", unsigned("none"), algorithm),
        ("symmetric", unsigned("HS256"), algorithm),
        ("PS256", unsigned("PS256"), algorithm),
        ("ES384 with a P-256 key", unsigned("ES384"), signature),
        ("no key", with_header("jwk", json!(null)), key),
        ("symmetric key", with_header("jwk", json!({"kty": "oct", "k": "AA"})), key),
        ("private key", with_member("d", json!("AA")), key),
        ("signature", damaged, signature),
        ("another key", with_header("jwk", Signer::new().jwk()), signature),
        ("another curve", with_member("crv", json!("P-384")), signature),
    ] {
        assert_eq!(refusal(&ask(&org, &[&proof])), invalid(description), "{name}");
    }
    let two = ask(&org, &[&good(), &good()]);
    assert_eq!(refusal(&two), invalid("Multiple DPoP proof JWT headers are not allowed."));
    let optional = with_member("use", json!("sig"));
    assert_eq!(claims_of(&ask(&org, &[&optional]).json())["cnf"]["jkt"], prover.jkt(), "optional members");
}

#[tokio::test]
async fn every_wrong_claim_is_refused_with_oktas_description() {
    let org = org_with_job().await;
    let (url, prover, now) = (token_url(&org, Some("default")), prover(&org), now(&org));
    let with = |name: &str, value: Value| with_claim(&prover, &org, name, value);
    let [htm, htu, iat, jti] =
        ["htm", "htu", "iat", "jti"].map(|name| format!("'{name}' claim in the DPoP proof JWT is invalid."));
    let past = "The DPoP proof JWT is issued more than five minutes in the past.";
    for (name, proof, description) in [
        ("method", with("htm", json!("GET")), &*htm),
        ("method in lower case", with("htm", json!("post")), &htm),
        ("URL", with("htu", json!(token_url(&org, None))), &htu),
        ("query", with("htu", json!(format!("{url}?a=b"))), &htu),
        ("fragment", with("htu", json!(format!("{url}#a"))), &htu),
        ("no URL", with("htu", json!(null)), &htu),
        ("no time", with("iat", json!(null)), &iat),
        ("time as text", with("iat", json!(now.to_string())), &iat),
        ("future", with("iat", json!(now + 90)), "The DPoP proof JWT is issued in the future."),
        ("past", with("iat", json!(now - 330)), past),
        ("expired", with("exp", json!(now - 1)), "The DPoP proof JWT is expired."),
        ("no jti", with("jti", json!(null)), &jti),
    ] {
        assert_eq!(refusal(&ask(&org, &[&proof])), invalid(description), "{name}");
    }
    let unknown = with("nonce", json!("of-another-server"));
    assert_eq!(refusal(&ask(&org, &[&unknown])).1, "use_dpop_nonce");
    assert_eq!(ask(&org, &[&prover.proof(&org, "POST", &url)]).status, 200, "the correct proof");
}

#[tokio::test]
async fn a_proof_with_a_small_rsa_key_is_refused_and_one_with_2048_bits_is_not() {
    use aws_lc_rs::rsa::KeyPair;
    use aws_lc_rs::signature::RSA_PKCS1_SHA256;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let org = org_with_job().await;
    let (url, claims) = (token_url(&org, Some("default")), prover(&org));
    let rsa = ClientKey::generate_for_encryption(JweAlgorithm::RsaOaep256).unwrap();
    let lines: String = rsa.private_pem().lines().filter(|line| !line.starts_with("-----")).collect();
    let key = KeyPair::from_pkcs8(&STANDARD.decode(lines).unwrap()).unwrap();
    let jwk = json!({"kty": "RSA", "n": rsa.public_jwk()["n"], "e": rsa.public_jwk()["e"]});
    let sign = |jwk: &Value| {
        let header = json!({"typ": "dpop+jwt", "alg": "RS256", "jwk": jwk});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims.claims(&org, "POST", &url)));
        let mut signature = vec![0; key.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        key.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    assert_eq!(ask(&org, &[&sign(&jwk)]).status, 200);
    let mut small = jwk.clone();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    small["n"] = URL_SAFE_NO_PAD.encode(&modulus[..128]).into();
    assert_eq!(refusal(&ask(&org, &[&sign(&small)])), invalid("The DPoP proof JWT signature is invalid."));
}

#[tokio::test]
async fn a_proof_works_once_even_if_the_request_was_refused() {
    let org = Org::builder().client(Client::web("0oaweb", SECRET)).client(job()).rate_limit(6).start().await.unwrap();
    let (url, prover) = (token_url(&org, Some("default")), prover(&org));
    let used = invalid("The DPoP proof JWT has already been used.");
    let proof = prover.proof(&org, "POST", &url);
    assert_eq!(ask(&org, &[&proof]).status, 200);
    assert_eq!(refusal(&ask(&org, &[&proof])), used, "a replay");
    let proof = prover.proof(&org, "POST", &url);
    org.fault_once(Fault::TokenRateLimited);
    assert_eq!(ask(&org, &[&proof]).status, 429);
    assert_eq!(refusal(&ask(&org, &[&proof])), used, "after 429");
    let proof = prover.proof(&org, "POST", &url);
    assert_eq!(ask(&org, &[&proof]).status, 429, "over the limit");
    org.clock().advance(Duration::from_secs(61));
    assert_eq!(refusal(&ask(&org, &[&proof])), used, "after the limit");
    let mut fresh = Prover::new();
    fresh.nonce = Some("unknown".to_owned());
    let proof = fresh.proof(&org, "POST", &url);
    assert_eq!(refusal(&ask(&org, &[&proof])).1, "use_dpop_nonce");
    assert_eq!(refusal(&ask(&org, &[&proof])), used, "after use_dpop_nonce");
}

#[tokio::test]
async fn a_nonce_is_renewed_after_a_day_and_accepted_for_three() {
    for hours in [24, 8] {
        let builder = Org::builder().client(Client::web("0oaweb", SECRET)).client(job());
        let lifetime = Duration::from_secs(hours * 3600);
        let builder = if hours == 24 { builder } else { builder.dpop_nonce_lifetime(lifetime) };
        let org = builder.start().await.unwrap();
        org.clock().stop();
        let (url, old) = (token_url(&org, Some("default")), prover(&org));
        org.clock().advance(lifetime - Duration::from_secs(1));
        assert!(!ask(&org, &[&old.proof(&org, "POST", &url)]).headers.contains_key("dpop-nonce"));
        org.clock().advance(Duration::from_secs(1));
        let answer = ask(&org, &[&old.proof(&org, "POST", &url)]);
        assert_eq!(answer.status, 200, "the old nonce is accepted");
        let new = answer.header("dpop-nonce").to_owned();
        assert!(Some(&new) != old.nonce.as_ref() && !new.is_empty(), "the new one comes along");
        org.clock().advance(2 * lifetime - Duration::from_secs(1));
        assert_eq!(ask(&org, &[&old.proof(&org, "POST", &url)]).status, 200);
        org.clock().advance(Duration::from_secs(1));
        assert_eq!(refusal(&ask(&org, &[&old.proof(&org, "POST", &url)])).1, "use_dpop_nonce");
    }
}

#[tokio::test]
async fn nonces_belong_to_one_server() {
    let org = org_with_job().await;
    let (prover, url) = (prover(&org), token_url(&org, None));
    let answer = post_with(&url, Some(&job()), &[("dpop", &prover.proof(&org, "POST", &url))], &GRANT);
    assert_eq!(refusal(&answer).1, "use_dpop_nonce");
}

/// Signs Ada in with offline access, and returns the code.
async fn code(org: &Org, changes: &[(&str, &str)]) -> String {
    let all = [&[("scope", "openid offline_access")], changes].concat();
    sign_in(org, &all).await.param("code").unwrap()
}

fn code_fields(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]
}

#[tokio::test]
async fn a_code_survives_the_nonce_and_its_tokens_are_bound_to_the_key() {
    for rotation in [Rotation::Static, Rotation::Rotate] {
        let org = org_with_job().await;
        let client = org.client().rotation(rotation).dpop_bound_access_tokens(true);
        org.put_client(client.clone());
        let (url, mut prover) = (format!("{}/v1/token", org.issuer()), Prover::new());
        let code = code(&org, &[]).await;
        let without = post(&url, Some(&client), &code_fields(&code));
        assert_eq!(refusal(&without), invalid("The DPoP proof JWT header is missing."));
        let body = prover.post(&org, Some(&client), &url, &code_fields(&code)).json();
        assert_eq!(body["token_type"], "DPoP", "{body}");
        let refresh_token = body["refresh_token"].as_str().unwrap();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let other = Prover { nonce: prover.nonce.clone(), ..Prover::new() };
        let answer = post_with(&url, Some(&client), &[("dpop", &other.proof(&org, "POST", &url))], &fields);
        assert_eq!(refusal(&answer), invalid("Invalid DPoP Public Key binding in refresh token"));
        org.put_client(client.clone().dpop_bound_access_tokens(false));
        let answer = post(&url, Some(&client), &fields);
        assert_eq!(refusal(&answer), invalid("The DPoP proof JWT header is missing."));
        let body = prover.post(&org, Some(&client), &url, &fields).json();
        assert_eq!((&body["token_type"], &claims_of(&body)["cnf"]["jkt"]), (&json!("DPoP"), &json!(prover.jkt())));
        let successor = body["refresh_token"].as_str().unwrap();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", successor)];
        assert_eq!(refusal(&post(&url, Some(&client), &fields)).1, "invalid_dpop_proof", "the successor is bound");
    }
}

#[tokio::test]
async fn a_client_without_the_setting_chooses_by_sending_a_proof() {
    let org = org_with_job().await;
    let (client, url) = (job().dpop_bound_access_tokens(false), token_url(&org, Some("default")));
    org.put_client(client.clone());
    let body = post(&url, Some(&client), &GRANT).json();
    assert_eq!((&body["token_type"], claims_of(&body).get("cnf")), (&json!("Bearer"), None));
    assert_eq!(Prover::new().post(&org, Some(&client), &url, &GRANT).json()["token_type"], "DPoP");
}

#[tokio::test]
async fn exchanged_and_device_tokens_are_bound_as_well() {
    let server = AuthorizationServer::custom("down", "api://down").scope("down:read").trusted_server("default");
    let api = Client::service("0oaapi", SECRET).grant_type(GrantType::TokenExchange).dpop_bound_access_tokens(true);
    let device = Client::public("0oadevice").grant_types([GrantType::DeviceCode]).dpop_bound_access_tokens(true);
    let builder = Org::builder().client(Client::web("0oaweb", SECRET).redirect_uri(CALLBACK));
    let org = builder.client(api.clone()).client(device).authorization_server(server).start().await.unwrap();
    let subject = tokens(&org, "openid").await.json()["access_token"].as_str().unwrap().to_owned();
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", &subject),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("audience", "api://down"),
        ("scope", "down:read"),
    ];
    let mut prover = Prover::new();
    let body = prover.post(&org, Some(&api), &token_url(&org, Some("down")), &fields).json();
    assert_eq!(claims_of(&body)["cnf"]["jkt"], prover.jkt(), "{body}");

    let started = [("client_id", "0oadevice"), ("scope", "openid")];
    let device = post(&format!("{}/v1/device/authorize", org.issuer()), None, &started).json();
    let (uri, user_code) = (device["verification_uri"].as_str().unwrap(), device["user_code"].as_str().unwrap());
    org.browser().activate(uri, user_code, ADA).await.unwrap();
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "0oadevice"),
        ("device_code", device["device_code"].as_str().unwrap()),
    ];
    let mut prover = Prover::new();
    let body = prover.post(&org, None, &format!("{}/v1/token", org.issuer()), &fields).json();
    assert_eq!((&body["token_type"], &claims_of(&body)["cnf"]["jkt"]), (&json!("DPoP"), &json!(prover.jkt())));
}

#[tokio::test]
async fn the_thumbprint_of_the_authorization_request_counts_only_with_the_extension() {
    for extended in [false, true] {
        let builder = Org::builder().client(Client::web("0oaweb", SECRET).redirect_uri(CALLBACK));
        let org = builder.rfc_extensions(extended).start().await.unwrap();
        let (url, mut prover, jkt) = (format!("{}/v1/token", org.issuer()), Prover::new(), Prover::new().jkt());
        let other = code(&org, &[("dpop_jkt", &jkt)]).await;
        let answer = prover.post(&org, Some(&org.client()), &url, &code_fields(&other));
        assert_eq!(answer.status, if extended { 400 } else { 200 }, "{}", answer.body);
        let unproven = code(&org, &[("dpop_jkt", &jkt)]).await;
        let answer = post(&url, Some(&org.client()), &code_fields(&unproven));
        assert_eq!(answer.status, if extended { 400 } else { 200 }, "{}", answer.body);
        let own = code(&org, &[("dpop_jkt", &prover.jkt())]).await;
        assert_eq!(prover.post(&org, Some(&org.client()), &url, &code_fields(&own)).status, 200);
    }
}

#[tokio::test]
async fn settings_require_dpop_of_services_or_of_all_clients() {
    let required = |org: &Org| {
        let of = |id: &str| org.client_with_id(id).unwrap().dpop_bound_access_tokens;
        [of(okta_auth_dev::CLIENT_ID), of(okta_auth_dev::PUBLIC_CLIENT_ID), of(okta_auth_dev::SERVICE_CLIENT_ID)]
    };
    for (value, expected) in [("off", [false; 3]), ("services", [false, false, true]), ("on", [true; 3])] {
        let builder = okta_auth_dev::OrgBuilder::from_variables([("OKTA_DEV_DPOP", value)]).unwrap();
        assert_eq!(required(&builder.start().await.unwrap()), expected, "{value}");
    }
    assert!(okta_auth_dev::OrgBuilder::from_variables([("OKTA_DEV_DPOP", "true")]).is_err());
}

#[tokio::test]
async fn nonce_faults_apply_to_the_token_endpoint() {
    let org = org_with_job().await;
    let (url, mut prover) = (token_url(&org, Some("default")), Prover::new());
    org.fault(Fault::Dpop(DpopFault::NonceOptional));
    assert_eq!(ask(&org, &[&prover.proof(&org, "POST", &url)]).status, 200);
    org.clear_faults();
    assert_eq!(prover.post(&org, Some(&job()), &url, &GRANT).status, 200);
    org.fault_once(Fault::Dpop(DpopFault::NonceReplaced));
    let answer = ask(&org, &[&prover.proof(&org, "POST", &url)]);
    assert_eq!(refusal(&answer).1, "use_dpop_nonce");
    assert_eq!(prover.post(&org, Some(&job()), &url, &GRANT).status, 200, "one retry suffices");
    org.fault_once(Fault::Dpop(DpopFault::NonceOnSuccess));
    let old = prover.nonce.clone();
    let answer = prover.post(&org, Some(&job()), &url, &GRANT);
    assert!(answer.status == 200 && prover.nonce != old, "{:?}", answer.headers);
    assert_eq!(ask(&org, &[&prover.proof(&org, "POST", &url)]).status, 200, "the new nonce");
    prover.nonce = old;
    assert_eq!(refusal(&ask(&org, &[&prover.proof(&org, "POST", &url)])).1, "use_dpop_nonce", "the old nonce");
    org.fault(Fault::Dpop(DpopFault::NonceLoop));
    let nonces: Vec<String> = (0..3)
        .map(|_| {
            let answer = ask(&org, &[&prover.proof(&org, "POST", &url)]);
            assert_eq!(refusal(&answer).1, "use_dpop_nonce");
            prover.nonce = Some(answer.header("dpop-nonce").to_owned());
            answer.header("dpop-nonce").to_owned()
        })
        .collect();
    assert!(nonces[0] != nonces[1] && nonces[1] != nonces[2]);
    org.clear_faults();
    let refused = |fault: DpopFault| {
        org.fault_once(Fault::Dpop(fault));
        ask(&org, &[&Prover::new().proof(&org, "POST", &url)])
    };
    assert!(!refused(DpopFault::NonceMissing).headers.contains_key("dpop-nonce"));
    let twice = refused(DpopFault::NonceTwice);
    assert_eq!(twice.names.iter().filter(|name| *name == "dpop-nonce").count(), 2);
    assert_eq!(refused(DpopFault::NonceValue("a \"b\"".into())).header("dpop-nonce"), "a \"b\"");
    org.fault_once(Fault::Dpop(DpopFault::Refused("Not today.".into())));
    assert_eq!(refusal(&prover.post(&org, Some(&job()), &url, &GRANT)), invalid("Not today."));
}

#[tokio::test]
async fn token_faults_change_the_type_or_the_key() {
    let org = org_with_job().await;
    let (url, mut prover) = (token_url(&org, Some("default")), prover(&org));
    for (fault, kind, bound) in [
        (DpopFault::Ignored, "Bearer", None),
        (DpopFault::TokenTypeBearer, "Bearer", Some(true)),
        (DpopFault::TokenTypeCase, "dPoP", Some(true)),
        (DpopFault::OtherKey, "DPoP", Some(false)),
        (DpopFault::NoConfirmation, "DPoP", None),
    ] {
        org.fault_once(Fault::Dpop(fault.clone()));
        let body = prover.post(&org, Some(&job()), &url, &GRANT).json();
        let jkt = claims_of(&body).get("cnf").map(|cnf| cnf["jkt"] == prover.jkt());
        assert_eq!((body["token_type"].as_str().unwrap(), jkt), (kind, bound), "{fault:?}");
    }
}

#[tokio::test]
async fn policies_and_errors_of_the_grant_follow_a_valid_proof() {
    let policy = AccessPolicy::new("Nothing").scope("audit:write");
    let server = AuthorizationServer::custom("audited", "api://audited").scope("audit:read").access_policy(policy);
    let org = Org::builder().client(Client::web("0oaweb", SECRET)).client(job()).authorization_server(server);
    let org = org.start().await.unwrap();
    let (url, mut prover) = (token_url(&org, Some("audited")), Prover::new());
    let fields = [("grant_type", "client_credentials"), ("scope", "audit:read")];
    assert_eq!(refusal(&post(&url, Some(&job()), &fields)).1, "invalid_dpop_proof");
    assert_eq!(refusal(&prover.post(&org, Some(&job()), &url, &fields)).1, "access_denied");
}

#[tokio::test]
async fn scripts_of_trusted_origins_may_read_the_nonce() {
    let org = org_with_job().await;
    let (url, origin) = (token_url(&org, Some("default")), "http://localhost:8080");
    let proof = Prover::new().proof(&org, "POST", &url);
    let answer = post_with(&url, Some(&job()), &[("dpop", &proof), ("origin", origin)], &GRANT);
    assert_eq!(answer.header("access-control-expose-headers"), "DPoP-Nonce, WWW-Authenticate");
    let foreign = post_with(&url, Some(&job()), &[("dpop", &proof), ("origin", "http://other.test")], &GRANT);
    assert!(!foreign.headers.contains_key("access-control-expose-headers"));
}
