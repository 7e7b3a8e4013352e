//! The rules that one value must pass, each with a message that names the fix.
//!
//! They are the union of what Okta's own libraries check and what people get wrong:
//! placeholders left in, the admin console's domain, a doubled suffix, a whole endpoint
//! instead of the issuer.
//!
//! A rule takes the value as it was written and gives back what is to be used, or
//! `None` after it has reported an error. No rule looks at the network: a
//! configuration that is fine is fine offline.
//!
//! Most messages show the value, since a slip is found by looking at it; those about
//! secrets never do.

use url::Url;

use super::env::{AUDIENCE, BACKCHANNEL_URL, BASE_URL, CLIENT_ID, ISSUER_URI, PUBLIC_PREFIX, SCOPES};
use super::issuer::{Issuer, is_loopback};
use super::problem::Findings;
use super::routes::Routes;
use super::secrets;
use crate::error::Result;
use crate::http::is_below_okta;
use crate::secret::Secret;

/// What an issuer looks like, for messages.
const EXAMPLE: &str = "https://dev-123.okta.com/oauth2/default";

/// The issuer: an https URL without anything that is not part of it.
///
/// Slips in the text are looked for before it is parsed: much of what is wrong in it
/// would still be some URL, and the message about that would not help. Whether a slash
/// at the end belongs to the issuer is up to its metadata, since issuers are compared
/// character by character (OIDC Discovery §4.3).
pub(crate) fn issuer(value: Option<&str>, findings: &mut Findings) -> Option<Issuer> {
    let Some(value) = value else {
        findings.error(ISSUER_URI, format!("it is not set; take it from Okta's admin console, for example {EXAMPLE}"));
        return None;
    };
    if let Some(problem) = issuer_typo(value) {
        findings.error(ISSUER_URI, problem);
        return None;
    }
    let text = value.trim_end_matches('/');
    let slash = text != value;
    if slash {
        let message = format!(
            "it ends with a slash, as Okta's issuers do not; it is used as its metadata writes it. At Okta write `{text}`"
        );
        findings.warning(ISSUER_URI, message);
    }
    let url = absolute_url(ISSUER_URI, text, findings)?;
    if let Some(problem) = issuer_shape(&url) {
        findings.error(ISSUER_URI, problem);
        return None;
    }
    let issuer = Issuer::new(text, url);
    Some(if slash { issuer.with_slash() } else { issuer })
}

/// Slips that show in the text, before it is a URL.
///
/// A placeholder comes from documentation that was copied as it was, `://` twice from
/// pasting a URL after `https://`, and `.com.com` from adding the suffix to a whole
/// domain. Each is what Okta's own libraries look for.
fn issuer_typo(value: &str) -> Option<String> {
    if is_placeholder(value) {
        return Some(format!("`{value}` still has a placeholder in it; put your own Okta domain there"));
    }
    if is_quoted(value) {
        return Some(format!("`{value}` is in quotes, which some tools do not take away; remove them"));
    }
    if value.matches("://").count() > 1 {
        return Some(format!("`{value}` has `://` twice; it looks like a slip of copy and paste"));
    }
    if value.contains(".com.com") {
        return Some(format!("`{value}` has `.com.com` in it; it looks like a typo in your Okta domain"));
    }
    if !value.contains("://") {
        return Some(format!("`{value}` has no scheme; write `https://{value}`"));
    }
    None
}

/// Slips that show in the parts of the URL.
///
/// The admin console has a domain of its own, `acme-admin.okta.com`, which is what
/// stands in the address bar of whoever sets an application up. Endpoints and metadata
/// documents are what other libraries ask for instead of the issuer.
fn issuer_shape(url: &Url) -> Option<String> {
    let host = url.host_str().unwrap_or_default();
    if let Some((org, rest)) = host.split_once("-admin.") {
        return Some(format!("`{host}` is the admin console; the issuer's domain is `{org}.{rest}`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some("an issuer has neither a query nor a fragment; remove it".to_owned());
    }
    let path = url.path();
    if path.contains("/.well-known/") || path.contains("/v1/") {
        return Some(format!("`{path}` is an endpoint; the issuer ends before it, for example {EXAMPLE}"));
    }
    if path.trim_end_matches('/') == "/oauth2" {
        return Some("`/oauth2` alone is no server; use `/oauth2/default`, or nothing for the org server".to_owned());
    }
    let server = path.strip_prefix("/oauth2/").is_some_and(|id| !id.contains('/'));
    // At a custom domain, and at other providers, an issuer may have any path.
    if is_below_okta(host) && path != "/" && !server {
        return Some(format!("`{path}` is no issuer at Okta; one ends with its domain or with `/oauth2/` and an id"));
    }
    None
}

/// Whether a value came with the quotes that a shell would have taken away.
pub(super) fn is_quoted(value: &str) -> bool {
    ['"', '\''].iter().any(|quote| value.len() > 1 && value.starts_with(*quote) && value.ends_with(*quote))
}

/// What somebody says of a client and its issuers, without all that an application says
/// of itself: a table may have a hundred thousand of them, each of which is built when
/// somebody comes to it. Warnings are logged then.
///
/// # Errors
/// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every problem
/// with its fix.
pub(crate) fn check_client(issuers: &[&str], id: &str, secret: Option<&Secret>, base: Option<&str>) -> Result<()> {
    let mut findings = Findings::default();
    for one in issuers {
        issuer(Some(one), &mut findings);
    }
    client_id(Some(id), &mut findings);
    secrets::client_secret(secret, &mut findings);
    base.map(|base| base_url(base, &mut findings));
    findings.finish().map(|_| ())
}

/// The client id: what Okta shows, nothing around it.
pub(crate) fn client_id(value: Option<&str>, findings: &mut Findings) -> Option<String> {
    let Some(value) = value else {
        findings.error(CLIENT_ID, "it is not set; copy the Client ID of your application from Okta's admin console");
        return None;
    };
    if is_placeholder(value) {
        findings.error(CLIENT_ID, format!("replace `{value}` with the Client ID of your application"));
        return None;
    }
    if value.is_empty() {
        findings.error(CLIENT_ID, "it is empty; copy the Client ID of your application from Okta's admin console");
        return None;
    }
    if !value.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\'') {
        findings.error(CLIENT_ID, "it has spaces, quotes or other characters that no Client ID has; copy it again");
        return None;
    }
    Some(value.to_owned())
}

/// The application's own origin. It is configured and never derived from a request:
/// `Host` and the forwarded headers are what a client says.
///
/// A redirect URI made from them would be chosen by whoever sends the request. The
/// origin has neither path nor query nor fragment, so that everything can be joined
/// to it.
pub(crate) fn base_url(value: &str, findings: &mut Findings) -> Option<Url> {
    let url = absolute_url(BASE_URL, value, findings)?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        let origin = url.origin().ascii_serialization();
        findings.error(BASE_URL, format!("it is an origin, without a path; use `{origin}`, with `mount_path` in code, or with OKTA_PUBLIC_PREFIX for a path that a proxy takes off"));
        return None;
    }
    Some(url)
}

/// The redirect URI, whose path is the callback.
pub(crate) fn redirect_uri(variable: &'static str, value: &str, findings: &mut Findings) -> Option<Url> {
    let url = redirect(variable, value, findings)?;
    if url.path() == "/" {
        let message = "it has no path, and the callback needs one of its own, such as `/authorization-code/callback`";
        findings.error(variable, message);
        return None;
    }
    Some(url)
}

/// A URL that Okta sends browsers to.
pub(crate) fn redirect(variable: &'static str, value: &str, findings: &mut Findings) -> Option<Url> {
    let url = absolute_url(variable, value, findings)?;
    if url.fragment().is_some() {
        findings.error(variable, "it has a fragment, which Okta does not accept; remove it");
        return None;
    }
    Some(url)
}

/// An absolute https URL without credentials; http on this machine alone.
///
/// On http anybody on the way reads codes and cookies. On a loopback address there is
/// no way to be on, and browsers treat `localhost` as trustworthy.
///
/// Credentials in a URL end up in logs and messages. That is why they are looked for
/// before the scheme, whose message shows the value.
fn absolute_url(variable: &'static str, value: &str, findings: &mut Findings) -> Option<Url> {
    let Some(url) = Url::parse(value).ok().filter(|_| value.contains("://")) else {
        let message = format!("`{value}` is not a URL; it begins with https:// (on this machine http://) and a host");
        findings.error(variable, message);
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        findings.error(variable, "it has a user name or password in it; remove everything before the `@`");
        return None;
    }
    match url.scheme() {
        "https" => Some(url),
        "http" if is_loopback(&url) => Some(url),
        "http" if url.host_str() == Some("0.0.0.0") => {
            let fix = value.replacen("0.0.0.0", "localhost", 1);
            findings.error(variable, format!("`{value}` is where a server listens, and nothing to visit; use `{fix}`"));
            None
        }
        "http" => {
            findings.error(variable, format!("`{value}` is http, which is for this machine alone; use https"));
            None
        }
        other => {
            findings.error(variable, format!("`{other}` is not a scheme that works here; use https"));
            None
        }
    }
}

/// The scopes, in order and once each; `openid` among them.
///
/// The protocol separates them by spaces; commas are read as well, as lists in other
/// variables have them. Without `openid` a request is plain OAuth (OIDC Core
/// §3.1.2.1), and nobody is signed in.
pub(crate) fn scopes(value: &str, findings: &mut Findings) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in value.split([' ', ',']).filter(|scope| !scope.is_empty()) {
        // RFC 6749 §3.3: scope-token.
        if !scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\') {
            findings.error(SCOPES, format!("`{}` is not a scope (RFC 6749 §3.3)", scope.escape_default()));
        } else if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    if !scopes.iter().any(|scope| scope == "openid") {
        findings.error(SCOPES, "`openid` is missing; without it Okta issues no ID token. Add it");
    }
    scopes
}

/// Okta names users by e-mail address in Universal Logout, unless provisioning gives them
/// another id. A session without that claim is not found by it.
pub(crate) fn universal_logout(routes: &Routes, scopes: &[String], findings: &mut Findings) {
    if routes.global_token_revocation().is_some() && !scopes.iter().any(|scope| scope == "email") {
        findings.warning(
            SCOPES,
            "`email` is not among them, so Universal Logout by e-mail address finds no session and is answered with \
             422. Add `email`, or leave the route out with `without_global_token_revocation`",
        );
    }
}

/// The audience of the custom server that every org has.
pub(crate) const DEFAULT_AUDIENCE: &str = "api://default";

/// The audiences, separated by commas; and a warning where they cannot have an effect.
pub(crate) fn audiences(value: Option<&str>, issuer: Option<&Issuer>, findings: &mut Findings) -> Vec<String> {
    if value.is_some() && issuer.is_some_and(Issuer::is_org_server) {
        findings.warning(
            AUDIENCE,
            "the issuer is the org server, whose access tokens nobody but Okta can verify; they can only be \
             introspected. Use a custom authorization server to protect an API of your own",
        );
    }
    let names = value.unwrap_or(DEFAULT_AUDIENCE).split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// Issuers that the application had before, by the rules of the present one.
pub(crate) fn former_issuers(values: &[String], findings: &mut Findings) -> Vec<Issuer> {
    values.iter().filter_map(|value| issuer(Some(value), findings)).collect()
}

/// Further issuers of access tokens: custom authorization servers, by the rules of the
/// first one. Tokens of another org server could only be introspected, and by a client
/// of that org.
pub(crate) fn accepted_issuers(values: &[String], findings: &mut Findings) -> Vec<Issuer> {
    let issuers: Vec<Issuer> = values.iter().filter_map(|value| issuer(Some(value), findings)).collect();
    for issuer in issuers.iter().filter(|issuer| issuer.is_org_server()) {
        let message = format!("`{issuer}` is an org server, whose tokens cannot be verified; accept a custom one");
        findings.error("accept_issuer", message);
    }
    issuers
}

/// Where the application itself reaches an issuer on this machine: an origin, on http or
/// https, whose host may be any.
///
/// It is refused unless the issuer and the base URL are both on this machine. An
/// application that others reach must reach its issuer at the address that browsers have,
/// with the certificate of that address.
pub(crate) fn backchannel_url(value: &str, issuer: &Issuer, base: &Url, findings: &mut Findings) -> Option<Url> {
    let url = Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        findings.error(BACKCHANNEL_URL, "it is not a URL; write an origin such as `http://okta:8090`");
        return None;
    };
    let bare = url.username().is_empty() && url.password().is_none();
    if !bare || url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        findings.error(BACKCHANNEL_URL, "it is an origin: scheme, host and port, without user name, path and query");
        return None;
    }
    if !issuer.is_loopback() || !is_loopback(base) {
        findings.error(
            BACKCHANNEL_URL,
            format!(
                "it is for development, while OKTA_BASE_URL and OKTA_ISSUER_URI are both on this machine, but they \
                 are `{}` and `{issuer}`; remove it",
                base.origin().ascii_serialization()
            ),
        );
        return None;
    }
    Some(url)
}

/// The prefix that a proxy takes off the front of paths: `/app`, or nothing.
pub(crate) fn public_prefix(value: &str, findings: &mut Findings) -> String {
    let prefix = value.trim_end_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    let segments = prefix.strip_prefix('/').map(|rest| rest.split('/').all(|s| !matches!(s, "" | "." | "..")));
    if !prefix.is_empty() && (segments != Some(true) || !prefix.chars().all(is_plain)) {
        let message = format!("`{}` is not the beginning of a path; write it like `/app`", value.escape_default());
        findings.error(PUBLIC_PREFIX, message);
        return String::new();
    }
    prefix.to_owned()
}

/// What documentation writes where a value of one's own belongs, in lower case and
/// without separators.
const PLACEHOLDERS: [&str; 6] = ["yourokta", "yourdomain", "yourclient", "yourorg", "yourcompany", "yourtenant"];

/// Whether a value still has the marks that documentation puts around a placeholder.
pub(super) fn is_placeholder(value: &str) -> bool {
    let plain: String = value.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let marked = value.contains(['{', '}', '<', '>', '…']) || value.contains("YOUR_") || value.contains("...");
    marked || PLACEHOLDERS.iter().any(|word| plain.contains(word))
}
