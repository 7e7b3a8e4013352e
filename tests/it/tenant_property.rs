//! Random tables of tenants and random requests: the tenant of each request is compared
//! with an oracle that is written from the documentation and shares no code with the
//! library.

use std::collections::BTreeSet;

use axum::http::Request;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_core::adapter::{Engine, RefreshTiming};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::{OktaAuth, OktaAuthBuilder};
use okta_auth_core::error::Error;
use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants, TenantsBuilder};
use okta_auth_core::tenant::{TenantId, TenantSettings};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const BASE: &str = "app.example.com";
const IDS: [&str; 6] = ["acme", "globex", "a", "t", "app", "x-1"];
const HOSTS: [&str; 6] =
    ["portal.example", "Portal.Example", "acme.example", "acme.app.example.com", "x-1.app.example.com", "t.example"];
const ISSUERS: [&str; 3] = ["https://one.okta.com", "https://two.okta.com", "https://two.okta.com/oauth2/default"];

#[derive(Clone, Debug)]
struct Tenant {
    id: &'static str,
    hosts: Vec<&'static str>,
    issuer: &'static str,
    former: Vec<&'static str>,
}

#[derive(Clone, Debug)]
struct Asked {
    path: String,
    hosts: Vec<String>,
    named: Vec<String>,
    issuer: Option<String>,
    sessions: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Tenant(String),
    Lobby,
    NotFound,
}

fn tenants() -> impl Strategy<Value = Vec<Tenant>> {
    let one = |id| {
        let former = subsequence(ISSUERS.to_vec(), 0..2);
        (subsequence(HOSTS.to_vec(), 0..3), select(ISSUERS.to_vec()), former)
            .prop_map(move |(hosts, issuer, former)| Tenant { id, hosts, issuer, former })
    };
    subsequence(IDS.to_vec(), 0..=IDS.len()).prop_flat_map(move |ids| ids.into_iter().map(one).collect::<Vec<_>>())
}

fn resolvers() -> impl Strategy<Value = Vec<Resolver>> {
    let all = vec![
        Resolver::Host,
        Resolver::Subdomain(BASE.to_owned()),
        Resolver::Path("/t".to_owned()),
        Resolver::TrustedHeader("x-tenant".to_owned()),
        Resolver::BearerIssuer,
        Resolver::Session,
    ];
    subsequence(all, 1..=6).prop_shuffle()
}

/// A tenant name, or a similar string.
fn name() -> impl Strategy<Value = String> {
    let strange = ["", "Acme", "acme.", "-a", "a_b", "initech", "%61cme", "acme globex", "acme,globex", ".."];
    prop_oneof![4 => select(IDS.to_vec()), 1 => select(strange.to_vec())].prop_map(str::to_owned)
}

fn host() -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        3 => select(HOSTS.to_vec()).prop_map(str::to_owned),
        3 => select(IDS.to_vec()).prop_map(|id| format!("{id}.{BASE}")),
        2 => Just(BASE.to_owned()),
        1 => select(vec!["evil.example", "x.acme.app.example.com", "acmeapp.example.com", "Acme.APP.example.com"])
            .prop_map(str::to_owned),
    ];
    (plain, select(vec!["", ":8080", ":443"])).prop_map(|(host, port)| format!("{host}{port}"))
}

fn asked() -> impl Strategy<Value = Asked> {
    let path = prop_oneof![
        3 => Just("/orders".to_owned()),
        4 => name().prop_map(|name| format!("/t/{}/orders?t=/t/globex", name.replace(' ', ""))),
        1 => select(vec!["/t", "/t/", "/tt/acme", "/%74/acme", "/t%2Facme", "/x/t/acme", "//t/acme", "/%7A?/t/acme"])
            .prop_map(str::to_owned),
    ];
    let issuer = prop_oneof![
        select(ISSUERS.to_vec()),
        select(vec!["https://one.okta.com/", "https://evil.example", "https://ONE.okta.com", ""])
    ];
    let hosts = prop::collection::vec(host(), 0..3);
    let named = prop::collection::vec(name(), 0..3);
    let sessions = prop::collection::vec(name().prop_map(|name| name.replace([' ', ','], "")), 0..3);
    (path, hosts, named, prop::option::of(issuer.prop_map(str::to_owned)), sessions)
        .prop_map(|(path, hosts, named, issuer, sessions)| Asked { path, hosts, named, issuer, sessions })
}

/// Arbitrary headers and an arbitrary path.
fn anything() -> impl Strategy<Value = (String, String, String, String, String)> {
    (
        "[ -~]{0,24}|(acme|globex|x-1)(\\.app\\.example\\.com)?[ -~]{0,3}",
        "[ -~]{0,12}|acme[ -~]{0,2}",
        "(__Host-)?okta_session_[a-z0-9.=;_ -]{0,20}",
        "(Bearer |bearer|Basic )?[ -~]{0,40}",
        "/[!-~]{0,24}|/t/[!-~]{0,12}|/authorization-code/callback/?[!-~]{0,8}",
    )
}

fn build(tenants: &[Tenant], resolvers: &[Resolver]) -> Result<Tenants, Error> {
    let settings = tenants.iter().map(|tenant| {
        let client = format!("0oa{}", tenant.id);
        let mut settings = TenantSettings::new(TenantId::parse(tenant.id).unwrap(), tenant.issuer, client);
        settings.hosts = tenant.hosts.iter().map(|host| (*host).to_owned()).collect();
        settings.former_issuers = tenant.former.iter().map(|issuer| (*issuer).to_owned()).collect();
        settings.audience = Some(format!("api://{}", tenant.id));
        settings
    });
    let shared = ConfigBuilder::default().base_url(format!("https://{BASE}"));
    let shared = OktaAuthBuilder::from(shared.cookie_secret("a cookie secret for tests of 32 bytes or more"));
    let builder = Tenants::builder(shared).table(TenantTable::new(settings)?);
    resolvers.iter().cloned().fold(builder, TenantsBuilder::resolve).build()
}

/// An unsigned access token, sufficient for readers that do not verify it.
fn token(issuer: &str) -> String {
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let claims = serde_json::json!({ "iss": issuer, "sub": "ada", "aud": "api://acme" });
    format!("{}.{}.{}", part(r#"{"alg":"RS256","kid":"1"}"#.to_owned()), part(claims.to_string()), part("s".to_owned()))
}

fn parts(asked: &Asked) -> Parts {
    let mut request = Request::builder().uri(asked.path.replace(' ', ""));
    for host in &asked.hosts {
        request = request.header("host", host);
    }
    for name in &asked.named {
        request = request.header("x-tenant", name);
    }
    if let Some(issuer) = &asked.issuer {
        request = request.header("authorization", format!("Bearer {}", token(issuer)));
    }
    let cookies = asked.sessions.iter().map(|name| format!("__Host-okta_session_{name}=forged"));
    request = request.header("cookie", cookies.collect::<Vec<_>>().join("; "));
    request.body(()).unwrap().into_parts().0
}

async fn answer(tenants: &Tenants, parts: &Parts, target: &str) -> Answer {
    let context = Engine::new(tenants).authenticate(parts, target, RefreshTiming::OnDemand).context().await;
    match (context.auth().and_then(OktaAuth::tenant), context.admit()) {
        (Some(tenant), _) => Answer::Tenant(tenant.id.as_str().to_owned()),
        (None, Ok(())) => Answer::Lobby,
        (None, Err(challenge)) => {
            assert_eq!(challenge.code(), "tenant_unknown");
            Answer::NotFound
        }
    }
}

// -- the oracle -----------------------------------------------------------------------------------------------------

/// Whether two tenants match the same value.
fn is_ambiguous(tenants: &[Tenant], resolvers: &[Resolver]) -> bool {
    let by_subdomain = resolvers.iter().any(|resolver| matches!(resolver, Resolver::Subdomain(_)));
    let mut hosts = BTreeSet::new();
    let twice = tenants.iter().flat_map(|t| &t.hosts).any(|host| !hosts.insert(host.to_lowercase()));
    let other = |tenant: &Tenant, host: &str| {
        tenants.iter().any(|other| other.id != tenant.id && host == format!("{}.{BASE}", other.id))
    };
    twice || by_subdomain && tenants.iter().any(|t| t.hosts.iter().any(|host| other(t, &host.to_lowercase())))
}

fn only<T>(items: impl IntoIterator<Item = T>) -> Option<T> {
    let mut items = items.into_iter();
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

fn expected(tenants: &[Tenant], resolvers: &[Resolver], asked: &Asked) -> Answer {
    let known = |name: &str| tenants.iter().find(|tenant| tenant.id == name);
    let must = |name: &str| known(name).map_or(Answer::NotFound, |tenant| Answer::Tenant(tenant.id.to_owned()));
    let host = only(&asked.hosts).map(|host| host.split(':').next().unwrap().to_lowercase());
    let is_id = |text: &str| {
        let plain = text.chars().all(|c| "abcdefghijklmnopqrstuvwxyz0123456789-".contains(c));
        plain && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-')
    };
    for resolver in resolvers {
        let found = match resolver {
            Resolver::Host => {
                let host = host.clone().unwrap_or_default();
                tenants.iter().find(|t| t.hosts.iter().any(|h| h.to_lowercase() == host)).map(|t| must(t.id))
            }
            Resolver::Subdomain(parent) => {
                let label = host.as_ref().and_then(|host| host.strip_suffix(&format!(".{parent}")));
                label.map(must)
            }
            Resolver::Path(_) => {
                let path = asked.path.split('?').next().unwrap();
                let segments: Vec<&str> = path.split('/').collect();
                match segments.as_slice() {
                    ["", "t", name, ..] => Some(must(name)),
                    // A router may read these as the prefix in another spelling.
                    ["", "%74", _, ..] | ["", "t%2Facme"] => Some(Answer::NotFound),
                    _ => None,
                }
            }
            Resolver::TrustedHeader(_) => match asked.named.as_slice() {
                [] => None,
                [name] => Some(must(name)),
                _ => Some(Answer::NotFound),
            },
            Resolver::BearerIssuer => asked.issuer.as_deref().and_then(|issuer| {
                let whose = tenants.iter().filter(|t| t.issuer == issuer || t.former.contains(&issuer));
                only(whose).map(|tenant| must(tenant.id))
            }),
            Resolver::Session => {
                let names: BTreeSet<&String> = asked.sessions.iter().filter(|name| is_id(name)).collect();
                only(names).and_then(|name| known(name)).map(|tenant| must(tenant.id))
            }
            other => panic!("{other:?} has no oracle"),
        };
        if let Some(found) = found {
            return found;
        }
    }
    let by_host = resolvers.iter().any(|resolver| matches!(resolver, Resolver::Host | Resolver::Subdomain(_)));
    if by_host && host.as_deref() != Some(BASE) { Answer::NotFound } else { Answer::Lobby }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(80) })]

    #[test]
    fn a_request_gets_the_tenant_that_the_documentation_specifies(
        table in tenants(),
        resolvers in resolvers(),
        requests in prop::collection::vec(asked(), 50),
    ) {
        let built = build(&table, &resolvers);
        let backwards: Vec<Tenant> = table.iter().rev().cloned().collect();
        let other = build(&backwards, &resolvers);
        prop_assert_eq!(built.is_err(), is_ambiguous(&table, &resolvers), "{:?}", built);
        prop_assert_eq!(built.is_err(), other.is_err());
        let (Ok(built), Ok(other)) = (built, other) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for asked in requests {
            let (parts, target) = (parts(&asked), asked.path.replace(' ', ""));
            let found = runtime.block_on(answer(&built, &parts, &target));
            prop_assert_eq!(&found, &expected(&table, &resolvers, &asked), "{:?}", asked);
            // The result depends neither on the time of the request nor on the order of
            // the table.
            prop_assert_eq!(&found, &runtime.block_on(answer(&built, &parts, &target)));
            prop_assert_eq!(&found, &runtime.block_on(answer(&other, &parts, &target)));
        }
    }

    #[test]
    fn every_request_gets_a_response_and_names_its_tenant(
        resolvers in resolvers(),
        all in prop::collection::vec(anything(), 50),
    ) {
        let table = ["acme", "globex"].map(|id| Tenant { id, hosts: vec![], issuer: ISSUERS[0], former: vec![] });
        let built = build(&table, &resolvers).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (host, name, cookie, bearer, path) in all {
            let mut parts = Request::builder().uri("/").body(()).unwrap().into_parts().0;
            let headers = [("host", &host), ("x-tenant", &name), ("cookie", &cookie), ("authorization", &bearer)];
            for (header, text) in headers {
                if let Ok(value) = text.parse() {
                    parts.headers.insert(header, value);
                }
            }
            let found = runtime.block_on(answer(&built, &parts, &path));
            prop_assert_eq!(&found, &runtime.block_on(answer(&built, &parts, &path)));
            if let Answer::Tenant(id) = found {
                let told = [host.to_lowercase(), name, cookie, path];
                prop_assert!(told.iter().any(|text| text.contains(&id)), "{} for {:?}", id, told);
            }
        }
    }
}
