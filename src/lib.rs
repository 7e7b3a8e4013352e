#![doc = include_str!("../README.md")]

pub use okta_auth_core::{
    OktaAuth, callback::VerifiedIdentity, clock, config, engine, error, error::Error, login, session,
};

#[cfg(feature = "axum")]
pub use okta_auth_axum as axum;
