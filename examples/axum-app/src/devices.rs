//! Lists a user's sessions, and ends one of them.

use std::collections::BTreeMap;

use okta_auth::axum::User;
use okta_auth::error::{Code, Error};
use okta_auth::session::SessionId;

use crate::pages;

/// The fields of a submitted form.
pub(crate) type Fields = BTreeMap<String, String>;

/// The page with the user's sessions. Sessions in cookies cannot be listed, and the page
/// explains it.
pub(crate) async fn page(user: &User) -> Result<String, Error> {
    match user.sessions().await {
        Ok(sessions) => Ok(pages::devices(user.name(), user.session(), &sessions)),
        Err(error) if error.code() == Code::StoreUnsupported => Ok(pages::no_devices(user.name())),
        Err(error) => Err(error),
    }
}

/// Ends the session with the id in the field `id` if it belongs to this user. If the
/// store does not support it, the page explains why.
pub(crate) async fn end(user: &User, fields: &Fields) -> Result<(), Error> {
    let Some(id) = fields.get("id").and_then(|id| SessionId::parse(id)) else { return Ok(()) };
    match user.end_session(id).await {
        Err(error) if error.code() != Code::StoreUnsupported => Err(error),
        _ => Ok(()),
    }
}
