//! Policies on routes.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error, HttpMessage as _, Route};
use okta_auth_core::engine::{Accepts, Visit};
use okta_auth_core::policy::Policy;

use crate::rejection::{layer_missing, marked};

/// Attaches a policy to a route.
///
/// ```
/// use actix_web::{App, web};
/// use okta_auth_actix::{RequireExt, RequireLayer};
/// use okta_auth_core::engine::Accepts;
/// use okta_auth_core::policy::{group, scope};
///
/// let app = App::new()
///     .service(
///         web::scope("/admin")
///             .wrap(RequireLayer::new(group("Admins"), Accepts::SessionOrToken))
///             .route("/users", web::get().to(|| async { "users" })),
///     )
///     .route("/api/orders", web::get().to(|| async { "[]" }).require_token(scope("orders:read")));
/// # let _ = app;
/// ```
#[diagnostic::on_unimplemented(
    message = "a policy cannot be attached to `{Self}`",
    note = "call `.require(policy)` on a route such as `web::get().to(handler)`; on a scope or a resource use `.wrap(RequireLayer::new(policy, Accepts::SessionOrToken))`"
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

impl RequireExt for Route {
    fn require(self, policy: Policy) -> Self {
        self.wrap(RequireLayer { policy, accepts: Accepts::SessionOrToken })
    }

    fn require_token(self, policy: Policy) -> Self {
        self.wrap(RequireLayer { policy, accepts: Accepts::Token })
    }
}

/// The middleware of a policy, for `Scope::wrap` and `Resource::wrap`; for a route use
/// [`RequireExt`].
#[derive(Clone, Debug)]
pub struct RequireLayer {
    policy: Policy,
    accepts: Accepts,
}

impl RequireLayer {
    /// Asks the policy about requests with these kinds of credentials.
    pub fn new(policy: Policy, accepts: Accepts) -> Self {
        Self { policy, accepts }
    }
}

impl<S, B> Transform<S, ServiceRequest> for RequireLayer
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type InitError = ();
    type Transform = RequireService<S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(RequireService { require: self.clone(), inner: Rc::new(inner) }))
    }
}

/// What [`RequireLayer`] makes of a service.
#[derive(Debug)]
pub struct RequireService<S> {
    require: RequireLayer,
    inner: Rc<S>,
}

impl<S, B> Service<ServiceRequest> for RequireService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, require) = (Rc::clone(&self.inner), self.require.clone());
        let visit = request.extensions().get::<Visit>().cloned();
        Box::pin(async move {
            let Some(visit) = visit else { return Ok(request.into_response(layer_missing())) };
            match visit.require(&require.policy, require.accepts).await {
                Ok(()) => Ok(inner.call(request).await?.map_into_boxed_body()),
                Err(challenge) => Ok(request.into_response(marked(&challenge))),
            }
        })
    }
}
