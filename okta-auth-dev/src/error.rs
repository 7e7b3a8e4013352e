//! The error type of the crate.
//!
//! Error responses that the org sends to an app are not errors in this sense; see `oauth_error`.

use std::fmt;

/// An error of starting, configuring or using the development org.
///
/// The type is opaque: its `Display` says what happened and how to fix it, and the predicates distinguish the cases
/// that a caller can handle.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    /// For the reader of a test's output.
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Config,
    /// The operating system refused the port.
    Bind,
    Browser,
    /// Keys or signatures: only if the machine lacks randomness or memory.
    Crypto,
}

impl Error {
    /// Whether the settings are invalid; nothing was started.
    ///
    /// ```
    /// # async fn example() {
    /// let refused = okta_auth_dev::Org::builder().host([0, 0, 0, 0].into()).start().await;
    /// assert!(refused.is_err_and(|error| error.is_config()));
    /// # }
    /// ```
    pub fn is_config(&self) -> bool {
        self.kind == Kind::Config
    }

    /// Whether the port could not be bound, for instance because another process uses it.
    pub fn is_bind(&self) -> bool {
        self.kind == Kind::Bind
    }

    /// Whether the scripted browser got no response, or one that it cannot parse.
    pub fn is_browser(&self) -> bool {
        self.kind == Kind::Browser
    }

    /// Invalid settings; the message names the setting and the fix.
    pub(crate) fn config(message: impl fmt::Display) -> Self {
        Self::new(Kind::Config, message)
    }

    pub(crate) fn bind(message: impl fmt::Display) -> Self {
        Self::new(Kind::Bind, message)
    }

    pub(crate) fn browser(message: impl fmt::Display) -> Self {
        Self::new(Kind::Browser, message)
    }

    pub(crate) fn crypto(message: impl fmt::Display) -> Self {
        Self::new(Kind::Crypto, message)
    }

    /// Sets the cause, which `std::error::Error::source` returns.
    pub(crate) fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), source: None }
    }
}
