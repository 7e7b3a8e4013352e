//! Devices in the test API: a decision without a browser.

use serde::Deserialize;
use serde_json::{Value, json};

use super::json::body;
use crate::endpoint::decide_device;
use crate::oauth_error::{no_such_path, not_found};
use crate::org_state::OrgState;
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::sync::lock;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// The user who agrees; a refusal if it is missing.
    login: Option<String>,
}

/// Handles `/dev/devices`: lists the waiting devices, and records a decision.
pub(super) fn answer(org: &OrgState, request: &Recorded, rest: &[&str]) -> Result<Reply, Reply> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let waiting = lock(&org.store).devices.waiting(org.clock.seconds());
            let one = |device: &crate::store::Device| json!({"user_code": device.user_code, "client_id": device.client_id, "scopes": device.scopes});
            Ok(Reply::json(200, &waiting.iter().map(one).collect::<Vec<Value>>()).no_store())
        }
        ("POST", [user_code]) => {
            let Decision { login } = body(request)?;
            let known = |login: String| org.user(&login).ok_or_else(|| not_found(&format!("{login} (User)")));
            let user = login.map(known).transpose()?;
            decide_device(org, user_code, user.as_ref()).map_err(|error| error.reply())?;
            Ok(Reply::empty(204))
        }
        _ => Err(no_such_path()),
    }
}
