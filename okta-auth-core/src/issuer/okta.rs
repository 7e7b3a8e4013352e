//! The rules for issuers that are Okta's own and in no specification.
//!
//! | rule | consequence |
//! |---|---|
//! | an issuer is an org, or `/oauth2/{id}` below it | the configuration check rejects other paths below Okta's domains |
//! | only Okta can verify access tokens of the org server | they are introspected |
//! | the org's metadata depends on the client | the request for it has the client id |
//! | Okta names the org in messages about users of its custom servers | a custom server's org is accepted as sender |
//! | authorization responses have no `iss` | FAPI 2.0 is rejected for Okta's domains |
//! | the admin console has a domain of its own | the configuration check names the right one |
//!
//! A provider with other rules needs other answers here, and nowhere else.

use url::Url;

/// The domains of Okta's own clouds: orgs are below them. This is the only list of them.
pub(crate) const DOMAINS: [&str; 6] =
    ["okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil", "okta-miltest.com"];

/// An issuer for messages.
pub(crate) const EXAMPLE: &str = "https://dev-123.okta.com/oauth2/default";

const CUSTOM_SERVERS: &str = "/oauth2/";

/// Whether a URL is an org's in one of Okta's clouds.
pub(crate) fn is_in_cloud(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let org = |domain: &str| host.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.'));
    DOMAINS.iter().any(|domain| org(domain).is_some_and(|org| !org.is_empty()))
}

/// Whether an issuer is the org authorization server: no `/oauth2/{id}` in the path.
pub(super) fn is_org_server(issuer: &Url) -> bool {
    !issuer.path().starts_with(CUSTOM_SERVERS)
}

/// The org of a custom server: its scheme, host and port. `None` for an org server, and for an issuer with another
/// path, because such a host may serve unrelated issuers.
pub(super) fn org(issuer: &Url) -> Option<String> {
    (!is_org_server(issuer)).then(|| issuer.origin().ascii_serialization())
}

/// Whether the metadata depends on the client.
///
/// The org server returns the key that an application is pinned to, and the issuer that it is set to, only if the
/// request has the client id. A custom server has the same metadata for every client.
pub(super) fn has_metadata_for_each_client(issuer: &Url) -> bool {
    issuer.path() == "/"
}

/// Detects a domain with a suffix that was added to a whole domain. Okta's own libraries check for it too.
pub(crate) fn typo(issuer: &str) -> Option<String> {
    let is_doubled = issuer.contains(".com.com");
    is_doubled.then(|| format!("`{issuer}` contains `.com.com`; it looks like a typo in your Okta domain"))
}

/// Detects an issuer at the admin console. It has a domain of its own, `acme-admin.okta.com`, which an administrator
/// sees in the address bar while setting up an application.
pub(crate) fn admin_console(issuer: &Url) -> Option<String> {
    let host = issuer.host_str().unwrap_or_default();
    let (org, rest) = host.split_once("-admin.")?;
    Some(format!("`{host}` is the admin console; the issuer's domain is `{org}.{rest}`"))
}

/// Detects a path that an issuer of Okta cannot have. At a custom domain, and at other providers, an issuer may have
/// any path.
pub(crate) fn path_mistake(issuer: &Url) -> Option<String> {
    let path = issuer.path();
    if path.trim_end_matches('/') == CUSTOM_SERVERS.trim_end_matches('/') {
        let message = "`/oauth2` alone is not a server; use `/oauth2/default`, or nothing for the org server";
        return Some(message.to_owned());
    }
    let is_server = path.strip_prefix(CUSTOM_SERVERS).is_some_and(|id| !id.contains('/'));
    let is_wrong = is_in_cloud(issuer) && path != "/" && !is_server;
    is_wrong.then(|| {
        format!(
            "`{path}` is not the path of an Okta issuer; an issuer ends with the domain or with `/oauth2/` and an id"
        )
    })
}
