//! The only orchestrator: a request's parts go in, an outcome comes out.
//!
//! The engine decides everything: redirect or 401, cookies, cache headers, pages. An adapter for a web framework
//! only translates, so two frameworks cannot disagree.

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
pub use hook::{Refusal, SignIn, SignInHook};
pub use reply::Reply;
pub use routes::Endpoint;
pub use signed_in::SignedIn;
pub use visit::{Challenge, Visit};

use crate::clock::SharedClock;
use crate::config::{Config, ConfigBuilder};
use crate::discovery::{Discovery, Metadata};
use crate::error::Result;
use crate::jose::Verifier;
use crate::login::{Attempts, Consumed};
use crate::protocol::Protocol;
use crate::session::CookieStore;

/// Okta for one application: cheap to clone, and to be shared by all workers.
///
/// Making one touches no network. Metadata and keys are fetched when they are first needed and kept fresh in
/// the background, so the application starts, and serves its public pages, while Okta is away.
#[derive(Clone)]
pub struct OktaAuth(Arc<Inner>);

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
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every problem with its fix.
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

    async fn metadata(&self) -> Result<Arc<Metadata>> {
        self.0.discovery.metadata().await
    }
}

impl fmt::Debug for OktaAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaAuth").field("issuer", &self.0.config.issuer).finish_non_exhaustive()
    }
}
