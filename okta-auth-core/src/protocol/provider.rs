//! One authorization server, with all that is needed to talk to it and to trust its tokens.

use std::sync::Arc;

use super::client::ProviderClient;
use crate::config::Config;
use crate::discovery::{Discovery, Metadata};
use crate::jose::Verifier;

/// An authorization server as an application uses it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) config: Arc<Config>,
    pub(crate) discovery: Discovery,
    pub(crate) protocol: ProviderClient,
    pub(crate) verifier: Arc<Verifier>,
}

impl Provider {
    /// Returns the context of one exchange with the server, whose metadata the caller has fetched.
    pub(crate) fn context<'a>(&'a self, metadata: &'a Metadata) -> ProviderContext<'a> {
        ProviderContext { config: &self.config, metadata, protocol: &self.protocol, verifier: &self.verifier }
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
