//! `/device/authorize`: starts a sign-in on a device without a browser (RFC 8628 §3.1).

use serde::Serialize;
use serde_json::{Map, Value};

use super::authorize::requested_scopes;
use super::client_auth;
use super::exchange::Exchange;
use super::params::Params;
use super::paths::ACTIVATE;
use crate::fault::{DeviceFault, Fault};
use crate::grant_type::GrantType;
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::store::Device;
use crate::sync::lock;

/// The response, in Okta's order.
#[derive(Serialize)]
struct Body {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: i64,
    interval: i64,
}

pub(super) fn device_authorize(exchange: &Exchange<'_>) -> Reply {
    let faults = &exchange.org.faults;
    let reply = process(exchange).unwrap_or_else(|error| error.reply());
    if faults.hit(&Fault::Device(DeviceFault::Huge)) { reply.huge() } else { reply }
}

/// Scopes are those of a sign-in, and `offline_access` must be requested here.
fn process(exchange: &Exchange<'_>) -> Result<Reply, OAuthError> {
    let org = exchange.org;
    let params = Params::new(exchange.request.form());
    params.check_duplicates()?;
    let client = client_auth::authenticate(exchange, &params)?;
    if !client.may_use(GrantType::DeviceCode) {
        return Err(OAuthError::unauthorized_grant(&client));
    }
    let settings = &exchange.server.settings;
    let scopes = requested_scopes(&params, &client, settings)?;
    if org.faults.hit(&Fault::Device(DeviceFault::TooManyUserCodes)) {
        let description = "Too many user codes generated. Please try again later.";
        return Err(OAuthError::new(429, "too_many_user_codes", description));
    }
    let device = Device::new(&client.client_id, &settings.id, scopes, exchange.now());
    let (user_code, verification_uri) = (device.user_code.clone(), format!("{}/{ACTIVATE}", org.url));
    let body = Body {
        device_code: lock(&org.store).devices.add(device),
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        verification_uri,
        user_code,
        expires_in: Device::lifetime(),
        interval: Device::interval(),
    };
    let reply = changed(exchange, &body).map_or_else(|| Reply::json(200, &body), |members| Reply::json(200, &members));
    Ok(reply.no_store())
}

/// The members, if faults change any. Changed responses lose Okta's order.
fn changed(exchange: &Exchange<'_>, body: &Body) -> Option<Map<String, Value>> {
    let Ok(Value::Object(before)) = serde_json::to_value(body) else { return None };
    let mut members = before.clone();
    exchange.org.faults.change_members(&mut members, |fault| match fault {
        Fault::Device(DeviceFault::Member(name, value)) => Some((name, value)),
        _ => None,
    });
    (members != before).then_some(members)
}
