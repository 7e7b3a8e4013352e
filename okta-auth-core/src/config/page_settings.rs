//! The settings of the library's pages: name, logo and colours of the application, languages, and a template.
//!
//! | setting | rejected |
//! |---|---|
//! | `brand_name` | more than 60 characters, control characters |
//! | `brand_logo` | another URL than https (http on a loopback address) and a path, a user name, a quote or a space |
//! | `brand_colors` | another form than `#rrggbb`, a contrast below 3:1 with the page |
//! | `page_texts` | an invalid language tag, a text that no page has |
//! | `page_languages` | a language without texts |
//! | `page_template` | no `{{content}}` or `{{title}}`, an unknown placeholder |

use std::sync::Arc;

use url::Url;

use super::color::Color;
use super::problem::Diagnostics;
use crate::issuer::is_loopback;
use crate::language::{AppTexts, LanguageProblem, Languages};

/// The backgrounds of pages in the light and the dark scheme; those of the style sheet.
const BACKGROUNDS: [Color; 2] = [Color::new(0xf3, 0xf5, 0xf9), Color::new(0x19, 0x1e, 0x28)];

/// The placeholders of a template.
pub(crate) const PLACEHOLDERS: [&str; 5] = ["content", "title", "lang", "dir", "style"];

/// The settings before any check.
#[derive(Clone, Debug, Default)]
pub(super) struct PageSettings {
    pub(super) name: Option<String>,
    pub(super) logo: Option<String>,
    pub(super) colors: Option<[String; 2]>,
    pub(super) texts: Vec<AppTexts>,
    pub(super) languages: Vec<String>,
    pub(super) template: Option<Arc<str>>,
}

/// How the library's pages look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages {
    pub(crate) name: Option<String>,
    pub(crate) logo: Option<Logo>,
    /// For the light and for the dark scheme.
    pub(crate) colors: Option<[Color; 2]>,
    pub(crate) languages: Languages,
    pub(crate) template: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Logo {
    pub(crate) url: String,
    /// Its origin as a source of images (CSP §2.3.1).
    pub(crate) source: String,
}

impl PageSettings {
    pub(super) fn checked(&self, findings: &mut Diagnostics) -> Pages {
        let (languages, problems) = Languages::new(&self.texts, &self.languages);
        for problem in problems {
            report(&problem, findings);
        }
        Pages {
            name: self.checked_name(findings),
            logo: self.logo.as_deref().and_then(|logo| checked_logo(logo, findings)),
            colors: self.checked_colors(findings),
            languages,
            template: self.checked_template(findings),
        }
    }

    fn checked_name(&self, findings: &mut Diagnostics) -> Option<String> {
        let name = self.name.as_ref().filter(|name| !name.trim().is_empty())?;
        if name.chars().count() > 60 || name.contains(char::is_control) {
            return findings.reject("brand_name", "use at most 60 characters on one line");
        }
        Some(name.trim().to_owned())
    }

    fn checked_colors(&self, findings: &mut Diagnostics) -> Option<[Color; 2]> {
        let mut color = |text: &String, background: Color| {
            let Some(color) = Color::parse(text) else {
                let message = format!("`{}` is not a colour such as `#1452cc`", text.escape_default());
                return findings.reject("brand_colors", message);
            };
            let contrast = color.contrast(background);
            if contrast < 3.0 {
                let message = format!(
                    "`{}` has a contrast of {contrast:.1}:1 with the page (`{}`), and controls need 3:1 (WCAG 1.4.11); \
                     use a darker colour for the light scheme, and a lighter one for the dark scheme",
                    color.css(),
                    background.css()
                );
                return findings.reject("brand_colors", message);
            }
            Some(color)
        };
        let ([light, dark], [on_light, on_dark]) = (self.colors.as_ref()?, BACKGROUNDS);
        let (light, dark) = (color(light, on_light), color(dark, on_dark));
        Some([light?, dark?])
    }

    fn checked_template(&self, findings: &mut Diagnostics) -> Option<Arc<str>> {
        let template = self.template.as_ref()?;
        let names: Vec<&str> =
            template.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or_default()).collect();
        for name in names.iter().filter(|name| !PLACEHOLDERS.contains(name)) {
            let (name, known) = (name.chars().take(30).collect::<String>(), PLACEHOLDERS.join("`, `"));
            let message = format!("`{{{{{}}}}}` is not a placeholder; the names are `{known}`", name.escape_default());
            findings.error("page_template", message);
        }
        for needed in ["content", "title"].iter().filter(|needed| !names.contains(needed)) {
            findings.error("page_template", format!("it has no `{{{{{needed}}}}}`; add it"));
        }
        Some(Arc::clone(template))
    }
}

/// Checks the URL of a logo. It is part of a header, and of an attribute.
fn checked_logo(logo: &str, findings: &mut Diagnostics) -> Option<Logo> {
    let is_plain = logo.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'\\<>;,`".contains(&byte));
    let is_path = logo.starts_with('/') && !logo.starts_with("//");
    if is_plain && is_path {
        return Some(Logo { url: logo.to_owned(), source: "'self'".to_owned() });
    }
    let is_allowed = |url: &Url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    let is_anonymous = |url: &Url| url.username().is_empty() && url.password().is_none();
    let url = Url::parse(logo).ok().filter(|url| is_plain && is_allowed(url) && is_anonymous(url));
    let Some(url) = url else {
        let message = format!(
            "`{}` is not the URL of a logo; use a path such as `/logo.svg`, or an https URL without a user name",
            logo.chars().take(80).collect::<String>().escape_default()
        );
        return findings.reject("brand_logo", message);
    };
    Some(Logo { source: url.origin().ascii_serialization(), url: url.into() })
}

fn report(problem: &LanguageProblem, findings: &mut Diagnostics) {
    let short = |text: &str| text.chars().take(40).collect::<String>().escape_default().to_string();
    match problem {
        LanguageProblem::Tag(tag) => {
            let message = format!("`{}` is not a language tag such as `nl` or `pt-BR` (RFC 5646)", short(tag));
            findings.error("page_texts", message);
        }
        LanguageProblem::Text(name) => {
            let message = format!("no page has a text `{}`; the guide lists the names of the texts", short(name));
            findings.error("page_texts", message);
        }
        LanguageProblem::WithoutTexts(tag) => {
            let message = format!("there are no texts in `{}`; add them with `page_texts`", short(tag));
            findings.error("page_languages", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigBuilder};

    fn builder() -> ConfigBuilder {
        Config::builder().issuer("https://acme.okta.com").client_id("0oa1")
    }

    fn problem(builder: ConfigBuilder) -> String {
        builder.build().map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_logo_is_a_path_or_an_https_url() {
        for (url, source) in [
            ("/logo.svg", "'self'"),
            ("/a/logo.png?v=2", "'self'"),
            ("https://cdn.example/l.svg", "https://cdn.example"),
            ("https://cdn.example:8443/l.svg", "https://cdn.example:8443"),
            ("http://localhost:3000/l.svg", "http://localhost:3000"),
        ] {
            let config = builder().brand_logo(url).build().unwrap();
            assert_eq!(config.app.pages.logo.as_ref().map(|logo| logo.source.as_str()), Some(source), "{url}");
        }
        for url in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\nscript:alert(1)",
            "data:image/svg+xml,<svg onload=alert(1)>",
            "data:image/png;base64,AAAA",
            "vbscript:x",
            "blob:https://app.example/1",
            "file:///etc/passwd",
            "//evil.example/l.svg",
            "/\\evil.example/l.svg",
            "/l.svg\" onerror=\"alert(1)",
            "/l.svg' onerror='alert(1)",
            "/l.svg;script-src *",
            "https://cdn.example/l.svg; script-src *",
            "https://cdn.example/,https://evil.example/",
            "https://user:password@cdn.example/l.svg",
            "http://cdn.example/l.svg",
            "logo.svg",
            "https://",
            "",
        ] {
            assert!(problem(builder().brand_logo(url)).contains("brand_logo"), "{url}");
        }
    }

    #[test]
    fn colours_need_contrast_with_the_page() {
        let config = builder().brand_colors("#1452cc", "#8ab4ff").build().unwrap();
        assert!(config.app.pages.colors.is_some());
        for (light, dark) in [
            ("#ffff00", "#8ab4ff"),
            ("#1452cc", "#223344"),
            ("red", "#8ab4ff"),
            ("#1452cc;}body{display:none", "#8ab4ff"),
            ("</style><script>", "#8ab4ff"),
        ] {
            assert!(problem(builder().brand_colors(light, dark)).contains("brand_colors"), "{light} {dark}");
        }
        let both = problem(builder().brand_colors("#fff", "#000"));
        assert_eq!(both.matches("brand_colors").count(), 2, "{both}");
    }

    #[test]
    fn a_template_needs_its_placeholders() {
        let whole = "<title>{{title}}</title><main>{{content}}</main>";
        assert!(builder().page_template(whole).build().is_ok());
        for (template, named) in [
            ("<main>{{content}}</main>", "{{title}}"),
            ("<title>{{title}}</title>", "{{content}}"),
            ("{{title}}{{content}}{{reason}}", "{{reason}}"),
            ("{{title}}{{ content }}", "{{ content }}"),
        ] {
            assert!(problem(builder().page_template(template)).contains(named), "{template}");
        }
    }

    #[test]
    fn names_and_languages_are_checked() {
        assert_eq!(builder().brand_name("  Acme  ").build().unwrap().app.pages.name.as_deref(), Some("Acme"));
        assert_eq!(builder().brand_name(" ").build().unwrap().app.pages.name, None);
        for name in ["x".repeat(61), "a\nb".to_owned(), "a\u{0}".to_owned()] {
            assert!(problem(builder().brand_name(name)).contains("brand_name"));
        }
        assert!(problem(builder().page_languages(["xx"])).contains("`xx`"));
        assert!(problem(builder().page_texts("de", [("heim", "x")])).contains("`heim`"));
        assert!(problem(builder().page_texts("<b>", [("home", "x")])).contains("language tag"));
    }
}
