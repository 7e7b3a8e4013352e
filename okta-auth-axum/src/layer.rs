//! The tower layer: loads the session before the handler, and writes cookies and the engine's responses after it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, OriginalUri};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Request};
use okta_auth_core::adapter::{
    self, Admission, Challenge, Head, Incoming, RequestContext, RequestRoute, challenge_in_place_of,
};
use okta_auth_core::multi_tenant::Tenants;
use tower_layer::Layer;
use tower_service::Service;

use crate::response::into_response;

/// Provides the user to every request. [`RouterExt::okta_auth`](crate::RouterExt::okta_auth) adds it together with the
/// library's routes. Use it directly together with [`routes`](crate::routes), or around a service that is not axum's.
///
/// It wraps every [tower](https://docs.rs/tower) HTTP service, with any types of errors and bodies: in a
/// `ServiceBuilder`, around layers that change the response body, such as compression, or around a gRPC server. The
/// only requirements are that the response body is `Send` and has data of the type `Bytes`, and that the service is
/// `Clone`. A handler without axum's extractors reads the user by
/// [`User::from_extensions`](crate::User::from_extensions).
///
/// A service without axum's router has no matched routes, and policies by route deny its requests
/// ([`protect_all_except`](okta_auth_core::engine::OktaAuthBuilder::protect_all_except) denies them too). Protect it by
/// a [`RequireLayer`](crate::RequireLayer).
///
/// ```
/// use std::convert::Infallible;
///
/// use okta_auth::OktaAuth;
/// use okta_auth::axum::{OktaAuthLayer, RequireLayer};
/// use okta_auth::engine::AcceptedCredentials;
/// use okta_auth::policy::signed_in;
/// use tower::ServiceBuilder;
///
/// fn protect(auth: &OktaAuth) {
///     let service = ServiceBuilder::new()
///         .layer(OktaAuthLayer::new(auth))
///         .layer(RequireLayer::new(signed_in(), AcceptedCredentials::Session))
///         .service_fn(|_: http::Request<String>| async {
///             Ok::<_, Infallible>(http::Response::new("hello".to_owned()))
///         });
/// #   drop(service);
/// }
/// # let _ = protect;
/// ```
#[derive(Clone, Debug)]
pub struct OktaAuthLayer(adapter::Layer);

impl OktaAuthLayer {
    /// Creates a layer for this application: an `OktaAuth`, or `Tenants` for several, by value or by reference.
    pub fn new(auth: impl Into<Tenants>) -> Self {
        Self(adapter::Layer::new(auth))
    }

    pub(crate) fn of(layer: adapter::Layer) -> Self {
        Self(layer)
    }
}

impl<S> Layer<S> for OktaAuthLayer {
    type Service = OktaAuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        OktaAuthService { layer: self.0.clone(), inner }
    }
}

/// The service that [`OktaAuthLayer`](crate::OktaAuthLayer) produces. It adds no errors of its own.
#[derive(Clone, Debug)]
pub struct OktaAuthService<S> {
    layer: adapter::Layer,
    inner: S,
}

/// Takes the service that is ready and leaves a clone; see tower's docs on cloned services.
pub(crate) fn take_ready<S: Clone>(service: &mut S) -> S {
    let fresh = service.clone();
    std::mem::replace(service, fresh)
}

impl<S, RequestBody, B> Service<Request<RequestBody>> for OktaAuthService<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    RequestBody: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        match admission(&self.layer, &request) {
            Admission::Allowed(context) => {
                request.extensions_mut().insert(context.clone());
                ResponseFuture::Handled { context, response: self.inner.call(request) }
            }
            Admission::Pending(pending) => {
                let mut ready = take_ready(&mut self.inner);
                ResponseFuture::pending(async move {
                    let (context, admitted) = pending.decided().await;
                    request.extensions_mut().insert(context.clone());
                    let response = match admitted {
                        Ok(()) => ready.call(request).await?.map(Body::new),
                        Err(rejection) => into_response(rejection.into_reply()),
                    };
                    Ok(finished(&context, response).await)
                })
            }
            Admission::Nested(pending) => {
                let mut ready = take_ready(&mut self.inner);
                ResponseFuture::pending(async move {
                    match pending.decided().await {
                        ((), Ok(())) => Ok(ready.call(request).await?.map(Body::new)),
                        ((), Err(rejection)) => Ok(into_response(rejection.into_reply())),
                    }
                })
            }
        }
    }
}

fn admission<B>(layer: &adapter::Layer, request: &Request<B>) -> Admission {
    let extensions = request.extensions();
    // Inside `nest` the URI lacks its prefix, but the browser must return to the whole path.
    let uri = extensions.get::<OriginalUri>().map_or(request.uri(), |original| &original.0);
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let authority = uri.authority().map(|authority| authority.as_str());
    layer.admit(Incoming {
        head: Head { method: request.method(), authority, target, headers: request.headers() },
        routed_path: request.uri().path(),
        // The router has already matched, so no path is parsed here.
        route: RequestRoute::Matched(extensions.get::<MatchedPath>().map(MatchedPath::as_str)),
        outer: extensions.get::<RequestContext>(),
    })
}

pin_project_lite::pin_project! {
    /// The response future of [`OktaAuthService`].
    #[project = Project]
    #[allow(missing_debug_implementations, missing_docs, reason = "it is only awaited")]
    pub enum ResponseFuture<F, E> {
        /// Nearly all requests: the handler runs, and nothing is awaited before or after it.
        Handled { #[pin] response: F, context: RequestContext },
        /// All other requests.
        Pending { future: Pin<Box<dyn Future<Output = Result<Response, E>> + Send>> },
    }
}

impl<F, E> ResponseFuture<F, E> {
    fn pending(future: impl Future<Output = Result<Response, E>> + Send + 'static) -> Self {
        Self::Pending { future: Box::pin(future) }
    }
}

impl<F, E, B> Future for ResponseFuture<F, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = match self.as_mut().project() {
            Project::Pending { future } => return future.as_mut().poll(cx),
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
        self.set(Self::pending(future));
        self.poll(cx)
    }
}

fn challenge(context: &RequestContext, response: &mut Response) -> Option<Challenge> {
    challenge_in_place_of(context, response.extensions_mut().remove())
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
    let mut reply = context.answer_in_place_of(challenge, replaced).await;
    context.finish(reply.headers_mut());
    into_response(reply)
}
