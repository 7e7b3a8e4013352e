//! Applies a refresh to a session. [`refresh`](super::refresh) decides which caller refreshes and how often.

use std::sync::Arc;

use super::profile::log_wrong_types;
use super::record::{Record, Session, max_expires_at, text};
use super::refresh_schedule::{RefreshDue, Schedule};
use super::tokens::Tokens;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::tokens::refresh::RefreshedTokens;

impl Session {
    /// Whether a refresh is due at `now`.
    ///
    /// Without a refresh token it is never due: such a session lives until its limits.
    pub(crate) fn due(&self, now: Timestamp) -> RefreshDue {
        self.record.schedule.due(now)
    }

    pub(crate) fn tokens_expire_at(&self) -> Option<Timestamp> {
        self.record.schedule.expires_at.or(self.record.schedule.renew_at)
    }

    /// Whether `other` has the same tokens as this session. A caller that waited for another process uses this to
    /// detect that process's refresh.
    pub(crate) fn has_tokens_of(&self, other: &Self) -> bool {
        self.record.schedule == other.record.schedule && self.tokens.same_as(&other.tokens)
    }

    /// Returns the access token, unless it has expired and was not refreshed.
    ///
    /// # Errors
    /// [`Code::RenewalUnavailable`], or [`Code::TokenExpired`] if the session has no refresh token.
    pub(crate) fn unexpired_access_token(&self, now: Timestamp) -> Result<Secret> {
        match self.access_token() {
            Some((token, expires_at)) if expires_at.is_none_or(|end| now < end) => return Ok(token),
            _ => {}
        }
        if self.refresh_token().is_some() {
            let message =
                "the access token has expired and was not refreshed, because Okta or the store does not respond";
            return Err(Error::new(Code::RenewalUnavailable, message));
        }
        let message = "the access token has expired, and the session has no refresh token; add the scope \
                       `offline_access` to OKTA_SCOPES, and enable refresh tokens for the application at Okta";
        Err(Error::new(Code::TokenExpired, message))
    }

    /// Applies a refresh to the session. The id, the start and the application's own data stay, and so does everything
    /// that the response omits.
    ///
    /// A refresh is not a use of the session: the request that caused it counts as a use or not. So no limit moves. If
    /// userinfo failed, the next refresh is due soon, so that missing claims are read again.
    pub(crate) fn renewed(&self, refreshed: &RefreshedTokens, now: Timestamp) -> Result<Self> {
        let mut record = Record::clone(&self.record);
        let tokens = Tokens::renewed(&self.tokens, &refreshed.tokens)?;
        if let Some(claims) = &refreshed.claims {
            log_wrong_types(claims, &record.issuer);
            record.claims = Some(text(claims)?);
            // Okta may move the end. A response without `session_expiry` does not remove it.
            record.max_expires_at = max_expires_at(claims).or(record.max_expires_at);
            record.earlier = self.earlier_than(claims);
        }
        if let Some(scopes) = &refreshed.tokens.scopes {
            record.scopes.clone_from(scopes);
        }
        record.schedule = Schedule::new(&refreshed.tokens, true, refreshed.complete, now)?;
        let session = Self::assemble(Arc::new(record), self.times, tokens);
        Ok(session.without_double_claims())
    }

    /// Drops claims that equal those of the ID token. Storing them twice would waste space in cookies.
    fn without_double_claims(mut self) -> Self {
        let payload = self.tokens.id_token_payload();
        let same =
            payload.and_then(|payload| serde_json::from_slice(&payload).ok()).as_ref() == Some(self.all_claims());
        if same {
            Arc::make_mut(&mut self.record).claims = None;
        }
        self
    }
}
