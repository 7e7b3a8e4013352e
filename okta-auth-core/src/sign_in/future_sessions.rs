//! Sessions that begin in the future, because the clock of the replica that created them is ahead or this clock was set
//! back.
//!
//! Such a session is not valid yet. A new sign-in helps if this clock was set back. If the clock of the replica that
//! creates the new session is ahead, a new sign-in would cause a redirect loop. Therefore:
//!
//! | the session began | the response to a page that needs a user |
//! |---|---|
//! | up to ten minutes ahead | 503 until this clock has caught up |
//! | further ahead | a sign-in, and 503 if the new session is early too |

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::clock::Timestamp;
use crate::error::{Code, Error};
use crate::session::{Session, SessionId};

/// The largest clock difference that is attributed to drift between replicas.
const DRIFT: Duration = Duration::from_secs(600);
/// A session that is early by less than this is accepted.
const TOLERATED: Duration = Duration::from_secs(60);
/// The time in which a sign-in that was started for an early session completes.
const SIGN_IN: Duration = Duration::from_secs(120);
/// Capacity of the cache of users.
const USERS: usize = 1_024;

/// The users for whom a sign-in was started because of an early session. Early sessions are rare, so the cache is
/// created with the first.
#[derive(Default)]
pub(super) struct FutureSessions(OnceLock<Cache<String, (SessionId, Timestamp)>>);

impl FutureSessions {
    fn users(&self) -> &Cache<String, (SessionId, Timestamp)> {
        self.0.get_or_init(|| Cache::new(USERS))
    }

    /// Returns an error if another sign-in cannot help; `None` if it may.
    pub(super) fn dead_end(&self, session: &Session, now: Timestamp) -> Option<Arc<Error>> {
        let (id, ahead) = (session.id(), session.created_at().since(now));
        let user = format!("{} {}", session.issuer(), session.subject());
        let before = self.users().get(&user).filter(|(other, at)| *other != id && now.since(*at) < SIGN_IN);
        if ahead > DRIFT && before.is_none() {
            self.users().insert(user, (id, now));
            return None;
        }
        let message = format!(
            "a session began {} s in the future of this process, so it is not valid yet and no other sign-in is \
             started; synchronize the clocks of all replicas",
            ahead.as_secs()
        );
        let wait = ahead.saturating_sub(TOLERATED);
        Some(Arc::new(Error::new(Code::ClockSkew, message).with_retry_after(wait)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_causes_only_one_sign_in() {
        let (now, early) = (Timestamp::from_seconds(1_800_000_000), FutureSessions::default());
        let session = |ahead: u64| Session::sample(0, now.plus(Duration::from_secs(ahead)));
        let code = |session: &Session, now| early.dead_end(session, now).map(|error| error.code());
        assert_eq!(code(&session(180), now), Some(Code::ClockSkew));
        let first = session(7_200);
        assert_eq!((code(&first, now), code(&first, now)), (None, None), "several tabs");
        assert_eq!(code(&session(7_205), now.plus(Duration::from_secs(5))), Some(Code::ClockSkew), "the next one too");
        assert_eq!(code(&session(7_400), now.plus(SIGN_IN)), None, "much later");
    }
}
