//! Which tenant a request is for.
//!
//! Everything here reads what a stranger sent, so what comes out is a question to the
//! directory and no answer. A wrong guess is harmless: cookies and tokens of one tenant
//! do not open in another.
//!
//! Two kinds of ways: one that names a tenant (a subdomain, a path, a header) has to be
//! right, for a link to a tenant that is gone must not end up at another. One that only
//! hints (a host, an issuer, a cookie) leaves the rest to the next resolver.

use http::HeaderName;

use super::id::TenantId;
use super::source::TenantKey;
use crate::bearer::{Credentials, claimed_issuer};
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::headers::{Head, Headers};

/// One way to tell. Several are asked in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Resolver {
    /// The host that the browser asked for, among the hosts of the tenants.
    Host,
    /// The label in front of this host: with `app.example.com`, `acme.app.example.com`
    /// is `acme`.
    Subdomain(String),
    /// The first segment of the path after this prefix: with `/t`, `/t/acme/orders` is
    /// `acme`. In routes of your own call it `{tenant}`, as the library's do.
    Path(String),
    /// A header that a proxy of your own sets, and that it takes away from what clients
    /// send. Without such a proxy anybody may say anything with it; what they say still
    /// opens nothing that is not theirs.
    TrustedHeader(String),
    /// The `iss` of the access token that the request presents, exactly. It chooses
    /// among the issuers of the tenants and is not believed: the token is then verified
    /// for that one.
    BearerIssuer,
    /// The one tenant whose session the browser has, for applications with one host for
    /// all.
    Session,
}

/// What a resolver says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Look for this one; without it the request is refused.
    Tenant(TenantKey),
    /// Look for this one; without it the next resolver is asked.
    Perhaps(TenantKey),
    /// It names what can be no tenant: the request is refused.
    Unknown,
}

/// What the resolvers say, in order; nothing after one that has to be right. `cookie` is
/// the full name of the session cookie.
///
/// What is after that one is not read at all.
pub(crate) fn resolve<'a, H: Headers>(
    resolvers: impl IntoIterator<Item = &'a Resolver>,
    head: Head<'_, H>,
    cookie: &str,
) -> Vec<Hint> {
    let mut hints = Vec::new();
    for hint in resolvers.into_iter().filter_map(|resolver| resolver.hint(head, cookie)) {
        let last = !matches!(hint, Hint::Perhaps(_));
        hints.push(hint);
        if last {
            break;
        }
    }
    hints
}

impl Resolver {
    /// The same, in the form in which requests are compared with it.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for what could never say anything, with the fix:
    /// requests would silently be for no tenant.
    pub(crate) fn checked(self) -> Result<Self> {
        let refused = |message: String| Err(Error::new(Code::ConfigInvalid, message));
        match self {
            Self::Subdomain(parent) => {
                let parent = parent.to_ascii_lowercase();
                if parent.is_empty() || parent.starts_with('.') || parent.contains(['/', ':', '*', '@', ' ']) {
                    return refused(format!(
                        "`{parent}` is no host that subdomains are of; write it as `app.example.com`"
                    ));
                }
                Ok(Self::Subdomain(parent))
            }
            Self::Path(prefix) => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
                let fits = prefix.starts_with('/') && !prefix.ends_with('/') && !prefix.contains("//");
                if !fits || !prefix.bytes().all(plain) {
                    return refused(format!("`{prefix}` is no prefix of paths; write it as `/t`"));
                }
                Ok(Self::Path(prefix))
            }
            Self::TrustedHeader(name) if HeaderName::try_from(name.as_str()).is_err() => {
                refused(format!("`{}` is no name of a header", name.escape_default()))
            }
            other => Ok(other),
        }
    }

    /// The host whose subdomains are tenants, if this is about subdomains.
    pub(crate) fn parent(&self) -> Option<&str> {
        if let Self::Subdomain(parent) = self { Some(parent) } else { None }
    }

    /// What this one says.
    ///
    /// `None` if it has nothing to say, and then the next one is asked.
    fn hint<H: Headers>(&self, head: Head<'_, H>, cookie: &str) -> Option<Hint> {
        match self {
            Self::Host => Some(Hint::Perhaps(TenantKey::Host(host(head)?))),
            Self::Subdomain(parent) => {
                let host = host(head)?;
                let label = host.strip_suffix(parent.as_str())?.strip_suffix('.')?;
                Some(named(label))
            }
            Self::Path(prefix) => {
                match head.path().strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('/')) {
                    Some(rest) => Some(named(rest.split('/').next().unwrap_or_default())),
                    None => disguised(head.path(), prefix).then_some(Hint::Unknown),
                }
            }
            Self::TrustedHeader(name) => {
                let mut values = head.values(name);
                let first = values.next()?;
                // Two values would be two tenants.
                let only = values.next().is_none().then(|| std::str::from_utf8(first).ok()).flatten();
                Some(only.map_or(Hint::Unknown, named))
            }
            Self::BearerIssuer => {
                let credentials = Credentials::parse(head.headers, head.query());
                let issuer = claimed_issuer(credentials.token().ok()??).ok()?;
                Some(Hint::Perhaps(TenantKey::Issuer(issuer)))
            }
            Self::Session => session(head, cookie),
        }
    }
}

/// Whether a router that decodes paths would find the prefix where it is not written:
/// with `/%74` for `/t`, two parts of the application would see two tenants.
fn disguised(path: &str, prefix: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(path).collect::<Vec<u8>>();
    path.contains('%') && decoded.strip_prefix(prefix.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// A name that may be an id.
///
/// Text that cannot be an id is no reason to ask a source.
pub(crate) fn named(text: &str) -> Hint {
    TenantId::parse(text).map_or(Hint::Unknown, |id| Hint::Tenant(TenantKey::Id(id)))
}

/// The host that was asked for, in lower case and without port: of the request line, or
/// else of the one `Host` header. Nothing that a proxy says of it is read.
pub(crate) fn host<H: Headers>(head: Head<'_, H>) -> Option<String> {
    let text = match head.authority {
        Some(authority) => authority,
        None => {
            let mut hosts = head.values("host");
            let first = std::str::from_utf8(hosts.next()?).ok()?;
            hosts.next().is_none().then_some(first)?
        }
    };
    let authority: http::uri::Authority = text.parse().ok()?;
    // Nobody addresses an application with a user name in front.
    (!text.contains('@')).then(|| authority.host().to_ascii_lowercase())
}

/// The one tenant whose session cookie is there. Several are no answer.
///
/// Nothing is opened here: the names of cookies are enough to choose a tenant, and
/// whether the session is any good is found out with that tenant's keys. Over TLS the
/// full name has the `__Host-` prefix, and a plain name is no cookie of ours: a
/// neighbouring subdomain can plant one.
fn session<H: Headers>(head: Head<'_, H>, cookie: &str) -> Option<Hint> {
    let cookies = RequestCookies::new(head.headers);
    let ids = cookies.names_with_prefix(cookie).filter_map(|name| {
        let rest = name.strip_prefix(cookie)?.strip_prefix('_')?;
        TenantId::parse(rest)
    });
    let mut ids: Vec<TenantId> = ids.collect();
    ids.sort();
    ids.dedup();
    match ids.as_slice() {
        [only] => Some(Hint::Perhaps(TenantKey::Id(only.clone()))),
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

    fn say(resolver: Resolver, uri: &str, headers: &[(&'static str, &str)]) -> Option<Hint> {
        say_with("okta_session", resolver, uri, headers)
    }

    fn say_with(cookie: &str, resolver: Resolver, uri: &str, headers: &[(&'static str, &str)]) -> Option<Hint> {
        let parts = request(uri, headers);
        resolver.hint(Head::of(&parts, uri), cookie)
    }

    fn acme() -> Option<Hint> {
        Some(named("acme"))
    }

    #[test]
    fn hosts_are_compared_in_lower_case_and_without_port() {
        let host = |name: &str| Some(Hint::Perhaps(TenantKey::Host(name.to_owned())));
        assert_eq!(say(Resolver::Host, "/", &[("host", "App.Acme.COM:8080")]), host("app.acme.com"));
        assert_eq!(say(Resolver::Host, "/", &[]), None);
        assert_eq!(say(Resolver::Host, "/", &[("host", "a.example"), ("host", "b.example")]), None);
        assert_eq!(say(Resolver::Host, "/", &[("host", "acme@evil.example")]), None);
        assert_eq!(say(Resolver::Host, "/", &[("x-forwarded-host", "acme.com")]), None);
        // The request line goes before the header (RFC 9112 §3.2.2), and HTTP/2 has nothing else.
        assert_eq!(say(Resolver::Host, "http://acme.com:8080/", &[("host", "globex.com")]), host("acme.com"));
        assert_eq!(say(Resolver::Host, "http://acme.com/", &[]), host("acme.com"));
    }

    #[test]
    fn one_label_in_front_of_the_parent_and_no_more() {
        let say = |host: &str| say(Resolver::Subdomain("app.example.com".to_owned()), "/", &[("host", host)]);
        assert_eq!(say("acme.app.example.com"), acme());
        assert_eq!(say("app.example.com"), None);
        assert_eq!(say("x.acme.app.example.com"), Some(Hint::Unknown));
        assert_eq!(say("acmeapp.example.com"), None);
        assert_eq!(say("acme.app.example.com.evil.example"), None);
    }

    #[test]
    fn the_segment_after_the_prefix_in_its_one_spelling() {
        let say = |path: &str| say(Resolver::Path("/t".to_owned()), path, &[]);
        assert_eq!(say("/t/acme/orders"), acme());
        assert_eq!(say("/t/acme?x"), acme());
        assert_eq!(say("/tx/acme"), None);
        assert_eq!(say("/t/%61cme/orders"), Some(Hint::Unknown));
        assert_eq!(say("/%74/acme/orders"), Some(Hint::Unknown));
        assert_eq!(say("/%78/acme?x=%2Ft%2Facme"), None);
        assert_eq!(say("/t//acme"), Some(Hint::Unknown));
        assert_eq!(say("/t/Acme"), Some(Hint::Unknown));
    }

    #[test]
    fn a_header_counts_once_and_a_session_if_it_is_the_only_one() {
        let header = || Resolver::TrustedHeader("x-tenant".to_owned());
        assert_eq!(say(header(), "/", &[("x-tenant", "acme")]), acme());
        assert_eq!(say(header(), "/", &[("x-tenant", "acme"), ("x-tenant", "globex")]), Some(Hint::Unknown));
        let only = Some(Hint::Perhaps(TenantKey::Id(TenantId::parse("acme").unwrap())));
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
        fn whatever_comes_has_one_answer(host in "[ -~]{0,40}", path in "/[ -~]{0,40}") {
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
            let first = resolve(&all, Head::of(&parts, &path), "okta_session");
            prop_assert_eq!(&first, &resolve(&all, Head::of(&parts, &path), "okta_session"));
            for hint in first {
                let (Hint::Tenant(TenantKey::Id(id)) | Hint::Perhaps(TenantKey::Id(id))) = hint else { continue };
                prop_assert!(host.contains(id.as_str()) || path.contains(id.as_str()));
            }
        }
    }
}
