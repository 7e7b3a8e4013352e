//! Policies on routes.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::MethodRouter;
use okta_auth_core::engine::{Accepts, Visit};
use okta_auth_core::policy::Policy;

use crate::rejection::{layer_missing, marked, report_missing_layer};

/// Attaches a policy to a route, or to all routes of a router.
///
/// ```
/// use axum::{Router, routing::get};
/// use okta_auth_axum::RequireExt;
/// use okta_auth_core::policy::{group, scope};
///
/// let admin = Router::<()>::new().route("/users", get(|| async { "users" })).require(group("Admins"));
/// let app = Router::new()
///     .nest("/admin", admin)
///     .route("/api/orders", get(|| async { "[]" }).require_token(scope("orders:read")));
/// # let _ = app;
/// ```
#[diagnostic::on_unimplemented(
    message = "a policy cannot be attached to `{Self}`",
    note = "call `.require(policy)` on a `Router`, or on a route such as `get(handler)`"
)]
pub trait RequireExt: Sized {
    /// Asks the policy about the user of the session, or about the holder of the access token
    /// if the request presents one.
    ///
    /// A browser that nobody has signed in with goes to Okta, and one whose sign-in is not
    /// strong or recent enough goes there again; anything else gets 401 or 403.
    #[must_use]
    fn require(self, policy: Policy) -> Self;

    /// Asks the policy about the holder of the access token. A session does not count.
    #[must_use]
    fn require_token(self, policy: Policy) -> Self;
}

impl<S: Clone + Send + Sync + 'static> RequireExt for Router<S> {
    fn require(self, policy: Policy) -> Self {
        self.route_layer(from_fn(move |request, next| guard(policy.clone(), Accepts::SessionOrToken, request, next)))
    }

    fn require_token(self, policy: Policy) -> Self {
        self.route_layer(from_fn(move |request, next| guard(policy.clone(), Accepts::Token, request, next)))
    }
}

impl<S: Clone + Send + Sync + 'static> RequireExt for MethodRouter<S, Infallible> {
    fn require(self, policy: Policy) -> Self {
        self.route_layer(from_fn(move |request, next| guard(policy.clone(), Accepts::SessionOrToken, request, next)))
    }

    fn require_token(self, policy: Policy) -> Self {
        self.route_layer(from_fn(move |request, next| guard(policy.clone(), Accepts::Token, request, next)))
    }
}

/// Lets a request through if the policy allows it.
async fn guard(policy: Policy, accepts: Accepts, request: Request, next: Next) -> Response {
    let Some(visit) = request.extensions().get::<Visit>().cloned() else {
        report_missing_layer(request.uri().path());
        return layer_missing();
    };
    match visit.require(&policy, accepts).await {
        Ok(()) => next.run(request).await,
        Err(challenge) => marked(challenge),
    }
}
