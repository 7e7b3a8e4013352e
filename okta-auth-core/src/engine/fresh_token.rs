//! The access token of a session, always fresh, for calls to other APIs in the user's
//! name.
//!
//! A request that arrives with tokens that are due renews them before its handler runs.
//! This is for handlers that run longer than that lasts, and for routes whose requests
//! renew nothing. New tokens reach the browser with the answer, whatever the handler
//! makes of them.

use std::sync::PoisonError;

use super::renewal::Tended;
use super::visit::{Upkeep, Visit};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::session::Session;

impl Visit {
    /// The access token of the session, renewed if it has expired or is about to.
    ///
    /// # Errors
    /// `session_ended` if Okta does not renew the session any more; `token_expired` if
    /// there is nothing to renew it with; `renewal_unavailable`, or the error of
    /// reaching Okta or the store.
    pub(super) async fn fresh_access_token(&self) -> Result<Secret> {
        let ended = || Error::new(Code::SessionEnded, "the session has ended; the user has to sign in again");
        let inner = self.inner();
        let entry = inner.entry().ok_or_else(ended)?;
        let now = inner.auth.0.clock.now();
        let entry = match inner.auth.tended(entry, now).await {
            Tended::Usable { entry, renewed } => {
                if renewed {
                    *inner.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry.clone());
                    inner.keep(Upkeep::Renewed);
                }
                entry
            }
            Tended::Ended => {
                inner.keep(Upkeep::Clear);
                return Err(ended());
            }
            Tended::Unavailable(error) => return Err(error.duplicate()),
        };
        match entry.session.access_token() {
            Some((token, expires_at)) if expires_at.is_none_or(|end| now < end) => Ok(token),
            _ => Err(no_access_token(&entry.session)),
        }
    }
}

/// Why there is no access token that is good for anything.
fn no_access_token(session: &Session) -> Error {
    if session.refresh_token().is_some() {
        let message = "the access token has expired, and Okta or the store does not answer; it will be tried again";
        return Error::new(Code::RenewalUnavailable, message);
    }
    let message = "the access token has expired, and there is none to renew it with; ask for the scope \
                   `offline_access` in OKTA_SCOPES, and let Okta allow it";
    Error::new(Code::TokenExpired, message)
}
