//! Counters and times, by the facade of `metrics`; nothing without that feature.
//!
//! The names are documented in `metrics.md`; `tests/events.rs` compares the two.

#[cfg(feature = "metrics")]
use crate::clock::Stopwatch;

/// What Okta is asked for.
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
