//! Protected resource metadata (RFC 9728), which clients such as those of MCP use to find
//! the authorization server.

use serde_json::{Value, json};

use crate::config::{Config, Issuer};

/// Builds the document at `/.well-known/oauth-protected-resource` (RFC 9728 §2). Clients
/// compare `resource` character by character, so it comes from the configuration and never
/// from the request.
pub(crate) fn resource_metadata(config: &Config) -> Value {
    let issuers: Vec<String> = config.issuers().map(Issuer::as_configured).collect();
    let mut document = json!({
        "resource": config.resource(),
        "authorization_servers": issuers,
        "bearer_methods_supported": ["header"],
    });
    if let (Some(document), [_, ..]) = (document.as_object_mut(), config.options.resource_scopes.as_slice()) {
        document.insert("scopes_supported".to_owned(), json!(config.options.resource_scopes));
    }
    document
}
