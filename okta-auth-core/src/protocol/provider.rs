//! One authorization server, with all that is needed to talk to it and to trust its tokens.

use std::sync::Arc;

use super::client::ProviderClient;
use crate::clock::SharedClock;
use crate::config::{Config, Issuer};
use crate::discovery::{Discovery, Metadata};
use crate::error::Result;
use crate::http::HttpClient;
use crate::jose::{
    Algorithm, IdTokenRules, Keys, KeysSettings, RefetchPolicy, VerifiedIdToken, Verifier, open_id_token,
};
use crate::secret::Secret;

/// The metadata and the keys of one issuer. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    pub(crate) issuer: Issuer,
    pub(crate) discovery: Discovery,
    pub(crate) verifier: Arc<Verifier>,
}

/// An authorization server as an application uses it.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) config: Arc<Config>,
    pub(crate) discovery: Discovery,
    pub(crate) protocol: ProviderClient,
    pub(crate) verifier: Arc<Verifier>,
}

impl Provider {
    /// Creates the provider that the configuration names, without network access.
    pub(crate) fn new(config: Arc<Config>, http: HttpClient, clock: SharedClock) -> Arc<Self> {
        let Authority { discovery, verifier, .. } = Authority::new(config.issuer.clone(), &config, &http, &clock);
        let protocol = ProviderClient::new(Arc::clone(&config), http, clock);
        Arc::new(Self { config, discovery, protocol, verifier })
    }

    /// Returns the provider's own issuer. It shares its metadata and keys with sign-in.
    pub(crate) fn own_authority(&self) -> Authority {
        let (discovery, verifier) = (self.discovery.clone(), Arc::clone(&self.verifier));
        Authority { issuer: self.config.issuer.clone(), discovery, verifier }
    }

    /// Creates the metadata and the keys of another issuer.
    pub(crate) fn authority(&self, issuer: Issuer) -> Authority {
        Authority::new(issuer, &self.config, &self.protocol.http, &self.protocol.clock)
    }

    /// Verifies an ID token that was not obtained by a sign-in of this library, after opening it if it is encrypted. A
    /// plain one is accepted even with a key, because its sender may have opened it (OIDC Core §3.1.2.1).
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of fetching metadata and keys.
    pub(crate) async fn verify_id_token(&self, token: &str, nonce: Option<&str>) -> Result<VerifiedIdToken> {
        let keys = &self.config.decryption_keys;
        let is_encrypted = !keys.is_empty() && token.split('.').count() == 5;
        let opened = if is_encrypted { Some(open_id_token(keys, token)?) } else { None };
        let token = opened.as_ref().map_or(token, Secret::expose);
        let metadata = self.discovery.metadata().await?;
        let rules = IdTokenRules {
            issuer: metadata.issuer(),
            client_id: &self.config.client_id,
            trusted_audiences: &self.config.app.options.trusted_audiences,
            nonce,
            access_token: None,
            max_age: None,
            acr_values: &[],
            trust: RefetchPolicy::RateLimited,
        };
        self.verifier.id_token(metadata.jwks_uri(), token, &rules).await
    }

    /// Returns the context of one exchange with the server, whose metadata the caller has fetched.
    pub(crate) fn context<'a>(&'a self, metadata: &'a Metadata) -> ProviderContext<'a> {
        ProviderContext { config: &self.config, metadata, protocol: &self.protocol, verifier: &self.verifier }
    }
}

impl Authority {
    fn new(issuer: Issuer, config: &Config, http: &HttpClient, clock: &SharedClock) -> Self {
        let discovery = Discovery::new(issuer.clone(), &config.client_id, http.clone(), clock.clone());
        let settings =
            KeysSettings { min_refetch_interval: config.app.options.jwks_refetch_floor, ..KeysSettings::default() };
        let keys = Keys::new(http.clone(), clock.clone(), settings);
        // The names of the algorithms have been validated with the configuration.
        let allowed = config.app.options.algorithms.iter().filter_map(|name| Algorithm::parse(name)).collect();
        let verifier = Verifier::new(keys, allowed, config.app.options.leeway, clock.clone());
        Self { issuer, discovery, verifier: Arc::new(verifier) }
    }
}

/// The provider during one exchange.
#[derive(Debug)]
pub(crate) struct ProviderContext<'a> {
    pub(crate) config: &'a Arc<Config>,
    pub(crate) metadata: &'a Metadata,
    pub(crate) protocol: &'a ProviderClient,
    pub(crate) verifier: &'a Verifier,
}
