//! The verifier of grants, and its builder.

use std::sync::Arc;

use url::Url;

use super::replay::UsedGrants;
use crate::clock::{Clock, SharedClock};
use crate::config::{ConfigBuilder, EgressPolicy, parse_issuer};
use crate::error::{Code, Error, Result};
use crate::http::{HttpClient, HttpSettings};
use crate::issuer::is_loopback;
use crate::jose::{IdJagRules, VerifiedIdJag, is_identifier, unverified_issuer};
use crate::protocol::{Authority, Provider};
use crate::session::{MemoryStore, SessionStore};

/// The maximum number of used grants that this process stores at a time. Okta's grants live for five minutes, so this
/// allows some 200 grants a second, and each of them needs an authenticated client.
const CAPACITY: usize = 100_000;

/// Verifies the grants (ID-JAGs) that clients present to your authorization server. Clones are cheap and share the keys
/// and the used grants. See the [module](super).
#[derive(Clone)]
pub struct IdJagVerifier(Arc<Inner>);

struct Inner {
    /// The issuer of this authorization server.
    audience: String,
    connections: Vec<Authority>,
    scopes: Vec<String>,
    resources: Vec<String>,
    used: UsedGrants,
    clock: SharedClock,
}

impl IdJagVerifier {
    /// Starts to build the verifier of the authorization server with this issuer, exactly as its metadata writes it.
    pub fn builder(issuer: impl Into<String>) -> IdJagVerifierBuilder {
        IdJagVerifierBuilder {
            issuer: issuer.into(),
            connections: Vec::new(),
            scopes: Vec::new(),
            resources: Vec::new(),
            store: None,
            egress: None,
            clock: SharedClock::default(),
        }
    }

    /// Verifies a grant, and uses it up. `client_id` is the client that has authenticated itself with this request.
    /// Never pass an unauthenticated parameter, because a stolen grant would then work for anyone.
    ///
    /// # Errors
    /// One of the `Token...` codes, [`Code::StoreUnavailable`], or the error of reaching the issuer.
    pub async fn verify(&self, grant: &str, client_id: &str) -> Result<VerifiedIdJag> {
        if !is_identifier(client_id) {
            return Err(Error::invalid_claim("client_id", "cannot be compared, because no client is authenticated"));
        }
        let connection = self.connection(grant)?;
        let metadata = connection.discovery.metadata().await?;
        let Inner { audience, scopes, resources, used, clock, .. } = &*self.0;
        let rules = IdJagRules { issuer: metadata.issuer(), audience, client_id, scopes, resources };
        let verified = connection.verifier.id_jag(metadata.jwks_uri(), grant, &rules).await?;
        used.consume(&verified, audience, clock.now()).await?;
        Ok(verified)
    }

    /// Selects the connection by the unverified issuer, which is checked again after the signature. No URL is built
    /// from the grant, so an unknown issuer causes no request.
    fn connection(&self, grant: &str) -> Result<&Authority> {
        let issuer = unverified_issuer(grant)?;
        let known = self.0.connections.iter().find(|connection| connection.issuer.is_spelled(&issuer));
        known.ok_or_else(|| Error::invalid_claim("iss", "is not a registered connection"))
    }
}

/// Builds an [`IdJagVerifier`].
#[must_use]
pub struct IdJagVerifierBuilder {
    issuer: String,
    connections: Vec<String>,
    scopes: Vec<String>,
    resources: Vec<String>,
    store: Option<Arc<dyn SessionStore>>,
    egress: Option<EgressPolicy>,
    clock: SharedClock,
}

impl IdJagVerifierBuilder {
    /// Accepts the grants of an org, such as `https://acme.okta.com`, for all of its users. Grants come from the org
    /// itself and never from one of its custom servers.
    pub fn connection(mut self, org: impl Into<String>) -> Self {
        self.connections.push(org.into());
        self
    }

    /// The scopes that your server issues by grants. Others in a grant are dropped, and a grant without any of these is
    /// rejected.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// The resources that your server issues tokens for, compared character by character. A grant for another one is
    /// rejected, and so is any grant with a resource if you name none.
    pub fn resources<S: Into<String>>(mut self, resources: impl IntoIterator<Item = S>) -> Self {
        self.resources.extend(resources.into_iter().map(Into::into));
        self
    }

    /// Stores used grants in this store, which all replicas share. By default they are in memory, and each process
    /// accepts a grant once.
    pub fn store(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets where requests for keys may go. The default allows only Okta's own domains, because connections may come
    /// from customers; allow the custom domain of an org by [`EgressPolicy::allow_domain`]. For an issuer on this
    /// machine it also allows orgs on this machine.
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        self.egress = Some(policy);
        self
    }

    /// Replaces the system clock, for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Validates the settings, without network access.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] without a connection or a scope, for an issuer that is not a URL, or for an org that the
    /// egress policy does not allow.
    pub fn build(self) -> Result<IdJagVerifier> {
        let own = Url::parse(&self.issuer).map_err(|error| {
            Error::new(Code::ConfigInvalid, "the issuer of the authorization server is not a URL").with_cause(error)
        })?;
        if self.scopes.is_empty() {
            let message = "no scopes are named that a grant may be exchanged for; name them with `scopes`";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        let egress = self.egress.unwrap_or_else(|| match is_loopback(&own) {
            true => EgressPolicy::default().dangerous().allow_loopback(),
            false => EgressPolicy::default(),
        });
        let connections = authorities(&self.connections, egress, &self.clock)?;
        let store =
            self.store.unwrap_or_else(|| Arc::new(MemoryStore::with_shared_clock(CAPACITY, self.clock.clone())));
        let used = UsedGrants::new(store);
        let (audience, scopes, resources, clock) = (self.issuer, self.scopes, self.resources, self.clock);
        Ok(IdJagVerifier(Arc::new(Inner { audience, connections, scopes, resources, used, clock })))
    }
}

/// The metadata and keys of the connections, which share one HTTP client.
fn authorities(orgs: &[String], egress: EgressPolicy, clock: &SharedClock) -> Result<Vec<Authority>> {
    let Some(first) = orgs.first() else {
        let message = "no connection is registered; name the org of each customer with `connection`";
        return Err(Error::new(Code::ConfigInvalid, message));
    };
    let wrong = |org: &str, error: Error| {
        let message = format!("the connection `{}` cannot be used: {error}", org.escape_default());
        Error::new(Code::ConfigInvalid, message)
    };
    let config = ConfigBuilder::default().issuer(first).api_only().build().map_err(|error| wrong(first, error))?;
    let http = HttpClient::new(&HttpSettings::default(), egress, clock.clone())?;
    let provider = Provider::new(Arc::new(config), http.clone(), clock.clone());
    let authority = |org: &String| {
        let issuer = parse_issuer(org).and_then(|issuer| http.policy().check_issuer(&issuer).map(|()| issuer));
        issuer.map(|issuer| provider.authority(issuer)).map_err(|error| wrong(org, error))
    };
    orgs.iter().map(authority).collect()
}

opaque_debug!(IdJagVerifier, |it| issuer: it.0.audience, connections: it.0.connections.len());

opaque_debug!(IdJagVerifierBuilder, |it| issuer: it.issuer, connections: it.connections);
