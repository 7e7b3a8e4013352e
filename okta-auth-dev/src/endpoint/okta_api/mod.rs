//! A part of Okta's management API: the users and the groups of the org.
//!
//! It exists for clients of Okta's API. Access tokens come from the org's own server and need a scope and an
//! administrator role; lists have pages that `Link` headers connect; errors have Okta's codes; every response says how
//! many requests are left.

mod access;
mod find;
mod group;
mod page;
mod user;

use super::dpop;
use super::exchange::Exchange;
use crate::fault::{ApiFault, Fault};
use crate::oauth_error::{management, no_such_path, rate_limited, wrong_method};
use crate::rate_limit::Allowance;
use crate::reply::Reply;

/// Handles a request, within the rate limit. `path` is what follows `/api/v1`.
pub(super) fn answer(exchange: &Exchange<'_>, path: &[&str]) -> Reply {
    let scope = match path {
        ["users", ..] => "okta.users.read",
        ["groups", ..] => "okta.groups.read",
        _ => return no_such_path(),
    };
    if !exchange.is("GET") {
        return wrong_method();
    }
    let bucket = format!("api/{}", path.first().copied().unwrap_or_default());
    let allowance = exchange.org.limiter.count(&bucket, exchange.now());
    let reply = match allowance {
        Some(allowance) if allowance.exceeded => {
            dpop::use_up(exchange);
            rate_limited()
        }
        _ => respond(exchange, path, scope),
    };
    match allowance {
        Some(allowance) => allowance.label(reply),
        None => reply,
    }
}

fn respond(exchange: &Exchange<'_>, path: &[&str], scope: &str) -> Reply {
    let faults = &exchange.org.faults;
    if let Some(reply) = faulty(exchange) {
        dpop::use_up(exchange);
        return reply;
    }
    let found = access::check(exchange, scope).and_then(|()| match path {
        ["users"] => user::list(exchange),
        ["users", id] => user::one(exchange, id),
        ["users", id, "groups"] => group::of_user(exchange, id),
        ["groups"] => group::list(exchange),
        ["groups", id] => group::one(exchange, id),
        ["groups", id, "users"] => user::of_group(exchange, id),
        _ => Err(no_such_path()),
    });
    let slow = |fault: &Fault| if let Fault::Api(ApiFault::Slow(delay)) = fault { Some(*delay) } else { None };
    let reply = found.map(|reply| dpop::label_resource(exchange, reply));
    let reply = reply.unwrap_or_else(|refused| refused).delayed(faults.find(slow));
    if faults.hit(&Fault::Api(ApiFault::Huge)) { reply.huge() } else { reply }
}

/// The faults that replace the response.
fn faulty(exchange: &Exchange<'_>) -> Option<Reply> {
    let (moved, now) = (exchange.moved, exchange.now());
    exchange.org.faults.find(|fault| {
        let Fault::Api(fault) = fault else { return None };
        match fault {
            ApiFault::Status(status) => Some(management(*status, "E0000009", "Internal Server Error")),
            ApiFault::RateLimited => Some(Allowance::refused(now)),
            ApiFault::ConcurrencyLimited => Some(Allowance::concurrency(now)),
            ApiFault::InvalidToken => Some(access::invalid_token(exchange, "The access token is invalid.")),
            ApiFault::Html => Some(Reply::html_surprise()),
            ApiFault::Redirect if !moved => Some(exchange.moved_reply(307)),
            _ => None,
        }
    })
}
