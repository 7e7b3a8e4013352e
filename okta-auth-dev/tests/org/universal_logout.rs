//! Universal Logout: the notices to apps when a user is signed out everywhere.

use okta_auth_dev::{ADA, BEN, Client, Notice, ORG_SERVER, Org, RevocationFault, SubjectFormat};
use serde_json::{Value, json};

use crate::support::*;

const PATH: &str = "/global-token-revocation";

/// An org whose first client is the app.
async fn org(app: &App) -> Org {
    let org = Org::start().await.unwrap();
    org.put_client(org.client().session_claim(true).universal_logout(format!("{}{PATH}?tenant=1#x", app.origin)));
    org
}

/// Whether the keys of the org's own server verify the token.
fn verifies_at_org(org: &Org, token: &Value) -> bool {
    verifies_with(&get(&format!("{}/oauth2/v1/keys", org.url())).json(), token)
}

#[tokio::test]
async fn the_apps_that_a_user_used_are_notified() {
    let (app, other) = (App::start(&[204]), App::start(&[500]));
    let org = org(&app).await;
    let second = Client::web("0oasecond", "s").redirect_uri(CALLBACK).universal_logout(format!("{}/x", other.origin));
    org.put_client(second.universal_logout_subject(SubjectFormat::IssSub));
    org.put_client(Client::web("0oathird", "s").redirect_uri(CALLBACK).universal_logout("http://127.0.0.1:1/"));
    let mut browser = org.browser();
    let url = |id: &str| authorize_url(&org, &org.issuer(), &[("client_id", id), ("scope", "openid offline_access")]);
    let code = browser.sign_in(&url(&org.client().client_id), ADA).await.unwrap().param("code").unwrap();
    let body = exchange(&org, &code, &[]).json();
    browser.open(&url("0oasecond")).await.unwrap();
    assert_eq!(org.sessions().len(), 1);
    assert_eq!(org.sessions()[0].apps, [org.client().client_id.as_str(), "0oasecond"]);
    assert_eq!(claims(&body["id_token"])["sid"], org.sessions()[0].sid);

    let deliveries = org.universal_logout(ADA).await;
    let statuses: Vec<_> = deliveries.iter().map(|delivery| (delivery.client_id.as_str(), delivery.status)).collect();
    assert_eq!(
        statuses,
        [(org.client().client_id.as_str(), Some(204)), ("0oasecond", Some(500))],
        "the third app is not notified"
    );
    assert!(deliveries[0].is_success() && !deliveries[1].is_success());
    assert_eq!((deliveries[0].header("x-app"), deliveries[0].body.as_str()), (Some("yes"), "ok"));

    assert!(org.sessions().is_empty());
    let silent = browser.open(&authorize_url(&org, &org.issuer(), &[("prompt", "none")])).await.unwrap();
    assert_eq!(silent.param("error").unwrap(), "login_required");
    assert_eq!(refresh(&org, body["refresh_token"].as_str().unwrap()).json()["error"], "invalid_grant");

    let received = &app.received()[0];
    assert_eq!(received.line, format!("POST {PATH}?tenant=1 HTTP/1.1"));
    assert_eq!(received.headers["content-type"], "application/json");
    let told: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!(told, json!({"sub_id": {"format": "email", "email": ADA}}));
    let told: Value = serde_json::from_str(&other.received()[0].body).unwrap();
    assert_eq!(told["sub_id"], json!({"format": "iss_sub", "iss": org.url(), "sub": org.user(ADA).unwrap().id}));
    let token = json!(received.headers["authorization"].strip_prefix("Bearer ").unwrap());
    assert!(verifies_at_org(&org, &token) && !verifies(&org, &token), "signed by the org, not by the custom server");
    assert_eq!(header(&token)["typ"], "global-token-revocation+jwt");
    let claims = claims(&token);
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(org.url()), &json!(org.client().client_id)));
    assert_eq!(claims["aud"], format!("{}{PATH}", app.origin), "without query and fragment");
    let time = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!((time("exp") - time("iat"), time("iat") - time("nbf")), (300, 300));
    assert!(claims["jti"].is_string());
}

#[tokio::test]
async fn an_app_without_a_response_is_reported() {
    let org = Org::start().await.unwrap();
    for (uri, words) in [
        ("http://127.0.0.1:1/", "refused"),
        ("https://localhost/", "this machine"),
        ("http://192.0.2.1/", "this machine"),
        ("", "not a URL"),
    ] {
        let delivery = org.global_revocation(ADA).to(uri).send().await;
        assert!(delivery.status.is_none() && delivery.problem.as_ref().unwrap().contains(words), "{delivery:?}");
    }
}

#[tokio::test]
async fn each_fault_changes_one_thing() {
    let app = App::start(&[204]);
    let org = org(&app).await;
    let good = claims(&json!(org.global_revocation(ADA).notice().token()));
    let now = good["iat"].as_i64().unwrap();
    for fault in RevocationFault::ALL {
        let notice: Notice = org.global_revocation(ADA).fault(fault).notice();
        let token = json!(notice.token());
        let (claims, header) = (claims(&token), header(&token));
        let sound = verifies_at_org(&org, &token);
        let body: Result<Value, _> = serde_json::from_str(notice.body());
        let differs = |name: &str| claims[name] != good[name];
        use RevocationFault as F;
        let changed = match fault {
            F::WrongKey | F::BadSignature | F::AlgNone | F::HmacWithPublicKey => !sound,
            F::CustomServerKey => !sound && verifies(&org, &token),
            F::WrongType => header["typ"] == "JWT",
            F::NoType => header.get("typ").is_none(),
            F::WrongIssuer => differs("iss"),
            F::WrongAudience => differs("aud"),
            F::WrongSubject => differs("sub"),
            F::Expired => claims["exp"].as_i64().unwrap() < now - 300,
            F::NoExpiry => claims.get("exp").is_none(),
            F::NotYetValid => claims["nbf"].as_i64().unwrap() > now + 3000,
            F::IssuedInFuture => claims["iat"].as_i64().unwrap() > now + 3000,
            F::NoJti => claims.get("jti").is_none(),
            F::MalformedBody => body.is_err(),
            F::NoSubject => body.as_ref().unwrap() == &json!({}),
            F::UnknownFormat => body.as_ref().unwrap()["sub_id"]["format"] == "account",
            F::NoToken => {
                notice.send().await;
                !app.received().last().unwrap().headers.contains_key("authorization")
            }
            F::ReplayedJti => {
                let first = org.global_revocation(ADA).notice();
                let again = json!(org.global_revocation(ADA).fault(fault).notice().token());
                crate::support::claims(&again)["jti"] == crate::support::claims(&json!(first.token()))["jti"]
            }
            _ => panic!("{fault:?} is not tested"),
        };
        assert!(changed, "{fault:?}: {header} {claims} {}", notice.body());
        let signature =
            matches!(fault, F::WrongKey | F::CustomServerKey | F::BadSignature | F::AlgNone | F::HmacWithPublicKey);
        assert_eq!(sound, !signature, "{fault:?} changes nothing else");
    }
}

#[tokio::test]
async fn a_revocation_can_be_customized() {
    let org = Org::start().await.unwrap();
    org.put_client(Client::web("0oasecond", "s").universal_logout("http://localhost:1/"));
    let revocation = org.global_revocation(ADA).client("0oasecond").subject(BEN, SubjectFormat::Opaque);
    let notice = revocation.claim("sub", Value::Null).header("kid", "other").notice();
    let body: Value = serde_json::from_str(notice.body()).unwrap();
    assert_eq!(body["sub_id"], json!({"format": "opaque", "id": org.user(BEN).unwrap().id}));
    let token = json!(notice.token());
    assert_eq!((claims(&token).get("sub"), &header(&token)["kid"]), (None, &json!("other")));
    assert_eq!(notice.uri(), "http://localhost:1/");
    let unknown = org.global_revocation(ADA).sub_id(json!({"format": "email", "email": "x@y.z"})).notice();
    assert!(unknown.body().contains("x@y.z"), "{ORG_SERVER}");
}

#[tokio::test]
async fn the_administrators_page_signs_a_user_out() {
    let app = App::start(&[204, 401]);
    let org = org(&app).await;
    sign_in(&org, &[]).await;
    let page = get(&format!("{}/admin", org.url()));
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&org.sessions()[0].sid) && page.body.contains("Ada Lovelace"));
    let button = format!("{}/admin/universal-logout", org.url());
    let click = |headers: &[(&str, &str)]| send("POST", &button, headers, &encode(&[("login", ADA)]));
    for foreign in [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "same-site")] {
        assert_eq!(click(&[foreign]).status, 403, "{foreign:?}");
    }
    assert_eq!((org.sessions().len(), get(&button).status), (1, 405));
    let done = click(&[("origin", org.url()), ("sec-fetch-site", "same-origin")]);
    assert!(done.body.contains("<span> 204</span>") && done.body.contains("Not signed in"), "{}", done.body);
    assert!(org.sessions().is_empty());
    assert_eq!(org.count("/admin/universal-logout"), 0, "the request log records only requests of apps");
}

#[tokio::test]
async fn the_test_api_sends_valid_and_faulty_notices() {
    let app = App::start(&[401, 204]);
    let org = org(&app).await;
    sign_in(&org, &[]).await;
    let url = format!("{}/dev/universal-logout", org.url());
    let tell = |body: Value| send("POST", &url, &[], &body.to_string());
    let answer = tell(json!({"login": ADA, "fault": "wrong_key"})).json();
    assert_eq!((&answer[0]["status"], org.sessions().len()), (&json!(401), 1), "the org's sessions continue");
    let answer = tell(json!({"login": ADA})).json();
    assert_eq!((&answer[0]["status"], &answer[0]["client_id"]), (&json!(204), &json!(org.client().client_id)));
    assert!(org.sessions().is_empty());
    assert_eq!(tell(json!({"login": "unknown"})).status, 404);
    assert_eq!(tell(json!({"login": ADA, "fault": "nothing"})).status, 400);
}
