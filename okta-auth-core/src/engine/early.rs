//! Sessions that began in the future: the clock of the process that wrote them is ahead,
//! or this one has been set back.
//!
//! Such a session does not count yet. Another sign-in helps if the clock has been set
//! back. It does not if the process that writes the new session is the one whose clock is
//! ahead: the browser would be sent back and forth. So:
//!
//! | the session began | the answer to a page that needs a user |
//! |---|---|
//! | up to ten minutes ahead | 503 until this clock has caught up |
//! | further ahead | a sign-in, and 503 if that one is early too |

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::clock::Timestamp;
use crate::error::{Code, Error};
use crate::session::{Session, StoreKey};

/// How far ahead the clocks of replicas are.
const DRIFT: Duration = Duration::from_secs(600);
/// A clock that is ahead by less does not matter.
const TOLERATED: Duration = Duration::from_secs(60);
/// A sign-in that was started for an early session is over after this.
const SIGN_IN: Duration = Duration::from_secs(120);
/// So many users are remembered.
const USERS: usize = 1_024;

/// The users for whom a sign-in was started because their session was early.
pub(super) struct EarlySessions(Cache<String, (StoreKey, Timestamp)>);

impl Default for EarlySessions {
    fn default() -> Self {
        Self(Cache::new(USERS))
    }
}

impl EarlySessions {
    /// Why no sign-in is started for a request with this session; `None` if one may help.
    pub(super) fn dead_end(&self, session: &Session, now: Timestamp) -> Option<Arc<Error>> {
        let (id, ahead) = (session.id().0, session.created_at().since(now));
        let user = format!("{} {}", session.issuer(), session.subject());
        let before = self.0.get(&user).filter(|(other, at)| *other != id && now.since(*at) < SIGN_IN);
        if ahead > DRIFT && before.is_none() {
            self.0.insert(user, (id, now));
            return None;
        }
        let message = format!(
            "a session began {} s in the future of this process, so it does not count yet and no other sign-in is \
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
    fn a_clock_that_was_set_back_leads_to_one_sign_in_and_not_to_two() {
        let (now, early) = (Timestamp::from_seconds(1_800_000_000), EarlySessions::default());
        let session = |ahead: u64| Session::sample(0, now.plus(Duration::from_secs(ahead)));
        let code = |session: &Session, now| early.dead_end(session, now).map(|error| error.code());
        assert_eq!(code(&session(180), now), Some(Code::ClockSkew));
        let first = session(7_200);
        assert_eq!((code(&first, now), code(&first, now)), (None, None), "several tabs");
        assert_eq!(code(&session(7_205), now.plus(Duration::from_secs(5))), Some(Code::ClockSkew), "the next one too");
        assert_eq!(code(&session(7_400), now.plus(SIGN_IN)), None, "much later");
    }
}
