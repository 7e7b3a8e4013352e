//! The issuer's keys under load, under attack and during rotation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_dev::{Fault, Org};
use tokio::task::JoinSet;

use crate::support::ADA;

fn auth(org: &Org, cache: usize) -> OktaAuth {
    let clock = org.clock();
    let config = ConfigBuilder::from_variables(org.env()).token_cache_size(cache);
    OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap()
}

/// A valid token with another key id in its header.
fn with_key_id(token: &str, kid: usize) -> String {
    let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"kid":"stranger-{kid}","alg":"RS256"}}"#));
    format!("{header}.{}", token.split_once('.').unwrap().1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_random_key_ids_cause_one_fetch_per_interval() {
    let org = Org::start().await.unwrap();
    let auth = auth(&org, 0);
    let good = org.token().access_token(ADA, ["openid"]).sign();
    auth.verify_access_token(&good).await.unwrap();
    let (intervals, per_interval) = (4, 2_500);
    for interval in 0..intervals {
        let mut requests = JoinSet::new();
        for at in 0..per_interval {
            let (auth, good) = (auth.clone(), good.clone());
            requests.spawn(async move {
                let stranger = with_key_id(&good, interval * per_interval + at);
                assert_eq!(auth.verify_access_token(&stranger).await.unwrap_err().code().as_str(), "token_key_unknown");
                if at % 50 == 0 {
                    auth.verify_access_token(&good).await.expect("a good token is rejected");
                }
            });
        }
        while let Some(request) = requests.join_next().await {
            request.unwrap();
        }
        org.clock().advance(Duration::from_secs(5));
    }
    let fetches = org.count("/v1/keys");
    assert!((2..=1 + intervals).contains(&fetches), "{fetches} fetches in {intervals} intervals");
}

/// With many tenants, tokens of one org would otherwise cause a request to another org
/// each.
#[tokio::test]
async fn a_token_of_another_issuer_causes_no_fetch() {
    let (org, other) = (Org::start().await.unwrap(), Org::start().await.unwrap());
    let auth = auth(&org, 0);
    auth.verify_access_token(&org.token().access_token(ADA, ["openid"]).sign()).await.unwrap();
    org.clock().advance(Duration::from_secs(60));
    let before = org.count("/v1/keys");
    let stranger = with_key_id(&other.token().access_token(ADA, ["openid"]).sign(), 1);
    assert!(auth.verify_access_token(&stranger).await.is_err());
    assert_eq!(org.count("/v1/keys"), before, "a foreign token caused a request");
    let own = with_key_id(&org.token().access_token(ADA, ["openid"]).sign(), 2);
    assert!(auth.verify_access_token(&own).await.is_err());
    assert_eq!(org.count("/v1/keys"), before + 1, "the control");
}

/// Any client can send a forged token, so only tokens of the token endpoint cause a fetch for a wrong signature.
#[tokio::test]
async fn a_forged_access_token_with_a_known_key_id_causes_no_fetch() {
    let org = Org::start().await.unwrap();
    let auth = auth(&org, 0);
    auth.verify_access_token(&org.token().access_token(ADA, ["openid"]).sign()).await.unwrap();
    org.clock().advance(Duration::from_secs(60));
    let before = org.count("/v1/keys");
    let forged = org.token().access_token(ADA, ["openid"]).bad_signature().sign();
    assert_eq!(auth.verify_access_token(&forged).await.unwrap_err().code().as_str(), "token_signature");
    assert_eq!(org.count("/v1/keys"), before, "a forged token caused a request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_first_requests_cause_one_discovery_and_one_fetch_of_keys() {
    let org = Org::start().await.unwrap();
    let auth = auth(&org, 0);
    let good = org.token().access_token(ADA, ["openid"]).sign();
    let mut requests = JoinSet::new();
    for _ in 0..1_000 {
        let (auth, good) = (auth.clone(), good.clone());
        requests.spawn(async move { auth.verify_access_token(&good).await.map(drop) });
    }
    while let Some(request) = requests.join_next().await {
        request.unwrap().unwrap();
    }
    assert_eq!((org.count("/.well-known/openid-configuration"), org.count("/v1/keys")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotation_under_load_rejects_no_good_request() {
    let org = Org::start().await.unwrap();
    let auth = auth(&org, 512);
    let (stop, verified) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let rotations = Arc::new(AtomicUsize::new(0));
    let mut load = JoinSet::new();
    for _ in 0..4 {
        let (auth, org, rotations) = (auth.clone(), org.clone(), Arc::clone(&rotations));
        let (stop, verified) = (Arc::clone(&stop), Arc::clone(&verified));
        load.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let before = rotations.load(Ordering::SeqCst);
                let token = org.token().access_token(ADA, ["openid"]).sign();
                if let Err(error) = auth.verify_access_token(&token).await {
                    // This org withdraws a key when it rotates, so a token of that moment
                    // is no longer valid. An odd number means that a rotation is in
                    // progress.
                    let during = before % 2 == 1 || rotations.load(Ordering::SeqCst) != before;
                    assert!(during, "a good token was rejected: {error}");
                    continue;
                }
                verified.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
    }
    for rotation in 1..=5 {
        rotations.fetch_add(1, Ordering::SeqCst);
        org.rotate_keys();
        rotations.fetch_add(1, Ordering::SeqCst);
        let enough = verified.load(Ordering::Relaxed) + 20;
        while verified.load(Ordering::Relaxed) < enough {
            if let Some(ended) = load.try_join_next() {
                panic!("a request was lost: {ended:?}");
            }
            tokio::task::yield_now().await;
        }
        // The time between two rotations exceeds the minimum refetch interval, as at
        // Okta.
        org.clock().advance(Duration::from_secs(6));
        assert!(org.count("/v1/keys") <= 1 + rotation * 2, "{} fetches", org.count("/v1/keys"));
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(worker) = load.join_next().await {
        worker.unwrap();
    }
    assert!(verified.load(Ordering::Relaxed) >= 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_keys_do_not_wait_for_a_hanging_fetch() {
    let org = Org::start().await.unwrap();
    let auth = auth(&org, 0);
    let good = org.token().access_token(ADA, ["openid"]).sign();
    auth.verify_access_token(&good).await.unwrap();
    org.fault(Fault::KeysSlow(Duration::from_secs(3_600)));
    let hanging = {
        let (auth, stranger) = (auth.clone(), with_key_id(&good, 1));
        tokio::spawn(async move { auth.verify_access_token(&stranger).await.map(drop) })
    };
    while org.count("/v1/keys") < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..1_000 {
        auth.verify_access_token(&good).await.unwrap();
    }
    assert!(!hanging.is_finished(), "the fetch does not hang");
    hanging.abort();
}
