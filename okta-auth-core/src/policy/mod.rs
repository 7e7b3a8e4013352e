//! Access policies: who may do what.
//!
//! A [`Policy`] is a value. It is made of conditions, composed with `&`, `|` and `!`,
//! and it decides about one [`Caller`]: a signed-in user or the holder of an access
//! token.
//!
//! ```
//! use std::time::Duration;
//! use okta_auth_core::policy::{acr, group, scope, signed_in_within};
//!
//! let recent = signed_in_within(Duration::from_secs(5 * 60));
//! let policy = group("Admins") | (scope("orders:write") & acr("urn:okta:loa:2fa:any") & recent);
//! assert_eq!(
//!     policy.to_string(),
//!     r#"group("Admins") | (scope("orders:write") & acr("urn:okta:loa:2fa:any") & signed_in_within(300 s))"#
//! );
//! ```
//!
//! # What a decision is
//!
//! | effect | meaning | a browser | an API client |
//! |---|---|---|---|
//! | [`Allow`](Effect::Allow) | go on | the handler | the handler |
//! | [`Login`](Effect::Login) | nobody is known | to sign-in | 401 with a challenge |
//! | [`StepUp`](Effect::StepUp) | a stronger or fresher sign-in would do | to sign-in, with `acr_values` and `max_age` | 401 `insufficient_user_authentication` (RFC 9470 §3) |
//! | [`Deny`](Effect::Deny) | nothing the caller can do | 403 page | 403, with `insufficient_scope` where a scope is missing (RFC 6750 §3.1) |
//!
//! # How conditions combine
//!
//! 1. A condition is met, not met, or unknown: the claim that it asks for is missing,
//!    or of another type than the condition needs, or the application's function could
//!    not tell.
//! 2. Unknown never allows, not even under `!`: `!group("Contractors")` denies somebody
//!    without a `groups` claim. (This is Kleene's logic of three values, in which De
//!    Morgan's laws and absorption hold.)
//! 3. A single string where a list is expected (`groups: "Admins"`) is a list of one; it
//!    is never split. A list that also holds something other than strings answers "yes"
//!    for a name in it and is malformed for every other name.
//! 4. `a & b` is as strict as the stricter part; of two step-ups it asks for both: the
//!    values that satisfy each, and the shorter time.
//! 5. `a | b` is as lenient as the more lenient part; of two step-ups it asks for the
//!    first.
//! 6. A step-up is offered only where it helps: never beside a part that denies, and
//!    never to a machine.
//!
//! # In handlers
//!
//! A policy on a route is asked before the handler runs. Where the decision depends on
//! what is asked for, a handler asks by itself:
//!
//! ```
//! use okta_auth_core::engine::SignedIn;
//! use okta_auth_core::policy::{claim, group};
//!
//! async fn may_approve(user: &SignedIn, amount: u64) -> bool {
//!     let policy = if amount > 10_000 {
//!         group("Directors")
//!     } else {
//!         group("Directors") | claim("department").equals("Finance")
//!     };
//!     user.decide(&policy).await.is_allowed()
//! }
//! ```
//!
//! The adapters have `require` on `User` and `AccessToken`, which makes the answer as
//! well.
//!
//! # Without a rebuild
//!
//! [`PolicySet`] reads policies from `policies.toml`, checks them at start, and gives
//! them to routes or to names in code.

mod caller;
mod condition;
mod credentials;
mod decision;
mod evaluate;
mod route_access;
mod route_pattern;
mod rule;
mod set;

#[cfg(feature = "toml")]
mod file;

pub use caller::Caller;
pub use condition::{ClaimCondition, claim};
pub use credentials::Accepts;
pub use decision::{Decision, Effect, Reason, StepUp, Verdict};
pub use route_access::MatchedRoute;
pub(crate) use route_access::{Denial, RouteAccess, RouteClass};
pub use rule::{
    CheckFuture, CheckOutcome, Policy, acr, acr_one_of, amr, anyone, check, group, machine, nobody, scope, signed_in,
    signed_in_within, tenant, user,
};
pub use set::{DefaultAccess, PolicySet};

#[cfg(test)]
mod tests;
