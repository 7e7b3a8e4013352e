//! Protected resource metadata (RFC 9728), which clients such as those of MCP use to find the authorization server.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    CACHE_CONTROL, CONTENT_TYPE,
};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::reply::{self, Reply, with_body};
use crate::config::{Config, Issuer};
use crate::jose::proof_algorithm_names;

/// Builds the document at `/.well-known/oauth-protected-resource` (RFC 9728 §2). Clients compare `resource` character
/// by character, so it comes from the configuration and never from the request.
fn metadata(config: &Config) -> Value {
    let issuers: Vec<String> = config.issuers().map(Issuer::as_configured).collect();
    let mut document = json!({
        "resource": config.app.resource,
        "authorization_servers": issuers,
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": proof_algorithm_names(&config.app),
        "dpop_bound_access_tokens_required": config.app.options.require_dpop,
    });
    if let (Some(document), [_, ..]) = (document.as_object_mut(), config.app.options.resource_scopes.as_slice()) {
        document.insert("scopes_supported".to_owned(), json!(config.app.options.resource_scopes));
    }
    document
}

/// Responds with the document (RFC 9728 §3.2). It is public, and scripts of any origin may read it. With several
/// tenants the response may depend on more than the URL, so shared caches must not store it.
pub(crate) fn document(config: &Config, is_of_tenant: bool) -> Reply {
    let mut reply = reply::json(StatusCode::OK, &metadata(config));
    let headers = reply.headers_mut();
    let caching = if is_of_tenant { "private, max-age=3600" } else { "public, max-age=3600" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    reply
}

/// Responds to a CORS preflight request for the metadata (Fetch §3.3.3). Clients send headers of their own, such as
/// `MCP-Protocol-Version`, and no credentials.
pub(crate) fn preflight() -> Reply {
    let mut reply = with_body(StatusCode::NO_CONTENT, "text/plain; charset=utf-8", Bytes::new());
    let headers = reply.headers_mut();
    headers.remove(CONTENT_TYPE);
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        (ACCESS_CONTROL_MAX_AGE, "3600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}
