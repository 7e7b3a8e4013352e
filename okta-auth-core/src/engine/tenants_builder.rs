//! How an application says which tenants it has.
//!
//! Everything that can be wrong is told when the tenants are built: two that a host or
//! a domain leads to, an issuer outside of the policy, a policy set that there is not.
//! With a source that is asked while the application runs the same is told in the log
//! and to whoever came, and for that tenant alone.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::builder::OktaAuthBuilder;
use super::lobby::Entrance;
use super::many::Many;
use super::tenants::Tenants;
use crate::config::EgressPolicy;
use crate::error::{Code, Error, Result};
use crate::policy::PolicySet;
#[cfg(feature = "toml")]
use crate::tenant::TenantFile;
use crate::tenant::{Demands, Directory, Resolver, Shared, TenantSource, TenantTable};

/// How long the answer of a source is believed.
const BELIEVED: Duration = Duration::from_secs(60);

/// Where tenants come from, before anything is checked.
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
    /// Starts without any tenant.
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

    /// A fixed set of tenants.
    pub fn table(mut self, table: TenantTable) -> Self {
        self.place = Place::Table(table);
        self
    }

    /// A file, read again when it changes.
    #[cfg(feature = "toml")]
    pub fn file(mut self, file: TenantFile) -> Self {
        self.place = Place::File(file);
        self
    }

    /// A database or the like, asked at most once a minute for each key.
    pub fn source(self, source: impl TenantSource) -> Self {
        self.source_believed_for(source, BELIEVED)
    }

    /// The same with another time for which its answers are believed, that there is no
    /// such tenant included.
    pub fn source_believed_for(mut self, source: impl TenantSource, lifetime: Duration) -> Self {
        self.place = Place::Source(Arc::new(source), lifetime);
        self
    }

    /// Adds a way to tell the tenant of a request; asked in the order in which they are
    /// added. At least one is needed.
    pub fn resolve(mut self, resolver: Resolver) -> Self {
        self.resolvers.push(resolver);
        self
    }

    /// Adds a set of policies that tenants name in their settings. Tenants that name
    /// none are held to those of the application.
    pub fn policies(mut self, name: impl Into<String>, policies: PolicySet) -> Self {
        self.policies.insert(name.into(), policies);
        self
    }

    /// Whether `/login` without a tenant asks for an e-mail address, whose domain leads
    /// to the tenant; yes by default. It never tells whether there is such a user.
    pub fn email_first(mut self, ask: bool) -> Self {
        self.email_first = ask;
        self
    }

    /// Whether `/login` without a tenant lists the tenants by name; no by default,
    /// since that tells everybody who your customers are.
    pub fn chooser(mut self, list: bool) -> Self {
        self.chooser = list;
        self
    }

    /// Whether a sign-in at one tenant ends the sessions of others in the same browser,
    /// as a sign-out there would; no by default: several live side by side. If the store
    /// fails meanwhile, the browser loses the others' cookies all the same.
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// Where requests may go that tenants' settings cause, instead of Okta's own
    /// domains alone: custom domains, and for development this machine. A tenant whose
    /// issuer is elsewhere is an error when the tenants are loaded; whatever its
    /// metadata name is held to the same.
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        self.egress = policy;
        self
    }

    /// Checks everything and builds. Touches no network, and prepares no tenant.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], with every problem and its fix.
    pub fn build(self) -> Result<Tenants> {
        if self.resolvers.is_empty() {
            let message = "nothing tells which tenant a request is for; add a resolver";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        let resolvers: Vec<_> = self.resolvers.into_iter().map(Resolver::checked).collect::<Result<_>>()?;
        if self.template.config().uses_form_post() && resolvers.iter().any(|one| matches!(one, Resolver::Session)) {
            let message = "a callback by `form_post` brings no session and tells its tenant to nobody, so the resolver \
                           `Session` cannot go with it; set the response mode `Query`, or tell tenants by host, \
                           subdomain or path";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        let template = self.template.shared(&self.egress)?;
        let clock = template.shared_clock();
        let demands = Demands {
            shared: Shared::of(template.config()),
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
        // No Okta is behind this name, and the policy for requests lets nobody ask it.
        let nowhere = template.config().clone().issuer("https://tenants.invalid").client_id("nobody");
        let lobby = template.clone().with_config(nowhere.only_client_secret(None)).build()?;
        let policies = self.policies.into_iter().map(|(name, set)| Ok((name, template.access_of(set)?)));
        let policies = policies.collect::<Result<HashMap<_, _>>>()?;
        let many = Many::new(template, resolvers, directory, lobby, policies);
        let entrance = Entrance { email_first: self.email_first, chooser: self.chooser, exclusive: self.exclusive };
        Ok(Tenants::many(many.with(entrance)))
    }
}

impl fmt::Debug for TenantsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantsBuilder").finish_non_exhaustive()
    }
}
