//! The store in Redis against a real `redis-server`: the suite of every store, and what it does
//! when the server dies, pauses or is slow.
//!
//! Needs the Debian package `redis-server`: `cargo test --features redis --test redis_store -- --ignored`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod support;

mod suite {
    use std::cell::RefCell;

    use okta_auth::session::RedisStore;

    use crate::support::RedisServer;

    thread_local! {
        /// The servers of the tests of this thread, which end with it: each test has its own.
        static SERVERS: RefCell<Vec<RedisServer>> = const { RefCell::new(Vec::new()) };
    }

    async fn fresh() -> RedisStore {
        let server = RedisServer::start().await;
        let store = RedisStore::new(&server.url()).unwrap();
        SERVERS.with_borrow_mut(|servers| servers.push(server));
        store
    }

    okta_auth::store_tests! {
        #[ignore = "needs redis-server"]
        async { fresh().await }
    }
}
