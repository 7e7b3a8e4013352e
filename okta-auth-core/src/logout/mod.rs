//! Logout: the local session ends first, then the refresh token is revoked, then Okta's session ends (OIDC RP-Initiated
//! Logout §2).
//!
//! 1. The request is a POST from one of the application's own pages.
//! 2. The session's cookies are deleted, even if a later step fails.
//! 3. The refresh token is revoked. The logout waits at most three seconds for that.
//! 4. The browser is sent to the end-session endpoint with the ID token as a hint: by a redirect, by a form if the URL
//!    would be too long, or by a URL for a script to navigate to. If Okta is down, the browser stays at the
//!    application, signed out.
//! 5. Okta redirects the browser to the post-logout redirect URI, where the application expects neither a session nor a
//!    state. If the URL has the `state` of this logout, it is removed from the URL.
//!
//! # Logout messages
//!
//! | message | from | proof | ends |
//! |---|---|---|---|
//! | back-channel (OIDC Back-Channel Logout) | the provider | a logout token | a session, or all sessions of a user |
//! | front-channel (OIDC Front-Channel Logout) | the user's browser, in a frame | only a `sid` | a session |
//! | Universal Logout (Global Token Revocation) | Okta | a revocation token | all sessions of a user |
//!
//! Any page can send a front-channel message, so it may only sign a user out. The two messages with a token are read in
//! a fixed order: first the sender, then the content. A token is accepted once, and its id is stored until the token
//! expires. If a message could not be carried out because Okta or the store was down, the sender may repeat it.
//!
//! A message has exactly one reading: a parameter, a member or a header that comes twice is rejected. All comparisons
//! are byte by byte.
//!
//! | status | back-channel | front-channel | Universal Logout |
//! |---|---|---|---|
//! | done, or nothing to do | 200 | 200 | 204 |
//! | the message is malformed | 400 | 400 | 400 |
//! | the token is missing, invalid or already used | 400 | | 401 |
//! | the user belongs to another issuer | | | 403 |
//! | the user is unknown | 200 | 200 | 404 |
//! | the user is known but cannot be signed out | 400 | 500 | 422 |
//! | Okta or the store cannot be reached, or a copy is being processed | 400 | 503 | 503 |

mod back_channel;
mod continuation;
mod deferred;
mod end_session;
mod form;
mod front_channel;
mod handler;
mod logout_return;
pub(crate) mod pages;
mod replay;
mod rp_initiated;
mod status;
mod universal;

#[cfg(test)]
mod message_tests;

pub(crate) use deferred::DeferredLogouts;
pub(crate) use handler::{BrowserRequest, Logout};
pub(crate) use logout_return::LogoutReturn;
pub(crate) use rp_initiated::LogoutSender;
pub(crate) use status::Channel;
