//! Counters and durations, for the feature `metrics`.
//!
//! They are recorded through the facade of the crate `metrics`: the application chooses the recorder, Prometheus for
//! example, and installs it before it builds [`OktaAuth`](super::super::OktaAuth). Without the feature nothing is
//! measured, and without a recorder the values are discarded.
//!
//! | name | kind | labels | unit |
//! |---|---|---|---|
//! | `okta_auth_events_total` | counter | `event`, `reason` | count |
//! | `okta_auth_provider_request_seconds` | histogram | `endpoint`, `outcome` | seconds |
//! | `okta_auth_renewal_seconds` | histogram | `outcome` | seconds |
//! | `okta_auth_store_operation_seconds` | histogram | `operation`, `outcome` | seconds |
//!
//! Names, labels and units do not change between releases. Every label has few values, all of them fixed in this
//! library, so that requests cannot create time series:
//!
//! | label | values |
//! |---|---|
//! | `event`, `reason` | those of the [events](super) |
//! | `endpoint` | `metadata`, `keys`, `token`, `revocation`, `introspection`, `userinfo`, `pushed_authorization`, `api`, `device_authorization` |
//! | `operation` | the methods of [`SessionStore`](super::super::session::SessionStore) |
//! | `outcome` | `ok`, a [`Code`](super::Code), or `abandoned`: the operation was dropped before it completed |
//!
//! # How to read them
//!
//! - A request to Okta is measured from its start to the last byte of the response, each attempt separately. Its
//!   outcome is `ok` for every status except 3xx, 429 and 5xx. A response in which Okta rejects an authorization code
//!   is therefore `ok`.
//! - A refresh has the outcome `renewed` or `ended` in place of `ok`. It is measured once for all requests that wait
//!   for it, including the time that it waits for another process.
//! - A store operation that is `abandoned` has usually exceeded its timeout of five seconds.
//! - Requests with a valid session, and tokens that are cached, are not measured here: the application's own middleware
//!   does that better.
//!
//! What to watch: `event="renewal_failed"` and `event="store_unavailable"` indicate outages. `event="sign_in_failed"`
//! by reason distinguishes outages from mistakes in the configuration. A rise of `event="access_denied"` with one
//! reason may be an attacker who probes for access.

#[cfg(feature = "metrics")]
use crate::clock::Stopwatch;

// `tests/events.rs` compares the table above with the recorded metrics.

/// An endpoint of Okta by its purpose. Its URL would not be a suitable label, because the issuer chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProviderEndpoint {
    Metadata,
    Keys,
    Token,
    Revocation,
    Introspection,
    Userinfo,
    PushedAuthorization,
    #[cfg(feature = "okta-api")]
    Api,
    #[cfg(feature = "device")]
    DeviceAuthorization,
}

/// A running measurement. If it is dropped without an end, its outcome is `abandoned`.
#[must_use]
pub(crate) struct Measure {
    #[cfg(feature = "metrics")]
    running: Option<Running>,
}

/// A histogram, with a label besides the outcome.
///
/// It owns the stopwatch, so that dropped futures are measured too, for example when the browser disconnects.
#[cfg(feature = "metrics")]
struct Running {
    name: &'static str,
    label: Option<(&'static str, &'static str)>,
    watch: Stopwatch,
}

#[cfg(feature = "metrics")]
mod names {
    pub(super) const EVENTS: &str = "okta_auth_events_total";
    pub(super) const REQUEST: &str = "okta_auth_provider_request_seconds";
    pub(super) const RENEWAL: &str = "okta_auth_renewal_seconds";
    pub(super) const STORE: &str = "okta_auth_store_operation_seconds";
}

#[cfg(feature = "metrics")]
pub(super) fn describe() {
    use metrics::{Unit, describe_counter, describe_histogram};
    describe_counter!(names::EVENTS, Unit::Count, "Audit events of okta-auth.");
    describe_histogram!(names::REQUEST, Unit::Seconds, "Requests to Okta, each attempt separately.");
    describe_histogram!(names::RENEWAL, Unit::Seconds, "Token refreshes of sessions, once for all waiting requests.");
    describe_histogram!(names::STORE, Unit::Seconds, "Operations of the session store.");
}

#[cfg(not(feature = "metrics"))]
pub(super) fn describe() {}

#[cfg(feature = "metrics")]
pub(super) fn count(event: &'static str, reason: &'static str) {
    metrics::counter!(names::EVENTS, "event" => event, "reason" => reason).increment(1);
}

#[cfg(not(feature = "metrics"))]
pub(super) fn count(_: &'static str, _: &'static str) {}

#[cfg(feature = "metrics")]
impl ProviderEndpoint {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Keys => "keys",
            Self::Token => "token",
            Self::Revocation => "revocation",
            Self::Introspection => "introspection",
            Self::Userinfo => "userinfo",
            Self::PushedAuthorization => "pushed_authorization",
            #[cfg(feature = "okta-api")]
            Self::Api => "api",
            #[cfg(feature = "device")]
            Self::DeviceAuthorization => "device_authorization",
        }
    }
}

#[cfg(feature = "metrics")]
impl Measure {
    pub(crate) fn request(endpoint: ProviderEndpoint) -> Self {
        Self::start(names::REQUEST, Some(("endpoint", endpoint.as_str())))
    }

    pub(crate) fn renewal() -> Self {
        Self::start(names::RENEWAL, None)
    }

    pub(crate) fn store(operation: &'static str) -> Self {
        Self::start(names::STORE, Some(("operation", operation)))
    }

    fn start(name: &'static str, label: Option<(&'static str, &'static str)>) -> Self {
        Self { running: Some(Running { name, label, watch: Stopwatch::start() }) }
    }

    pub(crate) fn end(mut self, outcome: &'static str) {
        if let Some(running) = self.running.take() {
            running.record(outcome);
        }
    }
}

#[cfg(feature = "metrics")]
impl Running {
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
    pub(crate) fn request(_: ProviderEndpoint) -> Self {
        Self {}
    }

    pub(crate) fn renewal() -> Self {
        Self {}
    }

    pub(crate) fn end(self, _: &'static str) {}
}

opaque_debug!(Measure);
