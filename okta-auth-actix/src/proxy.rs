//! The routes of a proxied API.

use std::future::poll_fn;
use std::pin::Pin;

use actix_web::body::{BodyStream, BoxBody, SizedStream};
use actix_web::dev::Payload;
use actix_web::http::ConnectionType;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use futures_core::Stream as _;
use okta_auth_core::adapter::{PartSender, PartStream, ProxyBody, RequestContext, parts};
use okta_auth_core::proxy::Proxy;

use crate::bridge;
use crate::response::LAYER;

/// Adds the routes of a proxy; for `App::configure`, not inside a scope.
///
/// ```
/// use actix_web::App;
/// use okta_auth::OktaAuth;
/// use okta_auth::actix::{OktaAuthLayer, okta_auth, proxy};
/// use okta_auth::proxy::Proxy;
///
/// fn serve(auth: &OktaAuth) -> Result<(), okta_auth::Error> {
///     let api = Proxy::to("https://api.example/").for_user().at("/api")?; // once, for all workers
///     let app = App::new().configure(proxy(&api)).configure(okta_auth(auth)).wrap(OktaAuthLayer::new(auth));
/// #   drop(app);
///     Ok(())
/// }
/// # let _ = serve;
/// ```
pub fn proxy(proxy: &Proxy) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let proxy = proxy.clone();
    move |config| {
        for pattern in LAYER.proxy_patterns(&proxy, "{path:.*}") {
            let proxy = proxy.clone();
            let serve = move |request: HttpRequest, payload: web::Payload| {
                forward(proxy.clone(), request, payload.into_inner())
            };
            config.service(web::resource(pattern).to(serve));
        }
    }
}

async fn forward(proxy: Proxy, request: HttpRequest, payload: Payload) -> HttpResponse {
    let context = request.extensions().get::<RequestContext>().cloned();
    let body = match payload {
        Payload::None => None,
        payload => Some(on_this_thread(payload)),
    };
    let response = LAYER.forward(context.as_ref(), &proxy, &bridge::parts(&request), body).await;
    let (parts, body) = response.into_parts();
    let mut response = bridge::into_response(http::Response::from_parts(parts, bytes::Bytes::new()));
    match body {
        ProxyBody::Whole(bytes) => response.map_body(|_, _| BoxBody::new(bytes)),
        ProxyBody::Streamed(stream, Some(length)) => {
            response.headers_mut().remove(CONTENT_LENGTH);
            response.map_body(|_, _| BoxBody::new(SizedStream::new(length, stream)))
        }
        ProxyBody::Streamed(stream, None) => response.map_body(|_, _| BoxBody::new(BodyStream::new(stream))),
        // actix-web reads what follows the handshake as the body of the request, and writes this body without framing.
        ProxyBody::Switched(stream) => {
            response.head_mut().set_connection_type(ConnectionType::Upgrade);
            response.map_body(|_, _| BoxBody::new(BodyStream::new(stream)))
        }
    }
}

/// Reads a body on the thread of its connection, because it cannot leave it.
fn on_this_thread(payload: Payload) -> PartStream {
    let (sender, stream) = parts();
    actix_web::rt::spawn(read(payload, sender));
    stream
}

async fn read(mut payload: Payload, sender: PartSender) {
    while let Some(part) = poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
        let Ok(part) = part else { return };
        let true = sender.send(part).await else { return };
    }
    sender.complete().await;
}
