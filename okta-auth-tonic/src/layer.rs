//! The tower layer, and what it leaves for the methods.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::COOKIE;
use http::{Request, Response};
use okta_auth_core::Error;
use okta_auth_core::adapter::{Authentication, Challenge, Engine, Head, RequestContext, RouteOptions};
use okta_auth_core::multi_tenant::Tenants;
use okta_auth_core::policy::{AcceptedCredentials, Policy};
use tonic::Status;
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::AccessToken;
use crate::policies::MethodPolicies;
use crate::status::status;

/// Verifies the access token of every call, for `tonic::transport::Server::layer`. Each method requires a valid token,
/// and all policies that name the method or its service have to allow the call.
#[derive(Clone, Debug)]
pub struct OktaAuthLayer {
    engine: Engine,
    policies: Arc<MethodPolicies>,
}

impl OktaAuthLayer {
    /// Creates a layer for this application: an `OktaAuth`, or `Tenants` for several, by value or by reference.
    pub fn new(auth: impl Into<Tenants>) -> Self {
        Self { engine: Engine::new(auth), policies: Arc::default() }
    }

    /// Adds a policy for a method, `package.Service/Method`, or for all methods of a service, `package.Service`. All
    /// policies for a method have to allow a call. If `anyone()` is the only policy for a method, calls to it need no
    /// token. Use this for `grpc.health.v1.Health`, for example.
    ///
    /// # Errors
    /// `Code::ConfigInvalid` if `name` has neither of the two forms.
    pub fn require(mut self, name: &str, policy: Policy) -> Result<Self, Error> {
        Arc::make_mut(&mut self.policies).add(name, policy)?;
        Ok(self)
    }

    fn authenticate<B>(&self, request: &Request<B>) -> Authentication {
        let mut headers = request.headers().clone();
        // A cookie would load a session, which no method uses.
        headers.remove(COOKIE);
        let (method, uri) = (request.method(), request.uri());
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let authority = uri.authority().map(|authority| authority.as_str());
        self.engine.authenticate_head(Head { method, authority, target, headers: &headers }, RouteOptions::default())
    }
}

/// Evaluates the policies. Returns the verified token; `None` if the call has none and needs none.
async fn admit(context: &RequestContext, policies: &[Policy]) -> Result<Option<AccessToken>, Challenge> {
    context.admit()?;
    for policy in policies {
        context.require(policy, AcceptedCredentials::BearerOnly).await?;
    }
    Ok(context.access_token().await.ok())
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

impl<S, RequestBody, B> Service<Request<RequestBody>> for OktaAuthService<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    RequestBody: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let Some(policies) = self.layer.policies.of(request.uri().path()) else {
            let unknown = Status::unimplemented("The path is not that of a gRPC method.");
            return Box::pin(async { Ok(unknown.into_http()) });
        };
        let authentication = self.layer.authenticate(&request);
        // The service that is ready is called, and a clone stays behind.
        let fresh = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            let context = authentication.context().await;
            let mut response = match admit(&context, &policies).await {
                Ok(token) => {
                    token.map(|token| request.extensions_mut().insert(token));
                    ready.call(request).await?.map(Body::new)
                }
                Err(challenge) => {
                    let code = challenge.code();
                    status(&context.answer(challenge).await, code).into_http()
                }
            };
            // A nonce for the next DPoP proof. Metadata has no use for the other changes, which concern caches.
            let others = context.header_changes_for(response.headers()).others;
            for (name, value) in others {
                response.headers_mut().append(name, value);
            }
            Ok(response)
        })
    }
}

/// The access token of a call.
pub trait RequestExt {
    /// Returns the verified token.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the call has no token, which only a method with the policy `anyone()` accepts.
    fn access_token(&self) -> Result<&AccessToken, Status>;
}

impl<T> RequestExt for tonic::Request<T> {
    fn access_token(&self) -> Result<&AccessToken, Status> {
        self.extensions().get().ok_or_else(|| Status::unauthenticated("The call has no verified access token."))
    }
}
