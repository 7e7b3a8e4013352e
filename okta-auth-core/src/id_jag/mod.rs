//! Cross App Access for an app that runs an authorization server of its own: the check of the grants (ID-JAGs) that
//! other apps and AI agents present to it (Identity Assertion JWT Authorization Grant).
//!
//! A customer's org asserts that its user has signed in, and allows an app to act for that user at yours. Your token
//! endpoint authenticates the app as its client, verifies the grant, and issues an access token of its own:
//!
//! ```no_run
//! # use okta_auth_core as okta_auth;
//! use okta_auth::id_jag::IdJagVerifier;
//! use okta_auth::jose::VerifiedIdJag;
//!
//! fn verifier() -> Result<IdJagVerifier, okta_auth::Error> {
//!     IdJagVerifier::builder("https://auth.chat.example") // your own issuer
//!         .connection("https://acme.okta.com") // the org of a customer
//!         .scopes(["chat.read", "chat.history"])
//!         .resources(["https://api.chat.example"])
//!         .build()
//! }
//!
//! // POST /token with grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer, after client authentication
//! async fn token(verifier: &IdJagVerifier, client_id: &str, assertion: &str) -> Result<String, okta_auth::Error> {
//!     let grant: VerifiedIdJag = verifier.verify(assertion, client_id).await?;
//!     let (org, user) = (grant.issuer(), grant.subject()); // the account, by both together
//! #   let issue = |_: &str, _: &str, _: &[String], _: &[String]| String::new();
//!     Ok(issue(org, user, grant.scopes(), grant.resources()))
//! }
//! ```
//!
//! # The checks
//!
//! In this order:
//!
//! 1. The issuer is a registered connection. No request is sent before this check.
//! 2. The [rules for every token](crate::jose#rules-for-every-token), with the keys of that issuer and RS256.
//! 3. The [rules for ID-JAGs](crate::jose#rules-for-id-jags-identity-assertion-jwt-authorization-grant).
//! 4. The grant was not used before.
//!
//! # What the client receives
//!
//! | error | response of the token endpoint (RFC 6749 §5.2) |
//! |---|---|
//! | [`is_token`](crate::Error::is_token) | 400 `invalid_grant` |
//! | [`is_temporary`](crate::Error::is_temporary) | 503; the client requests another grant |
//! | any other | 500; the log names the fix |
//!
//! The library issues no access tokens and authenticates no clients: both are for your authorization server.

mod replay;
mod verifier;

pub use verifier::{IdJagVerifier, IdJagVerifierBuilder};
