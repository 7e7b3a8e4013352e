//! Outages, over HTTP.
//!
//! Endpoints have the names they have in the library. Each has one outage at most,
//! and a new one takes the place of the old one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::body;
use crate::journal::Recorded;
use crate::oauth_error::{management, no_such_path, not_found};
use crate::outage::{Endpoint, Outage};
use crate::reply::Reply;
use crate::tenant::Tenant;

/// The names of outages.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// An error status, before anything is used up.
    Status,
    /// 429 with Okta's headers, before anything is used up.
    RateLimited,
    /// The request waits for a release, and is answered then.
    Hang,
    /// The request is answered, and the answer waits for a release.
    HangAfter,
    /// The connection is closed instead of an answer, and nothing is used up.
    Drop,
    /// The connection is closed after the request took effect.
    DropAfter,
    /// The answer comes late.
    Delay,
}

/// The body that switches one on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    kind: Kind,
    /// With `status`; 503 if it is left out.
    status: Option<u16>,
    /// With `delay`; a second if it is left out.
    milliseconds: Option<u64>,
    /// For so many requests; until it is switched off if it is left out.
    times: Option<usize>,
}

/// How an endpoint is.
#[derive(Debug, Serialize)]
struct State {
    outage: Option<Kind>,
    /// How many requests an outage hit since the org started.
    hits: usize,
    /// How many requests wait for a release now.
    waiting: usize,
}

/// Answers everything under `/dev/outages`.
///
/// What changes something answers 204. A release lets go whoever waits and leaves
/// the outage on; a deletion switches it off as well.
pub(super) fn answer(tenant: &Tenant, request: &Recorded, method: &str, rest: &[&str]) -> Result<Reply, Reply> {
    match (method, rest) {
        ("GET", []) => return Ok(Reply::json(200, &states(tenant)).no_store()),
        ("DELETE", []) => Endpoint::ALL.into_iter().for_each(|endpoint| tenant.outages.restore(endpoint)),
        ("POST", [name]) => {
            let (endpoint, switch) = (endpoint(name)?, body::<Switch>(request)?);
            tenant.outages.arm(endpoint, switch.outage()?, switch.times);
        }
        ("DELETE", [name]) => tenant.outages.restore(endpoint(name)?),
        ("POST", [name, "release"]) => tenant.outages.release(endpoint(name)?),
        _ => return Err(no_such_path()),
    }
    Ok(Reply::empty(204))
}

/// The endpoint with this name.
fn endpoint(name: &str) -> Result<Endpoint, Reply> {
    Endpoint::named(name).ok_or_else(|| not_found(&format!("{name} (Endpoint)")))
}

/// How all endpoints are.
fn states(tenant: &Tenant) -> BTreeMap<&'static str, State> {
    let state = |endpoint: Endpoint| {
        let state = tenant.outages.state(endpoint);
        State { outage: state.outage.map(|(outage, _)| kind(outage)), hits: state.hits, waiting: state.waiting }
    };
    Endpoint::ALL.into_iter().map(|endpoint| (endpoint.as_str(), state(endpoint))).collect()
}

impl Switch {
    /// What is to be switched on.
    fn outage(&self) -> Result<Outage, Reply> {
        Ok(match self.kind {
            Kind::Status => Outage::Status(self.status()?),
            Kind::RateLimited => Outage::RateLimited,
            Kind::Hang => Outage::Hang,
            Kind::HangAfter => Outage::HangAfter,
            Kind::Drop => Outage::Drop,
            Kind::DropAfter => Outage::DropAfter,
            Kind::Delay => Outage::Delay(Duration::from_millis(self.milliseconds.unwrap_or(1000))),
        })
    }

    /// A status that HTTP has.
    fn status(&self) -> Result<u16, Reply> {
        let status = self.status.unwrap_or(503);
        let good = (200..=599).contains(&status);
        good.then_some(status).ok_or_else(|| management(400, "E0000001", "Api validation failed: status"))
    }
}

/// The name of an outage.
fn kind(outage: Outage) -> Kind {
    match outage {
        Outage::Status(_) => Kind::Status,
        Outage::RateLimited => Kind::RateLimited,
        Outage::Hang => Kind::Hang,
        Outage::HangAfter => Kind::HangAfter,
        Outage::Drop => Kind::Drop,
        Outage::DropAfter => Kind::DropAfter,
        Outage::Delay(_) => Kind::Delay,
    }
}
