//! The middleware: reads the session on the way in, writes cookies and the engine's answers on
//! the way out.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error, HttpMessage as _};
use okta_auth_core::OktaAuth;
use okta_auth_core::engine::Challenge;

use crate::bridge;
use crate::rejection::marked;

/// Gives every request its user. [`AppExt::okta_auth`](crate::AppExt::okta_auth) adds it along
/// with the library's routes; on its own it is for `App::wrap` and `Scope::wrap`.
#[derive(Clone, Debug)]
pub struct OktaAuthLayer {
    auth: OktaAuth,
}

impl OktaAuthLayer {
    /// A middleware for this application. All workers share its keys and caches.
    pub fn new(auth: &OktaAuth) -> Self {
        Self { auth: auth.clone() }
    }
}

impl<S, B> Transform<S, ServiceRequest> for OktaAuthLayer
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type InitError = ();
    type Transform = OktaAuthService<S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(OktaAuthService { auth: self.auth.clone(), inner: Rc::new(inner) }))
    }
}

/// What [`OktaAuthLayer`] makes of a service.
#[derive(Debug)]
pub struct OktaAuthService<S> {
    auth: OktaAuth,
    inner: Rc<S>,
}

impl<S, B> Service<ServiceRequest> for OktaAuthService<S>
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
        let visit = self.auth.visit(&bridge::parts(request.request()), bridge::target(request.request()));
        request.extensions_mut().insert(visit.clone());
        let inner = Rc::clone(&self.inner);
        Box::pin(async move {
            // The router's own table, asked with the router's own rules: nothing is parsed here.
            let allowed = match request.match_pattern() {
                Some(pattern) => visit.require_route(&pattern).await,
                None => Ok(()),
            };
            let mut response = match allowed {
                Ok(()) => inner.call(request).await?.map_into_boxed_body(),
                Err(challenge) => request.into_response(marked(&challenge)),
            };
            let challenge = response.response_mut().extensions_mut().remove::<Challenge>();
            if let Some(challenge) = challenge {
                let reply = bridge::into_response(visit.answer(challenge).await);
                response = response.into_response(reply);
            }
            bridge::finish(&visit, response.response_mut());
            Ok(response)
        })
    }
}
