//! The one error type of the library: opaque, with a stable [`Code`] and predicates.
//!
//! A message says what happened, why, and what to do. It never holds a token, a secret or text that a
//! provider sent: those would end in logs and on pages. The cause, where there is one, is kept as
//! [`source`](std::error::Error::source) for logs alone.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A result with this library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Declares [`Code`] once: variant, stable text and meaning stay together.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What went wrong, as a stable value to match on, to log and to count.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// The stable text of the code, in snake case. It does not change between releases.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// The configuration cannot work. The message lists every problem with its fix.
    ConfigInvalid = "config_invalid",
    /// Okta could not be reached, or answered with a server error. Worth another try later.
    ProviderUnavailable = "provider_unavailable",
    /// Okta answered 429. [`Error::retry_after`] tells when to try again.
    ProviderRateLimited = "provider_rate_limited",
    /// Okta answered, but not as the protocol has it: no JSON, a redirect, too large, a missing member.
    ProviderResponse = "provider_response",
    /// The metadata names another issuer than the configured one (OIDC Discovery §4.3).
    IssuerMismatch = "issuer_mismatch",
    /// The metadata lacks what is needed, or contradicts itself.
    MetadataInvalid = "metadata_invalid",
    /// Not a compact JWS of three parts, or a part is not what it should be (RFC 7515 §3.1).
    TokenMalformed = "token_malformed",
    /// An encrypted token (five parts) was received and no decryption key is configured.
    TokenEncrypted = "token_encrypted",
    /// The signature algorithm is not on the allow-list (RFC 8725 §3.1).
    TokenAlgorithm = "token_algorithm",
    /// The header is not acceptable: unknown `crit`, or the `typ` of another kind of token.
    TokenHeader = "token_header",
    /// No published key fits the token.
    TokenKeyUnknown = "token_key_unknown",
    /// The signature does not verify.
    TokenSignature = "token_signature",
    /// A claim is missing, malformed or not what was expected. [`Error::claim`] names it.
    TokenClaim = "token_claim",
    /// The token has expired.
    TokenExpired = "token_expired",
    /// The token is of another kind than the one expected (RFC 8725 §3.12).
    TokenKind = "token_kind",
    /// The callback's parameters are malformed: duplicates, or neither `code` nor `error`.
    CallbackMalformed = "callback_malformed",
    /// No pending sign-in of this browser fits the response: an old link, another browser, lost cookies.
    AttemptUnknown = "attempt_unknown",
    /// The pending sign-in is too old.
    AttemptExpired = "attempt_expired",
    /// The response came from another issuer (RFC 9207, mix-up defence).
    ResponseIssuer = "response_issuer",
    /// Okta answered the authorization request with an error. [`Error::provider_error`] names it.
    AuthorizationRefused = "authorization_refused",
    /// The token endpoint refused the request. [`Error::provider_error`] names the reason.
    TokenRefused = "token_refused",
    /// The token response carries no ID token although `openid` was asked for.
    IdTokenMissing = "id_token_missing",
    /// The userinfo response speaks of another subject (OIDC Core §5.3.2).
    UserinfoSubject = "userinfo_subject",
    /// The application's `on_sign_in` hook refused the user.
    SignInRefused = "sign_in_refused",
    /// The session is too large for the cookies of one browser.
    SessionTooLarge = "session_too_large",
    /// The session's claims do not fit the type that the handler asked for.
    ClaimsMismatch = "claims_mismatch",
    /// A request that changes state came from another origin.
    CrossOrigin = "cross_origin",
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
/// It is opaque, so that causes can change without breaking anybody: match on [`code`](Self::code) or ask a
/// predicate. `Display` gives a message for the operator; it is free of tokens and secrets, but not meant for
/// the users of an application, who see the engine's own pages.
pub struct Error(Box<Inner>);

struct Inner {
    code: Code,
    message: Cow<'static, str>,
    claim: Option<&'static str>,
    provider_error: Option<String>,
    retry_after: Option<Duration>,
    cause: Option<Cause>,
}

impl Error {
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

    /// A claim that is missing, malformed or wrong. `why` must not repeat the claim's value.
    pub(crate) fn invalid_claim(claim: &'static str, why: &str) -> Self {
        let mut error = Self::new(Code::TokenClaim, format!("the claim `{claim}` {why}"));
        error.0.claim = Some(claim);
        error
    }

    pub(crate) fn with_cause(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Keeps the provider's `error` code if it is a plain token of RFC 6749 §5.2, else drops it: it is
    /// attacker-controlled text on the callback.
    pub(crate) fn with_provider_error(mut self, error: &str) -> Self {
        let plain = !error.is_empty()
            && error.len() <= 64
            && error.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        self.0.provider_error = plain.then(|| error.to_owned());
        self
    }

    /// The same error for another caller of the same flight; the cause becomes a text.
    pub(crate) fn duplicate(&self) -> Self {
        Self(Box::new(Inner {
            code: self.0.code,
            message: self.0.message.clone(),
            claim: self.0.claim,
            provider_error: self.0.provider_error.clone(),
            retry_after: self.0.retry_after,
            cause: self.0.cause.as_ref().map(|cause| cause.to_string().into()),
        }))
    }

    /// What went wrong, as a stable value.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The claim at fault, for [`Code::TokenClaim`].
    pub fn claim(&self) -> Option<&'static str> {
        self.0.claim
    }

    /// The `error` that Okta gave (RFC 6749 §4.1.2.1 and §5.2), where it gave one that is well formed.
    pub fn provider_error(&self) -> Option<&str> {
        self.0.provider_error.as_deref()
    }

    /// How long to wait before another try, where Okta said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the configuration is at fault.
    pub fn is_config(&self) -> bool {
        matches!(self.0.code, Code::ConfigInvalid)
    }

    /// Whether the same call may work later without any change: Okta is away, slow or limits the rate.
    pub fn is_temporary(&self) -> bool {
        matches!(self.0.code, Code::ProviderUnavailable | Code::ProviderRateLimited)
    }

    /// Whether a token was refused: malformed, badly signed, expired, or meant for somebody else.
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

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("code", &self.0.code.as_str()).field("message", &self.0.message);
        if let Some(error) = &self.0.provider_error {
            out.field("provider_error", error);
        }
        if let Some(cause) = &self.0.cause {
            out.field("cause", &cause.to_string());
        }
        out.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}
