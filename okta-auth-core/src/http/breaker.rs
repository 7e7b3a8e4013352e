//! Circuit breaker for each endpoint.
//!
//! 1. After several failures in a row, requests to an endpoint are paused. A request
//!    during the pause fails at once instead of after a timeout.
//! 2. After each pause one request goes through as a probe. The first response, to any
//!    request, closes the circuit for all requests. Probes do not wait for each other, so
//!    a probe whose caller disconnects blocks nothing.
//! 3. A 4xx is a response. An error on this side, such as a policy, says nothing about
//!    Okta.
//! 4. A 429 is not a failure and has its own counter. Several 429s in a row, without
//!    another response in between, mean that the limit applies to all requests. Requests
//!    are then paused until the time that Okta states. The probes of rule 2 continue,
//!    because some of Okta's limits apply to a single user, and that user must not be
//!    able to block the others.
//! 5. Outcomes of requests that began before the circuit last opened or closed are
//!    ignored, because after an outage their timeouts arrive late.
//!
//! Endpoints are distinguished by path, so a userinfo endpoint that hangs does not block
//! sign-ins. There is no time window for failures and nothing to tune: one response
//! resets the counters.
//!
//! If the clock jumps backwards, an open circuit closes early, and a closed circuit stays
//! closed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};

/// Failures in a row, or 429s in a row, after which the circuit opens.
const FAILURES: u32 = 8;
const LIMITED: u32 = 3;

/// A timeout has delayed a user by ten seconds, so it counts as three failures.
const TIME_OUT: u32 = 3;

/// The time between two probes.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// The maximum number of endpoints with state. An issuer has six endpoints.
const MOST: usize = 64;

/// The outcome of a request, as far as it says something about the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The endpoint works.
    Answered,
    /// A 429, with the time to wait.
    Limited(Duration),
    /// No connection, or 5xx.
    Failed,
    TimedOut,
    /// The request did not reach the endpoint.
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct Endpoints {
    /// Counts how often a circuit opened or closed.
    turns: u64,
    known: BTreeMap<String, Endpoint>,
}

#[derive(Debug, Default)]
struct Endpoint {
    /// The value of `turns` when the circuit last opened or closed.
    since: u64,
    /// Failures in a row.
    failures: u32,
    /// 429s in a row.
    limited: u32,
    /// Set while the circuit is open.
    rest: Option<Backoff>,
}

#[derive(Clone, Copy, Debug)]
struct Backoff {
    /// When the next probe goes through.
    next: Timestamp,
    /// For 429s: when Okta's rate limit ends.
    limited_until: Option<Timestamp>,
}

impl Backoff {
    fn new(now: Timestamp, limited_until: Option<Timestamp>) -> Self {
        let next = now.plus(PAUSE);
        Self { next: limited_until.map_or(next, |until| next.min(until)), limited_until }
    }

    /// The error for a request that arrives before the next probe is due.
    fn refusal(&self, now: Timestamp) -> Option<Error> {
        let wait = self.next.since(now);
        // A longer wait means that the clock jumped backwards.
        if wait.is_zero() || wait > PAUSE {
            return None;
        }
        if let Some(until) = self.limited_until {
            let wait = until.since(now);
            let message = format!("Okta limits the rate (429); retry in {} s", wait.as_secs());
            return Some(Error::new(Code::ProviderRateLimited, message).with_retry_after(wait));
        }
        let message = "Okta is not responding; requests are paused for a few seconds; check Okta's status page, \
                       OKTA_ISSUER_URI and the network";
        Some(Error::new(Code::ProviderUnavailable, message).with_retry_after(wait))
    }
}

impl Endpoints {
    /// Checks whether a request may go through now.
    pub(super) fn look(&self, endpoint: &str, now: Timestamp) -> Result<()> {
        let rest = self.known.get(endpoint).and_then(|endpoint| endpoint.rest);
        rest.and_then(|rest| rest.refusal(now)).map_or(Ok(()), Err)
    }

    /// Lets a request through. If it is a probe, later requests wait for the next pause.
    /// The returned turn must be passed to [`note`](Self::note) with the outcome.
    pub(super) fn enter(&mut self, endpoint: &str, now: Timestamp) -> Result<u64> {
        self.look(endpoint, now)?;
        if let Some(rest) = self.known.get_mut(endpoint).and_then(|endpoint| endpoint.rest.as_mut()) {
            *rest = Backoff::new(now, rest.limited_until);
        }
        Ok(self.turns)
    }

    /// Records the outcome of a request that [`enter`](Self::enter) let through.
    pub(super) fn note(&mut self, endpoint: &str, turn: u64, outcome: Outcome, now: Timestamp) {
        let turns = self.turns.saturating_add(1);
        let Some(known) = self.known(endpoint, outcome) else { return };
        if turn < known.since {
            return;
        }
        if known.note(outcome, now) {
            known.since = turns;
            self.turns = turns;
        }
    }

    /// Returns the state of an endpoint if the outcome changes it. Healthy endpoints have
    /// no state.
    fn known(&mut self, endpoint: &str, outcome: Outcome) -> Option<&mut Endpoint> {
        if !self.known.contains_key(endpoint) {
            if matches!(outcome, Outcome::Answered | Outcome::Unknown) {
                return None;
            }
            if self.known.len() >= MOST {
                self.known.retain(|_, known| known.rest.is_some());
            }
            if self.known.len() >= MOST {
                return None;
            }
        }
        Some(self.known.entry(endpoint.to_owned()).or_default())
    }
}

impl Endpoint {
    /// Returns whether this outcome opens or closes the circuit.
    fn note(&mut self, outcome: Outcome, now: Timestamp) -> bool {
        match outcome {
            Outcome::Unknown => false,
            Outcome::Answered => {
                (self.failures, self.limited) = (0, 0);
                self.rest.take().is_some()
            }
            Outcome::Limited(wait) => {
                (self.failures, self.limited) = (0, self.limited.saturating_add(1));
                self.leave(self.limited >= LIMITED, now, Some(now.plus(wait)))
            }
            Outcome::Failed | Outcome::TimedOut => {
                let weight = if outcome == Outcome::TimedOut { TIME_OUT } else { 1 };
                (self.failures, self.limited) = (self.failures.saturating_add(weight), 0);
                self.leave(self.failures >= FAILURES, now, None)
            }
        }
    }

    /// Opens the circuit if there is a reason. An open circuit keeps its next probe time,
    /// so a failed probe does not postpone the next one.
    fn leave(&mut self, reason: bool, now: Timestamp, limited_until: Option<Timestamp>) -> bool {
        let first = reason && self.rest.is_none();
        if first {
            self.rest = Some(Backoff::new(now, limited_until));
        } else if let Some(rest) = &mut self.rest {
            rest.limited_until = limited_until;
        }
        first
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
