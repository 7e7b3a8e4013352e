//! The pages of errors.

use super::layout::{escape, page};
use crate::oauth_error::OAuthError;
use crate::org_state::OrgState;
use crate::reply::Reply;

/// The page for an error that must not be sent to a redirect URI.
///
/// The description may repeat request parameters, for instance the redirect URI. It is shown as text and never as a
/// link.
pub(in crate::endpoint) fn error(org: &OrgState, error: &OAuthError) -> Reply {
    let body = format!(
        "<h1>400</h1><p class=\"soft\">Bad Request</p><p>Your request resulted in an error.</p>\
         <p class=\"bad\" role=\"alert\"><strong>{}</strong><br>{}</p>",
        escape(&error.error),
        escape(&error.description)
    );
    Reply::html(400, page("Error", &org.name, &body)).refused(&error.error, &error.description)
}

/// The page for a form whose request or session has expired.
pub(in crate::endpoint) fn expired(org: &OrgState) -> Reply {
    error(org, &OAuthError::bad("login_required", "Request expired, please start over and try again."))
}
