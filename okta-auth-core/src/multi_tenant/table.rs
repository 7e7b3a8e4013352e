//! A table of tenants in which every lookup is unambiguous.
//!
//! A table is immutable. A file that has changed becomes a new table.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::ready;
use std::sync::Arc;

use foldhash::fast::RandomState;
use url::Url;

use super::source::{TenantFuture, TenantKey, TenantSource};
use crate::config::{DEFAULT_AUDIENCE, Issuer, check_client};
use crate::error::{Code, Error, Result};
use crate::issuer::{spellings, without_slash};
use crate::tenant::{TenantId, TenantSettings};

/// A fixed set of tenants.
///
/// Each host, each e-mail domain and each pair of issuer and client belongs to one tenant. A conflict is an error when
/// the table is built.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::tenant::{TenantId, TenantSettings};
/// use okta_auth::multi_tenant::TenantTable;
///
/// let tenant = |id: &str| {
///     let issuer = format!("https://{id}.okta.com/oauth2/default");
///     let mut tenant = TenantSettings::new(TenantId::parse(id).unwrap(), issuer, "0oa1");
///     tenant.hosts = vec!["app.example.com".to_owned()];
///     tenant
/// };
/// assert!(TenantTable::new([tenant("acme")]).is_ok());
/// let error = TenantTable::new([tenant("acme"), tenant("globex")]).unwrap_err();
/// assert!(error.to_string().contains("app.example.com"), "the host leads to two");
/// ```
#[derive(Clone, Debug, Default)]
pub struct TenantTable {
    tenants: HashMap<TenantKey, Arc<TenantSettings>, RandomState>,
    /// The tenant of each issuer.
    issuers: Names,
    /// The tenant of the org of each custom server, because third-party initiated login may name the org.
    orgs: Names,
    /// Sorted by id.
    all: Box<[Arc<TenantSettings>]>,
}

/// The tenant of each name; `None` for a name of several tenants.
type Names = HashMap<Box<str>, Option<Arc<TenantSettings>>, RandomState>;

impl TenantTable {
    /// Builds a table and checks that every lookup is unambiguous.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if a tenant is invalid or a lookup is ambiguous; the message lists every problem with
    /// its tenant and its fix.
    pub fn new(tenants: impl IntoIterator<Item = TenantSettings>) -> Result<Self> {
        let mut all: Vec<Arc<TenantSettings>> = tenants.into_iter().map(Arc::new).collect();
        let (mut table, mut problems) = (Self::default(), Vec::new());
        let mut clients = HashMap::with_capacity_and_hasher(all.len(), RandomState::default());
        for tenant in &all {
            check(tenant, &mut problems);
            table.add(tenant, &mut problems);
            let client = (without_slash(&tenant.issuer), tenant.client_id.as_str());
            if let Some(other) = clients.insert(client, &tenant.id) {
                problems.push(format!("{}: it has the issuer and the client id of {other}", tenant.id));
            }
        }
        drop(clients);
        all.sort_by(|a, b| a.id.cmp(&b.id));
        table.all = all.into();
        problems.extend(audiences_in_common(&table.all, DEFAULT_AUDIENCE));
        if problems.is_empty() {
            return Ok(table);
        }
        let message = format!("the tenants cannot be used:\n- {}", problems.join("\n- "));
        Err(Error::new(Code::ConfigInvalid, message))
    }

    /// Adds the lookup keys of a tenant. Hosts and domains are stored in lower case, as resolvers query them. Issuers
    /// are stored in each spelling that they may have, because they are compared character by character.
    fn add(&mut self, tenant: &Arc<TenantSettings>, problems: &mut Vec<String>) {
        let hosts = tenant.hosts.iter().map(|host| TenantKey::Host(host.to_ascii_lowercase()));
        let domains = tenant.email_domains.iter().map(|domain| TenantKey::EmailDomain(domain.to_ascii_lowercase()));
        for key in std::iter::once(TenantKey::Id(tenant.id.clone())).chain(hosts).chain(domains) {
            match self.tenants.entry(key) {
                Entry::Vacant(free) => drop(free.insert(Arc::clone(tenant))),
                Entry::Occupied(other) => {
                    let (key, other) = (other.key(), &other.get().id);
                    problems.push(format!("{}: {key} leads to {other} too; assign it to one of them", tenant.id));
                }
            }
        }
        // Several clients of one issuer are allowed; the issuer alone then identifies none of them.
        for issuer in std::iter::once(&tenant.issuer).chain(&tenant.former_issuers) {
            for name in spellings(issuer) {
                add_only(&mut self.issuers, name, tenant);
            }
            if let Some(org) = org(issuer) {
                add_only(&mut self.orgs, org, tenant);
            }
        }
    }

    /// Looks a tenant up; an issuer of several tenants has no result.
    pub fn tenant(&self, key: &TenantKey) -> Option<&Arc<TenantSettings>> {
        match key {
            TenantKey::Issuer(issuer) => self.issuers.get(issuer.as_str())?.as_ref(),
            _ => self.tenants.get(key),
        }
    }

    /// Looks up the `iss` of third-party initiated login: an issuer, or the org of a custom server. An org of several
    /// tenants has no result, even if it is the issuer of one of them.
    pub(super) fn named_by(&self, iss: &str) -> Option<&Arc<TenantSettings>> {
        match (self.issuers.get(iss), self.orgs.get(iss)) {
            (Some(Some(by_issuer)), Some(Some(by_org))) => (by_issuer.id == by_org.id).then_some(by_issuer),
            (Some(only), None) | (None, Some(only)) => only.as_ref(),
            _ => None,
        }
    }

    /// Returns all tenants, sorted by id.
    pub fn all(&self) -> &[Arc<TenantSettings>] {
        &self.all
    }
}

/// Adds a tenant under a name, or marks the name as ambiguous.
fn add_only(names: &mut Names, name: String, tenant: &Arc<TenantSettings>) {
    let only = names.entry(name.into()).or_insert_with(|| Some(Arc::clone(tenant)));
    if only.as_ref().is_none_or(|known| known.id != tenant.id) {
        *only = None;
    }
}

fn org(issuer: &str) -> Option<String> {
    Issuer::new(issuer, Url::parse(issuer).ok()?).org()
}

impl TenantSource for TenantTable {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        Box::pin(ready(Ok(self.tenant(key).map(|tenant| TenantSettings::clone(tenant)))))
    }
}

/// Finds audiences that two tenants share. In an access token of a custom server only the audience identifies the
/// tenant, so two tenants with the same server and audience would accept each other's tokens. Tokens of an org server
/// are distinguished by their client.
pub(super) fn audiences_in_common(tenants: &[Arc<TenantSettings>], default: &str) -> Vec<String> {
    let known = HashMap::with_capacity_and_hasher(tenants.len(), RandomState::default());
    let (mut known, mut problems) = (known, Vec::new());
    for tenant in tenants {
        for (issuer, audience) in audiences(tenant, default) {
            let other: &TenantId = known.entry((issuer, audience)).or_insert(&tenant.id);
            if *other != tenant.id {
                problems.push(format!(
                    "{}: access tokens of `{issuer}` for `{audience}` are also valid at {other}, so users of one \
                     tenant could call the API of the other; give each an authorization server or an audience of its own",
                    tenant.id
                ));
            }
        }
    }
    problems
}

/// Returns each current and former custom server of a tenant with each of its audiences.
pub(super) fn audiences<'a>(tenant: &'a TenantSettings, default: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let audiences = tenant.audience.as_deref().unwrap_or(default).split(',').map(str::trim);
    let issuers = std::iter::once(&tenant.issuer).chain(&tenant.former_issuers).map(|issuer| without_slash(issuer));
    issuers
        .filter(|issuer| issuer.contains("/oauth2/"))
        .flat_map(move |issuer| audiences.clone().map(move |audience| (issuer, audience)))
        .filter(|(_, audience)| !audience.is_empty())
}

/// Checks one tenant by itself.
///
/// A wildcard is not a valid host, because each host of a tenant must be listed explicitly.
fn check(tenant: &TenantSettings, problems: &mut Vec<String>) {
    let issuers: Vec<&str> =
        std::iter::once(&tenant.issuer).chain(&tenant.former_issuers).map(String::as_str).collect();
    let (secret, base) = (tenant.client_secret.as_ref(), tenant.base_url.as_deref());
    if let Err(error) = check_client(&issuers, &tenant.client_id, secret, base) {
        problems.push(format!("{}: {error}", tenant.id));
    }
    for host in &tenant.hosts {
        if host.is_empty() || host.contains([':', '/', '*', ' ']) {
            problems.push(format!("{}: `{host}` is not a host name; write it without scheme and port", tenant.id));
        }
    }
    for domain in &tenant.email_domains {
        if !domain.is_ascii() || !domain.contains('.') || domain.contains(['@', ' ', '/', '*']) {
            problems.push(format!("{}: `{domain}` is not an e-mail domain in ASCII", tenant.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str, issuer: &str) -> TenantSettings {
        let mut tenant = TenantSettings::new(TenantId::parse(id).unwrap(), issuer, id);
        tenant.audience = Some(format!("api://{id}"));
        tenant
    }

    #[test]
    fn an_org_identifies_its_only_tenant_and_a_shared_org_none() {
        let named = |tenants: Vec<TenantSettings>, iss: &str| {
            TenantTable::new(tenants).unwrap().named_by(iss).map(|tenant| tenant.id.to_string())
        };
        let (org, server) = ("https://acme.okta.com", "https://acme.okta.com/oauth2/default");
        let alone = || vec![tenant("acme", server), tenant("globex", "https://globex.okta.com")];
        for iss in [org, server] {
            assert_eq!(named(alone(), iss).as_deref(), Some("acme"), "{iss}");
        }
        for other in ["https://acme.okta.com/", "https://acme.okta.com/oauth2/other", "https://acme.okta.com:444"] {
            assert_eq!(named(alone(), other), None, "{other}");
        }
        let servers = || vec![tenant("acme", server), tenant("initech", "https://acme.okta.com/oauth2/other")];
        assert_eq!((named(servers(), org), named(servers(), server).as_deref()), (None, Some("acme")));
        // The org is also the issuer of one of the tenants.
        let both = || vec![tenant("acme", server), tenant("initech", org)];
        assert_eq!((named(both(), org), named(both(), server).as_deref()), (None, Some("acme")));
    }
}
