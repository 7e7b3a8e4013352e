//! The one error type of the crate.
//!
//! What the org answers to an app is no error in this sense: it is what the app asked
//! for. See `oauth_error` for those.

use std::fmt;

/// Why the development org could not be started, configured or used.
///
/// The type is opaque: its `Display` says what happened and how to put it right, and
/// the predicates tell the cases apart that a caller can react to.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Which of the predicates is true.
    kind: Kind,
    /// For the person who reads the output of a test.
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The cases a caller can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Settings.
    Config,
    /// The operating system said no.
    Bind,
    /// The scripted browser.
    Browser,
    /// Keys or signatures: only when the machine has no randomness or memory.
    Crypto,
}

impl Error {
    /// The settings are wrong: nothing was started.
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

    /// The port could not be bound, for instance because another process holds it.
    pub fn is_bind(&self) -> bool {
        self.kind == Kind::Bind
    }

    /// The scripted browser got no answer, or one that it does not understand.
    pub fn is_browser(&self) -> bool {
        self.kind == Kind::Browser
    }

    /// Wrong settings; the message names the setting and what to write instead.
    pub(crate) fn config(message: impl fmt::Display) -> Self {
        Self::new(Kind::Config, message)
    }

    /// No listener.
    pub(crate) fn bind(message: impl fmt::Display) -> Self {
        Self::new(Kind::Bind, message)
    }

    /// No answer, or a strange one.
    pub(crate) fn browser(message: impl fmt::Display) -> Self {
        Self::new(Kind::Browser, message)
    }

    /// No key, or no signature.
    pub(crate) fn crypto(message: impl fmt::Display) -> Self {
        Self::new(Kind::Crypto, message)
    }

    /// Keeps what caused this error for `std::error::Error::source`.
    pub(crate) fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// An error without a cause so far.
    fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), source: None }
    }
}
