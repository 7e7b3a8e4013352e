//! Where a user is signed in, and the end of a session there.

use std::collections::BTreeMap;

use okta_auth::engine::SignedIn;
use okta_auth::error::{Code, Error};
use okta_auth::session::SessionId;

use crate::pages;

/// What a form sends.
pub(crate) type Fields = BTreeMap<String, String>;

/// The page with the user's sessions. Those in cookies cannot be listed, and the page says so.
pub(crate) async fn page(user: &SignedIn) -> Result<String, Error> {
    match user.sessions().await {
        Ok(sessions) => Ok(pages::devices(user.name(), user.session(), &sessions)),
        Err(error) if error.code() == Code::StoreUnsupported => Ok(pages::no_devices(user.name())),
        Err(error) => Err(error),
    }
}

/// Ends the session that the field `id` names, if it is one of this user's. Where that cannot be
/// done, the page tells why.
pub(crate) async fn end(user: &SignedIn, fields: &Fields) -> Result<(), Error> {
    let Some(id) = fields.get("id").and_then(|id| SessionId::parse(id)) else { return Ok(()) };
    match user.end_session(id).await {
        Err(error) if error.code() != Code::StoreUnsupported => Err(error),
        _ => Ok(()),
    }
}
