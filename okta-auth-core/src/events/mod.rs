//! One stream of typed audit events.
//!
//! An event goes to the log (`tracing`, target `okta_auth`), to the counters of the feature `metrics`, and to the hooks
//! that an application adds with [`OktaAuthBuilder::on_event`](super::engine::OktaAuthBuilder::on_event), in this
//! order:
//!
//! ```
//! # use okta_auth_core as okta_auth;
//! use okta_auth::{OktaAuth, events::Event};
//!
//! fn audit(event: &Event) {
//!     // Quick, or into a channel: a request is waiting.
//!     println!("{} {} {} {:?}", event.time().seconds(), event.name(), event.reason(), event.subject());
//! }
//! # fn main() -> Result<(), okta_auth::error::Error> {
//! let auth = OktaAuth::builder()
//!     .from_env()
//! #   .issuer("https://acme.okta.com").client_id("0oa1")
//!     .on_event(audit)
//!     .build()?;
//! # drop(auth); Ok(())
//! # }
//! ```
//!
//! Send slow work, such as a database write, through a channel. The application then decides whether a full channel
//! drops events or blocks requests:
//!
//! ```
//! # use okta_auth_core as okta_auth;
//! use std::sync::mpsc::{SyncSender, sync_channel};
//! use okta_auth::events::{Event, EventKind};
//!
//! fn to_channel(sender: SyncSender<Event>) -> impl Fn(&Event) + Send + Sync + 'static {
//!     move |event| {
//!         // Everything but the start of sign-ins, which any robot can cause.
//!         if !matches!(event.kind(), EventKind::SignInStarted) {
//!             let _ = sender.try_send(event.clone());
//!         }
//!     }
//! }
//!
//! let (sender, events) = sync_channel(10_000);
//! let hook = to_channel(sender);
//! # let _ = (hook, events);
//! ```
//!
//! # The events
//!
//! Names and reasons are stable. A reason that is a code is one of [`Code`].
//!
//! | event | reason | when |
//! |---|---|---|
//! | `sign_in_started` | `ok` | a browser was sent to Okta |
//! | `sign_in_succeeded` | `ok` | a user came back, was verified, and has a session |
//! | `sign_in_failed` | a code | a sign-in could not be started or completed |
//! | `sign_in_refused` | `sign_in_refused` | the application's `on_sign_in` hook refused the user |
//! | `session_renewed` | `ok` | Okta issued new tokens, and they are stored |
//! | `renewal_failed` | a code | Okta issued no new tokens, or they could not be stored; the session stays, and the refresh is retried |
//! | `step_up_asked` | `step_up_required` | a policy requires a stronger or a more recent sign-in |
//! | `access_denied` | the code of the decision, or `route_unmatched`, `route_misspelled`, `route_unnamed` | a policy refused a request, or no policy could be found for its route |
//! | `session_ended` | an [`EndReason`] | a session ended before its limits |
//! | `logout_received` | `ok` or a code | a logout message arrived; `ok` if it was carried out |
//! | `store_unavailable` | a [`StoreOperation`] | the session store did not answer a request |
//!
//! If Okta rejects a refresh for good, the event is `session_ended` and not `renewal_failed`. If a handler evaluates a
//! policy itself, no event is emitted, because no request was refused.
//!
//! For sessions in cookies the library cannot tell which sessions a logout message ends. It emits `logout_received`,
//! and `session_ended` only for the session whose cookie the request contains.
//!
//! # References
//!
//! All events of one request have the same [`CorrelationId`], which the error page and the JSON of an error show. It is
//! random and never taken from the request. A refresh serves all requests that wait for it, and an application may end
//! sessions outside a request: the events of refreshes and of such calls have references of their own.
//!
//! A user can read a reference out over the telephone, and the operator finds every log line and every event of the
//! failed request. An application gets it from [`RequestContext::reference`](super::engine::RequestContext::reference)
//! to show it on its own pages. It is generated on first use, so requests with a valid session or token do not pay for
//! it.
//!
//! # What is in the log
//!
//! A line has the event's name, reason, reference, issuer, client and the session's id, which is not a secret. If an
//! agent uses an access token for its user, the line has the agent's id as `actor`, unless it is an e-mail address. For
//! errors it has the message, Okta's `error` and `error_description`, and the whole chain of causes.
//!
//! The library logs no personal data: no subject, no e-mail address, no name. Okta's descriptions are Okta's own text,
//! escaped and cut after 500 characters. They are only logged: no page, hook or metric contains them. A hook can read
//! the subject. No log line, page, hook or metric contains a token.
//!
//! | level | events |
//! |---|---|
//! | `warn` | failures: `sign_in_failed`, `renewal_failed`, `store_unavailable`, a refused `logout_received`; a `session_ended` because the new tokens do not match the session |
//! | `info` | everything else |
//!
//! Failures that an unauthenticated client can cause alone are `info`: a callback without a pending login, or with a
//! made-up code; a logout message that the issuer has not signed; a host without a tenant. Each kind of failure is
//! logged at `warn` at most once a second. Further failures within that second are `info`, and the next warning has
//! their number as `suppressed`.
//!
//! Without a `tracing` subscriber there is no log. The first error of a process then writes one line to stderr that
//! says so.

mod correlation_id;
mod event;
mod first_error;
mod kind;
pub mod metrics;
mod session_id;
mod severity;
mod stream;

pub use correlation_id::CorrelationId;
pub use event::Event;
pub use kind::{EndReason, EventKind, LogoutChannel, StoreOperation};
pub use session_id::SessionId;

pub(crate) use event::EventSubject;
pub(crate) use first_error::first_error;
pub(crate) use metrics::{Measure, ProviderEndpoint};
pub(crate) use stream::{EventHook, Events};

#[doc(inline)]
pub use crate::error::Code;
