//! The one error type of the crate.

use std::fmt;

/// Why the development org could not be started, configured or used.
///
/// The type is opaque: its `Display` says what happened and how to put it right, and the predicates tell the cases
/// apart that a caller can react to.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The cases a caller can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Config,
    Bind,
    Browser,
    Crypto,
}

impl Error {
    /// The settings are wrong: nothing was started.
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

    /// Keeps what caused this error for `std::error::Error::source`.
    pub(crate) fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), source: None }
    }
}
