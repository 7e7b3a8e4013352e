//! The middleware: loads the session before the handler, and writes cookies and the engine's responses after it.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ResourceDef, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use okta_auth_core::adapter::{Admission, Candidates, Layer, Rejection, RequestContext, challenge_in_place_of};
use okta_auth_core::multi_tenant::Tenants;

use crate::bridge;
use crate::require::RequireLayer;
use crate::response::LAYER;
use crate::routes::{OWN, observe_routes};

/// Provides the user to every request; for `App::wrap` and `Scope::wrap`.
///
/// Middleware that rewrites paths, such as `NormalizePath`, must wrap this layer, because policies for routes are
/// evaluated for the path that this layer receives.
///
/// ```
/// use actix_web::App;
/// use okta_auth::OktaAuth;
/// use okta_auth::actix::{OktaAuthLayer, okta_auth};
///
/// fn serve(auth: &OktaAuth) {
///     let app = App::new().configure(okta_auth(auth)).wrap(OktaAuthLayer::new(auth));
/// #   drop(app);
/// }
/// # let _ = serve;
/// ```
#[derive(Clone, Debug)]
pub struct OktaAuthLayer {
    layer: Layer,
    /// The routes with settings; those that are not plain paths have a pattern.
    named: Rc<[(Option<ResourceDef>, Arc<str>)]>,
}

impl OktaAuthLayer {
    /// Creates a middleware for this application: an `OktaAuth`, or `Tenants` for several, by value or by reference.
    /// All workers share its keys and caches.
    ///
    /// # Panics
    /// Panics like `web::resource` if a route with a policy is not a valid pattern of actix-web.
    pub fn new(auth: impl Into<Tenants>) -> Self {
        let layer = Layer::new(auth);
        let pattern = |route: &str| route.contains(['{', '*']).then(|| ResourceDef::new(route));
        let named = layer.named_routes().into_iter().map(|route| (pattern(&route), route));
        Self { named: named.collect(), layer }
    }

    /// Finds the routes that the router may choose. The path is decoded as the router decodes it: `%70` is `p`.
    fn candidates(&self, request: &ServiceRequest) -> Candidates {
        let path = request.match_info().as_str();
        let fits = |(pattern, route): &&(Option<ResourceDef>, Arc<str>)| match pattern {
            Some(pattern) => pattern.is_match(path),
            None => **route == *path,
        };
        let named = self.named.iter().filter(fits).map(|(_, route)| Arc::clone(route)).collect();
        let resources = request.resource_map();
        self.layer.candidates(named, || (resources.match_pattern(path), resources.match_name(path) == Some(OWN)))
    }
}

/// Implements the traits of an actix-web middleware around a function that handles one request.
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

/// Authenticates the request, evaluates the policies of its route, and finishes the response.
async fn handle<S, B>(layer: OktaAuthLayer, inner: Rc<S>, request: ServiceRequest) -> Result<ServiceResponse, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    observe_routes(&layer.layer, request.request());
    let (context, admitted) = match bridge::admit(&layer.layer, request.request(), layer.candidates(&request)) {
        Admission::Allowed(context) => (context, Ok(())),
        Admission::Pending(pending) => pending.decided().await,
        Admission::Nested(pending) => return respond(&*inner, request, pending.decided().await.1).await,
    };
    request.extensions_mut().insert(context.clone());
    match respond(&*inner, request, admitted).await {
        Ok(response) => {
            let (request, response) = response.into_parts();
            Ok(ServiceResponse::new(request, answered(&context, response).await))
        }
        Err(error) => {
            let response = answered(&context, error.error_response()).await;
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// Calls the handler, or responds in its place.
async fn respond<S, B>(
    inner: &S,
    request: ServiceRequest,
    admitted: Result<(), Rejection>,
) -> Result<ServiceResponse, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    match admitted {
        Ok(()) => Ok(inner.call(request).await?.map_into_boxed_body()),
        Err(rejection) => Ok(request.into_response(bridge::into_response(rejection.into_reply()))),
    }
}

/// Replaces a challenge by the engine's response, and adds the session's headers.
async fn answered(context: &RequestContext, mut response: HttpResponse) -> HttpResponse {
    let carried = response.extensions_mut().remove();
    if let Some(challenge) = challenge_in_place_of(context, carried) {
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
    let context = request.extensions().get().cloned();
    let admitted = LAYER.require(context.as_ref(), request.path(), &layer.policy, layer.accepts).await;
    respond(&*inner, request, admitted).await
}
