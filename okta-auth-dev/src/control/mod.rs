//! The test API: what the library's handle can do, over HTTP, for tests in other
//! processes.
//!
//! It lives under `/dev/` and talks JSON. Like everything here it answers on loopback
//! only, and it does not answer pages of other sites: a browser that visits one must
//! not become its remote control.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /dev/outages` | tells how each endpoint is |
//! | `POST /dev/outages/{endpoint}` | switches an outage on |
//! | `POST /dev/outages/{endpoint}/release` | lets waiting requests go on |
//! | `DELETE /dev/outages/{endpoint}`, `DELETE /dev/outages` | switches it off, or all |
//! | `GET /dev` | tells how to connect to the org |
//! | `GET`, `POST /dev/clients`; `GET`, `PUT`, `PATCH`, `DELETE /dev/clients/{id}` | clients |
//! | the same with `/dev/people` and `/dev/people/{login}` | people |
//! | `DELETE`, `PUT /dev/people/{login}/apps/{client id}` | takes an app from a person, or gives it back |
//! | `GET`, `POST`, `DELETE /dev/faults` | faults |
//! | `GET`, `DELETE /dev/journal` | the requests of apps, and what they were answered |
//! | `POST /dev/tokens` | makes a token, good or bad |
//! | `POST /dev/keys/rotate` | rotates the keys of every server |
//! | `GET /dev/refreshes` | tells what became of refreshes |
//! | `POST /dev/clock` | moves the virtual clock forward |
//! | `GET /dev/sessions` | tells who is signed in, and where |
//! | `DELETE /dev/sessions/{sid}` | ends a session, and tells the apps over the front channel |
//! | `POST /dev/universal-logout` | signs somebody out everywhere |
//!
//! Beside it there is a page for people, `/admin`.

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

/// The body of `POST /dev/clock`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// Seconds.
    advance: u64,
}

/// Answers a request of the test API, or of the administrator's page; nothing for any
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

/// Whether the request comes from no page, or from one of the org itself.
///
/// Browsers say so in `Sec-Fetch-Site`. `Origin` is for those that do not; it may be
/// `null` for a form of the org's own pages, which keep their address to themselves.
pub(crate) fn is_local(tenant: &Tenant, request: &Recorded) -> bool {
    match request.header("sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => request.header("origin").is_none_or(|origin| origin == tenant.url),
    }
}

/// The JSON of a body. A mistake is answered with what serde says about it.
fn body<T: DeserializeOwned>(request: &Recorded) -> Result<T, Reply> {
    serde_json::from_str(&request.body).map_err(|error| malformed(&error))
}

/// 400, with what serde says about the body.
fn malformed(error: &serde_json::Error) -> Reply {
    management(400, "E0000003", &format!("The request body was not well-formed: {error}"))
}

/// A part of a path, decoded.
fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// What the body says, over what there is already.
fn changed<T: DeserializeOwned>(before: Value, changes: Map<String, Value>) -> Result<T, Reply> {
    let mut members = match before {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let id = ["id", "login"].into_iter().find_map(|name| Some((name.to_owned(), members.get(name)?.clone())));
    members.extend(changes);
    // The path says which one it is.
    members.extend(id);
    serde_json::from_value(Value::Object(members)).map_err(|error| malformed(&error))
}

/// 201, with what was made.
fn created(value: &Value) -> Reply {
    Reply::json(201, value).no_store()
}

/// 400 for a member with a value that names nothing.
fn invalid(member: &str) -> Reply {
    management(400, "E0000001", &format!("Api validation failed: {member}"))
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
