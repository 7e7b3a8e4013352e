//! Counters and times, for the feature `metrics`.
//!
//! They go to the facade of the crate `metrics`: the application chooses the recorder,
//! Prometheus for example, and installs it before it builds
//! [`OktaAuth`](super::super::OktaAuth). Without the feature nothing is measured, and
//! without a recorder what is measured goes nowhere.
//!
//! | name | kind | labels | unit |
//! |---|---|---|---|
//! | `okta_auth_events_total` | counter | `event`, `reason` | count |
//! | `okta_auth_provider_request_seconds` | histogram | `endpoint`, `outcome` | seconds |
//! | `okta_auth_renewal_seconds` | histogram | `outcome` | seconds |
//! | `okta_auth_store_operation_seconds` | histogram | `operation`, `outcome` | seconds |
//!
//! Names, labels and units do not change between releases. Every label has few values,
//! all of them fixed in this library, so that nobody from outside can make a time
//! series:
//!
//! | label | values |
//! |---|---|
//! | `event`, `reason` | those of the [events](super) |
//! | `endpoint` | `metadata`, `keys`, `token`, `revocation`, `introspection`, `userinfo` |
//! | `operation` | the methods of [`SessionStore`](super::super::session::SessionStore) |
//! | `outcome` | `ok`, a [`Code`](super::Code), or `abandoned`: nobody waited for the end |
//!
//! # How they are to be read
//!
//! - A request to Okta is measured from its start to the last byte of the answer, each
//!   try by itself. It is `ok` with every answer but 3xx, 429 and 5xx: a refused code
//!   is an answer, too.
//! - A renewal is `renewed` or `ended` in the place of `ok`. It is measured once
//!   however many requests wait for it, with the time that it waits for another
//!   process.
//! - An operation of a store that is `abandoned` has mostly taken longer than the five
//!   seconds that a store is given.
//! - Requests of people who are signed in, and tokens that have been seen before, are
//!   measured by nothing here: an application's own middleware does that better.
//!
//! What to watch: `event="renewal_failed"` and `event="store_unavailable"` are outages,
//! `event="sign_in_failed"` by reason tells outages from mistakes in the configuration,
//! and `event="access_denied"` of one reason that goes up may be somebody who tries
//! doors.

#[cfg(feature = "metrics")]
use crate::clock::Stopwatch;

// `tests/events.rs` compares the table above with what is really counted and measured.

/// What Okta is asked for: an endpoint by its purpose. Its URL would be no label, since
/// it is the issuer's to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProviderEndpoint {
    Metadata,
    Keys,
    Token,
    Revocation,
    Introspection,
    Userinfo,
}

/// A time that is being measured. Dropped without an end it is `abandoned`.
#[must_use]
pub(crate) struct Measure {
    #[cfg(feature = "metrics")]
    running: Option<Running>,
}

/// A histogram, with a label besides the outcome.
///
/// It is its own owner of the time: whoever is dropped in the middle, such as the
/// future of a request whose browser has gone, is measured as well.
#[cfg(feature = "metrics")]
struct Running {
    name: &'static str,
    label: Option<(&'static str, &'static str)>,
    watch: Stopwatch,
}

/// The names.
#[cfg(feature = "metrics")]
mod names {
    pub(super) const EVENTS: &str = "okta_auth_events_total";
    pub(super) const REQUEST: &str = "okta_auth_provider_request_seconds";
    pub(super) const RENEWAL: &str = "okta_auth_renewal_seconds";
    pub(super) const STORE: &str = "okta_auth_store_operation_seconds";
}

/// Tells the recorder what there will be.
#[cfg(feature = "metrics")]
pub(super) fn describe() {
    use metrics::{Unit, describe_counter, describe_histogram};
    describe_counter!(names::EVENTS, Unit::Count, "Audit events of okta-auth.");
    describe_histogram!(names::REQUEST, Unit::Seconds, "Requests to Okta, each try by itself.");
    describe_histogram!(names::RENEWAL, Unit::Seconds, "Renewals of sessions, for all who wait.");
    describe_histogram!(names::STORE, Unit::Seconds, "Operations of the session store.");
}

/// There will be nothing.
#[cfg(not(feature = "metrics"))]
pub(super) fn describe() {}

/// Counts an event.
#[cfg(feature = "metrics")]
pub(super) fn count(event: &'static str, reason: &'static str) {
    metrics::counter!(names::EVENTS, "event" => event, "reason" => reason).increment(1);
}

/// Nobody counts.
#[cfg(not(feature = "metrics"))]
pub(super) fn count(_: &'static str, _: &'static str) {}

#[cfg(feature = "metrics")]
impl ProviderEndpoint {
    /// The value of the label.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Keys => "keys",
            Self::Token => "token",
            Self::Revocation => "revocation",
            Self::Introspection => "introspection",
            Self::Userinfo => "userinfo",
        }
    }
}

#[cfg(feature = "metrics")]
impl Measure {
    /// A request to Okta.
    pub(crate) fn request(endpoint: ProviderEndpoint) -> Self {
        Self::start(names::REQUEST, Some(("endpoint", endpoint.as_str())))
    }

    /// A renewal.
    pub(crate) fn renewal() -> Self {
        Self::start(names::RENEWAL, None)
    }

    /// An operation of a store.
    pub(crate) fn store(operation: &'static str) -> Self {
        Self::start(names::STORE, Some(("operation", operation)))
    }

    /// From now on.
    fn start(name: &'static str, label: Option<(&'static str, &'static str)>) -> Self {
        Self { running: Some(Running { name, label, watch: Stopwatch::start() }) }
    }

    /// It is over.
    pub(crate) fn end(mut self, outcome: &'static str) {
        if let Some(running) = self.running.take() {
            running.record(outcome);
        }
    }
}

#[cfg(feature = "metrics")]
impl Running {
    /// Writes the time down.
    fn record(self, outcome: &'static str) {
        let labels = self.label.into_iter().chain([("outcome", outcome)]);
        let labels: Vec<_> = labels.map(|(name, value)| metrics::Label::from_static_parts(name, value)).collect();
        metrics::histogram!(self.name, labels).record(self.watch.elapsed());
    }
}

#[cfg(feature = "metrics")]
impl Drop for Measure {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.record("abandoned");
        }
    }
}

#[cfg(not(feature = "metrics"))]
impl Measure {
    /// A request to Okta.
    pub(crate) fn request(_: ProviderEndpoint) -> Self {
        Self {}
    }

    /// A renewal.
    pub(crate) fn renewal() -> Self {
        Self {}
    }

    /// It is over.
    pub(crate) fn end(self, _: &'static str) {}
}

impl std::fmt::Debug for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Measure").finish_non_exhaustive()
    }
}
