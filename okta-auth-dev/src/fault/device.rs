//! Faults of the device flow.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An error or unusual behaviour of the device flow, see [`Fault::Device`](crate::Fault::Device).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeviceFault {
    /// Sets a member of the response of `/device/authorize`, or removes it if the value is null. Several such faults
    /// with different names can be active.
    ///
    /// A client must wait 5 s between polls if `interval` is missing (RFC 8628 §3.2), must not show control characters
    /// of `user_code`, and should check that `verification_uri` belongs to its issuer, because it sends its user there.
    Member(String, Value),
    /// 429 with `too_many_user_codes`.
    TooManyUserCodes,
    /// The body of `/device/authorize` exceeds 2 MiB.
    Huge,
    /// A poll is answered with `authorization_pending`, whatever the user decided.
    Pending,
    /// A poll is answered with `slow_down`. A client must wait 5 s longer from then on (RFC 8628 §3.5).
    SlowDown,
    /// A poll is answered with `expired_token`. A client must stop.
    Expired,
    /// A poll is answered with `access_denied`. A client must stop.
    Denied,
}
