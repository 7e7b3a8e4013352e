//! The test API: the operations of the library's handle over HTTP, for tests in other
//! processes.
//!
//! It is served under `/dev/` and uses JSON. Like every endpoint of the org it answers on
//! loopback only. It also rejects requests from pages of other sites, because otherwise a
//! website that a developer visits could control the org.
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
mod faults;
mod outages;
mod people;
mod sign_out;
mod tokens;

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::journal::Recorded;
use crate::oauth_error::{management, no_such_path};
use crate::reply::Reply;
use crate::tenant::Tenant;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// In seconds.
    advance: u64,
}

/// Handles a request to the test API or the administrator's page; returns `None` for any
/// other path.
pub(crate) async fn answer(tenant: &Arc<Tenant>, request: &Recorded) -> Option<Reply> {
    let path = request.path.strip_prefix("/dev").filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let Some(path) = path else { return admin::answer(tenant, request).await };
    if !is_local(tenant, request) {
        return Some(management(403, "E0000006", "The test API does not answer pages of other sites."));
    }
    let decoded: Vec<String> = path.trim_matches('/').split('/').map(decoded).collect();
    let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
    let reply = match (request.method.as_str(), segments.as_slice()) {
        ("GET", [""]) => Ok(Reply::json(200, &tenant.description()).no_store()),
        (_, ["clients", rest @ ..]) => clients::answer(tenant, request, rest),
        (_, ["people", rest @ ..]) => people::answer(tenant, request, rest),
        (_, ["faults", rest @ ..]) => faults::answer(tenant, request, rest),
        (_, ["journal", rest @ ..]) => faults::journal(tenant, request, rest),
        ("POST", ["tokens"]) => tokens::mint(tenant, request),
        ("POST", ["keys", "rotate"]) => {
            tenant.servers.iter().for_each(|server| server.ring.rotate());
            Ok(Reply::empty(204))
        }
        (method, ["outages", rest @ ..]) => outages::answer(tenant, request, method, rest),
        ("GET", ["refreshes"]) => Ok(refreshes(tenant)),
        ("POST", ["clock"]) => clock(tenant, request),
        ("GET", ["sessions"]) => Ok(sign_out::sessions(tenant)),
        ("DELETE", ["sessions", sid]) => Ok(sign_out::end_session(tenant, sid).await),
        ("POST", ["universal-logout"]) => sign_out::universal_logout(tenant, request).await,
        _ => Err(no_such_path()),
    };
    Some(reply.unwrap_or_else(|refused| refused))
}

/// Whether the request comes from the org's own page or not from a page at all.
///
/// Browsers send `Sec-Fetch-Site`; the check of `Origin` covers browsers that do not.
pub(crate) fn is_local(tenant: &Tenant, request: &Recorded) -> bool {
    match request.header("sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => request.header("origin").is_none_or(|origin| origin == tenant.url),
    }
}

/// Parses the JSON body. A mistake is answered with serde's message.
fn body<T: DeserializeOwned>(request: &Recorded) -> Result<T, Reply> {
    serde_json::from_str(&request.body).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> Reply {
    management(400, "E0000003", &format!("The request body was not well-formed: {error}"))
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// Merges the members of a body into the existing ones.
fn changed<T: DeserializeOwned>(before: Value, changes: Map<String, Value>) -> Result<T, Reply> {
    let mut members = match before {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let id = ["id", "login"].into_iter().find_map(|name| Some((name.to_owned(), members.get(name)?.clone())));
    members.extend(changes);
    // The path identifies the entry, so the body cannot change its id.
    members.extend(id);
    serde_json::from_value(Value::Object(members)).map_err(|error| malformed(&error))
}

fn created(value: &Value) -> Reply {
    Reply::json(201, value).no_store()
}

/// 400 for a member with an invalid value.
fn invalid(member: &str) -> Reply {
    management(400, "E0000001", &format!("Api validation failed: {member}"))
}

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

fn clock(tenant: &Tenant, request: &Recorded) -> Result<Reply, Reply> {
    let Advance { advance } = body(request)?;
    tenant.clock.advance(std::time::Duration::from_secs(advance));
    Ok(Reply::empty(204))
}
