//! Clients in the test API. Members have the same names as in a settings file.

use serde_json::{Value, json};

use super::json::{body, changed, created};
use crate::client::Client;
use crate::config::ClientTable;
use crate::oauth_error::{no_such_path, not_found};
use crate::org_state::OrgState;
use crate::random;
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::sync::lock;

/// Handles `/dev/clients`.
///
/// `POST` and `PUT` take a complete client and replace one with the same id. `PATCH` changes only the given members.
pub(super) fn answer(org: &OrgState, request: &Recorded, rest: &[&str]) -> Result<Reply, Reply> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let clients = lock(&org.clients).clone();
            Ok(Reply::json(200, &clients.into_iter().map(ClientTable::from).collect::<Vec<_>>()).no_store())
        }
        ("POST", []) => Ok(created(&put(org, body(request)?))),
        ("GET", [id]) => Ok(Reply::json(200, &ClientTable::from(known(org, id)?)).no_store()),
        ("PUT", [id]) => {
            let client = changed(json!({"id": id}), body(request)?)?;
            Ok(Reply::json(200, &put(org, client)).no_store())
        }
        ("PATCH", [id]) => {
            let client = changed(json!(ClientTable::from(known(org, id)?)), body(request)?)?;
            Ok(Reply::json(200, &put(org, client)).no_store())
        }
        ("DELETE", [id]) => {
            known(org, id)?;
            lock(&org.clients).retain(|client| client.client_id != *id);
            Ok(Reply::empty(204))
        }
        _ => Err(no_such_path()),
    }
}

fn known(org: &OrgState, id: &str) -> Result<Client, Reply> {
    org.client(id).ok_or_else(|| not_found(&format!("{id} (Client)")))
}

/// Adds or replaces a client, and generates a required secret if it is missing.
fn put(org: &OrgState, table: ClientTable) -> Value {
    let mut client = table.client();
    if client.client_secret.as_deref() == Some("") {
        client.client_secret = Some(random::token());
    }
    org.put_client(client.clone());
    json!(ClientTable::from(client))
}
