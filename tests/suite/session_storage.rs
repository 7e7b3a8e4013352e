//! Stored sessions: their protection against changes, and the formats of older versions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::session::{MemoryStore, SessionId, SessionStore, StoreKey, StoredRecord};
use okta_auth_dev::Org;
use serde_json::Value;

use crate::app::{App, Framework};
use crate::support::{ADA, Browser, SharedStore};

/// Sessions that version 0.1 wrote.
fn old() -> Value {
    serde_json::from_str(include_str!("../../okta-auth-core/testdata/sessions_0.1.json")).unwrap()
}

/// The application that wrote the sessions, with the seconds since then.
async fn later<F: Framework>(old: &Value, store: Option<MemoryStore>) -> (App, Arc<AtomicU64>) {
    let text = |name: &str| old[name].as_str().unwrap().to_owned();
    let settings = [("OKTA_ISSUER_URI", text("issuer")), ("OKTA_CLIENT_ID", text("client_id"))];
    let (secret, seconds) = (text("cookie_secret"), Arc::new(AtomicU64::new(10)));
    let (shown, began_at) = (Arc::clone(&seconds), old["began_at"].as_u64().unwrap());
    let clock = move || UNIX_EPOCH + Duration::from_secs(began_at + shown.load(Ordering::SeqCst));
    let app = App::built::<F>(
        Org::start().await.unwrap(),
        move |config| {
            let base = config.build().unwrap().base_url().to_string();
            ConfigBuilder::from_variables(settings).base_url(base).cookie_secret(secret)
        },
        move |builder| match store {
            Some(store) => builder.clock(clock).session_store(store),
            None => builder.clock(clock),
        },
    );
    (app.await, seconds)
}

fn browser_with(app: &App, jar: impl IntoIterator<Item = (String, String)>) -> Browser {
    let mut browser = app.browser();
    browser.jar = BTreeMap::from_iter(jar);
    browser
}

async fn is_signed_in(browser: &mut Browser) -> bool {
    browser.fetch("/").await.body.starts_with("xxx")
}

pub(crate) async fn cookies_of_version_0_1_are_sessions_until_they_end<F: Framework>() {
    let old = old();
    for name in ["cookie", "cookie_in_chunks"] {
        let (app, seconds) = later::<F>(&old, None).await;
        let cookies = old[name].as_object().unwrap().clone();
        assert_eq!(cookies.len() > 1, name == "cookie_in_chunks");
        let jar: Vec<_> =
            cookies.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        let (mut browser, mut copy) = (browser_with(&app, jar.clone()), browser_with(&app, jar.clone()));
        assert!(is_signed_in(&mut browser).await, "{name}");
        assert_eq!(browser.jar, copy.jar, "no rewrite is due");
        seconds.store(3_000, Ordering::SeqCst);
        assert!(is_signed_in(&mut browser).await);
        assert_ne!(browser.jar, copy.jar, "the use is written in the current format");
        seconds.store(3_600, Ordering::SeqCst);
        assert!(is_signed_in(&mut browser).await, "{name}: it has been used");
        assert!(!is_signed_in(&mut copy).await, "{name}: this copy has not");
        // A sign-out ends copies in either format.
        seconds.store(10, Ordering::SeqCst);
        let (mut copy, mut again) = (browser_with(&app, jar.clone()), browser_with(&app, jar));
        assert!(is_signed_in(&mut copy).await, "{name}: the control");
        app.auth.end_sessions_of("00u1").await.unwrap();
        assert!(!is_signed_in(&mut again).await, "{name}: a copy of a session that was ended");
        assert!(!is_signed_in(&mut browser).await, "{name}: the same session in the current format");
    }
}

pub(crate) async fn records_of_version_0_1_are_sessions_until_they_end<F: Framework>() {
    let old = old();
    for name in ["stored", "stored_and_saved"] {
        let text = |member: &str| old[name][member].as_str().unwrap();
        let (key, version) = (StoreKey::parse(text("key")).unwrap(), old[name]["version"].as_u64().unwrap());
        let record = StoredRecord { version, sealed: URL_SAFE_NO_PAD.decode(text("sealed")).unwrap() };
        let memory = MemoryStore::with_clock(10, || UNIX_EPOCH);
        assert!(memory.create(&key, &record, Duration::from_secs(3_600)).await.unwrap());
        let (app, seconds) = later::<F>(&old, Some(memory)).await;
        let mut browser = browser_with(&app, [("okta_session".to_owned(), text("cookie").to_owned())]);
        assert!(is_signed_in(&mut browser).await, "{name}");
        seconds.store(3_000, Ordering::SeqCst);
        assert!(is_signed_in(&mut browser).await, "{name}: the use is written in the current format");
        seconds.store(6_000, Ordering::SeqCst);
        assert!(is_signed_in(&mut browser).await, "{name}: and read again");
        assert!(app.auth.end_session(SessionId::parse(text("key")).unwrap()).await.unwrap());
        assert!(!is_signed_in(&mut browser).await, "{name}: it can be ended");
    }
}

/// The idle limit and the absolute limit in seconds.
type Limits = (u64, u64);

/// An application with these limits, with sessions in cookies or in this store.
async fn limited<F: Framework>(org: &Org, store: Option<&SharedStore>, (idle, absolute): Limits) -> App {
    let seconds = Duration::from_secs;
    let limits = move |config: ConfigBuilder| config.session_idle(seconds(idle)).session_absolute(seconds(absolute));
    let store = store.cloned();
    let build = move |builder: okta_auth_core::engine::OktaAuthBuilder| match store {
        Some(store) => builder.session_store(store),
        None => builder,
    };
    App::built::<F>(org.clone(), limits, build).await
}

pub(crate) async fn raised_limits_revive_no_session<F: Framework>() {
    for stored in [false, true] {
        let (org, store) = (Org::start().await.unwrap(), SharedStore::without_expiry());
        org.clock().stop();
        let store = stored.then_some(&store);
        let (low, high) = ((600, 1_200), (6_000, 12_000));
        let strict = limited::<F>(&org, store, low).await;
        let generous = limited::<F>(&org, store, high).await;
        // Idle for too long.
        let mut idle = strict.signed_in(ADA).await;
        // In constant use.
        let mut used = strict.signed_in(ADA).await;
        assert!(idle.at(&generous.base).is_signed_in().await, "control: both read the same sessions");
        org.clock().advance(Duration::from_secs(599));
        assert!(used.is_signed_in().await);
        org.clock().advance(Duration::from_secs(1));
        assert!(!idle.clone().is_signed_in().await);
        assert!(!idle.at(&generous.base).is_signed_in().await, "stored: {stored}: the idle limit was raised");
        idle = used.at(&generous.base);
        org.clock().advance(Duration::from_secs(598));
        assert!(used.is_signed_in().await && idle.is_signed_in().await, "control");
        org.clock().advance(Duration::from_secs(2));
        assert!(!used.clone().is_signed_in().await);
        assert!(!used.at(&generous.base).is_signed_in().await, "stored: {stored}: the absolute limit was raised");
        assert!(!idle.is_signed_in().await, "stored: {stored}: a use with the raised limits does not extend it");
        // Lowered limits apply immediately.
        let mut long = generous.signed_in(ADA).await;
        assert!(long.at(&strict.base).is_signed_in().await);
        org.clock().advance(Duration::from_secs(700));
        assert!(!long.at(&strict.base).is_signed_in().await && long.is_signed_in().await);
    }
}

/// The idle limit is raised while a session is in use: it must not end between two
/// written uses.
pub(crate) async fn a_session_in_use_outlives_a_raised_idle_limit<F: Framework>() {
    for stored in [false, true] {
        let (org, store) = (Org::start().await.unwrap(), SharedStore::without_expiry());
        org.clock().stop();
        let store = stored.then_some(&store);
        let before = limited::<F>(&org, store, (600, 80_000)).await;
        let after = limited::<F>(&org, store, (60_000, 80_000)).await;
        let mut browser = before.signed_in(ADA).await.at(&after.base);
        for _ in 0..5 {
            org.clock().advance(Duration::from_secs(500));
            assert!(browser.is_signed_in().await, "stored: {stored}");
        }
        org.clock().advance(Duration::from_secs(56_000));
        assert!(browser.is_signed_in().await, "stored: {stored}: with the current limit from now on");
    }
}

/// The machine's clock is set back to before the sign-out, to before the sign-in, and
/// forward again.
pub(crate) async fn a_clock_that_jumps_revives_no_session_that_was_signed_out<F: Framework>() {
    for store in ["cookie", "memory"] {
        let app = App::with::<F>(Org::start().await.unwrap(), move |config| config.session_store(store)).await;
        app.org.clock().stop();
        let seconds = Duration::from_secs;
        let (mut browser, other) = (app.signed_in(ADA).await, app.signed_in(ADA).await);
        app.org.clock().advance(seconds(400));
        let copy = browser.clone();
        assert!(copy.clone().is_signed_in().await, "{store}: the control");
        browser.post("/logout", "").await;
        let jumps: [(bool, u64); 4] = [(false, 300), (false, 150), (true, 200), (true, 3_000)];
        for (forward, by) in jumps {
            if forward {
                app.org.clock().advance(seconds(by))
            } else {
                app.org.clock().rewind(seconds(by))
            }
            assert!(!copy.clone().is_signed_in().await, "{store}: {by} s, forward: {forward}");
        }
        assert!(other.clone().is_signed_in().await, "{store}: the session of another browser");
    }
}

/// The attacker can write to the store, and stores an older record of a session under the
/// next version.
pub(crate) async fn an_older_record_with_a_newer_number_is_no_session<F: Framework>() {
    let (org, store) = (Org::start().await.unwrap(), SharedStore::without_expiry());
    let app = limited::<F>(&org, Some(&store), (600, 12_000)).await;
    let mut browser = app.signed_in(ADA).await;
    let sessions = app.auth.sessions_of(&org.user(ADA).unwrap().id).await.unwrap();
    let key = StoreKey::parse(&sessions[0].id().to_string()).unwrap();
    let first = store.load(&key).await.unwrap().unwrap();
    org.clock().advance(Duration::from_secs(300));
    assert!(browser.is_signed_in().await, "the use is written");
    let second = store.load(&key).await.unwrap().unwrap();
    assert_eq!((first.version, second.version), (1, 2));
    let forever = Duration::from_secs(1_000_000);
    assert!(store.save(&key, &StoredRecord { version: 3, sealed: first.sealed }, forever).await.unwrap());
    assert!(!browser.clone().is_signed_in().await);
    assert!(store.save(&key, &StoredRecord { version: 4, sealed: second.sealed.clone() }, forever).await.unwrap());
    assert!(!browser.clone().is_signed_in().await, "the current record with another version is invalid too");
    assert!(store.remove(&key).await.unwrap());
    assert!(store.create(&key, &second, forever).await.unwrap());
    assert!(browser.is_signed_in().await, "control: as it was written");
}
