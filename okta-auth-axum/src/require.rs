//! Policies on routes.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use axum::routing::MethodRouter;
use axum::{BoxError, Router};
use bytes::Bytes;
use http::Request;
use okta_auth_core::adapter::require_ext;
use okta_auth_core::policy::{AcceptedCredentials, Policy};
use tower_layer::Layer;
use tower_service::Service;

use crate::layer::take_ready;
use crate::response::{LAYER, into_response};

require_ext! {
    /// Attaches a policy to a route, or to all routes of a router.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use okta_auth::axum::RequireExt;
    /// use okta_auth::policy::{group, scope};
    ///
    /// let admin = Router::<()>::new().route("/users", get(|| async { "users" })).require(group("Admins"));
    /// let app = Router::new()
    ///     .nest("/admin", admin)
    ///     .route("/api/orders", get(|| async { "[]" }).require_token(scope("orders:read")));
    /// # let _ = app;
    /// ```
    ///
    /// The policy covers every route that the router has so far, including its fallback and the response for
    /// unsupported methods. With a policy on a whole router, a request to an unknown path therefore starts a sign-in
    /// instead of returning 404. In a nested router this applies only below the nest. A merged router brings its
    /// fallback along; call `reset_fallback` after the `merge` to get 404 for unknown paths again.
    #[diagnostic::on_unimplemented(
        message = "a policy cannot be attached to `{Self}`",
        note = "call `.require(policy)` on a `Router`, or on a route such as `get(handler)`"
    )]
}

impl<S: Clone + Send + Sync + 'static> RequireExt for Router<S> {
    fn require_for(self, accepts: AcceptedCredentials, policy: Policy) -> Self {
        // Not a `route_layer`, because that excludes the fallback.
        self.layer(RequireLayer::new(policy, accepts))
    }
}

impl<S: Clone + Send + Sync + 'static> RequireExt for MethodRouter<S, Infallible> {
    fn require_for(self, accepts: AcceptedCredentials, policy: Policy) -> Self {
        // Not a `route_layer`, because a handler for `any` method is a fallback.
        self.layer(RequireLayer::new(policy, accepts))
    }
}

/// Evaluates a policy for every request to a [tower](https://docs.rs/tower) service, with any types of errors and
/// bodies. For routes of axum use [`RequireExt`]. An [`OktaAuthLayer`](crate::OktaAuthLayer) has to be around it.
///
/// ```
/// use okta_auth::axum::RequireLayer;
/// use okta_auth::engine::AcceptedCredentials;
/// use okta_auth::policy::scope;
///
/// let layer = RequireLayer::new(scope("orders:read"), AcceptedCredentials::BearerOnly);
/// # let _ = layer;
/// ```
#[derive(Clone, Debug)]
pub struct RequireLayer {
    policy: Policy,
    accepts: AcceptedCredentials,
}

impl RequireLayer {
    /// Creates a layer that evaluates the policy for these kinds of credentials.
    pub fn new(policy: Policy, accepts: AcceptedCredentials) -> Self {
        Self { policy, accepts }
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireService { layer: self.clone(), inner }
    }
}

/// The service that [`RequireLayer`](crate::RequireLayer) produces. It adds no errors of its own.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    layer: RequireLayer,
    inner: S,
}

impl<S, RequestBody, B> Service<Request<RequestBody>> for RequireService<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    RequestBody: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let (RequireLayer { policy, accepts }, mut ready) = (self.layer.clone(), take_ready(&mut self.inner));
        Box::pin(async move {
            let context = request.extensions().get().cloned();
            match LAYER.require(context.as_ref(), request.uri().path(), &policy, accepts).await {
                Ok(()) => Ok(ready.call(request).await?.map(Body::new)),
                Err(rejection) => Ok(into_response(rejection.into_reply())),
            }
        })
    }
}
