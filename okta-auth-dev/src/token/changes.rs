//! Changes that a test makes to a token.

use serde_json::Value;

use super::draft::Draft;

/// Changes that a test makes to a token by name. A null removes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Claims, in the order of the calls.
    claims: Vec<(String, Value)>,
    header: Vec<(String, Value)>,
}

impl Changes {
    pub(crate) fn claim(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.claims.push((name.into(), value.into()));
    }

    pub(crate) fn header(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.header.push((name.into(), value.into()));
    }

    /// Applies the changes. Header changes are applied after the key, so they may contradict it.
    pub(crate) fn apply(&self, draft: &mut Draft) {
        self.claims.iter().for_each(|(name, value)| draft.claim(name, value.clone()));
        self.header.iter().for_each(|(name, value)| draft.header(name, value.clone()));
    }
}
