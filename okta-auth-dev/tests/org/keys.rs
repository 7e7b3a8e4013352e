//! Keys and their rotation.

use okta_auth_dev::{ADA, Org};
use serde_json::{Value, json};

use crate::support::*;

fn published(org: &Org) -> Vec<Value> {
    get(&format!("{}/v1/keys", org.issuer())).json()["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn two_keys_are_published_with_oktas_members() {
    let org = Org::start().await.unwrap();
    let answer = get(&format!("{}/v1/keys", org.issuer()));
    assert_eq!(answer.header("cache-control"), "max-age=3832304, must-revalidate");
    let keys = published(&org);
    assert_eq!(keys.len(), 2);
    for key in &keys {
        assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("RSA"), &json!("RS256"), &json!("sig")));
        assert_eq!((&key["e"], key.as_object().unwrap().len()), (&json!("AQAB"), 6));
    }
    assert_eq!(org.public_jwks()["keys"], json!(keys));
    assert!(org.public_key_pem().starts_with("-----BEGIN PUBLIC KEY-----\nMII"));
}

#[tokio::test]
async fn rotation_moves_next_to_active_and_drops_the_old_key() {
    let org = Org::start().await.unwrap();
    let before = published(&org);
    let old = json!(org.token().id_token(ADA, None).sign());
    assert_eq!(header(&old)["kid"], before[0]["kid"]);
    org.rotate_keys();
    let after = published(&org);
    assert_eq!((after.len(), &after[0]["kid"]), (2, &before[1]["kid"]));
    assert!(!before.contains(&after[1]));
    assert!(!verifies(&org, &old));
    let new = json!(org.token().id_token(ADA, None).sign());
    assert_eq!(header(&new)["kid"], before[1]["kid"]);
    assert!(verifies(&org, &new));
}

#[tokio::test]
async fn the_org_server_signs_access_tokens_with_a_key_it_does_not_publish() {
    let org = Org::builder().groups_claim_everywhere("groups").start().await.unwrap();
    let url = authorize_url(&org, &org.org_issuer(), &[("scope", "openid profile email groups")]);
    let code = org.sign_in(&url, ADA).await.unwrap().param("code").unwrap();
    let body = exchange_at(&org, &org.org_issuer(), &code, &[]).json();
    let keys = get(&format!("{}/oauth2/v1/keys", org.url())).json();
    assert!(verifies_with(&keys, &body["id_token"]));
    assert!(!verifies_with(&keys, &body["access_token"]));
    let access = claims(&body["access_token"]);
    assert_eq!((&access["iss"], &access["aud"]), (&json!(org.url()), &json!(org.url())));
    let id = claims(&body["id_token"]);
    assert_eq!((&id["email"], &id["name"]), (&json!(ADA), &json!("Ada Lovelace")));
    assert!(id.get("groups").is_none() && id.get("given_name").is_none(), "thin");
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let userinfo = send("GET", &format!("{}/oauth2/v1/userinfo", org.url()), &[("authorization", &bearer)], "");
    assert_eq!(userinfo.json()["groups"], json!(["Everyone", "Admins"]));
    assert_eq!(userinfo.json()["sub"], id["sub"]);
    let token = body["access_token"].as_str().unwrap();
    let url = format!("{}/oauth2/v1/introspect", org.url());
    assert_eq!(post(&url, Some(&org.client()), &[("token", token)]).json()["active"], true);
    assert_eq!(introspect(&org, token), json!({"active": false}), "only the issuing server accepts it");
}

#[tokio::test]
async fn a_token_builder_makes_the_requested_tokens() {
    let org = Org::start().await.unwrap();
    let mint = || org.token().id_token(ADA, "n");
    let plain = json!(mint().sign());
    assert!(verifies(&org, &plain));
    assert_eq!((&claims(&plain)["nonce"], &claims(&plain)["iss"]), (&json!("n"), &json!(org.issuer())));
    let changed = json!(mint().claim("aud", json!(["a", "b"])).remove("exp").header("typ", "JWT").sign());
    assert_eq!((&claims(&changed)["aud"], claims(&changed).get("exp")), (&json!(["a", "b"]), None));
    assert_eq!(header(&changed)["typ"], "JWT");
    assert!(!verifies(&org, &json!(mint().signed_by_unpublished().sign())));
    assert!(!verifies(&org, &json!(mint().bad_signature().sign())));
    assert!(verifies(&org, &json!(mint().signed_by_next().sign())));
    for algorithm in ["Es256", "Es384", "Ps256", "Rs384", "Rs512", "EdDsa"] {
        use okta_auth_dev::Algorithm as A;
        let all = [A::Es256, A::Es384, A::Ps256, A::Rs384, A::Rs512, A::EdDsa];
        let chosen = all.into_iter().find(|known| format!("{known:?}") == algorithm).unwrap();
        let token = json!(mint().alg(chosen).sign());
        assert_eq!(header(&token)["alg"], chosen.as_str());
        assert!(verifies(&org, &token), "{algorithm}");
    }
    let access = json!(org.token().access_token(ADA, ["openid"]).sign());
    assert_eq!(userinfo(&org, access.as_str().unwrap()).json()["sub"], json!(org.user(ADA).unwrap().id));
    let service = claims(&json!(org.token().service_token(["orders:read"]).sign()));
    assert_eq!((&service["sub"], service.get("uid")), (&json!(okta_auth_dev::CLIENT_ID), None));
    assert!(mint().unsigned().sign().ends_with('.'));
    assert_eq!(header(&json!(mint().signed_by_secret("secret").sign()))["alg"], "HS256");
    assert_eq!(mint().server("nope").sign(), "");
}
