//! Policies as values: conditions, and how they are put together.

use std::fmt;
use std::ops::{BitAnd, BitOr, Not};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::caller::Caller;
use super::condition::Condition;
use super::decision::Decision;
use super::evaluate;

/// A rule about who may do what. Cheap to clone.
///
/// Made of the functions of [this module](super), and composed with `&`, `|` and `!`:
///
/// ```
/// use okta_auth_core::policy::{check, group, machine};
///
/// let open = check("office hours", |_caller| async { true });
/// let policy = (group("Staff") & open | machine()).named("reports");
/// # let _ = policy;
/// ```
#[derive(Clone)]
pub struct Policy {
    pub(super) rule: Rule,
    pub(super) name: Option<Arc<str>>,
}

/// The tree of a policy.
#[derive(Clone)]
pub(super) enum Rule {
    Is(Arc<Condition>),
    Not(Arc<Rule>),
    All(Arc<[Rule]>),
    Any(Arc<[Rule]>),
}

/// What a [`check`] comes to: `None` if the function could not tell.
pub type CheckFuture = Pin<Box<dyn Future<Output = Option<bool>> + Send>>;

/// What the function of a [`check`] may return.
///
/// | type | allows | denies | cannot tell |
/// |---|---|---|---|
/// | `bool` | `true` | `false` | |
/// | `Option<bool>` | `Some(true)` | `Some(false)` | `None` |
/// | `Result<bool, E>` | `Ok(true)` | `Ok(false)` | `Err(_)` |
///
/// A function that cannot tell denies, under `!` too.
pub trait CheckOutcome {
    /// Whether the condition is met; `None` if the function could not tell.
    fn into_met(self) -> Option<bool>;
}

impl CheckOutcome for bool {
    fn into_met(self) -> Option<bool> {
        Some(self)
    }
}

impl CheckOutcome for Option<bool> {
    fn into_met(self) -> Option<bool> {
        self
    }
}

impl<E> CheckOutcome for Result<bool, E> {
    fn into_met(self) -> Option<bool> {
        self.ok()
    }
}

impl Policy {
    /// A policy of one condition.
    pub(super) fn condition(condition: Condition) -> Self {
        Self { rule: Rule::Is(Arc::new(condition)), name: None }
    }

    /// All of these. Of none at all it allows: add [`signed_in`] to be sure that
    /// somebody is known.
    pub fn all(policies: impl IntoIterator<Item = Self>) -> Self {
        let rules: Vec<Rule> = policies.into_iter().map(|policy| policy.rule).collect();
        Self { rule: Rule::All(rules.into()), name: None }
    }

    /// At least one of these. Of none at all it denies.
    pub fn any(policies: impl IntoIterator<Item = Self>) -> Self {
        let rules: Vec<Rule> = policies.into_iter().map(|policy| policy.rule).collect();
        Self { rule: Rule::Any(rules.into()), name: None }
    }

    /// Gives the policy a name, for logs.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The scopes that the policy asks for, in order and once each, for `scope=` in a
    /// challenge. What stands under `!` is not asked for.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let mut scopes = Vec::new();
        self.rule.collect_scopes(&mut scopes);
        scopes
    }

    /// Decides about a caller, and tells the log: the name of the policy and a stable
    /// code, nothing personal.
    pub async fn decide(&self, caller: &Caller) -> Decision {
        let mut results = evaluate::Results::default();
        let decision = loop {
            match evaluate::evaluate(&self.rule, caller, &results) {
                Ok(outcome) => break Decision::new(outcome, self.name.clone()),
                Err(pending) => results.call(&pending, caller).await,
            }
        };
        let (policy, code) = (decision.policy().unwrap_or("-"), decision.code());
        // A decision that stops a request is an event besides, and in the log at `info`.
        let words = if decision.is_allowed() { "allowed" } else { "not allowed" };
        tracing::debug!(target: "okta_auth::policy", policy, code, "{words}");
        decision
    }
}

/// Anybody who is known: signed in, or with a token.
pub fn signed_in() -> Policy {
    Policy::condition(Condition::SignedIn)
}

/// A person: signed in, or with a token that was issued for a user.
///
/// At Okta a token without `uid` belongs to a machine. Use it where an action has to be
/// laid at somebody's door.
pub fn user() -> Policy {
    Policy::condition(Condition::User)
}

/// A client that acts for itself (client credentials, RFC 6749 §4.4).
///
/// Together with a scope it is how one service lets another one in:
///
/// ```
/// use okta_auth_core::policy::{machine, scope};
///
/// let nightly_export = machine() & scope("reports:export");
/// # let _ = nightly_export;
/// ```
pub fn machine() -> Policy {
    Policy::condition(Condition::Machine)
}

/// Everybody, known or not.
pub fn anyone() -> Policy {
    Policy::condition(Condition::Constant(true))
}

/// Nobody at all.
pub fn nobody() -> Policy {
    Policy::condition(Condition::Constant(false))
}

/// A member of the group: its name is in the `groups` claim, in exactly this spelling.
/// Set the claim up at Okta; without it nobody is a member.
pub fn group(name: impl Into<String>) -> Policy {
    Policy::condition(Condition::Group(name.into()))
}

/// A granted scope (RFC 6749 §3.3), in exactly this spelling. For a token it is one of
/// `scp` or `scope`; for a session, one that the sign-in was granted.
///
/// A scope says what the client may ask for on behalf of the user, and not what the
/// user may do: where both matter, ask for both, as in `scope("orders:write") &
/// group("Buyers")`.
pub fn scope(name: impl Into<String>) -> Policy {
    Policy::condition(Condition::Scope(name.into()))
}

/// An authentication of this class: the `acr` claim is exactly this value, for example
/// `urn:okta:loa:2fa:any`. Somebody without it is asked to step up.
pub fn acr(value: impl Into<String>) -> Policy {
    acr_one_of([value])
}

/// An authentication of one of these classes, the preferred one first.
///
/// Okta reports the class that was asked for and reached, and not every class that the
/// sign-in would have satisfied, so name the stronger ones as well:
///
/// ```
/// use okta_auth_core::policy::acr_one_of;
///
/// let strong = acr_one_of(["urn:okta:loa:2fa:any", "phr", "phrh"]);
/// # let _ = strong;
/// ```
pub fn acr_one_of<V: Into<String>>(values: impl IntoIterator<Item = V>) -> Policy {
    Policy::condition(Condition::Acr(values.into_iter().map(Into::into).collect()))
}

/// An authentication with this method in the `amr` claim (RFC 8176), for example `mfa`.
///
/// There is no step-up for it: a method cannot be asked for in the protocol. To have a
/// second factor asked for, use [`acr`].
pub fn amr(method: impl Into<String>) -> Policy {
    Policy::condition(Condition::Amr(method.into()))
}

/// An active authentication at most `time` ago, by the `auth_time` claim (OIDC Core
/// §2), and not by the age of the session. Somebody who signed in longer ago is asked
/// to do it again.
pub fn signed_in_within(time: Duration) -> Policy {
    Policy::condition(Condition::SignedInWithin(time))
}

/// A caller of this tenant, by its issuer: for an API that accepts several.
///
/// ```
/// use okta_auth_core::policy::{scope, tenant};
///
/// let partner = tenant("https://partner.okta.com/oauth2/default") & scope("orders:read");
/// # let _ = partner;
/// ```
pub fn tenant(issuer: impl Into<String>) -> Policy {
    Policy::condition(Condition::Tenant(issuer.into()))
}

/// A function of the application, with a name for logs. It is called at most once for
/// each decision, only if the parts before it leave the decision open, and never for
/// nobody.
///
/// It gets the [`Caller`], from which it can read claims, and may ask a database. It
/// returns a `bool`, or an `Option<bool>` or `Result<bool, E>` if it may be unable to
/// tell (see [`CheckOutcome`]). A function that cannot tell denies, under `!` too. Its
/// error is dropped, so a function that wants it in the log writes it there.
///
/// ```
/// use okta_auth_core::policy::{check, group};
///
/// async fn is_banned(subject: String) -> Result<bool, std::io::Error> {
///     // ask the database
///     Ok(subject.is_empty())
/// }
///
/// let banned = check("banned", |caller| async move {
///     is_banned(caller.subject().unwrap_or_default().to_owned()).await
/// });
/// // While the database is away the policy denies.
/// let policy = group("Staff") & !banned;
/// # let _ = policy;
/// ```
pub fn check<F, Fut>(name: impl Into<String>, function: F) -> Policy
where
    F: Fn(Caller) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: CheckOutcome> + Send + 'static,
{
    let function = Box::new(move |caller: Caller| -> CheckFuture {
        let outcome = function(caller);
        Box::pin(async move { outcome.await.into_met() })
    });
    Policy::condition(Condition::Check(name.into(), function))
}

impl BitAnd for Policy {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self::all([self, other])
    }
}

impl BitOr for Policy {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self::any([self, other])
    }
}

impl Not for Policy {
    type Output = Self;

    fn not(self) -> Self {
        Self { rule: Rule::Not(Arc::new(self.rule)), name: None }
    }
}

impl fmt::Display for Rule {
    /// As it is written in code; a composed rule within another one is in parentheses,
    /// but for one of the same kind.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rules, between) = match self {
            Self::Is(condition) => return condition.fmt(f),
            Self::Not(rule) if rule.is_composed() => return write!(f, "!({rule})"),
            Self::Not(rule) => return write!(f, "!{rule}"),
            Self::All(rules) if rules.is_empty() => return f.write_str("anyone()"),
            Self::Any(rules) if rules.is_empty() => return f.write_str("nobody()"),
            Self::All(rules) => (rules, " & "),
            Self::Any(rules) => (rules, " | "),
        };
        for (position, rule) in rules.iter().enumerate() {
            if position > 0 {
                f.write_str(between)?;
            }
            let same = std::mem::discriminant(rule) == std::mem::discriminant(self);
            if rule.is_composed() && !same { write!(f, "({rule})")? } else { rule.fmt(f)? }
        }
        Ok(())
    }
}

impl Rule {
    /// Adds the scopes that the rule asks for.
    fn collect_scopes(&self, scopes: &mut Vec<String>) {
        match self {
            Self::Is(condition) => match &**condition {
                Condition::Scope(scope) if !scopes.contains(scope) => scopes.push(scope.clone()),
                _ => {}
            },
            Self::Not(_) => {}
            Self::All(rules) | Self::Any(rules) => rules.iter().for_each(|rule| rule.collect_scopes(scopes)),
        }
    }

    /// Whether it needs parentheses.
    fn is_composed(&self) -> bool {
        matches!(self, Self::All(rules) | Self::Any(rules) if !rules.is_empty())
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({self})")
    }
}
