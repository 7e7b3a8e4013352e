//! The stable codes of errors.

use std::fmt;

#[cfg(doc)]
use super::Error;

/// Declares [`Code`] once, so that variant, stable text and meaning stay together and
/// no code can be without a text.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What went wrong, as a stable value to match on, to log and to count.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// The stable text of the code, in snake case. It does not change between
            /// releases.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// The configuration cannot work.
    ///
    /// The message lists every problem with its fix. It comes from building the
    /// configuration and never from a request.
    ConfigInvalid = "config_invalid",
    /// Okta could not be reached, did not answer in time, or answered with a server
    /// error.
    ///
    /// The same call may work later. Users get 503 with `Retry-After`, and nobody is
    /// signed out by it.
    ProviderUnavailable = "provider_unavailable",
    /// Okta answered 429.
    ///
    /// [`Error::retry_after`] tells when to try again, computed from Okta's
    /// `X-Rate-Limit-Reset`. If it happens often, ask Okta for a higher limit.
    ProviderRateLimited = "provider_rate_limited",
    /// Okta answered, but not as the protocol has it: no JSON, a redirect, a body that
    /// is too large, a member that is missing.
    ///
    /// Usually something stands between the application and Okta, or the issuer is not
    /// an Okta issuer.
    ProviderResponse = "provider_response",
    /// The metadata names another issuer than the configured one (OIDC Discovery §4.3).
    ///
    /// The message names the difference and the fix. Custom domains and slashes at the
    /// end are the usual causes.
    IssuerMismatch = "issuer_mismatch",
    /// The metadata lacks what is needed, or contradicts itself: an endpoint that is
    /// not https, or no support for PKCE with S256.
    MetadataInvalid = "metadata_invalid",
    /// A request would go where the policy for it does not let it: another host, no
    /// https, or an address that is not public.
    ///
    /// The issuer of a tenant is wrong or hostile, or a domain of its own has not been
    /// allowed: see `EgressPolicy`.
    EgressRefused = "egress_refused",
    /// Not a compact JWS of three parts, or a part is not what it should be (RFC 7515
    /// §3.1).
    TokenMalformed = "token_malformed",
    /// An encrypted token (five parts) was received, and no key to decrypt it is
    /// configured.
    ///
    /// Turn token encryption off for the application at Okta.
    TokenEncrypted = "token_encrypted",
    /// The signature algorithm is not on the allow-list (RFC 8725 §3.1).
    ///
    /// Okta signs with RS256, which is the default of the list.
    TokenAlgorithm = "token_algorithm",
    /// The header is not acceptable: an extension in `crit` (RFC 7515 §4.1.11), or the
    /// `typ` of another kind of token (RFC 8725 §3.11).
    TokenHeader = "token_header",
    /// No key that the issuer publishes fits the token, not even after the keys have
    /// been fetched again.
    TokenKeyUnknown = "token_key_unknown",
    /// A key fits, and the signature is not its own.
    TokenSignature = "token_signature",
    /// A claim is missing, malformed, or not what was expected.
    ///
    /// [`Error::claim`] names it.
    TokenClaim = "token_claim",
    /// The token has expired, by more than the tolerated clock skew.
    TokenExpired = "token_expired",
    /// The token is of another kind than the one expected (RFC 8725 §3.12): an access
    /// token in the place of an ID token, or the other way round.
    TokenKind = "token_kind",
    /// The token is an access token of the org server, which only Okta can verify.
    ///
    /// Protect APIs of your own with a custom authorization server.
    AccessTokenOpaque = "access_token_opaque",
    /// The callback's parameters are malformed: one comes twice, or there is neither
    /// `code` nor `error`, or both.
    CallbackMalformed = "callback_malformed",
    /// No pending sign-in of this browser fits the response.
    ///
    /// An old link, another browser, lost cookies, or an address other than the
    /// configured base URL.
    AttemptUnknown = "attempt_unknown",
    /// The pending sign-in is older than the configured lifetime.
    AttemptExpired = "attempt_expired",
    /// The response came from another issuer (RFC 9207 §2.4, the defence against mix-up
    /// of servers).
    ResponseIssuer = "response_issuer",
    /// Okta answered the authorization request with an error.
    ///
    /// [`Error::provider_error`] names it, for example `access_denied`.
    AuthorizationRefused = "authorization_refused",
    /// The token endpoint refused the request.
    ///
    /// [`Error::provider_error`] names the reason, for example `invalid_client` for a
    /// wrong secret.
    TokenRefused = "token_refused",
    /// The token response carries no ID token although `openid` was asked for.
    IdTokenMissing = "id_token_missing",
    /// The userinfo response speaks of another subject (OIDC Core §5.3.2).
    UserinfoSubject = "userinfo_subject",
    /// The application's `on_sign_in` hook refused the user.
    SignInRefused = "sign_in_refused",
    /// The application's `on_sign_in` hook failed.
    ///
    /// The same sign-in may work later. Users get 503 with `Retry-After`, and the log has
    /// the hook's error.
    SignInUnavailable = "sign_in_unavailable",
    /// The new session would not be live, or was written by a process whose clock is more
    /// than a minute ahead.
    ///
    /// Synchronize the clocks of all replicas. Users get 503 with `Retry-After` until this
    /// clock has caught up.
    ClockSkew = "clock_skew",
    /// A session ended within a minute of its sign-in, because Okta refused its refresh
    /// token.
    ///
    /// Another sign-in would end in the same way, so none is started. Check the lifetime
    /// of access tokens and the refresh token settings of the application at Okta.
    SessionNotRenewable = "session_not_renewable",
    /// The session is too large for the cookies of one browser.
    ///
    /// Keep sessions in a store (`OKTA_SESSION_STORE`), ask Okta for fewer groups and
    /// claims, or keep less in the session.
    SessionTooLarge = "session_too_large",
    /// The store that holds the sessions cannot be reached, or does not answer in time.
    ///
    /// The same call may work later. Users get 503 with `Retry-After`, and nobody is
    /// signed out by it.
    StoreUnavailable = "store_unavailable",
    /// The browser has been signed out, and the session store does not answer: copies of
    /// the session's cookie are good until it does.
    ///
    /// The sign-out is completed as soon as the store works again.
    SignOutPending = "sign_out_pending",
    /// The browser has been signed out, and the session was not ended on the server: the
    /// session store does not answer, and too many sign-outs wait for it already.
    ///
    /// A copy of the session's cookie is good until its limits. End the user's sessions
    /// with `OktaAuth::end_sessions_of` when the store works again.
    SignOutLocalOnly = "sign_out_local_only",
    /// The browser is signed out here, and its session at Okta was not ended: the address
    /// that a script got to continue the sign-out was used before, is older than a minute,
    /// or belongs to another browser.
    SignOutLinkInvalid = "sign_out_link_invalid",
    /// The session cannot be renewed at the moment, and what it holds is too old to be
    /// used.
    ///
    /// Okta does not answer. Users get 503 with `Retry-After`, and keep their session.
    RenewalUnavailable = "renewal_unavailable",
    /// The source of tenants does not answer. The same call may work later.
    TenantUnavailable = "tenant_unavailable",
    /// The request is for a tenant that there is not.
    TenantUnknown = "tenant_unknown",
    /// The session has ended while the request was being answered: Okta does not renew
    /// it any more.
    SessionEnded = "session_ended",
    /// The configured session store cannot do this: sessions in cookies can neither be
    /// listed nor, without a revocation list, be ended from the server side.
    StoreUnsupported = "store_unsupported",
    /// The session's claims do not fit the type that the handler asked for.
    ClaimsMismatch = "claims_mismatch",
    /// A policy of the application is written wrongly, or is not there.
    PolicyInvalid = "policy_invalid",
    /// A policy does not let the caller do this.
    AccessDenied = "access_denied",
    /// The route of the request is open to nobody: the router matched none while policies
    /// name routes, it is a misspelled route of a policy, or the default is `deny`.
    ///
    /// The log names the route and the fix at its first request.
    RouteDenied = "route_denied",
    /// Two credentials in one request, or a token where none belongs (RFC 6750 §2).
    CredentialsMalformed = "credentials_malformed",
    /// A request that changes state came from another origin.
    CrossOrigin = "cross_origin",
    /// A sign-out message cannot be read: a parameter or a member is missing, comes
    /// twice, is too large, or is of a kind that nobody knows.
    LogoutMalformed = "logout_malformed",
    /// A sign-out message does not prove where it comes from: it has no token, or one
    /// that has been used before.
    LogoutRefused = "logout_refused",
    /// A sign-out message names a user whom this application does not know.
    LogoutSubjectUnknown = "logout_subject_unknown",
    /// A sign-out message is authentic and names a user of another issuer, over whose
    /// users its sender has no say.
    ///
    /// It is refused before anybody looks for such a user, so the answer does not tell
    /// whether there is one.
    LogoutForbidden = "logout_forbidden",
    /// A sign-out message is right, and the sessions that it names cannot be ended.
    ///
    /// A session in a cookie can be ended from outside only with a revocation list.
    LogoutUnsupported = "logout_unsupported",
    /// A copy of a sign-out message came while another one is being carried out, or
    /// shortly after one that the application did not carry out to its end.
    ///
    /// The sender gets 503 with `Retry-After`, but for back-channel messages, which have
    /// only 400 for everything (OIDC Back-Channel Logout §2.8).
    LogoutInProgress = "logout_in_progress",
    /// Something that cannot happen did. Please report it.
    Internal = "internal",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
