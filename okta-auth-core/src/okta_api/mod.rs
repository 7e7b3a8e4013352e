//! A client of Okta's own API: users, groups, applications, and everything else below `/api/v1`.
//!
//! It does not model Okta's resources. The application defines a type for each resource, with the members that it
//! needs. This client does what all resources have in common:
//!
//! - The token comes from the org's own server, by the client credentials grant, with the configured client
//!   authentication. Okta requires `private_key_jwt` there.
//! - A list is a stream. Its pages are connected by `Link: rel="next"`.
//! - An error of Okta is an [`Error`](crate::Error), and [`ErrorResponse::of`] returns its `errorCode`, its summary and
//!   its causes.
//! - Requests wait for the end of a rate limit, and one of them tests whether it has ended.
//!
//! # Retries
//!
//! | Okta's answer | retried | after |
//! |---|---|---|
//! | 401 with `invalid_token` | once, with a new token | no wait |
//! | 429 | up to [`max_retries`](OktaApi::max_retries) times | `Retry-After`, or `X-Rate-Limit-Reset` by the server's `Date` |
//! | 429 about concurrent requests | the same | a second, then two, then four |
//! | 5xx, or a broken connection | the same; GET, PUT and DELETE only | the same, or `Retry-After` |
//! | a timeout, or any other answer | never | - |
//!
//! Okta has not acted on a request that it answers with 401 or 429, so a POST is retried after these too. A retry names
//! the first request in `X-Okta-Retry-For`, and its own number in `X-Okta-Retry-Count`.
//!
//! # Protections
//!
//! - Requests go to the org only: no redirect is followed, and a link to a next page is followed only within `/api/v1`
//!   of the org.
//! - A segment of a path is data. It cannot contain a slash, and it cannot be `.` or `..`.
//! - Responses are bounded in size, and wiped from memory when they have been parsed. Errors contain no token; texts of
//!   Okta in them are escaped and bounded.

mod body;
mod client;
mod error_response;
mod link;
mod list;
mod path;
mod rate_gate;
mod repetition;
mod request;
mod sender;

pub use client::OktaApi;
pub use error_response::ErrorResponse;
pub use list::List;
pub use request::ApiRequest;
