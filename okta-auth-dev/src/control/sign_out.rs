//! Sign-out in the test API.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::body;
use crate::journal::Recorded;
use crate::notice::{Delivery, RevocationFault};
use crate::oauth_error::not_found;
use crate::org;
use crate::reply::Reply;
use crate::tenant::Tenant;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    login: String,
    /// Sends faulty messages to the apps, and keeps the org's own sessions.
    fault: Option<RevocationFault>,
}

pub(super) async fn universal_logout(tenant: &Arc<Tenant>, request: &Recorded) -> Result<Reply, Reply> {
    let Person { login, fault } = body(request)?;
    tenant.user(&login).ok_or_else(|| not_found(&format!("{login} (User)")))?;
    Ok(deliveries(&org::universal_logout(tenant, &login, fault).await))
}

pub(super) fn sessions(tenant: &Tenant) -> Reply {
    let one = |session: org::OktaSession| json!({"sid": session.sid, "login": session.login, "apps": session.apps});
    Reply::json(200, &org::sessions(tenant).into_iter().map(one).collect::<Vec<Value>>()).no_store()
}

/// Ends a session and returns the deliveries; the list is empty if the session is already
/// over.
pub(super) async fn end_session(tenant: &Tenant, sid: &str) -> Reply {
    deliveries(&org::end_session(tenant, sid).await)
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
