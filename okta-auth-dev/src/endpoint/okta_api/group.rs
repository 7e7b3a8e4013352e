//! `/api/v1/groups`. The org has the groups that its users are in.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::find;
use super::page::page;
use crate::endpoint::exchange::Exchange;
use crate::oauth_error::not_found;
use crate::org_state::OrgState;
use crate::reply::Reply;
use crate::sync::lock;

/// The page size at Okta, and its maximum.
const MOST: usize = 10_000;

/// The time at which users and groups were created and changed.
pub(super) const EPOCH: &str = "2023-11-14T22:13:20.000Z";

pub(super) fn list(exchange: &Exchange<'_>) -> Result<Reply, Reply> {
    groups(exchange, names(exchange.org))
}

/// The groups of a user.
pub(super) fn of_user(exchange: &Exchange<'_>, user: &str) -> Result<Reply, Reply> {
    let user = find::user(exchange, user)?;
    groups(exchange, user.groups.into_iter().collect())
}

fn groups(exchange: &Exchange<'_>, names: BTreeSet<String>) -> Result<Reply, Reply> {
    let starts = |name: &String, text: &str| name.to_lowercase().starts_with(text);
    page(exchange, names.into_iter().collect(), MOST, starts, |name| body(&exchange.org.url, name))
}

pub(super) fn one(exchange: &Exchange<'_>, id: &str) -> Result<Reply, Reply> {
    let name = name(exchange.org, id)?;
    Ok(Reply::json(200, &body(&exchange.org.url, &name)).no_store())
}

/// Returns the name of the group with this id.
pub(super) fn name(org: &OrgState, id: &str) -> Result<String, Reply> {
    let name = names(org).into_iter().find(|name| group_id(name) == id);
    name.ok_or_else(|| not_found(&format!("{id} (UserGroup)")))
}

/// All group names, in order.
fn names(org: &OrgState) -> BTreeSet<String> {
    lock(&org.users).iter().flat_map(|user| user.groups.clone()).collect()
}

/// `00g` and 17 hexadecimal digits of the SHA-256 of the name.
pub(super) fn group_id(name: &str) -> String {
    let hash = digest(&SHA256, name.as_bytes());
    let digits: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("00g{}", digits.chars().take(17).collect::<String>())
}

fn body(url: &str, name: &str) -> Value {
    let (id, everyone) = (group_id(name), name == "Everyone");
    json!({
        "id": id,
        "created": EPOCH,
        "lastUpdated": EPOCH,
        "lastMembershipUpdated": EPOCH,
        "objectClass": ["okta:user_group"],
        "type": if everyone { "BUILT_IN" } else { "OKTA_GROUP" },
        "profile": {"name": name, "description": everyone.then_some("All users in your organization")},
        "_links": {"users": {"href": format!("{url}/api/v1/groups/{id}/users")}},
    })
}
