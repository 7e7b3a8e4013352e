//! Faults of pushed authorization requests (RFC 9126).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::milliseconds;

/// An error or unusual behaviour of `/par`, see [`Fault::Par`](crate::Fault::Par).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ParFault {
    /// The status is 201, as RFC 9126 §2.2 requires it. Okta's documentation shows 200, so a client must accept both.
    Created,
    /// Sets a member of the response, or removes it if the value is null. Several such faults with different names can
    /// be active. Both members, `request_uri` and `expires_in`, are required.
    Member(String, Value),
    /// An OAuth error. A client must not fall back to an ordinary authorization request.
    Error {
        /// The status.
        status: u16,
        /// The member `error`.
        error: String,
        /// The member `error_description`.
        description: String,
    },
    /// 429 with `X-Rate-Limit-*` headers. A client assertion is used up all the same.
    RateLimited,
    /// An HTML page with status 200.
    Html,
    /// The body exceeds 2 MiB.
    Huge,
    /// The response is delayed by this long, in real time.
    Slow(#[serde(with = "milliseconds")] Duration),
    /// A redirect (307) to the same endpoint. A client that follows it sends its credentials along.
    Redirect,
    /// The request URI has expired by the time of the authorization request, whose page shows the error.
    Expired,
}
