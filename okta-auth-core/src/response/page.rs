//! The library's own HTML pages. Each says what happened and offers a next step.

use std::fmt::Write as _;

use crate::events::CorrelationId;

/// A page with a heading, sentences and links. All texts are escaped here.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    pub(crate) sentences: Vec<&'a str>,
    pub(crate) links: Vec<(&'a str, &'a str)>,
    /// The error code; `None` for a page that does not report an error.
    pub(crate) code: Option<&'a str>,
    pub(crate) reference: CorrelationId,
}

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f4f6f9;--card:#fff;--ink:#1d2433;--mute:#5b6478;--line:#dfe3ea;--act:#1452cc;--on:#fff;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--bg:#12151c;--card:#1b202a;--ink:#eef1f6;--mute:#a3adbf;--line:#303848;--act:#8ab4ff;--on:#10131a;--bad:#ff9d94}}\
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--bg);color:var(--ink);\
font:16px/1.5 system-ui,sans-serif;padding:1.5rem}main{background:var(--card);border:1px solid var(--line);border-radius:12px;\
padding:2rem;max-width:30rem;width:100%}h1{font-size:1.35rem;margin:0 0 .75rem}p{margin:.5rem 0;color:var(--mute)}[role=alert]{color:var(--bad);font-weight:600}\
nav{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}a{padding:.6rem 1rem;border-radius:8px;border:1px solid var(--line);\
color:var(--ink);text-decoration:none}a:first-child{background:var(--act);border-color:var(--act);color:var(--on)}\
form{display:grid;gap:.75rem;margin-top:1rem}label{display:grid;gap:.25rem}input{font:inherit;padding:.55rem;\
border:1px solid var(--mute);border-radius:8px;background:var(--bg);color:var(--ink)}button{font:inherit;padding:.6rem 1rem;\
border-radius:8px;border:0;background:var(--act);color:var(--on);cursor:pointer}a:focus-visible,button:focus-visible,input:focus-visible{outline:3px solid var(--act);outline-offset:2px}small{display:block;margin-top:1.5rem;color:var(--mute)}";

impl Page<'_> {
    pub(crate) fn render(&self) -> String {
        self.render_with("")
    }

    /// Renders the page with a form. The caller has to escape its markup.
    pub(crate) fn render_with(&self, form: &str) -> String {
        let title = escape(self.title);
        let mut out = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>"
        );
        // Writing to a `String` cannot fail.
        for sentence in &self.sentences {
            let _ = write!(out, "<p>{}</p>", escape(sentence));
        }
        out.push_str(form);
        for (number, (text, target)) in self.links.iter().enumerate() {
            let start = if number == 0 { "<nav>" } else { "" };
            let _ = write!(out, "{start}<a href=\"{}\">{}</a>", escape(target), escape(text));
        }
        if !self.links.is_empty() {
            out.push_str("</nav>");
        }
        if let Some(code) = self.code {
            let (code, reference) = (escape(code), self.reference);
            let _ = write!(out, "<small>Code: {code}<br>Reference: {reference}</small>");
        }
        out.push_str("</main></body></html>");
        out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_escaped() {
        let evil = "</title><script>\"'&";
        let (sentences, links, reference) = (vec![evil], vec![(evil, evil)], CorrelationId::random());
        let page = Page { title: evil, sentences, links, code: Some(evil), reference }.render();
        assert!(!page.contains("<script>") && !page.contains(evil));
        assert_eq!(page.matches("&lt;script&gt;&quot;&#39;&amp;").count(), 6);
    }
}
