//! The document around every page: its style sheet, the application's name or logo, and the application's template.

use std::fmt::Write as _;

use crate::config::{Logo, Pages};
use crate::language::Language;

/// Nothing moves while the page loads, because the card grows downwards: it is not centred vertically.
///
/// Text has a contrast of at least 4.5:1 and controls of 3:1, in both schemes. The backgrounds are known to
/// `config::page_settings`, which checks the colours of applications against them.
const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f3f5f9;--card:#fff;--ink:#1b2130;--mute:#535c70;--line:#dde2eb;--edge:#7a8499;--act:#1452cc;--on:#fff;--bad:#b3261e;--tint:#fdeceb}\
@media(prefers-color-scheme:dark){:root{--bg:#10131a;--card:#191e28;--ink:#eef1f6;--mute:#aab3c4;--line:#2f3748;--edge:#7f8aa0;--act:#8ab4ff;--on:#0d1420;--bad:#ffaaa2;--tint:#3a2022}}\
*{box-sizing:border-box}\
body{margin:0;display:grid;justify-items:center;padding:clamp(1rem,12vh,8rem) 1rem 1rem;background:var(--bg);color:var(--ink);font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}\
main{width:100%;max-width:29rem;background:var(--card);border:1px solid var(--line);border-top:4px solid var(--act);border-radius:12px;padding:2rem;box-shadow:0 1px 2px #0000000d,0 12px 32px #00000012}\
.brand{margin:0 0 1.5rem;font-weight:600;color:var(--mute)}\
.brand img{display:block;width:10rem;height:2.5rem;object-fit:contain;object-position:left}[dir=rtl] .brand img{object-position:right}\
h1{font-size:1.5rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 .75rem;text-wrap:balance}:lang(ja) h1{letter-spacing:0;word-break:auto-phrase}\
p{margin:.5rem 0;color:var(--mute);text-wrap:pretty}\
[role=alert]{margin:1rem 0 0;padding:.75rem 1rem;border-radius:8px;background:var(--tint);color:var(--bad)}\
a,button,input{font:inherit}\
nav{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}\
nav a,button,.choices a{display:inline-block;padding:.625rem 1.125rem;border:1px solid var(--edge);border-radius:8px;color:var(--ink);font-weight:600;text-align:center;text-decoration:none}\
nav a:first-child,button{background:var(--act);border-color:var(--act);color:var(--on)}\
form~nav a:first-child{background:none;border-color:var(--edge);color:var(--ink)}form~nav{margin-top:.75rem}form~nav a{flex:1 1 100%}\
nav a:hover,.choices a:hover,button:hover{text-decoration:underline;text-underline-offset:.2em}\
form{display:grid;gap:.75rem;margin-top:1.5rem}label{display:grid;gap:.375rem;font-weight:600}\
input{width:100%;font-weight:400;padding:.625rem .75rem;border:1px solid var(--edge);border-radius:8px;background:var(--card);color:var(--ink)}input[aria-invalid]{border-color:var(--bad)}\
button{cursor:pointer}\
.choices{list-style:none;margin:1.5rem 0 0;padding:0;display:grid;gap:.5rem}form~.choices{padding-top:1.5rem;border-top:1px solid var(--line)}.choices a{display:block;text-align:start}\
:focus-visible{outline:3px solid var(--act);outline-offset:2px}\
footer{margin-top:1.75rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--mute)}small{font-size:.875rem}\
@media(max-width:30rem){main{padding:1.5rem}nav a{flex:1 1 100%}:lang(ja) h1{font-size:1.25rem}}";

/// The document of applications without a template.
const DOCUMENT: &str = "<!doctype html><html lang=\"{{lang}}\" dir=\"{{dir}}\"><head><meta charset=\"utf-8\">\
                        <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
                        <title>{{title}}</title><style>{{style}}</style></head><body><main>{{content}}</main></body></html>";

/// Puts the content of a page into the application's template, or into the library's document. `content` is HTML; the
/// title is escaped already.
pub(super) fn render(pages: &Pages, language: &Language, title: &str, content: &str) -> String {
    let template = pages.template.as_deref();
    let (title, content) = match &pages.name {
        // An application's template shows its name where it wants to.
        _ if template.is_some() => (title.to_owned(), content.to_owned()),
        Some(name) => (format!("{title} - {}", escape(name)), format!("{}{content}", brand(pages))),
        None => (title.to_owned(), format!("{}{content}", brand(pages))),
    };
    let mut parts = template.unwrap_or(DOCUMENT).split("{{");
    let mut out = String::with_capacity(STYLE.len() + content.len() + 1024);
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        match name {
            "content" => out.push_str(&content),
            "title" => out.push_str(&title),
            "lang" => out.push_str(&escape(language.tag())),
            "dir" => out.push_str(language.direction()),
            "style" => push_style(&mut out, pages),
            _ => {}
        }
        out.push_str(rest);
    }
    out
}

/// Adds the style sheet, with the colours of the application.
fn push_style(out: &mut String, pages: &Pages) {
    out.push_str(STYLE);
    let Some(colors) = pages.colors else { return };
    let [light, dark] = colors.map(|color| format!(":root{{--act:{};--on:{}}}", color.css(), color.text().css()));
    // Writing to a `String` cannot fail.
    let _ = write!(out, "{light}@media(prefers-color-scheme:dark){{{dark}}}");
}

/// The logo, or else the name. The image has a fixed size, so that nothing moves when it arrives.
fn brand(pages: &Pages) -> String {
    let name = escape(pages.name.as_deref().unwrap_or_default());
    match &pages.logo {
        Some(Logo { url, .. }) => {
            let url = escape(url);
            format!("<p class=\"brand\"><img src=\"{url}\" alt=\"{name}\" width=\"160\" height=\"40\"></p>")
        }
        None if name.is_empty() => String::new(),
        None => format!("<p class=\"brand\">{name}</p>"),
    }
}

/// Escapes text for HTML elements and quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
