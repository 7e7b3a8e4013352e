//! The issuer: which authorization server an application trusts.

use std::fmt;

use url::Url;

pub(crate) use crate::http::is_loopback;

/// The identifier of an authorization server, compared character by character (OIDC
/// Discovery §4.3).
///
/// At Okta it is the org itself, `https://acme.okta.com`, or a custom authorization
/// server, `https://acme.okta.com/oauth2/default`. The two differ in one way that
/// matters: access tokens of the org server cannot be verified by anybody but Okta.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Issuer {
    text: String,
    url: Url,
    /// Whether it was configured with a slash at its end.
    slash: bool,
}

impl Issuer {
    /// Takes a checked URL. `text` is kept as it was written, since `Url` would add a
    /// slash to a bare origin and the comparison with the `iss` claim is exact.
    pub(crate) fn new(text: &str, url: Url) -> Self {
        Self { text: text.to_owned(), url, slash: false }
    }

    /// The same, configured with a slash at its end.
    pub(crate) fn with_slash(self) -> Self {
        Self { slash: true, ..self }
    }

    /// The identifier, exactly as configured but for a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The identifier, exactly as configured.
    pub(crate) fn as_configured(&self) -> String {
        format!("{}{}", self.text, if self.slash { "/" } else { "" })
    }

    /// Whether `name` may be how this issuer writes itself.
    ///
    /// Names are compared character by character, with one exception: whether an issuer
    /// that was configured with a slash at its end has one is up to its metadata (Auth0's
    /// has one, Okta's has none). Tokens are held to what the metadata say.
    pub(crate) fn is_spelled(&self, name: &str) -> bool {
        name == self.text || (self.slash && name.strip_suffix('/') == Some(self.text.as_str()))
    }

    /// The identifier as a URL.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether this is the org authorization server: no `/oauth2/{id}` in the path.
    pub fn is_org_server(&self) -> bool {
        !self.url.path().starts_with("/oauth2/")
    }

    /// The org that a custom server is a part of: its scheme, host and port. An org server
    /// is none's part, and an issuer with another path may share its host with strangers.
    pub(crate) fn org(&self) -> Option<String> {
        (!self.is_org_server()).then(|| self.url.origin().ascii_serialization())
    }

    /// Whether Okta may mean this issuer by `iss` in a request that it sends a browser
    /// with: Okta names the org where the application is at one of the org's custom
    /// servers. Tokens are held to the issuer exactly.
    pub(crate) fn is_named_by(&self, iss: &str) -> bool {
        self.is_spelled(iss) || self.org().as_deref() == Some(iss)
    }

    /// Whether the issuer is on this machine: the only place where plain http is
    /// accepted.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Where the metadata is: `{issuer}/.well-known/openid-configuration` (OIDC
    /// Discovery §4).
    pub fn metadata_url(&self) -> Url {
        let mut url = self.url.clone();
        let path = format!("{}/.well-known/openid-configuration", self.url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    /// Where the metadata for one application are.
    ///
    /// Okta's org server publishes the key that an application is pinned to, and the
    /// issuer that it is set to, only to those who ask with its client id. Custom servers
    /// have one set of metadata for all.
    pub(crate) fn metadata_url_for(&self, client_id: &str) -> Url {
        let mut url = self.metadata_url();
        if self.url.path() == "/" && !client_id.is_empty() {
            url.query_pairs_mut().append_pair("client_id", client_id);
        }
        url
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.text)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Issuer {
        Issuer::new(text, text.parse().unwrap())
    }

    #[test]
    fn the_client_id_is_for_org_servers_alone() {
        let url = |text: &str, client: &str| issuer(text).metadata_url_for(client).to_string();
        let path = "/.well-known/openid-configuration";
        assert_eq!(url("https://x.okta.com", "0oa 1"), format!("https://x.okta.com{path}?client_id=0oa+1"));
        assert_eq!(url("https://x.okta.com", ""), format!("https://x.okta.com{path}"));
        for other in ["https://x.okta.com/oauth2/default", "https://x.okta.com/oauth2/aus1", "https://kc/realms/a"] {
            assert_eq!(url(other, "0oa1"), format!("{other}{path}"));
        }
    }

    #[test]
    fn a_slash_that_was_configured_is_up_to_the_metadata_and_nothing_else_is() {
        let (plain, slash) = (issuer("https://x.example"), issuer("https://x.example").with_slash());
        assert!(plain.is_spelled("https://x.example") && !plain.is_spelled("https://x.example/"));
        assert!(slash.is_spelled("https://x.example") && slash.is_spelled("https://x.example/"));
        for other in ["https://x.example//", "https://X.example/", "https://x.example/a", "http://x.example/", "/", ""]
        {
            assert!(!slash.is_spelled(other), "{other}");
        }
        assert_eq!(
            (plain.as_configured(), slash.as_configured()),
            ("https://x.example".into(), "https://x.example/".into())
        );
    }
}
