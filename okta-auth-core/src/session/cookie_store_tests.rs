//! Attacks on sealed session cookies, each with a control that passes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::config::ConfigBuilder;
use crate::cookie::jar_for_tests::{Jar, sent};
use crate::error::Code;
use crate::secret::Secret;

const SECRET: &str = "a secret for tests, 32 bytes or more";
const ISSUER: &str = "https://issuer.example";

fn config(issuer: &str) -> ConfigBuilder {
    Config::builder().issuer(issuer).client_id("client")
}

fn store_of(config: ConfigBuilder, secrets: &[&str]) -> CookieStore {
    let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    let limits = SessionLimits { idle: Duration::from_secs(3600), absolute: Duration::from_secs(43_200) };
    let config = Arc::new(config.build().unwrap());
    CookieStore::new(&CookieKeys::new(&secrets), CookieSettings::new(false), &config, limits).unwrap()
}

fn store(secrets: &[&str], issuer: &str) -> CookieStore {
    store_of(config(issuer).cookie_name("okta_session").session_cache_size(16), secrets)
}

fn ours() -> CookieStore {
    store(&[SECRET], ISSUER)
}

fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

/// What a browser with this jar does at a store.
trait Visits {
    fn save(&mut self, store: &CookieStore, session: &Session);
    fn load_at(&self, store: &CookieStore, now: Timestamp) -> LoadedSession;
    fn is_live(&self, store: &CookieStore) -> bool;
}

impl Visits for Jar {
    fn save(&mut self, store: &CookieStore, session: &Session) {
        self.take(&store.save(&self.cookies(), session, now()).unwrap());
    }

    fn load_at(&self, store: &CookieStore, now: Timestamp) -> LoadedSession {
        store.load(&self.cookies(), now, Activity::Active)
    }

    fn is_live(&self, store: &CookieStore) -> bool {
        matches!(self.load_at(store, now()), LoadedSession::Live { .. })
    }
}

/// The live session, and whether its cookie should be written again.
fn live(jar: &Jar, store: &CookieStore) -> (Arc<Session>, bool) {
    let LoadedSession::Live { entry, needs_rewrite } = jar.load_at(store, now()) else { panic!("no session") };
    (entry.session, needs_rewrite)
}

fn jar_with(filler: usize) -> Jar {
    let mut jar = Jar::default();
    jar.save(&ours(), &Session::sample(filler, now()));
    jar
}

#[test]
fn every_single_bit_flip_invalidates_a_session() {
    for (filler, parts) in [(10, 1), (4_000, 2)] {
        let (store, jar) = (ours(), jar_with(filler));
        assert!(jar.is_live(&store) && jar.0.len() == parts);
        for name in jar.0.keys() {
            for at in 0..jar.0[name].len() {
                for bit in 0..8 {
                    let mut bytes = jar.0[name].clone().into_bytes();
                    bytes[at] ^= 1 << bit;
                    let Ok(value) = String::from_utf8(bytes) else { continue };
                    // A space or a `;` would end the value early. That is a truncation, tested below.
                    let mut edited = jar.clone();
                    edited.0.insert(name.clone(), value);
                    assert!(!edited.is_live(&store), "{name} byte {at} bit {bit}");
                }
            }
        }
    }
}

#[test]
fn truncated_missing_swapped_and_repeated_chunks_are_rejected() {
    let (store, jar) = (ours(), jar_with(7_000));
    assert!(jar.is_live(&store));
    assert_eq!(jar.0.len(), 3);
    for name in jar.0.keys() {
        let mut missing = jar.clone();
        missing.0.remove(name);
        assert!(!missing.is_live(&store));
        for length in (0..jar.0[name].len()).step_by(97) {
            let mut cut = jar.clone();
            cut.0.get_mut(name).unwrap().truncate(length);
            assert!(!cut.is_live(&store));
        }
    }
    let mut swapped = jar.clone();
    let (one, two) = (jar.0["okta_session.1"].clone(), jar.0["okta_session.2"].clone());
    swapped.0.insert("okta_session.1".to_owned(), two);
    swapped.0.insert("okta_session.2".to_owned(), one);
    assert!(!swapped.is_live(&store));
}

#[test]
fn a_chunk_of_an_older_session_is_rejected() {
    let (store, older) = (ours(), jar_with(4_000));
    let mut jar = jar_with(4_000);
    assert!(jar.is_live(&store));
    jar.0.insert("okta_session.1".to_owned(), older.0["okta_session.1"].clone());
    assert!(!jar.is_live(&store));
}

#[test]
fn surplus_chunks_are_ignored_and_a_false_number_is_rejected() {
    let (store, mut jar) = (ours(), jar_with(10));
    jar.0.insert("okta_session.1".to_owned(), "surplus".to_owned());
    jar.0.insert("okta_session.77".to_owned(), "surplus".to_owned());
    assert!(jar.is_live(&store));
    let value = jar.0["okta_session"].clone();
    for count in ["0", "2", "9", "01", "+1", "-1", "", "18446744073709551617", "x"] {
        let mut lying = jar.clone();
        lying.0.insert("okta_session".to_owned(), format!("{count}{}", value.get(1..).unwrap()));
        assert!(!lying.is_live(&store), "{count}");
    }
}

#[test]
fn a_session_that_grows_and_shrinks_leaves_no_chunks_behind() {
    let (store, mut jar) = (ours(), Jar::default());
    for (filler, parts) in [(10, 1), (7_000, 3), (4_000, 2), (7_000, 3), (10, 1)] {
        jar.save(&store, &Session::sample(filler, now()));
        assert_eq!(jar.0.len(), parts);
        assert!(jar.is_live(&store));
    }
    jar.save(&store, &Session::sample(7_000, now()));
    jar.take(&store.clear(&jar.cookies()));
    assert!(jar.0.is_empty());
}

#[test]
fn a_session_that_does_not_fit_is_refused_with_the_fix() {
    let error = ours().save(&RequestCookies::default(), &Session::sample(30_000, now()), now()).unwrap_err();
    assert_eq!(error.code(), Code::SessionTooLarge);
    assert!(error.to_string().contains("fewer groups"));
}

#[test]
fn a_session_of_another_issuer_or_key_is_rejected() {
    let jar = jar_with(10);
    assert!(jar.is_live(&ours()));
    assert!(!jar.is_live(&store(&[SECRET], "https://other.example")));
    assert!(!jar.is_live(&store(&["another secret, also of 32 bytes or more"], ISSUER)));
}

#[test]
fn a_session_of_an_old_key_opens_and_is_sealed_again() {
    let jar = jar_with(10);
    let rotating = store(&["a newer secret, also of 32 bytes or more", SECRET], ISSUER);
    assert!(live(&jar, &rotating).1 && !live(&jar, &ours()).1);
}

#[test]
fn limits_hold_for_stored_sessions() {
    let (store, jar) = (ours(), jar_with(10));
    let after = |seconds| jar.load_at(&store, now().plus(Duration::from_secs(seconds)));
    assert!(matches!(after(3_599), LoadedSession::Live { .. }));
    assert!(!matches!(after(3_600), LoadedSession::Live { .. }));
    assert!(matches!(jar.load_at(&store, now().minus(Duration::from_secs(61))), LoadedSession::Early(_)));
    assert!(matches!(Jar::default().load_at(&store, now()), LoadedSession::None));
}

#[test]
fn the_cookie_lives_as_long_as_the_session() {
    let session = Session::sample(10, now());
    let late = session.touched(now().plus(Duration::from_secs(43_000)));
    let set = ours().save(&RequestCookies::default(), &late, now().plus(Duration::from_secs(43_000))).unwrap();
    assert!(set[0].to_str().unwrap().contains("Max-Age=200"));
}

#[test]
fn a_cached_session_is_checked_against_its_limits_each_time() {
    let (store, jar) = (ours(), jar_with(10));
    for _ in 0..3 {
        assert!(jar.is_live(&store));
    }
    let late = now().plus(Duration::from_secs(3_601));
    assert!(matches!(jar.load_at(&store, late), LoadedSession::Ended), "idle for too long");
    assert!(jar.is_live(&store), "at the earlier time it is live");
}

#[test]
fn a_cached_session_equals_the_session_in_its_cookie() {
    let jar = jar_with(10);
    let forgetful = store_of(config(ISSUER).cookie_name("okta_session").session_cache_size(0), &[SECRET]);
    for store in [ours(), forgetful] {
        for again in [false, true] {
            let (session, needs_rewrite) = live(&jar, &store);
            assert!(!needs_rewrite);
            assert_eq!(
                (session.subject(), session.name(), session.groups().len()),
                ("00u1", "x".repeat(10).as_str(), 2)
            );
            assert_eq!(session.id_token().unwrap().expose(), "id.token", "again: {again}");
            assert_eq!(session.access_token().unwrap().0.expose(), "access.token");
            let mut other = jar.clone();
            other.save(&store, &session.touched(now()));
            let (session, _) = live(&other, &ours());
            assert_eq!(session.id_token().unwrap().expose(), "id.token");
        }
    }
}

#[test]
fn a_cached_session_is_rejected_under_another_cookie_name() {
    let (store, jar) = (ours(), jar_with(10));
    assert!(jar.is_live(&store) && jar.is_live(&store));
    let value = jar.0[store.cookie_name()].clone();
    for name in ["a", "okta_session.1", "okta_sessio", "okta_session_", "zz"] {
        let moved = Jar(BTreeMap::from([(name.to_owned(), value.clone())]));
        assert!(!moved.is_live(&store), "{name}");
        let mut beside = moved.clone();
        beside.0.insert(store.cookie_name().to_owned(), format!("{value}A"));
        assert!(!beside.is_live(&store), "{name} beside an invalid one");
    }
}

#[test]
fn a_cached_session_of_an_old_key_is_still_sealed_again() {
    let jar = jar_with(10);
    let rotating = store(&["a new secret for tests, 32 bytes and more", SECRET], ISSUER);
    for _ in 0..2 {
        assert!(live(&jar, &rotating).1);
    }
}

/// The store of an application that sets no cookie name.
fn by_default() -> CookieStore {
    store_of(config(ISSUER), &[SECRET])
}

#[test]
fn a_session_under_the_previous_default_name_is_read_and_moves_when_it_is_written() {
    for filler in [10, 7_000] {
        let (store, earlier) = (by_default(), ours());
        let mut jar = Jar::default();
        jar.save(&earlier, &Session::sample(filler, now()));
        let old: Vec<String> = jar.0.keys().cloned().collect();
        assert!(old.contains(&"okta_session".to_owned()) && jar.is_live(&store) && jar.is_live(&store));
        jar.save(&store, &Session::sample(10, now()));
        assert!(old.iter().all(|name| !jar.0.contains_key(name)), "{:?}", jar.0.keys());
        assert!(jar.is_live(&store) && jar.0.len() == 1 && store.cookie_name().starts_with("okta_session-"));
    }
}

#[test]
fn cookies_that_do_not_open_are_not_deleted() {
    let store = by_default();
    for name in ["okta_session", store.cookie_name()] {
        let mut jar = Jar(BTreeMap::from([(name.to_owned(), "1.AAAA".to_owned())]));
        assert!(matches!(jar.load_at(&store, now()), LoadedSession::None));
        assert!(store.clear(&jar.cookies()).is_empty());
        jar.save(&store, &Session::sample(10, now()));
        assert!(jar.is_live(&store));
        assert_eq!(
            jar.0.contains_key("okta_session"),
            name == "okta_session",
            "the cookie of another application stays"
        );
    }
}

#[test]
fn among_cookies_of_one_name_the_one_that_opens_counts() {
    for filler in [10, 4_000] {
        let (store, jar) = (ours(), jar_with(filler));
        let good: Vec<(&str, &str)> = jar.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let junk = [("okta_session", "2.AAAA"), ("okta_session", "1.AAAA"), ("okta_session.1", "AAAA")];
        for cookies in [[&junk[..], &good].concat(), [&good, &junk[..]].concat()] {
            let loaded = store.load(&sent(cookies), now(), Activity::Active);
            assert!(matches!(loaded, LoadedSession::Live { .. }), "{filler}");
        }
        let later = store.load(&sent(good), now().plus(Duration::from_secs(3_600)), Activity::Active);
        assert!(matches!(later, LoadedSession::Ended));
    }
}

#[test]
fn a_response_deletes_at_most_as_many_chunks_as_a_session_may_have() {
    let (store, mut jar) = (ours(), jar_with(10));
    jar.0.extend((1..60).map(|at| (format!("okta_session.{at}"), "stale".to_owned())));
    assert_eq!(store.save(&jar.cookies(), &Session::sample(10, now()), now()).unwrap().len(), 5);
    assert_eq!(store.clear(&jar.cookies()).len(), 5);
}

/// The store of a tenant, under the same cookie name as every other one here, so that each check is tested on its own.
fn of_tenant(id: &str, issuer: &str, former: &[&str]) -> CookieStore {
    let config = config(issuer).tenant(id).cookie_name("okta_session");
    store_of(former.iter().fold(config, |config, issuer| config.former_issuer(*issuer)), &[SECRET])
}

#[test]
fn the_seal_separates_tenants_of_one_issuer_and_client() {
    let acme = of_tenant("acme", ISSUER, &[]);
    let mut jar = Jar::default();
    jar.save(&acme, &Session::sample(10, now()));
    assert!(jar.is_live(&acme));
    assert!(!jar.is_live(&of_tenant("globex", ISSUER, &[])));
    assert!(!jar.is_live(&ours()), "an application without tenants has opened it");
}

#[test]
fn the_issuer_in_the_record_separates_a_tenant_from_a_later_one_of_the_same_name() {
    let mut jar = Jar::default();
    jar.save(&of_tenant("acme", ISSUER, &[]), &Session::sample(10, now()));
    assert!(
        !jar.is_live(&of_tenant("acme", "https://other.example", &[])),
        "a later tenant of the same name has opened it"
    );
    assert!(
        jar.is_live(&of_tenant("acme", "https://other.example", &[ISSUER])),
        "the tenant has moved to another issuer"
    );
}
