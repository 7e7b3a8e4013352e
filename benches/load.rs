//! The cost of the library for a server under load: CPU per request and requests per second, compared with the bare
//! framework.
//!
//! `cargo bench --bench load` needs `wrk`. Each server is a separate process of this program, so that the time of the
//! load generator does not count. CPU time is read from `/proc`, so the bench runs only on Linux.
//!
//! For the CPU comparison the servers are under load at the same time and on the same processor, so that the conditions
//! are the same, and the difference of each second counts separately: two seconds of one server differ by more than the
//! library adds. For the requests per second a server is under load alone, with the load generator on another
//! processor.
//!
//! The limits are in microseconds for a machine on which `okta-jwt-verifier` adds 27 to a request. Its cost on this
//! machine is measured next to each row, and shows how fast this machine is at that moment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::print_stdout, reason = "the table is the purpose")]

mod support;

use std::hint::black_box;
use std::path::{Path, PathBuf};

use actix_web::{App, HttpServer, web};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use axum::{Router, routing::get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_auth_actix::OktaAuthLayer;
use okta_auth_axum::RouterExt;
use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_dev::{ADA, Org};
use support::prover::Prover;
use support::{Load, SECRET, Server, calibrate, has_wrk, is_for_real, is_wanted, median, org, round, sign_in};

/// How often the servers of a case are started, and for how many seconds they are then measured, together and alone.
/// The memory layout of a process affects its speed, and stays the same until the process ends.
const STARTS: usize = 1;
const SECONDS: usize = 4;

/// The proofs for a second under load, more than a server verifies in that time.
const PROOFS: usize = 30_000;

/// The cost of `okta-jwt-verifier` per request, in microseconds, on the machine that the limits are for.
const PEER_THERE: f64 = 27.0;

/// A kind of request to a server.
struct Case<'a> {
    name: &'static str,
    path: &'static str,
    header: &'a dyn Fn() -> String,
    /// How many verified tokens the server caches.
    remembers: usize,
    limits: Limits,
}

/// The limits of a case.
#[derive(Clone, Copy)]
enum Limits {
    /// Microseconds of added CPU, and the share of the bare framework's requests.
    Bare(f64, f64),
    /// The added CPU, as a share of the cost of `okta-jwt-verifier`.
    Peer(f64),
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("serve") => serve(&arguments[2], arguments[3].parse().unwrap()),
        _ if is_for_real() => measure(),
        _ => {}
    }
}

fn auth() -> OktaAuth {
    let remembers = std::env::var("REMEMBERS").unwrap().parse().unwrap();
    let config = ConfigBuilder::from_env().cookie_secret(SECRET).token_cache_size(remembers);
    OktaAuthBuilder::from(config).build().unwrap()
}

/// Runs a server of one kind until it is killed. It has one thread, so that CPU per request is comparable.
fn serve(kind: &str, port: u16) {
    let address = ("127.0.0.1", port);
    if kind.ends_with("peer") {
        peer::serve(kind, address);
    } else if kind.starts_with("axum") {
        use okta_auth_axum::{AccessToken, User};
        let app = if kind == "axum" {
            Router::new()
                .route("/user", get(|user: User| async move { user.subject().len().to_string() }))
                .route("/token", get(|token: AccessToken| async move { token.subject().len().to_string() }))
                .okta_auth(auth())
        } else {
            let handler = || async { ADA.len().to_string() };
            Router::new().route("/user", get(handler)).route("/token", get(handler))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(address).await.unwrap();
            println!("ready");
            axum::serve(listener, app).await.unwrap();
        });
    } else {
        use okta_auth_actix::{AccessToken, User};
        actix_web::rt::System::new().block_on(async {
            let server = if kind == "actix" {
                let auth = auth();
                HttpServer::new(move || {
                    App::new()
                        .route("/user", web::get().to(|user: User| async move { user.subject().len().to_string() }))
                        .route(
                            "/token",
                            web::get().to(|token: AccessToken| async move { token.subject().len().to_string() }),
                        )
                        .wrap(OktaAuthLayer::new(&auth))
                })
                .workers(1)
                .bind(address)
                .unwrap()
                .run()
            } else {
                let handler = || async { ADA.len().to_string() };
                HttpServer::new(move || {
                    App::new().route("/user", web::get().to(handler)).route("/token", web::get().to(handler))
                })
                .workers(1)
                .bind(address)
                .unwrap()
                .run()
            };
            println!("ready");
            server.await.unwrap();
        });
    }
}

fn measure() {
    if !has_wrk() {
        println!("`wrk` is not installed (Debian: apt-get install wrk): load is not measured");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let org = runtime.block_on(org());
    let config = ConfigBuilder::from_variables(org.env()).base_url("http://localhost:8080").cookie_secret(SECRET);
    let auth = OktaAuthBuilder::from(config).build().unwrap();
    // After a few minutes of use each response writes the session again, so each start gets a new session.
    let cookie = || format!("Cookie: {}", runtime.block_on(sign_in(&org, &auth)));
    let token = format!("Authorization: Bearer {}", org.token().access_token(ADA, ["openid", "profile"]).sign());
    println!("the session cookie has {} bytes", cookie().len());
    let token = || token.clone();
    let cases = [
        Case {
            name: "signed-in session",
            path: "/user",
            header: &cookie,
            remembers: 4_096,
            limits: Limits::Bare(2.5, 0.85),
        },
        Case {
            name: "token seen before",
            path: "/token",
            header: &token,
            remembers: 4_096,
            limits: Limits::Bare(1.5, 0.85),
        },
        Case {
            name: "token verified each time",
            path: "/token",
            header: &token,
            remembers: 0,
            limits: Limits::Peer(0.85),
        },
    ];
    for framework in ["axum", "actix"] {
        for case in &cases {
            if !is_wanted(&format!("{framework} {}", case.name)) {
                continue;
            }
            measure_case(&org, framework, case, &token());
        }
        if is_wanted(&format!("{framework} bound token and proof beside bearer")) {
            measure_proofs(&org, framework, &token());
        }
    }
}

/// Measures a server whose requests have a DPoP proof each, beside the same server with bearer tokens. Both know the
/// token. A proof costs one verification of an ES256 signature, which is measured here too.
fn measure_proofs(org: &Org, framework: &str, bearer: &str) {
    let prover = Prover::new();
    let token = prover.token(org, &["openid", "profile"]);
    let folder = std::env::temp_dir().join(format!("okta-auth-load-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let start = || Server::start(org, framework, &[("REMEMBERS", "4096")]);
    let (with_bearer, with_proofs) = (start(), start());
    let second = || {
        // Proofs are valid for a minute, and each is used once.
        let script = proofs(org, &prover, &token, &folder);
        let before = [&with_bearer, &with_proofs].map(|server| cpu(server.id()));
        let load = with_bearer.start_load("/token", &[bearer.to_owned()], 1);
        let load = [load, with_proofs.start_script("/token", &script, 1)];
        let requests = load.map(|load| requests(&load.end()));
        let after = [&with_bearer, &with_proofs].map(|server| cpu(server.id()));
        [0, 1].map(|server| (after[server] - before[server]) / 1e3 / requests[server])
    };
    second();
    let seconds: Vec<[f64; 2]> = (0..SECONDS).map(|_| second()).collect();
    let (bearer, bound) =
        (median(seconds.iter().map(|it| it[0]).collect()), median(seconds.iter().map(|it| it[1]).collect()));
    let added = median(seconds.iter().map(|[bearer, bound]| bound - bearer).collect());
    let raw = raw_verification(&prover, &prover.proof(org, "GET", "http://localhost:8080/token", &token));
    println!(
        "{framework:<6} bound token and proof beside bearer {added:>6.2} us of CPU added ({bearer:.2} -> {bound:.2})   \
         {:.2} of a raw ES256 verification ({raw:.2} us)",
        added / raw
    );
    std::fs::remove_dir_all(folder).unwrap();
}

/// Writes proofs for more requests than a server handles in a second, and a script of `wrk` that sends them.
fn proofs(org: &Org, prover: &Prover, token: &str, folder: &Path) -> PathBuf {
    let (script, list) = (folder.join("proofs.lua"), folder.join("proofs"));
    let proofs = (0..PROOFS).map(|_| prover.proof(org, "GET", "http://localhost:8080/token", token) + "\n");
    std::fs::write(&list, proofs.collect::<String>()).unwrap();
    let text = format!(
        "local proofs = io.lines('{}')\n\
         request = function()\n\
         return wrk.format('GET', nil, {{ ['Authorization'] = 'DPoP {token}', ['DPoP'] = proofs() }})\n\
         end\n",
        list.display()
    );
    std::fs::write(&script, text).unwrap();
    script
}

/// Microseconds for the verification of a proof's signature with a key in bytes, as each proof brings its own.
fn raw_verification(prover: &Prover, proof: &str) -> f64 {
    let (input, signature) = proof.rsplit_once('.').unwrap();
    let (key, signature) = (prover.public_key(), URL_SAFE_NO_PAD.decode(signature).unwrap());
    let mut verify = || {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key);
        key.verify(black_box(input.as_bytes()), &signature).unwrap();
    };
    let times = calibrate(&mut verify);
    median((0..15).map(|_| round(&mut verify, times)).collect())
}

/// Measures the bare framework, this library, and the cost of the peer.
fn measure_case(org: &Org, framework: &str, case: &Case<'_>, token: &str) {
    let remembers = case.remembers.to_string();
    let start = |kind: &str| Server::start(org, &format!("{framework}{kind}"), &[("REMEMBERS", &remembers)]);
    let token = [token.to_owned()];
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let header = [(case.header)()];
        let servers = [
            (start("-bare"), case.path, &header),
            (start(""), case.path, &header),
            (start("-bare"), "/token", &token),
            (start("-peer"), "/token", &token),
        ];
        second(&servers);
        together.extend((0..SECONDS).map(|_| second(&servers)));
        if let Limits::Bare(..) = case.limits {
            let [bare, ours, ..] = &servers;
            alone.extend((0..SECONDS).map(|_| [bare, ours].map(|server| requests(&start_load(server).end()))));
        }
    }
    let over = |figure: &dyn Fn(&[f64; 4]) -> f64| median(together.iter().map(figure).collect());
    let bare = over(&|[bare, ..]| *bare);
    let added = over(&|[bare, ours, ..]| ours - bare);
    let peer = over(&|[_, _, bare, peer]| peer - bare);
    let told = |holds: bool, limit: f64| format!(" ({}, limit {limit})", if holds { "holds" } else { "OVER" });
    let verdict = match case.limits {
        Limits::Bare(most, least) => {
            let there = added / peer * PEER_THERE;
            let share = median(alone.into_iter().map(|[bare, ours]| ours / bare).collect());
            let (there_holds, share_holds) = (told(there <= most, most), told(share >= least, least));
            format!("{there:>6.2} us of CPU added{there_holds}   {share:>5.2} of the requests{share_holds}")
        }
        Limits::Peer(most) => {
            let ratio = added / peer;
            let holds = told(ratio <= most, most);
            format!("{ratio:>6.2} of the CPU that okta-jwt-verifier adds{holds}")
        }
    };
    let here = format!("here {added:.2} us beside bare {bare:.2}, peer {peer:.2}");
    println!("{framework:<6} {:<26} {verdict}   {here}", case.name);
}

/// The same server with `okta-jwt-verifier`, as in its examples.
mod peer {
    use super::*;
    use okta_jwt_verifier::{DefaultClaims, Verifier};

    /// The keys are fetched once, here.
    async fn verifier() -> Verifier {
        let issuer = std::env::var("OKTA_ISSUER_URI").unwrap();
        Verifier::new(&issuer).await.unwrap().add_audience("api://default").validate_nbf(true)
    }

    /// The response of the handler, or `None` if the token is rejected.
    async fn subject(verifier: &Verifier, authorization: Option<&[u8]>) -> Option<String> {
        let token = std::str::from_utf8(authorization?).ok()?.strip_prefix("Bearer ")?;
        let token = verifier.verify::<DefaultClaims>(token).await.ok()?;
        Some(token.claims.sub.len().to_string())
    }

    pub(super) fn serve(kind: &str, address: (&str, u16)) {
        if kind.starts_with("axum") {
            use axum::extract::State;
            use axum::http::{HeaderMap, StatusCode, header::AUTHORIZATION};
            let handler = |State(verifier): State<Verifier>, headers: HeaderMap| async move {
                let token = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
                subject(&verifier, token).await.ok_or(StatusCode::UNAUTHORIZED)
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let app = Router::new().route("/token", get(handler)).with_state(verifier().await);
                let listener = tokio::net::TcpListener::bind(address).await.unwrap();
                println!("ready");
                axum::serve(listener, app).await.unwrap();
            });
        } else {
            use actix_web::{HttpRequest, error::ErrorUnauthorized};
            actix_web::rt::System::new().block_on(async {
                let verifier = web::Data::new(verifier().await);
                let handler = |verifier: web::Data<Verifier>, request: HttpRequest| async move {
                    let token = request.headers().get("authorization").map(|value| value.as_bytes());
                    subject(&verifier, token).await.ok_or_else(|| ErrorUnauthorized(""))
                };
                let app = move || App::new().app_data(verifier.clone()).route("/token", web::get().to(handler));
                let server = HttpServer::new(app).workers(1).bind(address).unwrap().run();
                println!("ready");
                server.await.unwrap();
            });
        }
    }
}

/// A server, and the request to it.
type Asked<'a> = (Server, &'a str, &'a [String; 1]);

/// Puts servers under load at the same time for a second, and returns the microseconds of CPU per request for each of
/// them.
fn second(servers: &[Asked<'_>; 4]) -> [f64; 4] {
    let before = servers.each_ref().map(|(server, ..)| cpu(server.id()));
    let loads = servers.each_ref().map(start_load);
    let requests = loads.map(|load| requests(&load.end()));
    std::array::from_fn(|number| (cpu(servers[number].0.id()) - before[number]) / 1e3 / requests[number])
}

/// Puts a server under load for a second.
fn start_load((server, path, header): &Asked<'_>) -> Load {
    server.start_load(path, *header, 1)
}

/// The number of responses in the output of `wrk`.
fn requests(output: &str) -> f64 {
    let words = output.split(" requests in").next().and_then(|text| text.split_whitespace().next_back());
    words.unwrap().parse().unwrap()
}

/// The CPU time of all threads in nanoseconds, which is the first number in `schedstat`.
fn cpu(process: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let time = |thread: std::io::Result<std::fs::DirEntry>| -> f64 {
        let stat = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
        stat.split_whitespace().next().unwrap().parse().unwrap()
    };
    threads.map(time).sum()
}
