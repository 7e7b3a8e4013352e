//! The bodies of the fuzz targets. Each takes untrusted bytes, and panics if an invariant of DESIGN 3 does not hold.
//! They use only the public interface.
//!
//! They are in a library so that `cargo test` also runs the seeds (`tests/fuzz_seeds.rs`).

mod engine;
mod files;
mod redirects;
mod request;
mod token;

pub use files::{policies, tenants};
pub use redirects::redirects;
pub use request::request;
pub use token::token;
