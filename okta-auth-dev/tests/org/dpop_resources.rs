//! DPoP at userinfo and at Okta's API (RFC 9449 §7).

use okta_auth_dev::{ADA, ApiFault, Client, DpopFault, Fault, Org};
use serde_json::json;

use crate::support::*;

const ALGORITHMS: &str = r#"algs="RS256 RS384 RS512 ES256 ES384 ES512""#;

fn get_with(url: &str, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
    let authorization = format!("{scheme} {token}");
    let mut headers = vec![("authorization", authorization.as_str())];
    headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
    send("GET", url, &headers, "")
}

/// An org whose service has a token for its API that is bound to the key of the prover.
async fn org_with_api_token() -> (Org, Prover, String) {
    let signer = Signer::new();
    let client = Client::api_service("0oaapi", signer.jwk()).okta_scopes(["okta.users.read"]);
    let client = client.admin_role("READ_ONLY_ADMIN").dpop_bound_access_tokens(true);
    let org = Org::builder().client(client).start().await.unwrap();
    let (url, mut prover) = (token_url(&org, None), Prover::new());
    let ask = |prover: &Prover| {
        let assertion = signer.assertion(&org, "0oaapi", &url);
        let fields = [
            ("grant_type", "client_credentials"),
            ("scope", "okta.users.read"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        post_with(&url, None, &[("dpop", &prover.proof(&org, "POST", &url))], &fields)
    };
    prover.nonce = Some(ask(&prover).header("dpop-nonce").to_owned());
    let body = ask(&prover).json();
    assert_eq!(body["token_type"], "DPoP", "{body}");
    let token = body["access_token"].as_str().unwrap().to_owned();
    (org, Prover { nonce: None, ..prover }, token)
}

#[tokio::test]
async fn oktas_api_answers_a_bound_token_with_its_key_and_refuses_the_rest() {
    let (org, prover, token) = org_with_api_token().await;
    let url = format!("{}/api/v1/users", org.url());
    let good = || prover.proof_for(&org, &url, &token);
    assert_eq!(get_with(&url, "DPoP", &token, &[&good()]).status, 200);
    assert_eq!(get_with(&url, "dpop", &token, &[&good()]).status, 200, "schemes are case-insensitive");
    assert_eq!(get_with(&format!("{url}?limit=1"), "DPoP", &token, &[&good()]).status, 200, "htu has no query");
    let other = Prover::new();
    let replayed = good();
    assert_eq!(get_with(&url, "DPoP", &token, &[&replayed]).status, 200);
    let (no_ath, elsewhere) = (prover.proof(&org, "GET", &url), format!("{url}/{ADA}"));
    let binding = "The access_token is not bound to the provided DPoP proof.";
    let ath = "'ath' claim in the DPoP proof does not match the presented access_token.";
    let scheme = "The resource request must use the DPoP authentication scheme when using a DPoP bound token.";
    for (name, scheme, proofs, error, description) in [
        ("Bearer", "Bearer", vec![good()], "invalid_request", scheme),
        ("Bearer without a proof", "Bearer", vec![], "invalid_request", scheme),
        ("no proof", "DPoP", vec![], "invalid_request", "The resource request requires a DPoP proof."),
        (
            "two proofs",
            "DPoP",
            vec![good(), good()],
            "invalid_dpop_proof",
            "Multiple DPoP proof JWT headers are not allowed.",
        ),
        ("replay", "DPoP", vec![replayed], "invalid_dpop_proof", "The DPoP proof JWT has already been used."),
        ("another key", "DPoP", vec![other.proof_for(&org, &url, &token)], "invalid_dpop_proof", binding),
        ("no ath", "DPoP", vec![no_ath], "invalid_dpop_proof", ath),
        ("another token", "DPoP", vec![prover.proof_for(&org, &url, "x")], "invalid_dpop_proof", ath),
        (
            "another URL",
            "DPoP",
            vec![prover.proof_for(&org, &elsewhere, &token)],
            "invalid_dpop_proof",
            "'htu' claim in the DPoP proof JWT is invalid.",
        ),
    ] {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        let answer = get_with(&url, scheme, &token, &proofs);
        let challenge = answer.header("www-authenticate");
        assert_eq!(answer.status, 400, "{name}: {}", answer.body);
        let (url, words) = (org.url(), format!("error=\"{error}\", error_description=\"{description}\""));
        let expected = format!(
            "DPoP {ALGORITHMS}, authorization_uri=\"{url}/oauth2/v1/authorize\", realm=\"{url}\", \
             scope=\"okta.users.read\", {words}, resource=\"/api/v1/users\""
        );
        assert_eq!(challenge, expected, "{name}");
    }
}

#[tokio::test]
async fn a_proof_is_used_up_by_a_limited_request_to_the_api() {
    let (org, prover, token) = org_with_api_token().await;
    let url = format!("{}/api/v1/users", org.url());
    let proof = prover.proof_for(&org, &url, &token);
    org.fault_once(Fault::Api(ApiFault::RateLimited));
    assert_eq!(get_with(&url, "DPoP", &token, &[&proof]).status, 429);
    let again = get_with(&url, "DPoP", &token, &[&proof]);
    assert!(again.header("www-authenticate").contains("already been used"), "{:?}", again.headers);
    assert_eq!(get_with(&url, "DPoP", &token, &[&prover.proof_for(&org, &url, &token)]).status, 200);
}

#[tokio::test]
async fn userinfo_requires_the_key_of_a_bound_token() {
    let org = Org::start().await.unwrap();
    let (client, mut prover) = (org.client(), Prover::new());
    let (token_url, url) = (format!("{}/v1/token", org.issuer()), format!("{}/v1/userinfo", org.issuer()));
    let code = sign_in(&org, &[]).await.param("code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let body = prover.post(&org, Some(&client), &token_url, &fields).json();
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(get_with(&url, "DPoP", token, &[&prover.proof_for(&org, &url, token)]).json()["email"], ADA);
    let bearer = userinfo(&org, token);
    let words = "The resource request must use the DPoP authentication scheme when using a DPoP bound token.";
    let expected = format!("DPoP {ALGORITHMS}, error=\"invalid_request\", error_description=\"{words}\"");
    assert_eq!((bearer.status, bearer.header("www-authenticate"), bearer.body.as_str()), (400, &*expected, ""));
    let stolen = get_with(&url, "DPoP", token, &[&Prover::new().proof_for(&org, &url, token)]);
    assert!(stolen.header("www-authenticate").contains("is not bound to the provided DPoP proof"));

    let unbound = tokens(&org, "openid profile").await.json()["access_token"].as_str().unwrap().to_owned();
    let answer = get_with(&url, "DPoP", &unbound, &[&prover.proof_for(&org, &url, &unbound)]);
    assert_eq!(answer.status, 401);
    assert!(
        answer
            .header("www-authenticate")
            .contains("error=\"invalid_token\", error_description=\"The presented access_token is not DPoP bound.\"")
    );
    let ignored = get_with(&url, "Bearer", &unbound, &["junk"]);
    assert_eq!(ignored.status, 200, "a proof with an ordinary token has no effect");
    assert_eq!(get_with(&url, "DPoP", "junk", &[]).status, 401);
}

#[tokio::test]
async fn faults_add_nonces_and_refusals_at_resources() {
    let (org, mut prover, token) = org_with_api_token().await;
    let url = format!("{}/api/v1/users", org.url());
    let ask = |prover: &Prover| get_with(&url, "DPoP", &token, &[&prover.proof_for(&org, &url, &token)]);
    org.fault(Fault::Dpop(DpopFault::ResourceNonce));
    let answer = ask(&prover);
    assert_eq!((answer.status, answer.json()["errorCode"].clone()), (401, json!("use_dpop_nonce")));
    assert!(answer.header("www-authenticate").contains("error=\"use_dpop_nonce\""));
    prover.nonce = Some(answer.header("dpop-nonce").to_owned());
    assert_eq!(ask(&prover).status, 200);
    org.fault_once(Fault::Dpop(DpopFault::ResourceNonceOnSuccess));
    let answer = ask(&prover);
    assert_eq!((answer.status, ask(&prover).status), (200, 401), "the nonce was replaced");
    prover.nonce = Some(answer.header("dpop-nonce").to_owned());
    assert_eq!(ask(&prover).status, 200);
    org.fault(Fault::Dpop(DpopFault::ResourceNonceLoop));
    prover.nonce = Some(ask(&prover).header("dpop-nonce").to_owned());
    assert_eq!(ask(&prover).status, 401);
    org.clear_faults();
    org.fault(Fault::Dpop(DpopFault::ChallengeCase));
    org.fault_once(Fault::Dpop(DpopFault::ResourceRefused("Not today.".into())));
    let answer = ask(&prover);
    let challenge = answer.header("www-authenticate");
    assert!(answer.status == 400 && challenge.starts_with("dPoP algs="), "{challenge}");
    assert!(challenge.contains("error_description=\"Not today.\""));
}
