//! The library's own responses: pages and JSON, errors, challenges, and the headers that a session needs.
//!
//! A [`Responder`] creates them for one request. It knows the settings and the reference of the request, and no
//! session. Users get a stable code and a next step. The cause is only in the log.

mod challenge;
mod document;
mod error_page;
mod header_changes;
mod page;
mod reply;
pub(crate) mod resource_metadata;
mod responder;
mod sign_in_pages;
mod unauthenticated;

pub use challenge::Challenge;
pub(crate) use challenge::ChallengeReason;
pub(crate) use document::escape;
pub(crate) use header_changes::Dependence;
pub use header_changes::{FixedHeader, ResponseHeaderChanges};
pub(crate) use page::Page;
pub use reply::Reply;
pub(crate) use reply::{add_cookies, carry_over, html, json, method_not_allowed, see_other, with_body};
pub(crate) use responder::Responder;
