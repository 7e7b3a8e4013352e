//! The service that forwards requests.

use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use http::Response;
use http::request::Parts;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::address::ApiAddress;
use super::exchange::{Addresses, check_method, in_time, response};
use super::header_list::HeaderList;
use super::limits::Limits;
use super::origin::check_own_page;
use super::request_body::RequestBody;
use super::response_body::{Exchange, ProxyBody};
use super::stream::{BodyStream, interruptible};
use super::upstream::{self, Client};
use crate::engine::{RequestContext, unauthorized};
use crate::error::{Code, Error, Result};
use crate::response::Reply;

/// A proxy from the application's front end to an API. Clones are cheap, and share connections and limits. See the
/// [module](crate::proxy) for its rules.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    address: ApiAddress,
    /// The origin of the API, which may receive tokens.
    origin: String,
    path: String,
    headers: HeaderList,
    limits: Limits,
    client: Client,
    slots: Arc<Semaphore>,
}

/// Why a request is not forwarded.
enum NotForwarded {
    SignedOut,
    Failed(Error),
}

impl From<Error> for NotForwarded {
    fn from(error: Error) -> Self {
        if error.code() == Code::SessionEnded { Self::SignedOut } else { Self::Failed(error) }
    }
}

impl Proxy {
    pub(super) fn new(
        address: ApiAddress,
        path: &str,
        (headers, limits): (HeaderList, Limits),
        client: Client,
    ) -> Result<Self> {
        let origin = address.origin();
        let slots = Arc::new(Semaphore::new(limits.concurrency.min(Semaphore::MAX_PERMITS)));
        Ok(Self(Arc::new(Inner { address, origin, path: path.to_owned(), headers, limits, client, slots })))
    }

    /// Returns the path of the router below which requests are forwarded.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Forwards a request. `body` is `None` if the request has no body.
    pub(crate) async fn forward<S, E>(
        &self,
        context: &RequestContext,
        parts: &Parts,
        body: Option<S>,
    ) -> Response<ProxyBody>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + 'static,
    {
        let reply: Reply = match self.exchange(context, parts, body.map(interruptible)).await {
            Ok(response) => return response,
            Err(NotForwarded::SignedOut) => unauthorized(context),
            Err(NotForwarded::Failed(error)) => context.error(&error),
        };
        reply.map(ProxyBody::Whole)
    }

    async fn exchange(
        &self,
        context: &RequestContext,
        parts: &Parts,
        body: Option<BodyStream>,
    ) -> Result<Response<ProxyBody>, NotForwarded> {
        let proxy = &self.0;
        check_own_page(context.auth().config(), &parts.headers)?;
        let user = context.user::<()>()?.ok_or(NotForwarded::SignedOut)?;
        check_method(&parts.method)?;
        let suffix = self.suffix(parts)?;
        let requested = proxy.address.of_request(suffix, parts.uri.query())?;
        let permit = self.permit()?;
        let authorization = user.outgoing().target(&proxy.origin)?.for_user(&user);
        let progress = Arc::<Notify>::default();
        let request = (parts.method.clone(), requested.clone(), proxy.headers.of_request(&parts.headers));
        let sending = async {
            let body = RequestBody::read(&parts.headers, body, &proxy.limits, &progress).await?;
            upstream::send(&proxy.client, &authorization, request, body).await
        };
        let mut ended = user.session_ended();
        let answer = tokio::select! {
            answer = in_time(&proxy.limits, &progress, sending) => answer?,
            () = &mut ended => return Err(NotForwarded::SignedOut),
        };
        let prefix = public_prefix(context, suffix).unwrap_or_else(|| proxy.path.clone());
        let addresses = Addresses { api: &proxy.address, requested: &requested, prefix: &prefix };
        Ok(response(answer, &addresses, &proxy.headers, Exchange { ended, permit, limits: proxy.limits })?)
    }

    /// Returns the path after the prefix, as the client sent it.
    fn suffix<'a>(&self, parts: &'a Parts) -> Result<&'a str> {
        parts.uri.path().strip_prefix(self.path()).ok_or_else(|| {
            let path = self.path();
            let message =
                format!("a proxied request is not below `{path}`, byte for byte; a scope must not add a prefix");
            Error::new(Code::ProxyRefused, message)
        })
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.0.slots).try_acquire_owned().map_err(|_| {
            let message = "too many proxied requests are in progress; raise `max_concurrent` if that is expected";
            Error::new(Code::ProxyBusy, message)
        })
    }
}

/// Returns the prefix of the proxy as the browser sees it, which may be longer than the path of the router.
fn public_prefix(context: &RequestContext, suffix: &str) -> Option<String> {
    let target = context.target();
    let path = target.as_str().split('?').next()?;
    path.strip_suffix(suffix).map(str::to_owned)
}

opaque_debug!(Proxy, |it| address: it.0.address, path: it.0.path);
