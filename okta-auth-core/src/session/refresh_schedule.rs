//! Decides when a session's tokens are due for refresh.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;
use crate::protocol::{LONGEST_USE, SHORTEST_LIFETIME, TokenSet};
use crate::secret::random_bytes;

/// The assumed lifetime of an access token if the response has no `expires_in` (RFC 6749 §5.1). It is Okta's default.
const UNTOLD_LIFETIME: Duration = Duration::from_secs(3600);

/// A token is refreshed at most this long before it expires, so that a handler has time to use it.
const MARGIN: Duration = Duration::from_secs(60);

/// After a refresh that could not read all claims, the next refresh is due after this time.
const RETRY_CLAIMS: Duration = Duration::from_secs(60);

/// The times of an access token. The record stores them, so that every replica decides alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schedule {
    /// From `expires_in` of the token response.
    pub(super) expires_at: Option<Timestamp>,
    /// When a refresh is due; `None` without a refresh token.
    pub(super) renew_at: Option<Timestamp>,
}

/// Whether a session needs a token refresh.
///
/// With `Soon` a request may continue with its current tokens while another caller refreshes. With `Expired` it has to
/// wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshDue {
    /// Not yet, or the session has no refresh token.
    NotYet,
    Soon,
    Expired,
}

impl Schedule {
    /// Computes the schedule of tokens that have just been issued. Jitter of up to half a margin spreads the refreshes
    /// of sessions that began together.
    ///
    /// The margin is a minute, or a quarter of a shorter lifetime. Otherwise a token that lives less than a minute
    /// would be due as soon as it is issued. The lifetime has a lower bound, because a slow userinfo request may use it
    /// up.
    ///
    /// If the claims are incomplete, the refresh is due soon, so that they are read again.
    pub(super) fn new(tokens: &TokenSet, renewable: bool, complete: bool, now: Timestamp) -> Result<Self> {
        let expires_at = tokens.access_token_expires_at;
        let lifetime = expires_at.map_or(UNTOLD_LIFETIME, |end| end.since(now)).clamp(SHORTEST_LIFETIME, LONGEST_USE);
        let margin = MARGIN.min(lifetime / 4);
        let [random] = random_bytes()?;
        let jitter = margin * u32::from(random) / 512;
        let at = now.plus(lifetime.saturating_sub(margin).saturating_add(jitter));
        let renew_at = if complete { at } else { at.min(now.plus(RETRY_CLAIMS)) };
        Ok(Self { expires_at, renew_at: renewable.then_some(renew_at) })
    }

    /// Whether a refresh is due at `now`.
    pub(super) fn due(&self, now: Timestamp) -> RefreshDue {
        match self.renew_at {
            Some(at) if at <= now => {
                let expired = self.expires_at.unwrap_or(at) <= now;
                if expired { RefreshDue::Expired } else { RefreshDue::Soon }
            }
            _ => RefreshDue::NotYet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn no_lifetime_is_due_at_once_or_never() {
        let day = 24 * 3600;
        for (lifetime, earliest, latest) in [
            (Some(0), 3, 5),
            (Some(1), 3, 5),
            (Some(5), 3, 5),
            (Some(40), 30, 40),
            (Some(3600), 3540, 3600),
            (Some(i64::MAX - 1_000), day - 60, day),
            (None, 3540, 3600),
        ] {
            let tokens =
                TokenSet { access_token_expires_at: lifetime.map(|end| at(1_000 + end)), ..TokenSet::sample() };
            for _ in 0..100 {
                let schedule = Schedule::new(&tokens, true, true, at(1_000)).unwrap();
                assert_eq!(schedule.due(at(1_000 + earliest - 1)), RefreshDue::NotYet, "{lifetime:?}");
                assert_ne!(schedule.due(at(1_000 + latest)), RefreshDue::NotYet, "{lifetime:?}");
                assert_eq!(Schedule::new(&tokens, false, true, at(1_000)).unwrap().renew_at, None);
            }
        }
    }
}
