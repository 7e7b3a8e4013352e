//! The end of a session: local first, then the refresh token, then Okta (OIDC
//! RP-Initiated Logout §2).
//!
//! 1. The request is a POST from one of the application's own pages.
//! 2. The session's cookies are deleted, whatever happens next.
//! 3. The refresh token is revoked, within three seconds or not at all.
//! 4. The browser is sent to the end-session endpoint with the ID token as a hint: by a
//!    redirect, by a form if the URL would be too long, or by an address for a script to
//!    navigate to. With Okta away it stays here, signed out.
//! 5. Okta sends it back to the sign-out redirect URI, where nothing is expected of it:
//!    no session, no state. A state that it brings is dropped from the address.
//!
//! # Messages from outside
//!
//! | message | from | proof | ends |
//! |---|---|---|---|
//! | back-channel (OIDC Back-Channel Logout) | the provider | a logout token | a session, or those of a user |
//! | front-channel (OIDC Front-Channel Logout) | the user's browser, in a frame | none, but for a `sid` | a session |
//! | Universal Logout (Global Token Revocation) | Okta | a revocation token | those of a user |
//!
//! What has no proof can be sent by anybody, so a front-channel message may do no more
//! than sign somebody out. The two with a token are read in a fixed order: who asks,
//! then what for. A token counts once; until when it is remembered, it says itself. What
//! was not carried out because something was away may come again.
//!
//! A message is read in one way or not at all: a parameter, a member or a header that
//! comes twice is refused, never chosen from. What is compared is compared byte by
//! byte.
//!
//! | status | back-channel | front-channel | Universal Logout |
//! |---|---|---|---|
//! | done, or nothing to do | 200 | 200 | 204 |
//! | cannot be read | 400 | 400 | 400 |
//! | the token is missing, wrong or used | 400 | | 401 |
//! | the user is one of another issuer | | | 403 |
//! | nobody is known by that name | 200 | 200 | 404 |
//! | known, and cannot be signed out | 400 | 500 | 422 |
//! | Okta or the store cannot be reached, or a copy is at work | 400 | 503 | 503 |

mod back_channel;
mod continuation;
mod email;
mod end_session;
mod form;
mod front_channel;
mod landing;
mod origin;
mod status;
mod universal;

#[cfg(test)]
mod message_tests;

use std::time::Duration;

use crate::discovery::Metadata;
use crate::protocol::Protocol;
use crate::session::Session;

pub(crate) use back_channel::logout_token;
pub(crate) use continuation::Continuations;
pub(crate) use end_session::EndSession;
pub(crate) use front_channel::{Target as FrontTarget, origin_of, target as front_channel_target};
pub(crate) use landing::{Landing, Landings};
pub(crate) use origin::{MissingOrigin, same_origin};
pub(crate) use status::Channel;
pub(crate) use universal::{
    AcceptedIssuers, Signer, SubjectIdentifier, revocation_token, subject as revocation_subject,
};

/// A sign-out does not wait longer than this for Okta to revoke a token.
const REVOCATION_TIMEOUT: Duration = Duration::from_secs(3);

/// Revokes the refresh token of a session that has ended here already. A failure is
/// logged and goes no further: a user who signs out must end up signed out.
pub(crate) async fn revoke(protocol: &Protocol, metadata: &Metadata, session: &Session) {
    let Some(token) = session.refresh_token() else { return };
    match tokio::time::timeout(REVOCATION_TIMEOUT, protocol.revoke_refresh_token(metadata, &token)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(target: "okta_auth", code = %error.code(), "the refresh token was not revoked: {error:?}");
        }
        Err(_) => tracing::warn!(target: "okta_auth", "the refresh token was not revoked: Okta took too long"),
    }
}
