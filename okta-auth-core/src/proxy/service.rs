//! The service that forwards requests.

use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::address::ApiAddress;
use super::exchange::{Addresses, check_method, in_time, response};
use super::handshake::{Handshake, is_handshake};
use super::header_list::HeaderList;
use super::limits::Limits;
use super::origin::{check_own_page, check_own_socket};
use super::request_body::RequestBody;
use super::response_body::{Exchange, ProxyBody};
use super::session_end::SessionEnd;
use super::stream::{BodyStream, interruptible, parts};
use super::token_source::TokenSource;
use super::tunnel;
use super::upstream::{self, ApiResponse, Client, Upgraded};
use crate::engine::{RequestContext, unauthorized};
use crate::error::{Code, Error, Result};
use crate::outgoing::Authorization;
use crate::response::{Challenge, ChallengeReason, Reply};

/// A proxy from the application's front end to an API. Clones are cheap, and share connections and limits. See the
/// [module](crate::proxy) for its rules.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    address: ApiAddress,
    /// The origin of the API, which may receive tokens.
    origin: String,
    path: String,
    token: TokenSource,
    headers: HeaderList,
    limits: Limits,
    client: Client,
    slots: Arc<Semaphore>,
    /// Those of WebSockets.
    sockets: Arc<Semaphore>,
}

/// A request that may be forwarded.
struct Checked<'a> {
    /// The path after the prefix.
    suffix: &'a str,
    url: Url,
    handshake: Option<Handshake>,
    authorization: Authorization,
    ended: SessionEnd,
    permit: OwnedSemaphorePermit,
}

/// What the API has answered.
enum Answer {
    Response(ApiResponse),
    /// The connection is a WebSocket.
    Switched(HeaderMap, Upgraded),
}

impl Proxy {
    pub(super) fn new(
        (address, path): (ApiAddress, &str),
        token: TokenSource,
        (headers, limits): (HeaderList, Limits),
        client: Client,
    ) -> Self {
        let slots = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let (origin, path) = (address.origin(), path.to_owned());
        let (slots, sockets) = (slots(limits.concurrency), slots(limits.websockets));
        Self(Arc::new(Inner { address, origin, path, token, headers, limits, client, slots, sockets }))
    }

    /// Returns the path of the router below which requests are forwarded.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Whether the request asks to become a WebSocket, and the proxy forwards these. The body is then what the browser
    /// sends afterwards.
    pub(crate) fn opens_websocket(&self, parts: &Parts) -> bool {
        self.0.limits.websockets > 0 && is_handshake(&parts.headers)
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
        let challenge = match self.exchange(context, parts, body.map(interruptible)).await {
            Ok(response) => return response,
            Err(challenge) => challenge,
        };
        let reply: Reply = match challenge.clone().into_reason() {
            ChallengeReason::SignIn => unauthorized(context),
            ChallengeReason::Failed(error) => context.error(&error),
            _ => context.answer(challenge).await,
        };
        reply.map(ProxyBody::Whole)
    }

    async fn exchange(
        &self,
        context: &RequestContext,
        parts: &Parts,
        body: Option<BodyStream>,
    ) -> Result<Response<ProxyBody>, Challenge> {
        let Checked { suffix, url, handshake, authorization, mut ended, permit } = self.check(context, parts).await?;
        let proxy = &self.0;
        let (body, sent_later) = if handshake.is_some() { (None, body) } else { (body, None) };
        let sending = self.send(parts, (&url, body), handshake.as_ref(), &authorization);
        let answer = tokio::select! {
            answer = sending => answer?,
            () = ended.wait() => return Err(Challenge::sign_in()),
        };
        let exchange = Exchange { ended, permit, limits: proxy.limits };
        let prefix = public_prefix(context, suffix).unwrap_or_else(|| proxy.path.clone());
        let addresses = Addresses { api: &proxy.address, requested: &url, prefix: &prefix };
        Ok(match answer {
            Answer::Response(answer) => response(answer, &addresses, &proxy.headers, exchange)?,
            Answer::Switched(headers, api) => switched(headers, api, sent_later, exchange),
        })
    }

    async fn check<'a>(&self, context: &RequestContext, parts: &'a Parts) -> Result<Checked<'a>, Challenge> {
        let (proxy, is_socket) = (&self.0, self.opens_websocket(parts));
        let check_origin = if is_socket { check_own_socket } else { check_own_page };
        check_origin(&context.site().config, &parts.headers)?;
        let (authorization, ended) = proxy.token.authorize(context, &proxy.origin).await?;
        check_method(&parts.method)?;
        let suffix = self.suffix(parts)?;
        let url = proxy.address.of_request(suffix, parts.uri.query())?;
        let handshake = is_socket.then(|| Handshake::parse(parts)).transpose()?;
        let permit = self.permit(is_socket)?;
        Ok(Checked { suffix, url, handshake, authorization, ended, permit })
    }

    async fn send(
        &self,
        parts: &Parts,
        (url, body): (&Url, Option<BodyStream>),
        handshake: Option<&Handshake>,
        authorization: &Authorization,
    ) -> Result<Answer> {
        let (proxy, progress) = (&self.0, Arc::<Notify>::default());
        let mut headers = proxy.headers.of_request(&parts.headers);
        headers.extend(handshake.map(Handshake::headers).unwrap_or_default());
        let request = (parts.method.clone(), url.clone(), headers);
        in_time(&proxy.limits, &progress, async {
            let body = RequestBody::read(&parts.headers, body, &proxy.limits, &progress).await?;
            let answer = upstream::send(&proxy.client, authorization, request, body).await?;
            let switched = handshake.zip(answer.switching()).map(|(handshake, headers)| handshake.answer(headers));
            Ok(match switched.transpose()? {
                Some(headers) => Answer::Switched(headers, answer.into_connection().await?),
                None => Answer::Response(answer),
            })
        })
        .await
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

    fn permit(&self, is_socket: bool) -> Result<OwnedSemaphorePermit> {
        let (slots, what, setting) = if is_socket {
            (&self.0.sockets, "WebSockets are open", "max_websockets")
        } else {
            (&self.0.slots, "proxied requests are in progress", "max_concurrent")
        };
        Arc::clone(slots)
            .try_acquire_owned()
            .map_err(|_| Error::new(Code::ProxyBusy, format!("too many {what}; raise `{setting}` if that is expected")))
    }
}

/// Creates the response that switches protocols.
fn switched(headers: HeaderMap, api: Upgraded, browser: Option<BodyStream>, exchange: Exchange) -> Response<ProxyBody> {
    let browser = browser.unwrap_or_else(|| interruptible(parts().1));
    let mut response = Response::new(ProxyBody::Switched(tunnel::open(api, browser, exchange)));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.headers_mut() = headers;
    response
}

/// Returns the prefix of the proxy as the browser sees it, which may be longer than the path of the router.
fn public_prefix(context: &RequestContext, suffix: &str) -> Option<String> {
    let target = context.target();
    let path = target.as_str().split('?').next()?;
    path.strip_suffix(suffix).map(str::to_owned)
}

opaque_debug!(Proxy, |it| address: it.0.address, path: it.0.path);
