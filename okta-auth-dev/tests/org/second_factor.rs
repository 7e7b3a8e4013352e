//! Step-up: the second factor, and its effect on the session.

use std::time::Duration;

use okta_auth_dev::{ADA, ADA_PASSWORD, BEN, Browser, Org, OrgBuilder, Response, User};
use serde_json::{Value, json};

use crate::support::*;

const TWO: &str = "urn:okta:loa:2fa:any";

fn url(org: &Org, changes: &[(&str, &str)]) -> String {
    authorize_url(org, &org.issuer(), changes)
}

fn step_up(org: &Org) -> String {
    url(org, &[("acr_values", TWO)])
}

/// The text between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).and_then(|(_, rest)| rest.split_once(end)).unwrap_or_else(|| panic!("{text}")).0
}

fn body(response: Response, expected: u16) -> String {
    match response {
        Response::Page { status, body } if status == expected => body,
        other => panic!("{other:?}"),
    }
}

fn handle(page: &str) -> &str {
    between(page, "name=\"stateToken\" value=\"", "\"")
}

fn passcode(page: &str) -> &str {
    between(page, "id=\"passcode-hint\">", "<")
}

fn tokens_of(org: &Org, response: &Response) -> (Value, Value) {
    let body = exchange(org, &response.param("code").unwrap_or_else(|| panic!("{response:?}")), &[]).json();
    (claims(&body["id_token"]), claims(&body["access_token"]))
}

/// Submits the password page; the result is the page of the second factor.
async fn password(org: &Org, browser: &mut Browser, url: &str) -> String {
    let page = body(browser.open(url).await.unwrap(), 200);
    let fields = [("stateToken", handle(&page)), ("username", ADA), ("password", ADA_PASSWORD)];
    body(browser.submit(&format!("{}/signin", org.url()), &fields).await.unwrap(), 200)
}

async fn verify(org: &Org, browser: &mut Browser, page: &str, fields: &[(&str, &str)]) -> Response {
    let fields: Vec<_> = [("stateToken", handle(page))].into_iter().chain(fields.iter().copied()).collect();
    browser.submit(&format!("{}/signin/verify", org.url()), &fields).await.unwrap()
}

#[tokio::test]
async fn the_second_step_raises_the_session() {
    let org = Org::start().await.unwrap();
    let mut browser = org.browser();
    let first = browser.sign_in(&url(&org, &[]), ADA).await.unwrap();
    let (before, _) = tokens_of(&org, &first);
    assert_eq!((&before["amr"], before.get("acr")), (&json!(["pwd"]), None));
    org.clock().advance(Duration::from_secs(60));

    let raised = browser.sign_in(&step_up(&org), ADA).await.unwrap();
    let (id, access) = tokens_of(&org, &raised);
    assert_eq!((&id["amr"], &id["acr"]), (&json!(["pwd", "otp", "mfa"]), &json!(TWO)));
    assert_eq!((&access["acr"], &access["auth_time"]), (&json!(TWO), &id["auth_time"]));
    let later = id["auth_time"].as_i64().unwrap() - before["auth_time"].as_i64().unwrap();
    assert!((59..=62).contains(&later), "auth_time is the time of the code: {later}");
    assert_eq!(org.count("/signin"), 1, "the session replaced the password");
    assert_eq!(org.count("/signin/verify"), 1);

    for changes in [&[("acr_values", TWO)][..], &[("acr_values", TWO), ("prompt", "none")], &[]] {
        let (again, _) = tokens_of(&org, &browser.open(&url(&org, changes)).await.unwrap());
        assert_eq!(again["amr"], json!(["pwd", "otp", "mfa"]), "{changes:?}");
    }
    for changes in [("prompt", "login"), ("max_age", "0")] {
        let (again, _) = tokens_of(&org, &browser.sign_in(&url(&org, &[changes]), ADA).await.unwrap());
        assert_eq!(again["amr"], json!(["pwd"]), "{changes:?} starts again with the password");
    }
}

#[tokio::test]
async fn one_call_signs_in_with_both_factors() {
    let org = Org::start().await.unwrap();
    for (levels, acr) in [
        (TWO, TWO),
        ("phr urn:okta:loa:2fa:any", TWO),
        ("urn:okta:loa:2fa:any:ifpossible", "urn:okta:loa:2fa:any:ifpossible"),
    ] {
        let scope = ("scope", "openid offline_access");
        let response = sign_in(&org, &[("acr_values", levels), scope]).await;
        let tokens = exchange(&org, &response.param("code").unwrap(), &[]).json();
        let renewed = refresh(&org, tokens["refresh_token"].as_str().unwrap()).json();
        for body in [&tokens, &renewed] {
            let id = claims(&body["id_token"]);
            assert_eq!((&id["acr"], &id["amr"]), (&json!(acr), &json!(["pwd", "otp", "mfa"])));
        }
    }
    let posted = sign_in(&org, &[("acr_values", TWO), ("response_mode", "form_post")]).await;
    assert!(matches!(&posted, Response::FormPost { .. }) && posted.param("code").is_some(), "{posted:?}");
}

#[tokio::test]
async fn no_second_step_if_it_is_not_required() {
    let strong = User::new("eve@example.test", "pw").amr(["pwd", "hwk", "mfa"]);
    let org = Org::builder().user(strong).start().await.unwrap();
    let response = org.sign_in(&step_up(&org), "eve@example.test").await.unwrap();
    assert_eq!(tokens_of(&org, &response).0["amr"], json!(["pwd", "hwk", "mfa"]));
    for levels in ["urn:okta:loa:1fa:any", "urn:example:gold", "urn:okta:loa:2fa:any urn:okta:loa:1fa:pwd"] {
        assert!(sign_in(&org, &[("acr_values", levels)]).await.param("code").is_some(), "{levels}");
    }
    assert_eq!(org.count("/signin/verify"), 0);
    let hardware = sign_in(&org, &[("acr_values", "phrh")]).await;
    assert_eq!(
        hardware.param("error").unwrap(),
        "unmet_authentication_requirements",
        "a code is not hardware-protected"
    );
}

#[tokio::test]
async fn a_user_without_a_second_factor_is_rejected_unless_it_is_optional() {
    let toml = "[[user]]\nlogin = \"ada@example.test\"\npassword = \"pw\"\nsecond_factor = false";
    let org = OrgBuilder::from_toml(toml).unwrap().start().await.unwrap();
    let refused = sign_in(&org, &[("acr_values", TWO)]).await;
    assert_eq!(refused.param("error").unwrap(), "unmet_authentication_requirements");
    assert!(refused.param("error_description").unwrap().starts_with("Unable to meet the authentication requirements"));
    let if_possible = "urn:okta:loa:2fa:any:ifpossible";
    let (id, _) = tokens_of(&org, &sign_in(&org, &[("acr_values", if_possible)]).await);
    assert_eq!((&id["acr"], &id["amr"]), (&json!(if_possible), &json!(["pwd"])));
    assert_eq!(org.count("/signin/verify"), 0);
}

#[tokio::test]
async fn a_silent_request_gets_an_error_and_no_second_step() {
    let org = Org::start().await.unwrap();
    let mut browser = org.browser();
    browser.sign_in(&url(&org, &[]), ADA).await.unwrap();
    let silent = browser.open(&url(&org, &[("acr_values", TWO), ("prompt", "none")])).await.unwrap();
    assert_eq!(silent.param("error").unwrap(), "login_required");
    assert!(silent.param("error_description").unwrap().contains("re-authentication or MFA"));
}

#[tokio::test]
async fn the_second_factor_page_is_accessible_and_has_security_headers() {
    let org = Org::builder().name("Acme & Sons").start().await.unwrap();
    let mut browser = org.browser();
    let page = password(&org, &mut browser, &step_up(&org)).await;
    assert!(page.contains("<title>Verify - Acme &amp; Sons</title>") && page.contains("<h1>Verify it is you</h1>"));
    assert!(page.contains("<label for=\"passcode\">") && page.contains("<input id=\"passcode\" name=\"passcode\""));
    assert!(page.contains("autocomplete=\"one-time-code\"") && page.contains("aria-describedby=\"passcode-hint\""));
    assert!(page.contains("name=\"action\" value=\"verify\"") && page.contains("name=\"action\" value=\"cancel\""));
    assert!(page.contains("development org") && page.contains(ADA));
    assert!(!page.contains("<script") && !page.contains("src="), "no scripts, no external assets");
    assert!(passcode(&page).len() == 6 && passcode(&page).bytes().all(|byte| byte.is_ascii_digit()));
    let wrong = body(verify(&org, &mut browser, &page, &[("passcode", "nonsense")]).await, 401);
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("aria-describedby=\"problem passcode-hint\""));
}

#[tokio::test]
async fn a_wrong_code_can_be_corrected() {
    let org = Org::start().await.unwrap();
    let mut browser = org.browser();
    let page = password(&org, &mut browser, &step_up(&org)).await;
    let wrong = body(verify(&org, &mut browser, &page, &[("passcode", "")]).await, 401);
    assert_ne!(passcode(&page), passcode(&wrong), "each code allows one attempt");
    let stale = body(verify(&org, &mut browser, &page, &[("passcode", passcode(&page))]).await, 401);
    let spaced = format!(" {} {}", &passcode(&stale)[..3], &passcode(&stale)[3..]);
    let response = verify(&org, &mut browser, &stale, &[("passcode", &spaced)]).await;
    assert_eq!(tokens_of(&org, &response).0["acr"], TWO);
    assert_eq!(response.param("state").unwrap(), "the-state");
    let again = verify(&org, &mut browser, &stale, &[("passcode", passcode(&stale))]).await;
    assert!(matches!(again, Response::Page { status: 400, .. }), "{again:?}");
}

#[tokio::test]
async fn five_wrong_codes_end_the_request() {
    let org = Org::start().await.unwrap();
    let mut browser = org.browser();
    let page = password(&org, &mut browser, &step_up(&org)).await;
    for _ in 0..4 {
        body(verify(&org, &mut browser, &page, &[("passcode", "x")]).await, 401);
    }
    let ended = verify(&org, &mut browser, &page, &[("passcode", "x")]).await;
    assert!(ended.target().unwrap().starts_with(CALLBACK));
    assert_eq!((ended.param("error").unwrap().as_str(), ended.param("code")), ("access_denied", None));
    assert_eq!(ended.param("state").unwrap(), "the-state");
    assert!(matches!(verify(&org, &mut browser, &page, &[]).await, Response::Page { status: 400, .. }));
    let (id, _) = tokens_of(&org, &browser.open(&url(&org, &[])).await.unwrap());
    assert_eq!(id["amr"], json!(["pwd"]), "the password was still correct");
}

#[tokio::test]
async fn a_user_can_cancel_the_second_step() {
    let org = Org::start().await.unwrap();
    let mut browser = org.browser();
    let refused = browser.refuse_second_factor(true).sign_in(&step_up(&org), ADA).await.unwrap();
    assert!(refused.target().unwrap().starts_with(CALLBACK));
    assert_eq!((refused.param("error").unwrap().as_str(), refused.param("code")), ("access_denied", None));
    let accepted = browser.refuse_second_factor(false).sign_in(&step_up(&org), ADA).await.unwrap();
    assert!(accepted.param("code").is_some());
}

#[tokio::test]
async fn the_form_requires_its_request_and_its_session() {
    let org = Org::start().await.unwrap();
    let (mut ada, mut stranger) = (org.browser(), org.browser());
    let page = password(&org, &mut ada, &step_up(&org)).await;
    let right = [("passcode", passcode(&page))];
    let without = verify(&org, &mut stranger, &page, &right).await;
    assert!(matches!(without, Response::Page { status: 400, .. }), "no session: {without:?}");
    for login in [BEN, ADA] {
        stranger.sign_in(&url(&org, &[("prompt", "login")]), login).await.unwrap();
        let other = verify(&org, &mut stranger, &page, &right).await;
        assert!(matches!(other, Response::Page { status: 400, .. }), "a session of {login}: {other:?}");
    }
    let made_up = page.replace(handle(&page), "made-up");
    assert!(matches!(verify(&org, &mut ada, &made_up, &right).await, Response::Page { status: 400, .. }));
    assert_eq!(get(&format!("{}/signin/verify", org.url())).status, 405);
    assert!(verify(&org, &mut ada, &page, &right).await.param("code").is_some());
    let late = password(&org, &mut org.browser(), &step_up(&org)).await;
    org.clock().advance(Duration::from_secs(3601));
    assert!(matches!(verify(&org, &mut ada, &late, &right).await, Response::Page { status: 400, .. }));
}

#[tokio::test]
async fn two_tabs_can_both_be_completed() {
    let org = Org::start().await.unwrap();
    let mut browser = org.browser();
    let one = password(&org, &mut browser, &url(&org, &[("acr_values", TWO), ("prompt", "login")])).await;
    let two = password(&org, &mut browser, &url(&org, &[("acr_values", TWO), ("prompt", "login")])).await;
    for page in [one, two] {
        let response = verify(&org, &mut browser, &page, &[("passcode", passcode(&page))]).await;
        assert_eq!(tokens_of(&org, &response).0["acr"], TWO);
    }
}
