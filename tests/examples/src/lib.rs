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

pub use browser::{Answer, Browser};
pub use process::{Process, command, free_port};

/// Runs a test until it ends.
pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
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
