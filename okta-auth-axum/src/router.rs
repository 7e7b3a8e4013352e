//! `Router::okta_auth`: the library's routes and its layer, in one call.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use okta_auth_core::engine::{Endpoint, Tenants, Visit};

use crate::layer::{OktaAuthLayer, into_response};
use crate::rejection::layer_missing;

/// Adds Okta to a [`Router`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `okta_auth`: it is not an `axum::Router`",
    note = "call `.okta_auth(&auth)` on the `Router`, after its last `.route(..)`",
    note = "an `axum` of another version than 0.8 is another type of the same name"
)]
pub trait RouterExt {
    /// Mounts sign-in, callback and sign-out, and adds the layer that gives every route
    /// its user: of `&OktaAuth`, or of `&Tenants` for many of them.
    ///
    /// Call it after the last route and after the fallback: as with every layer of axum,
    /// what is added later does not see it, and is open whatever
    /// [`protect_all_except`](okta_auth_core::engine::OktaAuthBuilder::protect_all_except)
    /// says. The paths are those of
    /// [`Config::routes`](okta_auth_core::config::Config::routes).
    ///
    /// # Panics
    /// As `Router::route` does, if the router already has a route at one of those
    /// paths; rename one of them.
    #[must_use]
    fn okta_auth(self, auth: impl Into<Tenants>) -> Self;
}

impl<S: Clone + Send + Sync + 'static> RouterExt for Router<S> {
    fn okta_auth(self, auth: impl Into<Tenants>) -> Self {
        let tenants = auth.into();
        let own = OktaAuthLayer::of_own_routes(tenants.clone());
        let mut router = self.layer(OktaAuthLayer::new(&tenants));
        for (endpoint, path) in tenants.endpoints() {
            let serve = move |request: Request| serve(endpoint, request);
            router = router.route(&path, any(serve).get(serve).post(serve).layer(own.clone()));
        }
        router
    }
}

async fn serve(endpoint: Endpoint, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(visit) = parts.extensions.get::<Visit>().cloned() else { return layer_missing() };
    let body = if parts.method == Method::POST {
        match Limited::new(body, Endpoint::MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
    } else {
        Bytes::new()
    };
    into_response(visit.serve(endpoint, &parts, body).await)
}
