//! The tower layer: loads the session before the handler, and writes cookies and the
//! engine's responses after it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use okta_auth_core::adapter::{
    Authentication, Challenge, Engine, Head, MatchedRoute, Reply, RequestContext, RouteSettings,
};
use okta_auth_core::multi_tenant::Tenants;
use tower_layer::Layer;
use tower_service::Service;

use crate::rejection::marked;

/// Provides the user to every request.
/// [`RouterExt::okta_auth`](crate::RouterExt::okta_auth) adds it together with the
/// library's routes. Use it directly in services that mount those routes elsewhere.
///
/// It also works in a [`tower::ServiceBuilder`](https://docs.rs/tower), around layers
/// that change the response body, such as compression.
#[derive(Clone, Debug)]
pub struct OktaAuthLayer {
    engine: Engine,
    /// Whether it wraps the library's own routes, which are always open.
    own: bool,
    /// Whether the library's routes are in the router that this layer wraps.
    with_routes: bool,
}

impl OktaAuthLayer {
    /// Creates a layer for this application: an `OktaAuth`, or `Tenants` for several, by
    /// value or by reference.
    pub fn new(auth: impl Into<Tenants>) -> Self {
        Self::of(Engine::new(auth))
    }

    fn of(engine: Engine) -> Self {
        Self { engine, own: false, with_routes: false }
    }

    pub(crate) fn with_routes(engine: Engine) -> Self {
        Self { with_routes: true, ..Self::of(engine) }
    }

    /// Returns the result of an outer layer of the same application, if there is one.
    fn seen<B>(&self, request: &Request<B>) -> Option<RequestContext> {
        let outer = request.extensions().get::<RequestContext>()?;
        self.engine.has_seen(Some(outer), request.uri().path()).then(|| outer.clone())
    }

    /// The layer of the library's own routes. They are open at every nesting level,
    /// because a callback that requires a user would redirect to Okta forever.
    pub(crate) fn of_own_routes(engine: Engine) -> Self {
        Self { own: true, ..Self::with_routes(engine) }
    }

    fn settings(&self, matched: Option<&MatchedPath>) -> RouteSettings {
        let settings = self.engine.route(matched_route(matched));
        RouteSettings::new(settings.options, settings.is_guarded && !self.own)
    }
}

fn matched_route(matched: Option<&MatchedPath>) -> MatchedRoute<'_> {
    matched.map_or(MatchedRoute::None, |matched| MatchedRoute::Chosen(matched.as_str()))
}

impl<S> Layer<S> for OktaAuthLayer {
    type Service = OktaAuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        OktaAuthService { layer: self.clone(), inner }
    }
}

/// The service that [`OktaAuthLayer`] produces. It adds no errors of its own.
#[derive(Clone, Debug)]
pub struct OktaAuthService<S> {
    layer: OktaAuthLayer,
    inner: S,
}

impl<S: Clone> OktaAuthService<S> {
    /// Takes the service that is ready and leaves a clone; see tower's docs on cloned
    /// services.
    fn take_ready(&mut self) -> S {
        let fresh = self.inner.clone();
        std::mem::replace(&mut self.inner, fresh)
    }
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for OktaAuthService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    RequestBody: Send + 'static,
    ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    ResponseBody::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = OktaAuthFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        // The router has already matched, so no path is parsed here.
        let matched = request.extensions().get::<MatchedPath>();
        let settings = self.layer.settings(matched);
        let route = settings.is_guarded.then(|| matched.cloned());
        if let Some(outer) = self.layer.seen(&request) {
            return OktaAuthFuture::rest(inside(outer, route, self.take_ready(), request));
        }
        let authenticate = {
            // Inside `nest` the URI lacks its prefix, but the browser must return to the whole path.
            let uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0);
            if self.layer.with_routes {
                self.layer.engine.observe_nesting(uri.path(), request.uri().path());
            }
            let target = uri.path_and_query().map_or("/", |target| target.as_str());
            let authority = uri.authority().map(|authority| authority.as_str());
            let head = Head { method: request.method(), authority, target, headers: request.headers() };
            self.layer.engine.authenticate_head(head, settings.options)
        };
        let authenticate = match authenticate {
            Authentication::Ready(context) if passes(&context, route.as_ref()) => {
                request.extensions_mut().insert(context.clone());
                return OktaAuthFuture::Handled { context, response: self.inner.call(request) };
            }
            asked => asked,
        };
        let mut ready = self.take_ready();
        OktaAuthFuture::rest(async move {
            let context = authenticate.context().await;
            request.extensions_mut().insert(context.clone());
            let allowed = match (context.admit(), &route) {
                (Ok(()), Some(route)) => context.require_route(matched_route(route.as_ref())).await,
                (admitted, _) => admitted,
            };
            let response = match allowed {
                Ok(()) => ready.call(request).await?.map(Body::new),
                Err(challenge) => marked(challenge),
            };
            Ok(finished(&context, response).await)
        })
    }
}

/// Handles a request that an outer layer has authenticated and will finish. Only this
/// layer may have the matched route, so it evaluates the route's policy.
async fn inside<S, RequestBody, ResponseBody>(
    context: RequestContext,
    route: Option<Option<MatchedPath>>,
    mut ready: S,
    request: Request<RequestBody>,
) -> Result<Response, S::Error>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    ResponseBody::Error: Into<BoxError>,
{
    if let Some(route) = route
        && let Err(challenge) = context.require_route(matched_route(route.as_ref())).await
    {
        return Ok(marked(challenge));
    }
    Ok(ready.call(request).await?.map(Body::new))
}

/// Whether a request reaches its handler without awaiting anything. `route` is its
/// matched path, if the route is guarded.
fn passes(context: &RequestContext, route: Option<&Option<MatchedPath>>) -> bool {
    route.is_none_or(|matched| matches!(context.try_require_route(matched_route(matched.as_ref())), Some(Ok(()))))
}

pin_project_lite::pin_project! {
    /// The response future of [`OktaAuthService`].
    #[project = Project]
    #[allow(missing_debug_implementations, missing_docs, reason = "it is only awaited")]
    pub enum OktaAuthFuture<F, E> {
        /// Nearly all requests: the handler runs, and nothing is awaited before or after
        /// it.
        Handled { #[pin] response: F, context: RequestContext },
        /// All other requests.
        Rest { future: Pin<Box<dyn Future<Output = Result<Response, E>> + Send>> },
    }
}

impl<F, E> OktaAuthFuture<F, E> {
    fn rest(future: impl Future<Output = Result<Response, E>> + Send + 'static) -> Self {
        Self::Rest { future: Box::pin(future) }
    }
}

impl<F, E, B> Future for OktaAuthFuture<F, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let rest = match self.as_mut().project() {
            Project::Rest { future } => return future.as_mut().poll(cx),
            Project::Handled { response, context } => {
                let mut response = ready!(response.poll(cx))?.map(Body::new);
                let Some(challenge) = challenge(context, &mut response) else {
                    context.finish(response.headers_mut());
                    return Poll::Ready(Ok(response));
                };
                let (context, replaced) = (context.clone(), std::mem::take(response.headers_mut()));
                async move { Ok(answered(&context, challenge, &replaced).await) }
            }
        };
        self.set(Self::rest(rest));
        self.poll(cx)
    }
}

fn challenge(context: &RequestContext, response: &mut Response) -> Option<Challenge> {
    response.extensions_mut().remove::<Challenge>().or_else(|| context.unanswered())
}

/// Responds to a challenge that a handler left, and adds the session's headers.
async fn finished(context: &RequestContext, mut response: Response) -> Response {
    if let Some(challenge) = challenge(context, &mut response) {
        return answered(context, challenge, response.headers()).await;
    }
    context.finish(response.headers_mut());
    response
}

async fn answered(context: &RequestContext, challenge: Challenge, replaced: &HeaderMap) -> Response {
    let mut response = into_response(context.answer_in_place_of(challenge, replaced).await);
    context.finish(response.headers_mut());
    response
}

pub(crate) fn into_response(reply: Reply) -> Response {
    reply.map(Body::from)
}
