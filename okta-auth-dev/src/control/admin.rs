//! The administrator's page: the same as the test API, for people.

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

/// Answers a request for the page or from its button; nothing for any other path.
pub(super) async fn answer(tenant: &Arc<Tenant>, request: &Recorded) -> Option<Reply> {
    let path = request.path.trim_start_matches('/');
    Some(match (request.method.as_str(), path) {
        ("GET", "admin") => page(tenant, None),
        ("POST", ADMIN_PATH) if is_local(tenant, request) => {
            let login = request.form_field("login").unwrap_or_default();
            let deliveries = org::universal_logout(tenant, &login, None).await;
            page(tenant, Some((&login, &deliveries)))
        }
        ("POST", ADMIN_PATH) => management(403, "E0000006", "The button is on the page of this org, and nowhere else."),
        (_, "admin" | ADMIN_PATH) => wrong_method(),
        _ => return None,
    })
}

/// The page. It keeps its address to itself with other sites only, so that its form
/// says where it comes from.
fn page(tenant: &Tenant, done: Option<(&str, &[Delivery])>) -> Reply {
    let users = lock(&tenant.users).clone();
    let page = Admin { tenant, users: &users, sessions: &org::sessions(tenant), done };
    Reply::html(200, page.html()).header("referrer-policy", "same-origin")
}
