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
}

impl Issuer {
    /// Takes a checked URL. `text` is kept as it was written, since `Url` would add a
    /// slash to a bare origin and the comparison with the `iss` claim is exact.
    pub(crate) fn new(text: &str, url: Url) -> Self {
        Self { text: text.to_owned(), url }
    }

    /// The identifier, exactly as configured.
    pub fn as_str(&self) -> &str {
        &self.text
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
        iss == self.text || self.org().as_deref() == Some(iss)
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
