//! The framework-independent core of `okta-auth`: it speaks `http` types and bytes, and
//! knows no web framework.
//!
//! Applications use the facade crate `okta-auth`. This crate is for adapters, and
//! [`engine`] is their one door: a request's parts go in, an outcome comes out.
//!
//! # How a sign-in flows
//!
//! ```text
//!  browser            application                         Okta
//!     |  GET /profile     |                                 |
//!     |------------------>|  no session: PendingLogin       |
//!     |  303 + cookie     |  (state, nonce, PKCE, target)   |
//!     |<------------------|                                 |
//!     |  GET /v1/authorize?state&nonce&code_challenge       |
//!     |---------------------------------------------------->|
//!     |  303 /authorization-code/callback?code&state        |
//!     |<----------------------------------------------------|
//!     |  GET callback     |  ValidatedCallback              |
//!     |------------------>|  POST /v1/token (code, verifier)|
//!     |                   |-------------------------------->|
//!     |                   |  ID token, access token         |
//!     |                   |<--------------------------------|
//!     |                   |  VerifiedIdentity -> Session    |
//!     |  303 /profile     |                                 |
//!     |<------------------|                                 |
//! ```
//!
//! The types make another order impossible to write: only a pending login of this browser
//! reaches a callback, only a validated callback is exchanged, and only a verified identity
//! becomes a session. None of the three can be made in any other way.
//!
//! # The modules
//!
//! They stand in the order in which data flows, and each imports from those above it alone:
//! errors, secrets, time and bounded HTTP; configuration; discovery; token validation;
//! protocol messages; sealed cookies; the start of sign-in; its callback; tokens; sessions;
//! policies; access tokens at an API; sign-out; the engine.
//!
//! # What is not here
//!
//! No access to the environment but in [`config`], no clock but in [`clock`], no randomness
//! but in [`secret`], no HTTP but in one private module. Tests of the workspace hold that.

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

pub mod bearer;

mod logout;

pub mod engine;

pub use engine::OktaAuth;
