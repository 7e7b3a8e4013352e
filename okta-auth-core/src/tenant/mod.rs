//! Multi-tenancy: one application with many customers, each with an Okta org of its own.
//!
//! A tenant is an issuer with a client, under a short id. Sessions, pending sign-ins, keys,
//! tokens and logout messages are bound to their tenant and are invalid at every other one,
//! even if user ids, key ids and addresses are equal.
//!
//! # Where tenants come from
//!
//! | source | changes at runtime |
//! |---|---|
//! | [`TenantTable`]: code | no |
//! | [`TenantTable::from_variables`]: `OKTA_TENANTS=acme,globex`, `OKTA_ACME_ISSUER_URI`, .. | no |
//! | [`TenantFile`]: `tenants.toml` | with the file; an invalid edit keeps the last valid set |
//! | [`TenantSource`]: a database, or any other lookup | yes; concurrent requests share a query, and answers are cached |
//!
//! # Which tenant a request is for
//!
//! [`Resolver`]s run in the order in which they were added, and the first result decides.
//! If a resolver names an unknown tenant, the request is rejected with 404. Only the source
//! is queried about it.
//!
//! A request never determines what is fetched: it selects a tenant of the source, and only
//! URLs from the tenant's settings are fetched.
//!
//! # What tenants share
//!
//! The application's settings are the defaults, and a tenant's own settings override them.
//! Cookie secret and store can be shared, because tenant and client are part of the
//! associated data of every sealed value and of every key in the store. The tenant id is
//! therefore part of its sessions: after a change of the id they no longer open.
//!
//! # When the source is down
//!
//! The last cached answer for a key is served, regardless of its age, until it is evicted.
//! A key without a cached answer gets 503, not 404, because the tenant may exist.

mod directory;
#[cfg(feature = "toml")]
mod file;
mod id;
mod questions;
mod resolver;
mod rules;
mod settings;
mod source;
mod table;
mod uniqueness;
mod variables;

pub(crate) use directory::{Directory, Lookup};
#[cfg(feature = "toml")]
pub use file::TenantFile;
pub use id::TenantId;
pub use resolver::Resolver;
pub(crate) use resolver::{Resolution, host, named, resolve};
pub(crate) use rules::{AppCredentials, TenantRules};
pub use settings::TenantSettings;
pub use source::{TenantError, TenantFuture, TenantKey, TenantSource};
pub use table::TenantTable;
pub(crate) use uniqueness::UniquenessIndex;
