//! The decision of a policy, with its reasons.

use std::fmt;
use std::sync::Arc;

use super::condition::{Condition, Verdict};
use super::effect::Effect;
use crate::error::{Code, Error};

/// Why a policy with a group denies every user.
const SIGN_IN_WITHOUT_GROUPS: &str = "the session has no claim with groups; configure one at Okta: a groups claim of the custom server (Security > API > \
     the server > Claims), or the scope `groups` and the application's group claim filter at the org server";

/// Why a policy with a group denies every access token.
const TOKEN_WITHOUT_GROUPS: &str = "the access token has no claim with groups; add a groups claim for access tokens to the custom server (Security > \
     API > the server > Claims)";

/// A condition that contributed to a decision.
#[derive(Clone)]
pub struct Reason {
    pub(super) condition: Arc<Condition>,
    /// Whether the condition is negated by `!`.
    pub(super) negated: bool,
    pub(super) verdict: Verdict,
}

impl Reason {
    /// Whether the condition holds, after applying `!` if the policy negates it.
    pub fn is_met(&self) -> bool {
        self.verdict == Verdict::Met
    }

    /// Returns a stable code for logs: `met`, `not_met`, or why the condition could not be evaluated (`claim_missing`,
    /// `claim_malformed`, `login_required`, `check_unknown`).
    pub const fn code(&self) -> &'static str {
        self.verdict.as_str()
    }

    /// Whether an actor of the token is the reason.
    fn is_about_actor(&self) -> bool {
        matches!(&*self.condition, Condition::NoActor) && !self.negated && self.verdict == Verdict::NotMet
    }

    /// Whether the token has no key, and needs one.
    fn is_about_binding(&self) -> bool {
        matches!(&*self.condition, Condition::Bound) && !self.negated && self.verdict == Verdict::NotMet
    }

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
            Verdict::Missing => write!(f, "{not}{condition} is unknown: the claim is missing"),
            Verdict::Malformed => write!(f, "{not}{condition} is unknown: the claim has another type"),
            Verdict::Anonymous => write!(f, "{not}{condition} is unknown: the caller is not signed in"),
            Verdict::Unknown => write!(f, "{not}{condition} is unknown: the function could not decide"),
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reason({self})")
    }
}

/// The decision of a policy about one caller, with the conditions that led to it.
/// ```
/// # mod okta_auth {
/// #     pub use okta_auth_core::policy;
/// #     pub mod axum { pub use okta_auth_core::adapter::SignedIn as User; }
/// # }
/// use okta_auth::axum::User;
/// use okta_auth::policy::{Effect, group};
///
/// # async fn example(user: User) {
/// let decision = user.decide(&group("Admins").named("administration")).await;
/// match decision.effect() {
///     Effect::Allow => println!("show the button"),
///     _ => println!("hide it: {}", decision.explain()),
/// }
/// # }
/// ```
///
/// The text of [`explain`](Self::explain) is for developers and operators. It names conditions of the policy, which may
/// be confidential, and never the value of a claim.
#[derive(Clone, Debug)]
pub struct Decision {
    pub(super) effect: Effect,
    pub(super) reasons: Vec<Reason>,
    pub(super) policy: Option<Arc<str>>,
}

impl Decision {
    /// Returns the effect.
    pub fn effect(&self) -> &Effect {
        &self.effect
    }

    /// Whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        self.effect == Effect::Allow
    }

    /// Returns the decisive conditions: for [`Effect::Allow`] some that hold and suffice, else those that prevent
    /// access.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// Returns the name of the policy, if it has one.
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }

    /// Returns a stable code for logs and clients: `allowed`, `login_required`, `step_up_required`,
    /// `insufficient_scope`, `actor_denied`, `claim_missing`, `claim_malformed`, `check_unknown` or `not_met`.
    pub fn code(&self) -> &'static str {
        match &self.effect {
            Effect::Allow => "allowed",
            Effect::Login => "login_required",
            Effect::StepUp(_) => "step_up_required",
            Effect::Deny if self.missing_scopes().next().is_some() => "insufficient_scope",
            Effect::Deny if self.denies_actor() => "actor_denied",
            Effect::Deny => self.reasons.first().map_or("not_met", |reason| reason.verdict.as_str()),
        }
    }

    /// Returns the missing scopes that contributed to a denial, for `scope=` in a challenge (RFC 6750 §3).
    pub fn missing_scopes(&self) -> impl Iterator<Item = &str> {
        self.reasons.iter().filter_map(Reason::missing_scope)
    }

    /// Whether the policy denies because an actor uses the token for its user.
    fn denies_actor(&self) -> bool {
        self.effect == Effect::Deny && self.reasons.iter().any(Reason::is_about_actor)
    }

    /// Whether the policy denies because the token is not bound to a key.
    pub(crate) fn denies_unbound(&self) -> bool {
        self.effect == Effect::Deny && self.reasons.iter().any(Reason::is_about_binding)
    }

    /// Returns the error for a client that the policy denies, which does not reveal the policy.
    pub(crate) fn denial(&self) -> Error {
        match self.denies_actor() {
            true => Error::new(Code::ActorDenied, "a policy allows this only without an actor, such as an AI agent"),
            false => Error::new(Code::AccessDenied, "a policy does not allow this"),
        }
    }

    /// Returns the fix for an operator if the policy needs a group and the caller has no claim with groups.
    pub(crate) fn hint(&self, by_token: bool) -> Option<Error> {
        let is_group = |reason: &Reason| matches!(&*reason.condition, Condition::Group(_));
        let lacks_groups = self.reasons.iter().any(|reason| is_group(reason) && reason.verdict == Verdict::Missing);
        let message = if by_token { TOKEN_WITHOUT_GROUPS } else { SIGN_IN_WITHOUT_GROUPS };
        lacks_groups.then(|| Error::new(Code::AccessDenied, message))
    }

    /// Returns the decision as a sentence for developers and operators. It names conditions of the policy and never the
    /// value of a claim.
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
