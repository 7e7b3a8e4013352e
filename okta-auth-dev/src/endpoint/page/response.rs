//! The pages that deliver an authorization response with a script.

use serde_json::Value;

use super::layout::{escape, page};
use crate::org_state::OrgState;

/// The page that posts an authorization response to the window that opened or framed it (okta_post_message), restricted
/// to the app's origin. `nonce` allows the script in the content security policy.
pub(in crate::endpoint) fn post_message(
    org: &OrgState,
    origin: &str,
    fields: &[(String, String)],
    nonce: &str,
) -> String {
    let pairs = fields.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    // `<` could end the script; JSON strings allow the escape.
    let text = |value: Value| value.to_string().replace('<', "\\u003c");
    let (message, origin) = (text(Value::Object(pairs.collect())), text(Value::from(origin)));
    let body = format!(
        "<h1>Signing in</h1><p class=\"soft\">This window closes automatically.</p>\
         <script nonce=\"{nonce}\">(window.opener||window.parent).postMessage({message},{origin})</script>"
    );
    page("Signing In", &org.name, &body)
}

/// The page that posts an authorization response to the app (form_post). It submits itself with a script and shows a
/// button without one. `nonce` allows the script in the content security policy.
pub(in crate::endpoint) fn form_post(org: &OrgState, action: &str, fields: &[(String, String)], nonce: &str) -> String {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value)))
        .collect();
    let body = format!(
        "<h1>Signing in</h1><form method=\"post\" action=\"{}\">{inputs}<button type=\"submit\">Continue</button></form>\
         <script nonce=\"{nonce}\">document.forms[0].submit()</script>",
        escape(action)
    );
    page("Signing In", &org.name, &body)
}
