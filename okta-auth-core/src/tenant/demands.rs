//! What an application asks of its tenants, besides what each set of them is held to.

use std::collections::BTreeSet;

use url::Url;

use super::id::TenantId;
use super::settings::TenantSettings;
use super::source::TenantKey;
use super::table::{TenantTable, audiences_in_common};
use crate::config::{ConfigBuilder, EgressPolicy, Issuer};
use crate::error::{Code, Error, Result};

/// The application's side of the rules: they hold for a table at the start, and for
/// each later state of a file.
pub(crate) struct Demands {
    /// Where issuers may be.
    pub(crate) egress: EgressPolicy,
    /// The policy sets that there are.
    pub(crate) policies: BTreeSet<String>,
    /// The audiences of tenants that name none.
    pub(crate) audiences: String,
    /// The hosts whose subdomains are tenants, in lower case.
    pub(crate) parents: Vec<String>,
    /// What the application has, and its tenants do not.
    pub(crate) shared: Shared,
}

/// What the application itself has, and what must be no tenant's.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Whether it has a private key.
    key: bool,
    /// Whether it has a client secret.
    secret: bool,
    /// The issuers whose access tokens it accepts at every tenant.
    accepted: Vec<String>,
}

impl Shared {
    /// That of an application with these settings.
    pub(crate) fn of(config: &ConfigBuilder) -> Self {
        let (key, secret) = config.has_credentials();
        Self { key, secret, accepted: config.issuers_of_everybody().to_vec() }
    }

    /// Why a tenant's access tokens would be good for others, with the fix.
    ///
    /// One that the application accepts besides its own is accepted at every tenant.
    fn leak(&self, tenant: &TenantSettings) -> Option<String> {
        let mut issuers = std::iter::once(&tenant.issuer).chain(&tenant.former_issuers);
        let issuer = issuers.find(|issuer| self.accepted.contains(issuer))?;
        Some(format!(
            "access tokens of `{issuer}` are accepted at every tenant, so those of its users would open the others; \
             take it out of `accept_issuer`"
        ))
    }

    /// Why a tenant cannot authenticate as it is meant to, with the fix.
    ///
    /// A tenant without anything is a public client. If the application has something
    /// that it might have been meant to use, that is an error and not a guess: Okta
    /// would refuse each of its sign-ins.
    fn problem(&self, tenant: &TenantSettings) -> Option<&'static str> {
        match (tenant.client_secret.is_some(), tenant.shared_key) {
            (true, true) => Some("it has a client_secret, and `shared_key` is set; keep one"),
            (false, true) if !self.key => Some(
                "`shared_key` is set, and the application has no private key; set OKTA_PRIVATE_KEY or \
                 OKTA_PRIVATE_KEY_FILE, or give it a client_secret",
            ),
            (false, false) if self.key => Some(
                "it has no client_secret, and the application's private key is used for tenants that say so alone; \
                 set `shared_key` if it is registered at this tenant's Okta too, or give it a client_secret",
            ),
            (false, false) if self.secret => Some(
                "it has no client_secret, and the application's own is not sent to it; give it one, or take \
                 OKTA_CLIENT_SECRET away if it is a public client",
            ),
            _ => None,
        }
    }

    /// The same of a tenant that a source brings, which no table has been checked with.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`].
    pub(crate) fn check(&self, tenant: &TenantSettings) -> Result<()> {
        let slash = std::iter::once(&tenant.issuer).chain(&tenant.former_issuers).find(|issuer| issuer.ends_with('/'));
        // With it, it would be another text to everything that compares issuers.
        let slash = slash.map(|issuer| format!("the slash at the end of `{issuer}` is not part of it; leave it out"));
        let problem = self.problem(tenant).map(str::to_owned).or_else(|| self.leak(tenant)).or(slash);
        problem.map_or(Ok(()), |problem| {
            Err(Error::new(Code::ConfigInvalid, format!("the tenant {} cannot be used: {problem}", tenant.id)))
        })
    }
}

impl Demands {
    /// Whether these tenants can be served.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], listing every problem with its tenant and its fix.
    pub(crate) fn check(&self, table: &TenantTable) -> Result<()> {
        let mut problems = audiences_in_common(table.all(), &self.audiences);
        for tenant in table.all() {
            for text in std::iter::once(&tenant.issuer).chain(&tenant.former_issuers) {
                // What is no URL has been told when the table was made.
                let Ok(url) = Url::parse(text) else { continue };
                if let Err(error) = self.egress.check_issuer(&Issuer::new(text, url)) {
                    problems.push(format!("{}: {error}", tenant.id));
                }
            }
            problems.extend(self.shared.problem(tenant).map(|problem| format!("{}: {problem}", tenant.id)));
            problems.extend(self.shared.leak(tenant).map(|problem| format!("{}: {problem}", tenant.id)));
            if let Some(name) = tenant.policies.as_ref().filter(|name| !self.policies.contains(*name)) {
                problems.push(format!("{}: there is no policy set `{name}`; add it, or name another", tenant.id));
            }
            for host in &tenant.hosts {
                if let Some(other) = self.subdomain_of_another(host, tenant, table) {
                    problems.push(format!(
                        "{}: the host `{host}` leads to {} too, as its subdomain; give it to one of them",
                        tenant.id, other.id
                    ));
                }
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::new(Code::ConfigInvalid, format!("the tenants cannot be used:\n- {}", problems.join("\n- "))))
    }

    /// The other tenant whose subdomain a host is: the order of the resolvers would
    /// decide whose sign-in the users of that tenant see.
    fn subdomain_of_another<'a>(
        &self,
        host: &str,
        tenant: &TenantSettings,
        table: &'a TenantTable,
    ) -> Option<&'a TenantSettings> {
        let host = host.to_ascii_lowercase();
        let label = self.parents.iter().find_map(|parent| host.strip_suffix(parent.as_str())?.strip_suffix('.'))?;
        let other = table.tenant(&TenantKey::Id(TenantId::parse(label)?))?;
        (other.id != tenant.id).then_some(&**other)
    }
}
