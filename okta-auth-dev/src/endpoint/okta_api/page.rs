//! Pages of a list. `Link` headers with `rel="next"` connect them, and the cursor `after` in such a URL is opaque:
//! clients follow the URL and never construct it.

use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::endpoint::exchange::Exchange;
use crate::fault::{ApiFault, Fault};
use crate::oauth_error::{api_validation_failed, management};
use crate::random;
use crate::reply::Reply;

/// Returns the requested page of a list. `most` is the default and the maximum length.
///
/// The parameter `q` selects entries that begin with a text, and `starts` is what begins with it. Search expressions
/// are not supported, and they are rejected instead of ignored.
pub(super) fn page<T>(
    exchange: &Exchange<'_>,
    entries: Vec<T>,
    most: usize,
    starts: impl Fn(&T, &str) -> bool,
    json: impl Fn(&T) -> Value,
) -> Result<Reply, Reply> {
    let request = exchange.request;
    if ["filter", "search"].iter().any(|name| request.query_param(name).is_some()) {
        return Err(management(400, "E0000031", "Invalid search criteria."));
    }
    let query = request.query_param("q").unwrap_or_default().to_lowercase();
    let entries: Vec<Value> = entries.iter().filter(|entry| starts(entry, &query)).map(json).collect();
    let (limit, start) = (limit(exchange, most)?, start(exchange, &entries)?);
    let page: Vec<&Value> = entries.iter().skip(start).take(limit).collect();
    let reply = link(Reply::json(200, &page).no_store(), &url(exchange, None), "self");
    let more = start + page.len() < entries.len();
    Ok(match page.last().filter(|_| more) {
        Some(last) => next_link(exchange, reply, &cursor(last)),
        None => reply,
    })
}

fn limit(exchange: &Exchange<'_>, most: usize) -> Result<usize, Reply> {
    let Some(limit) = exchange.request.query_param("limit") else { return Ok(most) };
    let limit = limit.parse::<usize>().ok().filter(|limit| *limit > 0);
    limit.map(|limit| limit.min(most)).ok_or_else(|| api_validation_failed("limit", "The limit must be at least 1."))
}

/// The index of the first entry after the cursor.
fn start(exchange: &Exchange<'_>, entries: &[Value]) -> Result<usize, Reply> {
    let Some(after) = exchange.request.query_param("after") else { return Ok(0) };
    let index = entries.iter().position(|entry| cursor(entry) == after);
    index.map(|index| index + 1).ok_or_else(|| api_validation_failed("after", "The cursor is invalid."))
}

fn cursor(entry: &Value) -> String {
    random::base64url(entry.get("id").and_then(Value::as_str).unwrap_or_default())
}

/// The URL of this list, with another cursor if there is one.
fn url(exchange: &Exchange<'_>, after: Option<&str>) -> String {
    let (org, request) = (&exchange.org.url, exchange.request);
    let pairs = request.query_pairs().into_iter().filter(|(name, _)| after.is_none() || name != "after");
    let after = after.map(|after| ("after".to_owned(), after.to_owned()));
    let query = Serializer::new(String::new()).extend_pairs(after.into_iter().chain(pairs)).finish();
    if query.is_empty() { format!("{org}{}", request.path) } else { format!("{org}{}?{query}", request.path) }
}

/// Adds the link to the next page, with the active faults.
fn next_link(exchange: &Exchange<'_>, mut reply: Reply, after: &str) -> Reply {
    let (faults, next) = (&exchange.org.faults, url(exchange, Some(after)));
    if faults.hit(&Fault::Api(ApiFault::NextElsewhere)) {
        return link(reply, &next.replacen("127.0.0.1", "localhost", 1), "next");
    }
    if faults.hit(&Fault::Api(ApiFault::NextLoop)) {
        return link(reply, &url(exchange, None), "next");
    }
    if faults.hit(&Fault::Api(ApiFault::LinksInOneHeader)) {
        reply.headers.retain(|(name, _)| *name != "link");
        let links = format!("<{next}>; title=\"a, b; c\"; rel=next, <{}>; rel=\"self\"", url(exchange, None));
        return reply.header("link", links);
    }
    link(reply, &next, "next")
}

/// Adds a link. Okta sends one header for each.
fn link(mut reply: Reply, url: &str, relation: &str) -> Reply {
    reply.headers.push(("link", format!("<{url}>; rel=\"{relation}\"")));
    reply
}
