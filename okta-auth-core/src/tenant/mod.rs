//! Many customers in one application, each with an Okta of its own.
//!
//! A tenant is an issuer and a client there, under a short name. Everything that
//! belongs to a tenant is bound to it: a session, a pending sign-in, a key, a token, a
//! sign-out of one is worth nothing in another, though user ids, key ids and addresses
//! may be the same.
//!
//! # Where tenants come from
//!
//! | source | changes while it runs |
//! |---|---|
//! | [`TenantTable`]: code | no |
//! | [`TenantTable::from_variables`]: `OKTA_TENANTS=acme,globex`, `OKTA_ACME_ISSUER_URI`, .. | no |
//! | [`TenantFile`]: `tenants.toml` | when the file does; a bad edit keeps the last good set |
//! | [`TenantSource`]: a database, or anything else | yes; asked once for many requests, and remembered for a while |
//!
//! # Which tenant a request is for
//!
//! [`Resolver`]s are asked in the order in which they were added; the first that has
//! something to say decides. One that names a tenant that there is not refuses the
//! request with 404, and nobody is asked about it but the source.
//!
//! Nothing is fetched because a request says so: a name leads to a tenant that the
//! source has, and what is fetched is what the tenant's settings say.
//!
//! # What is shared and what is not
//!
//! The application's settings are the start, and a tenant's own take their place where
//! it has any. Cookie secret and store can be shared, because tenant and client are
//! part of what everything is sealed for and of every key in the store. The name of a
//! tenant is thus part of its sessions: under another name they do not open.
//!
//! # When the source is away
//!
//! The last answer about a key goes on to serve, however old it is, while it is
//! remembered. A key that has never been asked about is answered with 503: it is not
//! known whether there is such a tenant, so it is not said that there is none.

mod demands;
mod directory;
#[cfg(feature = "toml")]
mod file;
mod id;
mod questions;
mod resolver;
mod settings;
mod source;
mod table;
mod taken;
mod variables;

pub(crate) use demands::{Demands, Shared};
pub(crate) use directory::{Directory, Lookup};
#[cfg(feature = "toml")]
pub use file::TenantFile;
pub use id::TenantId;
pub use resolver::Resolver;
pub(crate) use resolver::{Hint, host, named, resolve};
pub use settings::TenantSettings;
pub use source::{TenantError, TenantFuture, TenantKey, TenantSource};
pub use table::TenantTable;
pub(crate) use taken::Taken;
