//! The library's routes: sign-in, callback and sign-out.

use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use bytes::Bytes;
use okta_auth_core::adapter::{BodyError, Endpoint, Layer, RequestContext, RouteOwner};
use okta_auth_core::multi_tenant::Tenants;

use crate::bridge;
use crate::response::LAYER;

/// The name of the library's resources, by which the middleware recognizes them in every scope.
pub(crate) const OWN: &str = "okta_auth";

/// The library's routes, for `App::configure` and `Scope::configure`. They need [`OktaAuthLayer`](crate::OktaAuthLayer)
/// around them. `auth` is an `OktaAuth`, or `Tenants` for several, by value or by reference.
///
/// The paths are those of [`Config::routes`](okta_auth_core::config::Config::routes). If the application registered a
/// route at one of them earlier, that route is served instead, and one line in the log reports it at the first request.
/// Give one of the two another path.
///
/// ```
/// use actix_web::{App, web};
/// use okta_auth::OktaAuth;
/// use okta_auth::actix::{OktaAuthLayer, User, okta_auth};
///
/// async fn profile(user: User) -> String {
///     user.name().to_owned()
/// }
///
/// fn serve(auth: &OktaAuth) {
///     let app = App::new()
///         .route("/profile", web::get().to(profile))
///         .configure(okta_auth(auth)) // sign-in, callback and sign-out
///         .wrap(OktaAuthLayer::new(auth));
/// #   drop(app);
/// }
/// # let _ = serve;
/// ```
pub fn okta_auth<T: Into<Tenants>>(auth: T) -> impl FnOnce(&mut ServiceConfig) + use<T> {
    let layer = Layer::new(auth);
    move |config| {
        for (endpoint, path) in layer.endpoints() {
            let serve = move |request: HttpRequest, payload: Payload| serve(endpoint, request, payload);
            config.service(web::resource(path).name(OWN).to(serve));
        }
    }
}

pub(crate) fn observe_routes(layer: &Layer, request: &HttpRequest) {
    let table = request.resource_map();
    layer.observe_routes("`.configure(okta_auth(&auth))` on the `App`", |path| match table.match_name(path) {
        Some(OWN) => RouteOwner::Library,
        _ => table.match_pattern(path).map_or(RouteOwner::Missing, RouteOwner::Application),
    });
}

async fn serve(endpoint: Endpoint, request: HttpRequest, payload: Payload) -> HttpResponse {
    let context = request.extensions().get::<RequestContext>().cloned();
    let parts = bridge::parts(&request);
    bridge::into_response(LAYER.serve(context.as_ref(), endpoint, &parts, read(payload)).await)
}

async fn read(payload: Payload) -> Result<Bytes, BodyError> {
    match payload.to_bytes_limited(Endpoint::MAX_BODY).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::TooLarge),
    }
}
