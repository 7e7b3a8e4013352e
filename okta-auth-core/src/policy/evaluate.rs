//! Evaluates conditions to a decision.
//!
//! Evaluation itself is synchronous. Where a function of the application is needed, evaluation stops, the function is
//! called, and evaluation restarts with its result. A policy without such functions therefore allocates no futures, and
//! functions are called in the order in which they are written.
//!
//! An unknown condition never allows, negated or not: its claim is missing or of the wrong type, or the application's
//! function could not decide. `!group("x")` denies a caller without the claim.
//!
//! Effects are ordered by strictness. `&` takes the strictest of its parts and `|` the most lenient, so the order of
//! the parts affects only the reasons and never whether access is allowed.

use std::sync::Arc;

use super::caller::Caller;
use super::condition::{Condition, Verdict};
use super::decision::{Decision, Reason};
use super::effect::{Effect, StepUp};
use super::rule::{Policy, Rule};

impl Policy {
    /// Decides about a caller. The log gets the name of the policy and a stable code, but no personal data.
    pub async fn decide(&self, caller: &Caller) -> Decision {
        let mut results = Results::default();
        let decision = loop {
            match evaluate(&self.rule, caller, &results) {
                Ok(outcome) => break Decision::new(outcome, self.name.clone()),
                Err(pending) => results.call(&pending, caller).await,
            }
        };
        let (policy, code) = (decision.policy().unwrap_or("-"), decision.code());
        // A decision that stops a request is also an event, which is logged at `info`.
        let words = if decision.is_allowed() { "allowed" } else { "not allowed" };
        tracing::debug!(target: "okta_auth::policy", policy, code, "{words}");
        decision
    }
}

/// The effect of a rule, with the decisive conditions.
struct Outcome {
    effect: Effect,
    reasons: Vec<Reason>,
    /// The step-up that would re-establish the conditions that hold. A step-up is a new sign-in, so it has to satisfy
    /// them too.
    keep: StepUp,
}

#[derive(Default)]
struct Results(Vec<(Arc<Condition>, Verdict)>);

/// A condition whose function has to be called first.
type Pending = Arc<Condition>;

impl Results {
    async fn call(&mut self, condition: &Pending, caller: &Caller) {
        let verdict = match &**condition {
            Condition::Check(_, function) => match function(caller.clone()).await {
                Some(true) => Verdict::Met,
                Some(false) => Verdict::NotMet,
                None => Verdict::Unknown,
            },
            _ => Verdict::NotMet,
        };
        self.0.push((Arc::clone(condition), verdict));
    }

    fn known(&self, condition: &Arc<Condition>) -> Option<Verdict> {
        self.0.iter().find(|(known, _)| Arc::ptr_eq(known, condition)).map(|(_, verdict)| *verdict)
    }
}

impl Decision {
    fn new(outcome: Outcome, policy: Option<Arc<str>>) -> Self {
        let effect = match outcome.effect {
            Effect::StepUp(asked) => asked.and(outcome.keep).map_or(Effect::Deny, Effect::StepUp),
            effect => effect,
        };
        Self { effect, reasons: outcome.reasons, policy }
    }
}

/// Evaluates a rule from left to right. `&` stops at the first part that denies, and `|` at the first that allows;
/// later parts cannot change the decision and are not among its reasons.
///
/// # Errors
/// The condition whose function has to be called first.
fn evaluate(rule: &Rule, caller: &Caller, results: &Results) -> Result<Outcome, Pending> {
    visit(rule, false, caller, results)
}

/// `negated` means an odd number of enclosing `!`. Negation is pushed down to the conditions (De Morgan), where unknown
/// stays unknown.
fn visit(rule: &Rule, negated: bool, caller: &Caller, results: &Results) -> Result<Outcome, Pending> {
    match rule {
        Rule::Is(condition) => leaf(condition, negated, caller, results),
        Rule::Not(rule) => visit(rule, !negated, caller, results),
        Rule::All(rules) if !negated => all(rules, negated, caller, results),
        Rule::Any(rules) if negated => all(rules, negated, caller, results),
        Rule::All(rules) | Rule::Any(rules) => any(rules, negated, caller, results),
    }
}

/// Evaluates one condition.
///
/// `!` swaps met and not met; the other verdicts stay unchanged. A negated condition offers no step-up, because a
/// sign-in can be required to prove something but not to omit it.
///
/// Functions of the application are not called for anonymous callers, which have to sign in first.
fn leaf(condition: &Arc<Condition>, negated: bool, caller: &Caller, results: &Results) -> Result<Outcome, Pending> {
    let verdict = match &**condition {
        Condition::Check(..) if !caller.is_anonymous() => {
            results.known(condition).ok_or_else(|| Arc::clone(condition))?
        }
        _ => condition.verdict(caller),
    };
    let verdict = match verdict {
        Verdict::Met if negated => Verdict::NotMet,
        Verdict::NotMet if negated => Verdict::Met,
        other => other,
    };
    let effect = match verdict {
        Verdict::Met => Effect::Allow,
        Verdict::Anonymous => Effect::Login,
        _ if negated => Effect::Deny,
        _ => condition.remedy(caller).map_or(Effect::Deny, Effect::StepUp),
    };
    let kept = (effect == Effect::Allow && !negated).then(|| condition.remedy(caller)).flatten();
    let reasons = vec![Reason { condition: Arc::clone(condition), negated, verdict }];
    Ok(Outcome { effect, reasons, keep: kept.unwrap_or_default() })
}

/// Returns the strictest effect of the parts, and combines step-ups. An empty list allows. A part that denies is
/// returned alone, because only its reasons are decisive.
fn all(rules: &[Rule], negated: bool, caller: &Caller, results: &Results) -> Result<Outcome, Pending> {
    let mut whole = Outcome { effect: Effect::Allow, reasons: Vec::new(), keep: StepUp::default() };
    for rule in rules {
        let part = visit(rule, negated, caller, results)?;
        if part.effect == Effect::Deny {
            return Ok(part);
        }
        whole = whole.and(part);
        if whole.effect == Effect::Deny {
            return Ok(whole);
        }
    }
    Ok(whole)
}

/// Returns the most lenient effect of the parts, and the first of equal ones. An empty list denies. A part that allows
/// is returned alone, without the reasons of failed parts.
fn any(rules: &[Rule], negated: bool, caller: &Caller, results: &Results) -> Result<Outcome, Pending> {
    let mut whole = Outcome { effect: Effect::Deny, reasons: Vec::new(), keep: StepUp::default() };
    for rule in rules {
        let part = visit(rule, negated, caller, results)?;
        if part.effect == Effect::Allow {
            return Ok(part);
        }
        whole = whole.or(part);
    }
    Ok(whole)
}

impl Outcome {
    /// Combines two parts, neither of which denies. A step-up must preserve the conditions that hold. Demands that no
    /// single sign-in could satisfy become a denial.
    fn and(mut self, mut other: Self) -> Self {
        let Some(keep) = self.keep.clone().and(other.keep.clone()) else { return self.denied(other) };
        match (&self.effect, &other.effect) {
            (Effect::StepUp(a), Effect::StepUp(b)) => match a.clone().and(b.clone()) {
                None => return self.denied(other),
                both => {
                    self.effect = both.map_or(Effect::Deny, Effect::StepUp);
                    self.reasons.append(&mut other.reasons);
                }
            },
            (mine, others) if mine.strictness() < others.strictness() => {
                self.effect = other.effect;
                self.reasons = other.reasons;
            }
            (mine, others) if mine.strictness() == others.strictness() => self.reasons.append(&mut other.reasons),
            _ => {}
        }
        self.keep = keep;
        self
    }

    /// Denies two parts that each could hold, but not together.
    fn denied(mut self, mut other: Self) -> Self {
        self.reasons.append(&mut other.reasons);
        Self { effect: Effect::Deny, reasons: self.reasons, keep: StepUp::default() }
    }

    /// Combines two alternatives, neither of which allows. A step-up has only its own reasons; a denial has the reasons
    /// of both.
    fn or(mut self, mut other: Self) -> Self {
        match (self.effect.strictness(), other.effect.strictness()) {
            (mine, others) if mine > others => other,
            (mine, others) if mine < others || matches!(self.effect, Effect::StepUp(_)) => self,
            _ => {
                self.reasons.append(&mut other.reasons);
                self
            }
        }
    }
}
