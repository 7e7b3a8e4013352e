//! The error type of the library: opaque, with a stable [`Code`] and predicates.
//!
//! A message says what happened, why, and what to do. It never contains a token, a secret or text that a provider sent,
//! because messages appear in logs. Logs additionally contain the causes, as [`source`](std::error::Error::source), and
//! the provider's description, escaped and truncated.

mod code;
mod untrusted;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use code::Code;
pub(crate) use untrusted::escaped;

/// A result with this library's [`Error`].
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The maximum number of causes in a log line; a longer chain may be a cycle.
const MAX_CAUSES: usize = 16;

/// An error of this library.
///
/// It is opaque, so that causes can change without breaking applications: match on [`code`](Self::code) or call a
/// predicate. `Display` returns a message for the operator. It contains no tokens or secrets, but it is not meant for
/// the users of an application, who see the engine's own pages.
///
/// It is cheap to clone: clones share the message and the cause.
///
/// It is not a response of a web framework. A handler returns `okta_auth::axum::HandlerError` or
/// `okta_auth::actix::HandlerError`, into which `?` converts it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

/// Behind a pointer, so that a `Result` stays small.
#[derive(Clone)]
struct Inner {
    code: Code,
    /// What happened, why, and what to do.
    message: Cow<'static, str>,
    claim: Option<&'static str>,
    /// Okta's `error`, checked to be a plain token.
    provider_error: Option<String>,
    /// The status of the response with which Okta refused a request.
    provider_status: Option<u16>,
    /// Okta's `error_description`, escaped and truncated. Only for logs.
    provider_description: Option<String>,
    retry_after: Option<Duration>,
    /// Only for logs.
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            code,
            message: message.into(),
            claim: None,
            provider_error: None,
            provider_status: None,
            provider_description: None,
            retry_after: None,
            cause: None,
        }))
    }

    /// An error for a claim that is missing, malformed or wrong. `why` must not contain the claim's value.
    pub(crate) fn invalid_claim(claim: &'static str, why: &str) -> Self {
        Self::new(Code::TokenClaim, format!("the claim `{claim}` {why}")).with_claim(claim)
    }

    pub(crate) fn with_claim(mut self, claim: &'static str) -> Self {
        self.inner().claim = Some(claim);
        self
    }

    pub(crate) fn with_cause(mut self, cause: impl Into<Cause>) -> Self {
        self.inner().cause = Some(without_values(cause.into()).into());
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.inner().retry_after = Some(wait);
        self
    }

    /// Replaces the message and keeps everything else, for a caller that can name the fix.
    pub(crate) fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.inner().message = message.into();
        self
    }

    /// Adds the provider's `error` code if it is a plain token of RFC 6749 §5.2. Other values are dropped, because an
    /// attacker controls the parameters of the callback.
    pub(crate) fn with_provider_error(mut self, error: &str) -> Self {
        let plain = !error.is_empty()
            && error.len() <= 64
            && error.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        self.inner().provider_error = plain.then(|| error.to_owned());
        self
    }

    pub(crate) fn with_provider_status(mut self, status: u16) -> Self {
        self.inner().provider_status = Some(status);
        self
    }

    pub(crate) fn provider_status(&self) -> Option<u16> {
        self.0.provider_status
    }

    /// Adds the provider's description for logs, escaped and truncated, because it may be any text.
    pub(crate) fn with_provider_description(mut self, description: &str) -> Self {
        let description = description.trim();
        self.inner().provider_description = (!description.is_empty()).then(|| escaped(description));
        self
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// Returns the whole chain of causes for logs, outermost first. Causes may contain text from a server, such as the
    /// names in its certificate, so the result is escaped and truncated.
    pub(crate) fn cause_text(&self) -> Option<String> {
        let first = std::error::Error::source(self)?;
        let chain = std::iter::successors(Some(first), |cause| cause.source());
        let mut text = String::new();
        for cause in chain.take(MAX_CAUSES).map(ToString::to_string) {
            // Some errors repeat their own cause.
            if text.is_empty() {
                text = cause;
            } else if !text.ends_with(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
        }
        Some(escaped(&text))
    }

    /// The cause of the error, as a stable value.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The invalid claim, for [`Code::TokenClaim`]; `cnf` if a token's binding to a key does not match the
    /// authentication scheme of the request.
    pub fn claim(&self) -> Option<&'static str> {
        self.0.claim
    }

    /// Okta's `error` (RFC 6749 §4.1.2.1 and §5.2), if Okta sent a well-formed one.
    pub fn provider_error(&self) -> Option<&str> {
        self.0.provider_error.as_deref()
    }

    /// Okta's `error_description`: arbitrary text, only for logs. It is escaped to stay on one line, and truncated
    /// after 500 characters.
    pub fn provider_description(&self) -> Option<&str> {
        self.0.provider_description.as_deref()
    }

    /// How long to wait before a retry, if Okta stated it.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the configuration is invalid.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::config::Config;
    ///
    /// let error = Config::builder().issuer("https://{yourOktaDomain}").build().unwrap_err();
    /// assert!(error.is_config());
    /// assert!(error.to_string().contains("placeholder"), "the message names the fix");
    /// ```
    pub fn is_config(&self) -> bool {
        matches!(self.0.code, Code::ConfigInvalid)
    }

    /// Whether the same call may succeed later without any change: Okta or the session store is unavailable or slow,
    /// Okta limits the rate, or a copy of the same message is being processed.
    pub fn is_temporary(&self) -> bool {
        use Code::{
            ClockSkew, LogoutInProgress, ProviderRateLimited, ProviderUnavailable, RenewalUnavailable,
            SignInUnavailable, SignOutPending, StoreUnavailable, TenantUnavailable,
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
                | SignInUnavailable
                | ClockSkew
        )
    }

    /// Whether Okta returned an unusable response, or a URL that requests must not use.
    pub(crate) fn is_of_provider(&self) -> bool {
        use Code::{ApiRefused, EgressRefused, IssuerMismatch, MetadataInvalid, ProviderResponse, TokenRefused};
        matches!(
            self.0.code,
            ProviderResponse | IssuerMismatch | MetadataInvalid | TokenRefused | EgressRefused | ApiRefused
        )
    }

    /// Whether a token was rejected: malformed, badly signed, expired, or issued for another audience.
    pub fn is_token(&self) -> bool {
        use Code::{
            DpopNonce, DpopProof, TokenAlgorithm, TokenClaim, TokenEncrypted, TokenExpired, TokenHeader,
            TokenKeyUnknown, TokenKind, TokenMalformed, TokenSignature,
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
                | DpopProof
                | DpopNonce
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// The output for a `main` that returns the error: the message with its line breaks, and then the details for logs.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.0.message, self.0.code)?;
        if let Some(error) = &self.0.provider_error {
            write!(f, "; the provider said `{error}`")?;
        }
        if let Some(description) = &self.0.provider_description {
            write!(f, " ({description})")?;
        }
        self.cause_text().map_or(Ok(()), |cause| write!(f, "; because {cause}"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

/// Removes from a cause the document values that `serde_json` quotes, because they may be an e-mail address or a token.
fn without_values(cause: Cause) -> Cause {
    let Some(json) = cause.downcast_ref::<serde_json::Error>() else { return cause };
    let text = json.to_string();
    // These two messages contain only field names of our own types.
    if !json.is_data() || text.starts_with("missing field") || text.starts_with("duplicate field") {
        return cause;
    }
    Cause::from(expected(&text))
}

/// Returns the type that `serde` expected, without the value that it found.
pub(crate) fn expected(message: &str) -> String {
    format!("a value is not valid, expected {}", expectation(message).unwrap_or("something else"))
}

/// Returns the expected type if the message is one of `serde`'s own, which end with it. Other messages end with text
/// from the document.
pub(crate) fn expectation(message: &str) -> Option<&str> {
    let of_serde = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant `", "unknown field `"];
    let (_, expected) =
        message.rsplit_once(", expected ").filter(|_| of_serde.iter().any(|m| message.starts_with(m)))?;
    Some(expected.rsplit_once(" at line ").map_or(expected, |(expected, _)| expected))
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
    fn causes_contain_no_values_of_the_document() {
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
            for text in shown.into_iter().chain([error.clone().cause_text().unwrap()]) {
                assert!(text.contains(told) && !text.contains("ada@"), "{json}: {text}");
            }
        }
    }
}
