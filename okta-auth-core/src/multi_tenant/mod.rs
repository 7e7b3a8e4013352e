//! Multi-tenancy: one application with many customers, each with an Okta org of its own.
//!
//! A tenant is an issuer with a client, under a short id. Sessions, pending sign-ins, keys, tokens and logout messages
//! are bound to their tenant and are invalid at every other one, even if user ids, key ids and addresses are equal.
//!
//! The engine serves one issuer and client. The tenant router finds the tenant of each request and passes the request
//! to that tenant's engine. Requests that match no tenant reach public pages and home-realm discovery.
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
//! [`Resolver`]s run in the order in which they were added, and the first result decides. If a resolver names an
//! unknown tenant, the request is rejected with 404. Only the source is queried about it.
//!
//! A request never determines what is fetched: it selects a tenant of the source, and only URLs from the tenant's
//! settings are fetched.
//!
//! # What tenants share
//!
//! The application's settings are the defaults, and a tenant's own settings override them. The tenant id is part of its
//! sessions: after a change of the id they no longer open.
//!
//! | per tenant | shared |
//! |---|---|
//! | issuer, metadata, keys, verified tokens | connections and their TLS settings |
//! | limits and failures of requests to Okta | the egress policy |
//! | the seal of cookies, and their names | the cookie secrets |
//! | the keys of sessions, index entries and watermarks | the store, and the revocation list |
//! | policies | the application's hooks |
//!
//! Shared state has the tenant and its client in every key or in the associated data of every seal. Therefore a value
//! of one tenant is not found, or does not open, at another.
//!
//! # When the source is down
//!
//! The last cached answer for a key is served, regardless of its age, until it is evicted. A key without a cached
//! answer gets 503, not 404, because the tenant may exist.

mod base_url;
mod builder;
mod chooser;
mod directory;
mod engines;
mod exclusive_sessions;
#[cfg(feature = "toml")]
mod file;
mod query_limit;
mod realm_discovery;
mod removal;
mod resolver;
mod router;
mod rules;
mod source;
mod table;
mod tenants;
mod uniqueness;
mod variables;

pub use builder::TenantsBuilder;
#[cfg(feature = "toml")]
pub use file::TenantFile;
pub use resolver::Resolver;
pub use source::{TenantError, TenantFuture, TenantKey, TenantSource};
pub use table::TenantTable;
pub use tenants::Tenants;
