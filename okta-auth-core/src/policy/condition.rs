//! The conditions that policies are made of.
//!
//! A condition is held against the claims of a caller, and comes out as a verdict of
//! more than two values: a claim that is missing or of another type than expected is
//! neither met nor not met. That is what keeps a `!` from letting in somebody of
//! whom nothing is known.
//!
//! Claims are compared as they are, with case and without trimming: `Admins` is not
//! `admins`.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::caller::Caller;
use super::decision::{StepUp, Verdict};
use super::rule::{CheckFuture, Policy};
use crate::clock::NumericDate;

/// One condition about a caller.
pub(super) enum Condition {
    /// Always met, and never met.
    Constant(bool),
    /// Anybody who is known.
    SignedIn,
    /// A person.
    User,
    /// A client that acts for itself.
    Machine,
    /// A name in the `groups` claim.
    Group(String),
    /// A granted scope.
    Scope(String),
    /// One of these values of the `acr` claim.
    Acr(Vec<String>),
    /// A method in the `amr` claim.
    Amr(String),
    /// An active authentication at most this long ago.
    SignedInWithin(Duration),
    /// The issuer.
    Tenant(String),
    /// A test of any claim.
    Claim(String, Test),
    /// A function of the application.
    Check(String, CheckFn),
}

/// What is asked of a claim.
pub(super) enum Test {
    Present,
    Equals(Value),
    Contains(Value),
    OneOf(Vec<Value>),
}

/// A function of the application.
pub(super) type CheckFn = Box<dyn Fn(Caller) -> CheckFuture + Send + Sync>;

/// A claim that a condition is about; see [`claim`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ClaimCondition(String);

/// A condition about any claim, by its name or by a JSON Pointer (RFC 6901):
/// `claim("department")`, `claim("/address/country")`.
///
/// ```
/// use okta_auth_core::policy::claim;
///
/// let policy = claim("department").one_of(["Sales", "Support"]) & claim("/address/country").equals("SE");
/// # let _ = policy;
/// ```
pub fn claim(path: impl Into<String>) -> ClaimCondition {
    ClaimCondition(path.into())
}

impl ClaimCondition {
    /// The claim is there, and not null. Its value does not matter.
    pub fn is_present(self) -> Policy {
        Policy::condition(Condition::Claim(self.0, Test::Present))
    }

    /// The claim is this value. Of another type it is malformed: `"3"` is not 3.
    ///
    /// Malformed denies, and so does `!` of it: somebody changed what the claim means,
    /// and nobody should get in by that.
    pub fn equals(self, value: impl Into<Value>) -> Policy {
        Policy::condition(Condition::Claim(self.0, Test::Equals(value.into())))
    }

    /// The claim is a list with this value in it. A text that contains it is malformed:
    /// `"admin"` must not be found in `"not-an-admin"`. A list without the value is
    /// malformed if it holds a value of another type, since that one cannot be compared.
    pub fn contains(self, value: impl Into<Value>) -> Policy {
        Policy::condition(Condition::Claim(self.0, Test::Contains(value.into())))
    }

    /// The claim is one of these values.
    pub fn one_of<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Policy {
        let values = values.into_iter().map(Into::into).collect();
        Policy::condition(Condition::Claim(self.0, Test::OneOf(values)))
    }
}

impl Condition {
    /// Holds the condition against a caller. A function of the application is not
    /// called here.
    ///
    /// A constant is the same for everybody. Everything else needs somebody to ask
    /// about, so for nobody the verdict is that a sign-in is missing, whatever the
    /// condition. A function that has not been called counts as not met.
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

    /// The step-up that could make the condition hold. For a machine there is none:
    /// nobody is there to authenticate.
    ///
    /// An authorization request can ask how and how recently somebody authenticates,
    /// by `acr_values` and `max_age` (RFC 9470 §4). For other conditions it has no
    /// parameter, so nothing is offered.
    pub(super) fn remedy(&self, caller: &Caller) -> Option<StepUp> {
        match self {
            _ if caller.is_machine() => None,
            Self::Acr(values) => Some(StepUp { acr_values: values.clone(), max_age: None }),
            Self::SignedInWithin(time) => Some(StepUp { acr_values: Vec::new(), max_age: Some(*time) }),
            _ => None,
        }
    }
}

impl Test {
    /// Holds the test against a claim.
    ///
    /// `null` counts as missing. Of a list of values one has to be of the type of
    /// the claim; with none, the claim could never be met, and somebody should look
    /// at it.
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

/// Met or not met.
fn met_if(met: bool) -> Verdict {
    if met { Verdict::Met } else { Verdict::NotMet }
}

/// A text claim that passes `test`.
fn text(claim: Option<&Value>, test: impl FnOnce(&str) -> bool) -> Verdict {
    match claim {
        None | Some(Value::Null) => Verdict::Missing,
        Some(Value::String(text)) => met_if(test(text)),
        Some(_) => Verdict::Malformed,
    }
}

/// A list of strings with `name` in it. A single string is a list of one, and is never
/// split.
fn listed(claim: Option<&Value>, name: &str) -> Verdict {
    match claim {
        None | Some(Value::Null) => Verdict::Missing,
        Some(Value::String(only)) => met_if(only == name),
        Some(Value::Array(list)) => in_list(list, &Value::from(name)),
        Some(_) => Verdict::Malformed,
    }
}

/// A list with `expected` in it. An element of another type may be a broken spelling of
/// anything, so it makes the list malformed for every value that is not in it.
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

/// `auth_time` (OIDC Core §2) at most `time` ago, with the tolerated clock skew: Okta's
/// clock may be ahead of ours, and a sign-in that has just been done must count.
///
/// A time that lies further ahead than the skew is malformed: it would count as
/// recent for as long as it is in the future.
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
    /// As it is written in code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(met) => f.write_str(if *met { "anyone()" } else { "nobody()" }),
            Self::SignedIn => f.write_str("signed_in()"),
            Self::User => f.write_str("user()"),
            Self::Machine => f.write_str("machine()"),
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
