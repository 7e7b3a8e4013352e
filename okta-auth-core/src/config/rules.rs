//! Rules for single values, each with a message that names the fix.
//!
//! They cover the checks of Okta's own libraries and common mistakes: leftover placeholders, the admin console's
//! domain, a doubled suffix, a whole endpoint instead of the issuer.
//!
//! A rule takes the value as written and returns the parsed value, or `None` after it has reported an error. No rule
//! accesses the network, so the result is the same offline.
//!
//! Most messages show the value, because that helps to find a typing error. Messages about secrets never do.

use url::Url;

use super::env::{AUDIENCE, BACKCHANNEL_URL, BASE_URL, CLIENT_ID, ISSUER_URI, PUBLIC_PREFIX, SCOPES};
use super::placeholder::{is_placeholder, is_quoted};
use super::problem::Diagnostics;
use super::routes::Routes;
use super::secrets;
use crate::error::Result;
#[cfg(feature = "client")]
use crate::error::{Code, Error};
use crate::issuer::okta::{self, EXAMPLE};
use crate::issuer::{Issuer, is_loopback};
use crate::secret::Secret;

/// Checks the issuer: an https URL without unrelated parts.
///
/// Typing errors are detected before parsing, because many of them still parse as a URL and the message about that URL
/// would not help. Whether a trailing slash belongs to the issuer is decided by its metadata, because issuers are
/// compared character by character (OIDC Discovery §4.3).
pub(crate) fn issuer(value: Option<&str>, findings: &mut Diagnostics) -> Option<Issuer> {
    let Some(value) = value else {
        return findings
            .reject(ISSUER_URI, format!("it is not set; take it from Okta's admin console, for example {EXAMPLE}"));
    };
    if let Some(problem) = issuer_typo(value) {
        return findings.reject(ISSUER_URI, problem);
    }
    let text = value.trim_end_matches('/');
    let slash = text != value;
    if slash {
        let message = format!(
            "it ends with a slash, unlike Okta's issuers; the spelling in its metadata is used. For Okta write `{text}`"
        );
        findings.warning(ISSUER_URI, message);
    }
    let url = absolute_url(ISSUER_URI, text, findings)?;
    if let Some(problem) = issuer_shape(&url) {
        return findings.reject(ISSUER_URI, problem);
    }
    let issuer = Issuer::new(text, url);
    Some(if slash { issuer.with_slash() } else { issuer })
}

/// Checks an issuer that is not one of the settings.
///
/// # Errors
/// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), with the fix.
#[cfg(feature = "client")]
pub(crate) fn parse_issuer(value: &str) -> Result<Issuer> {
    let mut findings = Diagnostics::default();
    let issuer = issuer(Some(value), &mut findings);
    findings.finish()?;
    issuer.ok_or_else(|| Error::new(Code::Internal, "an issuer is missing without a finding"))
}

/// Detects typing errors in the text, before it is parsed.
///
/// A placeholder comes from copied documentation, and `://` twice from pasting a URL after `https://`.
fn issuer_typo(value: &str) -> Option<String> {
    if is_placeholder(value) {
        return Some(format!("`{value}` still contains a placeholder; replace it with your own Okta domain"));
    }
    if is_quoted(value) {
        return Some(format!("`{value}` is in quotes, which some tools do not remove; remove them"));
    }
    if value.matches("://").count() > 1 {
        return Some(format!("`{value}` contains `://` twice; it looks like a copy-and-paste error"));
    }
    if let Some(problem) = okta::typo(value) {
        return Some(problem);
    }
    if !value.contains("://") {
        return Some(format!("`{value}` has no scheme; write `https://{value}`"));
    }
    None
}

/// Detects mistakes in the parts of the URL. Other libraries ask for endpoints or metadata documents instead of the
/// issuer.
fn issuer_shape(url: &Url) -> Option<String> {
    if let Some(problem) = okta::admin_console(url) {
        return Some(problem);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some("an issuer has neither a query nor a fragment; remove it".to_owned());
    }
    let path = url.path();
    if path.contains("/.well-known/") || path.contains("/v1/") {
        return Some(format!("`{path}` is an endpoint; the issuer ends before it, for example {EXAMPLE}"));
    }
    okta::path_mistake(url)
}

/// Checks only what a tenant sets for its client and issuers. A table may have a hundred thousand tenants, and the full
/// settings of each are built, and their warnings logged, at its first request.
///
/// # Errors
/// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every problem with its fix.
pub(crate) fn check_client(issuers: &[&str], id: &str, secret: Option<&Secret>, base: Option<&str>) -> Result<()> {
    let mut findings = Diagnostics::default();
    for one in issuers {
        issuer(Some(one), &mut findings);
    }
    client_id(Some(id), &mut findings);
    secrets::client_secret(secret, &mut findings);
    base.map(|base| base_url(base, &mut findings));
    findings.finish().map(|_| ())
}

pub(crate) fn client_id(value: Option<&str>, findings: &mut Diagnostics) -> Option<String> {
    let Some(value) = value else {
        return findings
            .reject(CLIENT_ID, "it is not set; copy the Client ID of your application from Okta's admin console");
    };
    if is_placeholder(value) {
        return findings.reject(CLIENT_ID, format!("replace `{value}` with the Client ID of your application"));
    }
    if value.is_empty() {
        return findings
            .reject(CLIENT_ID, "it is empty; copy the Client ID of your application from Okta's admin console");
    }
    if !value.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\'') {
        return findings.reject(
            CLIENT_ID,
            "it has spaces, quotes or other characters that a Client ID cannot have; copy it again",
        );
    }
    Some(value.to_owned())
}

/// Checks the application's own origin. It is configured and never derived from a request, because clients control
/// `Host` and the forwarded headers, and an attacker could choose a redirect URI that is built from them.
///
/// The origin has no path, query or fragment, so that paths can be joined to it.
pub(crate) fn base_url(value: &str, findings: &mut Diagnostics) -> Option<Url> {
    let url = absolute_url(BASE_URL, value, findings)?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        let origin = url.origin().ascii_serialization();
        let message = format!(
            "it must be an origin without a path; use `{origin}`, and set the path with `mount_path` in code, or with \
             OKTA_PUBLIC_PREFIX if a proxy strips it"
        );
        return findings.reject(BASE_URL, message);
    }
    Some(url)
}

pub(crate) fn redirect_uri(variable: &'static str, value: &str, findings: &mut Diagnostics) -> Option<Url> {
    let url = redirect(variable, value, findings)?;
    if url.path() == "/" {
        let message = "it has no path, but the callback needs its own path, such as `/authorization-code/callback`";
        return findings.reject(variable, message);
    }
    Some(url)
}

pub(crate) fn redirect(variable: &'static str, value: &str, findings: &mut Diagnostics) -> Option<Url> {
    let url = absolute_url(variable, value, findings)?;
    if url.fragment().is_some() {
        return findings.reject(variable, "it has a fragment, which Okta does not accept; remove it");
    }
    Some(url)
}

/// Checks an absolute URL without credentials: https, or http on this machine.
///
/// On plain http an attacker on the network can read codes and cookies. Requests to a loopback address do not cross a
/// network, and browsers treat `localhost` as trustworthy.
///
/// Credentials in a URL would end up in logs and messages. They are checked before the scheme, because the message
/// about the scheme shows the value.
fn absolute_url(variable: &'static str, value: &str, findings: &mut Diagnostics) -> Option<Url> {
    let Some(url) = Url::parse(value).ok().filter(|_| value.contains("://")) else {
        let message = format!("`{value}` is not a URL; it begins with https:// (on this machine http://) and a host");
        return findings.reject(variable, message);
    };
    if !url.username().is_empty() || url.password().is_some() {
        return findings.reject(variable, "it contains a user name or password; remove everything before the `@`");
    }
    match url.scheme() {
        "https" => Some(url),
        "http" if is_loopback(&url) => Some(url),
        "http" if url.host_str() == Some("0.0.0.0") => {
            let fix = value.replacen("0.0.0.0", "localhost", 1);
            findings.error(
                variable,
                format!("`{value}` is an address to listen on, which browsers cannot open; use `{fix}`"),
            );
            None
        }
        "http" => {
            findings.reject(variable, format!("`{value}` is http, which is allowed only on this machine; use https"))
        }
        other => findings.reject(variable, format!("the scheme `{other}` is not supported; use https")),
    }
}

/// Parses the scopes, in order and without duplicates. They must contain `openid`.
///
/// The protocol separates scopes by spaces. Commas are accepted too, because other variables use them for lists.
/// Without `openid` the request is plain OAuth (OIDC Core §3.1.2.1) and does not sign the user in.
pub(crate) fn scopes(value: &str, findings: &mut Diagnostics) -> Vec<String> {
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

/// Warns if Universal Logout cannot find sessions. Okta names users by e-mail address unless provisioning gives them
/// another id, and sessions without the e-mail claim are not found.
pub(crate) fn universal_logout(routes: &Routes, scopes: &[String], findings: &mut Diagnostics) {
    if routes.global_token_revocation().is_some() && !scopes.iter().any(|scope| scope == "email") {
        findings.warning(
            SCOPES,
            "`email` is not among them, so Universal Logout by e-mail address finds no session and answers \
             422. Add `email`, or leave the route out with `without_global_token_revocation`",
        );
    }
}

/// The audience of the custom server `default`, which every org has.
pub(crate) const DEFAULT_AUDIENCE: &str = "api://default";

/// Parses the audiences, separated by commas, and warns if they have no effect. At an org server only the client id has
/// one.
pub(crate) fn audiences(
    value: Option<&str>,
    (issuer, client_id): (Option<&Issuer>, Option<&str>),
    findings: &mut Diagnostics,
) -> Vec<String> {
    let names = value.unwrap_or(DEFAULT_AUDIENCE).split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: Vec<String> = names.map(str::to_owned).collect();
    let has_effect = client_id.is_some_and(|client_id| names.iter().any(|name| name == client_id));
    if value.is_some() && issuer.is_some_and(Issuer::is_org_server) && !has_effect {
        findings.warning(
            AUDIENCE,
            "the issuer is the org server, whose access tokens only Okta can verify; they can only be \
             introspected. Use a custom authorization server to protect your own API",
        );
    }
    names
}

pub(crate) fn former_issuers(values: &[String], findings: &mut Diagnostics) -> Vec<Issuer> {
    values.iter().filter_map(|value| issuer(Some(value), findings)).collect()
}

/// Checks further issuers of access tokens. They must be custom authorization servers, because tokens of another org
/// server could only be introspected, and only by a client of that org.
pub(crate) fn accepted_issuers(values: &[String], findings: &mut Diagnostics) -> Vec<Issuer> {
    let issuers: Vec<Issuer> = values.iter().filter_map(|value| issuer(Some(value), findings)).collect();
    for issuer in issuers.iter().filter(|issuer| issuer.is_org_server()) {
        let message = format!("`{issuer}` is an org server, whose tokens cannot be verified; accept a custom one");
        findings.error("accept_issuer", message);
    }
    issuers
}

/// Checks the origin at which the application reaches an issuer on this machine: http or https, with any host.
///
/// It is rejected unless the issuer and the base URL are both on this machine. An application that is reachable from
/// other machines must use the issuer's public address and certificate.
pub(crate) fn backchannel_url(value: &str, issuer: &Issuer, base: &Url, findings: &mut Diagnostics) -> Option<Url> {
    let url = Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        return findings.reject(BACKCHANNEL_URL, "it is not a URL; write an origin such as `http://okta:8090`");
    };
    let bare = url.username().is_empty() && url.password().is_none();
    if !bare || url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return findings
            .reject(BACKCHANNEL_URL, "it must be an origin: scheme, host and port, without user name, path and query");
    }
    if !issuer.is_loopback() || !is_loopback(base) {
        return findings.reject(
            BACKCHANNEL_URL,
            format!(
                "it is for development and requires OKTA_BASE_URL and OKTA_ISSUER_URI to be on this machine, but they \
                 are `{}` and `{issuer}`; remove it",
                base.origin().ascii_serialization()
            ),
        );
    }
    Some(url)
}

/// Parses the path prefix that a reverse proxy strips: `/app`, or empty.
pub(crate) fn public_prefix(value: &str, findings: &mut Diagnostics) -> String {
    let prefix = value.trim_end_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    let segments = prefix.strip_prefix('/').map(|rest| rest.split('/').all(|s| !matches!(s, "" | "." | "..")));
    if !prefix.is_empty() && (segments != Some(true) || !prefix.chars().all(is_plain)) {
        let message = format!("`{}` is not a path prefix; write it like `/app`", value.escape_default());
        findings.error(PUBLIC_PREFIX, message);
        return String::new();
    }
    prefix.to_owned()
}
