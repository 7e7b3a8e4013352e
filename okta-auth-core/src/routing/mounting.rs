//! Detects setup mistakes, and reports each with its fix.
//!
//! | mistake | result |
//! |---|---|
//! | a handler extracts a user and its route has no layer | 500 without a cause, and an ERROR line for each request |
//! | the router is nested at another path than the mount path | one WARN line, at the first request that shows it |
//! | a route of the library is missing, or the application has a route at its path | the same |
//! | the layer is added twice | the same, and the inner layer has no effect |

use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;

use super::endpoint::Endpoint;
use crate::config::{Pages, Routes};
use crate::events::{CorrelationId, first_error};
use crate::language::Text;
use crate::response::{Page, Reply, html};

/// The code in the log for a handler without the layer.
const LAYER_MISSING: &str = "layer_missing";

/// The findings that were reported for one application. All its tenants share them.
#[derive(Debug, Default)]
pub(crate) struct Mounting {
    paths: AtomicBool,
    table: AtomicBool,
    twice: AtomicBool,
}

/// The owner of a path according to the router.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteOwner {
    /// A route of the library.
    Library,
    /// A route of the application, with this pattern.
    Application(String),
    /// No route matches the path.
    Missing,
}

/// Logs that a handler needs the layer and its route has none. `path` is the path of the request, and `fix` the missing
/// call.
pub(crate) fn report_missing_layer(path: &str, fix: &str) {
    first_error();
    tracing::error!(
        target: "okta_auth",
        code = LAYER_MISSING,
        path,
        "a handler uses an extractor of okta-auth, but its route has no layer of okta-auth: {fix}"
    );
}

/// Creates the response to such a request: 500, without details for developers.
pub(crate) fn missing_layer() -> Reply {
    // Without the layer the settings of the application are unknown.
    let pages = Pages::default();
    let page = Page {
        title: Text::InternalError.english(),
        sentences: vec![Text::TellOperator.english()],
        choices: Vec::new(),
        links: Vec::new(),
        // The log has no reference for this error, so the page shows none.
        code: None,
        reference: CorrelationId::random(),
    };
    html(StatusCode::INTERNAL_SERVER_ERROR, page.render(&pages, pages.languages.default_language(), ""))
}

/// Explains that a route of the library cannot be added, because the router has another route at its path. `router` is
/// the router's own message.
pub fn route_conflict(endpoint: Endpoint, path: &str, call: &str, router: &str) -> String {
    format!(
        "okta-auth cannot serve `{path}`, because the router has another route there ({router}). One is a route of the \
         application, or of an earlier `.okta_auth(..)`; the other one comes from `{call}`. Call `.okta_auth(..)` once \
         for each router; if the route is yours, give it another path, or move the library's with \
         `OktaAuthBuilder::{}`",
        setter(endpoint)
    )
}

impl Mounting {
    /// Compares the path at which a router is nested with the configured mount path. `original` is the path that the
    /// client sent, and `routed` the path in the router with the library's routes.
    pub(crate) fn observe_nesting(&self, mount: &str, original: &str, routed: &str) {
        if mount.is_empty() && original.len() == routed.len() {
            return;
        }
        let Some(prefix) = original.strip_suffix(routed).filter(|prefix| *prefix != mount) else { return };
        if !self.paths.swap(true, Ordering::Relaxed) {
            let fix = match prefix {
                "" => "remove `mount_path`, or nest the router there".to_owned(),
                _ => format!("set `OktaAuthBuilder::mount_path(\"{prefix}\")`"),
            };
            tracing::warn!(
                target: "okta_auth",
                "the router with okta-auth's routes is nested at `{prefix}`, and the mount path is `{mount}`: browsers \
                 come back from Okta to a path that no route serves. To fix it, {fix}"
            );
        }
    }

    /// Checks once that the library's routes exist and that no route of the application precedes them. `fix` is the
    /// call that adds them.
    pub(crate) fn observe_routes(&self, routes: &Routes, fix: &str, owner: impl Fn(&str) -> RouteOwner) {
        if self.table.load(Ordering::Relaxed) || self.table.swap(true, Ordering::Relaxed) {
            return;
        }
        let (mut missing, mut taken) = (Vec::new(), Vec::new());
        for (endpoint, path) in Endpoint::all(routes) {
            let path = format!("{}{path}", routes.mount());
            match owner(&path) {
                RouteOwner::Library => {}
                RouteOwner::Missing => missing.push(format!("`{path}`")),
                RouteOwner::Application(pattern) => {
                    let setter = setter(endpoint);
                    taken.push(format!("`{pattern}` serves `{path}` (another path: `OktaAuthBuilder::{setter}`)"));
                }
            }
        }
        if !missing.is_empty() {
            tracing::warn!(
                target: "okta_auth",
                "no route serves {}, so browsers that Okta sends there get 404. Call {fix}; inside a scope, set \
                 `OktaAuthBuilder::mount_path` to the path of the scope",
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

    /// Reports once that a second layer of the same application wraps this path.
    pub(crate) fn report_second_layer(&self, path: &str) {
        if !self.twice.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: "okta_auth",
                "the layer of okta-auth is applied to `{path}` twice: remove one of the two. The inner one is a no-op"
            );
        }
    }
}

fn setter(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Login => "login_path",
        Endpoint::InitiateLogin => "initiate_login_path",
        Endpoint::Callback => "redirect_uri",
        Endpoint::Logout => "logout_path",
        Endpoint::FrontChannelLogout => "front_channel_logout_path",
        Endpoint::BackChannelLogout => "back_channel_logout_path",
        Endpoint::GlobalTokenRevocation => "global_token_revocation_path",
        Endpoint::ResourceMetadata | Endpoint::BrowserScript | Endpoint::ImmutableBrowserScript => "mount_path",
        Endpoint::Session | Endpoint::Popup => "session_path",
    }
}
