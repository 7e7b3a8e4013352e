//! `/api/v1/sessions/me`: the Okta session of the browser, for scripts of its apps.
//!
//! Okta's JavaScript SDK reads it in `session.exists()`, and ends it in `signOut()` when it has no ID token.

use serde_json::{Value, json};

use super::session_cookie::{SESSION_COOKIE, ended_cookie};
use crate::oauth_error::{not_found, wrong_method};
use crate::org_state::OrgState;
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::store::Session;
use crate::sync::lock;

pub(super) fn answer(org: &OrgState, request: &Recorded) -> Reply {
    if !["GET", "DELETE"].contains(&request.method.as_str()) {
        return wrong_method();
    }
    let mut store = lock(&org.store);
    let found = request.cookie(SESSION_COOKIE).and_then(|id| Some((id, store.sessions.find(id, org.clock.seconds())?)));
    let Some((id, session)) = found else { return not_found("me (Session)") };
    if request.method == "DELETE" {
        store.sessions.close(id);
        return Reply::empty(204).cookie(ended_cookie(org));
    }
    drop(store);
    Reply::json(200, &body(org, &session)).no_store()
}

/// Okta's representation, without its times.
fn body(org: &OrgState, session: &Session) -> Value {
    let (own, user) = (format!("{}/api/v1/sessions/me", org.url), org.user(&session.login));
    let kind = if session.idp.is_some() { "FEDERATION" } else { "OKTA" };
    json!({
        "id": session.sid,
        "login": session.login,
        "userId": user.map(|user| user.id),
        "status": "ACTIVE",
        "amr": session.amr,
        "idp": {"id": session.idp.as_deref().unwrap_or(&org.id), "type": kind},
        "mfaActive": session.amr.iter().any(|method| method == "mfa"),
        "_links": {"self": {"href": own, "hints": {"allow": ["GET", "DELETE"]}}},
    })
}
