//! The tests that the examples for axum and for actix-web share, because both behave the
//! same: the program as a process, over HTTP.
//!
//! The smoke test of an example is one line, such as
//! `example_tests::app!(env!("CARGO_BIN_EXE_axum-app"));`.

pub mod api;
pub mod app;
mod browser;
pub mod multi_tenant;
mod process;
#[path = "../../support/prover.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod prover;

pub use browser::{Answer, Browser};
pub use process::{Process, command, free_port};

/// Runs a test until it ends.
pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// An access token that is bound to a key, and a proof for one request with it (DPoP, RFC 9449).
pub fn bound_token(org: &okta_auth_dev::Org, scopes: &[&str], (method, url): (&str, &str)) -> (String, String) {
    let prover = prover::Prover::new();
    let token = prover.token(org, scopes);
    let proof = prover.proof(org, method, url, &token);
    (token, proof)
}

/// Declares the tests of a module for a program.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($program:expr, $module:ident, $($test:ident)*) => {$(
        #[test]
        fn $test() {
            $crate::run($crate::$module::$test($program));
        }
    )*};
}
