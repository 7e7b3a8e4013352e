//! Clients in the test API. Members have the same names as in a settings file.

use serde_json::{Value, json};

use super::{body, changed, created};
use crate::client::Client;
use crate::config::ClientTable;
use crate::journal::Recorded;
use crate::oauth_error::{no_such_path, not_found};
use crate::random;
use crate::reply::Reply;
use crate::sync::lock;
use crate::tenant::Tenant;

/// Handles `/dev/clients`.
///
/// `POST` and `PUT` take a complete client and replace one with the same id. `PATCH`
/// changes only the given members.
pub(super) fn answer(tenant: &Tenant, request: &Recorded, rest: &[&str]) -> Result<Reply, Reply> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let clients = lock(&tenant.clients).clone();
            Ok(Reply::json(200, &clients.into_iter().map(ClientTable::from).collect::<Vec<_>>()).no_store())
        }
        ("POST", []) => Ok(created(&put(tenant, body(request)?))),
        ("GET", [id]) => Ok(Reply::json(200, &ClientTable::from(known(tenant, id)?)).no_store()),
        ("PUT", [id]) => {
            let client = changed(json!({"id": id}), body(request)?)?;
            Ok(Reply::json(200, &put(tenant, client)).no_store())
        }
        ("PATCH", [id]) => {
            let client = changed(json!(ClientTable::from(known(tenant, id)?)), body(request)?)?;
            Ok(Reply::json(200, &put(tenant, client)).no_store())
        }
        ("DELETE", [id]) => {
            known(tenant, id)?;
            lock(&tenant.clients).retain(|client| client.client_id != *id);
            Ok(Reply::empty(204))
        }
        _ => Err(no_such_path()),
    }
}

fn known(tenant: &Tenant, id: &str) -> Result<Client, Reply> {
    tenant.client(id).ok_or_else(|| not_found(&format!("{id} (Client)")))
}

/// Adds or replaces a client, and generates a required secret if it is missing.
fn put(tenant: &Tenant, table: ClientTable) -> Value {
    let mut client = table.client();
    if client.client_secret.as_deref() == Some("") {
        client.client_secret = Some(random::token());
    }
    tenant.put_client(client.clone());
    json!(ClientTable::from(client))
}
