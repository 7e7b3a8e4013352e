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
//! The types make another order impossible to write: only a pending login of this
//! browser reaches a callback, only a validated callback is exchanged, and only a
//! verified identity becomes a session. None of the three can be made in any other way.
//!
//! # Words
//!
//! | word | what it is here |
//! |---|---|
//! | org server, custom server | Okta's two kinds of issuer: the org itself, and `.../oauth2/{id}`. The tokens of the first are for Okta; those of the second may be for your API |
//! | attempt, pending login | one sign-in that has been started and not completed, in a cookie of its own |
//! | identity | what a verified ID token says, completed by userinfo |
//! | session | an identity with its tokens and its times, sealed in the browser |
//! | caller | who makes one request: a user with a session, the holder of a token, or nobody |
//! | visit | one request as the engine sees it |
//! | challenge | what stands between a request and its handler, and how it is answered |
//! | policy, decision | a rule about callers; what it says of one, and why |
//! | floor | the least time between two fetches that strangers can cause |
//! | leeway | how far two clocks may be apart |
//!
//! # Errors
//!
//! Whatever can fail returns [`error::Error`], which is opaque: its
//! [`code`](error::Error::code) is stable, its message is for operators and names the
//! fix, and its cause is for logs. None of them holds a token, a secret or text that a
//! provider sent. Users never see any of it; they see a page, or JSON, with the code.
//!
//! Nothing here panics on input. What must not happen is `Code::Internal`, and worth a
//! report.
//!
//! # The modules
//!
//! They stand in the order in which data flows, and each imports from those above it
//! alone: errors, secrets, time, events and bounded HTTP; configuration; discovery;
//! token validation; protocol messages; sealed cookies; the start of sign-in; its
//! callback; tokens; sessions; policies; access tokens at an API; sign-out; the engine.
//!
//! # How an API call flows
//!
//! ```text
//!  client             application                          Okta
//!     |  GET /orders     |                                  |
//!     |  Bearer token    |  seen before, same keys? done    |
//!     |----------------->|  else shape, header, algorithm   |
//!     |                  |  key by kid: in the cache        |
//!     |                  |  unknown kid: GET /v1/keys, at   |
//!     |                  |  most once per interval -------->|
//!     |                  |  signature, then claims          |
//!     |                  |  VerifiedAccessToken -> Caller   |
//!     |                  |  Policy::decide                  |
//!     |  200, 401, 403   |                                  |
//!     |<-----------------|                                  |
//! ```
//!
//! A token of the org server takes another way: only Okta can verify it, so Okta is
//! asked (RFC 7662), and its answer is believed for a short time.
//!
//! # What an outage of Okta does
//!
//! | what is going on | what happens |
//! |---|---|
//! | the application starts | it starts: building touches no network |
//! | somebody is signed in | nothing: sessions are in the browser, sealed |
//! | somebody wants to sign in | 503 with `Retry-After`, as a page |
//! | a known token, or a new one with a known key | it is verified with the keys that are there |
//! | a token with an unknown key, or of the org server | 503 with `Retry-After`, never 401 |
//! | somebody signs out | the session here ends; the one at Okta is left to Okta |
//!
//! # What is not here
//!
//! No access to the environment but in [`config`], no clock but in [`clock`], no
//! randomness but in [`secret`], no HTTP but in one private module. Tests of the
//! workspace hold that.

mod base64url;
pub mod error;
mod headers;
mod json;
pub mod secret;

pub mod clock;
pub mod events;
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

pub mod tenant;

pub mod engine;

pub use engine::OktaAuth;
