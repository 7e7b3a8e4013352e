//! The library's own HTML pages. Each says what happened and offers a next step.

use std::fmt::Write as _;

use super::document::{self, escape};
use crate::config::Pages;
use crate::events::CorrelationId;
use crate::language::{Language, Text};

/// A page with a heading, sentences and links. All texts are escaped here.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    pub(crate) sentences: Vec<&'a str>,
    /// Links of equal rank to choose from.
    pub(crate) choices: Vec<(&'a str, &'a str)>,
    /// The next steps. The first is emphasized unless the page has a form.
    pub(crate) links: Vec<(&'a str, &'a str)>,
    /// The error code; `None` for a page that does not report an error.
    pub(crate) code: Option<&'a str>,
    pub(crate) reference: CorrelationId,
}

impl Page<'_> {
    /// Renders the page with a form, or with an empty one. The caller has to escape the markup of the form.
    pub(crate) fn render(&self, pages: &Pages, language: &Language, form: &str) -> String {
        let title = escape(self.title);
        let mut out = format!("<h1>{title}</h1>");
        // Writing to a `String` cannot fail.
        for sentence in &self.sentences {
            let _ = write!(out, "<p>{}</p>", escape(sentence));
        }
        out.push_str(form);
        push_links(&mut out, &self.choices, ("<ul class=\"choices\">", "<li>", "</li>", "</ul>"));
        push_links(&mut out, &self.links, ("<nav>", "", "", "</nav>"));
        if let Some(code) = self.code {
            let [code_label, reference_label] =
                [Text::CodeLabel, Text::ReferenceLabel].map(|label| escape(language.text(label)));
            let (code, reference) = (escape(code), self.reference);
            let _ = write!(out, "<footer><small>{code_label} {code}<br>{reference_label} {reference}</small></footer>");
        }
        document::render(pages, language, &title, &out)
    }
}

/// Adds links between two tags, each between two tags of its own.
fn push_links(out: &mut String, links: &[(&str, &str)], (start, before, after, end): (&str, &str, &str, &str)) {
    if links.is_empty() {
        return;
    }
    out.push_str(start);
    for (text, target) in links {
        let _ = write!(out, "{before}<a href=\"{}\">{}</a>{after}", escape(target), escape(text));
    }
    out.push_str(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigBuilder};

    const EVIL: &str = "</title><script>\"'&{{content}}";

    fn page(config: ConfigBuilder, language: &str) -> String {
        let config = config.issuer("https://acme.okta.com").client_id("0oa1").build().unwrap();
        let links = || vec![(EVIL, EVIL)];
        let (choices, links, reference) = (links(), links(), CorrelationId::random());
        let page = Page { title: EVIL, sentences: vec![EVIL], choices, links, code: Some(EVIL), reference };
        let language = config.app.pages.languages.select(Some(language.as_bytes()));
        page.render(&config.app.pages, language, "<form></form>")
    }

    #[test]
    fn every_text_is_escaped() {
        let page = page(Config::builder().brand_name(EVIL), "en");
        assert!(!page.contains("<script>") && !page.contains(EVIL), "{page}");
        assert_eq!(page.matches("&lt;script&gt;&quot;&#39;&amp;").count(), 10);
        assert_eq!(page.matches("<h1>").count(), 1, "a text is no template");
    }

    #[test]
    fn texts_and_names_of_the_application_are_escaped() {
        let config = Config::builder().page_texts("nl", [("code_label", EVIL), ("reference_label", EVIL)]);
        let page = page(config.brand_name(EVIL).brand_logo("/l.svg?a=1&b=2"), "nl");
        assert!(!page.contains("<script>") && !page.contains(EVIL), "{page}");
        assert!(page.contains("<html lang=\"nl\" dir=\"ltr\">"));
        assert!(page.contains("<img src=\"/l.svg?a=1&amp;b=2\" alt=\"&lt;/title&gt;"));
    }

    #[test]
    fn colours_of_the_application_follow_the_librarys() {
        let page = page(Config::builder().brand_colors("#0f6b4f", "#6fd6b0"), "en");
        let own =
            ":root{--act:#0f6b4f;--on:#ffffff}@media(prefers-color-scheme:dark){:root{--act:#6fd6b0;--on:#000000}}";
        assert!(page.contains(&format!("{own}</style>")), "{page}");
    }

    #[test]
    fn a_template_of_the_application_surrounds_the_content() {
        let template =
            "<!doctype html><html lang='{{lang}}' dir='{{dir}}'><title>{{title}}</title>{{content}}!{{title}}";
        let page = page(Config::builder().page_template(template).brand_name("Acme"), "ja");
        assert!(page.starts_with("<!doctype html><html lang='ja' dir='ltr'><title>&lt;/title&gt;"), "{page}");
        assert!(page.contains("</footer>!&lt;/title&gt;") && !page.contains("<style>") && !page.contains("Acme"));
        assert!(!page.contains("<script>") && page.matches("<h1>").count() == 1);
    }
}
