//! Sign-out by the user, by Okta and by the application, for every session store.

use std::time::Duration;

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Json, Router};
use okta_auth_axum::User;
use okta_auth_core::error::Code;
use okta_auth_core::session::{Session, SessionId};
use okta_auth_dev::{Delivery, Endpoint, LogoutToken, LogoutTokenFault, Notice, Org, RevocationFault, SubjectFormat};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ADA, Answer, App, BEN, Browser, Gate, Place, SharedStore, eventually, offline, revoked, routes};

const SESSION: &str = "okta_session";
const FRONT: &str = "/frontchannel-logout";
const BACK: &str = "/backchannel-logout";
const UNIVERSAL: &str = "/global-token-revocation";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// One application. With a shared store there are two replicas: users use the first one,
/// and Okta's messages go to the second.
struct Site {
    place: Place,
    org: Org,
    app: App,
    second: Option<App>,
}

impl Site {
    async fn start(place: Place, org: Org) -> Self {
        // Okta adds `sid` to ID tokens only for apps with Single Logout.
        org.put_client(org.client().session_claim(true));
        let app = place.app().org(org.clone()).routes(pages()).start().await;
        let second = match &place {
            Place::Shared(_) => Some(place.app().org(org.clone()).routes(pages()).start().await),
            _ => None,
        };
        Self { place, org, app, second }
    }

    /// One site for each session store.
    async fn all() -> Vec<Self> {
        let mut sites = Vec::new();
        for place in Place::LOCAL {
            sites.push(Self::start(place, Org::start().await.unwrap()).await);
        }
        let org = Org::start().await.unwrap();
        sites.push(Self::start(Place::Shared(SharedStore::new(&org)), org).await);
        sites
    }

    fn name(&self) -> &'static str {
        self.place.name()
    }

    /// The replica that receives Okta's messages.
    fn entry(&self) -> &str {
        self.second.as_ref().map_or(&self.app.base, |second| &second.base)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.entry())
    }

    async fn signed_in(&self, user: &str) -> Browser {
        let mut browser = self.app.browser();
        browser.sign_in(&self.org, user, "/profile").await;
        assert!(browser.is_signed_in().await, "{}", self.name());
        browser
    }

    /// The `sid` of a user's newest Okta session.
    fn sid(&self, user: &str) -> String {
        self.org.sessions().into_iter().rfind(|session| session.login == user).unwrap().sid
    }

    /// Whether the session is active, on every replica.
    async fn lives(&self, browser: &Browser) -> bool {
        let here = browser.clone().is_signed_in().await;
        if let Some(second) = &self.second {
            assert_eq!(browser.at(&second.base).is_signed_in().await, here, "the replicas disagree");
        }
        here
    }
}

/// The usual pages, and a page on which users list and end their sessions.
fn pages() -> Router {
    routes().route("/devices", get(devices)).route("/devices/{id}", post(end))
}

async fn devices(user: User) -> Json<Value> {
    let shown = |session: &Session| json!({ "id": session.id().to_string(), "device": session.device(), "subject": session.subject() });
    Json(user.sessions().await.unwrap().iter().map(|session| shown(session)).collect())
}

async fn end(user: User, Path(id): Path<String>) -> &'static str {
    let Some(id) = SessionId::parse(&id) else { return "malformed" };
    if user.end_session(id).await.unwrap() { "ended" } else { "unknown" }
}

// -- by the user (RP-Initiated Logout; the cases of the conformance suite are in conformance.rs) ----------------------

#[tokio::test]
async fn a_copied_cookie_is_invalid_after_a_sign_out() {
    for site in Site::all().await {
        let mut browser = site.signed_in(ADA).await;
        let copy = browser.clone();
        let answer = browser.post("/logout", "").await;
        assert!(answer.location().starts_with(&format!("{}/v1/logout?", site.org.issuer())), "{}", answer.location());
        // Only the sign-out state remains until the browser returns.
        assert_eq!(browser.jar.keys().collect::<Vec<_>>(), ["okta_session_signed_out"], "{}", site.name());
        assert!(!site.lives(&copy).await, "{}: the copy", site.name());
        assert_eq!(revoked(&site.org), 1, "{}: the refresh token is revoked", site.name());
        if let Place::Shared(store) = &site.place {
            assert_eq!(store.len(), 0);
        }
    }
}

#[tokio::test]
async fn an_expired_id_token_signs_out_as_well() {
    for site in Site::all().await {
        let app = site.place.app().org(site.org.clone()).configure(|config| config.scopes("openid profile email"));
        let app = app.start().await;
        let mut browser = app.browser();
        browser.sign_in(&site.org, ADA, "/profile").await;
        for _ in 0..2 {
            site.org.clock().advance(Duration::from_secs(2_400));
            assert!(browser.is_signed_in().await, "{}", site.name());
        }
        let answer = browser.post("/logout", "").await;
        let hint = answer.location().split("id_token_hint=").nth(1).map(|rest| rest.split('&').next().unwrap().len());
        assert!(hint.is_some_and(|length| length > 500), "{}: {}", site.name(), answer.location());
        assert!(!browser.jar.contains_key(SESSION) && !browser.is_signed_in().await, "{}", site.name());
    }
}

#[tokio::test]
async fn with_okta_down_the_sign_out_is_local() {
    for site in Site::all().await {
        let mut browser = site.signed_in(ADA).await;
        let copy = browser.clone();
        site.org.stop();
        assert_eq!(browser.post("/logout", "").await.status, 303, "{}", site.name());
        assert!(!browser.jar.contains_key(SESSION), "{}", site.name());
        assert!(!site.lives(&copy).await, "{}", site.name());
    }
    // Okta has been down since before the application started.
    let org = Org::start().await.unwrap();
    let place = Place::Shared(SharedStore::new(&org));
    let site = Site::start(place, org).await;
    let mut browser = site.signed_in(ADA).await;
    site.org.stop();
    let fresh = site.place.app().org(site.org.clone()).start().await;
    browser.base.clone_from(&fresh.base);
    let answer = browser.post("/logout", "").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, format!("{}/", fresh.base).as_str()));
    assert!(browser.jar.is_empty());
}

/// The parameters that the browser brings back from Okta are not trusted, and the session
/// has already ended.
#[tokio::test]
async fn the_landing_after_a_sign_out_trusts_no_parameter() {
    for site in Site::all().await {
        let mut browser = site.signed_in(ADA).await;
        browser.post("/logout", "").await;
        for landing in ["/", "/?state=other", "/?state=a&state=b", "/?error=access_denied"] {
            let answer = browser.navigate(landing).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "anonymous"), "{landing}");
        }
        // A landing alone does not sign a user out.
        let mut other = site.signed_in(ADA).await;
        other.navigate("/?state=other").await;
        assert!(site.lives(&other).await, "{}", site.name());
    }
}

#[tokio::test]
async fn with_the_store_down_a_sign_out_is_503_and_deletes_the_cookie() {
    let org = Org::start().await.unwrap();
    let store = SharedStore::new(&org);
    let site = Site::start(Place::Shared(store.clone()), org).await;
    let mut browser = site.signed_in(ADA).await;
    store.down(true);
    let answer = browser.post("/logout", "").await;
    assert_eq!(answer.status, 503, "the session may not have ended");
    assert!(!answer.header("retry-after").is_empty());
    assert!(browser.jar.is_empty(), "and this browser deletes the cookie");
}

/// The browser cannot retry without its cookie, so the application retries: a copy of the
/// cookie must not stay valid.
#[tokio::test]
async fn a_sign_out_that_the_store_did_not_accept_is_completed_when_the_store_recovers() {
    for failing in [&["remove"][..], &[]] {
        let org = Org::start().await.unwrap();
        let store = SharedStore::new(&org);
        let site = Site::start(Place::Shared(store.clone()), org).await;
        let mut browser = site.signed_in(ADA).await;
        let (copy, ben) = (browser.clone(), site.signed_in(BEN).await);
        // The store fails at the last step, or cannot even load the session.
        if failing.is_empty() {
            store.down(true)
        } else {
            store.fail(failing)
        }
        let page = browser.send(Method::POST, "/logout", &[("sec-fetch-mode", "navigate"), FORM], String::new()).await;
        assert_eq!(page.status, 503);
        assert!(
            page.body.contains("signed out in this browser") && page.body.contains("sign_out_pending"),
            "{}",
            page.body
        );
        // The first attempt to complete it fails too.
        let before = store.failures();
        eventually("it is tried again", || store.failures() > before).await;
        store.fail(&[]);
        store.down(false);
        eventually("the session has ended", || store.len() == 1).await;
        eventually("its refresh token is revoked", || revoked(&site.org) == 1).await;
        assert!(!site.lives(&copy).await && site.lives(&ben).await);
    }
}

/// A cookie with a made-up id, in the current format with a MAC, or in the previous
/// format without one.
fn made_up(number: u32, bytes: usize) -> String {
    let mut id = vec![7; bytes];
    id[..4].copy_from_slice(&number.to_be_bytes());
    format!("1.{}", base64url(&id))
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Strangers send sign-outs while the store is down. A real sign-out is still recorded.
#[tokio::test]
async fn made_up_sign_outs_do_not_displace_a_real_one() {
    let org = Org::start().await.unwrap();
    let store = SharedStore::new(&org);
    let site = Site::start(Place::Shared(store.clone()), org).await;
    let mut browser = site.signed_in(ADA).await;
    let copy = browser.clone();
    store.down(true);
    let mut codes = std::collections::BTreeMap::new();
    let mut stranger = site.app.browser();
    for (bytes, most) in [(32, 1_100), (48, 200)] {
        for number in 0..most {
            stranger.jar.insert(SESSION.to_owned(), made_up(number, bytes));
            let script = [("accept", "application/json"), ("sec-fetch-mode", "cors")];
            let answer = stranger.send(Method::POST, "/logout", &script, String::new()).await;
            let code = answer.json()["error"].as_str().unwrap_or("none").to_owned();
            *codes.entry((bytes, answer.status.as_u16(), code)).or_insert(0) += 1;
        }
    }
    // Without a MAC, an id may be real, so a part of the pending list is reserved for
    // such ids. An id with a wrong MAC is not a session.
    assert_eq!(codes.remove(&(32, 503, "sign_out_pending".to_owned())), Some(128), "{codes:?}");
    assert_eq!(codes.remove(&(32, 503, "sign_out_local_only".to_owned())), Some(1_100 - 128), "{codes:?}");
    assert_eq!(codes.remove(&(48, 200, "none".to_owned())), Some(200), "{codes:?}");
    let page = browser.send(Method::POST, "/logout", &[("sec-fetch-mode", "navigate"), FORM], String::new()).await;
    assert!(page.status == 503 && page.body.contains("sign_out_pending"), "{}", page.body);
    store.down(false);
    eventually("the session has ended", || store.len() == 0).await;
    assert!(!site.lives(&copy).await);
}

/// A full list is reported, so that the user is not promised a later sign-out.
#[tokio::test]
async fn a_sign_out_that_cannot_be_queued_is_not_promised() {
    let org = Org::start().await.unwrap();
    let store = SharedStore::new(&org);
    let site = Site::start(Place::Shared(store.clone()), org).await;
    store.down(true);
    let mut pages = Vec::new();
    let mut stranger = site.app.browser();
    for number in [(0..128).collect::<Vec<_>>(), vec![0, 128]].concat() {
        stranger.jar.insert(SESSION.to_owned(), made_up(number, 32));
        let form = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), FORM];
        pages.push(stranger.send(Method::POST, "/logout", &form, String::new()).await);
        assert!(stranger.jar.is_empty(), "the browser deletes the cookie");
    }
    let (full, known) = (pages.pop().unwrap(), pages.pop().unwrap());
    assert!(known.body.contains("sign_out_pending"), "one session is queued once: {}", known.body);
    assert_eq!(full.status, 503);
    assert!(full.body.contains("sign_out_local_only"), "{}", full.body);
    assert!(full.body.contains("You are not signed out on the server"), "{}", full.body);
}

/// Ids that were written before ids had a MAC, with their records.
#[tokio::test]
async fn a_session_id_of_the_previous_format_stays_valid_and_gets_a_mac() {
    use base64::Engine as _;
    let org = Org::start().await.unwrap();
    let store = SharedStore::new(&org);
    let site = Site::start(Place::Shared(store.clone()), org).await;
    let browser = site.signed_in(ADA).await;
    let value = browser.jar[SESSION].strip_prefix("1.").unwrap().to_owned();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(value).unwrap();
    assert_eq!(bytes.len(), 48);
    let mut old = browser.clone();
    old.jar.insert(SESSION.to_owned(), format!("1.{}", base64url(&bytes[..32])));
    assert!(site.lives(&old).await, "it is the same session");
    site.org.clock().advance(Duration::from_secs(600));
    assert!(old.is_signed_in().await);
    assert_eq!(old.jar[SESSION], browser.jar[SESSION], "rewritten with its MAC");
    // A sign-out with the old format is queued like any other.
    let mut old = browser.clone();
    old.jar.insert(SESSION.to_owned(), format!("1.{}", base64url(&bytes[..32])));
    store.down(true);
    let answer = old.post("/logout", "").await;
    assert!(answer.body.contains("sign_out_pending"), "{}", answer.body);
    store.down(false);
    eventually("the session has ended", || store.len() == 0).await;
    // A MAC of another id, or with one flipped bit, is not a session.
    let mut forged = bytes.clone();
    forged[47] ^= 1;
    let mut stranger = site.app.browser();
    stranger.jar.insert(SESSION.to_owned(), format!("1.{}", base64url(&forged)));
    assert!(!stranger.is_signed_in().await);
}

#[tokio::test]
async fn a_sign_out_of_another_site_is_refused() {
    for site in Site::all().await {
        let mut browser = site.signed_in(ADA).await;
        let headers = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), FORM];
        assert_eq!(browser.send(Method::POST, "/logout", &headers, String::new()).await.status, 403);
        assert!(site.lives(&browser).await, "{}", site.name());
    }
}

// -- front-channel logout ---------------------------------------------------------------------------------------------

/// The headers of a frame on Okta's sign-out page.
const FRAME: [(&str, &str); 4] = [
    ("accept", "text/html"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "iframe"),
    ("sec-fetch-site", "cross-site"),
];

/// Loads the front-channel logout URI in a frame, with or without the cookies of a
/// browser.
async fn frame(site: &Site, browser: Option<&Browser>, query: &str) -> Answer {
    let mut browser = browser.map_or_else(|| Browser::new(site.entry()), |browser| browser.at(site.entry()));
    let answer = browser.send(Method::GET, &format!("{FRONT}{query}"), &FRAME, String::new()).await;
    check_frameable(site, &answer);
    answer
}

/// Posts a form to the front-channel logout URI, without cookies.
async fn frame_post(site: &Site, query: &str, form: &str) -> Answer {
    let headers = [FRAME.as_slice(), &[FORM, ("origin", site.org.url())]].concat();
    let mut browser = Browser::new(site.entry());
    let answer = browser.send(Method::POST, &format!("{FRONT}{query}"), &headers, form.to_owned()).await;
    check_frameable(site, &answer);
    answer
}

/// Asserts that only the issuer's page may frame the response, and that it is not cached.
fn check_frameable(site: &Site, answer: &Answer) {
    let policies: Vec<_> = answer.headers.get_all("content-security-policy").iter().collect();
    let ancestors: Vec<_> = policies[0].to_str().unwrap().split(';').map(str::trim).collect();
    assert_eq!(policies.len(), 1);
    assert!(ancestors.contains(&format!("frame-ancestors {}", site.org.url()).as_str()), "{ancestors:?}");
    assert!(!answer.headers.contains_key("x-frame-options"));
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// `iss` and `sid` as Okta adds them.
fn named(issuer: &str, sid: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new()).append_pair("iss", issuer).append_pair("sid", sid).finish()
}

#[tokio::test]
async fn front_channel_ends_the_session_that_is_named_without_any_cookie() {
    for site in Site::all().await {
        for way in ["query", "form", "query of a post"] {
            // The clock advances, because sessions in cookies must begin in another
            // second than others ended.
            site.org.clock().advance(Duration::from_secs(2));
            let (ada, ben) = (site.signed_in(ADA).await, site.signed_in(BEN).await);
            let name = named(&site.org.issuer(), &site.sid(ADA));
            let answer = match way {
                "query" => frame(&site, None, &format!("?{name}")).await,
                "form" => frame_post(&site, "", &name).await,
                _ => frame_post(&site, &format!("?{name}"), "").await,
            };
            assert_eq!(answer.status, 200, "{} {way}", site.name());
            assert!(!site.lives(&ada).await, "{} {way}", site.name());
            assert!(site.lives(&ben).await, "{} {way}: another user", site.name());
        }
    }
}

#[tokio::test]
async fn front_channel_ignores_unknown_sessions_and_reveals_nothing() {
    for site in Site::all().await {
        let ada = site.signed_in(ADA).await;
        let (issuer, sid) = (site.org.issuer(), site.sid(ADA));
        let wrong = [
            named(&format!("{issuer}1"), &sid),
            named(&format!("{issuer}/"), &sid),
            named(&site.org.custom_issuer("other"), &sid),
            named(&format!("{}/", site.org.org_issuer()), &sid),
            named("", &sid).replace("iss=&", "iss=https%3A%2F%2Fevil.example&"),
            named(&issuer, &format!("{sid}1")),
            named(&issuer, &sid.to_uppercase()).replace(&sid, "x"),
        ];
        let known = frame(&site, None, &format!("?{}", named(&issuer, "unknown"))).await;
        for name in wrong {
            let answer = frame(&site, None, &format!("?{name}")).await;
            assert_eq!((answer.status, &answer.body), (known.status, &known.body), "{name}");
            assert!(site.lives(&ada).await, "{}: {name}", site.name());
            assert_eq!(frame_post(&site, "", &name).await.status, 200, "{name}");
            assert!(site.lives(&ada).await, "{}: {name} in a form", site.name());
        }
        // The request names another session than that of its cookie: the cookie does not
        // count.
        let answer = frame(&site, Some(&ada), &format!("?{}", named(&issuer, "unknown"))).await;
        assert!(answer.set_cookies().is_empty() && site.lives(&ada).await, "{}", site.name());
        let right = frame(&site, None, &format!("?{}", named(&issuer, &sid))).await;
        assert_eq!((right.status, right.body), (known.status, known.body), "the response reveals nothing");
        assert!(!site.lives(&ada).await, "{}: control", site.name());
    }
}

#[tokio::test]
async fn front_channel_requires_iss_and_sid() {
    for site in Site::all().await {
        let ada = site.signed_in(ADA).await;
        let (issuer, sid) = (site.org.issuer(), site.sid(ADA));
        let name = named(&issuer, &sid);
        let (iss, sid) = name.split_once('&').unwrap();
        for query in [
            iss.to_owned(),
            sid.to_owned(),
            format!("{iss}&sid="),
            format!("iss=&{sid}"),
            format!("{name}&{sid}"),
            format!("{name}&{iss}"),
        ] {
            // With the cookie as well: an incomplete request must not fall back to it.
            assert_eq!(frame(&site, Some(&ada), &format!("?{query}")).await.status, 400, "{}: {query}", site.name());
            assert!(site.lives(&ada).await, "{}: {query}", site.name());
        }
        assert_eq!(frame_post(&site, &format!("?{name}"), &name).await.status, 400, "in query and form");
        assert!(site.lives(&ada).await, "{}", site.name());
    }
}

#[tokio::test]
async fn front_channel_without_iss_and_sid_ends_the_session_of_the_cookie_if_allowed() {
    for place in [Place::Cookie, Place::Memory] {
        let org = Org::start().await.unwrap();
        let app = place.app().org(org.clone()).configure(|config| config.front_channel_session_required(false));
        let app = app.routes(pages()).start().await;
        let site = Site { place, org, app, second: None };
        let (ada, ben) = (site.signed_in(ADA).await, site.signed_in(BEN).await);
        assert_eq!(frame(&site, None, "").await.status, 200);
        assert!(site.lives(&ada).await && site.lives(&ben).await, "{}: no cookie, no session", site.name());
        // A link leads here: the browser sends the cookie, which must not count.
        let answer = ada.at(site.entry()).navigate(FRONT).await;
        check_frameable(&site, &answer);
        assert!(answer.set_cookies().is_empty() && site.lives(&ada).await, "{}: a link", site.name());
        let answer = frame(&site, Some(&ada), "").await;
        assert_eq!(answer.status, 200);
        assert!(answer.set_cookies().iter().any(|cookie| cookie.contains("Max-Age=0")), "{}", site.name());
        assert!(!site.lives(&ada).await && site.lives(&ben).await, "{}", site.name());
    }
}

#[tokio::test]
async fn single_logout_of_the_org_ends_the_session() {
    for site in Site::all().await {
        site.org.put_client(site.org.client().frontchannel_logout(site.at(FRONT)));
        let ada = site.signed_in(ADA).await;
        let deliveries = site.org.end_session(&site.sid(ADA)).await;
        assert!(deliveries.len() == 1 && deliveries[0].is_success(), "{deliveries:?}");
        assert!(!site.lives(&ada).await, "{}", site.name());
    }
}

// -- back-channel logout ---------------------------------------------------------------------------------------------

/// Checks a response of the back-channel logout endpoint.
fn check_back(answer: &Delivery, status: u16, what: &str) {
    assert_eq!(answer.status, Some(status), "{what}: {answer:?}");
    assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store")), "{what}: {answer:?}");
}

#[tokio::test]
async fn back_channel_answers_400_to_every_wrong_token_and_keeps_the_session() {
    for site in Site::all().await {
        let endpoint = site.at(BACK);
        // A valid message first, so that its `jti` can be replayed.
        check_back(&site.org.logout_token(BEN).send_to(&endpoint).await, 200, "no matching session");
        site.org.clock().advance(Duration::from_secs(2));
        let ada = site.signed_in(ADA).await;
        let mut accepted = Vec::new();
        for fault in LogoutTokenFault::ALL {
            let answer = site.org.logout_token(ADA).fault(fault).send_to(&endpoint).await;
            if answer.status == Some(400) {
                check_back(&answer, 400, &format!("{} {fault:?}", site.name()));
            } else {
                accepted.push((fault, answer.status));
            }
        }
        assert!(accepted.is_empty(), "{}: {accepted:?}", site.name());
        assert!(site.lives(&ada).await, "{}", site.name());
        check_back(&site.org.logout_token(ADA).send_to(&endpoint).await, 200, "control");
        assert!(!site.lives(&ada).await, "{}: control", site.name());
    }
}

/// A variation of a valid token.
type Form = fn(LogoutToken) -> LogoutToken;

#[tokio::test]
async fn back_channel_ends_only_the_named_sessions() {
    let forms: [(&str, Form); 6] = [
        ("sub and sid", |token| token),
        ("sub", |token| token.session(None)),
        ("sid", |token| token.subject(None)),
        ("no typ", |token| token.header("typ", Value::Null)),
        ("typ JWT", |token| token.header("typ", "JWT")),
        ("more claims", |token| token.claim("something", json!({"new": true}))),
    ];
    for site in Site::all().await {
        for (what, form) in forms {
            site.org.clock().advance(Duration::from_secs(2));
            let (ada, ben) = (site.signed_in(ADA).await, site.signed_in(BEN).await);
            check_back(&form(site.org.logout_token(ADA)).send_to(site.at(BACK)).await, 200, what);
            assert!(!site.lives(&ada).await, "{}: {what}", site.name());
            assert!(site.lives(&ben).await, "{}: {what}", site.name());
        }
    }
}

/// A token with one user's session and another user's `sub` matches no session.
#[tokio::test]
async fn back_channel_does_not_confuse_users() {
    for site in Site::all().await.into_iter().filter(|site| site.name() != "cookie") {
        let (ada, ben) = (site.signed_in(ADA).await, site.signed_in(BEN).await);
        let other = site.org.user(BEN).unwrap().id;
        let token = site.org.logout_token(ADA).subject(other.as_str());
        check_back(&token.send_to(site.at(BACK)).await, 200, "no matching session");
        assert!(site.lives(&ada).await && site.lives(&ben).await, "{}", site.name());
    }
}

#[tokio::test]
async fn back_channel_messages_work_once() {
    for site in Site::all().await {
        let ada = site.signed_in(ADA).await;
        let notice = site.org.logout_token(ADA).session(None).notice(site.at(BACK));
        check_back(&notice.send().await, 200, "the first time");
        assert!(!site.lives(&ada).await);
        site.org.clock().advance(Duration::from_secs(2));
        let again = site.signed_in(ADA).await;
        check_back(&notice.send().await, 400, "the second time");
        // The other replica rejects the replay as well.
        let other = site.org.logout_token(ADA).session(None).notice(format!("{}{BACK}", site.app.base));
        check_back(&resent(&notice, &other).await, 400, "at the other replica");
        assert!(site.lives(&again).await, "{}", site.name());
    }
}

/// Sends the body of one notice to the URI of another.
async fn resent(notice: &Notice, to: &Notice) -> Delivery {
    let mut browser = Browser::new("");
    let answer = browser.send(Method::POST, to.uri(), &[FORM], notice.body().to_owned()).await;
    let mut delivery = Delivery::default();
    delivery.status = Some(answer.status.as_u16());
    delivery.headers = vec![("cache-control".to_owned(), answer.header("cache-control").to_owned())];
    delivery
}

#[tokio::test]
async fn back_channel_reads_one_form_with_one_token() {
    let site = Site::start(Place::Memory, Org::start().await.unwrap()).await;
    let ada = site.signed_in(ADA).await;
    let body = || site.org.logout_token(ADA).notice(site.at(BACK)).body().to_owned();
    let json = ("content-type", "application/json");
    let requests = [
        (Some(FORM), String::new()),
        (Some(FORM), "logout_token=".to_owned()),
        (Some(FORM), format!("{0}&{0}", body())),
        (Some(json), body()),
        (None, body()),
        (Some(FORM), format!("{}&x={}", body(), "x".repeat(60_000))),
        (Some(FORM), "logout_token=a.b.c".to_owned()),
    ];
    for (kind, body) in requests {
        let headers: Vec<_> = kind.into_iter().collect();
        let answer = Browser::new(site.entry()).send(Method::POST, BACK, &headers, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (400, "no-store"), "{body:.60}");
    }
    let query = format!("{BACK}?{}", body());
    assert_eq!(Browser::new(site.entry()).send(Method::POST, &query, &[FORM], String::new()).await.status, 400);
    assert_eq!(Browser::new(site.entry()).send(Method::GET, &query, &[], String::new()).await.status, 405);
    assert!(site.lives(&ada).await);
}

// -- Universal Logout ------------------------------------------------------------------------------------------------

#[tokio::test]
async fn universal_logout_ends_all_sessions_of_the_user_and_no_others() {
    for site in Site::all().await {
        for format in [SubjectFormat::Email, SubjectFormat::IssSub, SubjectFormat::Opaque] {
            site.org.clock().advance(Duration::from_secs(2));
            let (desk, phone) = (site.signed_in(ADA).await, site.signed_in(ADA).await);
            let ben = site.signed_in(BEN).await;
            let sent = site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).subject(ADA, format).send().await;
            assert_eq!((sent.status, sent.body.as_str()), (Some(204), ""), "{} {format:?}", site.name());
            assert!(sent.header("cache-control").unwrap().contains("no-store"));
            assert!(!site.lives(&desk).await && !site.lives(&phone).await, "{} {format:?}", site.name());
            assert!(site.lives(&ben).await, "{} {format:?}", site.name());
        }
    }
}

#[tokio::test]
async fn universal_logout_names_the_user_by_the_custom_issuer_too_and_by_any_case_of_the_address() {
    for site in Site::all().await {
        let id = site.org.user(ADA).unwrap().id;
        let subjects = [
            json!({"format": "iss_sub", "iss": site.org.issuer(), "sub": id}),
            json!({"format": "email", "email": ADA.to_uppercase()}),
        ];
        for subject in subjects {
            site.org.clock().advance(Duration::from_secs(2));
            let ada = site.signed_in(ADA).await;
            let revocation = site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).sub_id(subject.clone());
            assert_eq!(revocation.send().await.status, Some(204), "{subject}");
            assert!(!site.lives(&ada).await, "{}: {subject}", site.name());
        }
    }
}

#[tokio::test]
async fn universal_logout_rejects_every_fault_and_changes_nothing() {
    for site in Site::all().await {
        let endpoint = site.at(UNIVERSAL);
        let bare = Browser::new(site.entry()).send(Method::POST, UNIVERSAL, &[], String::new()).await;
        assert_eq!((bare.status.as_u16(), bare.header("www-authenticate")), (401, "Bearer"), "nothing was sent");
        // A valid message first, so that its `jti` can be replayed.
        let sent = site.org.global_revocation(BEN).to(&endpoint).send().await;
        assert!([Some(204), Some(404)].contains(&sent.status), "{sent:?}");
        site.org.clock().advance(Duration::from_secs(2));
        let (ada, ben) = (site.signed_in(ADA).await, site.signed_in(BEN).await);
        let mut accepted = Vec::new();
        for fault in RevocationFault::ALL {
            let expected = match fault {
                RevocationFault::MalformedBody | RevocationFault::NoSubject | RevocationFault::UnknownFormat => 400,
                _ => 401,
            };
            let sent = site.org.global_revocation(ADA).to(&endpoint).fault(fault).send().await;
            if sent.status != Some(expected) {
                accepted.push((fault, sent.status));
                continue;
            }
            assert_eq!(sent.header("www-authenticate").is_some(), expected == 401, "{fault:?}");
            assert!(sent.header("cache-control").unwrap().contains("no-store"));
            assert!(!sent.body.contains("ada") && !sent.body.contains("Ada"), "{}", sent.body);
        }
        assert!(accepted.is_empty(), "{}: {accepted:?}", site.name());
        assert!(site.lives(&ada).await && site.lives(&ben).await, "{}", site.name());
        let sent = site.org.global_revocation(ADA).to(&endpoint).send().await;
        assert_eq!(sent.status, Some(204), "control");
        assert!(!site.lives(&ada).await && site.lives(&ben).await, "{}: control", site.name());
    }
}

#[tokio::test]
async fn universal_logout_works_once_for_each_message() {
    for site in Site::all().await {
        let ada = site.signed_in(ADA).await;
        let notice = site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).notice();
        assert_eq!(notice.send().await.status, Some(204));
        assert!(!site.lives(&ada).await);
        site.org.clock().advance(Duration::from_secs(2));
        let again = site.signed_in(ADA).await;
        assert_eq!(notice.send().await.status, Some(401), "{}", site.name());
        assert!(site.lives(&again).await, "{}", site.name());
        // Its five minutes have passed, so its replay record may be dropped.
        site.org.clock().advance(Duration::from_secs(600));
        assert_eq!(notice.send().await.status, Some(401), "{}", site.name());
        assert!(site.lives(&again).await, "{}", site.name());
    }
}

#[tokio::test]
async fn universal_logout_reports_unknown_users_and_malformed_requests() {
    for site in Site::all().await {
        let ada = site.signed_in(ADA).await;
        let id = site.org.user(ADA).unwrap().id;
        let unknown = if site.name() == "cookie" { 204 } else { 404 };
        let subjects = [
            // With sessions in cookies, the application cannot tell which users have one.
            (json!({"format": "email", "email": "unknown@example.test"}), unknown),
            (json!({"format": "opaque", "id": "00u1"}), unknown),
            // The sender is authentic but has no authority over users of another issuer,
            // whether or not they exist.
            (json!({"format": "iss_sub", "iss": "https://evil.example", "sub": id}), 403),
            (json!({"format": "iss_sub", "iss": "https://evil.example", "sub": "unknown"}), 403),
            (json!({"format": "iss_sub", "iss": format!("{}1", site.org.issuer()), "sub": id}), 403),
            (json!({"format": "email"}), 400),
            (json!({"format": "email", "email": format!("{ADA}, {BEN}")}), 400),
            (json!({"format": "email", "email": [ADA]}), 400),
            (json!({"format": "email", "email": ADA, "id": id}), 400),
            (json!({"format": "iss_sub", "sub": id}), 400),
            (json!({"email": ADA}), 400),
            (json!(ADA), 400),
            (Value::Null, 400),
        ];
        for (subject, status) in subjects {
            let revocation = site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).sub_id(subject.clone());
            assert_eq!(revocation.send().await.status, Some(status), "{}: {subject}", site.name());
            assert!(site.lives(&ada).await, "{}: {subject}", site.name());
        }
    }
}

/// Two customers with separate orgs and one store have a user with the same address.
#[tokio::test]
async fn universal_logout_does_not_affect_users_with_the_same_address_at_another_issuer() {
    let (org, other) = (Org::start().await.unwrap(), Org::start().await.unwrap());
    let place = Place::Shared(SharedStore::new(&org));
    let (site, elsewhere) = (Site::start(place.clone(), org).await, Site::start(place, other).await);
    let (ada, namesake) = (site.signed_in(ADA).await, elsewhere.signed_in(ADA).await);
    let sent = site.org.global_revocation(ADA).to(elsewhere.at(UNIVERSAL)).send().await;
    assert_eq!(sent.status, Some(401), "the key of another org");
    assert!(elsewhere.lives(&namesake).await && site.lives(&ada).await);
    let sent = elsewhere.org.global_revocation(ADA).to(site.at(UNIVERSAL)).send().await;
    assert_eq!(sent.status, Some(401), "the key of another org");
    assert!(elsewhere.lives(&namesake).await && site.lives(&ada).await);
    // Its own key, for a user of the other issuer.
    let subject =
        json!({"format": "iss_sub", "iss": elsewhere.org.issuer(), "sub": elsewhere.org.user(ADA).unwrap().id});
    let sent = site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).sub_id(subject).send().await;
    assert_eq!(sent.status, Some(403), "{sent:?}");
    assert!(sent.header("www-authenticate").is_none() && sent.body.contains("logout_forbidden"), "{sent:?}");
    assert!(elsewhere.lives(&namesake).await && site.lives(&ada).await);
    assert_eq!(site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).send().await.status, Some(204));
    assert!(!site.lives(&ada).await);
    assert!(elsewhere.lives(&namesake).await, "the same address, another issuer");
    let mut thief = ada.at(&elsewhere.app.base);
    assert!(!thief.is_signed_in().await);
}

/// The store fails in the middle. Ended sessions stay ended with their refresh tokens
/// revoked, and the rest ends when the message is resent.
#[tokio::test]
async fn an_interrupted_universal_logout_is_completed_when_it_is_resent() {
    let org = Org::start().await.unwrap();
    let store = SharedStore::new(&org);
    let site = Site::start(Place::Shared(store.clone()), org).await;
    let browsers = (site.signed_in(ADA).await, site.signed_in(ADA).await, site.signed_in(ADA).await);
    store.remove_only(Some(2));
    let message = site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).notice();
    let first = message.send().await;
    assert_eq!(first.status, Some(503), "{first:?}");
    assert_eq!(store.len(), 1);
    eventually("two refresh tokens are revoked", || revoked(&site.org) == 2).await;
    store.remove_only(None);
    let again = message.send().await;
    assert_eq!(again.status, Some(204), "{again:?}");
    eventually("the third too", || revoked(&site.org) == 3).await;
    for browser in [&browsers.0, &browsers.1, &browsers.2] {
        assert!(!site.lives(browser).await);
    }
}

#[tokio::test]
async fn universal_logout_revokes_the_refresh_tokens() {
    for site in Site::all().await.into_iter().filter(|site| site.name() != "cookie") {
        let _browsers = (site.signed_in(ADA).await, site.signed_in(ADA).await, site.signed_in(BEN).await);
        assert_eq!(site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).send().await.status, Some(204));
        eventually("both refresh tokens are revoked", || revoked(&site.org) == 2).await;
    }
}

#[tokio::test]
async fn universal_logout_of_the_org_reaches_every_replica() {
    for site in Site::all().await {
        site.org.put_client(site.org.client().universal_logout(site.at(UNIVERSAL)));
        let ada = site.signed_in(ADA).await;
        let deliveries = site.org.universal_logout(ADA).await;
        assert!(deliveries.len() == 1 && deliveries[0].is_success(), "{deliveries:?}");
        assert!(!site.lives(&ada).await, "{}", site.name());
    }
}

/// Okta's keys cannot be fetched, so the message cannot be judged.
#[tokio::test]
async fn universal_logout_is_503_while_the_keys_are_unavailable() {
    let site = Site::start(Place::Memory, Org::start().await.unwrap()).await;
    let ada = site.signed_in(ADA).await;
    site.org.outage(Endpoint::Discovery, okta_auth_dev::Outage::Status(503));
    let sent = site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).send().await;
    assert!(sent.status == Some(503) && sent.header("retry-after").is_some(), "{sent:?}");
    assert!(site.lives(&ada).await);
    site.org.restore(Endpoint::Discovery);
}

#[tokio::test]
async fn a_store_that_is_down_ends_no_session_and_the_endpoint_says_so() {
    let org = Org::start().await.unwrap();
    let store = SharedStore::new(&org);
    let site = Site::start(Place::Shared(store.clone()), org).await;
    let ada = site.signed_in(ADA).await;
    store.down(true);
    let revocation = site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).notice();
    assert_eq!(revocation.send().await.status, Some(503));
    check_back(&site.org.logout_token(ADA).send_to(site.at(BACK)).await, 400, "the store is down");
    assert_eq!(frame(&site, None, &format!("?{}", named(&site.org.issuer(), &site.sid(ADA)))).await.status, 503);
    store.down(false);
    assert!(site.lives(&ada).await);
    // A message that was not processed is not consumed: Okta may resend it.
    assert_eq!(revocation.send().await.status, Some(204));
    assert!(!site.lives(&ada).await);
}

/// A site whose store can fail partially.
async fn failing_site() -> (Site, SharedStore) {
    let org = Org::start().await.unwrap();
    let store = SharedStore::new(&org);
    (Site::start(Place::Shared(store.clone()), org).await, store)
}

/// A message of each kind for Ada, with its status when it is processed, when the store
/// fails, and when it is a replay.
fn messages(site: &Site) -> [(Notice, [u16; 3]); 2] {
    [
        (site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).notice(), [204, 503, 401]),
        (site.org.logout_token(ADA).session(None).notice(site.at(BACK)), [200, 400, 400]),
    ]
}

/// A processed message is rejected as a replay in every situation.
async fn check_replay(site: &Site, notice: &Notice, status: u16) {
    site.org.clock().advance(Duration::from_secs(2));
    let again = site.signed_in(ADA).await;
    for _ in 0..2 {
        let sent = notice.send().await;
        assert_eq!(sent.status, Some(status), "{sent:?}");
        site.org.clock().advance(Duration::from_secs(40));
    }
    assert!(site.lives(&again).await, "a replay ends no session");
}

#[tokio::test]
async fn a_message_can_be_resent_if_the_store_failed_between_its_mark_and_its_work() {
    for kind in 0..2 {
        let (site, store) = failing_site().await;
        let ada = site.signed_in(ADA).await;
        let (notice, [done, fails, replay]) = messages(&site).into_iter().nth(kind).unwrap();
        store.fail(&["linked"]);
        assert_eq!(notice.send().await.status, Some(fails));
        assert_eq!(notice.send().await.status, Some(fails));
        assert!(site.lives(&ada).await, "no session has ended");
        store.fail(&[]);
        assert_eq!(notice.send().await.status, Some(done), "the resent message is processed");
        assert!(!site.lives(&ada).await);
        check_replay(&site, &notice, replay).await;
    }
}

/// The store fails completely, so that the mark cannot be released either and has to
/// expire.
#[tokio::test]
async fn a_mark_that_could_not_be_released_does_not_lose_the_message() {
    for kind in 0..2 {
        let (site, store) = failing_site().await;
        let ada = site.signed_in(ADA).await;
        let (notice, [done, fails, replay]) = messages(&site).into_iter().nth(kind).unwrap();
        store.fail(&["linked", "release"]);
        assert_eq!(notice.send().await.status, Some(fails));
        store.fail(&[]);
        let again = notice.send().await;
        assert_eq!(again.status, Some(fails), "{again:?}");
        assert_eq!(again.header("retry-after").is_some(), fails == 503, "{again:?}");
        assert!(again.body.contains("logout_in_progress"), "{again:?}");
        assert!(site.lives(&ada).await, "the message is not processed twice at a time");
        site.org.clock().advance(Duration::from_secs(21));
        assert_eq!(notice.send().await.status, Some(done), "the resent message is processed");
        assert!(!site.lives(&ada).await);
        check_replay(&site, &notice, replay).await;
    }
}

/// A message that cannot be recorded as used is not reported as done, so the sender
/// resends it.
#[tokio::test]
async fn a_message_that_cannot_be_marked_as_used_is_not_reported_as_done() {
    for kind in 0..2 {
        let (site, store) = failing_site().await;
        let ada = site.signed_in(ADA).await;
        let (notice, [done, fails, replay]) = messages(&site).into_iter().nth(kind).unwrap();
        store.fail(&["raise"]);
        assert_eq!(notice.send().await.status, Some(fails));
        assert!(!site.lives(&ada).await, "the session has ended anyway");
        store.fail(&[]);
        assert_eq!(notice.send().await.status, Some(fails), "the mark is still held");
        site.org.clock().advance(Duration::from_secs(21));
        // Universal Logout reports that no session is left.
        let expected = if done == 204 { 404 } else { done };
        assert_eq!(notice.send().await.status, Some(expected));
        check_replay(&site, &notice, replay).await;
    }
}

#[tokio::test]
async fn of_two_concurrent_copies_of_a_message_one_is_processed() {
    for kind in 0..2 {
        let (site, store) = failing_site().await;
        let ada = site.signed_in(ADA).await;
        let (notice, [done, fails, replay]) = messages(&site).into_iter().nth(kind).unwrap();
        store.gate(Gate::Shut);
        let first = tokio::spawn({
            let notice = notice.clone();
            async move { notice.send().await }
        });
        store.until_a_reader_waits().await;
        let second = notice.send().await;
        assert_eq!(second.status, Some(fails), "{second:?}");
        store.gate(Gate::Open);
        assert_eq!(first.await.unwrap().status, Some(done));
        assert!(!site.lives(&ada).await);
        check_replay(&site, &notice, replay).await;
    }
}

/// A message with an unreadable body is consumed: its token does not cover the body, so
/// an attacker could attach another one.
#[tokio::test]
async fn a_token_with_a_bad_body_is_consumed() {
    for site in Site::all().await {
        let ada = site.signed_in(ADA).await;
        let revocation = || site.org.global_revocation(ADA).to(site.at(UNIVERSAL));
        let good = revocation().notice();
        let token = format!("Bearer {}", good.token());
        let json = ("content-type", "application/json");
        let mut sender = Browser::new(site.entry());
        let headers = [("authorization", token.as_str()), json];
        let answer = sender.send(Method::POST, UNIVERSAL, &headers, "{}".to_owned()).await;
        assert_eq!(answer.status, 400, "{}", site.name());
        assert_eq!(good.send().await.status, Some(401), "{}", site.name());
        assert!(site.lives(&ada).await, "{}", site.name());
    }
}

#[tokio::test]
async fn without_a_revocation_store_external_messages_end_no_session() {
    let org = Org::start().await.unwrap();
    let app = Place::Cookie.app().org(org.clone()).configure(|config| offline(config).revocation_store("none"));
    let app = app.start().await;
    let mut browser = app.browser();
    browser.sign_in(&org, ADA, "/profile").await;
    let sent = org.global_revocation(ADA).to(format!("{}{UNIVERSAL}", app.base)).send().await;
    assert_eq!(sent.status, Some(422), "{sent:?}");
    check_back(&org.logout_token(ADA).send_to(format!("{}{BACK}", app.base)).await, 400, "no revocation list");
    assert!(browser.is_signed_in().await);
    let ended = app.auth.end_sessions_of(&org.user(ADA).unwrap().id).await;
    assert_eq!(ended.unwrap_err().code(), Code::StoreUnsupported);
}

// -- by the application ----------------------------------------------------------------------------------------------

#[tokio::test]
async fn an_application_lists_and_ends_sessions() {
    for site in Site::all().await.into_iter().filter(|site| site.name() != "cookie") {
        let (desk, phone, ben) = (site.signed_in(ADA).await, site.signed_in(ADA).await, site.signed_in(BEN).await);
        let id = |user: &str| site.org.user(user).unwrap().id;
        let auth = &site.second.as_ref().unwrap_or(&site.app).auth;
        let sessions = auth.sessions_of(&id(ADA)).await.unwrap();
        assert_eq!(sessions.len(), 2, "{}", site.name());
        assert!(auth.sessions_of("unknown").await.unwrap().is_empty());
        assert!(auth.end_session(sessions[0].id()).await.unwrap());
        assert!(!auth.end_session(sessions[0].id()).await.unwrap(), "{}: it has already ended", site.name());
        let left = [site.lives(&desk).await, site.lives(&phone).await];
        assert_eq!(left.iter().filter(|lives| **lives).count(), 1, "{}", site.name());
        assert_eq!(auth.end_sessions_of(&id(ADA)).await.unwrap(), Some(1), "{}", site.name());
        assert!(!site.lives(&desk).await && !site.lives(&phone).await && site.lives(&ben).await, "{}", site.name());
        assert_eq!(auth.end_sessions_of(&id(ADA)).await.unwrap(), Some(0), "{}", site.name());
        eventually("both refresh tokens are revoked", || revoked(&site.org) == 2).await;
    }
}

/// All within one second of the clock: in, out, in, out, in. Every sign-out and every
/// sign-in counts.
#[tokio::test]
async fn a_sign_out_counts_within_the_same_second_as_another() {
    for site in Site::all().await {
        site.org.clock().stop();
        let id = site.org.user(ADA).unwrap().id;
        let auth = &site.second.as_ref().unwrap_or(&site.app).auth;
        for round in 0..4 {
            let browser = site.signed_in(ADA).await;
            auth.end_sessions_of(&id).await.unwrap();
            assert!(!site.lives(&browser).await, "{}: sign-out {round}", site.name());
        }
        let browser = site.signed_in(ADA).await;
        assert_eq!(site.org.global_revocation(ADA).to(site.at(UNIVERSAL)).send().await.status, Some(204));
        assert!(!site.lives(&browser).await, "{}: by another name", site.name());
        site.signed_in(ADA).await;
    }
}

#[tokio::test]
async fn sessions_in_cookies_can_be_ended_and_not_listed() {
    let site = Site::start(Place::Cookie, Org::start().await.unwrap()).await;
    site.org.clock().stop();
    let (ada, ben) = (site.signed_in(ADA).await, site.signed_in(BEN).await);
    let id = site.org.user(ADA).unwrap().id;
    assert_eq!(site.app.auth.sessions_of(&id).await.unwrap_err().code(), Code::StoreUnsupported);
    assert_eq!(site.app.auth.end_sessions_of(&id).await.unwrap(), None);
    assert!(!site.lives(&ada).await && site.lives(&ben).await);
    let again = site.signed_in(ADA).await;
    assert!(site.lives(&again).await, "a new sign-in within the same second");
}

#[tokio::test]
async fn users_can_list_and_end_only_their_own_sessions() {
    for site in Site::all().await.into_iter().filter(|site| site.name() != "cookie") {
        let (mut ada, phone, mut ben) =
            (site.signed_in(ADA).await, site.signed_in(ADA).await, site.signed_in(BEN).await);
        let list = ada.fetch("/devices").await.json();
        assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
        let theirs = ben.fetch("/devices").await.json()[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(ada.post(&format!("/devices/{theirs}"), "").await.body, "unknown");
        assert!(site.lives(&ben).await, "{}: another user's session", site.name());
        assert_eq!(ada.post("/devices/nonsense", "").await.body, "malformed");
        for session in list.as_array().unwrap() {
            let id = session["id"].as_str().unwrap();
            // The ids on the page cannot be used as a cookie.
            let mut thief = site.app.browser();
            for value in [id.to_owned(), format!("{}{id}", &ada.jar[SESSION][..2])] {
                thief.jar.insert(SESSION.to_owned(), value);
                assert!(!thief.is_signed_in().await);
            }
        }
        for session in list.as_array().unwrap() {
            // Uses the remaining session after the other one was ended.
            let mut device = if site.lives(&ada).await { ada.clone() } else { phone.clone() };
            let ended = device.post(&format!("/devices/{}", session["id"].as_str().unwrap()), "").await;
            assert_eq!(ended.body, "ended");
        }
        assert!(!site.lives(&ada).await && !site.lives(&phone).await, "{}", site.name());
    }
}
