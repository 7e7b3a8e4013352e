//! The metadata of a protected resource (RFC 9728): what clients such as those of MCP
//! look for to find out where to get a token.

use serde_json::{Value, json};

use crate::config::{Config, Issuer};

/// The document at `/.well-known/oauth-protected-resource` (RFC 9728 §2). `resource` is
/// the identifier that clients compare character by character, so it is what is
/// configured and never what the request says.
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
