//! Resolves the tenant of a request.
//!
//! All input is untrusted, so a result is only a key to look up. A wrong result is harmless: cookies and tokens of one
//! tenant are invalid at another.
//!
//! There are two kinds of resolvers. Those that name a tenant (subdomain, path, header) are binding, because a link to
//! a removed tenant must not lead to another one. Those that only hint (host, issuer, cookie) leave an unknown value to
//! the next resolver.

use http::HeaderName;

use super::source::TenantKey;
use crate::bearer::Credentials;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::headers::{Head, Headers};
use crate::jose::unverified_issuer;
use crate::tenant::TenantId;

/// A way to determine the tenant of a request. Several run in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Resolver {
    /// The requested host, matched against the hosts of the tenants.
    Host,
    /// The label in front of this host: with `app.example.com`, `acme.app.example.com` is `acme`.
    Subdomain(String),
    /// The first segment of the path after this prefix: with `/t`, `/t/acme/orders` is `acme`. Name it `{tenant}` in
    /// your own routes, as the library does.
    Path(String),
    /// A header that your own proxy sets and removes from incoming requests. Without such a proxy a client can name any
    /// tenant, but its credentials stay valid only at its own.
    TrustedHeader(String),
    /// The exact `iss` of the presented access token. It only selects among the issuers of the tenants; the token is
    /// then verified for the selected one.
    BearerIssuer,
    /// The only tenant whose session cookie the browser sends, for applications with one host for all tenants.
    Session,
}

/// The result of a resolver.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// Look this tenant up, and reject the request if it does not exist.
    Required(TenantKey),
    /// Look this tenant up, and continue with the next resolver if it does not exist.
    Optional(TenantKey),
    /// The value cannot be a tenant: reject the request.
    Invalid,
}

/// Returns the results of the resolvers in order, up to the first binding one. Later resolvers do not run. `cookie` is
/// the full name of the session cookie.
pub(super) fn resolve<'a, H: Headers>(
    resolvers: impl IntoIterator<Item = &'a Resolver>,
    head: Head<'a, H>,
    cookie: &'a str,
) -> impl Iterator<Item = Resolution> {
    let (mut resolvers, mut is_bound) = (resolvers.into_iter(), false);
    std::iter::from_fn(move || {
        let hint = if is_bound { None } else { resolvers.find_map(|resolver| resolver.hint(head, cookie)) }?;
        is_bound = !matches!(hint, Resolution::Optional(_));
        Some(hint)
    })
}

impl Resolver {
    /// Validates the resolver and normalizes it for comparison with requests.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] with the fix for a value that can never match. Requests would otherwise silently be
    /// without a tenant.
    pub(super) fn checked(self) -> Result<Self> {
        let refused = |message: String| Err(Error::new(Code::ConfigInvalid, message));
        match self {
            Self::Subdomain(parent) => {
                let parent = parent.to_ascii_lowercase();
                if parent.is_empty() || parent.starts_with('.') || parent.contains(['/', ':', '*', '@', ' ']) {
                    return refused(format!(
                        "`{parent}` is not a parent host for subdomains; write it as `app.example.com`"
                    ));
                }
                Ok(Self::Subdomain(parent))
            }
            Self::Path(prefix) => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
                let fits = prefix.starts_with('/') && !prefix.ends_with('/') && !prefix.contains("//");
                if !fits || !prefix.bytes().all(plain) {
                    return refused(format!("`{prefix}` is not a path prefix; write it as `/t`"));
                }
                Ok(Self::Path(prefix))
            }
            Self::TrustedHeader(name) if HeaderName::try_from(name.as_str()).is_err() => {
                refused(format!("`{}` is not a valid header name", name.escape_default()))
            }
            other => Ok(other),
        }
    }

    pub(super) fn parent(&self) -> Option<&str> {
        if let Self::Subdomain(parent) = self { Some(parent) } else { None }
    }

    /// Returns `None` if the next resolver should run.
    fn hint<H: Headers>(&self, head: Head<'_, H>, cookie: &str) -> Option<Resolution> {
        match self {
            Self::Host => Some(Resolution::Optional(TenantKey::Host(host(head)?))),
            Self::Subdomain(parent) => {
                let host = host(head)?;
                let label = host.strip_suffix(parent.as_str())?.strip_suffix('.')?;
                Some(named(label))
            }
            Self::Path(prefix) => {
                match head.path().strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('/')) {
                    Some(rest) => Some(named(rest.split('/').next().unwrap_or_default())),
                    None => disguised(head.path(), prefix).then_some(Resolution::Invalid),
                }
            }
            Self::TrustedHeader(name) => {
                let mut values = head.values(name);
                let first = values.next()?;
                // Two values would name two tenants.
                let only = values.next().is_none().then(|| std::str::from_utf8(first).ok()).flatten();
                Some(only.map_or(Resolution::Invalid, named))
            }
            Self::BearerIssuer => {
                let credentials = Credentials::parse(head.headers, head.query());
                let issuer = unverified_issuer(credentials.token().ok()??).ok()?;
                Some(Resolution::Optional(TenantKey::Issuer(issuer)))
            }
            Self::Session => session(head, cookie),
        }
    }
}

/// Whether the prefix appears only after percent-decoding, as in `/%74` for `/t`. A router that decodes paths would
/// then see another tenant than this resolver.
fn disguised(path: &str, prefix: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(path).collect::<Vec<u8>>();
    path.contains('%') && decoded.strip_prefix(prefix.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// Parses a name as an id. A name that is not a valid id causes no query.
pub(super) fn named(text: &str) -> Resolution {
    TenantId::parse(text).map_or(Resolution::Invalid, |id| Resolution::Required(TenantKey::Id(id)))
}

/// Returns the requested host in lower case and without port: from the request line, or else from the only `Host`
/// header. Forwarding headers of proxies are ignored.
pub(super) fn host<H: Headers>(head: Head<'_, H>) -> Option<String> {
    let text = match head.authority {
        Some(authority) => authority,
        None => {
            let mut hosts = head.values("host");
            let first = std::str::from_utf8(hosts.next()?).ok()?;
            hosts.next().is_none().then_some(first)?
        }
    };
    let authority: http::uri::Authority = text.parse().ok()?;
    // A host with user information is never legitimate.
    (!text.contains('@')).then(|| authority.host().to_ascii_lowercase())
}

/// Returns the tenant whose session cookie is present, if it is the only one.
///
/// The cookie is not opened: its name is enough to select a tenant, and that tenant's keys verify it later. Over TLS
/// the full name has the `__Host-` prefix. A name without it is ignored, because a neighbouring subdomain can plant
/// such a cookie.
fn session<H: Headers>(head: Head<'_, H>, cookie: &str) -> Option<Resolution> {
    let cookies = RequestCookies::new(head.headers);
    let ids = cookies.names_with_prefix(cookie).filter_map(|name| {
        let rest = name.strip_prefix(cookie)?.strip_prefix('_')?;
        TenantId::parse(rest)
    });
    let mut ids: Vec<TenantId> = ids.collect();
    ids.sort();
    ids.dedup();
    match ids.as_slice() {
        [only] => Some(Resolution::Optional(TenantKey::Id(only.clone()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::header::HOST;
    use http::request::Parts;
    use proptest::prelude::*;

    use super::*;

    fn request(uri: &str, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn say(resolver: Resolver, uri: &str, headers: &[(&'static str, &str)]) -> Option<Resolution> {
        say_with("okta_session", resolver, uri, headers)
    }

    fn say_with(cookie: &str, resolver: Resolver, uri: &str, headers: &[(&'static str, &str)]) -> Option<Resolution> {
        let parts = request(uri, headers);
        resolver.hint(Head::of(&parts, uri), cookie)
    }

    fn acme() -> Option<Resolution> {
        Some(named("acme"))
    }

    #[test]
    fn hosts_are_compared_in_lower_case_and_without_port() {
        let host = |name: &str| Some(Resolution::Optional(TenantKey::Host(name.to_owned())));
        assert_eq!(say(Resolver::Host, "/", &[("host", "App.Acme.COM:8080")]), host("app.acme.com"));
        assert_eq!(say(Resolver::Host, "/", &[]), None);
        assert_eq!(say(Resolver::Host, "/", &[("host", "a.example"), ("host", "b.example")]), None);
        assert_eq!(say(Resolver::Host, "/", &[("host", "acme@evil.example")]), None);
        assert_eq!(say(Resolver::Host, "/", &[("x-forwarded-host", "acme.com")]), None);
        // The request line has precedence over the header (RFC 9112 §3.2.2), and in HTTP/2 it is all there is.
        assert_eq!(say(Resolver::Host, "http://acme.com:8080/", &[("host", "globex.com")]), host("acme.com"));
        assert_eq!(say(Resolver::Host, "http://acme.com/", &[]), host("acme.com"));
    }

    #[test]
    fn a_subdomain_is_exactly_one_label() {
        let say = |host: &str| say(Resolver::Subdomain("app.example.com".to_owned()), "/", &[("host", host)]);
        assert_eq!(say("acme.app.example.com"), acme());
        assert_eq!(say("app.example.com"), None);
        assert_eq!(say("x.acme.app.example.com"), Some(Resolution::Invalid));
        assert_eq!(say("acmeapp.example.com"), None);
        assert_eq!(say("acme.app.example.com.evil.example"), None);
    }

    #[test]
    fn a_path_names_a_tenant_only_in_its_literal_spelling() {
        let say = |path: &str| say(Resolver::Path("/t".to_owned()), path, &[]);
        assert_eq!(say("/t/acme/orders"), acme());
        assert_eq!(say("/t/acme?x"), acme());
        assert_eq!(say("/tx/acme"), None);
        assert_eq!(say("/t/%61cme/orders"), Some(Resolution::Invalid));
        assert_eq!(say("/%74/acme/orders"), Some(Resolution::Invalid));
        assert_eq!(say("/%78/acme?x=%2Ft%2Facme"), None);
        assert_eq!(say("/t//acme"), Some(Resolution::Invalid));
        assert_eq!(say("/t/Acme"), Some(Resolution::Invalid));
    }

    #[test]
    fn repeated_headers_and_several_sessions_name_no_tenant() {
        let header = || Resolver::TrustedHeader("x-tenant".to_owned());
        assert_eq!(say(header(), "/", &[("x-tenant", "acme")]), acme());
        assert_eq!(say(header(), "/", &[("x-tenant", "acme"), ("x-tenant", "globex")]), Some(Resolution::Invalid));
        let only = Some(Resolution::Optional(TenantKey::Id(TenantId::parse("acme").unwrap())));
        assert_eq!(say(Resolver::Session, "/", &[("cookie", "okta_session_acme=1; okta_session_acme.1=2")]), only);
        assert_eq!(say(Resolver::Session, "/", &[("cookie", "__Host-okta_session_acme=1")]), None);
        let tls = |cookies| say_with("__Host-okta_session", Resolver::Session, "/", &[("cookie", cookies)]);
        assert_eq!(tls("__Host-okta_session_acme=1"), only);
        assert_eq!(tls("okta_session_globex=2; __Host-okta_session_acme=1"), only, "a planted name");
        assert_eq!(tls("okta_session_globex=2"), None);
        assert_eq!(say(Resolver::Session, "/", &[("cookie", "okta_session_acme=1; okta_session_globex=2")]), None);
    }

    proptest! {
        #[test]
        fn every_request_resolves_deterministically(host in "[ -~]{0,40}", path in "/[ -~]{0,40}") {
            let all = [
                Resolver::Subdomain("example.com".to_owned()),
                Resolver::Path("/t".to_owned()),
                Resolver::TrustedHeader("x-tenant".to_owned()),
                Resolver::BearerIssuer,
                Resolver::Session,
                Resolver::Host,
            ];
            let mut parts = request("/", &[]);
            if let Ok(value) = host.parse() {
                parts.headers.insert(HOST, value);
            }
            let resolve = || resolve(&all, Head::of(&parts, &path), "okta_session").collect::<Vec<_>>();
            let first = resolve();
            prop_assert_eq!(&first, &resolve());
            for hint in first {
                let (Resolution::Required(TenantKey::Id(id)) | Resolution::Optional(TenantKey::Id(id))) = hint else { continue };
                prop_assert!(host.contains(id.as_str()) || path.contains(id.as_str()));
            }
        }
    }
}
