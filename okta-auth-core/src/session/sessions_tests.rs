//! Attacks on the list of ended sessions by unauthenticated requests.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::clock::{Clock, TestClock};
use crate::cookie::CookieSettings;
use crate::cookie::jar_for_tests::Jar;
use crate::session::MemoryStore;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
const LIMITS: SessionLimits = SessionLimits { idle: Duration::from_secs(3600), absolute: Duration::from_secs(43_200) };

/// An application with sessions in cookies, and a revocation list of this capacity.
fn sessions(capacity: usize) -> Sessions {
    sessions_at(capacity, LIMITS, TestClock::at(NOW.seconds()))
}

fn sessions_at(capacity: usize, limits: SessionLimits, clock: impl Clock) -> Sessions {
    let config = crate::config::ConfigBuilder::default()
        .issuer("https://issuer.example")
        .client_id("client")
        .cookie_secret("a secret for tests, 32 bytes or more");
    let config = Arc::new(config.build().unwrap());
    let keys = crate::cookie::CookieKeys::new(&config.cookie_secrets);
    let cookies = CookieStore::new(&keys, CookieSettings::new(false), &config, limits).unwrap();
    let revocations = Some(Revocations::Memory(Arc::new(MemoryStore::with_clock(capacity, clock))));
    let watches = Watches::new(crate::clock::SharedClock::default());
    Sessions::Cookie { cookies: Box::new(cookies), revocations, index_keys: IndexKeys::of(&config), limits, watches }
}

async fn frame(sessions: &Sessions, sid: &str) {
    let name = sessions.index_keys().name(IndexKind::OktaSession, sid.as_bytes());
    sessions.end_reported(&name, NOW, drop).await.unwrap();
}

async fn signed_in(sessions: &Sessions, sid: &str) -> RequestCookies {
    let claims = json!({ "sub": "00u1", "sid": sid });
    let session = Session::with_claims(claims.as_object().unwrap(), NOW);
    Jar::with(&sessions.create(&RequestCookies::default(), session, NOW).await.unwrap().1).cookies()
}

fn lives(sessions: &Sessions, cookies: &RequestCookies) -> bool {
    !sessions.look(cookies, NOW, Activity::Active).is_without_session()
}

#[tokio::test]
async fn made_up_logouts_do_not_evict_real_ones() {
    let sessions = sessions(100);
    let [stolen, other] = [signed_in(&sessions, "stolen").await, signed_in(&sessions, "other").await];
    assert!(lives(&sessions, &stolen) && lives(&sessions, &other), "the control");
    frame(&sessions, "stolen").await;
    assert!(!lives(&sessions, &stolen) && lives(&sessions, &other), "a real logout is accepted");
    for number in 0..1_000 {
        frame(&sessions, &format!("made up {number}")).await;
    }
    assert!(!lives(&sessions, &stolen), "the cookie of an ended session is valid again");
    // A signed-in user can still be signed out.
    frame(&sessions, "other").await;
    assert!(!lives(&sessions, &other), "made-up logouts have filled the list");
}

/// A restarted process knows no session. It records those that come, and keeps unproven ends of the others separately.
#[tokio::test]
async fn after_a_restart_made_up_logouts_neither_fill_the_list_nor_disable_front_channel() {
    let before = sessions(100);
    let (absent, present) = (signed_in(&before, "absent").await, signed_in(&before, "present").await);
    let (late, unseen) = (signed_in(&before, "late").await, signed_in(&before, "unseen").await);
    let sessions = sessions(100);
    frame(&sessions, "absent").await;
    assert!(!lives(&sessions, &absent), "a session that the process has not seen is ended");
    frame(&sessions, "unseen").await;
    for number in 0..50_000 {
        frame(&sessions, &format!("made up {number}")).await;
    }
    assert!(!lives(&sessions, &absent), "it was seen in between, so its end is proven and stays");
    assert!(lives(&sessions, &unseen), "the oldest unproven end was evicted, as docs/how-to/sessions.md says");
    assert!(lives(&sessions, &present), "a session that was not ended");
    frame(&sessions, "present").await;
    assert!(!lives(&sessions, &present), "a session that the process has seen");
    frame(&sessions, "late").await;
    assert!(!lives(&sessions, &late), "a session that the process has not seen since the restart");
}

/// Made-up session ids must not take unbounded memory.
#[tokio::test]
async fn unproven_marks_are_bounded_and_kept_apart() {
    let memory = MemoryStore::with_clock(50, TestClock::at(NOW.seconds()));
    let key = |number: u64| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        StoreKey::from_bytes(bytes)
    };
    memory.raise_watermark(&key(1), 7, LIMITS.absolute).await.unwrap();
    for number in 2..20_000 {
        memory.raise_unproven(&key(number), 8, LIMITS.absolute);
    }
    let kept = memory.marks_now(&(1..20_000).map(key).collect::<Vec<_>>());
    assert_eq!((kept[0], kept[19_998 - 1]), (7, 8), "the proven one, and the newest");
    assert_eq!(kept.iter().filter(|mark| **mark == 8).count(), 10_000);
}

/// A session may have begun by a clock that is ahead, and its lifetime counts from its own start.
#[tokio::test]
async fn an_end_is_stored_for_as_long_as_the_session_could_have_lived() {
    let clock = TestClock::at(NOW.seconds());
    let sessions = sessions_at(100, SessionLimits { idle: LIMITS.absolute, ..LIMITS }, clock.clone());
    let Sessions::Cookie { cookies, .. } = &sessions else { panic!() };
    let [ended, alive] = ["ended", "alive"].map(|sid| {
        let claims = json!({ "sub": "00u1", "sid": sid });
        Session::with_claims(claims.as_object().unwrap(), NOW).starting_at(NOW.plus(Duration::from_secs(60)))
    });
    let cookie =
        |session: &Session| Jar::with(&cookies.save(&RequestCookies::default(), session, NOW).unwrap()).cookies();
    let late = NOW.plus(LIMITS.absolute + Duration::from_secs(30));
    sessions.end(&ended, NOW).await.unwrap();
    clock.set(late.seconds());
    let lives = |session: &Session| {
        !matches!(sessions.look(&cookie(session), late, Activity::Active), SessionLookup::Known(LoadedSession::Ended))
    };
    assert!(lives(&alive), "the control: a session that was not ended is alive");
    assert!(!lives(&ended), "an ended session is valid again");
}

/// The user signs in twice within one session at Okta. The process accepts a front-channel logout of it for as long as
/// the later session lives.
#[tokio::test]
async fn a_session_at_okta_is_known_for_as_long_as_the_latest_session_here_lives() {
    for shared in [false, true] {
        let clock = TestClock::at(NOW.seconds());
        let memory = Arc::new(MemoryStore::with_clock(1, clock.clone()));
        let revocations = if shared { Revocations::Shared(memory) } else { Revocations::Memory(memory) };
        let name = StoreKey::from_bytes([1; 32]);
        assert!(!revocations.knows(&name).await.unwrap(), "the premise");
        for _ in 0..2 {
            revocations.remember(Some(&name), LIMITS.absolute).await.unwrap();
            clock.advance(40_000);
        }
        assert!(revocations.knows(&name).await.unwrap(), "shared: {shared}");
        clock.advance(4_000);
        assert!(!revocations.knows(&name).await.unwrap(), "shared: {shared}: and not for ever");
    }
}
