//! Sign-out in the test API.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::json::body;
use crate::logout_delivery::{Delivery, RevocationFault};
use crate::oauth_error::not_found;
use crate::okta_session::{self, OktaSession};
use crate::org_state::OrgState;
use crate::reply::Reply;
use crate::request_log::Recorded;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    login: String,
    /// Sends faulty messages to the apps, and keeps the org's own sessions.
    fault: Option<RevocationFault>,
}

pub(super) async fn universal_logout(org: &Arc<OrgState>, request: &Recorded) -> Result<Reply, Reply> {
    let Person { login, fault } = body(request)?;
    org.user(&login).ok_or_else(|| not_found(&format!("{login} (User)")))?;
    Ok(deliveries(&okta_session::universal_logout(org, &login, fault).await))
}

pub(super) fn sessions(org: &OrgState) -> Reply {
    let one = |session: OktaSession| json!({"sid": session.sid, "login": session.login, "apps": session.apps});
    Reply::json(200, &okta_session::sessions(org).into_iter().map(one).collect::<Vec<Value>>()).no_store()
}

/// Ends a session and returns the deliveries; the list is empty if the session is already over.
pub(super) async fn end_session(org: &OrgState, sid: &str) -> Reply {
    deliveries(&okta_session::end_session(org, sid).await)
}

fn deliveries(deliveries: &[Delivery]) -> Reply {
    let one = |delivery: &Delivery| {
        json!({
            "client_id": delivery.client_id,
            "uri": delivery.uri,
            "status": delivery.status,
            "problem": delivery.problem,
        })
    };
    Reply::json(200, &deliveries.iter().map(one).collect::<Vec<Value>>()).no_store()
}
