//! The routes of a proxied API.

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use okta_auth_core::adapter::{PartStream, ProxyBody, RequestContext, connect};
use okta_auth_core::proxy::Proxy;

use crate::response::LAYER;

/// Returns the routes of a proxy, to merge into a router before [`okta_auth`](crate::RouterExt::okta_auth).
///
/// ```
/// use axum::Router;
/// use okta_auth::OktaAuth;
/// use okta_auth::axum::{RouterExt, proxy};
/// use okta_auth::proxy::Proxy;
///
/// fn app(auth: &OktaAuth) -> Result<Router, okta_auth::Error> {
///     let api = Proxy::to("https://api.example/").for_user().at("/api")?;
///     Ok(Router::new().merge(proxy(&api)).okta_auth(auth))
/// }
/// # let _ = app;
/// ```
pub fn proxy<S: Clone + Send + Sync + 'static>(proxy: &Proxy) -> Router<S> {
    let mut router = Router::new();
    for pattern in LAYER.proxy_patterns(proxy, "{*path}") {
        let proxy = proxy.clone();
        router = router.route(&pattern, any(move |request: Request| forward(proxy.clone(), request)));
    }
    router
}

async fn forward(proxy: Proxy, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let upgrade = parts.extensions.remove::<OnUpgrade>().filter(|_| LAYER.opens_websocket(&proxy, &parts));
    let context = parts.extensions.get::<RequestContext>();
    let Some(upgrade) = upgrade else {
        let body = (!body.is_end_stream()).then(|| body.into_data_stream());
        return LAYER.forward(context, &proxy, &parts, body).await.map(|body| into_body(body, |_| {}));
    };
    let (sender, sent_later) = okta_auth_core::adapter::parts();
    LAYER.forward(context, &proxy, &parts, Some(sent_later)).await.map(|body| {
        let connection = async { upgrade.await.ok().map(TokioIo::new) };
        into_body(body, |stream| connect(connection, sender, stream))
    })
}

fn into_body(body: ProxyBody, switch: impl FnOnce(PartStream)) -> Body {
    match body {
        ProxyBody::Whole(bytes) => Body::from(bytes),
        ProxyBody::Streamed(stream, _) => Body::from_stream(stream),
        ProxyBody::Switched(stream) => {
            switch(stream);
            Body::empty()
        }
    }
}
