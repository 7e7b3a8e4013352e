//! The egress policy: where requests may go.
//!
//! An issuer in the operator's own configuration is trusted. An issuer from a table of tenants is user input, and so is
//! every URL in its metadata: a request to it would come from inside the application's network, with the application's
//! credentials. An [`EgressPolicy`] restricts such requests:
//!
//! 1. The scheme is https, and the URL has no user name or password.
//! 2. The host is a name on the list, compared in the ASCII form that the URL parser produces and that the connection
//!    uses. A suffix matches only at a label boundary.
//! 3. An IP address is not a name, in any spelling: the parser reads `0x7f.1`, `2130706433` and `[::ffff:127.0.0.1]` as
//!    addresses, and they are rejected.
//! 4. The port is 443, or an allowed port.
//! 5. Every address that the name resolves to must be public. The check applies to the exact addresses of each new
//!    connection, so an attacker gains nothing if the name resolves to something else after a check.
//!
//! Redirects are never followed.

use url::{Host, Url};

use super::address::{self, Kind};
use crate::error::{Code, Error, Result};
use crate::issuer::{is_loopback, is_loopback_name, okta};

/// The longest name of DNS in text form (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;

/// Decides where requests that a tenant's settings cause may go. By default only Okta's own domains are allowed, over
/// https and at public addresses; this type adds more.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::config::{ConfigBuilder, EgressPolicy};
///
/// # fn main() -> Result<(), okta_auth::error::Error> {
/// let policy = EgressPolicy::default().allow_domain("login.acme.com");
/// let issuer = |issuer: &str| {
///     let config = ConfigBuilder::default().issuer(issuer).client_id("0oa1").build()?;
///     policy.check_issuer(config.issuer())
/// };
/// issuer("https://globex.okta.com/oauth2/default")?;
/// issuer("https://login.acme.com")?;
/// assert!(issuer("https://login.acme.com.evil.example").is_err());
/// assert!(issuer("https://169.254.169.254").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct EgressPolicy {
    /// For issuers in the operator's own configuration: https to any host, and http on this machine.
    operator: bool,
    domains: Vec<Domain>,
    ports: Vec<u16>,
    private_addresses: bool,
    loopback: bool,
    /// Invalid domains that were added.
    problems: Vec<String>,
}

/// Allowed names, in ASCII and lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Domain {
    Exactly(String),
    Below(String),
}

impl Domain {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::Exactly(domain) => name == domain,
            // The dot keeps `evilokta.com` out.
            Self::Below(domain) => name
                .strip_suffix(domain.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|l| !l.is_empty()),
        }
    }
}

impl Default for EgressPolicy {
    /// The strict policy: Okta's domains, https, port 443, public addresses.
    fn default() -> Self {
        Self {
            operator: false,
            domains: okta::DOMAINS.map(|domain| Domain::Below(domain.to_owned())).into(),
            ports: vec![443],
            private_addresses: false,
            loopback: false,
            problems: Vec::new(),
        }
    }
}

impl EgressPolicy {
    /// The policy for issuers that the operator configures: https anywhere, http on this machine.
    pub(crate) fn operator() -> Self {
        Self { operator: true, ..Self::default() }
    }

    /// Allows one name, for example an org's custom domain.
    ///
    /// A text that is not a host name allows nothing, and is reported when the policy is first used.
    pub fn allow_domain(self, name: &str) -> Self {
        self.allow(name, 1, Domain::Exactly)
    }

    /// Allows every name below a domain. For `acme.com` it allows `a.acme.com` and `b.c.acme.com`, but not `acme.com`
    /// itself.
    pub fn allow_subdomains_of(self, domain: &str) -> Self {
        self.allow(domain, 2, Domain::Below)
    }

    /// Allows a port besides 443, at every host.
    pub fn allow_port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// Settings that lower the safety of the application.
    pub fn dangerous(self) -> Dangerous {
        Dangerous(self)
    }

    /// Adds a domain with at least this many labels.
    fn allow(mut self, name: &str, labels: usize, domain: fn(String) -> Domain) -> Self {
        match Host::parse(name) {
            Ok(Host::Domain(ascii)) if is_plain(&ascii) && ascii.split('.').count() >= labels => {
                self.domains.push(domain(ascii));
            }
            _ => {
                let name = name.escape_default();
                self.problems.push(format!(
                    "`{name}` is not a domain that can be allowed; write one name, as in `login.acme.com`, without scheme, \
                     port, path, wildcard or trailing dot (`allow_subdomains_of` is for names below a domain)"
                ));
            }
        }
        self
    }

    /// Checks that every added domain is valid.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let message = format!("the egress policy is invalid: {}", self.problems.join("; "));
        Err(Error::new(Code::ConfigInvalid, message))
    }

    /// Checks whether a request may go to a URL. The addresses of its host are checked later, when a connection is
    /// opened.
    ///
    /// # Errors
    /// [`Code::EgressRefused`], with the fix.
    pub fn check_url(&self, url: &Url) -> Result<()> {
        self.refusal(url).map_or(Ok(()), |message| Err(Error::new(Code::EgressRefused, message)))
    }

    /// Returns why a request to this URL is rejected. The message names the host, so that an operator can allow it.
    pub(crate) fn refusal(&self, url: &Url) -> Option<String> {
        if !url.username().is_empty() || url.password().is_some() {
            return Some("a URL contains a user name or password; remove everything before the `@`".to_owned());
        }
        let local = (self.operator || self.loopback) && is_loopback(url);
        if local && matches!(url.scheme(), "http" | "https") {
            return None;
        }
        if url.scheme() != "https" {
            return Some(format!("the scheme `{}` is not allowed for requests; use https", url.scheme()));
        }
        if self.operator {
            return None;
        }
        self.host_refusal(url).or_else(|| self.port_refusal(url))
    }

    /// Rules 2 and 3.
    fn host_refusal(&self, url: &Url) -> Option<String> {
        let name = match url.host() {
            Some(Host::Domain(name)) if name.len() <= LONGEST_NAME => name,
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => {
                let message = "a URL has an IP address instead of a host name; use the name that the org has in Okta's \
                               admin console";
                return Some(message.to_owned());
            }
            _ => return Some("the host in a URL is not a DNS name; use the name of the org".to_owned()),
        };
        if self.domains.iter().any(|domain| domain.has(name)) {
            return None;
        }
        if name.ends_with('.') {
            return Some(format!("`{name}` ends with a dot; remove it"));
        }
        Some(format!(
            "requests to `{name}` are not allowed: it is not one of Okta's domains; if it belongs to the org, \
             allow it with `EgressPolicy::allow_domain`"
        ))
    }

    /// Rule 4.
    fn port_refusal(&self, url: &Url) -> Option<String> {
        let port = url.port_or_known_default().unwrap_or_default();
        let message =
            || format!("requests to port {port} are not allowed; if the port is right, use `EgressPolicy::allow_port`");
        (!self.ports.contains(&port)).then(message)
    }

    /// Rule 5: whether a connection to this address of a name is allowed.
    pub(super) fn admits(&self, name: &str, address: std::net::IpAddr) -> bool {
        let kind = address::kind(address);
        // A name that is allowed as this machine must resolve to this machine.
        if !self.operator && is_loopback_name(name) {
            return kind == Kind::Loopback && self.loopback;
        }
        match kind {
            Kind::Public => true,
            Kind::Private | Kind::Loopback => self.operator || self.private_addresses,
            Kind::Special => self.operator,
        }
    }
}

/// Settings that lower the safety of the application; see [`EgressPolicy::dangerous`].
#[derive(Debug)]
#[must_use]
pub struct Dangerous(EgressPolicy);

impl Dangerous {
    /// Lets allowed names resolve to private and loopback addresses (RFC 1918, RFC 4193, RFC 6598), for orgs inside a
    /// private network.
    ///
    /// A person who can change a tenant's DNS then decides which machine of that network gets a request. The remaining
    /// protection is that the machine must have a certificate for the name. Link-local, multicast and documentation
    /// addresses, and the metadata services of clouds, stay blocked.
    pub fn allow_private_addresses(mut self) -> EgressPolicy {
        self.0.private_addresses = true;
        self.0
    }

    /// Allows requests to this machine, over http too and on any port, by address or by the name `localhost`. For
    /// development.
    ///
    /// A person who can set a tenant's issuer can then reach the services that listen on this machine.
    pub fn allow_loopback(mut self) -> EgressPolicy {
        self.0.loopback = true;
        self.0
    }
}

/// Whether a name is free of leading and trailing dots, empty labels and wildcards.
fn is_plain(name: &str) -> bool {
    name.len() <= LONGEST_NAME && !name.contains('*') && name.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
