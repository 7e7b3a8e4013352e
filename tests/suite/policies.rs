//! Policies on routes, on nested routers, in files and in handlers; step-up for pages and
//! APIs.

use okta_auth_dev::{Fault, Org, User};
use reqwest::Method;

use crate::app::{App, Framework};
use crate::support::{ADA, BEN, org_with_groups};

/// An org whose Ada signs in with a second factor.
async fn org_with_a_second_factor() -> Org {
    let org = org_with_groups().await;
    org.put_user(User::ada().amr(["pwd", "otp", "mfa"]));
    org
}

pub(crate) async fn a_group_opens_a_page<F: Framework>() {
    let app = App::start::<F>().await;
    let anonymous = app.browser().navigate("/admin").await;
    assert!(anonymous.status == 303 && anonymous.location().starts_with(&app.org.issuer()));
    assert_eq!(app.browser().fetch("/admin").await.status, 401);
    assert_eq!(app.signed_in(ADA).await.navigate("/admin").await.body, "Ada Lovelace");
    let mut ben = app.signed_in(BEN).await;
    let page = ben.navigate("/admin").await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("access_denied") && page.body.contains("Use another account"), "{}", page.body);
    assert!(!page.body.contains("Admins"), "the requirement is not revealed");
    let api = ben.fetch("/admin").await;
    assert_eq!((api.status.as_u16(), api.json()["error"].as_str()), (403, Some("access_denied")));
}

pub(crate) async fn a_policy_on_a_nest_covers_it<F: Framework>() {
    let app = App::start::<F>().await;
    assert_eq!(app.signed_in(ADA).await.navigate("/area/reports").await.body, "Ada Lovelace");
    assert_eq!(app.signed_in(BEN).await.navigate("/area/reports").await.status, 403);
    let login = app.browser().navigate("/area/reports?x=1").await;
    assert_eq!(login.status, 303);
}

pub(crate) async fn a_policy_by_route<F: Framework>() {
    let app = App::start::<F>().await;
    assert_eq!(app.browser().fetch("/policed").await.status, 401);
    assert_eq!(app.signed_in(ADA).await.navigate("/policed").await.body, "Ada Lovelace");
    let mut ben = app.signed_in(BEN).await;
    for spelling in ["/policed", "/policed?x", "/%70oliced", "/policed?/../admin"] {
        let answer = ben.navigate(spelling).await;
        assert_ne!(answer.status, 200, "{spelling} got around the policy");
    }
}

pub(crate) async fn a_policy_in_a_handler<F: Framework>() {
    let app = App::start::<F>().await;
    assert_eq!(app.signed_in(ADA).await.navigate("/in-handler").await.body, "Ada Lovelace");
    assert_eq!(app.signed_in(BEN).await.navigate("/in-handler").await.status, 403);
    assert_eq!(app.browser().navigate("/in-handler").await.status, 303);
}

pub(crate) async fn a_missing_scope_is_named<F: Framework>() {
    let app = App::start::<F>().await;
    let answer = app.call("/orders", &app.token(&["openid"])).await;
    let challenge = answer.header("www-authenticate");
    assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (403, Some("insufficient_scope")));
    assert!(challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"orders:read\""));
    let authorization = format!("Bearer {}", app.token(&["orders:read"]));
    let write = app.browser().send(Method::POST, "/orders", &[("authorization", &authorization)], String::new()).await;
    assert!(write.status == 403 && write.header("www-authenticate").contains("scope=\"orders:write\""));
}

pub(crate) async fn step_up_goes_to_okta_and_comes_back<F: Framework>() {
    let app = App::with::<F>(org_with_a_second_factor().await, |config| config).await;
    let mut browser = app.signed_in(ADA).await;
    let before = browser.jar.clone();
    let up = browser.navigate("/sensitive?amount=5").await;
    let authorize = url::Url::parse(up.location()).unwrap();
    let parameter = |name: &str| authorize.query_pairs().find(|(known, _)| known == name).map(|(_, v)| v.into_owned());
    assert_eq!((up.status.as_u16(), parameter("acr_values").as_deref()), (303, Some("urn:okta:loa:2fa:any")));
    assert_eq!(browser.complete(&app.org, up.location(), ADA).await.location(), "/sensitive?amount=5");
    assert_eq!(browser.navigate("/sensitive?amount=5").await.body, "Ada Lovelace");
    assert_ne!(before.get("okta_session"), browser.jar.get("okta_session"), "a new session");
    // A POST is not redirected, because the redirect would lose its body.
    let mut fresh = app.signed_in(ADA).await;
    assert_eq!(fresh.post("/sensitive", "amount=5").await.status, 401);
}

pub(crate) async fn step_up_refused_does_not_loop<F: Framework>() {
    let app = App::with::<F>(org_with_a_second_factor().await, |config| config).await;
    let ignored = Fault::IdTokenClaim("acr".to_owned(), "urn:okta:loa:1fa:pwd".into());
    let denied = Fault::AuthorizeError {
        error: "access_denied".to_owned(),
        description: "The resource owner said no.".to_owned(),
    };
    for (fault, code) in [(ignored, "token_claim"), (denied, "authorization_refused")] {
        let mut browser = app.signed_in(ADA).await;
        let up = browser.navigate("/sensitive").await.location().to_owned();
        app.org.fault(fault);
        let end = browser.complete(&app.org, &up, ADA).await;
        assert!(!end.status.is_redirection() && end.body.contains(code), "{} {}", end.status, end.body);
        app.org.clear_faults();
        assert_eq!(browser.fetch("/profile").await.status, 200, "the session that there was is still there");
        assert_eq!(browser.navigate("/sensitive").await.status, 303, "and another try is possible");
    }
}

/// A provider that ignores `max_age` returns an old `auth_time` each time. Only a forced sign-in ends that.
pub(crate) async fn a_step_up_with_an_old_auth_time_leads_to_a_forced_sign_in<F: Framework>() {
    let page_after = |fault| async {
        let app = App::with::<F>(org_with_a_second_factor().await, |config| config).await;
        let mut browser = app.signed_in(ADA).await;
        let up = browser.navigate("/sensitive?amount=5").await.location().to_owned();
        app.org.fault(fault);
        let page = browser.complete(&app.org, &up, ADA).await;
        assert!(page.status == 400 && page.body.contains("token_claim"), "{} {}", page.status, page.body);
        let link = page.body.split("href=\"").find(|link| link.starts_with("/login")).unwrap();
        let link = link.split('"').next().unwrap().replace("&amp;", "&");
        app.org.clear_faults();
        (app, browser, link)
    };
    for fault in [Fault::IdTokenOldAuthTime, Fault::IdTokenNoAuthTime] {
        let (app, mut browser, link) = page_after(fault).await;
        assert_eq!(link, "/login?prompt=login&return_to=%2Fsensitive%3Famount%3D5");
        let start = browser.navigate(&link).await.location().to_owned();
        assert!(start.contains("&prompt=login"), "{start}");
        assert_eq!(browser.complete(&app.org, &start, ADA).await.location(), "/sensitive?amount=5");
    }
    let other = Fault::IdTokenClaim("acr".to_owned(), "urn:okta:loa:1fa:pwd".into());
    assert_eq!(page_after(other).await.2, "/login?return_to=%2Fsensitive%3Famount%3D5", "a session at Okta is enough");
}

pub(crate) async fn api_clients_get_a_step_up_challenge<F: Framework>() {
    let app = App::start::<F>().await;
    let token = app.org.token().access_token(ADA, ["openid"]).claim("acr", "urn:okta:loa:1fa:pwd").sign();
    for answer in [app.signed_in(ADA).await.fetch("/sensitive").await, app.call("/sensitive", &token).await] {
        let challenge = answer.header("www-authenticate");
        assert_eq!(answer.status, 401);
        assert!(challenge.contains("error=\"insufficient_user_authentication\""), "{challenge}");
        assert!(challenge.contains("acr_values=\"urn:okta:loa:2fa:any\""), "{challenge}");
        assert_eq!(answer.json()["error"], "insufficient_user_authentication");
    }
    let machine = app.org.token().service_token(["openid"]).sign();
    assert_eq!(app.call("/sensitive", &machine).await.status, 403, "a machine cannot step up");
}

pub(crate) async fn recent_sign_in_by_auth_time<F: Framework>() {
    let app = App::with::<F>(org_with_a_second_factor().await, |config| config).await;
    let mut browser = app.signed_in(ADA).await;
    let up = browser.navigate("/sensitive").await.location().to_owned();
    browser.complete(&app.org, &up, ADA).await;
    assert_eq!(browser.navigate("/sensitive").await.status, 200);
    app.org.clock().advance(std::time::Duration::from_secs(361));
    let again = browser.navigate("/sensitive").await;
    // The new sign-in would lose the session's acr, so it is requested again.
    let asked = again.location();
    assert!(again.status == 303 && asked.contains("max_age=300") && asked.contains("acr_values="), "{asked}");
    assert_eq!(browser.navigate("/profile").await.status, 200, "other pages are not affected");
    browser.complete(&app.org, again.location(), ADA).await;
    assert_eq!(browser.navigate("/sensitive").await.status, 200);
}

pub(crate) async fn one_caller_per_request<F: Framework>() {
    let app = App::start::<F>().await;
    // Ben's session with a token that a group policy would accept: he must not act as two
    // callers.
    let token = app.org.token().access_token(ADA, ["openid"]).claim("groups", serde_json::json!(["Admins"])).sign();
    let authorization = format!("Bearer {token}");
    let mut ben = app.signed_in(BEN).await;
    let answer = ben.send(Method::GET, "/admin", &[("authorization", &authorization)], String::new()).await;
    assert_eq!(answer.status, 403, "a page uses Ben's session: {}", answer.body);
    let bad = ben.send(Method::GET, "/mixed", &[("authorization", "Bearer x")], String::new()).await;
    assert_eq!(bad.status, 401, "a session does not make a bad token valid");
    assert_eq!(ben.fetch("/mixed").await.status, 200, "control");
}

pub(crate) async fn session_or_token<F: Framework>() {
    let app = App::start::<F>().await;
    assert_eq!(app.browser().fetch("/mixed").await.status, 401);
    assert_eq!(app.browser().navigate("/mixed").await.status, 303);
    assert_eq!(app.call("/mixed", &app.token(&["openid"])).await.body, "ok");
    let mut browser = app.signed_in(ADA).await;
    assert_eq!(browser.post("/mixed", "").await.body, "ok");
    let cross = [("origin", "https://evil.example")];
    assert_eq!(
        browser.send(Method::POST, "/mixed", &cross, String::new()).await.status,
        403,
        "a session can be forged"
    );
    let authorization = format!("Bearer {}", app.token(&["openid"]));
    let with = [("origin", "https://evil.example"), ("authorization", authorization.as_str())];
    let answer = app.browser().send(Method::POST, "/mixed", &with, String::new()).await;
    assert_eq!(answer.status, 200, "browsers do not send tokens automatically, so CSRF is impossible");
}

pub(crate) async fn a_policy_may_ask_the_application<F: Framework>() {
    let app = App::start::<F>().await;
    assert_eq!(app.signed_in(ADA).await.fetch("/checked").await.status, 200);
    assert_eq!(app.signed_in(BEN).await.fetch("/checked").await.status, 403);
    assert_eq!(app.browser().fetch("/checked").await.status, 401);
}
