//! Users in the test API. Members have the same names as in a settings file.

use serde_json::{Value, json};

use super::{body, changed, created};
use crate::config::UserTable;
use crate::journal::Recorded;
use crate::oauth_error::{no_such_path, not_found};
use crate::reply::Reply;
use crate::sync::lock;
use crate::tenant::Tenant;
use crate::user::User;

/// Handles `/dev/people`.
///
/// Removing a user ends their sessions. Unassigning an app from a user revokes the tokens
/// that the app has for the user.
pub(super) fn answer(tenant: &Tenant, request: &Recorded, rest: &[&str]) -> Result<Reply, Reply> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let users = lock(&tenant.users).clone();
            return Ok(Reply::json(200, &users.into_iter().map(UserTable::from).collect::<Vec<_>>()).no_store());
        }
        ("POST", []) => return Ok(created(&put(tenant, body(request)?))),
        ("GET", [login]) => return Ok(Reply::json(200, &UserTable::from(known(tenant, login)?)).no_store()),
        ("PUT", [login]) => {
            let user = changed(json!({"login": login}), body(request)?)?;
            return Ok(Reply::json(200, &put(tenant, user)).no_store());
        }
        ("PATCH", [login]) => {
            let user = changed(json!(UserTable::from(known(tenant, login)?)), body(request)?)?;
            return Ok(Reply::json(200, &put(tenant, user)).no_store());
        }
        ("DELETE", [login]) => {
            let login = known(tenant, login)?.login;
            tenant.remove_user(&login);
            tenant.end_sessions(&login);
        }
        ("DELETE", [login, "apps", client_id]) => tenant.unassign(&known(tenant, login)?.login, client_id),
        ("PUT", [login, "apps", client_id]) => tenant.assign(&known(tenant, login)?.login, client_id),
        _ => return Err(no_such_path()),
    }
    Ok(Reply::empty(204))
}

fn known(tenant: &Tenant, login: &str) -> Result<User, Reply> {
    tenant.user(login).ok_or_else(|| not_found(&format!("{login} (User)")))
}

fn put(tenant: &Tenant, table: UserTable) -> Value {
    let user = table.user();
    tenant.put_user(user.clone());
    json!(UserTable::from(user))
}
