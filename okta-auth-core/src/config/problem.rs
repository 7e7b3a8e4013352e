//! What is wrong with a configuration, and how to mend it.

use std::fmt;

use crate::error::{Code, Error};

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Severity {
    /// It cannot work, or not safely: building is refused.
    Error,
    /// It works, but is probably a slip.
    Warning,
}

/// One finding of the configuration check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The variable at fault, for example `OKTA_ISSUER_URI`, or the name of a setting
    /// that has no variable.
    pub variable: &'static str,
    /// What is wrong and how to mend it. Never holds a secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.message)
    }
}

/// Collects findings, so that all of them are told at once.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Problem>);

impl Findings {
    /// Something that cannot work, or not safely.
    pub(crate) fn error(&mut self, variable: &'static str, message: impl Into<String>) {
        self.add(Severity::Error, variable, message.into());
    }

    /// Something that works and is probably a slip.
    pub(crate) fn warning(&mut self, variable: &'static str, message: impl Into<String>) {
        self.add(Severity::Warning, variable, message.into());
    }

    /// Keeps a finding, in the order in which they are told.
    fn add(&mut self, severity: Severity, variable: &'static str, message: String) {
        self.0.push(Problem { severity, variable, message });
    }

    /// The warnings, or one error that lists every problem.
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
