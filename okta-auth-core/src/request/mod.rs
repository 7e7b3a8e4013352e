//! What the headers of a request say: its credentials, its kind, and whether it comes from the application's own pages.
//!
//! All headers are read in one pass ([`ParsedHeaders`]), before anything is decided about the request.

mod loopback;
mod navigation;
mod origin;
mod parsed_headers;

pub(crate) use loopback::{configured_address, is_alias};
pub(crate) use navigation::{RequestKind, may_redirect};
pub(crate) use origin::{is_own_origin, is_own_request};
pub(crate) use parsed_headers::ParsedHeaders;
