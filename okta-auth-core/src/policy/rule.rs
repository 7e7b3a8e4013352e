//! Policies as values: conditions and their composition.

use std::fmt;
use std::ops::{BitAnd, BitOr, Not};
use std::sync::Arc;
use std::time::Duration;

use super::caller::Caller;
use super::condition::{CheckFuture, Condition};

/// An access rule. Cheap to clone.
///
/// Policies are created by the functions of [this module](super) and composed with `&`, `|` and `!`:
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::policy::{check, group, machine};
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

#[derive(Clone)]
pub(super) enum Rule {
    Is(Arc<Condition>),
    Not(Arc<Rule>),
    All(Arc<[Rule]>),
    Any(Arc<[Rule]>),
}

/// The return types of a [`check`] function.
///
/// | type | allows | denies | undecided |
/// |---|---|---|---|
/// | `bool` | `true` | `false` | |
/// | `Option<bool>` | `Some(true)` | `Some(false)` | `None` |
/// | `Result<bool, E>` | `Ok(true)` | `Ok(false)` | `Err(_)` |
///
/// An undecided result denies, also under `!`.
pub trait CheckOutcome {
    /// Returns whether the condition is met; `None` if the function could not decide.
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
    pub(super) fn condition(condition: Condition) -> Self {
        Self { rule: Rule::Is(Arc::new(condition)), name: None }
    }

    /// Requires all of these policies. An empty list allows: add [`signed_in`] to require a known caller.
    pub fn all(policies: impl IntoIterator<Item = Self>) -> Self {
        let rules: Vec<Rule> = policies.into_iter().map(|policy| policy.rule).collect();
        Self { rule: Rule::All(rules.into()), name: None }
    }

    /// Requires at least one of these policies. An empty list denies.
    pub fn any(policies: impl IntoIterator<Item = Self>) -> Self {
        let rules: Vec<Rule> = policies.into_iter().map(|policy| policy.rule).collect();
        Self { rule: Rule::Any(rules.into()), name: None }
    }

    /// Names the policy, for logs.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Returns the scopes in the policy, in order and without duplicates, for `scope=` in a challenge. Scopes under `!`
    /// are excluded.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let mut scopes = Vec::new();
        self.rule.collect_scopes(&mut scopes);
        scopes
    }

    /// Whether only a bound token can meet the policy, for the scheme of a challenge.
    pub(crate) fn requires_binding(&self) -> bool {
        self.rule.requires_binding()
    }
}

/// Requires a known caller: signed in, or with a token.
pub fn signed_in() -> Policy {
    Policy::condition(Condition::SignedIn)
}

/// Requires a person: signed in, or with a token that was issued for a user.
///
/// At Okta a token without `uid` belongs to a machine. Use this policy for actions that must be attributable to a
/// person.
pub fn user() -> Policy {
    Policy::condition(Condition::User)
}

/// Requires a client that acts for itself (client credentials, RFC 6749 §4.4).
///
/// Combine it with a scope to authorize another service:
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::policy::{machine, scope};
///
/// let nightly_export = machine() & scope("reports:export");
/// # let _ = nightly_export;
/// ```
pub fn machine() -> Policy {
    Policy::condition(Condition::Machine)
}

/// Requires an access token that is bound to a key of its client (DPoP, RFC 9449). The proof of this key is verified
/// before the policy is evaluated. Sessions do not meet the policy.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::policy::{bound, scope};
///
/// let payments = scope("payments:write") & bound();
/// # let _ = payments;
/// ```
pub fn bound() -> Policy {
    Policy::condition(Condition::Bound)
}

/// Requires that this actor uses the access token for its user (`act`, RFC 8693 §4.1), such as an AI agent. `subject`
/// is the `sub` of the present actor; earlier actors of the chain do not count.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::policy::{actor, no_actor, scope};
///
/// let drafts = scope("drafts:write") & (no_actor() | actor("0oaassistant"));
/// # let _ = drafts;
/// ```
pub fn actor(subject: impl Into<String>) -> Policy {
    Policy::condition(Condition::Actor(subject.into()))
}

/// Requires that no actor uses the credential for the user: the caller is the user, or a machine that acts for itself.
/// An agent gets 403 with the code `actor_denied`.
pub fn no_actor() -> Policy {
    Policy::condition(Condition::NoActor)
}

/// Allows every caller, including anonymous ones.
pub fn anyone() -> Policy {
    Policy::condition(Condition::Constant(true))
}

/// Denies every caller.
pub fn nobody() -> Policy {
    Policy::condition(Condition::Constant(false))
}

/// Requires a group: its exact name must be in the `groups` claim. Configure this claim at Okta; without it every
/// caller is denied.
pub fn group(name: impl Into<String>) -> Policy {
    Policy::condition(Condition::Group(name.into()))
}

/// Requires a granted scope (RFC 6749 §3.3), with its exact name. A token has its scopes in `scp` or `scope`; a session
/// has the scopes that the sign-in was granted.
///
/// A scope limits what the client may do on behalf of the user. It does not limit what the user may do. Where both
/// matter, require both, as in `scope("orders:write") & group("Buyers")`.
pub fn scope(name: impl Into<String>) -> Policy {
    Policy::condition(Condition::Scope(name.into()))
}

/// Requires an authentication of this class: the `acr` claim must equal this value, for example `urn:okta:loa:2fa:any`.
/// Other callers have to step up.
pub fn acr(value: impl Into<String>) -> Policy {
    acr_one_of([value])
}

/// Requires an authentication of one of these classes, the preferred one first.
///
/// Okta reports the class that was requested and reached, and not every class that the sign-in satisfies. Therefore
/// list the stronger ones as well:
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::policy::acr_one_of;
///
/// let strong = acr_one_of(["urn:okta:loa:2fa:any", "phr", "phrh"]);
/// # let _ = strong;
/// ```
pub fn acr_one_of<V: Into<String>>(values: impl IntoIterator<Item = V>) -> Policy {
    Policy::condition(Condition::Acr(values.into_iter().map(Into::into).collect()))
}

/// Requires an authentication with this method in the `amr` claim (RFC 8176), for example `mfa`.
///
/// It has no step-up, because the protocol cannot request a method. To request a second factor, use [`acr`].
pub fn amr(method: impl Into<String>) -> Policy {
    Policy::condition(Condition::Amr(method.into()))
}

/// Requires an active authentication at most `time` ago, by the `auth_time` claim (OIDC Core §2) and not by the age of
/// the session. Other callers have to sign in again.
pub fn signed_in_within(time: Duration) -> Policy {
    Policy::condition(Condition::SignedInWithin(time))
}

/// Requires a caller of this issuer, for an API that accepts several issuers.
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::policy::{scope, tenant};
///
/// let partner = tenant("https://partner.okta.com/oauth2/default") & scope("orders:read");
/// # let _ = partner;
/// ```
pub fn tenant(issuer: impl Into<String>) -> Policy {
    Policy::condition(Condition::Tenant(issuer.into()))
}

/// Requires a function of the application to allow the caller. The name is for logs. The function is called at most
/// once for each decision, only if the preceding parts leave the decision open, and never for an anonymous caller.
///
/// The function gets the [`Caller`] with its claims, and may query a database. It returns a `bool`, or an
/// `Option<bool>` or `Result<bool, E>` if it may be unable to decide (see [`CheckOutcome`]). An undecided result
/// denies, also under `!`. An error value is dropped, so the function has to log it.
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::policy::{check, group};
///
/// async fn is_banned(subject: String) -> Result<bool, std::io::Error> {
///     // ask the database
///     Ok(subject.is_empty())
/// }
///
/// let banned = check("banned", |caller| async move {
///     is_banned(caller.subject().unwrap_or_default().to_owned()).await
/// });
/// // While the database is down, the policy denies.
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
    /// Writes the rule as in code. Nested rules of another kind are in parentheses.
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

    fn requires_binding(&self) -> bool {
        match self {
            Self::Is(condition) => matches!(**condition, Condition::Bound),
            Self::Not(_) => false,
            Self::All(rules) => rules.iter().any(Self::requires_binding),
            Self::Any(rules) => !rules.is_empty() && rules.iter().all(Self::requires_binding),
        }
    }

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
