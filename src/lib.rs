#![doc = include_str!("../README.md")]

pub use okta_auth_core::{
    OktaAuth, bearer, callback::VerifiedIdentity, clock, config, engine, error, error::Error, events, login, policy,
    session,
};

#[cfg(feature = "store-tests")]
pub use okta_auth_core::store_tests;

#[cfg(feature = "actix")]
pub use okta_auth_actix as actix;

#[cfg(feature = "axum")]
pub use okta_auth_axum as axum;
