//! For whom an agent acts.

use serde_json::Value;

/// The subject of an ID-JAG, and of the access tokens that it is exchanged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delegation {
    /// The claim `sub`: a user, or the service that started the chain.
    pub(crate) subject: String,
    /// The claim `act`: the agents, the latest one outside. `None` for an app that is no agent.
    pub(crate) act: Option<Value>,
    /// The claim `sub_profile`: `service` for a subject that is no user.
    pub(crate) sub_profile: Option<String>,
}
