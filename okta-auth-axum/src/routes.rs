//! The library's routes: sign-in, callback and sign-out.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use okta_auth_core::adapter::{BodyError, Endpoint, Layer, RequestContext, route_conflict};
use okta_auth_core::multi_tenant::Tenants;

use crate::layer::OktaAuthLayer;
use crate::response::{LAYER, into_response};

/// Adds Okta to a [`Router`].
///
/// ```
/// use axum::{Router, routing::get};
/// use okta_auth::OktaAuth;
/// use okta_auth::axum::{RouterExt, User};
///
/// fn app(auth: &OktaAuth) -> Router {
///     Router::new().route("/profile", get(|user: User| async move { user.name().to_owned() })).okta_auth(auth)
/// }
/// # let _ = app;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `okta_auth`: it is not an `axum::Router`",
    note = "call `.okta_auth(&auth)` on the `Router`, after its last `.route(..)`",
    note = "axum 0.8 is required: other versions of `axum` have a different `Router` type"
)]
pub trait RouterExt {
    /// Mounts sign-in, callback and sign-out, and adds the layer that provides the user to every route. `auth` is an
    /// `OktaAuth`, or `Tenants` for several, by value or by reference.
    ///
    /// Call it after the last route and after the fallback. As with every layer of axum, routes that are added later
    /// are outside the layer. They are open, even with
    /// [`protect_all_except`](okta_auth_core::engine::OktaAuthBuilder::protect_all_except). The paths are those of
    /// [`Config::routes`](okta_auth_core::config::Config::routes).
    ///
    /// To add routes and layer separately, see [`routes`].
    ///
    /// # Panics
    /// Panics like `Router::route` if the router already has a route at one of those paths, from the application or
    /// from an earlier `.okta_auth(..)`. The message names the path and the setter that moves it, such as
    /// `OktaAuthBuilder::login_path`. axum has no way to ask a router for its paths, so this cannot be an error.
    #[must_use]
    #[track_caller]
    fn okta_auth(self, auth: impl Into<Tenants>) -> Self;
}

impl<S: Clone + Send + Sync + 'static> RouterExt for Router<S> {
    #[track_caller]
    fn okta_auth(self, auth: impl Into<Tenants>) -> Self {
        let layer = Layer::new(auth);
        let around = OktaAuthLayer::of(layer.clone().around_router());
        with_routes(self.layer(around), layer)
    }
}

/// Returns the library's routes, sign-in, callback and sign-out, to merge into a router.
///
/// Add an [`OktaAuthLayer`] to the routes that need a user. The library's routes work inside and outside of it.
/// [`RouterExt::okta_auth`] does both at once. The paths are those of
/// [`Config::routes`](okta_auth_core::config::Config::routes).
///
/// `Router::merge` panics if both routers have a route at the same path. Each path has a setter that moves it, such as
/// [`OktaAuthBuilder::login_path`](okta_auth_core::engine::OktaAuthBuilder::login_path).
///
/// ```
/// use axum::{Router, routing::get};
/// use okta_auth::OktaAuth;
/// use okta_auth::axum::{OktaAuthLayer, User, routes};
///
/// fn app(auth: &OktaAuth) -> Router {
///     let pages = Router::new()
///         .route("/profile", get(|user: User| async move { user.name().to_owned() }))
///         .layer(OktaAuthLayer::new(auth));
///     Router::new()
///         .route("/health", get(|| async { "up" })) // outside of the layer
///         .merge(pages)
///         .merge(routes(auth))
/// }
/// # let _ = app;
/// ```
pub fn routes<S: Clone + Send + Sync + 'static>(auth: impl Into<Tenants>) -> Router<S> {
    with_routes(Router::new(), Layer::new(auth))
}

#[track_caller]
fn with_routes<S: Clone + Send + Sync + 'static>(mut router: Router<S>, layer: Layer) -> Router<S> {
    let endpoints = layer.endpoints();
    let own = OktaAuthLayer::of(layer.around_own_route());
    // Not a closure, which would be the caller in the message of a panic.
    for (endpoint, path) in endpoints {
        router = with_endpoint(router, endpoint, &path, own.clone());
    }
    router
}

/// Adds one of the library's routes. axum has no way to check for a route at a path. It panics with a message that
/// names neither the library nor the fix, so this function adds both.
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
    let context = parts.extensions.get::<RequestContext>();
    into_response(LAYER.serve(context, endpoint, &parts, read(body)).await)
}

async fn read(body: Body) -> Result<Bytes, BodyError> {
    let body = Limited::new(body, Endpoint::MAX_BODY)
        .collect()
        .await
        .map_err(|error| error.downcast::<LengthLimitError>().map_or(BodyError::Broken, |_| BodyError::TooLarge));
    Ok(body?.to_bytes())
}
