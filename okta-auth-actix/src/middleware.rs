//! The middleware: loads the session before the handler, and writes cookies and the
//! engine's responses after it.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ResourceDef, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use okta_auth_core::adapter::{
    Authentication, Challenge, Engine, MatchedRoute, RequestContext, RouteOptions, RouteSettings,
};
use okta_auth_core::multi_tenant::Tenants;

use crate::bridge;
use crate::rejection::{layer_missing, marked, report_missing_layer};
use crate::require::RequireLayer;
use crate::routes::{OWN, observe_routes};

/// Provides the user to every request; for `App::wrap` and `Scope::wrap`.
///
/// Middleware that rewrites paths, such as `NormalizePath`, must wrap this layer, because
/// policies for routes are evaluated for the path that this layer receives.
#[derive(Clone, Debug)]
pub struct OktaAuthLayer {
    engine: Engine,
    /// The routes with settings; those that are not plain paths have a pattern.
    named: Rc<[(Option<ResourceDef>, String)]>,
}

/// The route of a request, as far as it is known before the router has matched.
#[derive(Default)]
struct RequestRoute<'a> {
    /// The pattern of the first resource that matches the path. Not looked up if no route
    /// is guarded.
    candidate: Option<String>,
    /// Whether it is one of the library's own routes, which are always open.
    own: bool,
    /// Every named route that matches.
    fitting: Vec<&'a str>,
    settings: RouteSettings,
}

impl OktaAuthLayer {
    /// Creates a middleware for this application: an `OktaAuth`, or `Tenants` for
    /// several, by value or by reference. All workers share its keys and caches.
    ///
    /// # Panics
    /// Panics like `web::resource` if a route with a policy is not a valid pattern of
    /// actix-web.
    pub fn new(auth: impl Into<Tenants>) -> Self {
        let engine = Engine::new(auth);
        let pattern = |route: &str| route.contains(['{', '*']).then(|| ResourceDef::new(route));
        let named = engine.named_routes().into_iter().map(|route| (pattern(&route), route));
        Self { named: named.collect(), engine }
    }

    /// Finds the route of a request. The path is decoded as the router decodes it: `%70`
    /// is `p`.
    ///
    /// Because of guards, the router may choose another resource than the first that
    /// matches. The policies of all named routes that match are therefore evaluated too.
    fn route(&self, request: &ServiceRequest) -> RequestRoute<'_> {
        let path = request.match_info().as_str();
        let fits = |(pattern, route): &&(Option<ResourceDef>, String)| match pattern {
            Some(pattern) => pattern.is_match(path),
            None => route == path,
        };
        let fitting: Vec<&str> = self.named.iter().filter(fits).map(|(_, route)| route.as_str()).collect();
        if !self.engine.has_route_policies() {
            let settings = RouteSettings::new(self.options_of(&fitting), false);
            return RequestRoute { fitting, settings, ..RequestRoute::default() };
        }
        let resources = request.resource_map();
        let (own, candidate) = (resources.match_name(path) == Some(OWN), resources.match_pattern(path));
        let settings = self.engine.route(candidate.as_deref().map_or(MatchedRoute::None, MatchedRoute::Candidate));
        let options = self.options_of(&fitting).or(settings.options);
        let settings = RouteSettings::new(options, !own && settings.is_guarded);
        RequestRoute { candidate, own, fitting, settings }
    }

    fn options_of(&self, fitting: &[&str]) -> RouteOptions {
        let options = fitting.iter().map(|route| self.engine.options_of(route));
        options.fold(RouteOptions::default(), RouteOptions::or)
    }
}

/// Evaluates the policy of the first matching route, and those of all other matching
/// routes.
async fn allow(engine: &Engine, context: &RequestContext, route: &RequestRoute<'_>) -> Result<(), Challenge> {
    context.admit()?;
    if route.own || !engine.has_route_policies() {
        return Ok(());
    }
    let candidate = route.candidate.as_deref();
    if route.settings.is_guarded {
        let matched = candidate.map_or(MatchedRoute::None, MatchedRoute::Candidate);
        Box::pin(context.require_route(matched)).await?;
    }
    // A path that is listed as public is public, even if other routes match it.
    if candidate.is_some_and(|path| !path.contains('{') && engine.is_public_route(path)) {
        return Ok(());
    }
    for fitting in route.fitting.iter().filter(|fitting| Some(**fitting) != candidate) {
        if engine.has_policy(fitting) {
            Box::pin(context.require_route(MatchedRoute::Candidate(fitting))).await?;
        }
    }
    Ok(())
}

/// Implements the traits of an actix-web middleware around a function that handles one
/// request.
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

        /// The service that the layer of the same name produces.
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

/// Authenticates the request, evaluates the policy of its route, and finishes the
/// response.
async fn handle<S, B>(layer: OktaAuthLayer, inner: Rc<S>, request: ServiceRequest) -> Result<ServiceResponse, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    observe_routes(&layer.engine, request.request());
    let route = layer.route(&request);
    let outer = request.extensions().get::<RequestContext>().cloned();
    if let Some(outer) = outer.filter(|outer| layer.engine.has_seen(Some(outer), request.path())) {
        // The outer layer finishes the response. Only this layer may see the route.
        return match allow(&layer.engine, &outer, &route).await {
            Ok(()) => Ok(inner.call(request).await?.map_into_boxed_body()),
            Err(challenge) => Ok(request.into_response(marked(&challenge))),
        };
    }
    let context = match bridge::authenticate(&layer.engine, request.request(), route.settings.options) {
        Authentication::Ready(context) => context,
        // Boxed to keep the future of other requests small.
        waiting => Box::pin(waiting.context()).await,
    };
    request.extensions_mut().insert(context.clone());
    let response = match allow(&layer.engine, &context, &route).await {
        Ok(()) => match inner.call(request).await {
            Ok(response) => response.map_into_boxed_body(),
            Err(error) => {
                let response = answered(&context, error.error_response()).await;
                return Err(InternalError::from_response(error, response).into());
            }
        },
        Err(challenge) => request.into_response(marked(&challenge)),
    };
    let (request, response) = response.into_parts();
    Ok(ServiceResponse::new(request, answered(&context, response).await))
}

/// Replaces a challenge by the engine's response, and adds the session's headers.
async fn answered(context: &RequestContext, mut response: HttpResponse) -> HttpResponse {
    let challenge = response.extensions_mut().remove::<Challenge>();
    if let Some(challenge) = challenge.or_else(|| context.unanswered()) {
        // Boxed to keep the future of other requests small.
        response = Box::pin(bridge::answer(context, challenge, &response)).await;
    }
    bridge::finish(context, &mut response);
    response
}

async fn guard<S, B>(layer: RequireLayer, inner: Rc<S>, request: ServiceRequest) -> Result<ServiceResponse, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let context = request.extensions().get::<RequestContext>().cloned();
    let Some(context) = context else {
        report_missing_layer(request.path());
        return Ok(request.into_response(layer_missing()));
    };
    match context.require(&layer.policy, layer.accepts).await {
        Ok(()) => Ok(inner.call(request).await?.map_into_boxed_body()),
        Err(challenge) => Ok(request.into_response(marked(&challenge))),
    }
}
