//! Delivers events to the log, the counters and the hooks.
//!
//! 1. The log comes first, so that an event is logged even if a later step fails.
//! 2. Then the counters, which take almost no time.
//! 3. Then the hooks, in the order in which they were added.
//!
//! All of them run synchronously, before the response is sent. Nothing is queued here: a full queue would have to drop
//! events or block requests, and only the application can decide between the two.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::correlation_id::CorrelationId;
use super::event::{Event, EventProvider, EventSubject};
use super::first_error::first_error;
use super::kind::EventKind;
use super::metrics;
use super::severity::{Severity, Warnings};
use crate::clock::SharedClock;
use crate::error::Error;

pub(crate) type EventHook = Arc<dyn Fn(&Event) + Send + Sync + 'static>;

/// The events of one application, with its issuer and client, or of requests without a tenant.
pub(crate) struct Events {
    provider: Option<EventProvider>,
    clock: SharedClock,
    hooks: Arc<[EventHook]>,
    warnings: Warnings,
}

impl Events {
    /// Creates the events of an issuer and a client, or without both.
    pub(crate) fn new(provider: Option<(&str, &str)>, clock: SharedClock, hooks: Arc<[EventHook]>) -> Self {
        metrics::describe();
        let provider =
            provider.map(|(issuer, client_id)| EventProvider { issuer: issuer.into(), client_id: client_id.into() });
        Self { provider, clock, hooks, warnings: Warnings::default() }
    }

    /// Emits an event to the log, the counters and the hooks.
    ///
    /// `error` is only logged: its message and its cause are for operators, and may change between releases. Hooks get
    /// its code as the event's reason.
    pub(crate) fn emit(&self, kind: EventKind, reference: CorrelationId, about: EventSubject, error: Option<&Error>) {
        let event = Event { kind, time: self.clock.now(), provider: self.provider.clone(), reference, about };
        event.log(self.warnings.of_event(&event.kind, error), error);
        metrics::count(event.name(), event.reason());
        for hook in &*self.hooks {
            // A panic must not propagate, because the caller may hold the only copy of new tokens. Unwind safety: a
            // hook can leave only its own state inconsistent.
            if catch_unwind(AssertUnwindSafe(|| hook(&event))).is_err() {
                tracing::error!(target: "okta_auth", event = event.name(), "an `on_event` hook panicked");
            }
        }
    }
}

impl Events {
    /// Logs an error without an event. Operators get the details; the user gets the code and the reference. `anonymous`
    /// if the request had no session.
    pub(crate) fn log(&self, error: &Error, reference: CorrelationId, anonymous: bool) {
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

/// One log line. The fields are evaluated only if a subscriber is interested.
///
/// Every field appears in every log, so it must not be personal data, a secret, or text from a browser. Of the
/// provider's text only `provider_error`, `provider_description` and `cause` are included, each bounded and escaped.
macro_rules! line {
    ($level:ident, $event:expr, $suppressed:expr, $error:expr) => {
        tracing::$level!(
            target: "okta_auth",
            event = $event.name(),
            reason = $event.reason(),
            reference = %$event.reference,
            issuer = $event.issuer(),
            client = $event.client_id(),
            session = $event.about.session.map(|id| id.to_string()),
            actor = $event.logged_actor(),
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
            $event.kind.sentence(),
            $error.map_or_else(String::new, |error| format!(": {error}"))
        )
    };
}

impl Event {
    /// Logs the event. The line has no personal data, unless Okta's own description of an error contains some.
    fn log(&self, severity: Severity, error: Option<&Error>) {
        if self.kind.is_failure() {
            first_error();
        }
        match severity {
            Severity::Info => line!(info, self, None::<u64>, error),
            Severity::Warning { suppressed } => line!(warn, self, (suppressed > 0).then_some(suppressed), error),
        }
    }

    /// The actor, unless its id is an e-mail address, which is personal data.
    fn logged_actor(&self) -> Option<&str> {
        self.actor().filter(|actor| !actor.contains('@'))
    }

    fn channel(&self) -> Option<&'static str> {
        if let EventKind::LogoutReceived { channel, .. } = self.kind { Some(channel.as_str()) } else { None }
    }

    fn sessions(&self) -> Option<usize> {
        if let EventKind::LogoutReceived { sessions, .. } = self.kind { sessions } else { None }
    }

    fn policy(&self) -> Option<&str> {
        match &self.kind {
            EventKind::StepUpAsked { policy } | EventKind::AccessDenied { policy, .. } => policy.as_deref(),
            _ => None,
        }
    }
}

opaque_debug!(Events, |it| hooks: it.hooks.len());
