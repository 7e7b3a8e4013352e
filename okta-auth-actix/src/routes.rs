//! The library's routes: sign-in, callback and sign-out.

use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use http::Method;
use okta_auth_core::adapter::{Endpoint, Engine, RouteOwner};
use okta_auth_core::multi_tenant::Tenants;

use crate::bridge;
use crate::extract::context;
use crate::rejection::layer_missing;

/// The name of the library's resources, by which the middleware recognizes them in every
/// scope.
pub(crate) const OWN: &str = "okta_auth";

/// The library's routes, for `App::configure` and `Scope::configure`. They need
/// [`OktaAuthLayer`](crate::OktaAuthLayer) around them.
///
/// The paths are those of [`Config::routes`](okta_auth_core::config::Config::routes). If
/// the application registered a route at one of them earlier, that route is served
/// instead, and one line in the log reports it at the first request. Give one of the two
/// another path.
pub fn okta_auth<T: Into<Tenants>>(auth: T) -> impl FnOnce(&mut ServiceConfig) + use<T> {
    let engine = Engine::new(auth);
    move |config| {
        for (endpoint, path) in engine.endpoints() {
            let serve = move |request: HttpRequest, payload: Payload| serve(endpoint, request, payload);
            config.service(web::resource(path).name(OWN).to(serve));
        }
    }
}

pub(crate) fn observe_routes(engine: &Engine, request: &HttpRequest) {
    let table = request.resource_map();
    engine.observe_routes("`.configure(okta_auth(&auth))` on the `App`", |path| match table.match_name(path) {
        Some(OWN) => RouteOwner::Library,
        _ => table.match_pattern(path).map_or(RouteOwner::Missing, RouteOwner::Application),
    });
}

/// Serves one of the library's paths. Only a POST has a body, and its size is limited.
async fn serve(endpoint: Endpoint, request: HttpRequest, payload: Payload) -> HttpResponse {
    let Some(context) = context(&request) else { return layer_missing() };
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
    bridge::into_response(context.serve(endpoint, &parts, body).await)
}
