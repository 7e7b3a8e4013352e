#![doc = include_str!("../README.md")]

pub use okta_auth_core::{
    OktaAuth, bearer, callback::VerifiedIdentity, clock, config, engine, error, error::Error, events, login, policy,
    secret, session, tenant,
};

/// The guides, compiled as they are read.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../docs/policies.md")]
    mod policies {}
    #[doc = include_str!("../docs/routes.md")]
    mod routes {}
    #[doc = include_str!("../docs/tenants.md")]
    mod tenants {}
    #[doc = include_str!("../docs/testing.md")]
    mod testing {}
}

#[cfg(feature = "store-tests")]
pub use okta_auth_core::store_tests;

#[cfg(feature = "actix")]
#[doc(inline)]
pub use okta_auth_actix as actix;

#[cfg(feature = "axum")]
#[doc(inline)]
pub use okta_auth_axum as axum;
