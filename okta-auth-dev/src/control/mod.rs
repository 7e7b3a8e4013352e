//! The test API: what the library's handle can do, over HTTP, for tests in other processes.
//!
//! It lives under `/dev/` and talks JSON. Like everything here it answers on loopback only, and it
//! does not answer pages of other sites: a browser that visits one must not become its remote
//! control.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /dev/outages` | tells how each endpoint is |
//! | `POST /dev/outages/{endpoint}` | switches an outage on |
//! | `POST /dev/outages/{endpoint}/release` | lets waiting requests go on |
//! | `DELETE /dev/outages/{endpoint}`, `DELETE /dev/outages` | switches it off, or all |
//! | `GET /dev/refreshes` | tells what became of refreshes |
//! | `POST /dev/clock` | moves the virtual clock forward |

mod outages;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::journal::Recorded;
use crate::oauth_error::{management, no_such_path};
use crate::reply::Reply;
use crate::tenant::Tenant;

/// The body of `POST /dev/clock`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// Seconds.
    advance: u64,
}

/// Answers a request of the test API; nothing for any other path.
pub(crate) fn answer(tenant: &Tenant, request: &Recorded) -> Option<Reply> {
    let path = request.path.strip_prefix("/dev/")?;
    if !is_local(tenant, request) {
        return Some(management(403, "E0000006", "The test API does not answer pages of other sites."));
    }
    let segments: Vec<&str> = path.split('/').collect();
    let reply = match (request.method.as_str(), segments.as_slice()) {
        (method, ["outages", rest @ ..]) => outages::answer(tenant, request, method, rest),
        ("GET", ["refreshes"]) => Ok(refreshes(tenant)),
        ("POST", ["clock"]) => clock(tenant, request),
        _ => Err(no_such_path()),
    };
    Some(reply.unwrap_or_else(|refused| refused))
}

/// Whether the request comes from no page, or from one of the org itself.
fn is_local(tenant: &Tenant, request: &Recorded) -> bool {
    let origin = request.header("origin").is_none_or(|origin| origin == tenant.url);
    let site = request.header("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    origin && site
}

/// The JSON of a body. A mistake is answered with what serde says about it.
fn body<T: DeserializeOwned>(request: &Recorded) -> Result<T, Reply> {
    serde_json::from_str(&request.body)
        .map_err(|error| management(400, "E0000003", &format!("The request body was not well-formed: {error}")))
}

/// What became of refreshes.
fn refreshes(tenant: &Tenant) -> Reply {
    let counts = tenant.journal.refreshes();
    Reply::json(
        200,
        &json!({
            "seen": counts.seen,
            "granted": counts.granted,
            "repeated": counts.repeated,
            "reused": counts.reused,
        }),
    )
    .no_store()
}

/// Moves the clock.
fn clock(tenant: &Tenant, request: &Recorded) -> Result<Reply, Reply> {
    let Advance { advance } = body(request)?;
    tenant.clock.advance(std::time::Duration::from_secs(advance));
    Ok(Reply::empty(204))
}
