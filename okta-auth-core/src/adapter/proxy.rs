//! Serves the requests for a proxied API.

use bytes::Bytes;
use futures_core::Stream;
use http::Response;
use http::request::Parts;

use super::rejection::LayerCall;
use crate::engine::RequestContext;
use crate::proxy::Proxy;
use crate::proxy::response_body::ProxyBody;

impl LayerCall {
    /// Returns the patterns of a proxy's routes. `rest` is the pattern for the rest of a path.
    pub fn proxy_patterns(self, proxy: &Proxy, rest: &str) -> [String; 3] {
        let path = proxy.path();
        [path.to_owned(), format!("{path}/"), format!("{path}/{rest}")]
    }

    /// Whether the request asks for a WebSocket that the proxy forwards.
    pub fn opens_websocket(self, proxy: &Proxy, parts: &Parts) -> bool {
        proxy.opens_websocket(parts)
    }

    /// Forwards a request. `body` is `None` if the request has no body. For a WebSocket it is what the browser sends
    /// afterwards.
    pub async fn forward<S, E>(
        self,
        found: Option<&RequestContext>,
        proxy: &Proxy,
        parts: &Parts,
        body: Option<S>,
    ) -> Response<ProxyBody>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    {
        match self.context(found, parts.uri.path()) {
            Ok(context) => proxy.forward(context, parts, body).await,
            Err(rejection) => rejection.into_reply().map(ProxyBody::Whole),
        }
    }
}
