//! The document around every page, and its styles.

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
pub(crate) fn page(title: &str, org: &str, body: &str) -> String {
    document(title, org, "", body)
}

/// A page with more width, for tables and code blocks.
pub(super) fn wide_page(title: &str, org: &str, body: &str) -> String {
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
