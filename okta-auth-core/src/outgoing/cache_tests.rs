use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use super::*;
use crate::outgoing::issued_token::TokenTimes;
use crate::secret::Secret;

/// A cache on a clock in the test's hand, and a counter of requests.
struct Fixture {
    cache: TokenCache,
    seconds: Arc<AtomicI64>,
    requests: Arc<AtomicUsize>,
}

fn fixture(capacity: usize) -> Fixture {
    let seconds = Arc::new(AtomicI64::new(1_000_000));
    let now = Arc::clone(&seconds);
    let clock = SharedClock::new(move || {
        UNIX_EPOCH + Duration::from_secs(u64::try_from(now.load(Ordering::SeqCst)).unwrap_or_default())
    });
    Fixture { cache: TokenCache::new(capacity, clock), seconds, requests: Arc::default() }
}

impl Fixture {
    fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Issues tokens that live an hour, each with the number of its request.
    fn issue(&self) -> impl Future<Output = Result<IssuedToken>> + Send + use<> {
        let (now, requests) = (self.cache.0.clock.now(), Arc::clone(&self.requests));
        async move {
            let number = requests.fetch_add(1, Ordering::SeqCst);
            let times = TokenTimes::new(now, Some(now.plus(Duration::from_secs(3_600))), None)?;
            IssuedToken::new(&Secret::new(format!("token-{number}")), Vec::new(), times)
        }
    }

    fn refuse(&self, code: Code) -> impl Future<Output = Result<IssuedToken>> + Send + use<> {
        let requests = Arc::clone(&self.requests);
        async move {
            requests.fetch_add(1, Ordering::SeqCst);
            Err(Error::new(code, "no"))
        }
    }

    async fn token(&self, request: &TokenRequest) -> IssuedToken {
        self.cache.token(TokenKey { subject: None, request }, || self.issue()).await.unwrap()
    }

    async fn refused(&self, request: &TokenRequest, code: Code) -> Result<IssuedToken, Code> {
        let key = TokenKey { subject: None, request };
        self.cache.token(key, || self.refuse(code)).await.map_err(|error| error.code())
    }

    async fn settled(&self, requests: usize) {
        for _ in 0..1_000 {
            if self.requests() >= requests {
                break;
            }
            tokio::task::yield_now().await;
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn every_parameter_and_the_subject_are_part_of_the_key() {
    let all = fixture(100);
    let (one, other) = ([1; 32], [2; 32]);
    let requests = [
        TokenRequest::new(["a"]),
        TokenRequest::new(["a", "b"]),
        TokenRequest::new(["ab"]),
        TokenRequest::new::<&str>([]),
        TokenRequest::new(["a"]).audience("b"),
        TokenRequest::new(["a"]).audience(""),
        TokenRequest::new(["a"]).audience("c"),
        TokenRequest::new(["a"]).issuer("b"),
        TokenRequest::new(["a"]).audience("b").issuer("b"),
    ];
    let mut tokens = Vec::new();
    for subject in [None, Some(&one), Some(&other)] {
        for request in &requests {
            let key = TokenKey { subject, request };
            let first = all.cache.token(key, || all.issue()).await.unwrap();
            let again = all.cache.token(key, || all.issue()).await.unwrap();
            assert!(first.is_same(&again), "{request:?}");
            tokens.push(first.expose().to_owned());
        }
    }
    let tokens: std::collections::BTreeSet<_> = tokens.into_iter().collect();
    assert_eq!((tokens.len(), all.requests()), (27, 27));
}

#[tokio::test]
async fn ten_thousand_scopes_take_bounded_memory() {
    let all = fixture(1_000);
    for number in 0..10_000 {
        all.token(&TokenRequest::new([format!("scope:{number}")])).await;
    }
    assert_eq!(all.requests(), 10_000);
    assert!(all.cache.len() <= 1_000, "{} entries", all.cache.len());
    for number in 0..2_000 {
        let _ = all.refused(&TokenRequest::new([format!("bad:{number}")]), Code::TokenRefused).await;
    }
    assert!(all.cache.len() <= 1_000, "{} entries", all.cache.len());
}

#[tokio::test]
async fn a_token_is_renewed_in_the_background_and_only_once() {
    let all = fixture(10);
    let request = TokenRequest::new(["a"]);
    let first = all.token(&request).await;
    all.pass(3_600 - 300 - 1);
    assert!(all.token(&request).await.is_same(&first));
    assert_eq!(all.requests(), 1, "before the margin nothing is renewed");
    all.pass(3_600 - 15 - (3_600 - 301));
    for _ in 0..100 {
        assert!(all.token(&request).await.is_same(&first), "callers do not wait");
    }
    all.settled(2).await;
    assert_eq!(all.requests(), 2);
    let second = all.token(&request).await;
    assert!(!second.is_same(&first));
    assert_eq!(all.requests(), 2);
}

#[tokio::test]
async fn renewals_are_spread_by_jitter() {
    let now = Timestamp::from_seconds(1_000_000);
    let mut due = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let times = TokenTimes::new(now, Some(now.plus(Duration::from_secs(3_600))), None).unwrap();
        let token = IssuedToken::new(&Secret::new("t"), Vec::new(), times).unwrap();
        let at = (0..3_600).find(|second| token.claim_renewal(now.plus(Duration::from_secs(*second)))).unwrap();
        assert!((3_300..=3_450).contains(&at), "{at}");
        due.insert(at);
    }
    assert!(due.len() > 20, "{due:?}");
}

#[tokio::test]
async fn a_failed_renewal_keeps_the_token_until_it_expires() {
    let all = fixture(10);
    let request = TokenRequest::new(["a"]);
    let first = all.token(&request).await;
    all.pass(3_600 - 100);
    assert!(all.refused(&request, Code::ProviderUnavailable).await.unwrap().is_same(&first));
    all.settled(2).await;
    assert!(all.refused(&request, Code::ProviderUnavailable).await.unwrap().is_same(&first));
    all.settled(3).await;
    assert_eq!(all.requests(), 2, "the next attempt waits");
    all.pass(30);
    assert!(all.refused(&request, Code::ProviderUnavailable).await.unwrap().is_same(&first));
    all.settled(3).await;
    assert_eq!(all.requests(), 3);
    // In its last seconds a token would expire on the way.
    all.pass(60);
    assert_eq!(all.refused(&request, Code::ProviderUnavailable).await.unwrap_err(), Code::ProviderUnavailable);
}

#[tokio::test]
async fn a_refused_renewal_replaces_only_a_rejected_token() {
    let all = fixture(10);
    let request = TokenRequest::new(["a"]);
    let key = TokenKey { subject: None, request: &request };
    let first = all.token(&request).await;
    all.pass(3_600 - 100);
    assert!(all.refused(&request, Code::TokenRefused).await.unwrap().is_same(&first));
    all.settled(2).await;
    assert!(all.refused(&request, Code::TokenRefused).await.unwrap().is_same(&first), "it is good until it expires");
    for _ in 0..10 {
        let after = all.cache.token_after(&first, key, || all.refuse(Code::TokenRefused)).await;
        assert_eq!(after.unwrap_err().code(), Code::TokenRefused);
    }
    assert_eq!(all.requests(), 3, "the refusal is cached");
    assert_eq!(all.refused(&request, Code::TokenRefused).await.unwrap_err(), Code::TokenRefused);
}

#[tokio::test]
async fn failures_are_cached_for_a_short_time() {
    for (code, seconds) in [(Code::TokenRefused, 10), (Code::ProviderUnavailable, 1)] {
        let all = fixture(10);
        let request = TokenRequest::new(["a"]);
        for _ in 0..100 {
            assert_eq!(all.refused(&request, code).await.unwrap_err(), code);
        }
        assert_eq!(all.requests(), 1, "{code}");
        all.pass(seconds);
        assert!(!all.token(&request).await.expose().is_empty(), "{code}");
    }
}

/// A caller may look just before the token is cached, and ask right after it.
#[tokio::test]
async fn a_caller_that_looked_too_early_causes_no_second_request() {
    let all = fixture(10);
    let request = TokenRequest::new(["a"]);
    let key = TokenKey { subject: None, request: &request };
    let first = all.cache.fetch(key, Replaced::Nothing, || all.issue()).await.unwrap();
    let second = all.cache.fetch(key, Replaced::Nothing, || all.issue()).await.unwrap();
    assert!(first.is_same(&second));
    assert_eq!(all.requests(), 1);
}

#[tokio::test]
async fn a_stated_pause_is_kept() {
    let all = fixture(10);
    let request = TokenRequest::new(["a"]);
    let limited = || {
        let refused = all.refuse(Code::ProviderRateLimited);
        async move { refused.await.map_err(|error| error.with_retry_after(Duration::from_secs(40))) }
    };
    let token = || all.cache.token(TokenKey { subject: None, request: &request }, limited);
    assert_eq!(token().await.unwrap_err().retry_after(), Some(Duration::from_secs(40)));
    all.pass(39);
    assert!(token().await.is_err());
    assert_eq!(all.requests(), 1);
    all.pass(1);
    assert!(token().await.is_err());
    assert_eq!(all.requests(), 2);
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once_for_all_callers() {
    let all = fixture(10);
    let request = TokenRequest::new(["a"]);
    let key = TokenKey { subject: None, request: &request };
    let first = all.token(&request).await;
    assert!(all.cache.token_after(&first, key, || all.issue()).await.unwrap().is_none(), "it is too young");
    all.pass(10);
    let second = all.cache.token_after(&first, key, || all.issue()).await.unwrap().unwrap();
    let third = all.cache.token_after(&first, key, || all.issue()).await.unwrap().unwrap();
    assert!(second.is_same(&third) && !second.is_same(&first));
    assert!(all.cache.token_after(&second, key, || all.issue()).await.unwrap().is_none(), "this would be a loop");
    assert_eq!(all.requests(), 2);
}

#[tokio::test]
async fn a_clock_that_jumps_backwards_makes_no_token_permanent() {
    let all = fixture(10);
    let request = TokenRequest::new(["a"]);
    let first = all.token(&request).await;
    all.pass(-100_000);
    let second = all.token(&request).await;
    assert!(!second.is_same(&first));
    let refused = TokenRequest::new(["b"]);
    assert!(all.refused(&refused, Code::TokenRefused).await.is_err());
    all.pass(-100_000);
    assert!(!all.token(&refused).await.expose().is_empty());
}

#[test]
fn a_token_made_from_another_expires_with_the_first_of_them() {
    let now = Timestamp::from_seconds(1_000);
    let at = |seconds| Some(now.plus(Duration::from_secs(seconds)));
    for (stated, latest, expires_at) in
        [(at(60), at(30), 1_030), (at(30), at(60), 1_030), (None, at(60), 1_060), (None, None, 1_300)]
    {
        let token =
            IssuedToken::new(&Secret::new("t"), Vec::new(), TokenTimes::new(now, stated, latest).unwrap()).unwrap();
        assert_eq!(token.expires_at().seconds(), expires_at);
        assert!(!token.is_usable(Timestamp::from_seconds(expires_at)));
    }
}

#[test]
fn a_token_is_renewed_after_a_day_however_long_it_is_stated_to_live() {
    let now = Timestamp::from_seconds(1_000);
    let times = TokenTimes::new(now, Some(Timestamp::from_seconds(i64::MAX)), None).unwrap();
    let token = IssuedToken::new(&Secret::new("t"), Vec::new(), times).unwrap();
    let day = now.plus(Duration::from_secs(24 * 3_600));
    assert!(!token.claim_renewal(day.minus(Duration::from_secs(301))));
    assert!(token.claim_renewal(day) && token.is_usable(day));
}

#[test]
fn tokens_do_not_appear_in_debug_output() {
    let now = Timestamp::from_seconds(1_000);
    let times = || TokenTimes::new(now, None, None).unwrap();
    let token = IssuedToken::new(&Secret::new("s3cret"), vec!["a".to_owned()], times()).unwrap();
    assert_eq!(token.expose(), "s3cret");
    let mut request = http::Request::new(());
    token.clone().attach(&mut request).unwrap();
    let header = request.headers().get(http::header::AUTHORIZATION).unwrap();
    assert!(header.is_sensitive() && header == "Bearer s3cret");
    assert!(!format!("{token:?} {header:?}").contains("s3cret"));
    IssuedToken::new(&Secret::new("a\nb"), Vec::new(), times()).unwrap_err();
}
