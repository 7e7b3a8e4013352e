//! What happened, for those who have to know: one stream of typed events.
//!
//! An event goes to the log (`tracing`, target `okta_auth`), to the counters of the
//! feature `metrics`, and to the hooks that an application adds with
//! [`OktaAuthBuilder::on_event`](super::engine::OktaAuthBuilder::on_event), in this
//! order:
//!
//! ```
//! use okta_auth_core::{OktaAuth, config::ConfigBuilder, events::Event};
//!
//! fn audit(event: &Event) {
//!     // Quick, or into a channel: a request is waiting.
//!     println!("{} {} {} {:?}", event.time().seconds(), event.name(), event.reason(), event.subject());
//! }
//! # fn main() -> Result<(), okta_auth_core::error::Error> {
//! # let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
//! let auth = OktaAuth::builder(config).on_event(audit).build()?;
//! # drop(auth); Ok(())
//! # }
//! ```
//!
//! What takes longer, such as a database, goes into a channel. Whether a full one loses
//! events or stops requests is then the application's own decision:
//!
//! ```
//! use std::sync::mpsc::{SyncSender, sync_channel};
//! use okta_auth_core::events::{Event, Happening};
//!
//! fn to_channel(sender: SyncSender<Event>) -> impl Fn(&Event) + Send + Sync + 'static {
//!     move |event| {
//!         // Everything but the start of sign-ins, which any robot can cause.
//!         if !matches!(event.happening(), Happening::SignInStarted) {
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
//! Names and reasons are stable. Where a reason is a code, it is one of [`Code`].
//!
//! | event | reason | when |
//! |---|---|---|
//! | `sign_in_started` | `ok` | a browser was sent to Okta |
//! | `sign_in_succeeded` | `ok` | somebody came back, was verified, and has a session |
//! | `sign_in_failed` | a code | a sign-in could not be started or completed |
//! | `sign_in_refused` | `sign_in_refused` | the application's `on_sign_in` said no |
//! | `session_renewed` | `ok` | Okta gave new tokens, and they are written down |
//! | `renewal_failed` | a code | it did not, or they are not; the session stays, and it is tried again |
//! | `step_up_asked` | `step_up_required` | a policy asks for a stronger or a more recent sign-in |
//! | `access_denied` | that of the decision, or `route_unmatched`, `route_misspelled`, `route_unnamed` | a policy refused a request, or no policy could be asked about its route |
//! | `session_ended` | an [`EndReason`] | a session ended before its limits |
//! | `logout_received` | `ok` or a code | a sign-out message came from outside; `ok` if it was carried out |
//! | `store_unavailable` | a [`StoreUse`] | the store of sessions did not answer a request |
//!
//! A renewal that Okta refuses for good is a `session_ended` and no `renewal_failed`.
//! What a policy says of a caller whom a handler asks about is no event: nobody was
//! refused.
//!
//! With sessions in cookies it is not known which sessions a message from outside ends:
//! there is the `logout_received`, and a `session_ended` only for the session whose
//! cookie came along.
//!
//! # References
//!
//! Everything that happens in one request has one [`Reference`], which the error page
//! and the JSON of an error show. It is random and never taken from the request. A
//! renewal is done for all the requests that wait for it, and what an application ends
//! outside of a request is of none: their events have references of their own.
//!
//! A user who reads a reference out over the telephone thus leads to every line of the
//! log, and to every event, of the request that failed. To show it on pages of its own
//! an application asks [`Visit::reference`](super::engine::Visit::reference). It is
//! made when it is first needed: the requests of people who are signed in, and of
//! tokens that are good, have none and pay for none.
//!
//! # What is in the log
//!
//! Name, reason, reference, issuer, client and the session's id, which is no secret; of
//! errors the message, Okta's `error` and `error_description`, and the whole chain of
//! causes. The library writes nothing personal: no subject, no e-mail address, no name.
//! Okta's descriptions are its own text, escaped and cut after 500 characters; they are
//! in the log alone, and no page, hook or metric gets them. A hook can read the subject.
//! Nothing gets a token.
//!
//! | level | events |
//! |---|---|
//! | `warn` | what failed: `sign_in_failed`, `renewal_failed`, `store_unavailable`, a refused `logout_received`; a `session_ended` whose new tokens do not fit the session |
//! | `info` | everything else |
//!
//! What strangers alone can cause is `info`: a callback without a pending sign-in, or
//! with a made-up code; a sign-out message that the issuer has not signed; a host of no
//! tenant. There is one warning a second for each kind of failure. Further failures of
//! that second are `info`, and the next warning has their number as `suppressed`.
//!
//! Without a `tracing` subscriber there is no log. The first error of a process then
//! writes one line to stderr that says so.

mod event;
mod first_error;
mod happening;
pub mod metrics;
mod reference;
mod severity;
mod stream;

pub use event::Event;
pub use happening::{EndReason, Happening, LogoutChannel, StoreUse};
pub use reference::Reference;

pub(crate) use event::About;
pub(crate) use first_error::first_error;
pub(crate) use metrics::{Measure, ProviderEndpoint};
pub(crate) use stream::{EventHook, Events};

#[doc(inline)]
pub use crate::error::Code;
