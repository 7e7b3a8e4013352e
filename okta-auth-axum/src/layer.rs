//! The tower layer: reads the session on the way in, writes cookies and the engine's
//! answers on the way out.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::response::Response;
use okta_auth_core::OktaAuth;
use okta_auth_core::engine::{Challenge, Reply, Visit};
use tower_layer::Layer;
use tower_service::Service;

use crate::rejection::marked;

/// Gives every request its user. [`RouterExt::okta_auth`](crate::RouterExt::okta_auth)
/// adds it along with the library's routes; on its own it is for services that have
/// those elsewhere.
#[derive(Clone, Debug)]
pub struct OktaAuthLayer {
    auth: OktaAuth,
}

impl OktaAuthLayer {
    /// A layer for this application.
    pub fn new(auth: &OktaAuth) -> Self {
        Self { auth: auth.clone() }
    }
}

impl<S> Layer<S> for OktaAuthLayer {
    type Service = OktaAuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        OktaAuthService { auth: self.auth.clone(), inner }
    }
}

/// What [`OktaAuthLayer`] makes of a service. It never fails by itself.
#[derive(Clone, Debug)]
pub struct OktaAuthService<S> {
    auth: OktaAuth,
    inner: S,
}

impl<S> Service<Request> for OktaAuthService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let visit = {
            // Inside `nest`, the URI has lost its prefix; where the browser goes back
            // to has not.
            let original = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
            let target = original.path_and_query().map_or("/", |target| target.as_str());
            self.auth.visit(&parts, target)
        };
        // The router has matched already: no path is parsed here.
        let policies = self.auth.policies();
        let route = parts.extensions.get::<MatchedPath>().filter(|route| policies.route(route.as_str()).is_some());
        let route = route.cloned();
        parts.extensions.insert(visit.clone());
        let request = Request::from_parts(parts, body);
        let Some(route) = route else {
            let response = self.inner.call(request);
            return Box::pin(async move { Ok(finished(&visit, response.await?).await) });
        };
        // The clone takes the place of the service that is ready; see tower's docs on
        // cloned services.
        let fresh = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            let response = match visit.require_route(route.as_str()).await {
                Ok(()) => ready.call(request).await?,
                Err(challenge) => marked(challenge),
            };
            Ok(finished(&visit, response).await)
        })
    }
}

/// Answers a challenge that a handler left, and adds what the session needs.
async fn finished(visit: &Visit, mut response: Response) -> Response {
    if let Some(challenge) = response.extensions_mut().remove::<Challenge>() {
        // On the heap, so that other requests do not carry the room for it along.
        response = into_response(Box::pin(visit.answer(challenge)).await);
    }
    visit.finish(response.headers_mut());
    response
}

/// An answer of the engine as a response of axum.
pub(crate) fn into_response(reply: Reply) -> Response {
    reply.map(Body::from)
}
