//! Names become addresses here, and here alone, so that what is looked at is what is
//! used.
//!
//! The connector asks for the addresses of a name each time that it makes a connection,
//! and gets those that the policy admits. There is no second look-up between that and
//! the connection, and so no moment in which another answer could slip in (DNS
//! rebinding).
//!
//! A host that is an IP address is not asked about: the policy has refused it before.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{EgressPolicy, is_loopback_name};

/// Resolves names, and leaves out what the policy does not admit.
pub(super) struct GuardedResolver {
    policy: Arc<EgressPolicy>,
    names: Arc<dyn Resolve>,
}

impl GuardedResolver {
    /// Filters what `names` answers.
    pub(super) fn new(policy: Arc<EgressPolicy>, names: Arc<dyn Resolve>) -> Self {
        Self { policy, names }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, host) = (Arc::clone(&self.policy), name.as_str().to_owned());
        let resolving = self.names.resolve(name);
        Box::pin(async move {
            let all: Vec<SocketAddr> = resolving.await?.collect();
            let found = !all.is_empty();
            let admitted: Vec<_> = all.into_iter().filter(|address| policy.admits(&host, address.ip())).collect();
            if found && admitted.is_empty() {
                return Err(AddressesRefused.into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// A name has addresses, and none of them may be used.
///
/// They are not told: that would be an answer to somebody who maps the network by
/// names.
#[derive(Debug, thiserror::Error)]
#[error("every address that the host has is private, of this machine, or otherwise not public")]
pub(super) struct AddressesRefused;

impl AddressesRefused {
    /// Whether this is why an error came about.
    pub(super) fn caused(error: &reqwest::Error) -> bool {
        let first = std::error::Error::source(error);
        std::iter::successors(first, |error| error.source()).any(|cause| cause.is::<Self>())
    }
}

/// The resolver of the operating system, `getaddrinfo`, on a thread for what blocks.
///
/// It is not asked about `localhost` and the names below it: they are this machine, and no query
/// for them may go to a network (RFC 6761 §6.3), where somebody could answer with a machine of
/// theirs. Without that `acme.localhost` would lead nowhere on systems that know `localhost` alone.
#[derive(Debug)]
pub(super) struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        if is_loopback_name(name.as_str()) {
            let here = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
            return Box::pin(std::future::ready(Ok(Box::new(here.into_iter()) as Addrs)));
        }
        Box::pin(async move {
            // The connector puts the port of the URL in the place of zero.
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
