//! Mistakes in how an application puts the library together, each reported with its fix.
//!
//! | mistake | what happens |
//! |---|---|
//! | a handler asks for a user and no layer is around it | 500 without a cause, and an ERROR line for each request |
//! | the router is nested and the mount path is another one | one WARN line, at the first request that shows it |
//! | a route of the library is missing, or the application has one at its path | the same |
//! | the layer is added twice | the same, and the inner layer changes nothing |

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;

use super::page::Page;
use super::reply::{self, Reply};
use super::routes::Endpoint;
use super::tenants::Tenants;
use super::visit::Visit;
use crate::events::{Reference, first_error};

/// The code of a handler without the layer, in the log.
const LAYER_MISSING: &str = "layer_missing";

/// What has been reported about one application. All its tenants share it.
#[derive(Debug, Default)]
pub(super) struct Mounting {
    /// Whether the paths of the routes have been reported.
    paths: AtomicBool,
    /// Whether the router's table of routes has been read.
    table: AtomicBool,
    /// Whether a second layer has been reported.
    twice: AtomicBool,
}

/// Who serves a path, according to the router.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteOwner {
    /// A route of the library.
    Library,
    /// A route of the application, with this pattern.
    Application(String),
    /// No route.
    Nobody,
}

/// Reports a request whose handler needs the layer that is not around it. `path` is that
/// of the request, and `fix` the call that is missing.
pub fn report_missing_layer(path: &str, fix: &str) {
    first_error();
    tracing::error!(
        target: "okta_auth",
        code = LAYER_MISSING,
        path,
        "a handler asks okta-auth who makes the request, and the layer of okta-auth is not around its route: {fix}"
    );
}

/// The answer to such a request: 500, and nothing that only a developer understands.
pub fn missing_layer() -> Reply {
    let page = Page {
        title: "Something went wrong",
        sentences: vec!["Please tell the people who run this application."],
        links: Vec::new(),
        // The log names the path, and no reference leads to it.
        code: None,
        reference: Reference::random(),
    };
    reply::html(StatusCode::INTERNAL_SERVER_ERROR, page.render())
}

/// Why a route of the library cannot be added: the application has one at the same path.
/// `router` is what the router says about it.
pub fn route_conflict(endpoint: Endpoint, path: &str, call: &str, router: &str) -> String {
    format!(
        "okta-auth cannot serve `{path}`, because the router has another route there ({router}). One is a route of the \
         application, or of an earlier `.okta_auth(..)`; the other one comes from `{call}`. Call `.okta_auth(..)` once \
         for each router; if the route is yours, give it another path, or move the library's with \
         `ConfigBuilder::{}`",
        setter(endpoint)
    )
}

impl Tenants {
    /// Compares where a router is nested with the configured mount path. `original` is
    /// the path as the client sent it, and `routed` what the router that has the
    /// library's routes sees of it.
    pub fn observe_nesting(&self, original: &str, routed: &str) {
        let auth = self.representative();
        let mount = auth.config().routes().mount();
        let Some(prefix) = original.strip_suffix(routed).filter(|prefix| *prefix != mount) else { return };
        if !auth.0.mounting.paths.swap(true, Ordering::Relaxed) {
            let fix = match prefix {
                "" => "remove `mount_path`, or nest the router there".to_owned(),
                _ => format!("set `ConfigBuilder::mount_path(\"{prefix}\")`"),
            };
            tracing::warn!(
                target: "okta_auth",
                "the router with okta-auth's routes is nested at `{prefix}`, and the mount path is `{mount}`: browsers \
                 come back from Okta to a path that no route serves. To fix it, {fix}"
            );
        }
    }

    /// Reads the router's table of routes once: whether it has the library's routes, and
    /// whether a route of the application comes before one of them. `fix` is the call
    /// that adds them.
    pub fn observe_routes(&self, fix: &str, owner: impl Fn(&str) -> RouteOwner) {
        let auth = self.representative();
        if auth.0.mounting.table.load(Ordering::Relaxed) || auth.0.mounting.table.swap(true, Ordering::Relaxed) {
            return;
        }
        let routes = auth.config().routes();
        let (mut missing, mut taken) = (Vec::new(), Vec::new());
        for (endpoint, path) in Endpoint::all(routes) {
            let path = format!("{}{path}", routes.mount());
            match owner(&path) {
                RouteOwner::Library => {}
                RouteOwner::Nobody => missing.push(format!("`{path}`")),
                RouteOwner::Application(pattern) => {
                    let setter = setter(endpoint);
                    taken.push(format!("`{pattern}` serves `{path}` (another path: `ConfigBuilder::{setter}`)"));
                }
            }
        }
        if !missing.is_empty() {
            tracing::warn!(
                target: "okta_auth",
                "no route serves {}, so browsers that Okta sends there get 404. Call {fix}; inside a scope, set \
                 `ConfigBuilder::mount_path` to the path of the scope",
                missing.join(", ")
            );
        }
        if !taken.is_empty() {
            tracing::warn!(
                target: "okta_auth",
                "routes of the application come before those of okta-auth: {}. Call {fix} before them, or give one of \
                 the two another path",
                taken.join("; ")
            );
        }
    }

    /// Whether an outer layer of the same application has looked at the request already,
    /// with this result. A second layer lets the request pass.
    pub fn has_seen(&self, outer: Option<&Visit>, path: &str) -> bool {
        let mounting = &self.representative().0.mounting;
        let seen = outer.is_some_and(|outer| Arc::ptr_eq(&outer.auth().0.mounting, mounting));
        if seen && !mounting.twice.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: "okta_auth",
                "the layer of okta-auth is around `{path}` twice: remove one of the two. The inner one changes nothing"
            );
        }
        seen
    }
}

/// The setter that moves a route of the library.
fn setter(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Login => "login_path",
        Endpoint::InitiateLogin => "initiate_login_path",
        Endpoint::Callback => "redirect_uri",
        Endpoint::Logout => "logout_path",
        Endpoint::FrontChannelLogout => "front_channel_logout_path",
        Endpoint::BackChannelLogout => "back_channel_logout_path",
        Endpoint::GlobalTokenRevocation => "global_token_revocation_path",
        Endpoint::ResourceMetadata => "mount_path",
    }
}
