//! The suite that every [`SessionStore`] passes, behind the feature `store-tests`.
//!
//! [`store_tests!`](crate::store_tests) makes one `#[tokio::test]` of each function here. Test your own store like
//! this, in its package's tests (with `tokio` and its features `macros` and `rt-multi-thread`):
//!
//! ```
//! # use okta_auth_core as okta_auth;
//! # use okta_auth::session::MemoryStore as MyStore;
//! okta_auth::store_tests! {
//!     // A fresh and empty store for each test.
//!     async { MyStore::new(1_000) }
//! }
//! ```
//!
//! Attributes in front of `async` are added to each test, for example `#[ignore = "needs a server"]`. The suite tests
//! lifetimes with entries that live for two seconds, and polls until they have expired. A store with an adjustable
//! clock needs no waiting. Pass it as
//!
//! ```
//! # use okta_auth_core as okta_auth;
//! # use okta_auth::session::MemoryStore;
//! # use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
//! # use std::time::{Duration, UNIX_EPOCH};
//! okta_auth::store_tests! {
//!     turning async {
//!         let seconds = Arc::new(AtomicU64::new(1_800_000_000));
//!         let clock = Arc::clone(&seconds);
//!         let store = MemoryStore::with_clock(1_000, move || {
//!             UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed))
//!         });
//!         // The second part lets a second pass.
//!         (store, async move || { seconds.fetch_add(1, Ordering::Relaxed); })
//!     }
//! }
//! ```
//!
//! The functions panic when the store misbehaves, as tests do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, for the tests of others"
)]

use std::sync::Arc;
use std::time::Duration;

use super::store::{SessionStore, StoreKey, StoredRecord};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

/// Short enough for a test to wait for, and in whole seconds, for stores that count in seconds.
const SHORT: Duration = Duration::from_secs(2);

const TASKS: u64 = 50;

/// Generates tests for a store; see [the module](crate::session::store_tests).
#[macro_export]
macro_rules! store_tests {
    ($(#[$attribute:meta])* turning async $fresh:block) => {
        $crate::store_tests!(@all [$(#[$attribute])*] $fresh);
    };
    ($(#[$attribute:meta])* async $fresh:block) => {
        $crate::store_tests!(@all [$(#[$attribute])*] { ($fresh, $crate::session::store_tests::a_moment) });
    };
    (@all $attributes:tt $fresh:block) => {
        $crate::store_tests!(@each $attributes $fresh
            a_new_record_is_loaded_as_it_was_written
            create_does_not_write_over_a_record
            a_record_that_is_not_there_is_none
            a_removed_record_is_gone_and_can_be_created_again
            save_takes_the_next_version_alone
            save_does_not_create
            of_two_writers_the_second_is_told
            of_many_writers_one_wins_each_version
            of_many_creators_one_wins
            any_bytes_come_back
            a_large_record_comes_back
            the_largest_version_comes_back
            keys_that_differ_in_one_bit_are_different
            tables_do_not_share_keys
            a_record_ends_with_its_lifetime
            a_record_that_has_ended_is_not_saved_and_not_removed
            save_begins_a_new_lifetime
            no_lifetime_is_an_error
            links_are_kept_by_index
            a_link_that_is_made_again_is_one
            an_unlinked_record_is_not_linked
            links_do_not_need_records_and_outlive_them
            each_link_ends_with_its_own_lifetime
            a_link_that_is_made_again_begins_a_new_lifetime
            many_links_are_all_there
            of_many_linkers_none_is_lost
            a_mark_is_claimed_by_one_owner
            a_claim_begins_anew_for_its_owner
            a_claim_ends_with_its_lifetime
            a_claim_is_released_by_its_owner_alone
            of_many_claimants_one_wins
            raise_never_lowers
            raise_never_shortens_a_lifetime
            of_many_raises_the_greatest_stays
            marks_are_in_the_order_of_the_keys
            owners_and_values_have_64_bits
        );
    };
    (@each $attributes:tt $fresh:block $($name:ident)*) => {
        $($crate::store_tests!(@one $attributes $fresh $name);)*
    };
    (@one [$(#[$attribute:meta])*] $fresh:block $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $(#[$attribute])*
        async fn $name() {
            let (store, pass) = $fresh;
            $crate::session::store_tests::$name(::std::sync::Arc::new(store), pass).await;
        }
    };
}

/// Lets a little time pass, for stores without an adjustable clock.
pub async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

fn key(number: u8) -> StoreKey {
    StoreKey::from_bytes([number; 32])
}

fn record(version: u64, sealed: &[u8]) -> StoredRecord {
    StoredRecord { version, sealed: sealed.to_vec() }
}

async fn linked(store: &impl SessionStore, index: &StoreKey) -> Vec<StoreKey> {
    let mut links = store.linked(index).await.unwrap();
    links.sort_unstable();
    links
}

async fn mark(store: &impl SessionStore, key: &StoreKey) -> u64 {
    store.watermarks(&[*key]).await.unwrap()[0]
}

/// Lets time pass until an entry written now with a lifetime of [`SHORT`] has expired. All entries that were written
/// earlier with that lifetime have then expired too.
async fn until_short_is_over(store: &impl SessionStore, pass: impl AsyncFn()) {
    let witness = key(0xee);
    assert!(store.create(&witness, &record(1, b"witness"), SHORT).await.unwrap());
    for _ in 0..200 {
        if store.load(&witness).await.unwrap().is_none() {
            return;
        }
        pass().await;
    }
    panic!("a lifetime of {SHORT:?} does not end");
}

/// Runs `task` as [`TASKS`] concurrent tasks, and counts those that returned `true`.
async fn winners<S: SessionStore, F>(store: &Arc<S>, task: impl Fn(Arc<S>, u64) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let tasks: Vec<_> = (0..TASKS).map(|number| tokio::spawn(task(Arc::clone(store), number))).collect();
    let mut count = 0;
    for task in tasks {
        count += usize::from(task.await.unwrap());
    }
    count
}

/// A created record is loaded with its version and content.
pub async fn a_new_record_is_loaded_as_it_was_written(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(1, b"sealed"), LONG).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(1, b"sealed")));
}

/// A second `create` of a key is refused, and the first record stays.
pub async fn create_does_not_write_over_a_record(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(1, b"first"), LONG).await.unwrap());
    assert!(!store.create(&key(1), &record(1, b"second"), LONG).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(1, b"first")));
}

/// A missing record is not loaded and not removed.
pub async fn a_record_that_is_not_there_is_none(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(1, b"sealed"), LONG).await.unwrap());
    assert_eq!(store.load(&key(2)).await.unwrap(), None);
    assert!(!store.remove(&key(2)).await.unwrap());
}

/// `remove` says whether there was a record, and the key is free after it.
pub async fn a_removed_record_is_gone_and_can_be_created_again(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(1, b"first"), LONG).await.unwrap());
    assert!(store.remove(&key(1)).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
    assert!(!store.remove(&key(1)).await.unwrap());
    assert!(store.create(&key(1), &record(1, b"second"), LONG).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(1, b"second")));
}

/// `save` writes only if the version is one more than the stored version.
pub async fn save_takes_the_next_version_alone(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(1, b"one"), LONG).await.unwrap());
    for wrong in [0, 1, 3, u64::MAX] {
        assert!(!store.save(&key(1), &record(wrong, b"wrong"), LONG).await.unwrap(), "version {wrong} after 1");
    }
    assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(1, b"one")));
    for next in 2..20 {
        assert!(store.save(&key(1), &record(next, &[next.to_le_bytes()[0]]), LONG).await.unwrap());
        assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(next, &[next.to_le_bytes()[0]])));
    }
}

/// `save` does not revive a session that was ended.
pub async fn save_does_not_create(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    for version in [0, 1, 2] {
        assert!(!store.save(&key(1), &record(version, b"ghost"), LONG).await.unwrap());
    }
    assert!(store.create(&key(1), &record(1, b"one"), LONG).await.unwrap());
    assert!(store.remove(&key(1)).await.unwrap());
    assert!(!store.save(&key(1), &record(2, b"two"), LONG).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
}

/// No update is lost: a writer that has read an old version does not overwrite the new one.
pub async fn of_two_writers_the_second_is_told(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(1, b"old"), LONG).await.unwrap());
    let (ada, ben) = (store.load(&key(1)).await.unwrap().unwrap(), store.load(&key(1)).await.unwrap().unwrap());
    assert!(store.save(&key(1), &record(ada.version + 1, b"ada"), LONG).await.unwrap());
    assert!(!store.save(&key(1), &record(ben.version + 1, b"ben"), LONG).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(2, b"ada")));
}

/// Each version has exactly one writer, however many compete.
pub async fn of_many_writers_one_wins_each_version(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(1, b""), LONG).await.unwrap());
    for version in 2..6 {
        let won = winners(&store, move |store, task| async move {
            let mine = record(version, &task.to_be_bytes());
            let won = store.save(&key(1), &mine, LONG).await.unwrap();
            // No other write can have happened since: the next version begins when all tasks are done.
            assert!(!won || store.load(&key(1)).await.unwrap() == Some(mine), "a winner's record is missing");
            won
        });
        assert_eq!(won.await, 1, "writers of version {version}");
        assert_eq!(store.load(&key(1)).await.unwrap().unwrap().version, version);
    }
}

/// Of many concurrent creators one succeeds.
pub async fn of_many_creators_one_wins(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    let won = winners(&store, |store, task| async move {
        store.create(&key(1), &record(1, &task.to_be_bytes()), LONG).await.unwrap()
    });
    assert_eq!(won.await, 1);
}

/// All 256 byte values, an empty record, and zeros at both ends.
pub async fn any_bytes_come_back(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    let all: Vec<u8> = (0..=255).collect();
    for (number, sealed) in
        [all.as_slice(), b"", b"\0", b"\0middle\0", b"\r\n$5\r\n", b"\xff\xfe'\"\\--;"].iter().enumerate()
    {
        let key = key(u8::try_from(number).unwrap());
        assert!(store.create(&key, &record(1, sealed), LONG).await.unwrap());
        assert_eq!(store.load(&key).await.unwrap(), Some(record(1, sealed)));
        assert!(store.save(&key, &record(2, sealed), LONG).await.unwrap());
        assert_eq!(store.load(&key).await.unwrap(), Some(record(2, sealed)));
    }
}

/// 64 KB, which is more than any session has.
pub async fn a_large_record_comes_back(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    let large: Vec<u8> = (0..=255).cycle().take(65_536).collect();
    assert!(store.create(&key(1), &record(1, &large), LONG).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(1, &large)));
    assert!(store.save(&key(1), &record(2, &large), LONG).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(2, &large)));
}

/// Versions beyond the range of signed and floating-point numbers stay distinct.
pub async fn the_largest_version_comes_back(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(u64::MAX - 2, b"a"), LONG).await.unwrap());
    assert!(!store.save(&key(1), &record(u64::MAX, b"c"), LONG).await.unwrap());
    assert!(store.save(&key(1), &record(u64::MAX - 1, b"b"), LONG).await.unwrap());
    assert!(store.save(&key(1), &record(u64::MAX, b"c"), LONG).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(u64::MAX, b"c")));
    assert!(!store.save(&key(1), &record(0, b"d"), LONG).await.unwrap(), "the last version has no successor");
}

/// Every bit of a key counts, in each table.
pub async fn keys_that_differ_in_one_bit_are_different(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    let first = key(0xa5);
    assert!(store.create(&first, &record(1, b"first"), LONG).await.unwrap());
    store.link(&first, &first, LONG).await.unwrap();
    store.raise_watermark(&first, 1, LONG).await.unwrap();
    for bit in 0..256 {
        let mut bytes = *first.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let other = StoreKey::from_bytes(bytes);
        assert_eq!(store.load(&other).await.unwrap(), None, "bit {bit}");
        assert!(store.linked(&other).await.unwrap().is_empty(), "bit {bit}");
        assert_eq!(mark(&*store, &other).await, 0, "bit {bit}");
    }
}

/// The same key stands for three separate entries in the three tables.
pub async fn tables_do_not_share_keys(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    store.raise_watermark(&key(1), 7, LONG).await.unwrap();
    store.link(&key(1), &key(2), LONG).await.unwrap();
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
    assert!(store.create(&key(1), &record(1, b"record"), LONG).await.unwrap());
    assert_eq!(mark(&*store, &key(1)).await, 7);
    assert_eq!(linked(&*store, &key(1)).await, [key(2)]);
    assert!(store.remove(&key(1)).await.unwrap());
    assert_eq!((mark(&*store, &key(1)).await, linked(&*store, &key(1)).await), (7, vec![key(2)]));
}

/// A record expires with its lifetime, and not earlier.
pub async fn a_record_ends_with_its_lifetime(store: Arc<impl SessionStore>, pass: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(1, b"short"), SHORT).await.unwrap());
    assert!(store.create(&key(2), &record(1, b"long"), LONG).await.unwrap());
    assert!(store.load(&key(1)).await.unwrap().is_some());
    until_short_is_over(&*store, pass).await;
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
    assert_eq!(store.load(&key(2)).await.unwrap(), Some(record(1, b"long")));
    assert!(store.create(&key(1), &record(1, b"again"), LONG).await.unwrap(), "its key is free");
}

/// An expired record is missing, also for the methods that write.
pub async fn a_record_that_has_ended_is_not_saved_and_not_removed(store: Arc<impl SessionStore>, pass: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(1, b"short"), SHORT).await.unwrap());
    until_short_is_over(&*store, pass).await;
    assert!(!store.save(&key(1), &record(2, b"late"), LONG).await.unwrap());
    assert!(!store.remove(&key(1)).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
}

/// The lifetime is that of the last write, longer or shorter than before.
pub async fn save_begins_a_new_lifetime(store: Arc<impl SessionStore>, pass: impl AsyncFn()) {
    assert!(store.create(&key(1), &record(1, b"one"), SHORT).await.unwrap());
    assert!(store.save(&key(1), &record(2, b"two"), LONG).await.unwrap());
    assert!(store.create(&key(2), &record(1, b"one"), LONG).await.unwrap());
    assert!(store.save(&key(2), &record(2, b"two"), SHORT).await.unwrap());
    assert!(store.create(&key(3), &record(1, b"one"), SHORT).await.unwrap());
    assert!(!store.save(&key(3), &record(1, b"refused"), LONG).await.unwrap(), "a refused save sets no lifetime");
    until_short_is_over(&*store, pass).await;
    assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(2, b"two")));
    assert_eq!(store.load(&key(2)).await.unwrap(), None);
    assert_eq!(store.load(&key(3)).await.unwrap(), None);
}

/// Zero, less than the smallest unit, and more than any calendar has.
pub async fn no_lifetime_is_an_error(store: Arc<impl SessionStore>, pass: impl AsyncFn()) {
    for (number, lifetime) in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX].into_iter().enumerate() {
        let (key, other) = (key(u8::try_from(number).unwrap()), key(0x77));
        assert!(store.create(&key, &record(1, b"one"), lifetime).await.unwrap());
        store.save(&key, &record(2, b"two"), lifetime).await.unwrap();
        store.link(&key, &other, lifetime).await.unwrap();
        assert!(store.try_lock(&key, 1, lifetime).await.unwrap());
        store.raise_watermark(&key, 2, lifetime).await.unwrap();
    }
    until_short_is_over(&*store, pass).await;
    for (number, stays) in [false, false, true].into_iter().enumerate() {
        let key = key(u8::try_from(number).unwrap());
        assert_eq!(store.load(&key).await.unwrap().is_some(), stays, "record {number}");
        assert_eq!(store.linked(&key).await.unwrap().len(), usize::from(stays), "link {number}");
        assert_eq!(mark(&*store, &key).await, if stays { 2 } else { 0 }, "mark {number}");
    }
}

/// Each index has its own links, and a record may be linked from several.
pub async fn links_are_kept_by_index(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.linked(&key(1)).await.unwrap().is_empty());
    for (index, record) in [(1, 11), (1, 12), (2, 12), (2, 13)] {
        store.link(&key(index), &key(record), LONG).await.unwrap();
    }
    assert_eq!(linked(&*store, &key(1)).await, [key(11), key(12)]);
    assert_eq!(linked(&*store, &key(2)).await, [key(12), key(13)]);
    assert!(store.linked(&key(12)).await.unwrap().is_empty(), "a record is not an index");
}

/// Linking twice makes one link.
pub async fn a_link_that_is_made_again_is_one(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    store.link(&key(1), &key(11), LONG).await.unwrap();
    store.link(&key(1), &key(11), LONG * 2).await.unwrap();
    assert_eq!(linked(&*store, &key(1)).await, [key(11)]);
}

/// `unlink` removes one record from one index, and is idempotent.
pub async fn an_unlinked_record_is_not_linked(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    for (index, record) in [(1, 11), (1, 12), (2, 11)] {
        store.link(&key(index), &key(record), LONG).await.unwrap();
    }
    for _ in 0..2 {
        store.unlink(&key(1), &key(11)).await.unwrap();
        assert_eq!(linked(&*store, &key(1)).await, [key(12)]);
    }
    assert_eq!(linked(&*store, &key(2)).await, [key(11)]);
    store.unlink(&key(9), &key(11)).await.unwrap();
    store.link(&key(1), &key(11), LONG).await.unwrap();
    assert_eq!(linked(&*store, &key(1)).await, [key(11), key(12)]);
}

/// Links come before their records, and removing a record leaves them.
pub async fn links_do_not_need_records_and_outlive_them(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    store.link(&key(1), &key(11), LONG).await.unwrap();
    assert_eq!(linked(&*store, &key(1)).await, [key(11)]);
    assert!(store.create(&key(11), &record(1, b"sealed"), LONG).await.unwrap());
    assert!(store.remove(&key(11)).await.unwrap());
    assert_eq!(linked(&*store, &key(1)).await, [key(11)]);
}

/// A short link expires beside a long one, in either order of creation.
pub async fn each_link_ends_with_its_own_lifetime(store: Arc<impl SessionStore>, pass: impl AsyncFn()) {
    for (index, record, lifetime) in [(1, 11, LONG), (1, 12, SHORT), (2, 21, SHORT), (2, 22, LONG), (3, 31, SHORT)] {
        store.link(&key(index), &key(record), lifetime).await.unwrap();
    }
    assert_eq!(linked(&*store, &key(1)).await, [key(11), key(12)]);
    until_short_is_over(&*store, pass).await;
    assert_eq!(linked(&*store, &key(1)).await, [key(11)]);
    assert_eq!(linked(&*store, &key(2)).await, [key(22)]);
    assert!(store.linked(&key(3)).await.unwrap().is_empty());
    store.link(&key(3), &key(32), LONG).await.unwrap();
    assert_eq!(linked(&*store, &key(3)).await, [key(32)]);
}

/// Linking again sets a new lifetime, longer or shorter.
pub async fn a_link_that_is_made_again_begins_a_new_lifetime(store: Arc<impl SessionStore>, pass: impl AsyncFn()) {
    for (record, lifetime) in [(11, SHORT), (12, LONG), (11, LONG), (12, SHORT)] {
        store.link(&key(1), &key(record), lifetime).await.unwrap();
    }
    until_short_is_over(&*store, pass).await;
    assert_eq!(linked(&*store, &key(1)).await, [key(11)]);
}

/// A user with 300 sessions is signed out of all of them.
pub async fn many_links_are_all_there(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    let mut records = Vec::new();
    for number in 0..300_u16 {
        let mut bytes = [0x5a; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        records.push(StoreKey::from_bytes(bytes));
        store.link(&key(1), &records[usize::from(number)], LONG).await.unwrap();
    }
    assert_eq!(linked(&*store, &key(1)).await, records);
}

/// Concurrent links are all stored.
pub async fn of_many_linkers_none_is_lost(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    let done = winners(&store, |store, task| async move {
        store.link(&key(0xcc), &key(task.to_le_bytes()[0]), LONG).await.unwrap();
        true
    });
    done.await;
    let all: Vec<StoreKey> = (0..TASKS).map(|task| key(task.to_le_bytes()[0])).collect();
    assert_eq!(linked(&*store, &key(0xcc)).await, all);
}

/// A mark has one owner at a time, who may claim it again.
pub async fn a_mark_is_claimed_by_one_owner(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.try_lock(&key(1), 7, LONG).await.unwrap());
    assert!(!store.try_lock(&key(1), 8, LONG).await.unwrap());
    assert!(store.try_lock(&key(1), 7, LONG).await.unwrap(), "its owner holds it");
    assert!(!store.try_lock(&key(1), 8, LONG).await.unwrap());
    assert!(store.try_lock(&key(2), 8, LONG).await.unwrap(), "another mark is free");
    assert_eq!(store.watermarks(&[key(1), key(2)]).await.unwrap(), [7, 8]);
}

/// A repeated claim by the owner sets a new lifetime; the attempt of another owner has no effect.
pub async fn a_claim_begins_anew_for_its_owner(store: Arc<impl SessionStore>, pass: impl AsyncFn()) {
    assert!(store.try_lock(&key(1), 7, SHORT).await.unwrap());
    assert!(store.try_lock(&key(1), 7, LONG).await.unwrap());
    assert!(store.try_lock(&key(2), 7, SHORT).await.unwrap());
    assert!(!store.try_lock(&key(2), 8, LONG).await.unwrap());
    until_short_is_over(&*store, pass).await;
    assert!(!store.try_lock(&key(1), 8, LONG).await.unwrap());
    assert!(store.try_lock(&key(2), 8, LONG).await.unwrap());
}

/// A lock whose owner died is free after its lifetime.
pub async fn a_claim_ends_with_its_lifetime(store: Arc<impl SessionStore>, pass: impl AsyncFn()) {
    assert!(store.try_lock(&key(1), 7, SHORT).await.unwrap());
    until_short_is_over(&*store, pass).await;
    assert_eq!(mark(&*store, &key(1)).await, 0);
    assert!(store.try_lock(&key(1), 8, LONG).await.unwrap());
    store.unlock(&key(1), 7).await.unwrap();
    assert!(!store.try_lock(&key(1), 9, LONG).await.unwrap(), "the first owner has released the mark of the second");
}

/// `unlock` by another owner, or of a missing mark, has no effect.
pub async fn a_claim_is_released_by_its_owner_alone(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    store.unlock(&key(1), 7).await.unwrap();
    assert!(store.try_lock(&key(1), 7, LONG).await.unwrap());
    store.unlock(&key(1), 8).await.unwrap();
    assert!(!store.try_lock(&key(1), 8, LONG).await.unwrap());
    store.unlock(&key(1), 7).await.unwrap();
    assert_eq!(mark(&*store, &key(1)).await, 0);
    assert!(store.try_lock(&key(1), 8, LONG).await.unwrap());
}

/// Of many concurrent owners one gets the mark.
pub async fn of_many_claimants_one_wins(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    for round in 1..4 {
        let won =
            winners(
                &store,
                move |store, task| async move { store.try_lock(&key(round), task + 1, LONG).await.unwrap() },
            );
        assert_eq!(won.await, 1);
    }
}

/// A mark is only raised.
pub async fn raise_never_lowers(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    for (value, after) in [(5, 5), (3, 5), (5, 5), (9, 9), (10, 10), (9, 10), (100, 100), (20, 100), (0, 100)] {
        store.raise_watermark(&key(1), value, LONG).await.unwrap();
        assert_eq!(mark(&*store, &key(1)).await, after, "after {value}");
    }
}

/// A raised mark has the longer of both lifetimes, whether its value changed or not.
pub async fn raise_never_shortens_a_lifetime(store: Arc<impl SessionStore>, pass: impl AsyncFn()) {
    for (number, value, lifetime) in [
        (1, 5, SHORT),
        (1, 3, LONG),
        (2, 5, SHORT),
        (2, 9, LONG),
        (3, 5, LONG),
        (3, 3, SHORT),
        (4, 5, SHORT),
        (5, 5, LONG),
        (5, 9, SHORT),
    ] {
        store.raise_watermark(&key(number), value, lifetime).await.unwrap();
    }
    until_short_is_over(&*store, pass).await;
    assert_eq!(store.watermarks(&[1, 2, 3, 4, 5].map(key)).await.unwrap(), [5, 9, 5, 0, 9]);
    store.raise_watermark(&key(4), 1, LONG).await.unwrap();
    assert_eq!(mark(&*store, &key(4)).await, 1, "an expired value does not count");
}

/// Of many concurrent values the greatest stays.
pub async fn of_many_raises_the_greatest_stays(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    let done = winners(&store, |store, task| async move {
        store.raise_watermark(&key(1), 1_000 + task * 7 % TASKS, LONG).await.unwrap();
        true
    });
    done.await;
    assert_eq!(mark(&*store, &key(1)).await, 1_000 + TASKS - 1);
}

/// One value for each key, 0 for a missing mark, and an empty list for no keys.
pub async fn marks_are_in_the_order_of_the_keys(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    assert!(store.watermarks(&[]).await.unwrap().is_empty());
    for number in [3, 1, 2] {
        store.raise_watermark(&key(number), u64::from(number) * 10, LONG).await.unwrap();
    }
    let asked = [key(2), key(9), key(3), key(1), key(2)];
    assert_eq!(store.watermarks(&asked).await.unwrap(), [20, 0, 30, 10, 20]);
    assert_eq!(store.watermarks(&[key(8), key(9)]).await.unwrap(), [0, 0]);
}

/// Numbers beyond the range of signed and floating-point numbers stay distinct.
pub async fn owners_and_values_have_64_bits(store: Arc<impl SessionStore>, _: impl AsyncFn()) {
    for (number, large) in [1 << 53, (1 << 63) - 1, 1 << 63, u64::MAX - 1].into_iter().enumerate() {
        let key = key(u8::try_from(number).unwrap());
        assert!(store.try_lock(&key, large, LONG).await.unwrap());
        assert!(!store.try_lock(&key, large + 1, LONG).await.unwrap(), "{large}");
        store.unlock(&key, large + 1).await.unwrap();
        assert_eq!(mark(&*store, &key).await, large);
        store.raise_watermark(&key, large + 1, LONG).await.unwrap();
        store.raise_watermark(&key, large, LONG).await.unwrap();
        assert_eq!(mark(&*store, &key).await, large + 1);
    }
}
