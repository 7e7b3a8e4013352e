//! The middleware: reads the session on the way in, writes cookies and the engine's answers on
//! the way out.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ResourceDef, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use okta_auth_core::engine::{Arrival, Challenge, RouteOptions, SpecialRoute, Tenants, Visit};

use crate::bridge;
use crate::rejection::{layer_missing, marked, report_missing_layer};
use crate::require::RequireLayer;
use crate::routes::observe_routes;

/// Gives every request its user; for `App::wrap` and `Scope::wrap`.
///
/// Middleware that rewrites paths, such as `NormalizePath`, has to be wrapped around it and not
/// the other way round: policies for routes are asked about the path that is seen here.
#[derive(Clone, Debug)]
pub struct OktaAuthLayer {
    tenants: Tenants,
    /// With the patterns of those that are not plain paths.
    special: Rc<[(Option<ResourceDef>, SpecialRoute)]>,
}

impl OktaAuthLayer {
    /// A middleware for this application: `OktaAuth`, or `Tenants` for many of them, by value or by
    /// reference. All workers share its keys and caches.
    ///
    /// # Panics
    /// As `web::resource` does, if a route that has a policy is no pattern of actix-web.
    pub fn new(auth: impl Into<Tenants>) -> Self {
        let tenants = auth.into();
        let pattern = |route: &str| route.contains(['{', '*']).then(|| ResourceDef::new(route));
        let special = tenants.special_routes().into_iter().map(|special| (pattern(&special.route), special));
        Self { special: special.collect(), tenants }
    }

    /// Every pattern that fits. The router has not chosen yet, and may choose another one by a guard:
    /// that a route without a policy fits too is no reason not to ask. The path is the router's own
    /// reading of it, with `%70` for `p`.
    fn fitting(&self, request: &ServiceRequest) -> Vec<&SpecialRoute> {
        let path = request.match_info().as_str();
        let fits = |(pattern, special): &&(Option<ResourceDef>, SpecialRoute)| match pattern {
            Some(pattern) => pattern.is_match(path),
            None => special.route == path,
        };
        self.special.iter().filter(fits).map(|(_, special)| special).collect()
    }
}

/// Asks the policies of all that fit.
async fn allow(visit: &Visit, fitting: &[&SpecialRoute]) -> Result<(), Challenge> {
    visit.admit()?;
    for special in fitting.iter().filter(|special| special.has_policy) {
        Box::pin(visit.require_route(&special.route)).await?;
    }
    Ok(())
}

/// What actix-web wants of every middleware, around a function that handles one request.
macro_rules! middleware {
    ($layer:ident, $service:ident, $handle:ident) => {
        impl<S, B> Transform<S, ServiceRequest> for $layer
        where
            S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
            B: MessageBody + 'static,
        {
            type Response = ServiceResponse<BoxBody>;
            type Error = Error;
            type InitError = ();
            type Transform = $service<S>;
            type Future = Ready<Result<Self::Transform, ()>>;

            fn new_transform(&self, inner: S) -> Self::Future {
                ready(Ok($service { layer: self.clone(), inner: Rc::new(inner) }))
            }
        }

        /// What the layer of the same name makes of a service.
        #[derive(Debug)]
        pub struct $service<S> {
            layer: $layer,
            inner: Rc<S>,
        }

        impl<S, B> Service<ServiceRequest> for $service<S>
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
                Box::pin($handle(self.layer.clone(), Rc::clone(&self.inner), request))
            }
        }
    };
}

middleware!(OktaAuthLayer, OktaAuthService, handle);
middleware!(RequireLayer, RequireService, guard);

/// Looks at the request, asks the policy of its route, and finishes the response.
async fn handle<S, B>(layer: OktaAuthLayer, inner: Rc<S>, request: ServiceRequest) -> Result<ServiceResponse, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    observe_routes(&layer.tenants, request.request());
    let seen = layer.tenants.has_seen(request.extensions().get::<Visit>(), request.path());
    if seen {
        return Ok(inner.call(request).await?.map_into_boxed_body());
    }
    let fitting = layer.fitting(&request);
    let options = fitting.iter().fold(RouteOptions::default(), |options, special| options.or(special.options));
    let visit = match bridge::arrival(&layer.tenants, request.request(), options) {
        Arrival::Here(visit) => visit,
        // On the heap, so that other requests do not carry the room for it along.
        waiting => Box::pin(waiting.visit()).await,
    };
    request.extensions_mut().insert(visit.clone());
    let response = match allow(&visit, &fitting).await {
        Ok(()) => match inner.call(request).await {
            Ok(response) => response.map_into_boxed_body(),
            Err(error) => {
                let response = answered(&visit, error.error_response()).await;
                return Err(InternalError::from_response(error, response).into());
            }
        },
        Err(challenge) => request.into_response(marked(&challenge)),
    };
    let (request, response) = response.into_parts();
    Ok(ServiceResponse::new(request, answered(&visit, response).await))
}

/// The engine's answer in place of a challenge that was left, with what the session needs.
async fn answered(visit: &Visit, mut response: HttpResponse) -> HttpResponse {
    let challenge = response.extensions_mut().remove::<Challenge>();
    if let Some(challenge) = challenge.or_else(|| visit.unanswered()) {
        // On the heap, so that other requests do not carry the room for it along.
        response = bridge::into_response(Box::pin(visit.answer(challenge)).await);
    }
    bridge::finish(visit, &mut response);
    response
}

/// Lets a request through if the policy allows it.
async fn guard<S, B>(layer: RequireLayer, inner: Rc<S>, request: ServiceRequest) -> Result<ServiceResponse, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let visit = request.extensions().get::<Visit>().cloned();
    let Some(visit) = visit else {
        report_missing_layer(request.path());
        return Ok(request.into_response(layer_missing()));
    };
    match visit.require(&layer.policy, layer.accepts).await {
        Ok(()) => Ok(inner.call(request).await?.map_into_boxed_body()),
        Err(challenge) => Ok(request.into_response(marked(&challenge))),
    }
}
