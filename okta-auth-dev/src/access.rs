//! Access control for the listener: the listening address, the names in the `Host` header, and the peers that may
//! connect.
//!
//! 1. The org listens on a loopback address unless another one is configured.
//! 2. On a loopback address, the org answers only peers on loopback.
//! 3. The org answers requests for a loopback name, the host of the issuer, or a name on the allow-list. Any other name
//!    may belong to a web page that points its own DNS name at this machine (DNS rebinding).
//! 4. Of `localhost`, `127.0.0.1` and `::1`, only the name in the issuer serves metadata: for the others, the issuer in
//!    the metadata would differ from the one that the client is configured with. Other loopback addresses may be the
//!    internal address of a service, as in container networks, so they serve metadata.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http;
use url::Url;

use crate::error::Error;
use crate::org_state::OrgState;

/// Names that developers use interchangeably for this machine.
const SYNONYMS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    /// The allow-list and the host of the issuer, in lower case.
    pub(crate) names: Vec<String>,
    pub(crate) remote: bool,
}

impl Access {
    pub(crate) fn admits(&self, peer: IpAddr) -> bool {
        self.remote || peer.is_loopback()
    }

    /// Resolves a host name to an org: `acme.localhost` is the org `acme`; an allowed name or a loopback name is the
    /// first org.
    pub(crate) fn org<'a>(&self, orgs: &'a [Arc<OrgState>], name: &str) -> Option<&'a Arc<OrgState>> {
        if is_loopback(name) || self.names.iter().any(|known| known == name) {
            return orgs.first();
        }
        let subdomain = name.strip_suffix(".localhost")?;
        orgs.iter().find(|org| org.subdomain.as_deref() == Some(subdomain))
    }

    /// Whether the name is a synonym of the issuer's host but not the host itself.
    pub(crate) fn is_misnamed(&self, org: &OrgState, name: &str) -> bool {
        let issuer = host_of(&org.url);
        let allowed = issuer == name || self.names.iter().any(|known| known == name);
        !allowed && SYNONYMS.contains(&issuer.as_str()) && SYNONYMS.contains(&name)
    }
}

/// Returns the name in the `Host` header, in lower case, without port and brackets.
pub(crate) fn host_name(parts: &http::request::Parts) -> Option<String> {
    let host = parts.headers.get(http::header::HOST).map(|host| host.to_str());
    // HTTP/2 carries the name in the URI.
    let host = host.unwrap_or_else(|| Ok(parts.uri.authority().map_or("", http::uri::Authority::as_str))).ok()?;
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        // `[::1]` without a port also contains colons.
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let name = name.trim_matches(['[', ']']).to_ascii_lowercase();
    (!name.is_empty()).then_some(name)
}

/// Whether a name always resolves to this machine.
fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Returns the host of a URL in the form of [`host_name`].
pub(crate) fn host_of(url: &str) -> String {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    host.trim_matches(['[', ']']).to_owned()
}

/// Checks a name for the allow-list: no scheme, no port, no path.
pub(crate) fn check_name(name: &str) -> Result<String, Error> {
    let name = name.trim().trim_matches(['[', ']']).to_ascii_lowercase();
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
    let port = name.contains(':') && name.parse::<IpAddr>().is_err();
    if name.is_empty() || !plain || port {
        return Err(Error::config(format_args!(
            "`{name}` is not a host name: write it like `okta.example.test`, without scheme, port or path"
        )));
    }
    if name.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified()) {
        return Err(Error::config(format_args!(
            "`{name}` is an address to listen on, not a name that clients use: listen on it, and allow the names \
             under which clients reach it"
        )));
    }
    Ok(name)
}

/// Returns the URL of the org for a configured issuer: `http://localhost:8090`, or
/// `http://localhost:8090/oauth2/default`, whose path is dropped because the org adds it.
pub(crate) fn public_url(issuer: &str) -> Result<String, Error> {
    let wrong = || {
        Error::config(format_args!(
            "`{issuer}` is not the issuer of a development org: write the URL of the org, such as \
             http://localhost:8090; issuers of custom servers begin with it"
        ))
    };
    let url = Url::parse(issuer).map_err(|_| wrong())?;
    let path = url.path().trim_end_matches('/');
    let custom = path.strip_prefix("/oauth2/").is_some_and(|id| !id.is_empty() && !id.contains('/'));
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let good = ["http", "https"].contains(&url.scheme()) && plain && (path.is_empty() || custom);
    good.then(|| url.origin().ascii_serialization()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_names_the_org() {
        for issuer in ["http://localhost:8090", "http://localhost:8090/", "http://localhost:8090/oauth2/default"] {
            assert_eq!(public_url(issuer).unwrap(), "http://localhost:8090");
        }
        assert_eq!(public_url("https://Okta.Example.test").unwrap(), "https://okta.example.test");
        for issuer in ["localhost:8090", "ftp://a", "http://a/b", "http://a/oauth2/", "http://a?b", "http://u@a", ""] {
            assert!(public_url(issuer).is_err(), "{issuer}");
        }
    }

    #[test]
    fn only_host_names_are_allowed() {
        for (name, good) in [("Okta.Test", "okta.test"), ("[::1]", "::1"), ("10.0.0.1", "10.0.0.1")] {
            assert_eq!(check_name(name).unwrap(), good);
        }
        for name in ["", "http://a", "a:8090", "a/b", "0.0.0.0", "a b", "*"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
