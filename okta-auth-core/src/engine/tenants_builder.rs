//! Builds the tenants of an application.
//!
//! All errors are reported when the tenants are built: an ambiguous host or e-mail domain,
//! an issuer outside of the egress policy, an undefined policy set. With a source, which is
//! queried at runtime, they are logged and affect only requests of that tenant.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::builder::OktaAuthBuilder;
use super::realm_discovery::DiscoveryOptions;
use super::tenant_router::TenantRouter;
use super::tenants::Tenants;
use crate::config::EgressPolicy;
use crate::error::{Code, Error, Result};
use crate::policy::PolicySet;
#[cfg(feature = "toml")]
use crate::tenant::TenantFile;
use crate::tenant::{AppCredentials, Directory, Resolver, TenantRules, TenantSource, TenantTable};

/// How long an answer of a source is cached by default.
const BELIEVED: Duration = Duration::from_secs(60);

enum Place {
    Table(TenantTable),
    #[cfg(feature = "toml")]
    File(TenantFile),
    Source(Arc<dyn TenantSource>, Duration),
}

/// Builds [`Tenants`].
#[must_use]
pub struct TenantsBuilder {
    template: OktaAuthBuilder,
    place: Place,
    resolvers: Vec<Resolver>,
    policies: HashMap<String, PolicySet>,
    egress: EgressPolicy,
    email_first: bool,
    chooser: bool,
    exclusive: bool,
}

impl TenantsBuilder {
    pub(super) fn new(template: OktaAuthBuilder) -> Self {
        Self {
            template,
            place: Place::Table(TenantTable::default()),
            resolvers: Vec::new(),
            policies: HashMap::new(),
            egress: EgressPolicy::default(),
            email_first: true,
            chooser: false,
            exclusive: false,
        }
    }

    /// Uses a fixed set of tenants.
    pub fn table(mut self, table: TenantTable) -> Self {
        self.place = Place::Table(table);
        self
    }

    /// Uses a file, which is read again when it changes.
    #[cfg(feature = "toml")]
    pub fn file(mut self, file: TenantFile) -> Self {
        self.place = Place::File(file);
        self
    }

    /// Uses a source such as a database, which is queried at most once a minute for each
    /// key.
    pub fn source(self, source: impl TenantSource) -> Self {
        self.source_believed_for(source, BELIEVED)
    }

    /// Uses a source whose answers are cached for `lifetime`, including negative ones.
    pub fn source_believed_for(mut self, source: impl TenantSource, lifetime: Duration) -> Self {
        self.place = Place::Source(Arc::new(source), lifetime);
        self
    }

    /// Adds a resolver for the tenant of a request. Resolvers run in the order in which
    /// they were added. At least one is required.
    pub fn resolve(mut self, resolver: Resolver) -> Self {
        self.resolvers.push(resolver);
        self
    }

    /// Adds a policy set that tenants select by name in their settings. Other tenants use
    /// the policies of the application.
    pub fn policies(mut self, name: impl Into<String>, policies: PolicySet) -> Self {
        self.policies.insert(name.into(), policies);
        self
    }

    /// Whether `/login` without a tenant asks for an e-mail address, whose domain
    /// identifies the tenant. The default is `true`. The response does not reveal whether
    /// the user exists.
    pub fn email_first(mut self, ask: bool) -> Self {
        self.email_first = ask;
        self
    }

    /// Whether `/login` without a tenant lists the tenants by name. The default is `false`,
    /// because the list reveals your customers.
    pub fn chooser(mut self, list: bool) -> Self {
        self.chooser = list;
        self
    }

    /// Whether a sign-in at one tenant ends the same browser's sessions at the others, as a
    /// logout there would. The default is `false`: the sessions coexist. If the store
    /// fails, the browser's cookies for the others are deleted anyway.
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// Sets the allowed destinations of requests that tenants' settings cause; the default
    /// is Okta's own domains. Add custom domains, and for development this machine. An
    /// issuer elsewhere is an error when the tenants are loaded, and URLs in its metadata
    /// are subject to the same policy.
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        self.egress = policy;
        self
    }

    /// Validates everything and builds the tenants, without network access and without
    /// creating engines of tenants.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], listing every problem with its fix.
    pub fn build(self) -> Result<Tenants> {
        if self.resolvers.is_empty() {
            let message = "the tenant of a request cannot be determined; add a resolver";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        let resolvers: Vec<_> = self.resolvers.into_iter().map(Resolver::checked).collect::<Result<_>>()?;
        if self.template.config().uses_form_post() && resolvers.iter().any(|one| matches!(one, Resolver::Session)) {
            let message = "a callback by `form_post` has no session cookie and therefore no tenant, so the resolver \
                           `Session` cannot be used with it; set the response mode `Query`, or resolve tenants by \
                           host, subdomain or path";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        let template = self.template.shared(&self.egress)?;
        let clock = template.shared_clock();
        let demands = TenantRules {
            shared: AppCredentials::of(template.config()),
            egress: self.egress,
            policies: self.policies.keys().cloned().collect(),
            audiences: template.config().default_audiences().to_owned(),
            parents: resolvers.iter().filter_map(Resolver::parent).map(str::to_owned).collect(),
        };
        let directory = match self.place {
            Place::Table(table) => Directory::table(table, &demands, clock)?,
            #[cfg(feature = "toml")]
            Place::File(file) => Directory::file(file, demands, clock)?,
            Place::Source(source, lifetime) => Directory::source(source, lifetime, clock),
        };
        // A placeholder without a real issuer; the egress policy blocks requests to it.
        let nowhere = template.config().clone().issuer("https://tenants.invalid").client_id("nobody");
        let without_tenant = template.clone().with_config(nowhere.only_client_secret(None)).build()?;
        let policies = self.policies.into_iter().map(|(name, set)| Ok((name, template.access_of(set)?)));
        let policies = policies.collect::<Result<HashMap<_, _>>>()?;
        let router = TenantRouter::new(template, resolvers, directory, without_tenant, policies);
        let discovery =
            DiscoveryOptions { email_first: self.email_first, chooser: self.chooser, exclusive: self.exclusive };
        Ok(Tenants::router(router.with(discovery)))
    }
}

impl fmt::Debug for TenantsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantsBuilder").finish_non_exhaustive()
    }
}
