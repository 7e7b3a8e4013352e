//! Policies on routes.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::MethodRouter;
use okta_auth_core::adapter::RequestContext;
use okta_auth_core::engine::AcceptedCredentials;
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
///
/// The policy covers every route that the router has so far, including its fallback and
/// the response for unsupported methods. With a policy on a whole router, a request to an
/// unknown path therefore starts a sign-in instead of returning 404. In a nested router
/// this applies only below the nest. A merged router brings its fallback along; call
/// `reset_fallback` after the `merge` to get 404 for unknown paths again.
#[diagnostic::on_unimplemented(
    message = "a policy cannot be attached to `{Self}`",
    note = "call `.require(policy)` on a `Router`, or on a route such as `get(handler)`"
)]
pub trait RequireExt: Sized {
    /// Evaluates the policy for the user of the session. An access token does not count,
    /// even in addition to a session.
    ///
    /// A browser is redirected to Okta if it has no session, or if its sign-in is not
    /// strong or recent enough. Other clients get 401 or 403.
    #[must_use]
    fn require(self, policy: Policy) -> Self {
        self.require_for(AcceptedCredentials::Session, policy)
    }

    /// Evaluates the policy for the holder of the access token if the request has one,
    /// and otherwise for the user of the session.
    ///
    /// Every client of a custom authorization server can get a token for the default
    /// audience. Set an audience for this API, or list the clients with
    /// [`accept_client`](okta_auth_core::engine::OktaAuthBuilder::accept_client).
    #[must_use]
    fn require_any(self, policy: Policy) -> Self {
        self.require_for(AcceptedCredentials::SessionOrBearer, policy)
    }

    /// Evaluates the policy for the holder of the access token. A session does not count.
    #[must_use]
    fn require_token(self, policy: Policy) -> Self {
        self.require_for(AcceptedCredentials::BearerOnly, policy)
    }

    /// Evaluates the policy for the caller that the accepted credentials identify.
    #[must_use]
    fn require_for(self, accepts: AcceptedCredentials, policy: Policy) -> Self;
}

impl<S: Clone + Send + Sync + 'static> RequireExt for Router<S> {
    fn require_for(self, accepts: AcceptedCredentials, policy: Policy) -> Self {
        // Not a `route_layer`, because that excludes the fallback.
        self.layer(from_fn(move |request, next| guard(policy.clone(), accepts, request, next)))
    }
}

impl<S: Clone + Send + Sync + 'static> RequireExt for MethodRouter<S, Infallible> {
    fn require_for(self, accepts: AcceptedCredentials, policy: Policy) -> Self {
        // Not a `route_layer`, because a handler for `any` method is a fallback.
        self.layer(from_fn(move |request, next| guard(policy.clone(), accepts, request, next)))
    }
}

async fn guard(policy: Policy, accepts: AcceptedCredentials, request: Request, next: Next) -> Response {
    let Some(context) = request.extensions().get::<RequestContext>().cloned() else {
        report_missing_layer(request.uri().path());
        return layer_missing();
    };
    match context.require(&policy, accepts).await {
        Ok(()) => next.run(request).await,
        Err(challenge) => marked(challenge),
    }
}
