//! The only orchestrator: a request's parts go in, an outcome comes out.
//!
//! The engine decides everything: redirect or 401, cookies, cache headers, pages. An
//! adapter for a web framework only translates, so two frameworks cannot disagree.

mod builder;
mod client_kind;
mod error_reply;
mod hook;
mod page;
mod reply;
mod routes;
mod signed_in;
mod visit;

use std::fmt;
use std::sync::Arc;

pub use builder::OktaAuthBuilder;
pub use hook::{HookFuture, Refusal, SignIn, SignInHook};
pub use reply::Reply;
pub use routes::Endpoint;
pub use signed_in::SignedIn;
pub use visit::{Challenge, Visit};

use crate::clock::SharedClock;
use crate::config::{Config, ConfigBuilder};
use crate::discovery::{Discovery, Metadata};
use crate::error::{Code, Error, Result};
use crate::jose::{AccessTokenRules, IdTokenRules, Trust, VerifiedAccessToken, VerifiedIdToken, Verifier};
use crate::login::{Attempts, Consumed};
use crate::protocol::Protocol;
use crate::session::CookieStore;

/// Okta for one application: cheap to clone, and to be shared by all workers.
///
/// Making one touches no network. Metadata and keys are fetched when they are first
/// needed and kept fresh in the background, so the application starts, and serves its
/// public pages, while Okta is away.
#[derive(Clone)]
pub struct OktaAuth(Arc<Inner>);

/// What the clones share.
pub(crate) struct Inner {
    config: Arc<Config>,
    clock: SharedClock,
    discovery: Discovery,
    protocol: Protocol,
    verifier: Verifier,
    attempts: Attempts,
    consumed: Consumed,
    sessions: CookieStore,
    hook: Option<Arc<dyn SignInHook>>,
}

impl OktaAuth {
    /// Reads the `OKTA_*` variables of the process.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], listing every
    /// problem with its fix.
    pub fn from_env() -> Result<Self> {
        Self::builder(ConfigBuilder::from_env()).build()
    }

    /// Starts from settings in code; see [`OktaAuthBuilder`].
    pub fn builder(config: ConfigBuilder) -> OktaAuthBuilder {
        OktaAuthBuilder::new(config)
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Verifies an access token of a custom authorization server: signature, issuer,
    /// audience (`OKTA_AUDIENCE`), times and kind (RFC 9068 §4).
    ///
    /// # Errors
    /// One of the `Token...` codes, [`Code::AccessTokenOpaque`] if the issuer is the
    /// org server, or the error of fetching metadata and keys.
    pub async fn verify_access_token(&self, token: &str) -> Result<VerifiedAccessToken> {
        let config = &self.0.config;
        if config.issuer.is_org_server() {
            let message = "access tokens of the org server can be verified by Okta alone; use a custom authorization \
                           server, or introspect them";
            return Err(Error::new(Code::AccessTokenOpaque, message));
        }
        let metadata = self.metadata().await?;
        let rules = AccessTokenRules { issuer: &config.issuer, audiences: std::slice::from_ref(&config.audience) };
        self.0.verifier.access_token(metadata.jwks_uri(), token, &rules).await
    }

    /// Verifies an ID token that came by another way than a sign-in of this library,
    /// for example from a native app: signature, issuer, audience (the client id),
    /// times and kind, and the nonce if one was sent.
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of fetching metadata and keys.
    pub async fn verify_id_token(&self, token: &str, nonce: Option<&str>) -> Result<VerifiedIdToken> {
        let config = &self.0.config;
        let metadata = self.metadata().await?;
        let rules = IdTokenRules {
            issuer: &config.issuer,
            client_id: &config.client_id,
            nonce,
            access_token: None,
            max_age: None,
            acr_values: &[],
            trust: Trust::Anonymous,
        };
        self.0.verifier.id_token(metadata.jwks_uri(), token, &rules).await
    }

    /// The metadata of the issuer, from the cache if it is there.
    async fn metadata(&self) -> Result<Arc<Metadata>> {
        self.0.discovery.metadata().await
    }
}

impl fmt::Debug for OktaAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaAuth").field("issuer", &self.0.config.issuer).finish_non_exhaustive()
    }
}
