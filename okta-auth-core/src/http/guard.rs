//! Where requests may go.
//!
//! An issuer in the operator's own configuration is trusted as it is. One that comes
//! from a table of tenants is what somebody typed, and so is everything that its
//! metadata name: a request there would be made from inside the application's network,
//! with the application's credentials. Such requests are held to an [`EgressPolicy`]:
//!
//! 1. The scheme is https, and there is no user name or password.
//! 2. The host is a name on the list, in the ASCII form that the URL parser makes of it
//!    and that the connection is made with. A suffix counts at the boundary of a label
//!    alone.
//! 3. An IP address is no name, in no spelling: `0x7f.1`, `2130706433` and
//!    `[::ffff:127.0.0.1]` are the same to the parser, and refused.
//! 4. The port is 443, or one that is allowed.
//! 5. Whatever the name resolves to must be public. That is decided on the very
//!    addresses that the connection is made to, each time that one is made, so a name
//!    that resolves to something else after it has been looked at gains nothing.
//!
//! Redirects are off for everybody.

use url::{Host, Url};

use super::address::{self, Kind};
use crate::error::{Code, Error, Result};

/// The domains below which the orgs of Okta's own clouds are: the one list of them.
const OKTA: [&str; 6] =
    ["okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil", "okta-miltest.com"];

/// Whether a host is below one of Okta's domains.
pub(crate) fn is_below_okta(host: &str) -> bool {
    OKTA.iter().any(|domain| Domain::Below((*domain).to_owned()).has(host))
}

/// The longest name of DNS in text form (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;

/// Where requests may go that a tenant's settings cause: to Okta's own domains, and to
/// those that are allowed here, over https, at public addresses.
///
/// ```
/// use okta_auth_core::config::{ConfigBuilder, EgressPolicy};
///
/// # fn main() -> Result<(), okta_auth_core::error::Error> {
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
    /// For issuers of the operator's own configuration: any host on https, and http on
    /// this machine.
    operator: bool,
    domains: Vec<Domain>,
    ports: Vec<u16>,
    private_addresses: bool,
    loopback: bool,
    /// What was asked for and cannot be.
    problems: Vec<String>,
}

/// Names that are allowed, in ASCII and lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Domain {
    /// This one.
    Exactly(String),
    /// Those below this one.
    Below(String),
}

impl Domain {
    /// Whether a name in ASCII and lower case is one of them.
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
    /// The strict one: Okta's domains, https, port 443, public addresses.
    fn default() -> Self {
        Self {
            operator: false,
            domains: OKTA.map(|domain| Domain::Below(domain.to_owned())).into(),
            ports: vec![443],
            private_addresses: false,
            loopback: false,
            problems: Vec::new(),
        }
    }
}

impl EgressPolicy {
    /// For issuers that the operator has configured: https anywhere, http on this
    /// machine.
    pub(crate) fn operator() -> Self {
        Self { operator: true, ..Self::default() }
    }

    /// Allows one name, for example an org's custom domain.
    ///
    /// Something that is no name of a host allows nothing, and is told when the policy
    /// is first used.
    pub fn allow_domain(self, name: &str) -> Self {
        self.allow(name, 1, Domain::Exactly)
    }

    /// Allows every name below a domain, for example `a.acme.com` and `b.c.acme.com`
    /// for `acme.com`, and not `acme.com` itself.
    pub fn allow_subdomains_of(self, domain: &str) -> Self {
        self.allow(domain, 2, Domain::Below)
    }

    /// Allows a port besides 443, at every host.
    pub fn allow_port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// What lowers the safety of the application.
    pub fn dangerous(self) -> Dangerous {
        Dangerous(self)
    }

    /// Adds a domain of so many labels at least.
    fn allow(mut self, name: &str, labels: usize, domain: fn(String) -> Domain) -> Self {
        match Host::parse(name) {
            Ok(Host::Domain(ascii)) if is_plain(&ascii) && ascii.split('.').count() >= labels => {
                self.domains.push(domain(ascii));
            }
            _ => {
                let name = name.escape_default();
                self.problems.push(format!(
                    "`{name}` is not a domain that can be allowed; write one name, as in `login.acme.com`, without scheme, \
                     port, path, wildcard or dot at its end (`allow_subdomains_of` is for names below a domain)"
                ));
            }
        }
        self
    }

    /// Whether everything that was asked for makes sense.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], with every problem.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let message = format!("the egress policy cannot work: {}", self.problems.join("; "));
        Err(Error::new(Code::ConfigInvalid, message))
    }

    /// Whether a request may go to a URL. The addresses of its host are looked at
    /// later, when a connection is made.
    ///
    /// # Errors
    /// [`Code::EgressRefused`], with the fix.
    pub fn check_url(&self, url: &Url) -> Result<()> {
        self.refusal(url).map_or(Ok(()), |message| Err(Error::new(Code::EgressRefused, message)))
    }

    /// Why a request may not go there. The host is named, since it is what there is to
    /// allow.
    pub(crate) fn refusal(&self, url: &Url) -> Option<String> {
        if !url.username().is_empty() || url.password().is_some() {
            return Some("a URL has a user name or password in it; remove everything before the `@`".to_owned());
        }
        let local = (self.operator || self.loopback) && is_loopback(url);
        if local && matches!(url.scheme(), "http" | "https") {
            return None;
        }
        if url.scheme() != "https" {
            return Some(format!("`{}` is not a scheme that requests are sent by; use https", url.scheme()));
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
                let message = "a URL has an IP address in the place of a host; use the name that the org has in Okta's \
                               admin console";
                return Some(message.to_owned());
            }
            _ => return Some("a URL has a host that is no name of DNS; use the name of the org".to_owned()),
        };
        if self.domains.iter().any(|domain| domain.has(name)) {
            return None;
        }
        if name.ends_with('.') {
            return Some(format!("`{name}` ends in a dot; remove it"));
        }
        Some(format!(
            "requests may not go to `{name}`: it is neither a domain of Okta nor allowed; if it belongs to the org, \
             allow it with `EgressPolicy::allow_domain`"
        ))
    }

    /// Rule 4.
    fn port_refusal(&self, url: &Url) -> Option<String> {
        let port = url.port_or_known_default().unwrap_or_default();
        let message = || format!("requests may not go to port {port}; if it is right, use `EgressPolicy::allow_port`");
        (!self.ports.contains(&port)).then(message)
    }

    /// Rule 5: whether a connection may be made to an address that a name has.
    pub(super) fn admits(&self, name: &str, address: std::net::IpAddr) -> bool {
        let kind = address::kind(address);
        // A name that is allowed for being this machine must be this machine.
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

/// What lowers the safety of the application; see [`EgressPolicy::dangerous`].
#[derive(Debug)]
#[must_use]
pub struct Dangerous(EgressPolicy);

impl Dangerous {
    /// Lets allowed names have private and loopback addresses (RFC 1918, RFC 4193, RFC
    /// 6598), for orgs that are reached within a network of one's own.
    ///
    /// Whoever can change a tenant's DNS then decides which machine of that network
    /// gets a request; what stands in the way is that it must have a certificate for
    /// the name. Addresses of link-local, multicast and documentation, and the metadata
    /// services of clouds, stay out of reach.
    pub fn allow_private_addresses(mut self) -> EgressPolicy {
        self.0.private_addresses = true;
        self.0
    }

    /// Lets requests go to this machine, on http too and on any port, by address or by
    /// the name `localhost`: for development.
    ///
    /// Whoever can set a tenant's issuer then reaches what listens on this machine.
    pub fn allow_loopback(mut self) -> EgressPolicy {
        self.0.loopback = true;
        self.0
    }
}

/// A name without a dot at either end, empty labels and wildcards.
fn is_plain(name: &str) -> bool {
    name.len() <= LONGEST_NAME && !name.contains('*') && name.split('.').all(|label| !label.is_empty())
}

/// Whether a URL names this machine: 127.0.0.0/8, `::1`, `localhost` or a name below it
/// (RFC 6761 §6.3).
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => is_loopback_name(name),
        None => false,
    }
}

/// `localhost`, or a name below it.
pub(super) fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
