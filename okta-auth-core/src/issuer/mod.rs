//! The issuer: which authorization server an application trusts.

pub(crate) mod okta;

use std::fmt;
use std::sync::Arc;

use url::{Host, Url};

/// The identifier of an authorization server, compared character by character (OIDC Discovery §4.3).
///
/// At Okta it is the org itself, `https://acme.okta.com`, or a custom authorization server,
/// `https://acme.okta.com/oauth2/default`. The important difference: only Okta can verify access tokens of the org
/// server.
///
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Issuer(Arc<Parts>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Parts {
    text: Box<str>,
    url: Url,
    slash: bool,
}

impl Issuer {
    /// Takes a checked URL. `text` stays as written, because `Url` would add a slash to a bare origin and the
    /// comparison with the `iss` claim is exact.
    pub(crate) fn new(text: &str, url: Url) -> Self {
        Self(Arc::new(Parts { text: text.into(), url, slash: false }))
    }

    pub(crate) fn with_slash(self) -> Self {
        Self(Arc::new(Parts { slash: true, ..Arc::unwrap_or_clone(self.0) }))
    }

    /// The identifier as configured, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The identifier exactly as configured.
    pub(crate) fn as_configured(&self) -> String {
        format!("{}{}", self.0.text, if self.0.slash { "/" } else { "" })
    }

    /// Whether `name` may be this issuer's spelling of itself.
    ///
    /// Names are compared character by character, with one exception. If the issuer was configured with a trailing
    /// slash, its metadata decides whether the slash belongs to it (Auth0's issuer has one, Okta's does not). Tokens
    /// must then match the metadata.
    pub(crate) fn is_spelled(&self, name: &str) -> bool {
        name == &*self.0.text || (self.0.slash && name.strip_suffix('/') == Some(&*self.0.text))
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0.url
    }

    /// Whether this is the org authorization server: no `/oauth2/{id}` in the path.
    pub fn is_org_server(&self) -> bool {
        okta::is_org_server(&self.0.url)
    }

    /// The org of a custom server: its scheme, host and port. `None` for an org server, and for an issuer with another
    /// path, because such a host may serve unrelated issuers.
    pub(crate) fn org(&self) -> Option<String> {
        okta::org(&self.0.url)
    }

    /// Whether `iss`, in a request that Okta sends through a browser, may refer to this issuer. Okta names the org even
    /// if the application uses one of the org's custom servers. The `iss` of tokens must match the issuer exactly.
    pub(crate) fn is_named_by(&self, iss: &str) -> bool {
        self.is_spelled(iss) || self.org().as_deref() == Some(iss)
    }

    /// Whether the issuer is on this machine. Plain http is accepted only there.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0.url)
    }

    /// The URL of the metadata: `{issuer}/.well-known/openid-configuration` (OIDC Discovery §4).
    pub fn metadata_url(&self) -> Url {
        let mut url = self.0.url.clone();
        let path = format!("{}/.well-known/openid-configuration", self.0.url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    /// The URL of the metadata for one application.
    pub(crate) fn metadata_url_for(&self, client_id: &str) -> Url {
        let mut url = self.metadata_url();
        if okta::has_metadata_for_each_client(&self.0.url) && !client_id.is_empty() {
            url.query_pairs_mut().append_pair("client_id", client_id);
        }
        url
    }
}

/// Whether a URL names this machine: 127.0.0.0/8, `::1`, `localhost` or a name below it (RFC 6761 §6.3).
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => is_loopback_name(name),
        None => false,
    }
}

pub(crate) fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// An issuer as it is compared with others, whatever slash it was written with.
pub(crate) fn without_slash(issuer: &str) -> &str {
    issuer.trim_end_matches('/')
}

/// How an issuer that was configured as `issuer` may be spelled; see [`Issuer::is_spelled`].
pub(crate) fn spellings(issuer: &str) -> impl Iterator<Item = String> {
    let plain = without_slash(issuer);
    std::iter::once(plain.to_owned()).chain((plain != issuer).then(|| format!("{plain}/")))
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.0.text)
    }
}

impl AsRef<str> for Issuer {
    fn as_ref(&self) -> &str {
        &self.0.text
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Issuer {
        Issuer::new(text, text.parse().unwrap())
    }

    #[test]
    fn only_org_servers_get_the_client_id() {
        let url = |text: &str, client: &str| issuer(text).metadata_url_for(client).to_string();
        let path = "/.well-known/openid-configuration";
        assert_eq!(url("https://x.okta.com", "0oa 1"), format!("https://x.okta.com{path}?client_id=0oa+1"));
        assert_eq!(url("https://x.okta.com", ""), format!("https://x.okta.com{path}"));
        for other in ["https://x.okta.com/oauth2/default", "https://x.okta.com/oauth2/aus1", "https://kc/realms/a"] {
            assert_eq!(url(other, "0oa1"), format!("{other}{path}"));
        }
    }

    #[test]
    fn only_a_configured_trailing_slash_is_optional() {
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
