//! `App::okta_auth`: the library's routes and its middleware, in one call.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{App, Error, HttpMessage as _, HttpRequest, HttpResponse};
use bytes::Bytes;
use http::Method;
use okta_auth_core::OktaAuth;
use okta_auth_core::engine::{Endpoint, Visit};

use crate::bridge;
use crate::middleware::OktaAuthLayer;
use crate::rejection::layer_missing;

/// Adds Okta to an [`App`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `okta_auth`: it is not an `actix_web::App`",
    note = "call `.okta_auth(&auth)` on the `App`; in a scope use `.configure(routes(&auth))` and `.wrap(OktaAuthLayer::new(&auth))`"
)]
pub trait AppExt {
    /// Mounts sign-in, callback and sign-out, and wraps the whole application in the
    /// middleware that gives every route its user.
    ///
    /// The paths are those of [`Config::routes`](okta_auth_core::config::Config::routes). A
    /// route of the application at one of them would be served first: rename one of the two.
    #[must_use]
    fn okta_auth(
        self,
        auth: &OktaAuth,
    ) -> App<
        impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>,
    >;
}

impl<T, B> AppExt for App<T>
where
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
        + 'static,
    B: MessageBody + 'static,
{
    fn okta_auth(
        self,
        auth: &OktaAuth,
    ) -> App<
        impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>,
    > {
        self.configure(routes(auth)).wrap(OktaAuthLayer::new(auth))
    }
}

/// The library's routes alone, for `App::configure` and `Scope::configure`. They need
/// [`OktaAuthLayer`] around them.
pub fn routes(auth: &OktaAuth) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let auth = auth.clone();
    move |config| {
        for (endpoint, path) in Endpoint::all(auth.config().routes()) {
            let serve = move |request: HttpRequest, payload: Payload| serve(endpoint, request, payload);
            config.service(web::resource(path).to(serve));
        }
    }
}

async fn serve(endpoint: Endpoint, request: HttpRequest, payload: Payload) -> HttpResponse {
    let Some(visit) = request.extensions().get::<Visit>().cloned() else { return layer_missing() };
    let parts = bridge::parts(&request);
    let body = if parts.method == Method::POST {
        match payload.to_bytes_limited(Endpoint::MAX_BODY).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return HttpResponse::BadRequest().finish(),
            Err(_) => return HttpResponse::PayloadTooLarge().finish(),
        }
    } else {
        Bytes::new()
    };
    bridge::into_response(visit.serve(endpoint, &parts, body).await)
}
