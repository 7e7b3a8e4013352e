//! The effects of decisions.

use std::time::Duration;

/// The effect of a decision on a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The request is allowed.
    Allow,
    /// The caller has to sign in or present a token.
    Login,
    /// The caller has to authenticate more strongly or again (RFC 9470).
    StepUp(StepUp),
    /// The request is denied; the caller cannot change that.
    Deny,
}

/// The requirements of a step-up. They are checked when the browser returns, because Okta ignores values that it does
/// not support.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepUp {
    /// The accepted authentication context classes, the preferred one first. Empty accepts all.
    pub acr_values: Vec<String>,
    /// The longest accepted time since the last active authentication. `None` accepts any.
    pub max_age: Option<Duration>,
}

impl StepUp {
    /// Combines two step-ups; `None` if no sign-in could satisfy both.
    pub(super) fn and(mut self, other: Self) -> Option<Self> {
        if self.acr_values.is_empty() {
            self.acr_values = other.acr_values;
        } else if !other.acr_values.is_empty() {
            self.acr_values.retain(|value| other.acr_values.contains(value));
            if self.acr_values.is_empty() {
                return None;
            }
        }
        self.max_age = match (self.max_age, other.max_age) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Some(self)
    }
}

impl Effect {
    /// Orders effects by strictness. Signing in is stricter than a step-up, because it comes first and its result is
    /// evaluated again.
    pub(super) fn strictness(&self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::StepUp(_) => 1,
            Self::Login => 2,
            Self::Deny => 3,
        }
    }
}
