//! `Router::okta_auth`: adds the library's routes and its layer in one call.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use okta_auth_core::adapter::{Endpoint, Engine, route_conflict};
use okta_auth_core::multi_tenant::Tenants;

use crate::extract::context;
use crate::layer::{OktaAuthLayer, into_response};
use crate::rejection::layer_missing;

/// Adds Okta to a [`Router`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `okta_auth`: it is not an `axum::Router`",
    note = "call `.okta_auth(&auth)` on the `Router`, after its last `.route(..)`",
    note = "axum 0.8 is required: other versions of `axum` have a different `Router` type"
)]
pub trait RouterExt {
    /// Mounts sign-in, callback and sign-out, and adds the layer that provides the user
    /// to every route. `auth` is an `OktaAuth`, or `Tenants` for several, by value or by
    /// reference.
    ///
    /// Call it after the last route and after the fallback. As with every layer of axum,
    /// routes that are added later are outside the layer. They are open, even with
    /// [`protect_all_except`](okta_auth_core::engine::OktaAuthBuilder::protect_all_except).
    /// The paths are those of [`Config::routes`](okta_auth_core::config::Config::routes).
    ///
    /// # Panics
    /// Panics like `Router::route` if the router already has a route at one of those
    /// paths, from the application or from an earlier `.okta_auth(..)`. The message names
    /// the path and the setter that moves it, such as `OktaAuthBuilder::login_path`.
    #[must_use]
    #[track_caller]
    fn okta_auth(self, auth: impl Into<Tenants>) -> Self;
}

impl<S: Clone + Send + Sync + 'static> RouterExt for Router<S> {
    #[track_caller]
    fn okta_auth(self, auth: impl Into<Tenants>) -> Self {
        let engine = Engine::new(auth);
        let own = OktaAuthLayer::of_own_routes(engine.clone());
        let mut router = self.layer(OktaAuthLayer::with_routes(engine.clone()));
        for (endpoint, path) in engine.endpoints() {
            router = with_endpoint(router, endpoint, &path, own.clone());
        }
        router
    }
}

/// Adds one of the library's routes. axum has no way to check for a route at a path. It
/// panics with a message that names neither the library nor the fix, so this function
/// adds both.
#[track_caller]
#[allow(clippy::panic, reason = "`Router::route` panics here too, with a less helpful message")]
fn with_endpoint<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    endpoint: Endpoint,
    path: &str,
    own: OktaAuthLayer,
) -> Router<S> {
    let serve = move |request: Request| serve(endpoint, request);
    let route = any(serve).get(serve).post(serve).layer(own);
    match catch_unwind(AssertUnwindSafe(|| router.route(path, route))) {
        Ok(router) => router,
        Err(panic) => {
            let call = format!(".okta_auth(..)` at `{}", Location::caller());
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            panic!("{}", route_conflict(endpoint, path, &call, text.unwrap_or("no reason is given")))
        }
    }
}

async fn serve(endpoint: Endpoint, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(context) = context(&parts).cloned() else { return layer_missing() };
    let body = if parts.method == Method::POST {
        match Limited::new(body, Endpoint::MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
    } else {
        Bytes::new()
    };
    into_response(context.serve(endpoint, &parts, body).await)
}
