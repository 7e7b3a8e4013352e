//! The administrator's page, which offers the operations of the test API in a browser.

use std::sync::Arc;

use super::origin::is_local;
use super::page::{Admin, PATH};
use crate::logout_delivery::Delivery;
use crate::oauth_error::{management, wrong_method};
use crate::okta_session;
use crate::org_state::OrgState;
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::sync::lock;

/// Handles the page and its button; returns `None` for any other path.
pub(super) async fn answer(org: &Arc<OrgState>, request: &Recorded) -> Option<Reply> {
    let path = request.path.trim_start_matches('/');
    Some(match (request.method.as_str(), path) {
        ("GET", "admin") => page(org, None),
        ("POST", PATH) if is_local(org, request) => {
            let login = request.form_field("login").unwrap_or_default();
            let deliveries = okta_session::universal_logout(org, &login, None).await;
            page(org, Some((&login, &deliveries)))
        }
        ("POST", PATH) => management(403, "E0000006", "Only the page of this org may send this form."),
        (_, "admin" | PATH) => wrong_method(),
        _ => return None,
    })
}

/// Renders the page. `Referrer-Policy: same-origin` lets the form send its `Origin`, which [`is_local`] checks.
fn page(org: &OrgState, done: Option<(&str, &[Delivery])>) -> Reply {
    let users = lock(&org.users).clone();
    let page = Admin { org, users: &users, sessions: &okta_session::sessions(org), done };
    Reply::html(200, page.html()).header("referrer-policy", "same-origin")
}
