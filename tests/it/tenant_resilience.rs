//! Tenants whose Okta hangs, fails, limits the rate or rotates its keys without end: their own users suffer, and nobody
//! else does. In which order things end is what counts here, and not how long they take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use okta_auth_axum::{AccessToken, RouterExt, User};
use okta_auth_core::config::{ConfigBuilder, EgressPolicy};
use okta_auth_core::engine::{OktaAuth, Tenants};
use okta_auth_core::secret::Secret;
use okta_auth_core::tenant::{Resolver, TenantId, TenantSettings, TenantTable};
use okta_auth_dev::{Client, Endpoint, ORG_SERVER, Org, Outage};
use reqwest::Method;
use tokio::task::JoinSet;

use crate::support::{ADA, Answer, Browser, SECRET};

/// The second client of every org, of which each tenant that shares an org has one.
const SECOND: (&str, &str) = ("0oasecond000000000000", "the-secret-of-the-second-client");

/// Tenants told by the path: `acme` and `globex` are well, `initech` is the one with the bad org, and `hooli` is at that
/// same org with a client of its own. `opaque` and `other` are two clients of the bad org's own server, whose tokens
/// only that org can verify.
#[derive(Clone)]
struct Site {
    well: [Org; 2],
    bad: Org,
    base: String,
    /// The clocks of the orgs go on by themselves. That of the application stands still until it is turned.
    later: Arc<AtomicU64>,
    /// Nobody yet, at the application's own address. Made once: certificates take long.
    visitor: Browser,
}

fn settings(id: &str, issuer: String, client: &Client) -> TenantSettings {
    let mut settings = TenantSettings::new(TenantId::parse(id).unwrap(), issuer, client.client_id.clone());
    settings.client_secret = client.client_secret.clone().map(Secret::new);
    settings
}

/// No request ends by itself: each of the tests says when.
const FOR_EVER: Duration = Duration::from_secs(3_600);

impl Site {
    async fn start() -> Self {
        let well = [Org::start().await.unwrap(), Org::start().await.unwrap()];
        let second = Client::web(SECOND.0, SECOND.1);
        let bad = Org::start().await.unwrap();
        bad.put_client(second.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        for (name, org) in [("acme", &well[0]), ("globex", &well[1]), ("initech", &bad)] {
            org.allow_redirect(&format!("{base}/t/{name}"));
        }
        let mut hooli = settings("hooli", bad.issuer(), &second);
        hooli.audience = Some("api://hooli".to_owned());
        let table = TenantTable::new([
            settings("acme", well[0].issuer(), &well[0].client()),
            settings("globex", well[1].issuer(), &well[1].client()),
            settings("initech", bad.issuer(), &bad.client()),
            hooli,
            settings("opaque", bad.org_issuer(), &bad.client()),
            settings("other", bad.org_issuer(), &second),
        ]);
        let shared =
            ConfigBuilder::default().base_url(&base).cookie_secret(SECRET).http_timeout(FOR_EVER).token_cache_size(0);
        let (start, later) = (SystemTime::now(), Arc::new(AtomicU64::new(0)));
        let shown = Arc::clone(&later);
        let clock = move || start + Duration::from_secs(shown.load(Ordering::SeqCst));
        let tenants = Tenants::builder(OktaAuth::builder(shared).clock(clock))
            .table(table.unwrap())
            .resolve(Resolver::Path("/t".to_owned()))
            .egress(EgressPolicy::default().dangerous().allow_loopback())
            .build()
            .unwrap();
        let router = Router::new()
            .route("/t/{tenant}/me", get(|user: User| async move { user.name().to_owned() }))
            .route("/t/{tenant}/api", get(|token: AccessToken| async move { token.subject().to_owned() }))
            .okta_auth(&tenants);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let visitor = Browser::new(&base);
        Self { well, bad, base, later, visitor }
    }

    /// Turns the application's clock.
    fn turn(&self, seconds: u64) {
        self.later.fetch_add(seconds, Ordering::SeqCst);
    }

    fn browser(&self, tenant: &str) -> Browser {
        self.visitor.at(&format!("{}/t/{tenant}", self.base))
    }

    /// Calls the API of a tenant with a token.
    async fn call(&self, tenant: &str, token: &str) -> Answer {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        self.browser(tenant).send(Method::GET, "/api", &headers, String::new()).await
    }

    /// An access token for a tenant, made now.
    fn token(&self, tenant: &str) -> String {
        let mint = match tenant {
            "acme" => self.well[0].mint(),
            "globex" => self.well[1].mint(),
            "hooli" => self.bad.mint().client(SECOND.0).claim("aud", "api://hooli"),
            "opaque" => self.bad.mint().server(ORG_SERVER),
            "other" => self.bad.mint().server(ORG_SERVER).client(SECOND.0),
            _ => self.bad.mint(),
        };
        mint.access_token(ADA, ["openid"]).sign()
    }

    /// Everything that a tenant's users do, and all of it works: tokens, sign-in, the session, sign-out.
    async fn is_well(&self, tenant: &str, org: &Org) {
        for _ in 0..20 {
            assert_eq!(self.call(tenant, &self.token(tenant)).await.status, 200, "{tenant}");
        }
        let mut browser = self.browser(tenant);
        assert_eq!(browser.sign_in(org, ADA, "/me").await.status, 303, "{tenant}");
        assert_eq!(browser.fetch("/me").await.body, "Ada Lovelace", "{tenant}");
        let from_here = [("origin", self.base.as_str()), ("sec-fetch-site", "same-origin")];
        assert_eq!(browser.send(Method::POST, "/logout", &from_here, String::new()).await.status, 303, "{tenant}");
        assert_eq!(browser.fetch("/me").await.status, 401, "{tenant}");
    }

    async fn others_are_well(&self) {
        self.is_well("acme", &self.well[0]).await;
        self.is_well("globex", &self.well[1]).await;
    }
}

#[tokio::test]
async fn nobody_waits_for_an_org_that_hangs_but_its_own_users() {
    let site = Site::start().await;
    for endpoint in Endpoint::ALL {
        site.bad.outage(endpoint, Outage::Hang);
    }
    let mut waiting = JoinSet::new();
    for _ in 0..200 {
        let (site, token) = (site.clone(), site.token("initech"));
        waiting.spawn(async move { site.call("initech", &token).await.status });
    }
    let browser = site.browser("initech");
    waiting.spawn(async move { browser.clone().navigate("/me").await.status });
    site.bad.until_waiting(Endpoint::Discovery, 1).await;
    site.others_are_well().await;
    assert!(waiting.try_join_next().is_none(), "the org does not hang");
    assert_eq!(site.bad.waiting(Endpoint::Discovery), 1, "one request for all who wait");
    site.bad.restore_all();
    while let Some(status) = waiting.join_next().await {
        assert!([200, 303].contains(&status.unwrap().as_u16()));
    }
}

/// 32 tokens may be asked about at a time, by each tenant. One more is told so at once: it does not wait, and its org
/// is not asked.
#[tokio::test]
async fn a_tenant_that_uses_up_its_places_takes_none_of_anybody_else() {
    let site = Site::start().await;
    assert_eq!(site.call("opaque", &site.token("opaque")).await.status, 200);
    site.bad.outage(Endpoint::Introspect, Outage::Hang);
    let mut waiting = JoinSet::new();
    for _ in 0..32 {
        let (site, token) = (site.clone(), site.token("opaque"));
        waiting.spawn(async move { site.call("opaque", &token).await.status });
    }
    site.bad.until_waiting(Endpoint::Introspect, 32).await;
    let token = site.token("opaque");
    tokio::select! {
        answer = site.call("opaque", &token) => assert_eq!(answer.status, 503, "{}", answer.body),
        () = site.bad.until_waiting(Endpoint::Introspect, 33) => panic!("one too many went to the org"),
    }
    // Another client of that very org is let through, and waits for what hangs there, as it has to.
    {
        let (site, token) = (site.clone(), site.token("other"));
        waiting.spawn(async move { site.call("other", &token).await.status });
    }
    site.bad.until_waiting(Endpoint::Introspect, 33).await;
    site.others_are_well().await;
    assert!(waiting.try_join_next().is_none(), "the org does not hang");
    site.bad.restore_all();
    while let Some(status) = waiting.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(site.call("opaque", &site.token("opaque")).await.status, 200, "the places are free again");
}

#[tokio::test]
async fn an_org_that_fails_is_left_alone_until_the_pause_is_over() {
    let site = Site::start().await;
    site.bad.outage(Endpoint::Discovery, Outage::Status(503));
    for _ in 0..20 {
        let answer = site.call("initech", &site.token("initech")).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
    }
    // Eight failures, each of a request that was repeated once.
    let hits = || site.bad.outage_hits(Endpoint::Discovery);
    assert_eq!(hits(), 16);
    site.turn(4);
    for _ in 0..20 {
        let answer = site.call("initech", &site.token("initech")).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{}", answer.body);
        assert_eq!(site.browser("initech").navigate("/me").await.status, 503);
    }
    assert_eq!(hits(), 16, "it is left alone");
    // Another tenant at that very org finds out by itself, and the others feel nothing.
    assert_eq!(site.call("hooli", &site.token("hooli")).await.status, 503);
    assert_eq!(hits(), 18, "what one tenant has met counts for that one alone");
    site.others_are_well().await;
    site.turn(1);
    for _ in 0..20 {
        assert_eq!(site.call("initech", &site.token("initech")).await.status, 503);
    }
    assert_eq!(hits(), 20, "one probe");
    site.bad.restore_all();
    site.turn(5);
    for _ in 0..3 {
        assert_eq!(site.call("initech", &site.token("initech")).await.status, 200, "the first answer ends it");
    }
}

#[tokio::test]
async fn the_time_that_an_org_names_is_respected_by_the_tenant_that_it_was_told() {
    let site = Site::start().await;
    for tenant in ["opaque", "other"] {
        let answer = site.call(tenant, &site.token(tenant)).await;
        assert_eq!(answer.status, 200, "{tenant}: {}", answer.body);
    }
    site.bad.outage(Endpoint::Introspect, Outage::RateLimited);
    let hits = || site.bad.outage_hits(Endpoint::Introspect);
    for _ in 0..10 {
        let answer = site.call("opaque", &site.token("opaque")).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "30"), "{}", answer.body);
    }
    assert_eq!(hits(), 3, "it is asked no more");
    site.turn(4);
    let answer = site.call("opaque", &site.token("opaque")).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after"), hits()), (503, "26", 3));
    site.bad.restore_all();
    assert_eq!(site.call("other", &site.token("other")).await.status, 200, "it was that client's limit");
    assert_eq!(site.call("opaque", &site.token("opaque")).await.status, 503, "not before its time");
    site.others_are_well().await;
    site.turn(1);
    assert_eq!(site.call("opaque", &site.token("opaque")).await.status, 200, "a probe finds that it is over");
}

#[tokio::test]
async fn an_org_that_rotates_with_each_request_uses_up_its_own_interval() {
    let site = Site::start().await;
    for tenant in ["initech", "acme", "globex"] {
        assert_eq!(site.call(tenant, &site.token(tenant)).await.status, 200);
    }
    let mut lost = 0;
    for _ in 0..5 {
        site.bad.rotate_keys();
        lost += usize::from(site.call("initech", &site.token("initech")).await.status == 401);
    }
    // The keys when they were first needed, and once more for what is unknown.
    assert_eq!((site.bad.count("/v1/keys"), lost > 0), (2, true), "its tokens outrun its interval");
    // Another tenant's new key is found within that interval. The one after the first rotation had been announced.
    site.well[1].rotate_keys();
    site.well[1].rotate_keys();
    assert_eq!(site.call("globex", &site.token("globex")).await.status, 200);
    site.others_are_well().await;
    assert_eq!((site.well[0].count("/v1/keys"), site.well[1].count("/v1/keys")), (1, 2));
    site.turn(6);
    assert_eq!(site.call("initech", &site.token("initech")).await.status, 200, "the interval is over");
}
