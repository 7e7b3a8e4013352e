//! The faults a test can switch on: one for each thing a relying party must notice.

mod board;

pub(crate) use board::Board;

use std::time::Duration;

use serde_json::Value;

/// Something the org does wrong, or badly, on request.
///
/// [`crate::Org::fault`] switches one on until it is cleared, [`crate::Org::fault_once`] for the next request it applies
/// to. Where a value is merely wrong, it is the right one with `1`, `invalid` or `INVALID` appended, as in the OpenID
/// conformance suite, so that careless prefix comparisons show. Faults combine, except two of the same kind: the later
/// one replaces the earlier.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    // -- claims of the ID token ------------------------------------------------------------------------------------
    /// `iss` is the issuer with `1` appended.
    IdTokenIssuer,
    /// No `sub`.
    IdTokenNoSub,
    /// `sub` is empty.
    IdTokenSubEmpty,
    /// `sub` has 256 characters; 255 are allowed (OpenID Connect Core §2).
    IdTokenSubTooLong,
    /// `aud` is the client id with `1` appended.
    IdTokenAudience,
    /// No `aud`.
    IdTokenNoAudience,
    /// `aud` is an array with the client id alone: unusual, but right.
    IdTokenAudienceArray,
    /// `aud` has a second, unknown entry, and there is no `azp`.
    IdTokenExtraAudience,
    /// `aud` has a second, unknown entry, and `azp` is the client id.
    IdTokenExtraAudienceWithAzp,
    /// `azp` is the client id with `1` appended.
    IdTokenAzp,
    /// No `iat`.
    IdTokenNoIat,
    /// `iat` is a string.
    IdTokenIatString,
    /// `iat` is an hour ahead.
    IdTokenIssuedInFuture,
    /// No `exp`.
    IdTokenNoExp,
    /// `exp` was six minutes ago: more than any sensible leeway.
    IdTokenExpired,
    /// `exp` is a number with a fraction.
    IdTokenExpFloat,
    /// `exp` is a string.
    IdTokenExpString,
    /// `nbf` is an hour ahead.
    IdTokenNotBefore,
    /// `nonce` is the right one with `1` appended.
    IdTokenNonce,
    /// No `nonce`, although one was sent.
    IdTokenNoNonce,
    /// `at_hash` belongs to another access token.
    IdTokenAtHash,
    /// No `at_hash`.
    IdTokenNoAtHash,
    /// No `auth_time`, although Okta always sends it.
    IdTokenNoAuthTime,
    /// `auth_time` was a day ago, whatever `max_age` asked for.
    IdTokenOldAuthTime,
    /// Sets the claim to the value, or removes it when the value is null.
    IdTokenClaim(String, Value),
    /// `sub` appears twice in the JSON, with two values.
    IdTokenDuplicateClaim,
    // -- header, signature and shape of the ID token ---------------------------------------------------------------
    /// Sets the member of the JOSE header to the value, or removes it when the value is null.
    IdTokenHeader(String, Value),
    /// `alg` is `none` and the signature is empty.
    IdTokenAlgNone,
    /// HS256, keyed with the PEM of the published RSA key.
    IdTokenAlgHs256WithRsaPublicKey,
    /// HS256, keyed with the client secret.
    IdTokenAlgHs256WithSecret,
    /// Properly signed with ES256 and a published key.
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
    /// Every byte of the signature is XORed with `0x5A`.
    IdTokenBadSignature,
    /// No `kid` in the header. Combine it with [`Fault::KeysSingle`] or [`Fault::KeysManyRsaNoKid`].
    IdTokenNoKid,
    /// Signed with a key that is published with `use=enc`.
    IdTokenEncKey,
    /// Signed with a key that is never published.
    IdTokenUnpublishedKey,
    /// A fourth part is appended.
    IdTokenFourParts,
    /// The signature is missing, with its dot.
    IdTokenTwoParts,
    /// Five parts: an encrypted token, for which nobody has the key.
    IdTokenJwe,
    /// The token response has no ID token.
    IdTokenMissing,
    /// The access token takes the place of the ID token.
    IdTokenIsAccessToken,
    /// The keys rotate twice right before the ID token is signed, so that its key is in no cache.
    RotateBeforeSigning,
    // -- keys ------------------------------------------------------------------------------------------------------
    /// Decoys come first: the same `kid` with other types and algorithms, unknown `kty` and `crv`, `use=enc`, and
    /// entries that are no keys at all. The good keys are there, last.
    KeysDecoys,
    /// Only the active key is listed.
    KeysSingle,
    /// Several RSA keys are listed, the good ones last, none with a `kid`.
    KeysManyRsaNoKid,
    /// Another RSA key with the `kid` of the active one comes first.
    KeysDuplicateKid,
    /// The body has more than 2 MiB.
    KeysHuge,
    /// 500 keys are listed, the good ones last.
    KeysTooMany,
    /// This status, with an error in Okta's shape.
    KeysStatus(u16),
    /// The answer takes this long, in real time.
    KeysSlow(Duration),
    /// An HTML page with status 200.
    KeysHtml,
    /// `Cache-Control: no-cache, no-store`, as Okta sent once by mistake (OKTA-1099636).
    KeysNoCache,
    /// No keys at all.
    KeysEmpty,
    /// A redirect to where the keys are.
    KeysRedirect,
    // -- metadata --------------------------------------------------------------------------------------------------
    /// `issuer` is the right one with `INVALID` appended.
    DiscoveryIssuer,
    /// `jwks_uri` has a path that changes with each answer and is served; the usual path is not.
    DiscoveryJwksPath,
    /// `token_endpoint` is on another host name (which reaches the same server).
    DiscoveryCrossOrigin,
    /// This status, with an error in Okta's shape.
    DiscoveryStatus(u16),
    /// The answer takes this long, in real time.
    DiscoverySlow(Duration),
    /// The body has more than 2 MiB.
    DiscoveryHuge,
    /// An HTML page with status 200.
    DiscoveryHtml,
    /// A redirect to where the metadata is.
    DiscoveryRedirect,
    // -- token endpoint --------------------------------------------------------------------------------------------
    /// An OAuth error. The code or refresh token is not used up.
    TokenError {
        /// The status, 400 or 401 at Okta.
        status: u16,
        /// The member `error`.
        error: String,
        /// The member `error_description`.
        description: String,
    },
    /// An error in the shape of Okta's management API. The code or refresh token is not used up.
    TokenErrorOkta {
        /// The status.
        status: u16,
        /// The member `errorCode`.
        code: String,
        /// The member `errorSummary`.
        summary: String,
    },
    /// 429 with `X-Rate-Limit-*` headers; the window ends within a minute.
    TokenRateLimited,
    /// No `expires_in`.
    TokenNoExpiresIn,
    /// `token_type` is `bEARER`: unusual, but right.
    TokenTypeCase,
    /// `token_type` is this instead.
    TokenTypeOther(String),
    /// Members that no specification knows.
    TokenExtraMembers,
    /// An HTML page with status 200. The code or refresh token is not used up.
    TokenHtml,
    /// The right body, labelled `text/plain`.
    TokenWrongContentType,
    /// Status 200 with an OAuth error. The code or refresh token is not used up.
    TokenOkWithError,
    /// The answer takes this long, in real time. What was asked for happened before.
    TokenSlow(Duration),
    /// No answer, ever. What was asked for happened.
    TokenHang,
    /// The body has more than 2 MiB.
    TokenHuge,
    /// A redirect (307) to where the token endpoint is.
    TokenRedirect,
    // -- refresh ---------------------------------------------------------------------------------------------------
    /// The ID token of a refresh has the issuer with `1` appended.
    RefreshIdTokenIssuer,
    /// The ID token of a refresh is about another person.
    RefreshIdTokenSub,
    /// The ID token of a refresh has another nonce than the sign-in.
    RefreshIdTokenNonce,
    /// The ID token of a refresh has another `auth_time` than the sign-in.
    RefreshIdTokenAuthTime,
    /// The response to a refresh has no refresh token.
    RefreshNoRefreshToken,
    // -- userinfo --------------------------------------------------------------------------------------------------
    /// `sub` is the right one with `invalid` appended.
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
    UserinfoSlow(Duration),
    /// The body has more than 2 MiB.
    UserinfoHuge,
    /// A redirect to where userinfo is.
    UserinfoRedirect,
    // -- authorization response ------------------------------------------------------------------------------------
    /// `state` is the right one with `1` appended.
    AuthorizeState,
    /// No `state`.
    AuthorizeNoState,
    /// `state` appears twice: the right one first.
    AuthorizeDuplicateState,
    /// `code` appears twice: the right one first.
    AuthorizeDuplicateCode,
    /// Both `code` and `error`.
    AuthorizeErrorAndCode,
    /// Adds `iss` (RFC 9207), which Okta does not send, with this value.
    AuthorizeIss(String),
    /// An error, delivered the way the request asked for.
    AuthorizeError {
        /// The parameter `error`.
        error: String,
        /// The parameter `error_description`.
        description: String,
    },
    /// The error Okta answers with when a groups claim would carry more than 100 groups.
    AuthorizeTooManyGroups,
    // -- sign-out, revocation, introspection -----------------------------------------------------------------------
    /// `state` is the right one with `1` appended.
    LogoutState,
    /// No `state`.
    LogoutNoState,
    /// This status, with an OAuth error.
    RevokeStatus(u16),
    /// The answer takes this long, in real time. The token is revoked before.
    RevokeSlow(Duration),
    /// This status, with an OAuth error.
    IntrospectStatus(u16),
    /// The answer takes this long, in real time.
    IntrospectSlow(Duration),
    /// `active` is true, whatever the token.
    IntrospectAlwaysActive,
}

impl Fault {
    /// Whether two faults are of the same kind, so that the later replaces the earlier. Claims and headers are of the
    /// same kind when they have the same name.
    fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::IdTokenClaim(one, _), Self::IdTokenClaim(other, _))
            | (Self::IdTokenHeader(one, _), Self::IdTokenHeader(other, _)) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(earlier),
        }
    }
}
