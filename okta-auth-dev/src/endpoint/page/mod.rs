//! The HTML pages: sign-in, second factor, errors, home. They have light and dark styles
//! and load no external assets.
//!
//! The pages pass an accessibility checker: every field has a label, errors are announced
//! and tied to the fields, the focus is visible, and everything works without scripts.
//! All external text is escaped.
//!
//! Every page has a content security policy that allows only its own styles. Three pages
//! need more and have their own policy: those that send a form or a message to the app,
//! and the one that notifies apps through the front channel. Each has at most one script,
//! allowed by its nonce.

mod admin;
mod front_channel;
mod home;
mod sign_in;
mod verify;

pub(crate) use admin::{Admin, PATH as ADMIN_PATH};
pub(super) use front_channel::front_channel;
pub(super) use home::home;
pub(super) use sign_in::{Password, SignIn};
pub(super) use verify::Verify;

use serde_json::Value;

use crate::oauth_error::OAuthError;
use crate::reply::Reply;
use crate::tenant::Tenant;

/// The style sheet. Text has a contrast of at least 4.5:1 in both schemes.
const STYLE: &str = "\
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--text:#1d1d21;--soft:#5b5e66;--line:#8c8f97;--blue:#1662dd;\
--on:#fff;--bad:#b3131b;--bad-page:#fdecec}\
@media(prefers-color-scheme:dark){:root{--page:#15161a;--card:#212329;--text:#f1f2f4;--soft:#b4b7bf;--line:#7d818b;\
--blue:#7fb0ff;--on:#0b1730;--bad:#ffb1b1;--bad-page:#3b1d20}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--page);color:var(--text);\
font:16px/1.5 system-ui,sans-serif;padding:24px 16px}\
main{width:100%;max-width:400px;background:var(--card);border-radius:12px;padding:32px;\
box-shadow:0 1px 3px #0002,0 8px 32px #0001}\
.org{margin:0 0 24px;padding-bottom:20px;border-bottom:1px solid color-mix(in srgb,var(--line) 35%,transparent);\
text-align:center;font-weight:600}\
h1{font-size:20px;margin:0 0 4px;text-align:center}\
p{margin:0 0 16px}.soft{color:var(--soft);font-size:14px;text-align:center}\
label{display:block;font-size:14px;font-weight:600;margin:16px 0 4px}\
input{width:100%;font:inherit;padding:9px 12px;border:1px solid var(--line);border-radius:6px;background:var(--card);\
color:inherit}\
button{width:100%;font:inherit;font-weight:600;padding:10px 12px;margin-top:20px;border:1px solid var(--blue);\
border-radius:6px;background:var(--blue);color:var(--on);cursor:pointer}\
:focus-visible{outline:3px solid var(--blue);outline-offset:2px}\
.bad{background:var(--bad-page);color:var(--bad);border-radius:6px;padding:10px 12px;margin:16px 0 0}\
h2{font-size:14px;margin:28px 0 0;padding-top:20px;\
border-top:1px solid color-mix(in srgb,var(--line) 35%,transparent)}\
ul{list-style:none;margin:0;padding:0}\
li button{margin-top:8px;background:none;color:inherit;text-align:left;font-weight:400;border-color:var(--line)}\
button.plain{background:none;color:var(--blue);margin-top:12px}\
.hint{font:600 28px/1.2 ui-monospace,monospace;letter-spacing:.2em;text-align:center;margin:16px 0}\
li strong{display:block}li span{color:var(--soft);font-size:14px}\
code{overflow-wrap:anywhere;font-size:14px}\
main.wide{max-width:720px}\
h3{font-size:15px;margin:20px 0 6px}h3 span{color:var(--soft);font-weight:400;font-size:14px}\
pre.copy{margin:0 0 8px;padding:10px 12px;border:1px solid var(--line);border-radius:6px;overflow-x:auto;\
user-select:all;font:14px/1.5 ui-monospace,monospace}\
.note{color:var(--soft);font-size:14px;margin:8px 0}section ul{margin:0 0 8px}\
table{width:100%;border-collapse:collapse;font-size:14px}th,td{text-align:left;padding:6px 8px 6px 0;\
overflow-wrap:anywhere}th{color:var(--soft);font-weight:600}a{color:var(--blue)}";

/// Escapes text for HTML elements and quoted attributes.
///
/// This is not sufficient for unquoted attributes, scripts or style sheets, where the
/// pages put no external text.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A page with one card. `body` is HTML.
fn page(title: &str, org: &str, body: &str) -> String {
    document(title, org, "", body)
}

/// A page with more width, for tables and code blocks.
fn wide_page(title: &str, org: &str, body: &str) -> String {
    document(title, org, " class=\"wide\"", body)
}

fn document(title: &str, org: &str, class: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - {org}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" \
         content=\"noindex\"><style>{STYLE}</style></head><body><main{class}><p class=\"org\">{org}</p>{body}</main></body>\
         </html>",
        title = escape(title),
        org = escape(org),
    )
}

/// The page for an error that must not be sent to a redirect URI.
///
/// The description may repeat request parameters, for instance the redirect URI. It is
/// shown as text and never as a link.
pub(super) fn error(tenant: &Tenant, error: &OAuthError) -> Reply {
    let body = format!(
        "<h1>400</h1><p class=\"soft\">Bad Request</p><p>Your request resulted in an error.</p>\
         <p class=\"bad\" role=\"alert\"><strong>{}</strong><br>{}</p>",
        escape(&error.error),
        escape(&error.description)
    );
    Reply::html(400, page("Error", &tenant.name, &body)).refused(&error.error, &error.description)
}

/// The page for a form whose request or session has expired.
pub(super) fn expired(tenant: &Tenant) -> Reply {
    error(tenant, &OAuthError::bad("login_required", "Request expired, please start over and try again."))
}

/// The page that posts an authorization response to the window that opened or framed it
/// (okta_post_message), restricted to the app's origin. `nonce` allows the script in the
/// content security policy.
pub(super) fn post_message(tenant: &Tenant, origin: &str, fields: &[(String, String)], nonce: &str) -> String {
    let pairs = fields.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    // `<` could end the script; JSON strings allow the escape.
    let text = |value: Value| value.to_string().replace('<', "\\u003c");
    let (message, origin) = (text(Value::Object(pairs.collect())), text(Value::from(origin)));
    let body = format!(
        "<h1>Signing in</h1><p class=\"soft\">This window closes automatically.</p>\
         <script nonce=\"{nonce}\">(window.opener||window.parent).postMessage({message},{origin})</script>"
    );
    page("Signing In", &tenant.name, &body)
}

/// The page that posts an authorization response to the app (form_post). It submits
/// itself with a script and shows a button without one. `nonce` allows the script in the
/// content security policy.
pub(super) fn form_post(tenant: &Tenant, action: &str, fields: &[(String, String)], nonce: &str) -> String {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value)))
        .collect();
    let body = format!(
        "<h1>Signing in</h1><form method=\"post\" action=\"{}\">{inputs}<button type=\"submit\">Continue</button></form>\
         <script nonce=\"{nonce}\">document.forms[0].submit()</script>",
        escape(action)
    );
    page("Signing In", &tenant.name, &body)
}
