//! Sets how the library's pages look, and their languages.

use std::sync::Arc;

use super::builder::ConfigBuilder;

impl ConfigBuilder {
    /// The name of the application on the library's pages; by default the pages show no name.
    pub fn brand_name(mut self, name: impl Into<String>) -> Self {
        self.pages.name = Some(name.into());
        self
    }

    /// The logo on the library's pages, instead of the name: a path as browsers see it, such as `/logo.svg`, or an
    /// https URL. It is shown in a box of 160 by 40 pixels. The name is the alternative text of the logo.
    pub fn brand_logo(mut self, url: impl Into<String>) -> Self {
        self.pages.logo = Some(url.into());
        self
    }

    /// The colour of buttons and of the focus outline on the library's pages, such as `#1452cc`, for the light and for
    /// the dark scheme. The text of a button is black or white, depending on which has the higher contrast.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
    /// let config = config.brand_name("Acme Travel").brand_logo("/logo.svg");
    /// config.clone().brand_colors("#0f6b4f", "#6fd6b0").build()?;
    /// let error = config.brand_colors("#ffff00", "#6fd6b0").build().unwrap_err();
    /// assert!(error.to_string().contains("contrast"), "yellow on white");
    /// # Ok(())
    /// # }
    /// ```
    pub fn brand_colors(mut self, light: impl Into<String>, dark: impl Into<String>) -> Self {
        self.pages.colors = Some([light.into(), dark.into()]);
        self
    }

    /// Sets texts of the library's pages in one language, by their names. In a language that the library does not have,
    /// the texts that you do not set are English. The guide lists the names of the texts on its page about error pages.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
    /// let config = config
    ///     .page_texts("nl", [("signed_out", "U bent afgemeld"), ("sign_in", "Inloggen")])
    ///     .page_texts("en", [("sign_in", "Log in")]);
    /// config.clone().build()?;
    /// assert!(config.page_texts("nl", [("no_such_text", "..")]).build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn page_texts<K: Into<String>, V: Into<String>>(
        mut self,
        language: impl Into<String>,
        texts: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let texts = texts.into_iter().map(|(name, text)| (name.into(), Arc::from(text.into()))).collect();
        self.pages.texts.push((language.into(), texts));
        self
    }

    /// The languages of the library's pages. A request that accepts none of them gets the first one (`Accept-Language`,
    /// RFC 9110 §12.5.4). The default is English, German, French, Spanish, Japanese, and the languages of
    /// [`page_texts`](Self::page_texts).
    pub fn page_languages<S: Into<String>>(mut self, languages: impl IntoIterator<Item = S>) -> Self {
        self.pages.languages = languages.into_iter().map(Into::into).collect();
        self
    }

    /// The document around the content of the library's pages: HTML with `{{content}}`, `{{title}}`, and optionally
    /// `{{lang}}`, `{{dir}}` and `{{style}}`, which is the library's style sheet.
    ///
    /// `{{content}}` consists of headings, paragraphs, links and forms. Put it into a `main` element. The other
    /// placeholders belong only in element content and in quoted attributes. The page may load style sheets, fonts and
    /// images from its own origin, but no scripts.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
    /// config
    ///     .page_template(
    ///         r#"<!doctype html><html lang="{{lang}}" dir="{{dir}}"><head><meta charset="utf-8">
    ///         <meta name="viewport" content="width=device-width"><title>{{title}}</title>
    ///         <link rel="stylesheet" href="/app.css"></head><body><main>{{content}}</main></body></html>"#,
    ///     )
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn page_template(mut self, html: impl Into<String>) -> Self {
        self.pages.template = Some(Arc::from(html.into()));
        self
    }
}
