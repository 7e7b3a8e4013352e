//! When the tokens of a session are to be renewed, and what it is afterwards.
//!
//! Nothing is asked here. This is what a session knows of its own tokens; who asks
//! Okta, and how often, is the matter of `engine/renewal.rs`.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::profile::log_wrong_types;
use super::record::{Record, Session, ceiling, text};
use super::tokens::Tokens;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::protocol::TokenSet;
use crate::secret::random_bytes;
use crate::tokens::refresh::Refreshed;

/// How long an access token is taken to live whose response does not say (RFC 6749
/// §5.1): what Okta's do by default.
const UNTOLD_LIFETIME: Duration = Duration::from_secs(3600);

/// A token is renewed at most so long before it expires: long enough for a handler to
/// use it.
const MARGIN: Duration = Duration::from_secs(60);

/// After a refresh that could not read all claims, the next one comes this much later.
const RETRY_CLAIMS: Duration = Duration::from_secs(60);

/// The times of an access token.
// It is in the record, so every replica comes to the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schedule {
    /// By `expires_in` of the token response.
    pub(super) expires_at: Option<Timestamp>,
    /// When it is to be renewed; `None` without a refresh token.
    pub(super) renew_at: Option<Timestamp>,
}

/// Whether a session wants new tokens.
///
/// The difference is who waits: with `Soon` a request may go on with the tokens that it
/// has while somebody else fetches new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Not yet, or there is nothing to renew them with.
    No,
    /// The access token will expire soon.
    Soon,
    /// It has expired.
    Now,
}

impl Schedule {
    /// For tokens that have just been issued. Sessions that began together are not
    /// renewed together: the moment is up to half a margin later than it could be.
    ///
    /// The margin is a minute, or a quarter of a short lifetime: otherwise a token that
    /// lives for less than a minute would be due as soon as it is issued.
    ///
    /// If not all claims could be read it is soon, so that they are.
    pub(super) fn new(tokens: &TokenSet, renewable: bool, complete: bool, now: Timestamp) -> Result<Self> {
        let expires_at = tokens.access_token_expires_at;
        let lifetime = expires_at.map_or(UNTOLD_LIFETIME, |end| end.since(now)).max(Duration::from_secs(1));
        let margin = MARGIN.min(lifetime / 4);
        let [random] = random_bytes()?;
        let jitter = margin * u32::from(random) / 512;
        let at = now.plus(lifetime.saturating_sub(margin).saturating_add(jitter));
        let renew_at = if complete { at } else { at.min(now.plus(RETRY_CLAIMS)) };
        Ok(Self { expires_at, renew_at: renewable.then_some(renew_at) })
    }
}

impl Session {
    /// Whether the tokens are to be renewed at `now`.
    ///
    /// Without a refresh token it never is: such a session goes on until its limits.
    pub(crate) fn due(&self, now: Timestamp) -> Due {
        let Schedule { expires_at, renew_at } = self.record.schedule;
        match renew_at {
            Some(at) if at <= now => {
                let expired = expires_at.unwrap_or(at) <= now;
                if expired { Due::Now } else { Due::Soon }
            }
            _ => Due::No,
        }
    }

    /// When the access token expires, as far as that is known.
    pub(crate) fn tokens_expire_at(&self) -> Option<Timestamp> {
        self.record.schedule.expires_at.or(self.record.schedule.renew_at)
    }

    /// Whether `other` is the same session with other tokens.
    ///
    /// This is how somebody who waited for another process learns whether it is done.
    pub(crate) fn has_tokens_of(&self, other: &Self) -> bool {
        self.record.schedule == other.record.schedule && self.tokens.same_as(&other.tokens)
    }

    /// The same session with what a refresh brought. Its id, its beginning, the
    /// application's own data and whatever the response does not mention stay.
    ///
    /// A refresh is no use: the request that caused it is one, or is not. Neither limit
    /// moves. If userinfo failed the next renewal is soon, so that missing claims are
    /// read again.
    pub(crate) fn renewed(&self, refreshed: &Refreshed, now: Timestamp) -> Result<Self> {
        let mut record = Record::clone(&self.record);
        let tokens = Tokens::renewed(&self.tokens, &refreshed.tokens)?;
        if let Some(claims) = &refreshed.claims {
            log_wrong_types(claims, &record.issuer);
            record.claims = Some(text(claims)?);
            // Okta may move the end, and not by saying nothing about it.
            record.ceiling = ceiling(claims).or(record.ceiling);
            record.earlier = self.earlier_than(claims);
        }
        if let Some(scopes) = &refreshed.tokens.scopes {
            record.scopes.clone_from(scopes);
        }
        record.schedule = Schedule::new(&refreshed.tokens, true, refreshed.complete, now)?;
        let session = Self::assemble(Arc::new(record), self.times, tokens);
        Ok(session.without_double_claims())
    }

    /// Leaves out claims that are those of the ID token.
    ///
    /// They would be kept twice, and in a cookie each byte counts.
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
