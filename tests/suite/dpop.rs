//! Access tokens that are bound to a key (DPoP, RFC 9449), on both frameworks. `tests/it/dpop_api.rs` has the attacks.

use std::time::Duration;

use okta_auth_core::config::ConfigBuilder;
use okta_auth_dev::Algorithm;
use reqwest::Method;
use serde_json::json;

use crate::app::{App, Framework};
use crate::support::{ADA, Browser, OtherProver, Prover, call_with_proof, org_with_groups, proof_claims};

pub(crate) async fn a_bound_token_needs_a_new_proof_for_each_request<F: Framework>() {
    let app = App::start::<F>().await;
    let prover = Prover::new();
    let token = prover.token(&app.org, &["orders:read"]);
    for path in ["/token", "/orders"] {
        let url = format!("{}{path}", app.base);
        let proof = prover.proof(&app.org, "GET", &url, &token);
        let answer = call_with_proof(&app.base, path, &token, &proof).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let again = call_with_proof(&app.base, path, &token, &proof).await;
        assert_eq!((again.status.as_u16(), again.json()["error"].as_str()), (401, Some("invalid_dpop_proof")));
        assert!(again.header("www-authenticate").starts_with("DPoP error=\"invalid_dpop_proof\""));
    }
    let (authorization, bearer) = (format!("DPoP {token}"), format!("Bearer {token}"));
    let url = format!("{}/token", app.base);
    let (get, post) = (prover.proof(&app.org, "GET", &url, &token), prover.proof(&app.org, "POST", &url, &token));
    let send = async |method: Method, headers: &[(&str, &str)]| {
        Browser::new(&app.base).send(method, "/token", headers, String::new()).await
    };
    let with = |proof| [("authorization", authorization.as_str()), ("dpop", proof)];
    assert_eq!(send(Method::POST, &with(&get)).await.status, 401, "a proof for GET");
    assert_eq!(send(Method::POST, &with(&post)).await.status, 200);
    assert_eq!(send(Method::GET, &[with(&get)[0], ("dpop", &get), ("dpop", &post)]).await.status, 401, "two proofs");
    let answer = send(Method::GET, &[("authorization", &bearer), ("dpop", &get)]).await;
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    assert_eq!((answer.status.as_u16(), challenges.len()), (401, 2), "a bound token after `Bearer`");
    assert_eq!(send(Method::GET, &with(&get)).await.status, 200, "control");
}

pub(crate) async fn an_api_can_require_bound_tokens<F: Framework>() {
    let app = App::with::<F>(org_with_groups().await, ConfigBuilder::require_dpop).await;
    let answer = app.call("/token", &app.token(&["orders:read"])).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (401, Some("invalid_token")));
    assert!(answer.header("www-authenticate").starts_with("DPoP error=\"invalid_token\""));
    let prover = Prover::new();
    let token = prover.token(&app.org, &["orders:read"]);
    let proof = prover.proof(&app.org, "GET", &format!("{}/token", app.base), &token);
    assert_eq!(call_with_proof(&app.base, "/token", &token, &proof).await.status, 200);
}

/// FAPI 2.0 Security Profile §5.4.1: PS256, ES256 and EdDSA with Ed25519, for proofs and for access tokens.
pub(crate) async fn an_api_with_fapi2_accepts_only_the_algorithms_of_the_profile<F: Framework>() {
    const PROFILE: [&str; 3] = ["ES256", "EdDSA", "PS256"];
    let org = org_with_groups().await;
    let issuer = org.issuer();
    let fapi2 = move |own: ConfigBuilder| {
        let base = own.build().unwrap().base_url().to_string();
        ConfigBuilder::default().issuer(issuer).base_url(base).api_only().fapi2()
    };
    let app = App::with::<F>(org, fapi2).await;
    let (url, scopes) = (format!("{}/token", app.base), ["orders:read"]);

    let token =
        |jkt: String, alg| app.org.token().alg(alg).access_token(ADA, scopes).claim("cnf", json!({"jkt": jkt})).sign();
    let prover = Prover::new();
    let all = [
        Algorithm::Es256,
        Algorithm::EdDsa,
        Algorithm::Ps256,
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Es384,
    ];
    // All keys are published before the first call.
    let tokens = all.map(|alg| (alg, token(prover.jkt(), alg)));
    for (alg, token) in tokens {
        let proof = prover.proof(&app.org, "GET", &url, &token);
        let answer = call_with_proof(&app.base, "/token", &token, &proof).await;
        let is_allowed = PROFILE.contains(&alg.as_str());
        assert_eq!(answer.status, if is_allowed { 200 } else { 401 }, "an access token with {alg:?}: {}", answer.body);
        assert!(is_allowed || answer.json()["error"] == "invalid_token", "{}", answer.body);
    }
    // The name of RFC 9864.
    let newer = app.org.token().alg(Algorithm::EdDsa).header("alg", "Ed25519").access_token(ADA, scopes);
    let newer = newer.claim("cnf", json!({"jkt": prover.jkt()})).sign();
    let proof = prover.proof(&app.org, "GET", &url, &newer);
    assert_eq!(call_with_proof(&app.base, "/token", &newer, &proof).await.status, 200);
    for prover in OtherProver::all() {
        let token = token(prover.jkt(), Algorithm::Es256);
        let proof = prover.sign(&proof_claims(&app.org, "GET", &url, &token));
        let answer = call_with_proof(&app.base, "/token", &token, &proof).await;
        let is_allowed = PROFILE.contains(&prover.alg());
        let what = format!("a proof with {}: {}", prover.alg(), answer.body);
        assert_eq!(answer.status, if is_allowed { 200 } else { 401 }, "{what}");
        if !is_allowed {
            assert_eq!(answer.json()["error"], "invalid_dpop_proof", "{what}");
            assert!(answer.header("www-authenticate").contains("algs=\"ES256 EdDSA PS256\""), "{what}");
        }
    }

    // What the API announces.
    let answer = app.browser().fetch("/token").await;
    assert!(answer.header("www-authenticate").contains("DPoP algs=\"ES256 EdDSA PS256\""), "{:?}", answer.headers);
    let answer = app.call("/token", &token(prover.jkt(), Algorithm::Es256)).await;
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().map(|it| it.to_str().unwrap()).collect();
    assert!(challenges.iter().all(|it| !it.contains("algs=") || it.contains("algs=\"ES256 EdDSA PS256\"")));
    let metadata = app.browser().fetch("/.well-known/oauth-protected-resource").await.json();
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(PROFILE));
}

pub(crate) async fn an_api_can_require_nonces<F: Framework>() {
    let nonces = |config: ConfigBuilder| config.require_dpop_nonce(Duration::from_secs(300));
    let app = App::with::<F>(org_with_groups().await, nonces).await;
    let prover = Prover::new();
    let token = prover.token(&app.org, &["orders:read"]);
    let call = async |nonce: &str| {
        let mut claims = prover.claims(&app.org, "GET", &format!("{}/token", app.base), &token);
        claims["nonce"] = nonce.into();
        call_with_proof(&app.base, "/token", &token, &prover.sign(&prover.header(), &claims)).await
    };
    let answer = call("of another server").await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (401, Some("use_dpop_nonce")));
    assert!(answer.header("www-authenticate").starts_with("DPoP error=\"use_dpop_nonce\""));
    assert_eq!(answer.header("access-control-expose-headers"), "WWW-Authenticate, DPoP-Nonce");
    let nonce = answer.header("dpop-nonce").to_owned();
    let answer = call(&nonce).await;
    assert_eq!((answer.status.as_u16(), answer.header("dpop-nonce")), (200, ""));
    app.org.clock().advance(Duration::from_secs(200));
    let answer = call(&nonce).await;
    assert_eq!((answer.status.as_u16(), answer.headers.get_all("dpop-nonce").iter().count()), (200, 1));
    assert_eq!(answer.header("access-control-expose-headers"), "DPoP-Nonce");
    let next = answer.header("dpop-nonce").to_owned();
    app.org.clock().advance(Duration::from_secs(150));
    assert_eq!((call(&nonce).await.status.as_u16(), call(&next).await.status.as_u16()), (401, 200));
}
