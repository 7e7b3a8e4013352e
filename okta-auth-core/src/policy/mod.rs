//! Access policies.
//!
//! A [`Policy`] is a value. It is composed of conditions with `&`, `|` and `!`, and it decides about one [`Caller`]: a
//! signed-in user or the holder of an access token.
//!
//! ```
//! # use okta_auth_core as okta_auth;
//! use std::time::Duration;
//! use okta_auth::policy::{acr, group, scope, signed_in_within};
//!
//! let recent = signed_in_within(Duration::from_secs(5 * 60));
//! let policy = group("Admins") | (scope("orders:write") & acr("urn:okta:loa:2fa:any") & recent);
//! assert_eq!(
//!     policy.to_string(),
//!     r#"group("Admins") | (scope("orders:write") & acr("urn:okta:loa:2fa:any") & signed_in_within(300 s))"#
//! );
//! ```
//!
//! # Decisions
//!
//! | effect | meaning | a browser | an API client |
//! |---|---|---|---|
//! | [`Allow`](Effect::Allow) | the request is allowed | the handler | the handler |
//! | [`Login`](Effect::Login) | the caller is anonymous | to sign-in | 401 with a challenge |
//! | [`StepUp`](Effect::StepUp) | a stronger or fresher sign-in would suffice | to sign-in, with `acr_values` and `max_age` | 401 `insufficient_user_authentication` (RFC 9470 §3) |
//! | [`Deny`](Effect::Deny) | the caller cannot get access | 403 page | 403, with `insufficient_scope` where a scope is missing (RFC 6750 §3.1) |
//!
//! # How conditions combine
//!
//! 1. A condition is met, not met, or unknown. It is unknown if its claim is missing or of another type than the
//!    condition needs, or if the application's function could not decide.
//! 2. Unknown never allows, not even under `!`: `!group("Contractors")` denies a caller without a `groups` claim. (This
//!    is Kleene's three-valued logic, in which De Morgan's laws and absorption hold.)
//! 3. A single string where a list is expected (`groups: "Admins"`) is a list of one; it is never split. A list that
//!    also holds values other than strings matches a name in it and is malformed for every other name.
//! 4. `a & b` is as strict as the stricter part. Two step-ups are combined to one with the `acr` values common to both,
//!    and the shorter time.
//! 5. `a | b` is as lenient as the more lenient part. Of two step-ups the first is required.
//! 6. A step-up is offered only where it helps: never together with a part that denies, and never to a machine.
//!
//! # In handlers
//!
//! A policy on a route is evaluated before the handler runs. If the decision depends on the requested data, the handler
//! evaluates a policy itself:
//!
//! ```
//! # mod okta_auth {
//! #     pub use okta_auth_core::policy;
//! #     pub mod axum { pub use okta_auth_core::adapter::SignedIn as User; }
//! # }
//! use okta_auth::axum::User;
//! use okta_auth::policy::{claim, group};
//!
//! async fn may_approve(user: &User, amount: u64) -> bool {
//!     let policy = if amount > 10_000 {
//!         group("Directors")
//!     } else {
//!         group("Directors") | claim("department").equals("Finance")
//!     };
//!     user.decide(&policy).await.is_allowed()
//! }
//! ```
//!
//! In the adapters, `require` on `User` and `AccessToken` also creates the response.
//!
//! # Without a rebuild
//!
//! [`PolicySet`] reads policies from `policies.toml`, checks them at startup, and assigns them to routes or to names in
//! code.

mod caller;
mod claim;
mod condition;
mod credentials;
mod decision;
mod effect;
mod evaluate;
pub(crate) mod route_access;
mod route_pattern;
mod rule;
mod set;

#[cfg(feature = "toml")]
mod file;

pub use caller::Caller;
pub use claim::{ClaimCondition, claim};
pub use credentials::AcceptedCredentials;
pub use decision::{Decision, Reason};
pub use effect::{Effect, StepUp};
pub(crate) use route_access::{Denial, MatchedRoute, RouteAccess, RouteClass};
pub use rule::{
    CheckOutcome, Policy, acr, acr_one_of, actor, amr, anyone, bound, check, group, machine, no_actor, nobody, scope,
    signed_in, signed_in_within, tenant, user,
};
pub use set::{DefaultAccess, PolicySet};

#[cfg(test)]
mod tests;
