//! The faults a test can switch on: one for each thing a relying party must notice.
//!
//! The list follows the OpenID conformance suite (the modules for relying parties), the
//! FAPI client tests as far as Okta's protocol has their subject, and attacks that are
//! known by name. Where a specification demands a check, the variant names the section.

mod board;
mod milliseconds;

pub(crate) use board::Board;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something the org does wrong, or badly, on request.
///
/// [`crate::Org::fault`] switches one on until it is cleared,
/// [`crate::Org::fault_once`] for the next request it applies to. Where a value is
/// merely wrong, it is the right one with `1`, `invalid` or `INVALID` appended, as in
/// the OpenID conformance suite, so that careless prefix comparisons show. Faults
/// combine, except two of the same kind: the later one replaces the earlier.
///
/// Some variants are not faults but merely unusual, and an app must accept them; they
/// say so. Without them a test could be passed by refusing everything.
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
    /// `iss` is the issuer with `1` appended. An app must compare the whole issuer
    /// (OpenID Connect Core §3.1.3.7, 2).
    IdTokenIssuer,
    /// No `sub`. `sub` is required (Core §2).
    IdTokenNoSub,
    /// `sub` is empty.
    IdTokenSubEmpty,
    /// `sub` has 256 characters; 255 are allowed (OpenID Connect Core §2).
    IdTokenSubTooLong,
    /// `aud` is the client id with `1` appended. An app must find its own client id
    /// (Core §3.1.3.7, 3).
    IdTokenAudience,
    /// No `aud`. `aud` is required (Core §2).
    IdTokenNoAudience,
    /// `aud` is an array with the client id alone: unusual, but right. An app must
    /// accept it.
    IdTokenAudienceArray,
    /// `aud` has a second, unknown entry, and there is no `azp`. An app must refuse
    /// audiences that it does not trust (Core §3.1.3.7, 3).
    IdTokenExtraAudience,
    /// `aud` has a second, unknown entry, and `azp` is the client id. The second
    /// audience is as unknown as before; `azp` does not make it trusted.
    IdTokenExtraAudienceWithAzp,
    /// `azp` is the client id with `1` appended. An app that finds `azp` should compare
    /// it with its client id (Core §3.1.3.7, 5).
    IdTokenAzp,
    /// No `iat`. `iat` is required (Core §2).
    IdTokenNoIat,
    /// `iat` is a string. A `NumericDate` is a number (RFC 7519 §2).
    IdTokenIatString,
    /// `iat` is an hour ahead. `exp` moves along, so only `iat` is wrong.
    IdTokenIssuedInFuture,
    /// No `exp`. `exp` is required (Core §2).
    IdTokenNoExp,
    /// `exp` was six minutes ago: more than any sensible leeway. The conformance suite
    /// uses the same distance.
    IdTokenExpired,
    /// `exp` is a number with a fraction. Legal JSON, and legal by the letter of RFC
    /// 7519 §2; Okta never sends it.
    IdTokenExpFloat,
    /// `exp` is a string.
    IdTokenExpString,
    /// `nbf` is an hour ahead. Nothing may be accepted before its time (RFC 7519
    /// §4.1.5).
    IdTokenNotBefore,
    /// `nonce` is the right one with `1` appended. The nonce ties the token to the
    /// request of this browser (Core §3.1.3.7, 11).
    IdTokenNonce,
    /// No `nonce`, although one was sent. A verifier that compares only what is there
    /// lets this one pass.
    IdTokenNoNonce,
    /// `at_hash` belongs to another access token. Optional with a code, but to be
    /// checked when it is there (Core §3.1.3.8).
    IdTokenAtHash,
    /// No `at_hash`. An app must accept it with a code.
    IdTokenNoAtHash,
    /// No `auth_time`, although Okta always sends it. An app that sent `max_age` must
    /// refuse it (Core §3.1.2.1).
    IdTokenNoAuthTime,
    /// `auth_time` was a day ago, whatever `max_age` asked for. An app that sent
    /// `max_age` must compare (Core §3.1.3.7, 13).
    IdTokenOldAuthTime,
    /// Sets the claim to the value, or removes it when the value is null. Several such
    /// faults with different names are on at the same time.
    IdTokenClaim(String, Value),
    /// `sub` appears twice in the JSON, with two values. Parsers disagree about which
    /// one counts; a strict one refuses (RFC 7519 §4).
    IdTokenDuplicateClaim,
    // -- header, signature and shape of the ID token ---------------------------------------------------------------
    /// Sets the member of the JOSE header to the value, or removes it when the value is
    /// null. The signature covers the changed header, so it stays right. Interesting
    /// members are `crit`, `b64`, `jku`, `jwk`, `x5u`, `typ`, `kid` and `alg`.
    IdTokenHeader(String, Value),
    /// `alg` is `none` and the signature is empty. No app may accept it unless it
    /// registered for it (Core §3.1.3.7, 7).
    IdTokenAlgNone,
    /// HS256, keyed with the PEM of the published RSA key. Whoever lets the token
    /// choose the algorithm takes the public key for a secret (RFC 8725 §2.1).
    IdTokenAlgHs256WithRsaPublicKey,
    /// HS256, keyed with the client secret. Legal OpenID Connect, but nothing that Okta
    /// would send: an app expects RS256.
    IdTokenAlgHs256WithSecret,
    /// Properly signed with ES256 and a published key. For an app that expects RS256
    /// the algorithm alone is wrong.
    IdTokenAlgEs256,
    /// Properly signed with ES384 and a published key.
    IdTokenAlgEs384,
    /// Properly signed with PS256 and a published key.
    IdTokenAlgPs256,
    /// Properly signed with RS384 and a published key.
    IdTokenAlgRs384,
    /// Properly signed with RS512 and a published key.
    IdTokenAlgRs512,
    /// Properly signed with Ed25519 and a published key.
    IdTokenAlgEdDsa,
    /// Every byte of the signature is XORed with `0x5A`. The conformance suite does the
    /// same.
    IdTokenBadSignature,
    /// No `kid` in the header. Combine it with [`Fault::KeysSingle`] or
    /// [`Fault::KeysManyRsaNoKid`]. With one suitable key an app may use it; with
    /// several it may try them or refuse (Core §10.1).
    IdTokenNoKid,
    /// Signed with a key that is published with `use=enc`. A key is for one purpose
    /// (RFC 7517 §4.2).
    IdTokenEncKey,
    /// Signed with a key that is never published. An app may fetch the keys once more,
    /// and then must refuse.
    IdTokenUnpublishedKey,
    /// A fourth part is appended. A signed token has exactly three (RFC 7515 §7.1).
    IdTokenFourParts,
    /// The signature is missing, with its dot.
    IdTokenTwoParts,
    /// Five parts: an encrypted token, for which nobody has the key. An app should say
    /// that it has no key, not that the token is malformed.
    IdTokenJwe,
    /// The token response has no ID token. With the scope `openid` there must be one
    /// (Core §3.1.3.3).
    IdTokenMissing,
    /// The access token takes the place of the ID token. Properly signed by the same
    /// issuer, but about something else: each kind of token has rules of its own (RFC
    /// 8725 §3.12).
    IdTokenIsAccessToken,
    /// The keys rotate twice right before the ID token is signed, so that its key is in
    /// no cache. An app must fetch the keys again when it meets an unknown `kid`, and
    /// then accept (Core §10.1.1).
    RotateBeforeSigning,
    // -- keys ------------------------------------------------------------------------------------------------------
    /// Decoys come first: the same `kid` with other types and algorithms, unknown `kty`
    /// and `crv`, `use=enc`, and entries that are no keys at all. The good keys are
    /// there, last. An app must choose by `kid`, type, use and algorithm, and must not
    /// let one bad key spoil the others.
    KeysDecoys,
    /// Only the active key is listed. An app must accept it.
    KeysSingle,
    /// Several RSA keys are listed, the good ones last, none with a `kid`.
    KeysManyRsaNoKid,
    /// Another RSA key with the `kid` of the active one comes first. Identifiers should
    /// be unique (RFC 7517 §4.5), but nothing enforces it.
    KeysDuplicateKid,
    /// The body has more than 2 MiB. The padding is white space, so a client without a
    /// limit would accept it.
    KeysHuge,
    /// 500 keys are listed, the good ones last. A client may have a limit; without one
    /// it finds the key.
    KeysTooMany,
    /// This status, with an error in Okta's shape. An app with keys in its cache goes
    /// on with them.
    KeysStatus(u16),
    /// The answer takes this long, in real time. Sign-ins that need no new key must not
    /// wait for it.
    KeysSlow(#[serde(with = "milliseconds")] Duration),
    /// An HTML page with status 200.
    KeysHtml,
    /// `Cache-Control: no-cache, no-store`, as Okta sent once by mistake
    /// (OKTA-1099636). A client that obeys to the letter fetches the keys for every
    /// token: it needs a floor.
    KeysNoCache,
    /// No keys at all. An app with keys in its cache should not forget them because of
    /// this.
    KeysEmpty,
    /// A redirect to where the keys are. A client must not follow: the keys come from
    /// the place that the issuer announced.
    KeysRedirect,
    // -- metadata --------------------------------------------------------------------------------------------------
    /// `issuer` is the right one with `INVALID` appended. An app must stop (OpenID
    /// Connect Discovery §4.3): no request for authorization follows.
    DiscoveryIssuer,
    /// `jwks_uri` has a path that changes with each answer and is served; the usual
    /// path is not. An app must take the address of the keys from the metadata, never
    /// make it up.
    DiscoveryJwksPath,
    /// `token_endpoint` is on another host name (which reaches the same server). An app
    /// that does not expect it would send its secret to another place.
    DiscoveryCrossOrigin,
    /// This status, with an error in Okta's shape. An app must start all the same, and
    /// work as soon as the metadata is there.
    DiscoveryStatus(u16),
    /// The answer takes this long, in real time.
    DiscoverySlow(#[serde(with = "milliseconds")] Duration),
    /// The body has more than 2 MiB.
    DiscoveryHuge,
    /// An HTML page with status 200. What a captive portal or a proxy sends.
    DiscoveryHtml,
    /// A redirect to where the metadata is.
    DiscoveryRedirect,
    /// Sets the member to the value, or removes it when the value is null. Several with
    /// different names are on at the same time.
    DiscoveryMember(String, Value),
    /// The same for requests with a `client_id` alone: what an org shows to one app.
    DiscoveryMemberForClient(String, Value),
    /// The org's own server signs ID tokens with a key that the app is pinned to. It is
    /// published for requests with the app's `client_id` alone, and so is its place in
    /// the metadata, as at Okta. An app must accept it.
    OrgPinnedKey,
    // -- token endpoint --------------------------------------------------------------------------------------------
    /// An OAuth error. The code or refresh token is not used up. Usually
    /// `invalid_grant` with status 400.
    TokenError {
        /// The status, 400 or 401 at Okta.
        status: u16,
        /// The member `error`.
        error: String,
        /// The member `error_description`.
        description: String,
    },
    /// An error in the shape of Okta's management API. The code or refresh token is not
    /// used up. A client must understand both shapes on every endpoint.
    TokenErrorOkta {
        /// The status.
        status: u16,
        /// The member `errorCode`.
        code: String,
        /// The member `errorSummary`.
        summary: String,
    },
    /// 429 with `X-Rate-Limit-*` headers; the window ends within a minute. Okta sends
    /// no `Retry-After`: the wait is `X-Rate-Limit-Reset` minus `Date`.
    TokenRateLimited,
    /// No `expires_in`. Only recommended (RFC 6749 §5.1): an app must accept it.
    TokenNoExpiresIn,
    /// `token_type` is `bEARER`: unusual, but right. Compared without regard to case
    /// (RFC 6749 §7.1).
    TokenTypeCase,
    /// `token_type` is this instead. A client must not use a token of a type that it
    /// does not understand (RFC 6749 §7.1).
    TokenTypeOther(String),
    /// Members that no specification knows. A client must ignore them (RFC 6749 §5.1).
    TokenExtraMembers,
    /// An HTML page with status 200. The code or refresh token is not used up.
    TokenHtml,
    /// The right body, labelled `text/plain`.
    TokenWrongContentType,
    /// The right body, and text after it. What comes after a JSON value makes all of it
    /// no JSON (RFC 8259 §2).
    TokenTrailing,
    /// The members of the right body as an array, in the order of RFC 6749 §5.1. A
    /// response is an object.
    TokenArray,
    /// Status 200 with an OAuth error. The code or refresh token is not used up. The
    /// status alone does not make a response good.
    TokenOkWithError,
    /// The answer takes this long, in real time. What was asked for happened before. A
    /// client that gives up does not know whether its refresh token is still the
    /// newest.
    TokenSlow(#[serde(with = "milliseconds")] Duration),
    /// No answer, ever. What was asked for happened. Until the client gives up or the
    /// org stops.
    TokenHang,
    /// The body has more than 2 MiB.
    TokenHuge,
    /// A redirect (307) to where the token endpoint is. A client that follows sends
    /// code and secret along.
    TokenRedirect,
    /// Sets the member to the value, or removes it when the value is null. Several with
    /// different names are on at the same time.
    TokenMember(String, Value),
    // -- refresh ---------------------------------------------------------------------------------------------------
    /// The ID token of a refresh has the issuer with `1` appended. It must be the
    /// issuer of the sign-in (Core §12.2).
    RefreshIdTokenIssuer,
    /// The ID token of a refresh is about another person. It must be the person of the
    /// sign-in (Core §12.2).
    RefreshIdTokenSub,
    /// The ID token of a refresh has another audience: the client id with `1` appended.
    /// It must have that of the sign-in (Core §12.2).
    RefreshIdTokenAudience,
    /// The ID token of a refresh has another nonce than the sign-in. If there is one,
    /// it must be that of the sign-in (Core §12.2).
    RefreshIdTokenNonce,
    /// The ID token of a refresh has the nonce of the sign-in. It should have none, but
    /// this is right too (Core §12.2), and an app must accept it.
    RefreshIdTokenSameNonce,
    /// The ID token of a refresh has another `auth_time` than the sign-in. It must be
    /// that of the sign-in (Core §12.2).
    RefreshIdTokenAuthTime,
    /// The ID token of a refresh has no `auth_time`. It should be that of the sign-in
    /// (Core §12.2).
    RefreshIdTokenNoAuthTime,
    /// The response to a refresh has no ID token. There may be none (Core §12.2), and
    /// the one of the sign-in stays in use.
    RefreshIdTokenMissing,
    /// With rotation a replaced refresh token works no more, not even within the leeway
    /// or the same second: its use revokes everything. Okta always leaves a moment; an
    /// app that refreshes once for each session does not need it.
    RefreshNoLeeway,
    /// The response to a refresh has no refresh token. Then the old one stays in use
    /// (RFC 6749 §6).
    RefreshNoRefreshToken,
    // -- userinfo --------------------------------------------------------------------------------------------------
    /// `sub` is the right one with `invalid` appended. An app must compare it with the
    /// ID token, and drop the answer (Core §5.3.2).
    UserinfoSub,
    /// 401 with the challenge `invalid_token`, and no body.
    UserinfoStatus401,
    /// 403 with the challenge `insufficient_scope`, and no body.
    UserinfoStatus403,
    /// This status, without challenge.
    UserinfoStatus(u16),
    /// An HTML page with status 200.
    UserinfoHtml,
    /// The answer takes this long, in real time.
    UserinfoSlow(#[serde(with = "milliseconds")] Duration),
    /// The body has more than 2 MiB. The padding is white space.
    UserinfoHuge,
    /// A redirect to where userinfo is. A client that follows sends the access token
    /// along.
    UserinfoRedirect,
    /// Sets the member to the value, or removes it when the value is null. Several with
    /// different names are on at the same time.
    UserinfoMember(String, Value),
    // -- authorization response ------------------------------------------------------------------------------------
    /// `state` is the right one with `1` appended. An app must refuse: it did not start
    /// this (RFC 6749 §10.12).
    AuthorizeState,
    /// No `state`. As bad as a wrong one.
    AuthorizeNoState,
    /// `state` appears twice: the right one first. Parameters must not be repeated (RFC
    /// 6749 §3.1).
    AuthorizeDuplicateState,
    /// `code` appears twice: the right one first.
    AuthorizeDuplicateCode,
    /// Both `code` and `error`. An app must not use the code.
    AuthorizeErrorAndCode,
    /// Adds `iss` (RFC 9207), which Okta does not send, with this value. An app that
    /// finds another issuer than its own must refuse (RFC 9207 §2.4).
    AuthorizeIss(String),
    /// An error, delivered the way the request asked for. Without it a person can only
    /// cause errors by asking for something odd.
    AuthorizeError {
        /// The parameter `error`.
        error: String,
        /// The parameter `error_description`.
        description: String,
    },
    /// The error Okta answers with when a groups claim would carry more than 100
    /// groups.
    AuthorizeTooManyGroups,
    // -- sign-out, revocation, introspection -----------------------------------------------------------------------
    /// `state` is the right one with `1` appended. An app is signed out already and
    /// should arrive on its page all the same.
    LogoutState,
    /// No `state`.
    LogoutNoState,
    /// This status, with an OAuth error. Sign-out must go on: the session of the app
    /// has ended before.
    RevokeStatus(u16),
    /// The answer takes this long, in real time. The token is revoked before. Sign-out
    /// must not keep the person waiting for it.
    RevokeSlow(#[serde(with = "milliseconds")] Duration),
    /// This status, with an OAuth error. An API cannot tell, so it must not let anybody
    /// in.
    IntrospectStatus(u16),
    /// The answer takes this long, in real time.
    IntrospectSlow(#[serde(with = "milliseconds")] Duration),
    /// `active` is true, whatever the token. An API must check issuer, audience, scope
    /// and expiry of the answer itself (RFC 7662 §4).
    IntrospectAlwaysActive,
    /// Sets the member to the value, or removes it when the value is null. Several with
    /// different names are on at the same time.
    IntrospectMember(String, Value),
}

impl Fault {
    /// Whether two faults are of the same kind, so that the later replaces the earlier.
    /// Claims, headers and members are of the same kind when they have the same name.
    fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::IdTokenClaim(one, _), Self::IdTokenClaim(other, _))
            | (Self::IdTokenHeader(one, _), Self::IdTokenHeader(other, _))
            | (Self::DiscoveryMember(one, _), Self::DiscoveryMember(other, _))
            | (Self::DiscoveryMemberForClient(one, _), Self::DiscoveryMemberForClient(other, _))
            | (Self::TokenMember(one, _), Self::TokenMember(other, _))
            | (Self::UserinfoMember(one, _), Self::UserinfoMember(other, _))
            | (Self::IntrospectMember(one, _), Self::IntrospectMember(other, _)) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(earlier),
        }
    }
}
