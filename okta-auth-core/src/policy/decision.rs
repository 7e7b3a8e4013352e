//! What a policy decides, and why.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::condition::Condition;

/// What is to happen with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Go on.
    Allow,
    /// Somebody has to sign in, or to present a token.
    Login,
    /// The caller has to authenticate in a stronger way, or again (RFC 9470).
    StepUp(StepUp),
    /// Nothing that the caller can do would help.
    Deny,
}

/// What a step-up asks for. It is checked when the browser comes back: Okta ignores
/// values that it does not support.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepUp {
    /// Authentication context classes, any of which will do; the preferred one first.
    /// Empty asks for none.
    pub acr_values: Vec<String>,
    /// The longest time since the last active authentication.
    pub max_age: Option<Duration>,
}

impl StepUp {
    /// Asks for both; `None` if no sign-in could satisfy the two.
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

/// How one condition came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It holds.
    Met,
    /// It does not hold.
    NotMet,
    /// The claim that it asks for is not there.
    Missing,
    /// The claim is there, but of another type than the condition needs.
    Malformed,
    /// Nobody is known.
    Anonymous,
    /// A function of the application could not tell.
    Unknown,
}

impl Verdict {
    /// A stable code for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "not_met",
            Self::Missing => "claim_missing",
            Self::Malformed => "claim_malformed",
            Self::Anonymous => "login_required",
            Self::Unknown => "check_unknown",
        }
    }
}

/// One condition that had a part in a decision.
#[derive(Clone)]
pub struct Reason {
    pub(super) condition: Arc<Condition>,
    /// Whether it stands under `!`.
    pub(super) negated: bool,
    pub(super) verdict: Verdict,
}

impl Reason {
    /// How the condition came out, the `!` before it included.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The scope that is missing, if that is the reason.
    fn missing_scope(&self) -> Option<&str> {
        match &*self.condition {
            Condition::Scope(scope) if !self.negated && self.verdict != Verdict::Met => Some(scope),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (not, condition) = (if self.negated { "!" } else { "" }, &self.condition);
        match self.verdict {
            Verdict::Met => write!(f, "{not}{condition} holds"),
            Verdict::NotMet => write!(f, "{not}{condition} does not hold"),
            Verdict::Missing => write!(f, "{not}{condition} cannot be told: the claim is missing"),
            Verdict::Malformed => write!(f, "{not}{condition} cannot be told: the claim is of another type"),
            Verdict::Anonymous => write!(f, "{not}{condition} cannot be told: nobody is signed in"),
            Verdict::Unknown => write!(f, "{not}{condition} cannot be told: the function could not decide"),
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reason({self})")
    }
}

/// What a policy decided about one caller, and which of its parts decided it.
///
/// ```
/// # async fn example(user: okta_auth_core::engine::SignedIn) {
/// use okta_auth_core::policy::{Effect, group};
///
/// let decision = user.decide(&group("Admins").named("administration")).await;
/// match decision.effect() {
///     Effect::Allow => println!("show the button"),
///     _ => println!("hide it: {}", decision.explain()),
/// }
/// # }
/// ```
///
/// The text of [`explain`](Self::explain) is for developers and operators. It names
/// conditions of the policy, which may be nobody else's business, and never what a
/// claim says.
#[derive(Clone, Debug)]
pub struct Decision {
    pub(super) effect: Effect,
    pub(super) reasons: Vec<Reason>,
    pub(super) policy: Option<Arc<str>>,
}

impl Decision {
    /// What is to happen.
    pub fn effect(&self) -> &Effect {
        &self.effect
    }

    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        self.effect == Effect::Allow
    }

    /// The conditions that decided: for [`Effect::Allow`] some that hold and suffice,
    /// else those that stand in the way.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// The name of the policy, if it has one.
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }

    /// A stable code for logs and for clients: `allowed`, `login_required`,
    /// `step_up_required`, `insufficient_scope`, `claim_missing`, `claim_malformed`,
    /// `check_unknown` or `not_met`.
    pub fn code(&self) -> &'static str {
        match &self.effect {
            Effect::Allow => "allowed",
            Effect::Login => "login_required",
            Effect::StepUp(_) => "step_up_required",
            Effect::Deny if self.missing_scopes().next().is_some() => "insufficient_scope",
            Effect::Deny => self.reasons.first().map_or("not_met", |reason| reason.verdict.as_str()),
        }
    }

    /// The scopes whose absence had a part in a denial, for `scope=` in a challenge
    /// (RFC 6750 §3).
    pub fn missing_scopes(&self) -> impl Iterator<Item = &str> {
        self.reasons.iter().filter_map(Reason::missing_scope)
    }

    /// Whether the policy asked for a group of a caller whose token has no claim with
    /// groups.
    pub(crate) fn lacks_groups(&self) -> bool {
        let is_group = |reason: &Reason| matches!(&*reason.condition, Condition::Group(_));
        self.reasons.iter().any(|reason| is_group(reason) && reason.verdict == Verdict::Missing)
    }

    /// The decision in a sentence for developers and operators. It names conditions of
    /// the policy and never a claim's value.
    pub fn explain(&self) -> String {
        let verb = match &self.effect {
            Effect::Allow => "allowed",
            Effect::Login => "sign-in required",
            Effect::StepUp(_) => "step-up required",
            Effect::Deny => "denied",
        };
        let reasons: Vec<String> = self.reasons.iter().map(ToString::to_string).collect();
        format!("{verb}: {}", reasons.join("; "))
    }
}
