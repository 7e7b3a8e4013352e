//! The Redis store against a real `redis-server`: the test suite of every store, and the
//! store's behaviour when the server dies, pauses or is slow.
//!
//! Needs the Debian package `redis-server`: `cargo test --features redis --test redis -- --ignored`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod support;

/// An operation that takes longer hangs. It is far above the store's own limits, because the machine may be busy.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

mod suite {
    use std::cell::RefCell;

    use okta_auth::session::RedisStore;

    use crate::support::RedisServer;

    thread_local! {
        /// The servers of this thread's tests, stopped with the thread. Each test has its
        /// own server.
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

mod outages {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use okta_auth::session::{RedisStore, SessionStore, StoreError, StoreKey, StoredRecord};

    use crate::PATIENCE;
    use crate::support::{Proxy, RedisServer};

    const LONG: Duration = Duration::from_secs(3600);

    fn key(number: u64) -> StoreKey {
        let mut bytes = [0x11; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        StoreKey::from_bytes(bytes)
    }

    fn record(version: u64) -> StoredRecord {
        StoredRecord { version, sealed: vec![0xab; 3_000] }
    }

    /// Runs a command and measures its duration.
    async fn timed<T>(command: impl Future<Output = Result<T, StoreError>>) -> (Result<T, StoreError>, Duration) {
        let started = Instant::now();
        let outcome = command.await;
        (outcome, started.elapsed())
    }

    /// Retries until the store responds.
    async fn until_it_works(store: &RedisStore) {
        let started = Instant::now();
        while store.load(&key(0)).await.is_err() {
            assert!(started.elapsed() < PATIENCE, "the store does not recover");
        }
    }

    /// Sends 200 concurrent commands several times; none may fail.
    async fn nothing_fails(store: &Arc<RedisStore>) {
        for round in 0..5 {
            let tasks: Vec<_> = (0..200)
                .map(|number| {
                    let store = Arc::clone(store);
                    tokio::spawn(async move { store.load(&key(number)).await.map(drop) })
                })
                .collect();
            for task in tasks {
                task.await.unwrap().unwrap_or_else(|error| panic!("round {round} after recovery: {error}"));
            }
        }
    }

    #[test]
    fn a_store_is_built_without_a_server_and_without_a_runtime() {
        let store = RedisStore::new("redis://127.0.0.1:1").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (outcome, took) = runtime.block_on(timed(store.load(&key(1))));
        let message = outcome.unwrap_err().to_string();
        assert!(took < PATIENCE && message.contains("cannot be reached"), "{message} after {took:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs redis-server"]
    async fn a_server_that_is_killed_and_comes_back_is_used_again() {
        let mut server = RedisServer::start().await;
        let store = Arc::new(RedisStore::new(&server.url()).unwrap());
        assert!(store.create(&key(1), &record(1), LONG).await.unwrap());
        server.kill();
        for _ in 0..3 {
            let (outcome, took) = timed(store.load(&key(1))).await;
            assert!(outcome.is_err() && took < PATIENCE, "after {took:?}");
        }
        let error = okta_auth::Error::from(store.save(&key(1), &record(2), LONG).await.unwrap_err());
        assert_eq!(error.code().as_str(), "store_unavailable");
        server.restart().await;
        nothing_fails(&store).await;
        assert_eq!(store.load(&key(1)).await.unwrap(), None, "nothing was saved to disk");
        assert!(store.create(&key(1), &record(1), LONG).await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs redis-server"]
    async fn a_server_that_pauses_under_load_loses_no_acknowledged_write() {
        let server = RedisServer::start().await;
        let store = Arc::new(RedisStore::new(&server.url()).unwrap());
        let (stop, longest, errors) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let writers: Vec<_> = (0..100)
            .map(|number| {
                let (store, stop, longest, errors) =
                    (Arc::clone(&store), Arc::clone(&stop), Arc::clone(&longest), Arc::clone(&errors));
                tokio::spawn(async move {
                    let mut acknowledged = u64::from(store.create(&key(number), &record(1), LONG).await.unwrap());
                    let mut next = acknowledged + 1;
                    while !stop.load(Ordering::SeqCst) {
                        let (outcome, took) = timed(store.save(&key(number), &record(next), LONG)).await;
                        longest.fetch_max(u64::try_from(took.as_millis()).unwrap(), Ordering::SeqCst);
                        match outcome {
                            Ok(true) => (acknowledged, next) = (next, next + 1),
                            // A failed command may have been executed, so read the
                            // record, as the engine does.
                            Ok(false) => next = store.load(&key(number)).await.map_or(next, |r| r.unwrap().version + 1),
                            Err(_) => drop(errors.fetch_add(1, Ordering::SeqCst)),
                        }
                        tokio::task::yield_now().await;
                    }
                    (number, acknowledged)
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(errors.load(Ordering::SeqCst), 0, "before the pause");
        server.pause();
        while errors.load(Ordering::SeqCst) < 300 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.resume();
        until_it_works(&store).await;
        let known = errors.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let late = errors.load(Ordering::SeqCst) - known;
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            let (number, acknowledged) = writer.await.unwrap();
            let stored = store.load(&key(number)).await.unwrap().expect("a session is lost").version;
            assert!(stored >= acknowledged, "{number}: {stored} is there, {acknowledged} was acknowledged");
        }
        let longest = Duration::from_millis(longest.load(Ordering::SeqCst));
        assert!(longest < PATIENCE, "{longest:?}");
        assert!(late <= 100, "{late} errors after recovery: more than the commands in flight");
        nothing_fails(&store).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs redis-server"]
    async fn a_server_that_reads_but_does_not_respond_gets_a_bounded_number_of_commands() {
        let server = RedisServer::start().await;
        let proxy = Proxy::start(server.port()).await;
        let store = Arc::new(RedisStore::new(&proxy.url()).unwrap());
        until_it_works(&store).await;
        proxy.swallow();
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(3) {
            let tasks: Vec<_> = (0..2_000)
                .map(|number| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { timed(store.create(&key(number), &record(1), LONG)).await })
                })
                .collect();
            for task in tasks {
                let (outcome, took) = task.await.unwrap();
                assert!(outcome.is_err() && took < PATIENCE, "after {took:?}");
            }
        }
        let (swallowed, connections) = (proxy.swallowed(), proxy.connections());
        assert!(swallowed < 512 * 3_200, "{swallowed} bytes are more than 512 commands");
        assert!(connections < 30, "{connections} connections are too many");
        proxy.delay(Duration::ZERO);
        until_it_works(&store).await;
        nothing_fails(&store).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs redis-server"]
    async fn a_slow_server_is_awaited_and_a_timeout_is_an_error() {
        let server = RedisServer::start().await;
        let proxy = Proxy::start(server.port()).await;
        let store = Arc::new(RedisStore::new(&proxy.url()).unwrap());
        until_it_works(&store).await;
        proxy.delay(Duration::from_millis(200));
        assert!(store.create(&key(1), &record(1), LONG).await.unwrap());
        proxy.delay(Duration::from_secs(5));
        let (outcome, took) = timed(store.load(&key(1))).await;
        assert!(outcome.unwrap_err().to_string().contains("did not answer within"));
        assert!(took < PATIENCE, "{took:?}");
        proxy.delay(Duration::ZERO);
        until_it_works(&store).await;
        nothing_fails(&store).await;
        assert_eq!(store.load(&key(1)).await.unwrap(), Some(record(1)));
    }

    #[test]
    #[ignore = "needs redis-server"]
    fn a_runtime_that_ends_closes_no_connection() {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let other = runtime();
        let server = other.block_on(RedisServer::start());
        let store = Arc::new(RedisStore::new(&server.url()).unwrap());
        for number in 0..3 {
            // Like the workers of actix-web: each has its own runtime, and the first one
            // ends first.
            let store = Arc::clone(&store);
            let worker = std::thread::spawn(move || {
                assert!(runtime().block_on(store.create(&key(number), &record(1), LONG)).unwrap());
            });
            worker.join().unwrap();
        }
        assert_eq!(other.block_on(store.load(&key(0))).unwrap(), Some(record(1)));
    }

    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn a_dropped_request_does_not_affect_others() {
        let server = RedisServer::start().await;
        let store = RedisStore::new(&server.url()).unwrap();
        until_it_works(&store).await;
        for number in 0..2_000 {
            let (key, small) = (key(number), StoredRecord { version: 1, sealed: vec![] });
            tokio::select! {
                biased;
                _ = store.create(&key, &small, LONG) => {}
                () = tokio::task::yield_now() => {}
            }
        }
        assert!(store.create(&key(9_999), &record(1), LONG).await.unwrap(), "every permit was released");
    }

    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn the_thread_ends_with_the_store() {
        let server = RedisServer::start().await;
        let store = RedisStore::new(&server.url()).unwrap();
        until_it_works(&store).await;
        let clients = async || server.ask("CLIENT LIST").await.matches("cmd=").count();
        assert!(clients().await > 1);
        drop(store);
        let started = Instant::now();
        while clients().await > 1 {
            assert!(started.elapsed() < PATIENCE, "its connections stay");
        }
    }
}

mod addresses {
    use std::path::Path;
    use std::process::Command;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use example_tests::free_port;
    use okta_auth::session::{RedisStore, SessionStore, StoreKey, StoredRecord, store_tests as suite};

    use crate::PATIENCE;
    use crate::support::RedisServer;

    const LONG: Duration = Duration::from_secs(3600);
    const KEY: StoreKey = StoreKey::from_bytes([0x42; 32]);

    fn record() -> StoredRecord {
        StoredRecord { version: 1, sealed: b"sealed-session".to_vec() }
    }

    /// A folder that is removed at the end of the test.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("okta-auth-files-{}-{}", std::process::id(), free_port()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str) -> String {
            self.0.join(name).to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn a_password_is_used_and_never_shown() {
        let server = RedisServer::start_with(&["--requirepass", "hunter2/@"]).await;
        let address = format!("127.0.0.1:{}", server.port());
        let store = RedisStore::new(&format!("redis://:hunter2%2F%40@{address}/3")).unwrap();
        assert!(store.create(&KEY, &record(), LONG).await.unwrap());
        let wrong = RedisStore::new(&format!("redis://:swordfish@{address}")).unwrap();
        let error = wrong.load(&KEY).await.unwrap_err();
        let text = format!("{error} {error:?} {wrong:?} {store:?}");
        let text = format!("{text} {:?}", okta_auth::Error::from(error));
        assert!(text.contains("WRONGPASS"), "{text}");
        let none = RedisStore::new(&format!("redis://{address}")).unwrap();
        let error = none.load(&KEY).await.unwrap_err();
        assert!(error.to_string().contains("NOAUTH"), "{error}");
        for secret in ["swordfish", "hunter2"] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn a_servers_error_about_a_record_is_not_passed_on() {
        // A server without EVAL repeats its arguments in the error.
        let server = RedisServer::start_with(&["--rename-command", "EVAL", ""]).await;
        let store = RedisStore::new(&server.url()).unwrap();
        let next = StoredRecord { version: 2, ..record() };
        let error = store.save(&KEY, &next, LONG).await.unwrap_err();
        let text = format!("{error} {error:?} {next:?}");
        assert!(text.contains("ERR") && !text.contains("sealed-session"), "{text}");
    }

    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn foreign_records_are_an_error_and_not_a_session() {
        let server = RedisServer::start().await;
        let store = RedisStore::new(&server.url()).unwrap();
        server.ask(&format!("SET okta-auth:r:{KEY} short")).await;
        server.ask(&format!("SET okta-auth:m:{KEY} text")).await;
        server.ask(&format!("SADD okta-auth:l:{KEY} member")).await;
        assert!(store.load(&KEY).await.unwrap_err().to_string().contains("another program"));
        assert!(store.watermarks(&[KEY]).await.is_err());
        assert!(store.linked(&KEY).await.unwrap_err().to_string().contains("WRONGTYPE"));
        assert!(store.link(&KEY, &KEY, LONG).await.is_err());
    }

    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn every_key_has_a_lifetime() {
        let server = RedisServer::start().await;
        let store = RedisStore::new(&server.url()).unwrap();
        let (hour, two) = (LONG, LONG * 2);
        assert!(store.create(&KEY, &record(), hour).await.unwrap());
        assert!(store.save(&KEY, &StoredRecord { version: 2, ..record() }, two).await.unwrap());
        store.link(&KEY, &KEY, two).await.unwrap();
        store.link(&KEY, &StoreKey::from_bytes([1; 32]), hour).await.unwrap();
        assert!(store.try_lock(&KEY, 1, two).await.unwrap());
        for table in ["r", "l", "m"] {
            let answer = server.ask(&format!("PTTL okta-auth:{table}:{KEY}")).await;
            let left: u128 = answer.split(':').nth(1).unwrap().split('\r').next().unwrap().parse().unwrap();
            assert!(left <= two.as_millis() && left > two.as_millis() - 60_000, "{table}: {answer}");
        }
    }

    /// Runs `openssl`.
    fn openssl(folder: &Path, arguments: &str) {
        let status = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    }

    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn tls_trusts_only_the_given_roots() {
        let folder = Folder::new();
        let curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(&folder.0, &format!("req -x509 {curve} -keyout ca.key -out ca.pem -days 2 -subj /CN=ca"));
        openssl(&folder.0, &format!("req {curve} -keyout key.pem -out request.pem -subj /CN=redis"));
        std::fs::write(folder.0.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost").unwrap();
        let sign = "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2";
        openssl(&folder.0, &format!("{sign} -extfile names"));
        let (port, cert, secret) = (free_port(), folder.file("cert.pem"), folder.file("key.pem"));
        let server = RedisServer::start_with(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &secret,
            "--tls-auth-clients",
            "no",
        ])
        .await;
        let roots = std::fs::read(folder.file("ca.pem")).unwrap();
        for host in ["127.0.0.1", "localhost"] {
            let store = RedisStore::with_roots(&format!("rediss://{host}:{port}"), &roots).unwrap();
            store.raise_watermark(&KEY, 7, LONG).await.unwrap();
        }
        assert!(server.ask(&format!("GET okta-auth:m:{KEY}")).await.contains("00000000000000000007"));
        openssl(&folder.0, &format!("req -x509 {curve} -keyout other.key -out other.pem -days 2 -subj /CN=ca"));
        let other = std::fs::read(folder.file("other.pem")).unwrap();
        let store = RedisStore::with_roots(&format!("rediss://127.0.0.1:{port}"), &other).unwrap();
        let error = store.load(&KEY).await.unwrap_err().to_string();
        assert!(error.contains("InvalidCertificate"), "{error}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs redis-server"]
    async fn a_cluster_passes_the_suite() {
        let folder = Folder::new();
        let mut nodes = Vec::new();
        for number in 0..3 {
            let (file, bus) = (folder.file(&format!("nodes-{number}")), free_port().to_string());
            let arguments = ["--cluster-enabled", "yes", "--cluster-config-file", &file, "--cluster-port", &bus];
            nodes.push(RedisServer::start_with(&arguments).await);
        }
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        let create =
            Command::new("redis-cli").args(["--cluster", "create"]).args(addresses).arg("--cluster-yes").output();
        let create = create.unwrap();
        assert!(create.status.success(), "{}", String::from_utf8_lossy(&create.stdout));
        let url = format!("redis-cluster://127.0.0.1:{}", nodes[0].port());
        let store = Arc::new(RedisStore::new(&url).unwrap());
        let started = Instant::now();
        while store.load(&KEY).await.is_err() {
            assert!(started.elapsed() < PATIENCE, "the cluster does not come up");
        }
        macro_rules! run {
            ($($name:ident)*) => {$(
                suite::$name(Arc::clone(&store), suite::a_moment).await;
                for node in &nodes {
                    node.ask("FLUSHALL").await;
                }
            )*};
        }
        run! {
            a_new_record_is_loaded_as_it_was_written
            a_removed_record_is_gone_and_can_be_created_again
            save_takes_the_next_version_alone
            of_many_writers_one_wins_each_version
            any_bytes_come_back
            keys_that_differ_in_one_bit_are_different
            links_are_kept_by_index
            an_unlinked_record_is_not_linked
            many_links_are_all_there
            a_claim_is_released_by_its_owner_alone
            raise_never_lowers
            marks_are_in_the_order_of_the_keys
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs redis-server"]
    async fn sentinel_names_the_new_primary_after_a_failover() {
        let folder = Folder::new();
        let mut primary = RedisServer::start().await;
        let port = primary.port().to_string();
        let replica =
            RedisServer::start_with(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"]).await;
        let configuration = folder.file("sentinel.conf");
        let watch = format!(
            "sentinel monitor sessions 127.0.0.1 {port} 1\nsentinel down-after-milliseconds sessions 500\n\
             sentinel failover-timeout sessions 3000\n"
        );
        std::fs::write(&configuration, watch).unwrap();
        let sentinel = RedisServer::start_sentinel(&configuration).await;
        let address = format!("redis-sentinel://127.0.0.1:{}?sentinelServiceName=sessions", sentinel.port());
        let store = RedisStore::new(&address).unwrap();
        let started = Instant::now();
        while let Err(error) = store.create(&KEY, &record(), LONG).await {
            assert!(started.elapsed() < PATIENCE, "{error}");
        }
        let started = Instant::now();
        while !(replica.ask(&format!("EXISTS okta-auth:r:{KEY}")).await.contains(":1")
            && sentinel.ask("SENTINEL replicas sessions").await.contains("slave"))
        {
            assert!(started.elapsed() < PATIENCE, "the replica does not follow");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        primary.kill();
        let started = Instant::now();
        while !matches!(store.save(&KEY, &StoredRecord { version: 2, ..record() }, LONG).await, Ok(true)) {
            assert!(started.elapsed() < PATIENCE, "no primary took over");
        }
        assert!(replica.ask("ROLE").await.contains("master"));
    }
}

/// Proofs of DPoP that were used at another replica.
mod dpop {
    use axum::Router;
    use axum::routing::get;
    use okta_auth::axum::AccessToken;
    use okta_auth_dev::Org;

    use crate::support::{App, AppBuilder, Prover, RedisServer, call_with_proof};

    /// A replica of an API behind a load balancer with the URL `base`.
    async fn replica(org: &Org, url: &str, base: &str) -> App {
        let (url, base) = (url.to_owned(), base.to_owned());
        let app = AppBuilder::default().org(org.clone());
        let app = app.configure(move |config| config.api_only().revocation_store(url).base_url(base));
        let routes =
            Router::new().route("/orders", get(|token: AccessToken| async move { token.subject().to_owned() }));
        app.routes(routes).start().await
    }

    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn a_proof_that_was_used_at_one_replica_is_refused_at_the_other() {
        let server = RedisServer::start().await;
        let (org, balancer) = (Org::start().await.unwrap(), "https://api.example");
        let (first, second) =
            (replica(&org, &server.url(), balancer).await, replica(&org, &server.url(), balancer).await);
        let prover = Prover::new();
        let token = prover.token(&org, &["orders:read"]);
        for (one, other) in [(&first, &second), (&second, &first)] {
            let proof = prover.proof(&org, "GET", "https://api.example/orders", &token);
            assert_eq!(call_with_proof(&one.base, "/orders", &token, &proof).await.status, 200);
            let answer = call_with_proof(&other.base, "/orders", &token, &proof).await;
            assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (401, Some("invalid_dpop_proof")));
        }
        drop(server);
        let proof = prover.proof(&org, "GET", "https://api.example/orders", &token);
        let answer = call_with_proof(&first.base, "/orders", &token, &proof).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (503, Some("store_unavailable")));
    }
}

/// Sessions in cookies, with the list of ended sessions in Redis.
mod revocations {
    use std::time::Duration;

    use okta_auth_dev::{Clock, Org};

    use crate::support::{ADA, App, AppBuilder, RedisServer};

    async fn replica(org: &Org, url: &str, clock: Clock) -> App {
        let (url, org) = (url.to_owned(), org.clone());
        let app = AppBuilder::default().org(org).configure(move |config| config.revocation_store(url));
        app.build_with(move |builder| builder.clock(move || clock.now())).start().await
    }

    /// The clocks of two replicas differ. A user who signed in at the replica with the
    /// fast clock is signed out by the other.
    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn a_sign_out_counts_for_sessions_of_a_replica_with_another_clock() {
        let server = RedisServer::start().await;
        let org = Org::start().await.unwrap();
        for seconds in [2, 30] {
            let (here, ahead) = (org.clock(), Clock::default());
            ahead.advance(Duration::from_secs(seconds));
            let (ahead, here) = (replica(&org, &server.url(), ahead).await, replica(&org, &server.url(), here).await);
            let mut browser = ahead.browser();
            browser.sign_in(&org, ADA, "/profile").await;
            assert!(browser.is_signed_in().await && browser.at(&here.base).is_signed_in().await, "{seconds} s");
            here.auth.end_sessions_of(&org.user(ADA).unwrap().id).await.unwrap();
            assert!(!browser.at(&here.base).is_signed_in().await, "{seconds} s");
            assert!(!browser.is_signed_in().await, "{seconds} s: on the replica that is ahead");
            // After a new sign-in, the user is signed in on both replicas.
            let mut again = here.browser();
            again.sign_in(&org, ADA, "/profile").await;
            assert!(again.is_signed_in().await && again.at(&ahead.base).is_signed_in().await, "{seconds} s");
        }
    }
}

/// Connections that outlive their request, on replicas with a shared store or a shared
/// list of ended sessions.
mod connections {
    use std::convert::Infallible;
    use std::future::ready;
    use std::time::Duration;

    use axum::body::Body;
    use axum::routing::get;
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use okta_auth_axum::User;
    use okta_auth_dev::Org;

    use crate::support::{ADA, App, AppBuilder, RedisServer, routes};

    /// A stream that sends its first part immediately and its last part when the session
    /// ends.
    async fn until_the_end(user: User) -> Body {
        let over = user.session_ended().map(|()| Ok::<_, Infallible>("over"));
        Body::from_stream(stream::once(ready(Ok("open"))).chain(over.into_stream()))
    }

    async fn replica(org: &Org, variable: &'static str, url: &str) -> App {
        let (url, org) = (url.to_owned(), org.clone());
        let app = AppBuilder::default().org(org).routes(routes().route("/stream", get(until_the_end)));
        let configure = move |config: okta_auth_core::config::ConfigBuilder| match variable {
            "OKTA_SESSION_STORE" => config.session_store(url),
            _ => config.revocation_store(url),
        };
        app.configure(configure).start().await
    }

    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn a_sign_out_at_one_replica_closes_the_connections_of_all() {
        for variable in ["OKTA_SESSION_STORE", "OKTA_REVOCATION_STORE"] {
            let server = RedisServer::start().await;
            let org = Org::start().await.unwrap();
            let (first, second) =
                (replica(&org, variable, &server.url()).await, replica(&org, variable, &server.url()).await);
            let mut browser = first.browser();
            browser.sign_in(&org, ADA, "/profile").await;
            let cookies: Vec<_> = browser.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request = reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{}/stream", first.base));
            let mut stream = request.header("cookie", cookies.join("; ")).send().await.unwrap();
            assert_eq!(stream.chunk().await.unwrap().unwrap(), "open", "{variable}");
            browser.at(&second.base).post("/logout", "").await;
            org.clock().advance(Duration::from_secs(11));
            let last = tokio::time::timeout(Duration::from_secs(20), stream.chunk()).await;
            assert_eq!(last.expect("the connection is still open").unwrap().unwrap(), "over", "{variable}");
        }
    }
}

mod messages {
    use okta_auth_dev::Org;

    use crate::support::{ADA, AppBuilder, RedisServer};

    /// The server stores the mark of a message and then fails, like one that loses its
    /// primary in between.
    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn a_sign_out_message_can_be_resent_after_a_failure_and_counts_once() {
        let server = RedisServer::start().await;
        let (org, url) = (Org::start().await.unwrap(), server.url());
        let app =
            AppBuilder::default().org(org.clone()).configure(move |config| config.session_store(url)).start().await;
        let mut ada = app.browser();
        ada.sign_in(&org, ADA, "/profile").await;
        let universal = org.global_revocation(ADA).to(format!("{}/global-token-revocation", app.base)).notice();
        let back = org.logout_token(ADA).session(None).notice(format!("{}/backchannel-logout", app.base));
        for (notice, [done, fails, replay]) in [(universal, [204, 503, 401]), (back, [200, 400, 400])] {
            assert!(server.ask("ACL SETUSER default -zrangebyscore").await.starts_with("+OK"));
            assert_eq!(notice.send().await.status, Some(fails));
            assert!(ada.is_signed_in().await, "no session has ended");
            assert!(server.ask("ACL SETUSER default +zrangebyscore").await.starts_with("+OK"));
            assert_eq!(notice.send().await.status, Some(done), "the repetition");
            assert!(!ada.is_signed_in().await);
            ada.sign_in(&org, ADA, "/profile").await;
            assert_eq!(notice.send().await.status, Some(replay), "a replay");
            assert!(ada.is_signed_in().await, "a replay ends no session");
        }
    }
}
