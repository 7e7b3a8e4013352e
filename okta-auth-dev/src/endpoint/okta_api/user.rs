//! `/api/v1/users`

use serde_json::{Value, json};

use super::find;
use super::group::{self, EPOCH, group_id};
use super::page::page;
use crate::endpoint::exchange::Exchange;
use crate::reply::Reply;
use crate::sync::lock;
use crate::user::User;

/// The page size at Okta, and its maximum.
const MOST: usize = 200;

pub(super) fn list(exchange: &Exchange<'_>) -> Result<Reply, Reply> {
    users(exchange, |_| true)
}

/// The members of a group.
pub(super) fn of_group(exchange: &Exchange<'_>, group: &str) -> Result<Reply, Reply> {
    group::name(exchange.org, group)?;
    users(exchange, |user| user.groups.iter().any(|name| group_id(name) == group))
}

fn users(exchange: &Exchange<'_>, is_listed: impl Fn(&User) -> bool) -> Result<Reply, Reply> {
    let users: Vec<User> = lock(&exchange.org.users).iter().filter(|user| is_listed(user)).cloned().collect();
    let starts = |user: &User, text: &str| {
        [&user.given_name, &user.family_name, &user.email].iter().any(|value| value.to_lowercase().starts_with(text))
    };
    page(exchange, users, MOST, starts, |user| body(&exchange.org.url, user))
}

/// A user by id or by login.
pub(super) fn one(exchange: &Exchange<'_>, id: &str) -> Result<Reply, Reply> {
    let user = find::user(exchange, id)?;
    Ok(Reply::json(200, &body(&exchange.org.url, &user)).no_store())
}

/// Okta's representation. Times are constant, because the org does not record them.
fn body(url: &str, user: &User) -> Value {
    json!({
        "id": user.id,
        "status": "ACTIVE",
        "created": EPOCH,
        "activated": EPOCH,
        "statusChanged": EPOCH,
        "lastLogin": null,
        "lastUpdated": EPOCH,
        "passwordChanged": EPOCH,
        "type": {"id": "otydevuser0000000001"},
        "profile": {
            "firstName": user.given_name,
            "lastName": user.family_name,
            "mobilePhone": user.phone_number,
            "secondEmail": null,
            "login": user.login,
            "email": user.email,
        },
        "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
        "_links": {"self": {"href": format!("{url}/api/v1/users/{}", user.id)}},
    })
}
