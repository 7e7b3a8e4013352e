//! Outages in the test API.
//!
//! Endpoints have the same names as in the library. An endpoint has at most one outage; a new one replaces it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::json::body;
use crate::oauth_error::{management, no_such_path, not_found};
use crate::org_state::OrgState;
use crate::outage::{Endpoint, Outage};
use crate::reply::Reply;
use crate::request_log::Recorded;

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// The org responds with an error status and does not process the request.
    Status,
    /// The org responds with 429 and Okta's headers, and does not process the request.
    RateLimited,
    /// The request waits for a release before it is processed.
    Hang,
    /// The request is processed, and the response waits for a release.
    HangAfter,
    /// The org closes the connection and does not process the request.
    Drop,
    /// The org processes the request and closes the connection without a response.
    DropAfter,
    Delay,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    kind: Kind,
    /// For `status`; 503 by default.
    status: Option<u16>,
    /// For `delay`; one second by default.
    milliseconds: Option<u64>,
    /// The number of affected requests; by default the outage lasts until it is ended.
    times: Option<usize>,
}

#[derive(Debug, Serialize)]
struct State {
    outage: Option<Kind>,
    /// The number of requests that an outage affected since the org started.
    hits: usize,
    waiting: usize,
}

/// Handles `/dev/outages`.
///
/// Changes answer with 204. A release completes the waiting requests and keeps the outage; a deletion also ends it.
pub(super) fn answer(org: &OrgState, request: &Recorded, method: &str, rest: &[&str]) -> Result<Reply, Reply> {
    match (method, rest) {
        ("GET", []) => return Ok(Reply::json(200, &states(org)).no_store()),
        ("DELETE", []) => Endpoint::ALL.into_iter().for_each(|endpoint| org.outages.restore(endpoint)),
        ("POST", [name]) => {
            let (endpoint, switch) = (endpoint(name)?, body::<Switch>(request)?);
            org.outages.arm(endpoint, switch.outage()?, switch.times);
        }
        ("DELETE", [name]) => org.outages.restore(endpoint(name)?),
        ("POST", [name, "release"]) => org.outages.release(endpoint(name)?),
        _ => return Err(no_such_path()),
    }
    Ok(Reply::empty(204))
}

fn endpoint(name: &str) -> Result<Endpoint, Reply> {
    Endpoint::named(name).ok_or_else(|| not_found(&format!("{name} (Endpoint)")))
}

fn states(org: &OrgState) -> BTreeMap<&'static str, State> {
    let state = |endpoint: Endpoint| {
        let state = org.outages.state(endpoint);
        State { outage: state.outage.map(|(outage, _)| kind(outage)), hits: state.hits, waiting: state.waiting }
    };
    Endpoint::ALL.into_iter().map(|endpoint| (endpoint.as_str(), state(endpoint))).collect()
}

impl Switch {
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

    /// Validates the status: 200 to 599.
    fn status(&self) -> Result<u16, Reply> {
        let status = self.status.unwrap_or(503);
        let good = (200..=599).contains(&status);
        good.then_some(status).ok_or_else(|| management(400, "E0000001", "Api validation failed: status"))
    }
}

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
