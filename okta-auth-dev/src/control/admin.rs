//! The administrator's page, which offers the operations of the test API in a browser.

use std::sync::Arc;

use super::is_local;
use crate::endpoint::{ADMIN_PATH, Admin};
use crate::journal::Recorded;
use crate::notice::Delivery;
use crate::oauth_error::{management, wrong_method};
use crate::org;
use crate::reply::Reply;
use crate::sync::lock;
use crate::tenant::Tenant;

/// Handles the page and its button; returns `None` for any other path.
pub(super) async fn answer(tenant: &Arc<Tenant>, request: &Recorded) -> Option<Reply> {
    let path = request.path.trim_start_matches('/');
    Some(match (request.method.as_str(), path) {
        ("GET", "admin") => page(tenant, None),
        ("POST", ADMIN_PATH) if is_local(tenant, request) => {
            let login = request.form_field("login").unwrap_or_default();
            let deliveries = org::universal_logout(tenant, &login, None).await;
            page(tenant, Some((&login, &deliveries)))
        }
        ("POST", ADMIN_PATH) => management(403, "E0000006", "Only the page of this org may send this form."),
        (_, "admin" | ADMIN_PATH) => wrong_method(),
        _ => return None,
    })
}

/// Renders the page. `Referrer-Policy: same-origin` lets the form send its `Origin`,
/// which [`is_local`] checks.
fn page(tenant: &Tenant, done: Option<(&str, &[Delivery])>) -> Reply {
    let users = lock(&tenant.users).clone();
    let page = Admin { tenant, users: &users, sessions: &org::sessions(tenant), done };
    Reply::html(200, page.html()).header("referrer-policy", "same-origin")
}
