//! The OAuth 2.0 and OpenID Connect messages. Only this module uses `openidconnect`.
//!
//! That crate builds the authorization request. This module builds and parses all other messages, for three reasons:
//! the buffers of token requests and responses hold secrets and must be wiped, an error must name the wrong member of a
//! response, and Okta's error bodies come in two forms (`error` and `errorCode`) at any endpoint. [`jose`](crate::jose)
//! verifies the tokens.

mod assertion;
mod challenge;
mod client;
#[cfg(feature = "device")]
mod device_grant;
mod dpop;
mod endpoint_auth;
#[cfg(feature = "id-jag")]
mod id_jag;
mod provider;
mod pushed_authorization;
mod request_object;
mod token_request;
mod token_response;
mod transport;
mod userinfo;

#[cfg(feature = "client")]
pub(crate) use challenge::{asks_for_nonce, rejects_token};
pub(crate) use client::AuthorizationParameters;
#[cfg(feature = "client")]
pub(crate) use client::TokenParameters;
#[cfg(feature = "device")]
pub(crate) use device_grant::DeviceAuthorizationResponse;
pub(crate) use dpop::DpopKey;
#[cfg(feature = "client")]
pub(crate) use dpop::{DPOP, Dpop, ProofTarget};
#[cfg(feature = "id-jag")]
pub(crate) use id_jag::SubjectToken;
pub(crate) use provider::{Authority, Provider, ProviderContext};
pub(crate) use token_response::{LONGEST_USE, SHORTEST_LIFETIME, TokenSet};
