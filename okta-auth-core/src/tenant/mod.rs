//! A tenant: an issuer with a client, under a short id.
//!
//! The settings are data. The tenants of an application, and how requests find them, are in
//! [`multi_tenant`](super::multi_tenant).

mod id;
mod settings;

pub use id::TenantId;
pub use settings::TenantSettings;
