#![doc = include_str!("../README.md")]

pub use okta_auth_core::{
    Error, OktaAuth, VerifiedIdentity, clock, config, engine, error, events, jose, login, multi_tenant, policy, secret,
    session, tenant,
};

#[cfg(feature = "client")]
pub use okta_auth_core::outgoing;

// The pages of docs/ exist only in the documentation, and their code runs as its tests.
#[cfg(any(doc, doctest))]
pub mod guide;

#[cfg(feature = "okta-api")]
pub use okta_auth_core::okta_api;

#[cfg(feature = "proxy")]
pub use okta_auth_core::proxy;

#[cfg(feature = "device")]
pub use okta_auth_core::device;

#[cfg(feature = "id-jag")]
pub use okta_auth_core::id_jag;

#[cfg(feature = "utoipa")]
pub use okta_auth_core::openapi;

#[cfg(feature = "store-tests")]
pub use okta_auth_core::store_tests;

/// Middleware and extractors for actix-web 4.
#[cfg(feature = "actix")]
pub mod actix {
    #[doc(inline)]
    pub use okta_auth_actix::*;
}

/// Middleware and extractors for axum 0.8.
#[cfg(feature = "axum")]
pub mod axum {
    #[doc(inline)]
    pub use okta_auth_axum::*;
}
