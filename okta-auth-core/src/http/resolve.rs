//! Name resolution that applies the egress policy to the addresses that are then used.
//!
//! The connector resolves a name each time it opens a connection, and this resolver returns only the addresses that the
//! policy admits. There is no second look-up between the check and the connection, so an attacker cannot swap the
//! answer in between (DNS rebinding).
//!
//! A host that is an IP address never reaches this resolver, because the policy has rejected it before.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::EgressPolicy;
use crate::issuer::is_loopback_name;

pub(super) struct GuardedResolver {
    policy: Arc<EgressPolicy>,
    names: Arc<dyn Resolve>,
}

impl GuardedResolver {
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

/// A name has addresses, and the policy admits none of them.
///
/// The error does not contain the addresses, because they would help an attacker to map the internal network by names.
#[derive(Debug, thiserror::Error)]
#[error("every address that the host has is private, of this machine, or otherwise not public")]
pub(super) struct AddressesRefused;

impl AddressesRefused {
    pub(super) fn caused(error: &reqwest::Error) -> bool {
        let first = std::error::Error::source(error);
        std::iter::successors(first, |error| error.source()).any(|cause| cause.is::<Self>())
    }
}

/// The resolver of the operating system, `getaddrinfo`, on a thread for blocking calls.
///
/// It answers `localhost` and the names below it itself. RFC 6761 §6.3 keeps queries for them off the network, where an
/// attacker could answer with another machine. It also makes `acme.localhost` work on systems whose resolver only
/// handles `localhost`.
#[derive(Debug)]
pub(super) struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        if is_loopback_name(name.as_str()) {
            let here = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
            return Box::pin(std::future::ready(Ok(Box::new(here.into_iter()) as Addrs)));
        }
        Box::pin(async move {
            // The connector replaces the port 0 with the port of the URL.
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
