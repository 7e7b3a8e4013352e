//! When to leave an endpoint alone.
//!
//! 1. An endpoint that fails so often in a row is left alone for a pause: whoever needs
//!    it is told at once, and not after a time-out.
//! 2. When the pause is over one request goes through, and one more with each further
//!    pause. The first that is answered ends it, for everybody and at once. None of
//!    them blocks the next one, so it does not matter what becomes of a request whose
//!    caller goes away.
//! 3. A 4xx is an answer. What ends a request here, such as a policy, says nothing
//!    about Okta.
//! 4. 429 is no failure, and is counted apart. A few in a row and nothing else between
//!    them mean that the limit is everybody's, and the endpoint is left alone until the
//!    time that Okta names; but the probes of rule 2 go on, because some of Okta's
//!    limits are for one user (F §1.13), and that user must not be able to keep the
//!    others out.
//! 5. Requests that began before the endpoint was last given up or taken back do not
//!    count: after an outage their time-outs arrive late.
//!
//! Endpoints are told apart by their path: a userinfo endpoint that hangs costs no
//! sign-in. There is no time in which failures have to come, and so nothing to be
//! tuned: one answer wipes them out.
//!
//! A clock that was set back opens what is closed; it closes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};

/// So many failures in a row, or 429s in a row, and the endpoint is left alone.
const FAILURES: u32 = 8;
const LIMITED: u32 = 3;

/// A time-out has cost somebody ten seconds, so it counts for three failures.
const TIME_OUT: u32 = 3;

/// Between two requests that go through all the same.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// So many endpoints are remembered; an issuer has six.
const MOST: usize = 64;

/// What came of a request, as far as it tells something about the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The endpoint lives.
    Answered,
    /// It answered 429, and named this time.
    Limited(Duration),
    /// No connection, or 5xx.
    Failed,
    /// No answer in time.
    TimedOut,
    /// The request did not get that far.
    Unknown,
}

/// The endpoints of one origin.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    /// Counts how often an endpoint was given up or taken back.
    turns: u64,
    known: BTreeMap<String, Endpoint>,
}

/// One of them.
#[derive(Debug, Default)]
struct Endpoint {
    /// The turn at which it was last given up or taken back.
    since: u64,
    /// In a row.
    failures: u32,
    /// In a row.
    limited: u32,
    /// Set while it is left alone.
    rest: Option<Rest>,
}

/// How an endpoint is left alone.
#[derive(Clone, Copy, Debug)]
struct Rest {
    /// When one request goes through.
    next: Timestamp,
    /// Where it is for 429: when Okta lets requests in again.
    limited_until: Option<Timestamp>,
}

impl Rest {
    /// From now on, for a failure or until a limit ends.
    fn new(now: Timestamp, limited_until: Option<Timestamp>) -> Self {
        let next = now.plus(PAUSE);
        Self { next: limited_until.map_or(next, |until| next.min(until)), limited_until }
    }

    /// What a request is told that comes too early.
    fn refusal(&self, now: Timestamp) -> Option<Error> {
        let wait = self.next.since(now);
        // A longer one comes from a clock that was set back.
        if wait.is_zero() || wait > PAUSE {
            return None;
        }
        if let Some(until) = self.limited_until {
            let wait = until.since(now);
            let message = format!("Okta limits the rate (429); worth another try in {} s", wait.as_secs());
            return Some(Error::new(Code::ProviderRateLimited, message).with_retry_after(wait));
        }
        let message = "Okta has not answered for a while and is left alone for some seconds; check its status page, \
                       OKTA_ISSUER_URI and the network";
        Some(Error::new(Code::ProviderUnavailable, message).with_retry_after(wait))
    }
}

impl Endpoints {
    /// Whether a request would be let through now.
    ///
    /// # Errors
    /// [`Code::ProviderUnavailable`] or [`Code::ProviderRateLimited`], with the time to
    /// wait.
    pub(super) fn look(&self, endpoint: &str, now: Timestamp) -> Result<()> {
        let rest = self.known.get(endpoint).and_then(|endpoint| endpoint.rest);
        rest.and_then(|rest| rest.refusal(now)).map_or(Ok(()), Err)
    }

    /// Lets a request through, and makes the others wait if it is a probe. The turn
    /// that comes back goes with its outcome.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    pub(super) fn enter(&mut self, endpoint: &str, now: Timestamp) -> Result<u64> {
        self.look(endpoint, now)?;
        if let Some(rest) = self.known.get_mut(endpoint).and_then(|endpoint| endpoint.rest.as_mut()) {
            *rest = Rest::new(now, rest.limited_until);
        }
        Ok(self.turns)
    }

    /// Takes note of what came of a request that [`enter`](Self::enter) let through.
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

    /// What is known of an endpoint, if the outcome changes it. One that is well is not
    /// remembered.
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
    /// Whether the endpoint is given up or taken back by this.
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

    /// Leaves the endpoint alone from now on, if there is reason to. One that is left
    /// alone already has its next probe set, which a probe that fails does not put off.
    fn leave(&mut self, reason: bool, now: Timestamp, limited_until: Option<Timestamp>) -> bool {
        let first = reason && self.rest.is_none();
        if first {
            self.rest = Some(Rest::new(now, limited_until));
        } else if let Some(rest) = &mut self.rest {
            rest.limited_until = limited_until;
        }
        first
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
