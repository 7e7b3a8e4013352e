//! What the adapters for web frameworks need, and applications do not. The facade does not re-export it, and it may
//! change with every release.
//!
//! # What an adapter does
//!
//! 1. Before the handler: [`Layer::admit`] authenticates the request and evaluates the policies of its route, at once
//!    or after waiting. The [`RequestContext`] goes into the request's extensions.
//! 2. Extractors find the context by [`LayerCall::context`] and ask it for what they return. A [`Rejection`] becomes a
//!    response with a marker.
//! 3. [`LayerCall::serve`] serves the library's own paths.
//! 4. After the handler: [`challenge_in_place_of`] finds a response that the engine replaces, and
//!    [`RequestContext::answer_in_place_of`] creates the engine's. Every response is
//!    [finished](RequestContext::finish), including those of failed handlers.
//!
//! The types that handlers take and return belong to the adapter, because only its crate can implement the traits of
//! its framework for them. The macros [`extractors!`], [`rejections!`] and [`require_ext!`] define them.
//!
//! For a framework whose header types are not those of `http` 1, [`Headers`] reads the headers in place, and
//! [`RequestContext::header_changes_for`] returns a list of header changes.

mod engine;
mod extractors;
mod layer;
#[cfg(feature = "proxy")]
mod proxy;
mod rejection;
mod rejections;
mod require;
mod routes;
mod serve;
mod user_token;

pub use engine::Engine;
pub use layer::{Admission, Incoming, Layer, PendingAdmission, challenge_in_place_of};
pub use rejection::{LayerCall, Rejection};
pub use routes::{Candidates, RequestRoute};
pub use serve::BodyError;

pub use crate::bearer::BearerToken;
pub use crate::engine::RequestContext;
pub use crate::engine::authenticate::{Authentication, PendingAuthentication};
pub use crate::engine::signed_in::SignedIn;
pub use crate::headers::{Head, HeaderText, Headers};
pub use crate::policy::route_access::MatchedRoute;
#[cfg(feature = "proxy")]
pub use crate::proxy::response_body::ProxyBody;
#[cfg(feature = "proxy")]
pub use crate::proxy::stream::{BodyFailure, PartSender, PartStream, parts};
#[cfg(feature = "proxy")]
pub use crate::proxy::tunnel::connect;
pub use crate::response::{Challenge, FixedHeader, Reply, ResponseHeaderChanges};
pub use crate::routing::{Endpoint, RefreshTiming, RouteOptions, RouteOwner, route_conflict};
pub use crate::session::SessionEnded;
pub use crate::session::limits::Activity;
pub use crate::{__extractors as extractors, __rejections as rejections, __require_ext as require_ext};

use crate::error::{Code, Error};

/// Creates the error for a setting of an adapter that cannot work. The message names the fix.
pub fn invalid_setting(message: String) -> Error {
    Error::new(Code::ConfigInvalid, message)
}
