//! Builds the tenants of an application.
//!
//! All errors are reported when the tenants are built: an ambiguous host or e-mail domain, an issuer outside of the
//! egress policy, an undefined policy set. With a source, which is queried at runtime, they are logged and affect only
//! requests of that tenant.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::directory::Directory;
#[cfg(feature = "toml")]
use super::file::TenantFile;
use super::resolver::Resolver;
use super::router::{RouterOptions, TenantRouter};
use super::rules::{AppCredentials, TenantRules};
use super::source::TenantSource;
use super::table::TenantTable;
use super::tenants::Tenants;
use crate::config::{ConfigBuilder, EgressPolicy};
use crate::engine::OktaAuthBuilder;
use crate::error::{Code, Error, Result};
use crate::issuer::is_loopback;
use crate::policy::PolicySet;

/// How long an answer of a source is cached by default.
const CACHE_TIME: Duration = Duration::from_secs(60);

enum DirectorySource {
    Table(TenantTable),
    #[cfg(feature = "toml")]
    File(TenantFile),
    Source(Arc<dyn TenantSource>, Duration),
}

/// Builds [`Tenants`].
#[must_use]
pub struct TenantsBuilder {
    template: OktaAuthBuilder,
    source: DirectorySource,
    resolvers: Vec<Resolver>,
    policies: HashMap<String, PolicySet>,
    egress: EgressPolicy,
    options: RouterOptions,
}

impl Tenants {
    /// Starts from the settings that tenants share. Their issuer and client are ignored.
    pub fn builder(shared: OktaAuthBuilder) -> TenantsBuilder {
        TenantsBuilder::new(shared)
    }

    /// Builds the tenants from the variables of the process; see [`from_variables`](Self::from_variables).
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if a setting is missing or invalid; the message lists every problem with its fix.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Builds the tenants from variables. `OKTA_TENANTS` lists tenants, which are resolved by host and by subdomain of
    /// `OKTA_BASE_URL`. Without it there is one tenant, as for [`OktaAuth::from_env`](crate::OktaAuth::from_env).
    ///
    /// Issuers on this machine are for development. They are allowed if `OKTA_BASE_URL` is on this machine too, so that
    /// only local browsers can reach the application.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if a setting is missing or invalid; the message lists every problem with its fix.
    pub fn from_variables<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let variables: Vec<(String, String)> = variables.collect();
        let shared = ConfigBuilder::from_variables(variables.clone());
        if !variables.iter().any(|(name, value)| name == "OKTA_TENANTS" && !value.trim().is_empty()) {
            return Ok(Self::from(&OktaAuthBuilder::from(shared).build()?));
        }
        let (base, _) = shared.shared();
        let base = Url::parse(base).ok();
        let parent = base.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
        let egress = match base.as_ref().is_some_and(is_loopback) {
            true => EgressPolicy::default().dangerous().allow_loopback(),
            false => EgressPolicy::default(),
        };
        Self::builder(shared.into())
            .egress(egress)
            .table(TenantTable::from_variables(variables)?)
            .resolve(Resolver::Host)
            .resolve(Resolver::Subdomain(parent))
            .build()
    }
}

impl TenantsBuilder {
    fn new(template: OktaAuthBuilder) -> Self {
        Self {
            template,
            source: DirectorySource::Table(TenantTable::default()),
            resolvers: Vec::new(),
            policies: HashMap::new(),
            egress: EgressPolicy::default(),
            options: RouterOptions { email_first: true, ..RouterOptions::default() },
        }
    }

    /// Uses a fixed set of tenants.
    pub fn table(mut self, table: TenantTable) -> Self {
        self.source = DirectorySource::Table(table);
        self
    }

    /// Uses a file, which is read again when it changes.
    #[cfg(feature = "toml")]
    pub fn file(mut self, file: TenantFile) -> Self {
        self.source = DirectorySource::File(file);
        self
    }

    /// Uses a source such as a database, which is queried at most once a minute for each key.
    pub fn source(self, source: impl TenantSource) -> Self {
        self.source_believed_for(source, CACHE_TIME)
    }

    /// Uses a source whose answers are cached for `lifetime`, including negative ones.
    pub fn source_believed_for(mut self, source: impl TenantSource, lifetime: Duration) -> Self {
        self.source = DirectorySource::Source(Arc::new(source), lifetime);
        self
    }

    /// Adds a resolver for the tenant of a request. Resolvers run in the order in which they were added. At least one
    /// is required.
    pub fn resolve(mut self, resolver: Resolver) -> Self {
        self.resolvers.push(resolver);
        self
    }

    /// Adds a policy set that tenants select by name in their settings. Other tenants use the policies of the
    /// application.
    pub fn policies(mut self, name: impl Into<String>, policies: PolicySet) -> Self {
        self.policies.insert(name.into(), policies);
        self
    }

    /// Whether `/login` without a tenant asks for an e-mail address, whose domain identifies the tenant. The default is
    /// `true`. The response does not reveal whether the user exists.
    pub fn email_first(mut self, ask: bool) -> Self {
        self.options.email_first = ask;
        self
    }

    /// Whether `/login` without a tenant lists the tenants by name. The default is `false`, because the list reveals
    /// your customers.
    pub fn chooser(mut self, list: bool) -> Self {
        self.options.chooser = list;
        self
    }

    /// Whether a sign-in at one tenant ends the same browser's sessions at the others, as a logout there would. The
    /// default is `false`: the sessions coexist. If the store fails, the browser's cookies for the others are deleted
    /// anyway.
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.options.exclusive = exclusive;
        self
    }

    /// Sets the allowed destinations of requests that tenants' settings cause; the default is Okta's own domains. Add
    /// custom domains, and for development this machine. An issuer elsewhere is an error when the tenants are loaded,
    /// and URLs in its metadata are subject to the same policy.
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        self.egress = policy;
        self
    }

    /// Validates everything and builds the tenants, without network access and without creating engines of tenants.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if a setting is missing or invalid; the message lists every problem with its fix.
    pub fn build(self) -> Result<Tenants> {
        if self.resolvers.is_empty() {
            let message = "the tenant of a request cannot be determined; add a resolver";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        self.template.config().check_shared()?;
        let resolvers: Vec<_> = self.resolvers.into_iter().map(Resolver::checked).collect::<Result<_>>()?;
        if self.template.config().uses_form_post() && resolvers.iter().any(|one| matches!(one, Resolver::Session)) {
            let message = "a callback by `form_post` has no session cookie and therefore no tenant, so the resolver \
                           `Session` cannot be used with it; set the response mode `Query`, or resolve tenants by \
                           host, subdomain or path";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        let (app, settings, policies) = self.template.into_app(&self.egress)?;
        let clock = app.clock.clone();
        let rules = TenantRules {
            shared: AppCredentials::of(&settings),
            egress: self.egress,
            policies: self.policies.keys().cloned().collect(),
            audiences: settings.default_audiences().to_owned(),
            parents: resolvers.iter().filter_map(Resolver::parent).map(str::to_owned).collect(),
        };
        let directory = match self.source {
            DirectorySource::Table(table) => Directory::table(table, &rules, clock)?,
            #[cfg(feature = "toml")]
            DirectorySource::File(file) => Directory::file(file, rules, clock)?,
            DirectorySource::Source(source, lifetime) => Directory::source(source, lifetime, clock),
        };
        let site = app.site_without_tenant(settings.clone().build_without_provider()?, app.access_of(policies)?);
        let policies = self.policies.into_iter().map(|(name, set)| Ok((name, app.access_of(set)?)));
        let policies = policies.collect::<Result<HashMap<_, _>>>()?;
        let router = TenantRouter::new((app, settings), resolvers, directory, site, policies, self.options);
        Ok(Tenants::of_router(router))
    }
}

opaque_debug!(TenantsBuilder);
