//! From where things happen to those who want to know.
//!
//! 1. The log comes first: whatever the others do, it is written down.
//! 2. Then the counters, which take no time.
//! 3. Then the hooks, in the order in which they were added.
//!
//! All of it happens where the event does, before the answer goes out. Nothing is
//! queued here: a queue that is full would have to lose events or to stop requests, and
//! only the application knows which of the two it wants.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::event::{About, Event};
use super::first_error::first_error;
use super::happening::Happening;
use super::metrics;
use super::reference::Reference;
use super::severity::{Severity, Warnings};
use crate::base64url;
use crate::clock::SharedClock;
use crate::error::Error;

/// What an application has called with each event.
pub(crate) type EventHook = Arc<dyn Fn(&Event) + Send + Sync + 'static>;

/// The events of one application: one issuer and one client, which every event names.
pub(crate) struct Events {
    issuer: Arc<str>,
    client_id: Arc<str>,
    clock: SharedClock,
    hooks: Vec<EventHook>,
    warnings: Warnings,
}

impl Events {
    /// For one issuer and one client.
    pub(crate) fn new(issuer: &str, client_id: &str, clock: SharedClock, hooks: Vec<EventHook>) -> Self {
        metrics::describe();
        Self { issuer: issuer.into(), client_id: client_id.into(), clock, hooks, warnings: Warnings::default() }
    }

    /// Tells the log, the counters and the hooks.
    ///
    /// `error` is for the log alone: its message and its cause are for operators, and
    /// may change between releases. Hooks get its code, by the event's reason.
    pub(crate) fn tell(&self, happening: Happening, reference: Reference, about: About, error: Option<&Error>) {
        let (issuer, client_id) = (Arc::clone(&self.issuer), Arc::clone(&self.client_id));
        let event = Event { happening, time: self.clock.now(), issuer, client_id, reference, about };
        event.log(self.warnings.of_event(&event.happening, error), error);
        metrics::count(event.name(), event.reason());
        for hook in &self.hooks {
            // Whoever waits for this may hold the only copy of new tokens. A hook gets nothing that
            // it could leave half changed but its own.
            if catch_unwind(AssertUnwindSafe(|| hook(&event))).is_err() {
                tracing::error!(target: "okta_auth", event = event.name(), "an `on_event` hook panicked");
            }
        }
    }
}

impl Events {
    /// Logs an error that is no event: operators get the whole story, users the code and
    /// the reference. `anonymous` if no session came with the request.
    pub(crate) fn log(&self, error: &Error, reference: Reference, anonymous: bool) {
        let (code, cause) = (error.code(), error.cause_text());
        let (provider_error, provider_description) = (error.provider_error(), error.provider_description());
        match self.warnings.of_error(error, anonymous) {
            Severity::Info => {
                tracing::info!(
                    target: "okta_auth", %reference, %code, provider_error, provider_description, cause, "{error}"
                );
            }
            Severity::Warning { suppressed } => {
                let suppressed = (suppressed > 0).then_some(suppressed);
                tracing::warn!(
                    target: "okta_auth", %reference, %code, provider_error, provider_description, suppressed, cause,
                    "{error}"
                );
            }
        }
    }
}

/// One line for the log. The fields are read only if somebody listens.
///
/// A field that is added here is in every log there is: it must not be personal, a
/// secret, or anything that a browser wrote. Of what the provider wrote only
/// `provider_error`, `provider_description` and `cause` are there, each bounded and
/// escaped.
macro_rules! line {
    ($level:ident, $event:expr, $suppressed:expr, $error:expr) => {
        tracing::$level!(
            target: "okta_auth",
            event = $event.name(),
            reason = $event.reason(),
            reference = %$event.reference,
            issuer = $event.issuer(),
            client = $event.client_id(),
            session = $event.about.session.map(base64url::encode),
            channel = $event.channel(),
            sessions = $event.sessions(),
            policy = $event.policy(),
            suppressed = $suppressed,
            code = $error.map(|error| error.code().as_str()),
            claim = $error.and_then(Error::claim),
            provider_error = $error.and_then(Error::provider_error),
            provider_description = $error.and_then(Error::provider_description),
            cause = $error.and_then(Error::cause_text),
            "{}{}",
            $event.happening.sentence(),
            $error.map_or_else(String::new, |error| format!(": {error}"))
        )
    };
}

impl Event {
    /// Tells the log. Nothing personal is told, but for what Okta's own description of an
    /// error may hold.
    fn log(&self, severity: Severity, error: Option<&Error>) {
        if self.happening.is_failure() {
            first_error();
        }
        match severity {
            Severity::Info => line!(info, self, None::<u64>, error),
            Severity::Warning { suppressed } => line!(warn, self, (suppressed > 0).then_some(suppressed), error),
        }
    }

    /// The way of a sign-out message.
    fn channel(&self) -> Option<&'static str> {
        if let Happening::LogoutReceived { channel, .. } = self.happening { Some(channel.as_str()) } else { None }
    }

    /// How many sessions it ended.
    fn sessions(&self) -> Option<usize> {
        if let Happening::LogoutReceived { sessions, .. } = self.happening { sessions } else { None }
    }

    /// The policy that decided.
    fn policy(&self) -> Option<&str> {
        match &self.happening {
            Happening::StepUpAsked { policy } | Happening::AccessDenied { policy, .. } => policy.as_deref(),
            _ => None,
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("hooks", &self.hooks.len()).finish_non_exhaustive()
    }
}
