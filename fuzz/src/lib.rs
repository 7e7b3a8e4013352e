//! The bodies of the fuzz targets: each takes bytes that a stranger has chosen, and panics if an invariant of DESIGN 3
//! does not hold. They use the public interface alone.
//!
//! They are a library so that the seeds run under plain `cargo test` too (`tests/fuzz_seeds.rs`).

mod engine;
mod files;
mod redirects;
mod request;
mod token;

pub use files::{policies, tenants};
pub use redirects::redirects;
pub use request::request;
pub use token::token;
