//! Entries by id.

use crate::endpoint::exchange::Exchange;
use crate::oauth_error::not_found;
use crate::reply::Reply;
use crate::user::User;

/// Returns a user by id or by login.
pub(super) fn user(exchange: &Exchange<'_>, id: &str) -> Result<User, Reply> {
    let id = percent_decoded(id);
    let user = exchange.org.user_by_id(&id).or_else(|| exchange.org.user(&id));
    user.ok_or_else(|| not_found(&format!("{id} (User)")))
}

/// Decodes the `@` of a login, which clients may escape in a path.
fn percent_decoded(id: &str) -> String {
    id.replace("%40", "@")
}
