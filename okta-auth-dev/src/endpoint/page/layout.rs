//! The document around every page, and its styles.

/// The style sheet. Nothing moves while the page loads, because the card grows downwards. Text has a contrast of at
/// least 4.5:1, and controls and the focus of 3:1, in both schemes.
const STYLE: &str = "\
:root{color-scheme:light dark;--page:#f5f4f9;--card:#fff;--text:#1e1b2e;--soft:#595669;--line:#e2e0ea;--edge:#827e93;\
--act:#5a3fd0;--on:#fff;--tint:#f3f0ff;--bad:#b3131b;--bad-tint:#fdecec;--dev:#ffe28a;--on-dev:#3a2a00}\
@media(prefers-color-scheme:dark){:root{--page:#121117;--card:#1d1b26;--text:#f2f1f7;--soft:#b3b0c3;--line:#363345;\
--edge:#8783a0;--act:#b8a8ff;--on:#170f3a;--tint:#292440;--bad:#ffb1b1;--bad-tint:#3b1d20;--dev:#332809;\
--on-dev:#ffdf85}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\
header{padding:.5rem 1rem;background:var(--dev);color:var(--on-dev);font-size:.875rem;text-align:center;\
border-bottom:5px solid var(--on-dev);\
border-image:repeating-linear-gradient(-45deg,var(--on-dev) 0 7px,var(--dev) 7px 14px) 5}\
main{width:calc(100% - 2rem);max-width:26rem;margin:clamp(1.5rem,8vh,5rem) auto 1.5rem;padding:2rem;\
background:var(--card);border:1px solid var(--line);border-radius:12px;\
box-shadow:0 1px 2px #0000000d,0 12px 32px #00000012}\
main.wide{max-width:46rem}\
.org{margin:0 0 1.25rem;color:var(--soft);font-weight:600}\
h1{font-size:1.5rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 .25rem;text-wrap:balance}\
h2{font-size:1rem;margin:1.75rem 0 .75rem;padding-top:1.5rem;border-top:1px solid var(--line)}\
h3{font-size:1rem;margin:1.5rem 0 .5rem}h2+section h3{margin-top:0}\
p{margin:0 0 1rem}.soft{color:var(--soft);margin-bottom:.75rem}\
.note{color:var(--soft);font-size:.875rem;margin:.5rem 0}\
h3 span,li span{color:var(--soft);font-weight:400;font-size:.875rem}\
a{color:var(--act)}.way-on{margin:1.5rem 0 0}\
form{margin-top:1.5rem}label{display:block;font-weight:600;margin:1rem 0 .375rem}\
input,button{width:100%;font:inherit;border:1px solid var(--edge);border-radius:8px}\
input{padding:.625rem .75rem;background:var(--card);color:inherit}input[aria-invalid]{border-color:var(--bad)}\
button{margin-top:1.25rem;padding:.625rem 1rem;border-color:var(--act);background:var(--act);color:var(--on);\
font-weight:600;cursor:pointer}\
input[type=hidden]+button{margin-top:0}\
button:hover{text-decoration:underline;text-underline-offset:.2em}\
button.plain{margin-top:.75rem;border-color:var(--edge);background:none;color:inherit}\
:focus-visible{outline:3px solid var(--act);outline-offset:2px}\
.bad{margin:1rem 0;padding:.75rem 1rem;border-radius:8px;background:var(--bad-tint);color:var(--bad)}\
[role=status]{margin-top:1.5rem;padding:1rem;border-radius:8px;background:var(--tint)}\
[role=status] h2{margin:0 0 .25rem;padding:0;border:0}[role=status]+h2{border:0;padding:0}\
.hint{margin:1rem 0;padding:.75rem;border:1px dashed var(--edge);border-radius:8px;background:var(--tint);\
font:600 1.75rem/1.2 ui-monospace,monospace;letter-spacing:.15em;text-align:center}\
ul{list-style:none;margin:0;padding:0}li+li{margin-top:.5rem}li form{margin:0}li strong{display:block}\
li button{display:block;margin:0;padding:.625rem .875rem;border-color:var(--edge);background:none;color:inherit;\
text-align:start;font-weight:400}\
li button span{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}\
li button:hover{border-color:var(--act);background:var(--tint);text-decoration:none}\
code{font-size:.875rem}\
pre.copy{margin:0 0 .5rem;padding:.75rem 1rem;border:1px solid var(--line);border-radius:8px;background:var(--tint);\
white-space:pre-wrap;user-select:all;font:.875rem/1.6 ui-monospace,monospace}\
table{width:100%;border-collapse:collapse;font-size:.875rem}th,td{text-align:start;padding:.375rem .75rem .375rem 0}\
th{color:var(--soft);font-weight:600}\
@media(max-width:30rem){main{padding:1.5rem}\
th{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\
td{display:block;padding:0}td:first-child{padding-top:.75rem;font-weight:600}}";

/// The band that sets the org apart from the real one.
const BAND: &str = "<header><strong>Development org</strong> for tests on this computer. Not an Okta product.</header>";

/// Escapes text for HTML elements and quoted attributes.
///
/// This is not sufficient for unquoted attributes, scripts or style sheets, where the pages put no external text.
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
         content=\"noindex\"><style>{STYLE}</style></head><body>{BAND}<main{class}><p class=\"org\">{org}</p>{body}\
         </main></body></html>",
        title = escape(title),
        org = escape(org),
    )
}
