//! The one error type of the library: opaque, with a stable [`Code`] and predicates.
//!
//! A message says what happened, why, and what to do. It never holds a token, a secret
//! or text that a provider sent: those would end in logs and on pages. The cause, where
//! there is one, is kept as [`source`](std::error::Error::source) for logs alone.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A result with this library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error of any library, kept for logs.
type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

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
    /// Set the issuer to exactly what the metadata calls itself. Custom domains and
    /// trailing slashes are the usual causes.
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
    /// The session is too large for the cookies of one browser.
    ///
    /// Ask Okta for fewer groups and claims, or keep less in the session.
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

/// An error of this library.
///
/// It is opaque, so that causes can change without breaking anybody: match on
/// [`code`](Self::code) or ask a predicate. `Display` gives a message for the operator;
/// it is free of tokens and secrets, but not meant for the users of an application, who
/// see the engine's own pages.
pub struct Error(Box<Inner>);

/// What an error holds; behind a pointer, so that a `Result` stays small.
struct Inner {
    code: Code,
    /// What happened, why, and what to do.
    message: Cow<'static, str>,
    /// The claim at fault.
    claim: Option<&'static str>,
    /// Okta's own `error`, checked to be a plain token.
    provider_error: Option<String>,
    /// How long Okta asks to wait.
    retry_after: Option<Duration>,
    /// For logs alone.
    cause: Option<Cause>,
}

impl Error {
    /// An error with a message that says what happened, why, and what to do.
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            claim: None,
            provider_error: None,
            retry_after: None,
            cause: None,
        }))
    }

    /// A claim that is missing, malformed or wrong. `why` must not repeat the claim's
    /// value.
    pub(crate) fn invalid_claim(claim: &'static str, why: &str) -> Self {
        let mut error = Self::new(Code::TokenClaim, format!("the claim `{claim}` {why}"));
        error.0.claim = Some(claim);
        error
    }

    /// Adds the cause, which logs show and users do not.
    pub(crate) fn with_cause(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(without_values(cause.into()));
        self
    }

    /// Adds how long the provider asks to wait.
    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Keeps the provider's `error` code if it is a plain token of RFC 6749 §5.2, else
    /// drops it: it is attacker-controlled text on the callback.
    pub(crate) fn with_provider_error(mut self, error: &str) -> Self {
        let plain = !error.is_empty()
            && error.len() <= 64
            && error.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        self.0.provider_error = plain.then(|| error.to_owned());
        self
    }

    /// The same error for somebody else; the cause becomes a text.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(Box::new(Inner {
            code: self.0.code,
            message: self.0.message.clone(),
            claim: self.0.claim,
            provider_error: self.0.provider_error.clone(),
            retry_after: self.0.retry_after,
            cause: self.cause_text().map(Cause::from),
        }))
    }

    /// The cause for logs.
    pub(crate) fn cause_text(&self) -> Option<String> {
        self.0.cause.as_ref().map(ToString::to_string)
    }

    /// What went wrong, as a stable value.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The claim at fault, for [`Code::TokenClaim`].
    pub fn claim(&self) -> Option<&'static str> {
        self.0.claim
    }

    /// The `error` that Okta gave (RFC 6749 §4.1.2.1 and §5.2), where it gave one that
    /// is well formed.
    pub fn provider_error(&self) -> Option<&str> {
        self.0.provider_error.as_deref()
    }

    /// How long to wait before another try, where Okta said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the configuration is at fault.
    ///
    /// ```
    /// use okta_auth_core::config::Config;
    ///
    /// let error = Config::builder().issuer("https://{yourOktaDomain}").build().unwrap_err();
    /// assert!(error.is_config());
    /// assert!(error.to_string().contains("placeholder"), "the message names the fix");
    /// ```
    pub fn is_config(&self) -> bool {
        matches!(self.0.code, Code::ConfigInvalid)
    }

    /// Whether the same call may work later without any change: Okta or the session
    /// store is away or slow, Okta limits the rate, or a copy of the same message is at
    /// work.
    pub fn is_temporary(&self) -> bool {
        use Code::{
            LogoutInProgress, ProviderRateLimited, ProviderUnavailable, RenewalUnavailable, SignOutPending,
            StoreUnavailable, TenantUnavailable,
        };
        matches!(
            self.0.code,
            ProviderUnavailable
                | ProviderRateLimited
                | StoreUnavailable
                | SignOutPending
                | RenewalUnavailable
                | TenantUnavailable
                | LogoutInProgress
        )
    }

    /// Whether Okta answered with something that cannot be used, or that leads where
    /// nothing may lead.
    pub(crate) fn is_of_provider(&self) -> bool {
        use Code::{EgressRefused, IssuerMismatch, MetadataInvalid, ProviderResponse, TokenRefused};
        matches!(self.0.code, ProviderResponse | IssuerMismatch | MetadataInvalid | TokenRefused | EgressRefused)
    }

    /// Whether a token was refused: malformed, badly signed, expired, or meant for
    /// somebody else.
    pub fn is_token(&self) -> bool {
        use Code::{
            TokenAlgorithm, TokenClaim, TokenEncrypted, TokenExpired, TokenHeader, TokenKeyUnknown, TokenKind,
            TokenMalformed, TokenSignature,
        };
        matches!(
            self.0.code,
            TokenMalformed
                | TokenEncrypted
                | TokenAlgorithm
                | TokenHeader
                | TokenKeyUnknown
                | TokenSignature
                | TokenClaim
                | TokenExpired
                | TokenKind
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// As somebody reads it whose `main` returns it: the message as it is, line by line, and
/// then what logs have besides.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.0.message, self.0.code)?;
        if let Some(error) = &self.0.provider_error {
            write!(f, "; the provider said `{error}`")?;
        }
        self.cause_text().map_or(Ok(()), |cause| write!(f, "; because {cause}"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

/// A cause without what `serde_json` repeats of a document: it may be an e-mail address,
/// or a token, in the place of a number.
fn without_values(cause: Cause) -> Cause {
    let Some(json) = cause.downcast_ref::<serde_json::Error>() else { return cause };
    let text = json.to_string();
    // The names in these two are those of our own types.
    if !json.is_data() || text.starts_with("missing field") || text.starts_with("duplicate field") {
        return cause;
    }
    Cause::from(expected(&text))
}

/// What `serde` would have taken, without what it has found.
pub(crate) fn expected(message: &str) -> String {
    let expected = message.rsplit_once(", expected ").map_or("something else", |(_, expected)| expected);
    format!("a value is not as it should be, expected {expected}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "it is never read, only failed to read")]
    struct Claims {
        iat: i64,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    enum Kind {
        Known,
    }

    #[test]
    fn a_cause_does_not_repeat_what_a_document_says() {
        for (json, told) in [
            (r#"{"iat":"ada@example.test"}"#, "expected i64"),
            (r#"{"iat":"x, expected ada@example.test, expected"}"#, "expected i64"),
            (r#"{"iat":1,"kind":"ada@example.test"}"#, "expected `Known`"),
            (r#"{"sub":"ada@example.test"}"#, "missing field `iat`"),
            (r#"{"iat":ada@example.test}"#, "line 1 column 8"),
        ] {
            let cause = serde_json::from_str::<Claims>(json).unwrap_err();
            let error = Error::new(Code::TokenClaim, "a claim is wrong").with_cause(cause);
            let source = std::error::Error::source(&error).unwrap();
            assert!(!format!("{source:?}").contains("ada@"));
            let shown = [format!("{error:?}"), source.to_string()];
            for text in shown.into_iter().chain([error.duplicate().cause_text().unwrap()]) {
                assert!(text.contains(told) && !text.contains("ada@"), "{json}: {text}");
            }
        }
    }
}
