//! Tenants whose Okta hangs, fails, limits the rate or rotates its keys continuously:
//! only their own users are affected. The tests check the order of events, not durations.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use okta_auth_axum::{AccessToken, RouterExt, User};
use okta_auth_core::config::{ConfigBuilder, EgressPolicy};
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth_core::secret::Secret;
use okta_auth_core::tenant::{TenantId, TenantSettings};
use okta_auth_dev::{Client, Endpoint, ORG_SERVER, Org, Outage};
use reqwest::Method;
use tokio::task::JoinSet;

use crate::support::{ADA, Answer, Browser, SECRET};

/// The second client of every org, for tenants that share an org.
const SECOND: (&str, &str) = ("0oasecond000000000000", "the-secret-of-the-second-client");

/// Tenants selected by path. `acme` and `globex` have healthy orgs. `initech` has the bad
/// org, and `hooli` uses the same org with its own client. `opaque` and `other` are two
/// clients of the bad org's own server, whose tokens only that org can verify.
#[derive(Clone)]
struct Site {
    well: [Org; 2],
    bad: Org,
    base: String,
    /// The offset of the application's clock, which stands still otherwise. The orgs'
    /// clocks run.
    later: Arc<AtomicU64>,
    /// A browser without a session at the application's own address. Shared, because
    /// loading certificates is slow.
    visitor: Browser,
}

fn settings(id: &str, issuer: String, client: &Client) -> TenantSettings {
    let mut settings = TenantSettings::new(TenantId::parse(id).unwrap(), issuer, client.client_id.clone());
    settings.client_secret = client.client_secret.clone().map(Secret::new);
    settings
}

/// A timeout that never fires: each test controls when requests end.
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
        let tenants = Tenants::builder(OktaAuthBuilder::from(shared).clock(clock))
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

    /// Moves the application's clock.
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

    /// A new access token for a tenant.
    fn token(&self, tenant: &str) -> String {
        let mint = match tenant {
            "acme" => self.well[0].token(),
            "globex" => self.well[1].token(),
            "hooli" => self.bad.token().client(SECOND.0).claim("aud", "api://hooli"),
            "opaque" => self.bad.token().server(ORG_SERVER),
            "other" => self.bad.token().server(ORG_SERVER).client(SECOND.0),
            _ => self.bad.token(),
        };
        mint.access_token(ADA, ["openid"]).sign()
    }

    /// Asserts that tokens, sign-in, session and sign-out of a tenant work.
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
async fn only_its_own_users_wait_for_a_hanging_org() {
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
    assert_eq!(site.bad.waiting(Endpoint::Discovery), 1, "all waiting requests share one");
    site.bad.restore_all();
    while let Some(status) = waiting.join_next().await {
        assert!([200, 303].contains(&status.unwrap().as_u16()));
    }
}

/// Each tenant may introspect 32 tokens at a time. One more is rejected immediately: it
/// does not wait and causes no request to the org.
#[tokio::test]
async fn a_tenant_that_uses_up_its_introspection_limit_does_not_affect_others() {
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
        () = site.bad.until_waiting(Endpoint::Introspect, 33) => panic!("a request beyond the limit went to the org"),
    }
    // Another client of the same org is admitted, and waits for the hanging org.
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
    assert_eq!(site.call("opaque", &site.token("opaque")).await.status, 200, "the limit is free again");
}

#[tokio::test]
async fn a_failing_org_gets_no_requests_until_the_backoff_ends() {
    let site = Site::start().await;
    site.bad.outage(Endpoint::Discovery, Outage::Status(503));
    for _ in 0..20 {
        let answer = site.call("initech", &site.token("initech")).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
    }
    // Eight failures, each of a request that was retried once.
    let hits = || site.bad.outage_hits(Endpoint::Discovery);
    assert_eq!(hits(), 16);
    site.turn(4);
    for _ in 0..20 {
        let answer = site.call("initech", &site.token("initech")).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{}", answer.body);
        assert_eq!(site.browser("initech").navigate("/me").await.status, 503);
    }
    assert_eq!(hits(), 16, "no request during the backoff");
    // Another tenant at the same org detects the failure itself; tenants at other orgs
    // are not affected.
    assert_eq!(site.call("hooli", &site.token("hooli")).await.status, 503);
    assert_eq!(hits(), 18, "failures count per tenant");
    site.others_are_well().await;
    site.turn(1);
    for _ in 0..20 {
        assert_eq!(site.call("initech", &site.token("initech")).await.status, 503);
    }
    assert_eq!(hits(), 20, "one probe");
    site.bad.restore_all();
    site.turn(5);
    for _ in 0..3 {
        assert_eq!(
            site.call("initech", &site.token("initech")).await.status,
            200,
            "the first response ends the backoff"
        );
    }
}

#[tokio::test]
async fn a_rate_limit_reset_applies_to_the_tenant_that_received_it() {
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
    assert_eq!(hits(), 3, "no further request is sent");
    site.turn(4);
    let answer = site.call("opaque", &site.token("opaque")).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after"), hits()), (503, "26", 3));
    site.bad.restore_all();
    assert_eq!(site.call("other", &site.token("other")).await.status, 200, "the limit applied to the other client");
    assert_eq!(site.call("opaque", &site.token("opaque")).await.status, 503, "not before the reset");
    site.others_are_well().await;
    site.turn(1);
    assert_eq!(site.call("opaque", &site.token("opaque")).await.status, 200, "a probe ends the backoff");
}

#[tokio::test]
async fn an_org_that_rotates_with_each_request_exhausts_only_its_own_refetch_interval() {
    let site = Site::start().await;
    for tenant in ["initech", "acme", "globex"] {
        assert_eq!(site.call(tenant, &site.token(tenant)).await.status, 200);
    }
    let mut lost = 0;
    for _ in 0..5 {
        site.bad.rotate_keys();
        lost += usize::from(site.call("initech", &site.token("initech")).await.status == 401);
    }
    // The keys are fetched on first use, and once more for an unknown key id.
    assert_eq!((site.bad.count("/v1/keys"), lost > 0), (2, true), "its keys rotate faster than the refetch interval");
    // Another tenant's new key is found within the interval. The key of the first
    // rotation had been announced.
    site.well[1].rotate_keys();
    site.well[1].rotate_keys();
    assert_eq!(site.call("globex", &site.token("globex")).await.status, 200);
    site.others_are_well().await;
    assert_eq!((site.well[0].count("/v1/keys"), site.well[1].count("/v1/keys")), (1, 2));
    site.turn(6);
    assert_eq!(site.call("initech", &site.token("initech")).await.status, 200, "the interval is over");
}
