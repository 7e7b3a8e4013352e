//! Faults of ID-JAGs (Cross App Access).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An error or unusual behaviour of an ID-JAG or of the access token that it is exchanged for, see
/// [`Fault::IdJag`](crate::Fault::IdJag).
///
/// A resource's authorization server must detect the wrong grants. The org's own custom servers reject them as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IdJagFault {
    // -- the grant -------------------------------------------------------------------------------------------------
    /// Sets the claim to the value, or removes it if the value is null. Several such faults with different names can be
    /// active.
    Claim(String, Value),
    /// Sets the member of the JOSE header to the value, or removes it if the value is null.
    Header(String, Value),
    /// `iss` is the org's URL with `1` appended.
    Issuer,
    /// `aud` is the requested audience with `1` appended.
    Audience,
    /// `aud` is an array with a second entry. A grant has exactly one audience.
    ExtraAudience,
    /// `client_id` has `1` appended. It must be the client that presents the grant.
    ClientId,
    /// `typ` is `JWT`. Only `oauth-id-jag+jwt` makes a grant.
    Type,
    /// The grant expired six minutes ago.
    Expired,
    /// `iat` is an hour ahead.
    IssuedInFuture,
    /// The grant is valid for an hour; Okta allows five minutes.
    TooLong,
    /// No `jti`, so that a replay cannot be detected.
    NoJti,
    /// The client's previous grant is returned again.
    Replayed,
    /// `act` has eleven nested actors.
    DeepActor,
    /// Every byte of the signature is XORed with `0x5A`.
    BadSignature,
    /// Signed with a key that is never published.
    UnpublishedKey,
    /// `alg` is `none` and the signature is empty.
    AlgNone,
    // -- the response ----------------------------------------------------------------------------------------------
    /// `token_type` is `Bearer`: unusual, but Okta's documentation shows it. A client must accept it, and must not use
    /// the grant as an access token.
    TokenTypeBearer,
    /// An ID token or an access token instead of a grant: `issued_token_type` is this value. A client must check it
    /// (RFC 8693 §2.2.1).
    IssuedTokenType(String),
    // -- the access token ------------------------------------------------------------------------------------------
    /// The access token that the grant is exchanged for also has `ver`, `jti`, `cid` and `uid`. Okta's documentation
    /// leaves open whether it has them, so an API must accept both.
    AccessTokenWithClient,
}
