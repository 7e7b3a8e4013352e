//! Problems in a configuration, each with its fix.

use std::fmt;

use crate::error::{Code, Error};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The setting does not work, or not safely: building fails.
    Error,
    /// The setting works but is probably a mistake.
    Warning,
}

/// One finding of the configuration check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    pub(crate) severity: Severity,
    /// The variable at fault, for example `OKTA_ISSUER_URI`, or the name of a setting without a variable.
    pub variable: &'static str,
    /// The problem and its fix. Never contains a secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.message)
    }
}

/// Collects findings, so that they are reported together.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics(Vec<Problem>);

impl Diagnostics {
    pub(crate) fn error(&mut self, variable: &'static str, message: impl Into<String>) {
        self.add(Severity::Error, variable, message.into());
    }

    /// Adds an error, and returns the value that failed: none.
    pub(crate) fn reject<T>(&mut self, variable: &'static str, message: impl Into<String>) -> Option<T> {
        self.error(variable, message);
        None
    }

    pub(crate) fn warning(&mut self, variable: &'static str, message: impl Into<String>) {
        self.add(Severity::Warning, variable, message.into());
    }

    fn add(&mut self, severity: Severity, variable: &'static str, message: String) {
        self.0.push(Problem { severity, variable, message });
    }

    /// Returns the warnings, or one error that lists every problem.
    pub(crate) fn finish(self) -> Result<Vec<Problem>, Error> {
        let errors: Vec<String> = self
            .0
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .map(|problem| format!("\n  - {problem}"))
            .collect();
        if errors.is_empty() {
            return Ok(self.0);
        }
        let noun = if errors.len() == 1 { "problem" } else { "problems" };
        let message = format!("the Okta configuration has {} {noun}:{}", errors.len(), errors.concat());
        Err(Error::new(Code::ConfigInvalid, message))
    }
}
