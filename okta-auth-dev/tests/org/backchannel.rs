//! Logout tokens for conformance tests of apps. Okta does not send them.

use okta_auth_dev::{ADA, LogoutTokenFault, ORG_SERVER, Org};
use serde_json::{Value, json};

use crate::support::*;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

#[tokio::test]
async fn a_logout_token_is_posted_as_a_form() {
    let app = App::start(&[200]);
    let org = Org::start().await.unwrap();
    sign_in(&org, &[]).await;
    let delivery = org.logout_token(ADA).send_to(format!("{}/backchannel-logout", app.origin)).await;
    assert!(delivery.is_success(), "{delivery:?}");
    let received = &app.received()[0];
    assert_eq!(received.line, "POST /backchannel-logout HTTP/1.1");
    assert_eq!(received.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!received.headers.contains_key("authorization"));
    let token = json!(received.body.strip_prefix("logout_token=").unwrap());
    assert!(verifies(&org, &token));
    assert_eq!((&header(&token)["typ"], &header(&token)["alg"]), (&json!("logout+jwt"), &json!("RS256")));
    let claims = claims(&token);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(org.issuer()), &json!(org.client().client_id)));
    assert_eq!(claims["sub"], org.user(ADA).unwrap().id);
    assert_eq!((&claims["sid"], &claims["events"]), (&json!(org.sessions()[0].sid), &json!({EVENT: {}})));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 120);
    assert!(claims["jti"].is_string());
}

#[tokio::test]
async fn unusual_but_correct_logout_tokens_can_be_made() {
    let org = Org::start().await.unwrap();
    let token = org.logout_token(ADA).server(ORG_SERVER).client("0oaother").subject(None).session("s-1");
    let token = token.header("typ", Value::Null).claim("unknown", json!({"a": 1}));
    let token = json!(token.notice("http://localhost:1/").token());
    let claims = claims(&token);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(org.org_issuer()), &json!("0oaother")));
    assert_eq!((claims.get("sub"), &claims["sid"], &claims["unknown"]), (None, &json!("s-1"), &json!({"a": 1})));
    assert!(header(&token).get("typ").is_none());
    let bare = json!(org.logout_token(ADA).notice("http://localhost:1/").token());
    assert!(crate::support::claims(&bare).get("sid").is_none(), "no session exists");
}

#[tokio::test]
async fn each_fault_changes_one_thing() {
    let org = Org::start().await.unwrap();
    sign_in(&org, &[]).await;
    let uri = "http://localhost:1/backchannel-logout";
    let good = claims(&json!(org.logout_token(ADA).notice(uri).token()));
    let now = good["iat"].as_i64().unwrap();
    for fault in LogoutTokenFault::ALL {
        let before = claims(&json!(org.logout_token(ADA).notice(uri).token()));
        let notice = org.logout_token(ADA).fault(fault).notice(uri);
        let token = json!(notice.token());
        let (claims, header, sound) = (claims(&token), header(&token), verifies(&org, &token));
        let (differs, lacks) = (|name: &str| claims[name] != good[name], |name: &str| claims.get(name).is_none());
        use LogoutTokenFault as F;
        let changed = match fault {
            F::NoToken => !notice.body().contains("logout_token"),
            F::IdTokenInstead => lacks("events") && claims["ver"] == 1,
            F::AlgNone => header["alg"] == "none" && token.as_str().unwrap().ends_with('.'),
            F::WrongAlg => header["alg"] == "ES256",
            F::HmacWithPublicKey => header["alg"] == "HS256",
            F::WrongKey | F::BadSignature => header["alg"] == "RS256" && !sound,
            F::OtherType => header["typ"] == "at+jwt",
            F::WrongIssuer => !lacks("iss") && differs("iss"),
            F::NoIssuer => lacks("iss"),
            F::WrongAudience => !lacks("aud") && differs("aud"),
            F::NoAudience => lacks("aud"),
            F::WrongEvent => claims["events"].get(EVENT).is_none() && claims["events"].is_object(),
            F::NoEvent => lacks("events"),
            F::EventsNoObject => claims["events"] == EVENT,
            F::WithNonce => !lacks("nonce"),
            F::NoJti => lacks("jti"),
            F::ReplayedJti => claims["jti"] == before["jti"],
            F::Expired => claims["exp"].as_i64().unwrap() < now - 300,
            F::NoExpiry => lacks("exp"),
            F::NoIat => lacks("iat"),
            F::IssuedInFuture => claims["iat"].as_i64().unwrap() > now + 3000,
            F::NeitherSubNorSid => lacks("sub") && lacks("sid"),
            _ => panic!("{fault:?} is not tested"),
        };
        assert!(changed, "{fault:?}: {header} {claims}");
        let signature = matches!(fault, F::AlgNone | F::HmacWithPublicKey | F::WrongKey | F::BadSignature);
        assert_eq!(sound, !signature, "{fault:?} changes nothing else");
    }
}

#[tokio::test]
async fn the_metadata_does_not_announce_back_channel_logout() {
    let org = Org::start().await.unwrap();
    for issuer in [org.issuer(), org.org_issuer()] {
        let metadata = get(&format!("{issuer}/.well-known/openid-configuration"));
        assert!(!metadata.body.contains("backchannel_logout") && !metadata.body.contains("frontchannel_logout"));
    }
}
