//! Faults of Okta's API.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::milliseconds;

/// An error or unusual behaviour of `/api/v1`, see [`Fault::Api`](crate::Fault::Api).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ApiFault {
    /// This status, with `E0000009`.
    Status(u16),
    /// 429 with `E0000047`; the window ends within a minute. A client waits until `X-Rate-Limit-Reset`, by the clock of
    /// the header `Date`.
    RateLimited,
    /// 429 with `X-Rate-Limit-Limit` and `X-Rate-Limit-Remaining` of 0: too many concurrent requests.
    /// `X-Rate-Limit-Reset` is only a suggestion.
    ConcurrencyLimited,
    /// 401 with `E0000011`, as for a revoked token. A client gets a new token once, and must not loop.
    InvalidToken,
    /// The response is delayed by this long, in real time.
    Slow(#[serde(with = "milliseconds")] Duration),
    /// The body exceeds 2 MiB.
    Huge,
    /// An HTML page with status 200.
    Html,
    /// A redirect (307) to the same resource. A client that follows it sends its token along.
    Redirect,
    /// The URL of the next page has another host name, which reaches the same server. A client that follows it could
    /// send its token to another server.
    NextElsewhere,
    /// The URL of the next page is that of the current page. A client that follows it without a check never ends.
    NextLoop,
    /// All links are in one header, with a parameter that contains commas, and with `rel` unquoted: unusual, but
    /// correct (RFC 8288 §3).
    LinksInOneHeader,
}
