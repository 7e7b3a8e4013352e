//! The claims that most handlers and policies read, extracted once for each session.

use serde_json::{Map, Value};

#[derive(Clone, Default)]
pub(super) struct Profile {
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) groups: Vec<String>,
}

impl Profile {
    /// Extracts the claims. Those of an unexpected type count as missing.
    pub(super) fn new(claims: &Map<String, Value>) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let name = text("name").or_else(|| text("preferred_username")).or_else(|| text("email"));
        Self {
            name: name.map(str::to_owned),
            email: text("email").map(str::to_owned),
            groups: claims.get("groups").map(strings).unwrap_or_default(),
        }
    }
}

/// The strings of a list, or a string as a list of one.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(only) => vec![only.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Logs the claims that have an unexpected type. Such values are ignored, so the user may lack access.
pub(super) fn log_wrong_types(claims: &Map<String, Value>, issuer: &str) {
    let is_list = |value: &Value| match value {
        Value::Array(list) => list.iter().all(Value::is_string),
        other => other.is_string(),
    };
    let wrong = |name: &str, is_right: &dyn Fn(&Value) -> bool| {
        claims.get(name).is_some_and(|value| !value.is_null() && !is_right(value))
    };
    for claim in ["groups", "amr"].into_iter().filter(|name| wrong(name, &is_list)) {
        let message = "a claim is not a list of strings: other values are ignored, and policies about it deny";
        tracing::warn!(target: "okta_auth", claim, issuer, "{message}");
    }
    for claim in ["email", "name", "preferred_username"].into_iter().filter(|name| wrong(name, &Value::is_string)) {
        tracing::warn!(target: "okta_auth", claim, issuer, "a claim is not a string, and counts as missing");
    }
}
