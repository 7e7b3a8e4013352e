//! The conditions of policies.
//!
//! A condition is evaluated against the claims of a caller. The verdict has more than two values: a condition on a
//! missing or wrongly typed claim is neither met nor not met. Therefore `!` never allows a caller whose claims are
//! unknown.
//!
//! Claims are compared with case and without trimming: `Admins` is not `admins`.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

use super::caller::Caller;
use super::effect::StepUp;
use crate::clock::NumericDate;

pub(super) enum Condition {
    Constant(bool),
    /// A signed-in user or the holder of a token.
    SignedIn,
    User,
    Machine,
    /// The access token is bound to a key of its client, which the request has proven.
    Bound,
    /// The subject of the present actor.
    Actor(String),
    NoActor,
    Group(String),
    Scope(String),
    Acr(Vec<String>),
    Amr(String),
    /// An active authentication at most this long ago.
    SignedInWithin(Duration),
    Tenant(String),
    Claim(String, Test),
    /// A function of the application, with its name.
    Check(String, CheckFn),
}

pub(super) enum Test {
    Present,
    Equals(Value),
    Contains(Value),
    OneOf(Vec<Value>),
}

/// The result of a [`check`](super::check); `None` if the function could not decide.
pub(super) type CheckFuture = Pin<Box<dyn Future<Output = Option<bool>> + Send>>;

pub(super) type CheckFn = Box<dyn Fn(Caller) -> CheckFuture + Send + Sync>;

/// The result of one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub(crate) enum Verdict {
    /// The condition holds.
    Met,
    /// The condition does not hold.
    NotMet,
    /// The claim is missing.
    Missing,
    /// The claim has another type than the condition needs.
    Malformed,
    /// The caller is anonymous.
    Anonymous,
    /// A function of the application could not decide.
    Unknown,
}

impl Verdict {
    /// Returns a stable code for logs.
    pub(crate) const fn as_str(self) -> &'static str {
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

impl Condition {
    /// Evaluates the condition for a caller, without calling functions of the application: they count as not met.
    ///
    /// A constant needs no caller. Every other condition requires a sign-in, so an anonymous caller always gets
    /// [`Verdict::Anonymous`].
    pub(super) fn verdict(&self, caller: &Caller) -> Verdict {
        if let Self::Constant(met) = self {
            return met_if(*met);
        }
        if caller.is_anonymous() {
            return Verdict::Anonymous;
        }
        match self {
            Self::Constant(met) => met_if(*met),
            Self::SignedIn => Verdict::Met,
            Self::User => met_if(caller.is_user()),
            Self::Machine => met_if(caller.is_machine()),
            Self::Bound => met_if(caller.access_token().is_some_and(|token| token.claims().is_bound())),
            Self::Actor(subject) => met_if(caller.actor().is_some_and(|actor| actor.subject() == subject)),
            Self::NoActor => met_if(caller.actor().is_none()),
            Self::Group(name) => listed(caller.claim("groups"), name),
            Self::Scope(name) => met_if(caller.scopes().contains(name)),
            Self::Acr(values) => text(caller.claim("acr"), |acr| values.iter().any(|value| value == acr)),
            Self::Amr(method) => listed(caller.claim("amr"), method),
            Self::SignedInWithin(time) => recent(caller, *time),
            Self::Tenant(issuer) => met_if(caller.issuer() == Some(issuer)),
            Self::Claim(path, test) => test.verdict(caller.claim(path)),
            Self::Check(..) => Verdict::NotMet,
        }
    }

    /// Returns the step-up that could satisfy the condition. A machine cannot authenticate again, so it gets none, and
    /// neither does a token that an actor uses for a machine.
    ///
    /// An authorization request can only demand how and how recently a user authenticates, by `acr_values` and
    /// `max_age` (RFC 9470 §4). Other conditions have no step-up.
    pub(super) fn remedy(&self, caller: &Caller) -> Option<StepUp> {
        match self {
            _ if caller.is_token() && !caller.is_user() => None,
            Self::Acr(values) => Some(StepUp { acr_values: values.clone(), max_age: None }),
            Self::SignedInWithin(time) => Some(StepUp { acr_values: Vec::new(), max_age: Some(*time) }),
            _ => None,
        }
    }
}

impl Test {
    /// Evaluates the test for a claim; `null` counts as missing.
    ///
    /// If no listed value has the type of the claim, the claim is malformed: it can never match, which is probably a
    /// misconfiguration.
    fn verdict(&self, value: Option<&Value>) -> Verdict {
        let Some(value) = value.filter(|value| !value.is_null()) else { return Verdict::Missing };
        let same_type = |other: &Value| std::mem::discriminant(other) == std::mem::discriminant(value);
        match self {
            Self::Present => Verdict::Met,
            Self::Equals(expected) if same_type(expected) => met_if(value == expected),
            Self::OneOf(values) if values.iter().any(same_type) => met_if(values.contains(value)),
            Self::Contains(expected) => match value {
                Value::Array(list) => in_list(list, expected),
                _ => Verdict::Malformed,
            },
            Self::Equals(_) | Self::OneOf(_) => Verdict::Malformed,
        }
    }
}

fn met_if(met: bool) -> Verdict {
    if met { Verdict::Met } else { Verdict::NotMet }
}

fn text(claim: Option<&Value>, test: impl FnOnce(&str) -> bool) -> Verdict {
    match claim {
        None | Some(Value::Null) => Verdict::Missing,
        Some(Value::String(text)) => met_if(test(text)),
        Some(_) => Verdict::Malformed,
    }
}

/// Whether a list of strings has `name`. A single string is a list of one and is never split.
fn listed(claim: Option<&Value>, name: &str) -> Verdict {
    match claim {
        None | Some(Value::Null) => Verdict::Missing,
        Some(Value::String(only)) => met_if(only == name),
        Some(Value::Array(list)) => in_list(list, &Value::from(name)),
        Some(_) => Verdict::Malformed,
    }
}

/// Whether a list has `expected`. An element of another type cannot be compared, so without the expected value it makes
/// the list malformed.
fn in_list(list: &[Value], expected: &Value) -> Verdict {
    let comparable = |value: &Value| std::mem::discriminant(value) == std::mem::discriminant(expected);
    if list.contains(expected) {
        Verdict::Met
    } else if list.iter().all(comparable) {
        Verdict::NotMet
    } else {
        Verdict::Malformed
    }
}

/// Whether `auth_time` (OIDC Core §2) is at most `time` ago. The leeway is added, because Okta's clock may be ahead of
/// ours and a sign-in that has just completed must count.
///
/// A time beyond the leeway in the future is malformed, because it would count as recent for too long.
fn recent(caller: &Caller, time: Duration) -> Verdict {
    let (now, leeway) = (caller.now(), caller.leeway());
    match caller.claim("auth_time") {
        None | Some(Value::Null) => Verdict::Missing,
        Some(value) => match NumericDate::read(value) {
            Some(at) if at <= now.plus(leeway) => met_if(now <= at.plus(time).plus(leeway)),
            _ => Verdict::Malformed,
        },
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(met) => f.write_str(if *met { "anyone()" } else { "nobody()" }),
            Self::SignedIn => f.write_str("signed_in()"),
            Self::User => f.write_str("user()"),
            Self::Machine => f.write_str("machine()"),
            Self::Bound => f.write_str("bound()"),
            Self::Actor(subject) => write!(f, "actor({subject:?})"),
            Self::NoActor => f.write_str("no_actor()"),
            Self::Group(name) => write!(f, "group({name:?})"),
            Self::Scope(name) => write!(f, "scope({name:?})"),
            Self::Acr(values) if values.len() > 1 => write!(f, "acr_one_of({values:?})"),
            Self::Acr(values) => write!(f, "acr({:?})", values.first().map_or("", String::as_str)),
            Self::Amr(method) => write!(f, "amr({method:?})"),
            Self::SignedInWithin(time) => write!(f, "signed_in_within({} s)", time.as_secs()),
            Self::Tenant(issuer) => write!(f, "tenant({issuer:?})"),
            Self::Claim(path, test) => write!(f, "claim({path:?}){test}"),
            Self::Check(name, _) => write!(f, "check({name:?})"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => f.write_str(".is_present()"),
            Self::Equals(value) => write!(f, ".equals({value})"),
            Self::Contains(value) => write!(f, ".contains({value})"),
            Self::OneOf(values) => write!(f, ".one_of({})", Value::Array(values.clone())),
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
