//! The grant of a device: polls until the user has decided (RFC 8628 §3.4).

use super::grants::check_server;
use super::response::{Kind, respond};
use crate::client::Client;
use crate::endpoint::exchange::Exchange;
use crate::endpoint::params::Params;
use crate::fault::{DeviceFault, Fault};
use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::store::Poll;
use crate::sync::lock;

/// Answers a poll. A device code belongs to its client and its server; a foreign one is rejected before the poll
/// counts.
pub(super) fn device_code(exchange: &Exchange<'_>, params: &Params, client: &Client) -> Result<Reply, OAuthError> {
    let (org, code) = (exchange.org, params.required("device_code")?);
    let device = lock(&org.store).devices.find(code).cloned();
    let device = device.ok_or_else(|| OAuthError::invalid_grant("The device code is invalid or has expired."))?;
    if device.client_id != client.client_id {
        return Err(OAuthError::issued_to_another_client());
    }
    check_server(exchange, &device.server)?;
    if let Some(fault) = faulty(exchange) {
        return refused(&fault);
    }
    let poll = lock(&org.store).devices.poll(code, exchange.now());
    match poll {
        Poll::Granted(grant) => respond(exchange, client, &grant, Kind::SignIn),
        poll => refused(&poll),
    }
}

fn faulty(exchange: &Exchange<'_>) -> Option<Poll> {
    exchange.org.faults.find(|fault| match fault {
        Fault::Device(DeviceFault::Pending) => Some(Poll::Pending),
        Fault::Device(DeviceFault::SlowDown) => Some(Poll::TooFast),
        Fault::Device(DeviceFault::Expired) => Some(Poll::Expired),
        Fault::Device(DeviceFault::Denied) => Some(Poll::Denied),
        _ => None,
    })
}

fn refused(poll: &Poll) -> Result<Reply, OAuthError> {
    let (error, description) = match poll {
        Poll::TooFast => ("slow_down", "Slow down the polling frequency. Please try again later."),
        Poll::Expired => ("expired_token", "The device code has expired."),
        Poll::Denied => ("access_denied", "The resource owner or authorization server denied the request."),
        Poll::Pending | Poll::Granted(_) => {
            ("authorization_pending", "The device authorization is pending. Please try again later.")
        }
    };
    Err(OAuthError::bad(error, description))
}
