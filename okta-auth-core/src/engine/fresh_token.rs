//! A fresh access token of the session, for calls to other APIs on behalf of the user.
//!
//! Tokens that are due are normally refreshed before the handler runs. This module serves
//! handlers that outlive them, and routes with refresh on demand. New tokens reach the
//! browser with the response, even if the handler fails.

use std::sync::PoisonError;

use super::context::{CookieUpdate, RequestContext};
use super::refresher::RefreshResult;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::session::Session;

impl RequestContext {
    /// Returns the access token of the session, refreshed if it has expired or soon will.
    ///
    /// # Errors
    /// `session_ended` if Okta no longer refreshes the session; `token_expired` if there is
    /// no refresh token; `renewal_unavailable`, or the error of reaching Okta or the store.
    pub(super) async fn fresh_access_token(&self) -> Result<Secret> {
        let ended = || Error::new(Code::SessionEnded, "the session has ended; the user has to sign in again");
        let inner = self.inner();
        let entry = inner.entry().ok_or_else(ended)?;
        let now = inner.auth.0.clock.now();
        let entry = match inner.auth.tended(entry, now).await {
            RefreshResult::Usable { entry, renewed } => {
                if renewed {
                    *inner.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry.clone());
                    inner.keep(CookieUpdate::Replace);
                }
                entry
            }
            RefreshResult::Ended => {
                inner.keep(CookieUpdate::Clear);
                return Err(ended());
            }
            RefreshResult::Unavailable(error) => return Err(error.duplicate()),
        };
        match entry.session.access_token() {
            Some((token, expires_at)) if expires_at.is_none_or(|end| now < end) => Ok(token),
            _ => Err(no_access_token(&entry.session)),
        }
    }
}

fn no_access_token(session: &Session) -> Error {
    if session.refresh_token().is_some() {
        let message = "the access token has expired and was not refreshed, because Okta or the store does not respond";
        return Error::new(Code::RenewalUnavailable, message);
    }
    let message = "the access token has expired, and the session has no refresh token; add the scope \
                   `offline_access` to OKTA_SCOPES, and enable refresh tokens for the application at Okta";
    Error::new(Code::TokenExpired, message)
}
