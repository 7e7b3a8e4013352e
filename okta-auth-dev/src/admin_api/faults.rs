//! Faults and the request log in the test API.

use serde::Deserialize;
use serde_json::{Value, json};

use super::json::body;
use crate::fault::Fault;
use crate::oauth_error::no_such_path;
use crate::org_state::OrgState;
use crate::reply::Reply;
use crate::request_log::Recorded;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// The name in snake case, or an object of the name and the fault's parameters.
    fault: Fault,
    /// Whether the fault applies to one request only. By default it applies until the faults are cleared.
    #[serde(default)]
    once: bool,
}

/// Handles `/dev/faults`.
pub(super) fn answer(org: &OrgState, request: &Recorded, rest: &[&str]) -> Result<Reply, Reply> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let one = |(fault, once): (Fault, bool)| json!({"fault": fault, "once": once});
            let armed: Vec<Value> = org.faults.armed().into_iter().map(one).collect();
            return Ok(Reply::json(200, &armed).no_store());
        }
        ("POST", []) => {
            let Switch { fault, once } = body(request)?;
            org.faults.arm(fault, once);
        }
        ("DELETE", []) => org.clear_faults(),
        _ => return Err(no_such_path()),
    }
    Ok(Reply::empty(204))
}

/// Handles `/dev/journal`. The query parameter `path` selects requests whose path ends with it.
pub(super) fn journal(org: &OrgState, request: &Recorded, rest: &[&str]) -> Result<Reply, Reply> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let suffix = request.query_param("path").unwrap_or_default();
            let all = org.request_log.all();
            let entries: Vec<Value> = all.iter().filter(|entry| entry.path.ends_with(&suffix)).map(entry).collect();
            Ok(Reply::json(200, &entries).no_store())
        }
        ("DELETE", []) => {
            org.request_log.clear();
            Ok(Reply::empty(204))
        }
        _ => Err(no_such_path()),
    }
}

fn entry(request: &Recorded) -> Value {
    json!({
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": request.headers,
        "body": request.body,
        "client_id": request.client_id(),
        "status": request.status,
        "refusal": request.refusal,
    })
}
