//! The framework-independent core of `okta-auth`. It works with `http` types and bytes and depends on no web framework.
//!
//! Applications use the facade crate `okta-auth`. This crate is for adapters, which start at the module `adapter`.
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
//! The types enforce this order: only a pending login of this browser is matched with a callback, only a validated
//! callback is exchanged for tokens, and only a verified identity becomes a session. Each of the three can only be
//! created in this way.
//!
//! # Terms
//!
//! | term | meaning |
//! |---|---|
//! | org server, custom server | Okta's two kinds of issuer: the org itself, and `.../oauth2/{id}`. Tokens of the org server are for Okta; tokens of a custom server may be for your API |
//! | pending login | one sign-in that has started and not completed, in a cookie of its own |
//! | identity | the claims of a verified ID token, completed by userinfo |
//! | session | an identity with its tokens and timestamps, sealed in a cookie or kept in a store |
//! | caller | the sender of one request: a user with a session, the holder of a token, or anonymous |
//! | request context | the engine's view of one request: its session, its token, and what its response must carry |
//! | challenge | the reason why a request may not reach its handler, and the response to it |
//! | policy, decision | a rule about callers; its result for one caller, with the reasons |
//! | minimum refetch interval | the minimum interval between two fetches that unauthenticated requests can cause |
//! | leeway | the clock difference that is tolerated between two machines |
//!
//! # Errors
//!
//! Every fallible function returns [`error::Error`], which is opaque. Its [`code`](error::Error::code) is stable. Its
//! message is for operators, names the fix, and contains no text from a provider. Its cause is for logs. Neither
//! contains a token or a secret. Users never see the message; they see a page, or JSON, with the code.
//!
//! No input makes this crate panic. A broken invariant is reported as `Code::Internal`; please report it as a bug.
//!
//! # The modules
//!
//! The modules are listed in the order in which data flows, and each imports only from those before it: errors,
//! secrets, time, events and bounded HTTP; configuration; discovery; token validation; protocol messages; sealed
//! cookies; the start of sign-in; its callback; tokens; sessions; policies; access tokens at an API; sign-out; sign-in
//! as a whole; grants of other apps; calls to other APIs, and to Okta's; command-line tools; the engine; many tenants;
//! the proxy of an API.
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
//! Tokens of the org server are handled differently: only Okta can verify them, so each is introspected (RFC 7662) and
//! the response is cached for a short time.
//!
//! # During an outage of Okta
//!
//! | situation | result |
//! |---|---|
//! | the application starts | startup succeeds: building needs no network |
//! | a user is signed in | no effect: sessions are in sealed cookies or in the store |
//! | a user wants to sign in | 503 with `Retry-After`, as a page |
//! | a cached token, or a new token with a cached key | the token is verified with the cached keys |
//! | a token with an unknown key, or of the org server | 503 with `Retry-After`, never 401 |
//! | a user signs out | the local session ends; the session at Okta remains |
//!
//! # Single entry points
//!
//! Only [`config`] reads the environment, only [`clock`] reads the time, only [`secret`] generates random values, and
//! only one private module sends HTTP requests. Tests of the workspace enforce this.

#[macro_use]
mod opaque;

mod base64url;
pub mod error;
mod headers;
mod issuer;
mod json;
mod language;
pub mod secret;

pub mod clock;
pub mod events;
mod http;
mod retry;

mod browser_script;

pub mod config;
mod discovery;
pub mod jose;

mod cookie;
mod protocol;

pub mod tenant;

pub mod login;

mod callback;

mod tokens;

pub mod session;

pub mod policy;

mod bearer;

mod request;

mod response;

mod routing;

mod browser_kit;

mod logout;

mod sign_in;
mod site;

#[cfg(feature = "id-jag")]
pub mod id_jag;

#[cfg(feature = "client")]
pub mod outgoing;

#[cfg(feature = "okta-api")]
pub mod okta_api;

#[cfg(feature = "device")]
pub mod device;

pub mod engine;

#[cfg(feature = "utoipa")]
pub mod openapi;

pub mod multi_tenant;

#[cfg(feature = "proxy")]
pub mod proxy;

#[doc(hidden)]
pub mod adapter;

pub use callback::VerifiedIdentity;
pub use engine::OktaAuth;
pub use error::Error;
