//! The framework-independent core of `okta-auth`: it speaks `http` types and bytes, and
//! knows no web framework.
//!
//! Applications use the facade crate `okta-auth`. This crate is for adapters:
//! [`engine`] is the one door.
//!
//! The modules stand in the order in which data flows, and each imports from those
//! above it alone: errors, secrets, time and bounded HTTP; configuration; discovery;
//! token validation; protocol messages; sealed cookies; the start of sign-in; its
//! callback; tokens; sessions; policies; sign-out; the engine.

pub mod error;
pub mod secret;

pub mod clock;
mod http;

pub mod config;
pub mod discovery;
pub mod jose;

mod cookie;
mod protocol;

pub mod login;

pub mod callback;

mod tokens;

pub mod session;

pub mod policy;

mod logout;

pub mod engine;

pub use engine::OktaAuth;
