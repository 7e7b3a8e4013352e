//! A channel that attaches tokens to outgoing calls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, HeaderName};
use http::{Request, Response, StatusCode, Uri};
use okta_auth_core::outgoing::Authorization;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower_service::Service;

/// The header of a proof (RFC 9449 §4.1).
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// A channel that attaches an access token to each call, for the clients that tonic generates.
///
/// The token is attached only if the target of the [`Authorization`] names the origin to which the endpoint connects;
/// other calls fail. If the server rejects a token as invalid, the channel renews the token for the next call. It never
/// repeats a call.
#[derive(Clone, Debug)]
pub struct AuthorizedChannel {
    channel: Channel,
    /// Where the channel connects. The URI of a call does not show it.
    origin: Uri,
    authorization: Authorization,
}

impl AuthorizedChannel {
    /// Creates a channel that connects at its first call.
    pub fn new(endpoint: &Endpoint, authorization: Authorization) -> Self {
        Self { channel: endpoint.connect_lazy(), origin: endpoint.uri().clone(), authorization }
    }
}

impl Service<Request<Body>> for AuthorizedChannel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.channel.poll_ready(cx).map_err(|error| Status::from_error(error.into()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let fresh = self.clone();
        let Self { mut channel, origin, authorization } = std::mem::replace(self, fresh);
        Box::pin(async move {
            let mut connection = Request::new(());
            *connection.method_mut() = request.method().clone();
            *connection.uri_mut() =
                called(origin, request.uri()).map_err(|error| Status::internal(error.to_string()))?;
            let token = authorization.authorize(&mut connection).await.map_err(|error| {
                let code = if error.is_temporary() { Code::Unavailable } else { Code::Unauthenticated };
                Status::new(code, error.to_string())
            })?;
            for name in [AUTHORIZATION, DPOP] {
                request.headers_mut().remove(&name);
                request.headers_mut().extend(connection.headers_mut().remove(&name).map(|value| (name, value)));
            }
            let response = channel.call(request).await.map_err(|error| Status::from_error(error.into()))?;
            let headers = response.headers().clone();
            let is_refused = headers.get(Status::GRPC_STATUS).is_some_and(|status| status == "16");
            let status = if is_refused { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
            // Any response may have a nonce for the next proof. A failure is that of the next call.
            let _ = authorization.renew_after(&token, status, &headers).await;
            Ok(response)
        })
    }
}

/// Returns the address of a call, which a proof names: the URI of the call itself has only a path.
fn called(origin: Uri, call: &Uri) -> Result<Uri, http::Error> {
    let mut parts = origin.into_parts();
    parts.path_and_query = call.path_and_query().cloned();
    Ok(Uri::from_parts(parts)?)
}
