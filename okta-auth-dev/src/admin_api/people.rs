//! Users in the test API. Members have the same names as in a settings file.

use serde_json::{Value, json};

use super::json::{body, changed, created};
use crate::config::UserTable;
use crate::oauth_error::{no_such_path, not_found};
use crate::org_state::OrgState;
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::sync::lock;
use crate::user::User;

/// Handles `/dev/people`.
///
/// Removing a user ends their sessions. Unassigning an app from a user revokes the tokens that the app has for the
/// user.
pub(super) fn answer(org: &OrgState, request: &Recorded, rest: &[&str]) -> Result<Reply, Reply> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let users = lock(&org.users).clone();
            return Ok(Reply::json(200, &users.into_iter().map(UserTable::from).collect::<Vec<_>>()).no_store());
        }
        ("POST", []) => return Ok(created(&put(org, body(request)?))),
        ("GET", [login]) => return Ok(Reply::json(200, &UserTable::from(known(org, login)?)).no_store()),
        ("PUT", [login]) => {
            let user = changed(json!({"login": login}), body(request)?)?;
            return Ok(Reply::json(200, &put(org, user)).no_store());
        }
        ("PATCH", [login]) => {
            let user = changed(json!(UserTable::from(known(org, login)?)), body(request)?)?;
            return Ok(Reply::json(200, &put(org, user)).no_store());
        }
        ("DELETE", [login]) => {
            let login = known(org, login)?.login;
            org.remove_user(&login);
            org.end_sessions(&login);
        }
        ("DELETE", [login, "apps", client_id]) => org.unassign(&known(org, login)?.login, client_id),
        ("PUT", [login, "apps", client_id]) => org.assign(&known(org, login)?.login, client_id),
        _ => return Err(no_such_path()),
    }
    Ok(Reply::empty(204))
}

fn known(org: &OrgState, login: &str) -> Result<User, Reply> {
    org.user(login).ok_or_else(|| not_found(&format!("{login} (User)")))
}

fn put(org: &OrgState, table: UserTable) -> Value {
    let user = table.user();
    org.put_user(user.clone());
    json!(UserTable::from(user))
}
