//! The rules of an application for its tenants, in addition to the rules of [`TenantTable`].

use std::collections::BTreeSet;

use url::Url;

use super::source::TenantKey;
use super::table::{TenantTable, audiences_in_common};
use crate::config::{ConfigBuilder, DEFAULT_AUDIENCE, EgressPolicy, Issuer};
use crate::error::{Code, Error, Result};
use crate::issuer::without_slash;
use crate::tenant::{TenantId, TenantSettings};

/// The application's rules. They apply to a table at startup and to each later version of a file.
pub(super) struct TenantRules {
    pub(super) egress: EgressPolicy,
    pub(super) policies: BTreeSet<String>,
    /// The audiences of tenants without audiences of their own.
    pub(super) audiences: String,
    /// The hosts whose subdomains are tenants, in lower case.
    pub(super) parents: Vec<String>,
    pub(super) shared: AppCredentials,
}

#[derive(Debug)]
pub(super) struct AppCredentials {
    key: bool,
    secret: bool,
    accepted: Vec<String>,
}

impl AppCredentials {
    pub(super) fn of(config: &ConfigBuilder) -> Self {
        let (key, secret) = config.has_credentials();
        Self { key, secret, accepted: config.accepted_issuers().to_vec() }
    }

    /// Explains why a tenant's access tokens would be accepted at other tenants, with the fix. Issuers in
    /// `accept_issuer` are accepted at every tenant.
    fn leak(&self, tenant: &TenantSettings) -> Option<String> {
        let mut issuers = std::iter::once(&tenant.issuer).chain(&tenant.former_issuers);
        let is_same = |issuer: &str, other: &str| without_slash(issuer) == without_slash(other);
        let issuer = issuers.find(|issuer| self.accepted.iter().any(|accepted| is_same(issuer, accepted)))?;
        Some(format!(
            "access tokens of `{issuer}` are accepted at every tenant, so its users could call the APIs of the others; \
             remove it from `accept_issuer`"
        ))
    }

    /// Explains why a tenant's client authentication is misconfigured, with the fix.
    ///
    /// A tenant without credentials is a public client. If the application has credentials that the tenant might have
    /// been meant to use, this is an error: Okta would reject each of its sign-ins.
    fn problem(&self, tenant: &TenantSettings) -> Option<&'static str> {
        match (tenant.client_secret.is_some(), tenant.shared_key) {
            (true, true) => Some("it has a client_secret, and `shared_key` is set; keep one"),
            (false, true) if !self.key => Some(
                "`shared_key` is set, and the application has no private key; set OKTA_PRIVATE_KEY or \
                 OKTA_PRIVATE_KEY_FILE, or add a client_secret to the tenant",
            ),
            (false, false) if self.key => Some(
                "it has no client_secret, and the application's private key is used only by tenants that set \
                 `shared_key`; set it if the key is registered at this tenant's Okta too, or add a client_secret",
            ),
            (false, false) if self.secret => Some(
                "it has no client_secret, and the application's own is never sent for a tenant; add one, or remove \
                 OKTA_CLIENT_SECRET if it is a public client",
            ),
            _ => None,
        }
    }

    /// Checks a tenant that comes from a source and was never part of a table.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`].
    pub(super) fn check(&self, tenant: &TenantSettings) -> Result<()> {
        let problem = self.problem(tenant).map(str::to_owned).or_else(|| self.leak(tenant));
        problem.map_or(Ok(()), |problem| {
            Err(Error::new(Code::ConfigInvalid, format!("the tenant {} cannot be used: {problem}", tenant.id)))
        })
    }
}

impl TenantRules {
    /// Checks that these tenants can be served.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], listing every problem with its tenant and its fix.
    pub(super) fn check(&self, table: &TenantTable) -> Result<()> {
        // The table has checked the default itself.
        let is_checked = self.audiences == DEFAULT_AUDIENCE;
        let mut problems = if is_checked { Vec::new() } else { audiences_in_common(table.all(), &self.audiences) };
        for tenant in table.all() {
            for text in std::iter::once(&tenant.issuer).chain(&tenant.former_issuers) {
                // The table has reported an invalid URL already.
                let text = without_slash(text);
                let Ok(url) = Url::parse(text) else { continue };
                if let Err(error) = self.egress.check_issuer(&Issuer::new(text, url)) {
                    problems.push(format!("{}: {error}", tenant.id));
                }
            }
            problems.extend(self.shared.problem(tenant).map(|problem| format!("{}: {problem}", tenant.id)));
            problems.extend(self.shared.leak(tenant).map(|problem| format!("{}: {problem}", tenant.id)));
            if let Some(name) = tenant.policies.as_ref().filter(|name| !self.policies.contains(*name)) {
                problems.push(format!(
                    "{}: the policy set `{name}` is not defined; define it, or use another one",
                    tenant.id
                ));
            }
            for host in &tenant.hosts {
                if let Some(other) = self.subdomain_of_another(host, tenant, table) {
                    problems.push(format!(
                        "{}: the host `{host}` is also the subdomain of {}; assign it to one of them",
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

    /// Finds another tenant whose subdomain equals a host. The order of the resolvers would otherwise decide which
    /// tenant's sign-in its users see.
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
