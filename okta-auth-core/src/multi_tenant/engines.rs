//! The engines of tenants.
//!
//! The engine of a tenant is created at its first request, and again when its settings have changed. Creating it needs
//! no network.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use foldhash::fast::RandomState;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use super::base_url;
use super::directory::{Directory, Lookup};
use super::resolver::Resolver;
use super::rules::AppCredentials;
use super::source::TenantKey;
use super::uniqueness::UniquenessIndex;
use crate::config::ConfigBuilder;
use crate::engine::{App, ExclusiveSessions, OktaAuth};
use crate::error::{Code, Error, Result};
use crate::policy::RouteAccess;
use crate::tenant::{TenantId, TenantSettings};

/// Capacity of the cache; evicted engines are created again on demand.
const MAX_ENGINES: usize = 4096;

pub(super) struct TenantEngines {
    pub(super) app: Arc<App>,
    /// The settings that tenants inherit.
    pub(super) settings: ConfigBuilder,
    pub(super) resolvers: Arc<[Resolver]>,
    /// The redirect URI at the application's own address.
    pub(super) callback: String,
    /// The policies of tenants that select none.
    pub(super) access: Arc<RouteAccess>,
    /// The policy sets that tenants select by name.
    pub(super) policies: HashMap<String, Arc<RouteAccess>>,
    /// For tenants whose sign-ins end the same browser's sessions at the others.
    pub(super) exclusive: Option<Weak<dyn ExclusiveSessions>>,
    pub(super) cache: EngineCache,
}

/// The engines in use, with the settings that they were created for.
pub(super) struct EngineCache {
    engines: Cache<TenantId, (Arc<TenantSettings>, OktaAuth), UnitWeighter, RandomState>,
    /// Engines are created one at a time, because two engines of a tenant would fetch its keys twice. The lock also
    /// protects the uniqueness index for tenants of a source.
    creation: Mutex<UniquenessIndex>,
}

impl Default for EngineCache {
    fn default() -> Self {
        let (state, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        let engines = Cache::with(MAX_ENGINES, MAX_ENGINES as u64, UnitWeighter, state, lifecycle);
        Self { engines, creation: Mutex::default() }
    }
}

impl EngineCache {
    /// Returns the engine that was created for exactly these settings.
    fn find(&self, settings: &Arc<TenantSettings>) -> Option<OktaAuth> {
        let (known, auth) = self.engines.get(&settings.id)?;
        (Arc::ptr_eq(&known, settings) || known == *settings).then_some(auth)
    }
}

impl TenantEngines {
    /// Returns the engine of a tenant: the cached one, or a new one if the settings have changed. Requests that already
    /// have the old engine keep it.
    pub(super) fn engine(&self, settings: &Arc<TenantSettings>, directory: &Directory) -> Result<OktaAuth> {
        if let Some(auth) = self.cache.find(settings) {
            return Ok(auth);
        }
        // No network access happens under this lock.
        let mut index = self.cache.creation.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(auth) = self.cache.find(settings) {
            return Ok(auth);
        }
        let auth = match directory.is_source() {
            true => self.create_unique(settings, directory, &mut index)?,
            false => self.create(settings)?,
        };
        self.cache.engines.insert(settings.id.clone(), (Arc::clone(settings), auth.clone()));
        Ok(auth)
    }

    pub(super) fn cached(&self, id: &TenantId) -> Option<OktaAuth> {
        self.cache.engines.get(id).map(|(_, auth)| auth)
    }

    /// Evicts the engine of a tenant. Later requests get a new engine, or none.
    pub(super) fn evict(&self, id: &TenantId) {
        self.cache.engines.remove(id);
    }

    /// Returns the engine of a tenant that was removed with these settings, and evicts it. The cached engine may
    /// already belong to a new tenant with the same id and another client.
    pub(super) fn engine_of_removed(&self, settings: &Arc<TenantSettings>) -> Option<OktaAuth> {
        let auth = self.cache.find(settings).or_else(|| self.create(settings).ok());
        self.cache.engines.remove_if(&settings.id, |(known, _)| known == settings);
        auth
    }

    /// Combines the settings of the application and of a tenant.
    pub(super) fn tenant_config(&self, settings: &TenantSettings) -> ConfigBuilder {
        base_url::tenant_config(&self.settings, &self.resolvers, &self.callback, settings)
    }

    /// Creates the engine of a tenant that was not checked as a part of a table. Its client and audience are recorded
    /// only after the engine was created.
    fn create_unique(
        &self,
        settings: &Arc<TenantSettings>,
        directory: &Directory,
        index: &mut UniquenessIndex,
    ) -> Result<OktaAuth> {
        let current = |id: &TenantId| match directory.look(&TenantKey::Id(id.clone())) {
            Lookup::Known(settings) => settings,
            Lookup::Ask => self.cache.engines.get(id).map(|(settings, _)| settings),
        };
        let default = self.settings.default_audiences();
        let younger = index.check(settings, default, current)?;
        let auth = self.create(settings)?;
        index.record(settings, default, current);
        for id in younger {
            tracing::warn!(
                target: "okta_auth",
                "the tenant {id} is no longer served: {} has the same client or audience, and is older", settings.id
            );
            self.cache.engines.remove(&id);
        }
        Ok(auth)
    }

    fn create(&self, settings: &Arc<TenantSettings>) -> Result<OktaAuth> {
        AppCredentials::of(&self.settings).check(settings)?;
        let named = settings.policies.as_ref().map(|name| {
            self.policies.get(name).cloned().ok_or_else(|| {
                let message = format!("the policy set of the tenant {} is not defined", settings.id);
                Error::new(Code::ConfigInvalid, message)
            })
        });
        let access = named.transpose()?.unwrap_or_else(|| Arc::clone(&self.access));
        let config = self.tenant_config(settings).build()?;
        self.app.engine_of_tenant(config, access, Arc::clone(settings), self.exclusive.clone())
    }
}
