#![doc = include_str!("../README.md")]

pub use okta_auth_core::{
    OktaAuth, bearer, callback::VerifiedIdentity, clock, config, engine, error, error::Error, events, login,
    multi_tenant, policy, secret, session, tenant,
};

/// Compiles the code blocks of the guides in docs/.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../docs/actix.md")]
    mod actix {}
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
