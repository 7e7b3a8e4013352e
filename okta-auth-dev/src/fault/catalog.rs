//! The list follows the OpenID conformance suite (the modules for relying parties), the FAPI client tests that apply to
//! Okta's protocol, and attacks known by name. Where a specification requires a check, the variant names the section.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::ApiFault;
use super::device::DeviceFault;
use super::dpop::DpopFault;
use super::id_jag::IdJagFault;
use super::jwe::JweFault;
use super::milliseconds;
use super::par::ParFault;

/// An error or unusual behaviour of the org, enabled on request.
///
/// [`crate::Org::fault`] enables one until it is cleared, [`crate::Org::fault_once`] for the next request it applies
/// to. A wrong value is the correct one with `1`, `invalid` or `INVALID` appended, as in the OpenID conformance suite,
/// so that prefix comparisons fail. Faults combine, except two of the same kind: the later one replaces the earlier
/// one.
///
/// Some variants are not errors but unusual, correct behaviour that an app must accept; their documentation says so.
/// They detect an app that passes the other tests by rejecting everything.
///
/// ```
/// # async fn example(login_redirect: &str) -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{ADA, Fault, Org};
/// use serde_json::json;
///
/// let org = Org::start().await?;
/// org.fault_once(Fault::IdTokenClaim("email_verified".into(), json!(false)));
/// let response = org.sign_in(login_redirect, ADA).await?;
/// // The app exchanges `response.param("code")` and must not trust the address.
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    // -- claims of the ID token ------------------------------------------------------------------------------------
    /// `iss` is the issuer with `1` appended. An app must compare the complete issuer (OpenID Connect Core §3.1.3.7,
    /// 2).
    IdTokenIssuer,
    /// No `sub`. `sub` is required (Core §2).
    IdTokenNoSub,
    /// `sub` is empty.
    IdTokenSubEmpty,
    /// `sub` has 256 characters; 255 are allowed (OpenID Connect Core §2).
    IdTokenSubTooLong,
    /// `aud` is the client id with `1` appended. An app must find its own client id (Core §3.1.3.7, 3).
    IdTokenAudience,
    /// No `aud`. `aud` is required (Core §2).
    IdTokenNoAudience,
    /// `aud` is an array with only the client id: unusual, but correct. An app must accept it.
    IdTokenAudienceArray,
    /// `aud` has a second, unknown entry, and there is no `azp`. An app must reject audiences that it does not trust
    /// (Core §3.1.3.7, 3).
    IdTokenExtraAudience,
    /// `aud` has a second, unknown entry, and `azp` is the client id. `azp` does not make the second audience trusted.
    IdTokenExtraAudienceWithAzp,
    /// `azp` is the client id with `1` appended. An app should compare a present `azp` with its client id (Core
    /// §3.1.3.7, 5).
    IdTokenAzp,
    /// No `iat`. `iat` is required (Core §2).
    IdTokenNoIat,
    /// `iat` is a string. A `NumericDate` is a number (RFC 7519 §2).
    IdTokenIatString,
    /// `iat` is an hour ahead. `exp` is shifted as well, so only `iat` is wrong.
    IdTokenIssuedInFuture,
    /// No `exp`. `exp` is required (Core §2).
    IdTokenNoExp,
    /// `exp` was six minutes ago, more than any reasonable leeway. The conformance suite uses the same value.
    IdTokenExpired,
    /// `exp` is a number with a fraction. This is valid JSON, and valid by RFC 7519 §2; Okta never sends it.
    IdTokenExpFloat,
    /// `exp` is a string.
    IdTokenExpString,
    /// `nbf` is an hour ahead. A token must not be accepted before its `nbf` (RFC 7519 §4.1.5).
    IdTokenNotBefore,
    /// `nonce` is the correct one with `1` appended. The nonce binds the token to the request of this browser (Core
    /// §3.1.3.7, 11).
    IdTokenNonce,
    /// No `nonce`, although the request had one. A verifier that compares the nonce only if it is present accepts this
    /// token.
    IdTokenNoNonce,
    /// `at_hash` belongs to another access token. It is optional with a code, but must be checked if it is present
    /// (Core §3.1.3.8).
    IdTokenAtHash,
    /// No `at_hash`. An app must accept it with a code.
    IdTokenNoAtHash,
    /// No `auth_time`, although Okta always sends it. An app that sent `max_age` must reject the token (Core §3.1.2.1).
    IdTokenNoAuthTime,
    /// `auth_time` was a day ago, regardless of `max_age`. An app that sent `max_age` must compare (Core §3.1.3.7, 13).
    IdTokenOldAuthTime,
    /// Sets the claim to the value, or removes it if the value is null. Several such faults with different names can be
    /// active.
    IdTokenClaim(String, Value),
    /// `sub` appears twice in the JSON, with two values. Parsers disagree about which value counts; a strict parser
    /// rejects the token (RFC 7519 §4).
    IdTokenDuplicateClaim,
    // -- header, signature and shape of the ID token ---------------------------------------------------------------
    /// Sets the member of the JOSE header to the value, or removes it if the value is null. The signature covers the
    /// changed header, so it stays valid. Interesting members are `crit`, `b64`, `jku`, `jwk`, `x5u`, `typ`, `kid` and
    /// `alg`.
    IdTokenHeader(String, Value),
    /// `alg` is `none` and the signature is empty. An app must reject it unless it registered for it (Core §3.1.3.7,
    /// 7).
    IdTokenAlgNone,
    /// HS256, keyed with the PEM of the published RSA key. An app that lets the token choose the algorithm uses the
    /// public key as a secret (RFC 8725 §2.1).
    IdTokenAlgHs256WithRsaPublicKey,
    /// HS256, keyed with the client secret. This is valid OpenID Connect, but Okta never sends it: an app expects
    /// RS256.
    IdTokenAlgHs256WithSecret,
    /// Correctly signed with ES256 and a published key. For an app that expects RS256, only the algorithm is wrong.
    IdTokenAlgEs256,
    /// Correctly signed with ES384 and a published key.
    IdTokenAlgEs384,
    /// Correctly signed with PS256 and a published key.
    IdTokenAlgPs256,
    /// Correctly signed with RS384 and a published key.
    IdTokenAlgRs384,
    /// Correctly signed with RS512 and a published key.
    IdTokenAlgRs512,
    /// Correctly signed with Ed25519 and a published key.
    IdTokenAlgEdDsa,
    /// Every byte of the signature is XORed with `0x5A`, as in the conformance suite.
    IdTokenBadSignature,
    /// No `kid` in the header. Combine it with [`Fault::KeysSingle`] or [`Fault::KeysManyRsaNoKid`]. With one suitable
    /// key, an app may use it; with several, it may try them or reject the token (Core §10.1).
    IdTokenNoKid,
    /// Signed with a key that is published with `use=enc`. A key has one purpose (RFC 7517 §4.2).
    IdTokenEncKey,
    /// Signed with a key that is never published. An app may fetch the keys again, and then must reject the token.
    IdTokenUnpublishedKey,
    /// A fourth part is appended. A signed token has exactly three (RFC 7515 §7.1).
    IdTokenFourParts,
    /// The signature and its dot are missing.
    IdTokenTwoParts,
    /// Five parts: an encrypted token without a recipient key. An app should report that it has no key, not that the
    /// token is malformed.
    IdTokenJwe,
    /// The token response has no ID token. With the scope `openid` it is required (Core §3.1.3.3).
    IdTokenMissing,
    /// The access token replaces the ID token. It is correctly signed by the same issuer, but each kind of token has
    /// its own rules (RFC 8725 §3.12).
    IdTokenIsAccessToken,
    /// The keys rotate twice immediately before the ID token is signed, so that no cache has its key. An app must fetch
    /// the keys again for an unknown `kid`, and then accept the token (Core §10.1.1).
    RotateBeforeSigning,
    // -- keys ------------------------------------------------------------------------------------------------------
    /// Decoys come first: the same `kid` with other types and algorithms, unknown `kty` and `crv`, `use=enc`, and
    /// entries that are not keys. The good keys come last. An app must select by `kid`, type, use and algorithm, and
    /// must not let an invalid key affect the others.
    KeysDecoys,
    /// Only the active key is listed. An app must accept it.
    KeysSingle,
    /// Several RSA keys are listed, the good ones last, none with a `kid`.
    KeysManyRsaNoKid,
    /// Another RSA key with the `kid` of the active one comes first. Key ids should be unique (RFC 7517 §4.5), but this
    /// is not enforced.
    KeysDuplicateKid,
    /// Each listed key has this member, for example `d` of a private key. A client must not use a private key that was
    /// published.
    KeysMember(String, Value),
    /// The body exceeds 2 MiB. The padding is white space, so a client without a limit would accept it.
    KeysHuge,
    /// 500 keys are listed, the good ones last. A client may have a limit; without one it finds the key.
    KeysTooMany,
    /// This status, with an error in Okta's format. An app with cached keys continues to use them.
    KeysStatus(u16),
    /// The response is delayed by this long, in real time. Sign-ins that need no new key must not wait for it.
    KeysSlow(#[serde(with = "milliseconds")] Duration),
    /// An HTML page with status 200.
    KeysHtml,
    /// `Cache-Control: no-cache, no-store`, which Okta once sent by mistake (OKTA-1099636). A client that obeys it
    /// literally fetches the keys for every token, so it needs a minimum interval.
    KeysNoCache,
    /// An empty key set. An app with cached keys should keep them.
    KeysEmpty,
    /// A redirect to the keys. A client must not follow it, because keys must come from the URL that the issuer
    /// published.
    KeysRedirect,
    // -- metadata --------------------------------------------------------------------------------------------------
    /// `issuer` is the correct one with `INVALID` appended. An app must stop (OpenID Connect Discovery §4.3) and must
    /// not send an authorization request.
    DiscoveryIssuer,
    /// `jwks_uri` has a path that changes with each response and is served; the usual path is not served. An app must
    /// read the URL of the keys from the metadata and must not construct it.
    DiscoveryJwksPath,
    /// `token_endpoint` has another host name (which reaches the same server). An app that accepts this could send its
    /// secret to another server.
    DiscoveryCrossOrigin,
    /// This status, with an error in Okta's format. An app must start anyway, and work as soon as the metadata is
    /// available.
    DiscoveryStatus(u16),
    /// The response is delayed by this long, in real time.
    DiscoverySlow(#[serde(with = "milliseconds")] Duration),
    /// The body exceeds 2 MiB.
    DiscoveryHuge,
    /// An HTML page with status 200, as a captive portal or a proxy sends it.
    DiscoveryHtml,
    /// A redirect to the metadata.
    DiscoveryRedirect,
    /// Sets the member to the value, or removes it if the value is null. Several such faults with different names can
    /// be active.
    DiscoveryMember(String, Value),
    /// Changes a member like [`Fault::DiscoveryMember`], but only for requests with a `client_id`: the metadata for one
    /// app.
    DiscoveryMemberForClient(String, Value),
    /// The org's own server signs ID tokens with a key that is pinned to the app. As at Okta, only requests with the
    /// app's `client_id` get this key, and the metadata with its URL. An app must accept it.
    OrgPinnedKey,
    // -- token endpoint --------------------------------------------------------------------------------------------
    /// An OAuth error, usually `invalid_grant` with status 400. The code or refresh token is not consumed.
    TokenError {
        /// The status, 400 or 401 at Okta.
        status: u16,
        /// The member `error`.
        error: String,
        /// The member `error_description`.
        description: String,
    },
    /// An error in the format of Okta's management API. The code or refresh token is not consumed. A client must
    /// understand both formats on every endpoint.
    TokenErrorOkta {
        /// The status.
        status: u16,
        /// The member `errorCode`.
        code: String,
        /// The member `errorSummary`.
        summary: String,
    },
    /// 429 with `X-Rate-Limit-*` headers; the window ends within a minute. Okta sends no `Retry-After`: the wait is
    /// `X-Rate-Limit-Reset` minus `Date`.
    TokenRateLimited,
    /// No `expires_in`. It is only recommended (RFC 6749 §5.1), so an app must accept the response.
    TokenNoExpiresIn,
    /// `token_type` is `bEARER`: unusual, but correct, because the comparison is case-insensitive (RFC 6749 §7.1).
    TokenTypeCase,
    /// `token_type` has this value. A client must not use a token of a type that it does not understand (RFC 6749
    /// §7.1).
    TokenTypeOther(String),
    /// Unknown members. A client must ignore them (RFC 6749 §5.1).
    TokenExtraMembers,
    /// An HTML page with status 200. The code or refresh token is not consumed.
    TokenHtml,
    /// The correct body with the content type `text/plain`.
    TokenWrongContentType,
    /// The correct body, followed by text. A JSON value with trailing text is not valid JSON (RFC 8259 §2).
    TokenTrailing,
    /// The members of the correct body as an array, in the order of RFC 6749 §5.1. A response must be an object.
    TokenArray,
    /// Status 200 with an OAuth error. The code or refresh token is not consumed. A client must not rely on the status
    /// alone.
    TokenOkWithError,
    /// The response is delayed by this long, in real time, after the request was processed. A client that gives up does
    /// not know whether its refresh token is still the newest.
    TokenSlow(#[serde(with = "milliseconds")] Duration),
    /// The request is processed, but no response is sent until the client gives up or the org stops.
    TokenHang,
    /// The body exceeds 2 MiB.
    TokenHuge,
    /// A redirect (307) to the token endpoint. A client that follows it sends code and secret along.
    TokenRedirect,
    /// Sets the member to the value, or removes it if the value is null. Several such faults with different names can
    /// be active.
    TokenMember(String, Value),
    /// Sets the claim of the access token to the value, or removes it if the value is null. The signature is valid. An
    /// API must check issuer, audience and scopes itself.
    AccessTokenClaim(String, Value),
    // -- refresh ---------------------------------------------------------------------------------------------------
    /// The ID token of a refresh has the issuer with `1` appended. It must equal the issuer of the sign-in (Core
    /// §12.2).
    RefreshIdTokenIssuer,
    /// The ID token of a refresh has another user as `sub`. It must equal the `sub` of the sign-in (Core §12.2).
    RefreshIdTokenSub,
    /// The ID token of a refresh has another audience: the client id with `1` appended. It must equal the audience of
    /// the sign-in (Core §12.2).
    RefreshIdTokenAudience,
    /// The ID token of a refresh has another nonce than the sign-in. A present nonce must equal that of the sign-in
    /// (Core §12.2).
    RefreshIdTokenNonce,
    /// The ID token of a refresh has the nonce of the sign-in. It should have none, but this is allowed (Core §12.2),
    /// and an app must accept it.
    RefreshIdTokenSameNonce,
    /// The ID token of a refresh has another `auth_time` than the sign-in. It must equal that of the sign-in (Core
    /// §12.2).
    RefreshIdTokenAuthTime,
    /// The ID token of a refresh has no `auth_time`. It should have that of the sign-in (Core §12.2).
    RefreshIdTokenNoAuthTime,
    /// The response to a refresh has no ID token. It is optional (Core §12.2), and the one of the sign-in stays in use.
    RefreshIdTokenMissing,
    /// A rotated refresh token has no grace period, not even within the same second: its use revokes the whole grant.
    /// Okta always allows a short time; an app that refreshes once for each session does not need it.
    RefreshNoLeeway,
    /// The response to a refresh has no refresh token. The old one stays in use (RFC 6749 §6).
    RefreshNoRefreshToken,
    // -- userinfo --------------------------------------------------------------------------------------------------
    /// `sub` is the correct one with `invalid` appended. An app must compare it with the ID token, and discard the
    /// response (Core §5.3.2).
    UserinfoSub,
    /// 401 with the challenge `invalid_token`, and no body.
    UserinfoStatus401,
    /// 403 with the challenge `insufficient_scope`, and no body.
    UserinfoStatus403,
    /// This status, without a challenge.
    UserinfoStatus(u16),
    /// An HTML page with status 200.
    UserinfoHtml,
    /// The response is delayed by this long, in real time.
    UserinfoSlow(#[serde(with = "milliseconds")] Duration),
    /// The body exceeds 2 MiB. The padding is white space.
    UserinfoHuge,
    /// A redirect to userinfo. A client that follows it sends the access token along.
    UserinfoRedirect,
    /// Sets the member to the value, or removes it if the value is null. Several such faults with different names can
    /// be active.
    UserinfoMember(String, Value),
    // -- authorization response ------------------------------------------------------------------------------------
    /// `state` is the correct one with `1` appended. An app must reject the response, because it does not belong to a
    /// login that it started (RFC 6749 §10.12).
    AuthorizeState,
    /// No `state`. An app must reject the response, as with a wrong one.
    AuthorizeNoState,
    /// `state` appears twice, the correct one first. Parameters must not be repeated (RFC 6749 §3.1).
    AuthorizeDuplicateState,
    /// `code` appears twice, the correct one first.
    AuthorizeDuplicateCode,
    /// Both `code` and `error`. An app must not use the code.
    AuthorizeErrorAndCode,
    /// Sets `iss` (RFC 9207), which Okta does not send, to this value. An app that finds another issuer than its own
    /// must reject the response (RFC 9207 §2.4).
    AuthorizeIss(String),
    /// No `iss` in an org with [`rfc_extensions`](crate::OrgBuilder::rfc_extensions), although the metadata promises
    /// it. An app must reject the response (RFC 9207 §2.4).
    AuthorizeNoIss,
    /// An error in the requested response mode. Otherwise an app gets errors only for unusual requests.
    AuthorizeError {
        /// The parameter `error`.
        error: String,
        /// The parameter `error_description`.
        description: String,
    },
    /// Okta's error for a groups claim with more than 100 groups.
    AuthorizeTooManyGroups,
    // -- sign-out, revocation, introspection -----------------------------------------------------------------------
    /// `state` is the correct one with `1` appended. The app has already ended its session, so the user should arrive
    /// on its page anyway.
    LogoutState,
    /// No `state`.
    LogoutNoState,
    /// This status, with an OAuth error. Sign-out must continue, because the app has already ended its session.
    RevokeStatus(u16),
    /// The response is delayed by this long, in real time, after the token was revoked. Sign-out must not make the user
    /// wait for it.
    RevokeSlow(#[serde(with = "milliseconds")] Duration),
    /// This status, with an OAuth error. An API cannot verify the token, so it must deny access.
    IntrospectStatus(u16),
    /// The response is delayed by this long, in real time.
    IntrospectSlow(#[serde(with = "milliseconds")] Duration),
    /// `active` is true for every token. An API must check issuer, audience, scope and expiry of the response itself
    /// (RFC 7662 §4).
    IntrospectAlwaysActive,
    /// Sets the member to the value, or removes it if the value is null. Several such faults with different names can
    /// be active.
    IntrospectMember(String, Value),
    // -- all endpoints ---------------------------------------------------------------------------------------------
    /// The responses of the endpoint that [`Endpoint::as_str`](crate::Endpoint::as_str) names have this content type,
    /// or none if it is empty. Several such faults for different endpoints can be active.
    ContentType(String, String),
    // -- Cross App Access, device flow, Okta's API -----------------------------------------------------------------
    /// A fault of an ID-JAG, or of its access token.
    IdJag(IdJagFault),
    /// A fault of the device flow.
    Device(DeviceFault),
    /// A fault of `/api/v1`.
    Api(ApiFault),
    // -- DPoP, pushed authorization requests, encrypted ID tokens --------------------------------------------------
    /// A fault of DPoP.
    Dpop(DpopFault),
    /// A fault of `/par`.
    Par(ParFault),
    /// A fault of the encryption of ID tokens.
    Jwe(JweFault),
}
