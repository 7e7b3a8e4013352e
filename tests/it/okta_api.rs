//! The client of Okta's API: pages, errors, rate limits, repetitions, and what never receives the token.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use okta_auth_core::config::{ConfigBuilder, PrivateKey};
use okta_auth_core::error::{Code, Error};
use okta_auth_core::okta_api::{ErrorResponse, List, OktaApi};
use okta_auth_core::outgoing::OutgoingBuilder;
use okta_auth_dev::{ADA, ApiFault, BEN, Client, ClientKey, Endpoint, Fault, Org, OrgBuilder, Outage, Recorded, User};
use serde_json::{Value, json};

use crate::support::eventually;

const JOB: &str = "0oajob";
const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";
const SCOPES: [&str; 2] = ["okta.users.read", "okta.groups.read"];

/// An org with a service, and the key of the service.
struct Setup {
    org: Org,
    key: ClientKey,
}

impl Setup {
    async fn with(change: impl FnOnce(OrgBuilder, Client) -> OrgBuilder) -> Self {
        let key = ClientKey::generate().unwrap();
        let client = Client::api_service(JOB, key.public_jwk()).okta_scopes(SCOPES).admin_role("READ_ONLY_ADMIN");
        Self { org: change(Org::builder(), client).start().await.unwrap(), key }
    }

    async fn start() -> Self {
        Self::with(OrgBuilder::client).await
    }

    /// The client of the API, on the clock of the org.
    fn api(&self) -> OktaApi {
        self.api_with(|config| config)
    }

    fn api_with(&self, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> OktaApi {
        let key = PrivateKey::from_pem(self.key.private_pem(), Some(self.key.id().to_owned())).unwrap();
        let config = ConfigBuilder::default().issuer(self.org.issuer()).client_id(JOB).private_key(key);
        let clock = self.org.clock();
        let outgoing = OutgoingBuilder::from(change(config)).clock(move || clock.now()).build().unwrap();
        OktaApi::new(&outgoing, SCOPES).unwrap()
    }

    fn requests(&self) -> Vec<Recorded> {
        self.org.request_log().into_iter().filter(|request| request.path.starts_with("/api/v1")).collect()
    }

    fn sent(&self) -> usize {
        self.requests().len()
    }

    async fn advance_until(&self, is_so: impl Fn() -> bool) {
        let condition = std::future::poll_fn(|_| if is_so() { Poll::Ready(()) } else { Poll::Pending });
        self.settle(condition).await;
    }

    /// Lets the clock run until the call ends.
    async fn settle<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        loop {
            let step = tokio::time::timeout(Duration::from_millis(20), &mut call);
            match step.await {
                Ok(result) => return result,
                Err(_) => self.org.clock().advance(Duration::from_secs(3)),
            }
        }
    }
}

async fn users(api: &OktaApi) -> Result<Vec<Value>, Error> {
    api.get(["users"]).json().await
}

fn response(error: &Error) -> (u16, &str) {
    let response = ErrorResponse::of(error).unwrap_or_else(|| panic!("no response of Okta: {error:?}"));
    (response.status().as_u16(), response.code().unwrap_or_default())
}

async fn logins(mut list: List<Value>) -> (Vec<String>, Option<Error>) {
    let mut logins = Vec::new();
    loop {
        match list.next().await {
            None => return (logins, None),
            Some(Ok(user)) => logins.push(user["profile"]["login"].as_str().unwrap().to_owned()),
            Some(Err(error)) => {
                assert!(list.next().await.is_none(), "the list ends with its error");
                return (logins, Some(error));
            }
        }
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page_as_a_stream() {
    let names: Vec<String> = (0..7).map(|n| format!("user{n}@example.test")).collect();
    let setup = Setup::with(|org, client| {
        names.iter().fold(org.client(client).without_users(), |org, name| org.user(User::new(name, "x")))
    })
    .await;
    let api = setup.api();
    let mut list = api.get(["users"]).query("limit", "2").list::<Value>();
    assert_eq!(setup.sent(), 0, "nothing is sent before the first entry is asked for");
    list.next().await.unwrap().unwrap();
    list.next().await.unwrap().unwrap();
    assert_eq!(setup.sent(), 1, "a page is requested when it is needed");
    let rest: Vec<Value> = list.try_collect().await.unwrap();
    assert_eq!((rest.len(), setup.sent()), (5, 4));
    let (all, error) = logins(api.get(["users"]).query("limit", "3").list()).await;
    assert!(error.is_none());
    assert_eq!(all, names);
    // The token is one of the org's own server, although the application's issuer is a custom server.
    assert_eq!((setup.org.count("/oauth2/v1/token"), setup.org.count("/default/v1/token")), (1, 0));
    let log = setup.org.request_log();
    let form = log.iter().find(|request| request.path.ends_with("/v1/token")).unwrap();
    assert!(form.form_field("client_assertion").is_some());
}

#[tokio::test]
async fn links_in_one_header_are_read_too() {
    let setup = Setup::start().await;
    setup.org.fault(Fault::Api(ApiFault::LinksInOneHeader));
    let (all, error) = logins(setup.api().get(["users"]).query("limit", "1").list()).await;
    assert!(error.is_none());
    assert_eq!(all, [ADA, BEN]);
}

#[tokio::test]
async fn a_resource_is_read_by_a_path_of_segments() {
    let setup = Setup::start().await;
    let api = setup.api();
    let ada: Value = api.get(["users", ADA]).json().await.unwrap();
    assert_eq!(ada["profile"]["login"], ADA);
    let found: Vec<Value> = api.get(["users"]).query("q", "Ada & +Co").json().await.unwrap();
    assert!(found.is_empty());
    assert_eq!(setup.requests()[1].query_param("q").as_deref(), Some("Ada & +Co"));
    assert_eq!(setup.requests()[1].query, "q=Ada%20%26%20%2BCo");
    let groups: Vec<Value> =
        api.get(["users", ada["id"].as_str().unwrap(), "groups"]).list().try_collect().await.unwrap();
    assert!(!groups.is_empty());
}

#[tokio::test]
async fn a_segment_leads_to_no_other_resource() {
    let setup = Setup::start().await;
    let api = setup.api();
    for id in ["", ".", "..", "../groups", "x/../../groups", "..\\groups", "/groups", "a/b", "x\r\nhost: evil"] {
        let error = api.get(["users", id]).json::<Value>().await.unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid, "{id}");
        assert!(api.get(["users", id]).list::<Value>().next().await.unwrap().is_err());
        assert!(api.delete(["users", id]).send().await.is_err());
    }
    assert_eq!(setup.org.request_log().len(), 0);
    for id in ["%2e%2e", "..%2fgroups", "..;", "?x", "#x", "@evil.example"] {
        let error = api.get(["users", id]).json::<Value>().await.unwrap_err();
        assert_eq!(response(&error), (404, "E0000007"), "{id}");
    }
    assert!(setup.requests().iter().all(|request| request.path.starts_with("/api/v1/users/")));
}

#[tokio::test]
async fn an_error_of_okta_is_typed_and_contains_no_token() {
    let setup = Setup::start().await;
    let api = setup.api();
    let unknown = api.get(["users", "00unknown"]).json::<Value>().await.unwrap_err();
    assert_eq!((unknown.code(), unknown.provider_error()), (Code::ApiRefused, Some("e0000007")));
    assert_eq!(response(&unknown), (404, "E0000007"));
    let missing = ErrorResponse::of(&unknown).unwrap();
    assert!(missing.summary().unwrap().contains("00unknown (User)") && missing.id().is_some());
    let invalid = api.get(["users"]).query("limit", "0").json::<Value>().await.unwrap_err();
    assert_eq!(response(&invalid), (400, "E0000001"));
    assert_eq!(ErrorResponse::of(&invalid).unwrap().causes().len(), 1);
    let method = api.delete(["users", ADA]).send().await.unwrap_err();
    assert_eq!(response(&method), (405, "E0000022"));
    let path = api.get(["unknown"]).send().await.unwrap_err();
    assert_eq!(path.code(), Code::ApiRefused);
    let authorization = setup.requests()[0].header("authorization").unwrap().to_owned();
    let token = authorization.strip_prefix("Bearer ").unwrap();
    for error in [unknown, invalid, method, path] {
        let shown = format!("{error} {error:?} {:?}", ErrorResponse::of(&error));
        assert!(!shown.contains(token) && !shown.contains('\n'), "{shown}");
    }
}

#[tokio::test]
async fn a_missing_role_or_scope_names_the_fix() {
    let setup = Setup::with(|org, mut client| {
        client.admin_roles.clear();
        org.client(client)
    })
    .await;
    let error = users(&setup.api()).await.unwrap_err();
    assert_eq!((error.code(), response(&error)), (Code::ApiRefused, (403, "E0000006")));
    assert!(error.to_string().contains("administrator role"), "{error}");
    let setup = Setup::with(|org, client| org.client(client.okta_scopes(["okta.users.read"]))).await;
    let error = users(&setup.api()).await.unwrap_err();
    assert_eq!((error.code(), error.provider_error()), (Code::TokenRefused, Some("invalid_scope")));
    assert_eq!(setup.sent(), 0);
}

/// Okta issues tokens for its API only to a client with a private key.
#[tokio::test]
async fn a_client_secret_is_refused_by_okta() {
    let org = Org::builder().client(Client::service(JOB, SECRET).okta_scopes(SCOPES)).start().await.unwrap();
    let config = ConfigBuilder::default().issuer(org.issuer()).client_id(JOB).client_secret(SECRET);
    let api = OktaApi::new(&OutgoingBuilder::from(config).build().unwrap(), SCOPES).unwrap();
    let error = users(&api).await.unwrap_err();
    assert_eq!((error.code(), error.provider_error()), (Code::TokenRefused, Some("invalid_client")));
    assert!(error.provider_description().unwrap().contains("private_key_jwt"), "{error:?}");
}

/// A link to another host would send the token there.
#[tokio::test]
async fn a_next_link_to_another_host_is_not_followed() {
    let setup = Setup::start().await;
    setup.org.fault(Fault::Api(ApiFault::NextElsewhere));
    let (seen, error) = logins(setup.api().get(["users"]).query("limit", "1").list()).await;
    assert_eq!((seen, setup.sent()), (vec![ADA.to_owned()], 1));
    let error = error.unwrap();
    assert_eq!(error.code(), Code::ProviderResponse);
    assert!(error.to_string().contains("leads out of the org's API"), "{error}");
}

#[tokio::test]
async fn a_next_link_to_the_same_page_ends_the_list() {
    let setup = Setup::start().await;
    setup.org.fault(Fault::Api(ApiFault::NextLoop));
    let (seen, error) = logins(setup.api().get(["users"]).query("limit", "1").list()).await;
    assert_eq!((seen.len(), setup.sent()), (1, 1));
    assert_eq!(error.unwrap().code(), Code::ProviderResponse);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let setup = Setup::start().await;
    setup.org.fault(Fault::Api(ApiFault::Redirect));
    let error = users(&setup.api()).await.unwrap_err();
    assert_eq!((error.code(), setup.org.count("/users")), (Code::ProviderResponse, 1));
}

#[tokio::test]
async fn a_response_is_bounded_in_size() {
    let setup = Setup::start().await;
    setup.org.fault(Fault::Api(ApiFault::Huge));
    let api = setup.api().max_response_size(1024 * 1024);
    let error = users(&api).await.unwrap_err();
    assert_eq!(error.code(), Code::ProviderResponse);
    assert!(error.to_string().contains("larger than 1048576 bytes"), "{error}");
    let (_, error) = logins(api.get(["users"]).list()).await;
    assert_eq!(error.unwrap().code(), Code::ProviderResponse);
    assert!(ErrorResponse::of(&users(&api).await.unwrap_err()).is_none());
}

#[tokio::test]
async fn another_content_than_expected_is_an_error_without_its_values() {
    let setup = Setup::start().await;
    let api = setup.api();
    setup.org.fault_once(Fault::Api(ApiFault::Html));
    let error = users(&api).await.unwrap_err();
    assert_eq!(error.code(), Code::ProviderResponse);
    assert!(error.to_string().contains("not JSON"), "{error}");
    let error = api.get(["users", ADA]).json::<Vec<String>>().await.unwrap_err();
    assert_eq!(error.code(), Code::ProviderResponse);
    let error = api.get(["users", ADA]).list::<u64>().next().await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::ProviderResponse);
    assert!(!format!("{error:?}").contains("ada@"), "{error:?}");
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_and_the_repetition_is_labelled() {
    let setup = Setup::start().await;
    let api = setup.api();
    setup.org.fault_once(Fault::Api(ApiFault::RateLimited));
    let mut call = pin!(users(&api));
    // The limit of the fault lasts 30 s.
    while setup.sent() == 0 {
        assert!(tokio::time::timeout(Duration::from_millis(5), &mut call).await.is_err());
    }
    setup.org.clock().advance(Duration::from_secs(29));
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut call).await.is_err());
    assert_eq!(setup.sent(), 1, "the limit has not ended");
    setup.org.clock().advance(Duration::from_secs(5));
    assert_eq!(call.await.unwrap().len(), 2);
    let [first, second] = &setup.requests()[..] else { panic!("not two requests") };
    assert_eq!((first.header("x-okta-retry-for"), first.header("x-okta-retry-count")), (None, None));
    assert!(second.header("x-okta-retry-for").is_some_and(|id| !id.is_empty()));
    assert_eq!(second.header("x-okta-retry-count"), Some("1"));
}

/// If all rejected requests were repeated at the end of the limit, most would be rejected again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_storm_one_request_tests_whether_the_limit_has_ended() {
    let setup = Setup::start().await;
    let api = setup.api();
    users(&api).await.unwrap();
    setup.org.clear_request_log();
    setup.org.fault(Fault::Api(ApiFault::RateLimited));
    setup.org.outage(Endpoint::Api, Outage::Hang);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let api = api.clone();
            tokio::spawn(async move { users(&api).await })
        })
        .collect();
    setup.org.until_waiting(Endpoint::Api, 20).await;
    setup.org.restore(Endpoint::Api);
    let rejected = || setup.requests().iter().filter(|request| request.status == Some(429)).count();
    eventually("every call is rejected", || rejected() == 20).await;
    setup.advance_until(|| rejected() > 20).await;
    assert_eq!(rejected(), 21, "one is repeated");
    // Another group of endpoints has a limit of its own.
    setup.org.clear_faults();
    let _groups: Vec<Value> = api.get(["groups"]).json().await.unwrap();
    assert_eq!(setup.sent(), 22);
    for call in calls {
        assert_eq!(setup.settle(call).await.unwrap().unwrap().len(), 2);
    }
    assert_eq!((rejected(), setup.sent()), (21, 22 + 20));
}

/// A caller that disconnects while it waits leaves the turn to the next one.
#[tokio::test]
async fn a_waiting_request_that_is_dropped_blocks_no_other() {
    let setup = Setup::start().await;
    let api = setup.api();
    setup.org.fault(Fault::Api(ApiFault::RateLimited));
    let mut waiting = Box::pin(users(&api));
    while setup.sent() == 0 {
        assert!(tokio::time::timeout(Duration::from_millis(100), &mut waiting).await.is_err());
    }
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut waiting).await.is_err());
    setup.org.clear_faults();
    let later = tokio::time::timeout(Duration::from_millis(100), users(&api)).await;
    assert!(later.is_err() && setup.sent() == 1, "later calls wait too");
    drop(waiting);
    assert_eq!(setup.settle(users(&api)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_limit_of_concurrent_requests_is_not_waited_for_until_its_reset() {
    let setup = Setup::start().await;
    let api = setup.api();
    setup.org.fault_once(Fault::Api(ApiFault::ConcurrencyLimited));
    let mut call = pin!(users(&api));
    while setup.sent() == 0 {
        assert!(tokio::time::timeout(Duration::from_millis(5), &mut call).await.is_err());
    }
    setup.org.clock().advance(Duration::from_secs(2));
    let found = tokio::time::timeout(Duration::from_secs(10), call).await.unwrap();
    assert_eq!(found.unwrap().len(), 2);
}

#[tokio::test]
async fn a_list_survives_the_limit_of_the_org() {
    let names: Vec<String> = (0..9).map(|n| format!("user{n}@example.test")).collect();
    let setup = Setup::with(|org, client| {
        let org = org.client(client).without_users().rate_limit(4);
        names.iter().fold(org, |org, name| org.user(User::new(name, "x")))
    })
    .await;
    let api = setup.api();
    let (all, error) = setup.settle(logins(api.get(["users"]).query("limit", "1").list())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(all, names);
    let rejected = setup.requests().iter().filter(|request| request.status == Some(429)).count();
    assert_eq!((setup.sent(), rejected), (9 + 2, 2));
}

#[tokio::test]
async fn repetitions_are_bounded_and_optional() {
    for (outage, code, status) in
        [(Outage::RateLimited, Code::ProviderRateLimited, 429), (Outage::Status(503), Code::ProviderUnavailable, 503)]
    {
        let setup = Setup::start().await;
        let api = setup.api();
        setup.org.outage(Endpoint::Api, outage);
        let error = setup.settle(users(&api)).await.unwrap_err();
        assert_eq!((error.code(), response(&error).0, setup.sent()), (code, status, 1 + 3));
        let counts: Vec<Option<String>> =
            setup.requests().iter().map(|request| request.header("x-okta-retry-count").map(str::to_owned)).collect();
        assert_eq!(counts, [None, Some("1".to_owned()), Some("2".to_owned()), Some("3".to_owned())]);
        let ids: Vec<_> = setup.requests()[1..]
            .iter()
            .map(|request| request.header("x-okta-retry-for").unwrap().to_owned())
            .collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "the first request is named");
        let error = users(&api.max_retries(0)).await.unwrap_err();
        assert_eq!((error.code(), setup.sent()), (code, 5));
        assert_eq!(error.retry_after().is_some(), status == 429);
    }
}

/// Without repetitions the caller decides when to ask again.
#[tokio::test]
async fn rejected_requests_block_no_later_ones() {
    let setup = Setup::start().await;
    let api = setup.api().max_retries(0);
    setup.org.fault(Fault::Api(ApiFault::RateLimited));
    for sent in 1..=5 {
        assert_eq!(users(&api).await.unwrap_err().code(), Code::ProviderRateLimited);
        assert_eq!(setup.sent(), sent);
    }
    setup.org.clear_faults();
    assert_eq!(users(&api).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_post_is_repeated_only_if_okta_has_not_acted_on_it() {
    let setup = Setup::start().await;
    let api = setup.api();
    let group = json!({"profile": {"name": "Staff"}});
    let post = || setup.settle(api.post(["groups"]).body(&group).send());
    for outage in [Outage::Status(503), Outage::Drop, Outage::DropAfter] {
        setup.org.clear_request_log();
        setup.org.outage(Endpoint::Api, outage);
        assert_eq!(post().await.unwrap_err().code(), Code::ProviderUnavailable);
        assert_eq!(setup.sent(), 1, "{outage:?}");
        setup.org.restore_all();
    }
    setup.org.clear_request_log();
    setup.org.outage_times(Endpoint::Api, Outage::RateLimited, 1);
    // The development org does not create groups.
    assert_eq!(response(&post().await.unwrap_err()), (405, "E0000022"));
    let [first, second] = &setup.requests()[..] else { panic!("not two requests") };
    for request in [first, second] {
        assert_eq!(request.body, group.to_string());
        assert_eq!(request.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn other_methods_are_repeated_after_a_failure() {
    for method in ["GET", "PUT", "DELETE"] {
        for outage in [Outage::Status(503), Outage::Drop] {
            let setup = Setup::start().await;
            let api = setup.api();
            let request = match method {
                "GET" => api.get(["groups"]),
                "PUT" => api.put(["groups"]).body(&json!({})),
                _ => api.delete(["groups"]),
            };
            setup.org.outage_times(Endpoint::Api, outage, 2);
            let result = setup.settle(request.send()).await;
            assert_eq!(result.is_ok(), method == "GET", "the org only reads");
            assert_eq!(setup.sent(), 3, "{method} {outage:?}");
        }
    }
}

#[tokio::test]
async fn a_request_that_timed_out_is_not_repeated() {
    let setup = Setup::start().await;
    let api = setup.api_with(|config| config.http_timeout(Duration::from_secs(2)));
    users(&api).await.unwrap();
    setup.org.outage(Endpoint::Api, Outage::Hang);
    let error = users(&api).await.unwrap_err();
    assert_eq!((error.code(), setup.sent()), (Code::ProviderUnavailable, 2));
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once_and_the_request_repeated_once() {
    let setup = Setup::start().await;
    let api = setup.api();
    users(&api).await.unwrap();
    setup.org.clock().advance(Duration::from_secs(60));
    setup.org.clear_request_log();
    setup.org.fault_once(Fault::Api(ApiFault::InvalidToken));
    assert_eq!(users(&api).await.unwrap().len(), 2);
    assert_eq!((setup.sent(), setup.org.count("/v1/token")), (2, 1));
    let tokens: Vec<_> =
        setup.requests().iter().map(|request| request.header("authorization").unwrap().to_owned()).collect();
    assert_ne!(tokens[0], tokens[1]);
    setup.org.clock().advance(Duration::from_secs(60));
    setup.org.clear_request_log();
    setup.org.fault(Fault::Api(ApiFault::InvalidToken));
    let error = users(&api).await.unwrap_err();
    assert_eq!((error.code(), response(&error)), (Code::ApiRefused, (401, "E0000011")));
    assert_eq!((setup.sent(), setup.org.count("/v1/token")), (2, 1), "no loop");
}

/// The token is requested at the org that receives it, so a token of another org reaches no org.
#[tokio::test]
async fn each_org_receives_only_its_own_token() {
    let (one, other) = (Setup::start().await, Setup::start().await);
    users(&one.api()).await.unwrap();
    users(&other.api()).await.unwrap();
    for (setup, foreign) in [(&one, &other), (&other, &one)] {
        assert_eq!((setup.sent(), setup.org.count("/oauth2/v1/token")), (1, 1));
        let token = foreign.requests()[0].header("authorization").unwrap().to_owned();
        let url = format!("{}/api/v1/users", setup.org.url());
        let answer = reqwest::Client::new().get(url).header("authorization", token).send().await.unwrap();
        assert_eq!(answer.status(), 401, "the control: an org rejects the token of another");
    }
}
