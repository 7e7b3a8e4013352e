//! From conditions to a decision.
//!
//! Evaluation itself never waits. Where a function of the application is needed,
//! evaluation stops, the function is called, and evaluation begins again with its
//! result: so a policy without such functions costs no allocation for futures, and
//! functions are called in the order in which they stand.
//!
//! A condition that cannot be answered never allows, negated or not: its claim is
//! missing or of the wrong type, or the application's function could not tell.
//! `!group("x")` denies a caller without the claim.
//!
//! The effects are ordered by how strict they are. `&` takes the strictest of its
//! parts and `|` the most lenient, so the order of parts decides what is told, and
//! never whether somebody gets in.

use std::sync::Arc;

use super::caller::Caller;
use super::condition::Condition;
use super::decision::{Decision, Effect, Reason, StepUp, Verdict};
use super::rule::Rule;

/// What a rule comes to, with the conditions that decided it.
pub(super) struct Outcome {
    effect: Effect,
    reasons: Vec<Reason>,
    /// What conditions that hold would ask of another sign-in: it begins anew, and has
    /// to keep what this one has.
    keep: StepUp,
}

/// What functions of the application have returned, by the condition that they belong
/// to.
#[derive(Default)]
pub(super) struct Results(Vec<(Arc<Condition>, Verdict)>);

/// A function of the application that has to be called first.
pub(super) type Pending = Arc<Condition>;

impl Results {
    /// Calls the function of a condition, and keeps what it returns.
    pub(super) async fn call(&mut self, condition: &Pending, caller: &Caller) {
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

    /// What a function returned, if it has been called.
    fn known(&self, condition: &Arc<Condition>) -> Option<Verdict> {
        self.0.iter().find(|(known, _)| Arc::ptr_eq(known, condition)).map(|(_, verdict)| *verdict)
    }
}

impl Decision {
    /// The outcome, under the policy's name.
    pub(super) fn new(outcome: Outcome, policy: Option<Arc<str>>) -> Self {
        let effect = match outcome.effect {
            Effect::StepUp(asked) => asked.and(outcome.keep).map_or(Effect::Deny, Effect::StepUp),
            effect => effect,
        };
        Self { effect, reasons: outcome.reasons, policy }
    }
}

/// Evaluates a rule.
///
/// Parts are read from left to right. `&` stops at the first part that denies, and `|`
/// at the first that allows: what comes after them cannot change the decision, and is
/// not in its reasons.
///
/// # Errors
/// The condition whose function has to be called first.
pub(super) fn evaluate(rule: &Rule, caller: &Caller, results: &Results) -> Result<Outcome, Pending> {
    visit(rule, false, caller, results)
}

/// `negated` is whether the rule stands under an odd number of `!`. It is pushed down
/// to the conditions (De Morgan), where unknown stays unknown.
fn visit(rule: &Rule, negated: bool, caller: &Caller, results: &Results) -> Result<Outcome, Pending> {
    match rule {
        Rule::Is(condition) => leaf(condition, negated, caller, results),
        Rule::Not(rule) => visit(rule, !negated, caller, results),
        Rule::All(rules) if !negated => all(rules, negated, caller, results),
        Rule::Any(rules) if negated => all(rules, negated, caller, results),
        Rule::All(rules) | Rule::Any(rules) => any(rules, negated, caller, results),
    }
}

/// One condition.
///
/// `!` turns met and not met around. Anonymous stays a sign-in, and missing, malformed
/// and unknown stay what they are. A negated condition asks for no step-up: a sign-in
/// can be asked to prove something, and not to leave it out.
///
/// For nobody no function of the application is called: whoever is anonymous is sent
/// to sign in first.
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

/// All of them: the strictest effect, and two step-ups become one.
///
/// None at all allow. A part that denies is returned alone: its reasons are the ones
/// that decided.
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

/// At least one of them: the most lenient effect, and the first one of two that are
/// alike.
///
/// None at all deny. A part that allows is returned alone, without the reasons of
/// parts that failed.
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
    /// Both of two, none of which denies. What holds does not stand in the way, but a
    /// step-up has to keep it. Demands that no sign-in could meet together are a
    /// denial.
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
            (mine, others) if strictness(mine) < strictness(others) => {
                self.effect = other.effect;
                self.reasons = other.reasons;
            }
            (mine, others) if strictness(mine) == strictness(others) => self.reasons.append(&mut other.reasons),
            _ => {}
        }
        self.keep = keep;
        self
    }

    /// Two parts of which each could hold, and not both.
    fn denied(mut self, mut other: Self) -> Self {
        self.reasons.append(&mut other.reasons);
        Self { effect: Effect::Deny, reasons: self.reasons, keep: StepUp::default() }
    }

    /// One of two, none of which allows. A step-up is the reason for itself alone; of a
    /// denial every part is.
    fn or(mut self, mut other: Self) -> Self {
        match (strictness(&self.effect), strictness(&other.effect)) {
            (mine, others) if mine > others => other,
            (mine, others) if mine < others || matches!(self.effect, Effect::StepUp(_)) => self,
            _ => {
                self.reasons.append(&mut other.reasons);
                self
            }
        }
    }
}

/// How strict an effect is. Signing in is stricter than stepping up: it comes first,
/// and what it leads to is judged anew.
fn strictness(effect: &Effect) -> u8 {
    match effect {
        Effect::Allow => 0,
        Effect::StepUp(_) => 1,
        Effect::Login => 2,
        Effect::Deny => 3,
    }
}
