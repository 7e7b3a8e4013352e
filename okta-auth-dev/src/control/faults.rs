//! Faults and the journal, over HTTP.

use serde::Deserialize;
use serde_json::{Value, json};

use super::body;
use crate::fault::Fault;
use crate::journal::Recorded;
use crate::oauth_error::no_such_path;
use crate::reply::Reply;
use crate::tenant::Tenant;

/// The body that switches a fault on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// Its name in snake case, or an object of the name and what the fault needs.
    fault: Fault,
    /// For one request; until the faults are cleared if it is left out.
    #[serde(default)]
    once: bool,
}

/// Answers everything under `/dev/faults`.
pub(super) fn answer(tenant: &Tenant, request: &Recorded, rest: &[&str]) -> Result<Reply, Reply> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let one = |(fault, once): (Fault, bool)| json!({"fault": fault, "once": once});
            let armed: Vec<Value> = tenant.board.armed().into_iter().map(one).collect();
            return Ok(Reply::json(200, &armed).no_store());
        }
        ("POST", []) => {
            let Switch { fault, once } = body(request)?;
            tenant.board.arm(fault, once);
        }
        ("DELETE", []) => tenant.clear_faults(),
        _ => return Err(no_such_path()),
    }
    Ok(Reply::empty(204))
}

/// Answers everything under `/dev/journal`. A path in the query selects the requests whose
/// path ends with it.
pub(super) fn journal(tenant: &Tenant, request: &Recorded, rest: &[&str]) -> Result<Reply, Reply> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let suffix = request.query_param("path").unwrap_or_default();
            let all = tenant.journal.all();
            let entries: Vec<Value> = all.iter().filter(|entry| entry.path.ends_with(&suffix)).map(entry).collect();
            Ok(Reply::json(200, &entries).no_store())
        }
        ("DELETE", []) => {
            tenant.journal.clear();
            Ok(Reply::empty(204))
        }
        _ => Err(no_such_path()),
    }
}

/// A request of an app, and what it was answered.
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
