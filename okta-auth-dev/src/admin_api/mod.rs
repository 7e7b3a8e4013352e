//! The test API: the operations of the library's handle over HTTP, for tests in other processes.
//!
//! It is served under `/dev/` and uses JSON. Like every endpoint of the org it answers on loopback only. It also
//! rejects requests from pages of other sites, because otherwise a website that a developer visits could control the
//! org.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /dev/outages` | returns the state of each endpoint |
//! | `POST /dev/outages/{endpoint}` | starts an outage |
//! | `POST /dev/outages/{endpoint}/release` | releases waiting requests |
//! | `DELETE /dev/outages/{endpoint}`, `DELETE /dev/outages` | ends one outage, or all |
//! | `GET /dev` | returns how to connect to the org |
//! | `GET`, `POST /dev/clients`; `GET`, `PUT`, `PATCH`, `DELETE /dev/clients/{id}` | clients |
//! | the same with `/dev/people` and `/dev/people/{login}` | users |
//! | `DELETE`, `PUT /dev/people/{login}/apps/{client id}` | unassigns an app from a user, or assigns it again |
//! | `GET /dev/devices`, `POST /dev/devices/{user code}` | devices that wait for a user |
//! | `GET`, `POST`, `DELETE /dev/faults` | faults |
//! | `GET`, `DELETE /dev/journal` | the requests of apps with their results |
//! | `POST /dev/tokens` | creates a token, valid or invalid |
//! | `POST /dev/keys/rotate` | rotates the keys of every server |
//! | `GET /dev/refreshes` | returns how refreshes ended |
//! | `POST /dev/clock` | moves the virtual clock forward |
//! | `GET /dev/sessions` | lists sessions with their users and apps |
//! | `DELETE /dev/sessions/{sid}` | ends a session, and notifies the apps through the front channel |
//! | `POST /dev/universal-logout` | signs a user out everywhere |
//!
//! The page `/admin` offers some of these operations in a browser.

mod admin;
mod clients;
mod devices;
mod faults;
mod json;
mod origin;
mod outages;
mod page;
mod people;
mod sign_out;
mod tokens;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use crate::oauth_error::{management, no_such_path};
use crate::org_state::OrgState;
use crate::reply::Reply;
use crate::request_log::Recorded;
use json::body;
use origin::is_local;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// In seconds.
    advance: u64,
}

/// Handles a request to the test API or the administrator's page; returns `None` for any other path.
pub(crate) async fn answer(org: &Arc<OrgState>, request: &Recorded) -> Option<Reply> {
    let path = request.path.strip_prefix("/dev").filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let Some(path) = path else { return admin::answer(org, request).await };
    if !is_local(org, request) {
        return Some(management(403, "E0000006", "The test API does not answer pages of other sites."));
    }
    let decoded: Vec<String> = path.trim_matches('/').split('/').map(decoded).collect();
    let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
    let reply = match (request.method.as_str(), segments.as_slice()) {
        ("GET", [""]) => Ok(Reply::json(200, &org.description()).no_store()),
        (_, ["clients", rest @ ..]) => clients::answer(org, request, rest),
        (_, ["people", rest @ ..]) => people::answer(org, request, rest),
        (_, ["devices", rest @ ..]) => devices::answer(org, request, rest),
        (_, ["faults", rest @ ..]) => faults::answer(org, request, rest),
        (_, ["journal", rest @ ..]) => faults::journal(org, request, rest),
        ("POST", ["tokens"]) => tokens::create(org, request),
        ("POST", ["keys", "rotate"]) => {
            org.servers.iter().for_each(|server| server.ring.rotate());
            Ok(Reply::empty(204))
        }
        (method, ["outages", rest @ ..]) => outages::answer(org, request, method, rest),
        ("GET", ["refreshes"]) => Ok(refreshes(org)),
        ("POST", ["clock"]) => clock(org, request),
        ("GET", ["sessions"]) => Ok(sign_out::sessions(org)),
        ("DELETE", ["sessions", sid]) => Ok(sign_out::end_session(org, sid).await),
        ("POST", ["universal-logout"]) => sign_out::universal_logout(org, request).await,
        _ => Err(no_such_path()),
    };
    Some(reply.unwrap_or_else(|refused| refused))
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn refreshes(org: &OrgState) -> Reply {
    let counts = org.request_log.refreshes();
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

fn clock(org: &OrgState, request: &Recorded) -> Result<Reply, Reply> {
    let Advance { advance } = body(request)?;
    org.clock.advance(std::time::Duration::from_secs(advance));
    Ok(Reply::empty(204))
}
