//! The stable error codes.

use std::fmt;

#[cfg(doc)]
use super::Error;

/// Declares [`Code`] once, so that each variant has a stable text and a description.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The cause of an error, as a stable value to match on, to log and to count.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Returns the stable text of the code, in snake case. It does not change between releases.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// The configuration is invalid.
    ///
    /// The message lists every problem with its fix. The error occurs while the configuration is built, never during a
    /// request.
    ConfigInvalid = "config_invalid",
    /// Okta could not be reached, did not respond in time, or returned a server error.
    ///
    /// The same call may succeed later. Users get 503 with `Retry-After` and stay signed in.
    ProviderUnavailable = "provider_unavailable",
    /// Okta returned 429.
    ///
    /// [`Error::retry_after`] returns the time to wait, computed from Okta's `X-Rate-Limit-Reset`. If the error is
    /// frequent, ask Okta for a higher limit.
    ProviderRateLimited = "provider_rate_limited",
    /// Okta's response violates the protocol: no JSON, a redirect, a body that is too large, a missing member.
    ///
    /// Usually a proxy between the application and Okta answered, or the issuer is not an Okta issuer.
    ProviderResponse = "provider_response",
    /// The metadata names another issuer than the configured one (OIDC Discovery §4.3).
    ///
    /// The message names the difference and the fix. The usual causes are custom domains and trailing slashes.
    IssuerMismatch = "issuer_mismatch",
    /// The metadata lacks a required value or contains an invalid one: an endpoint that is not https, or no support for
    /// PKCE with S256.
    MetadataInvalid = "metadata_invalid",
    /// The egress policy does not allow a request, because it goes to another host, does not use https, or goes to an
    /// address that is not public.
    ///
    /// The issuer of the tenant is wrong or hostile, or it is a custom domain that `EgressPolicy` has to allow.
    EgressRefused = "egress_refused",
    /// A request of the application is addressed to another origin than the target of its token, so the token was not
    /// attached.
    ///
    /// If the API may receive the token, name its origin in the target.
    TargetMismatch = "target_mismatch",
    /// Okta's API rejected a request, for example with 404.
    ///
    /// `okta_api::ErrorResponse::of` returns the status, the `errorCode` and the causes of the response.
    ApiRefused = "api_refused",
    /// A request for a proxied API cannot be forwarded: its path leaves the prefix or can be read in two ways, its
    /// query contains an access token, its method is not allowed, its handshake of a WebSocket is invalid, or its body
    /// ended early.
    ProxyRefused = "proxy_refused",
    /// The body of a request for a proxied API is larger than the limit.
    ProxyTooLarge = "proxy_too_large",
    /// A proxied API did not respond in time, or the body of a request made no progress.
    ProxyTimeout = "proxy_timeout",
    /// A proxied API cannot be reached, or its response cannot be forwarded: a redirect to another address, a length
    /// above the limit, invalid HTTP.
    ProxyUnavailable = "proxy_unavailable",
    /// Too many requests for a proxied API are in progress, or too many WebSockets are open. Users get 503 with
    /// `Retry-After`.
    ProxyBusy = "proxy_busy",
    /// The token is not a compact JWS of three parts, or one of the parts is invalid (RFC 7515 §3.1).
    TokenMalformed = "token_malformed",
    /// An encrypted token cannot be decrypted, or an ID token is not encrypted although a key for it is configured.
    ///
    /// Without `OKTA_ID_TOKEN_DECRYPTION_KEY`, turn off token encryption for the application at Okta.
    TokenEncrypted = "token_encrypted",
    /// The signature algorithm is not on the allow-list (RFC 8725 §3.1).
    ///
    /// Okta signs with RS256, which is on the list by default.
    TokenAlgorithm = "token_algorithm",
    /// The header is not accepted: an extension in `crit` (RFC 7515 §4.1.11), or the `typ` of another kind of token
    /// (RFC 8725 §3.11).
    TokenHeader = "token_header",
    /// No published key of the issuer matches the token, even after the keys were fetched again.
    TokenKeyUnknown = "token_key_unknown",
    /// A key matches, but the signature is not valid.
    TokenSignature = "token_signature",
    /// A claim is missing, malformed, or has an unexpected value.
    ///
    /// [`Error::claim`] names the claim.
    TokenClaim = "token_claim",
    /// The token has been expired for longer than the tolerated clock skew.
    TokenExpired = "token_expired",
    /// The token is of another kind than expected (RFC 8725 §3.12): an access token instead of an ID token, or the
    /// reverse. With the claim `cnf`, its binding to a key does not fit the scheme of the request.
    TokenKind = "token_kind",
    /// The DPoP proof of a request does not match the request or its access token, is too old or from the future, or
    /// was used before (RFC 9449 §4.3).
    DpopProof = "dpop_proof",
    /// The DPoP proof of a request has no nonce, an expired one, or one that this API did not issue. The response
    /// contains a new nonce (RFC 9449 §9).
    DpopNonce = "dpop_nonce",
    /// The token is an access token of the org server, which only Okta can verify.
    ///
    /// Use a custom authorization server to protect your own APIs.
    AccessTokenOpaque = "access_token_opaque",
    /// The callback's parameters are malformed: one occurs twice, or the response does not have exactly one of `code`
    /// and `error`.
    CallbackMalformed = "callback_malformed",
    /// No pending sign-in of this browser matches the response.
    ///
    /// Causes are an old link, another browser, lost cookies, or an address other than the configured base URL.
    AttemptUnknown = "attempt_unknown",
    /// The pending sign-in is older than the configured lifetime, or the code of the device flow has expired (RFC 8628
    /// §3.5).
    AttemptExpired = "attempt_expired",
    /// The response came from another issuer (RFC 9207 §2.4, the defence against mix-up attacks).
    ResponseIssuer = "response_issuer",
    /// Okta returned an error to the authorization request, or the user did not confirm the code of the device flow.
    ///
    /// [`Error::provider_error`] returns Okta's error code, for example `access_denied`.
    AuthorizationRefused = "authorization_refused",
    /// The token endpoint rejected the request.
    ///
    /// [`Error::provider_error`] returns Okta's error code, for example `invalid_client` for a wrong secret.
    TokenRefused = "token_refused",
    /// The token response has no ID token although `openid` was requested.
    IdTokenMissing = "id_token_missing",
    /// The userinfo response is about another subject (OIDC Core §5.3.2).
    UserinfoSubject = "userinfo_subject",
    /// The application's `on_sign_in` hook rejected the user.
    SignInRefused = "sign_in_refused",
    /// The application's `on_sign_in` hook failed.
    ///
    /// The same sign-in may succeed later. Users get 503 with `Retry-After`, and the log has the hook's error.
    SignInUnavailable = "sign_in_unavailable",
    /// The new session would not be valid yet by the clock of this process, or was written by a process whose clock is
    /// more than a minute ahead.
    ///
    /// Synchronize the clocks of all replicas. Users get 503 with `Retry-After` until the clock of this process has
    /// caught up.
    ClockSkew = "clock_skew",
    /// A session ended within a minute of its sign-in, because Okta rejected its refresh token.
    ///
    /// Another sign-in would end in the same way, so none is started. Check the lifetime of access tokens and the
    /// refresh token settings of the application at Okta.
    SessionNotRenewable = "session_not_renewable",
    /// The session is too large for the cookies of one browser.
    ///
    /// Keep sessions in a store (`OKTA_SESSION_STORE`), request fewer groups and claims from Okta, or keep less data in
    /// the session.
    SessionTooLarge = "session_too_large",
    /// The session store cannot be reached, or does not respond in time.
    ///
    /// The same call may succeed later. Users get 503 with `Retry-After` and stay signed in.
    StoreUnavailable = "store_unavailable",
    /// The browser has been signed out, but the session store does not respond. Until it does, copies of the session's
    /// cookie stay valid.
    ///
    /// The sign-out is completed as soon as the store works again.
    SignOutPending = "sign_out_pending",
    /// The browser has been signed out, but the session was not ended on the server: the session store does not
    /// respond, and too many sign-outs are already waiting for it.
    ///
    /// A copy of the session's cookie stays valid until it expires. End the user's sessions with
    /// `OktaAuth::end_sessions_of` when the store works again.
    SignOutLocalOnly = "sign_out_local_only",
    /// The browser is signed out here, but its session at Okta was not ended. The address that a script got to continue
    /// the sign-out has been used before, is older than a minute, or belongs to another browser.
    SignOutLinkInvalid = "sign_out_link_invalid",
    /// The session cannot be refreshed at the moment, and its tokens are too old to be used.
    ///
    /// Okta does not respond. Users get 503 with `Retry-After` and keep their session.
    RenewalUnavailable = "renewal_unavailable",
    /// The source of tenants does not respond. The same call may succeed later.
    TenantUnavailable = "tenant_unavailable",
    /// No tenant matches the request.
    TenantUnknown = "tenant_unknown",
    /// The session ended during the request, because Okta no longer refreshes it, or the saved tokens of a command-line
    /// tool cannot be read. The user has to sign in again.
    SessionEnded = "session_ended",
    /// The configured session store does not support the operation: sessions in cookies cannot be listed, and cannot be
    /// ended from the server side without a revocation store.
    StoreUnsupported = "store_unsupported",
    /// The session's claims do not fit the type that the handler requests.
    ClaimsMismatch = "claims_mismatch",
    /// A policy of the application is invalid or does not exist.
    PolicyInvalid = "policy_invalid",
    /// A policy denies access.
    AccessDenied = "access_denied",
    /// A policy denies access because an actor, such as an AI agent, uses the token for its user (RFC 8693 §4.1).
    ActorDenied = "actor_denied",
    /// The route of the request denies all access: the router matched no route while policies name routes, the route is
    /// misspelled in a policy, or the default is `deny`.
    ///
    /// The log names the route and the fix at its first request.
    RouteDenied = "route_denied",
    /// The request has two credentials, or a token where none is allowed (RFC 6750 §2).
    CredentialsMalformed = "credentials_malformed",
    /// A state-changing request came from another origin.
    CrossOrigin = "cross_origin",
    /// A logout message is malformed: a parameter or member is missing, occurs twice, is too large, or is of an unknown
    /// kind.
    LogoutMalformed = "logout_malformed",
    /// A request for Universal Logout does not have exactly one token.
    LogoutRefused = "logout_refused",
    /// A logout message names a user who is unknown to this application.
    LogoutSubjectUnknown = "logout_subject_unknown",
    /// A logout message is authentic but names a user of another issuer, which its sender may not sign out.
    ///
    /// It is rejected before the user is looked up, so the response does not reveal whether the user exists.
    LogoutForbidden = "logout_forbidden",
    /// A logout message is valid, but the sessions that it names cannot be ended.
    ///
    /// A session in a cookie can be ended by a logout message only with a revocation store.
    LogoutUnsupported = "logout_unsupported",
    /// A copy of a logout message arrived while another one is being processed, or shortly after the processing of
    /// another copy was aborted.
    ///
    /// The sender gets 503 with `Retry-After`. Senders of back-channel messages get 400, the only error status there
    /// (OIDC Back-Channel Logout §2.8).
    LogoutInProgress = "logout_in_progress",
    /// An internal invariant does not hold. Please report it.
    Internal = "internal",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
