//! The single use of a pending login.

use std::time::Duration;

use super::pending::PendingLogin;
use super::used_states::UsedStates;
use crate::clock::Timestamp;

/// A pending login whose state has been used up. A callback can be validated only with this type, so a state cannot be
/// used twice.
#[derive(Debug)]
pub(crate) struct ConsumedLogin(PendingLogin);

impl ConsumedLogin {
    /// Uses up the state of a pending login, within this process. Returns `None` if it was used before.
    pub(crate) fn consume(
        pending: PendingLogin,
        used_states: &UsedStates,
        lifetime: Duration,
        now: Timestamp,
    ) -> Option<Self> {
        used_states.consume(&pending.state, lifetime, now).then_some(Self(pending))
    }

    pub(crate) fn pending(&self) -> &PendingLogin {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::login::{LoginOptions, ReturnTo};

    #[test]
    fn copies_of_a_pending_login_are_consumed_once() {
        let (used, now, lifetime) = (UsedStates::default(), Timestamp::from_seconds(1_000), Duration::from_secs(600));
        let pending = PendingLogin::new(&LoginOptions::new(ReturnTo::root()), Moment::from_seconds(1_000)).unwrap();
        let copy = PendingLogin::decode(pending.encode().unwrap().expose()).unwrap();
        assert!(ConsumedLogin::consume(pending, &used, lifetime, now).is_some());
        assert!(ConsumedLogin::consume(copy, &used, lifetime, now).is_none());
    }
}
