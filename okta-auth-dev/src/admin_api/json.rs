//! JSON bodies of the test API.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::oauth_error::management;
use crate::reply::Reply;
use crate::request_log::Recorded;

/// Parses the JSON body. A mistake is answered with serde's message.
pub(super) fn body<T: DeserializeOwned>(request: &Recorded) -> Result<T, Reply> {
    serde_json::from_str(&request.body).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> Reply {
    management(400, "E0000003", &format!("The request body was not well-formed: {error}"))
}

/// Merges the members of a body into the existing ones.
pub(super) fn changed<T: DeserializeOwned>(before: Value, changes: Map<String, Value>) -> Result<T, Reply> {
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

pub(super) fn created(value: &Value) -> Reply {
    Reply::json(201, value).no_store()
}

/// 400 for a member with an invalid value.
pub(super) fn invalid(member: &str) -> Reply {
    management(400, "E0000001", &format!("Api validation failed: {member}"))
}
