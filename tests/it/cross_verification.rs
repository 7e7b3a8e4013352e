//! Two verifiers written by others as oracles: ours accepts nothing that `openidconnect` or `jsonwebtoken` refuses,
//! and every good token.
//!
//! The corpus is made by rule: a good token, and every way to spoil one claim, one header member or the text.

use std::str::FromStr;

use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet};
use openidconnect::{ClientId, IssuerUrl, Nonce};
use serde_json::{Value, json};

use crate::support::{ADA, App};

const NONCE: &str = "the-nonce-of-this-attempt";

/// The verdicts of the three on one token.
#[derive(Debug)]
struct Verdicts {
    ours: Result<(), String>,
    openidconnect: Result<(), String>,
    jsonwebtoken: Result<(), String>,
}

struct Bench {
    app: App,
    jwks: Value,
}

impl Bench {
    async fn start() -> Self {
        let app = App::start().await;
        let jwks = app.org.public_jwks();
        Self { app, jwks }
    }

    async fn judge(&self, token: &str) -> Verdicts {
        Verdicts {
            ours: self
                .app
                .auth
                .verify_id_token(token, Some(NONCE))
                .await
                .map(drop)
                .map_err(|error| format!("{error:?}")),
            openidconnect: self.openidconnect(token),
            jsonwebtoken: self.jsonwebtoken(token),
        }
    }

    fn openidconnect(&self, token: &str) -> Result<(), String> {
        let token = CoreIdToken::from_str(token).map_err(|error| error.to_string())?;
        let keys: CoreJsonWebKeySet = serde_json::from_value(self.jwks.clone()).unwrap();
        let client = ClientId::new(self.app.org.client().client_id);
        let issuer = IssuerUrl::new(self.app.org.issuer()).unwrap();
        let verifier = CoreIdTokenVerifier::new_public_client(client, issuer, keys);
        token.claims(&verifier, &Nonce::new(NONCE.to_owned())).map(drop).map_err(|error| error.to_string())
    }

    fn jsonwebtoken(&self, token: &str) -> Result<(), String> {
        use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
        let header = decode_header(token).map_err(|error| error.to_string())?;
        let keys: JwkSet = serde_json::from_value(self.jwks.clone()).unwrap();
        let named = header.kid.as_ref().and_then(|kid| keys.find(kid));
        let key = named.or_else(|| keys.keys.first()).unwrap();
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_audience(&[self.app.org.client().client_id]);
        rules.set_issuer(&[self.app.org.issuer()]);
        rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        rules.validate_nbf = true;
        rules.leeway = 60;
        decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &rules)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    fn mint(&self) -> okta_auth_dev::Minter {
        self.app.org.mint().id_token(ADA, NONCE)
    }

    fn good(&self) -> Vec<String> {
        let client = self.app.org.client().client_id;
        let groups: Vec<String> = (0..100).map(|n| format!("Group {n}")).collect();
        vec![
            self.mint().sign(),
            self.mint().claim("aud", json!([client])).sign(),
            self.mint().claim("azp", json!(client)).sign(),
            self.mint().claim("groups", json!(groups)).sign(),
            self.mint().claim("name", json!("Zo\u{eb} \u{1f600} \"quoted\" \\ \u{2028}")).sign(),
            self.mint().claim("custom", json!({"nested": {"deep": [1, 2.5, null, true]}})).sign(),
            self.mint().claim("sub", json!("x".repeat(255))).sign(),
            self.mint().remove("auth_time").remove("amr").remove("idp").sign(),
            self.mint().header("typ", json!("JWT")).sign(),
            self.mint().claim("nbf", json!(0)).sign(),
            self.mint().claim("exp", json!(9_999_999_999.5)).claim("nbf", json!(0.5)).sign(),
            self.mint().claim("sub", json!("j\u{fc}rgen.m\u{fc}ller@example.test")).sign(),
        ]
    }

    fn bad(&self) -> Vec<String> {
        let mut bad = Vec::new();
        for claim in ["iss", "sub", "aud", "exp", "iat", "nonce"] {
            bad.push(self.mint().remove(claim).sign());
            for value in [
                json!(null),
                json!(""),
                json!("other"),
                json!(0),
                json!(-1),
                json!(1.5),
                json!(true),
                json!([]),
                json!(["other"]),
                json!({}),
                json!(1e300),
                json!("9999999999"),
            ] {
                if claim == "sub" && value.as_str().is_some_and(|text| !text.is_empty()) {
                    continue; // Any text is somebody.
                }
                if claim == "exp" && value == json!(1e300) {
                    continue; // Any number is a date, and this one is far away.
                }
                bad.push(self.mint().claim(claim, value).sign());
            }
        }
        let client = self.app.org.client().client_id;
        bad.push(self.mint().claim("aud", json!([client, "other"])).sign());
        bad.push(self.mint().claim("aud", json!([client, "other"])).claim("azp", json!(client)).sign());
        bad.push(self.mint().claim("azp", json!("other")).sign());
        bad.push(self.mint().claim("sub", json!("x".repeat(256))).sign());
        bad.extend(self.wrong_types());
        bad.push(self.mint().claim("nbf", json!(99_999_999_999_u64)).sign());
        bad.push(self.mint().claim("iat", json!(99_999_999_999_u64)).sign());
        bad.push(self.mint().claim("events", json!({})).sign());
        bad.push(self.mint().signed_by_unpublished().sign());
        for (name, value) in [
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("b64", json!(false)),
            ("typ", json!("at+jwt")),
            ("typ", json!("logout+jwt")),
            ("kid", json!("other")),
            ("kid", json!(1)),
            ("kid", json!("")),
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("RS384")),
            ("alg", json!("rs256")),
            ("alg", json!("ES256")),
            ("alg", json!("")),
            ("alg", json!(null)),
        ] {
            bad.push(self.mint().header(name, value).sign());
        }
        bad.push(self.app.org.mint().access_token(ADA, ["openid"]).sign());
        bad.extend(self.spoiled_texts());
        bad
    }

    /// Claims of the wrong type, and identifiers with control characters.
    fn wrong_types(&self) -> Vec<String> {
        let client = self.app.org.client().client_id;
        let wrong = [
            ("sub", json!("a\nb")),
            ("sub", json!("\u{1b}[31m")),
            ("sub", json!("\u{202e}")),
            ("sid", json!(7)),
            ("sid", json!("\0")),
            ("azp", json!(7)),
            ("azp", json!([client])),
            ("acr", json!(1)),
            ("amr", json!({"pwd": true})),
            ("auth_time", json!("now")),
            ("session_expiry", json!("never")),
            ("session_expiry", json!([])),
            ("nbf", json!("0")),
            ("email", json!("a@b\r\n")),
        ];
        wrong.into_iter().map(|(claim, value)| self.mint().claim(claim, value).sign()).collect()
    }

    /// One good token, with its text spoiled.
    fn spoiled_texts(&self) -> Vec<String> {
        let token = self.mint().sign();
        let (rest, signature) = token.rsplit_once('.').unwrap();
        let (header, payload) = rest.split_once('.').unwrap();
        let mut bad = vec![
            rest.to_owned(),
            format!("{rest}."),
            format!("{token}."),
            format!("{token}.x"),
            format!("{token}="),
            format!(" {token}"),
            format!("{token}\n"),
            format!("{header}..{signature}"),
            format!(".{payload}.{signature}"),
            format!("{payload}.{header}.{signature}"),
            token.replace('.', ""),
            token.to_uppercase(),
            String::new(),
        ];
        // One character changed, all along the token.
        for at in (0..token.len()).step_by(token.len() / 60) {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            bad.push(String::from_utf8(bytes).unwrap());
        }
        bad.retain(|spoiled| *spoiled != token);
        bad
    }
}

#[tokio::test]
async fn good_tokens_are_accepted_by_all_three() {
    let bench = Bench::start().await;
    for token in bench.good() {
        let verdicts = bench.judge(&token).await;
        assert!(
            verdicts.ours.is_ok() && verdicts.openidconnect.is_ok() && verdicts.jsonwebtoken.is_ok(),
            "{verdicts:?}"
        );
    }
}

#[tokio::test]
async fn bad_tokens_are_refused_and_ours_is_never_laxer() {
    let bench = Bench::start().await;
    let bad = bench.bad();
    assert!(bad.len() >= 150, "{} tokens", bad.len());
    let (mut laxer_oracles, total) = (0, bad.len());
    for token in bad {
        let verdicts = bench.judge(&token).await;
        assert!(verdicts.ours.is_err(), "accepted: {token}\n{verdicts:?}");
        laxer_oracles += usize::from(verdicts.openidconnect.is_ok() || verdicts.jsonwebtoken.is_ok());
    }
    // The oracles are live: they refuse most of the corpus, and each lets something through that ours does not.
    assert!(laxer_oracles > 0 && laxer_oracles * 2 < total, "{laxer_oracles} of {total}");
}

#[tokio::test]
async fn access_tokens_have_rules_of_their_own() {
    let bench = Bench::start().await;
    let (org, auth) = (&bench.app.org, &bench.app.auth);
    let mint = || org.mint().access_token(ADA, ["openid", "profile"]);
    let token = auth.verify_access_token(&mint().sign()).await.unwrap();
    assert_eq!((token.claims().subject(), token.claims().scopes().len()), (ADA, 2));
    assert!(!token.claims().is_machine());
    let scope = mint().remove("scp").claim("scope", json!("a b")).sign();
    assert_eq!(auth.verify_access_token(&scope).await.unwrap().claims().scopes(), ["a", "b"]);
    for bad in [
        mint().claim("aud", json!("api://other")).sign(),
        mint().claim("iss", json!("https://other.example")).sign(),
        mint().claim("exp", json!(1)).sign(),
        mint().claim("iat", json!(99_999_999_999_u64)).sign(),
        mint().claim("nbf", json!(99_999_999_999_u64)).sign(),
        mint().remove("cid").sign(),
        mint().remove("sub").sign(),
        mint().claim("cnf", json!({"jkt": "x"})).sign(),
        mint().claim("events", json!({})).sign(),
        mint().header("typ", json!("logout+jwt")).sign(),
        mint().header("typ", json!("dpop+jwt")).sign(),
        mint().signed_by_unpublished().sign(),
        bench.mint().sign(),
    ] {
        assert!(auth.verify_access_token(&bad).await.unwrap_err().is_token(), "{bad}");
    }
}

#[tokio::test]
async fn unknown_key_ids_of_strangers_cause_one_fetch_per_interval() {
    let bench = Bench::start().await;
    let (org, auth) = (&bench.app.org, &bench.app.auth);
    let good = org.mint().access_token(ADA, ["openid"]).sign();
    auth.verify_access_token(&good).await.unwrap();
    let fetched = org.count("/v1/keys");
    for n in 0..500 {
        let forged = org.mint().access_token(ADA, ["openid"]).header("kid", json!(format!("kid-{n}"))).sign();
        assert_eq!(auth.verify_access_token(&forged).await.unwrap_err().code().as_str(), "token_key_unknown");
    }
    assert_eq!(org.count("/v1/keys") - fetched, 1);
    auth.verify_access_token(&good).await.unwrap();
    org.clock().advance(std::time::Duration::from_secs(6));
    let forged = org.mint().access_token(ADA, ["openid"]).header("kid", json!("again")).sign();
    let _ = auth.verify_access_token(&forged).await;
    assert_eq!(org.count("/v1/keys") - fetched, 2);
}

#[tokio::test]
async fn a_thousand_first_requests_cause_one_discovery_and_one_fetch_of_keys() {
    let bench = Bench::start().await;
    let token = bench.app.org.mint().access_token(ADA, ["openid"]).sign();
    let calls: Vec<_> = (0..1_000)
        .map(|_| {
            let (auth, token) = (bench.app.auth.clone(), token.clone());
            tokio::spawn(async move { auth.verify_access_token(&token).await.map(drop) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(bench.app.org.count("/.well-known/openid-configuration"), 1);
    assert_eq!(bench.app.org.count("/v1/keys"), 1);
}
