//! Request parameters.

use std::collections::HashSet;

use crate::oauth_error::OAuthError;

/// Request parameters, each of which may appear once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// Returns the value if it is not empty (RFC 6749 §3.1 treats an empty value as omitted).
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let value = self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    /// Returns the value, or Okta's error if it is missing.
    pub(crate) fn required(&self, name: &str) -> Result<&str, OAuthError> {
        let missing = || OAuthError::invalid_request(format!("The required parameter '{name}' is missing."));
        self.find(name).ok_or_else(missing)
    }

    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        self.find(name).unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
    }

    /// Returns Okta's error if a parameter appears twice.
    pub(crate) fn check_duplicates(&self) -> Result<(), OAuthError> {
        let mut seen = HashSet::new();
        let unique = self.pairs.iter().all(|(name, _)| seen.insert(name));
        unique.then_some(()).ok_or_else(OAuthError::duplicate_parameter)
    }

    /// The parameters with other values; parameters without a new value stay.
    pub(crate) fn overridden(&self, others: &[(String, String)]) -> Self {
        let stays = |(name, _): &&(String, String)| !others.iter().any(|(other, _)| other == name);
        Self { pairs: self.pairs.iter().filter(stays).chain(others).cloned().collect() }
    }

    /// The parameters with this one, which replaces an earlier value.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        self.overridden(&[(name.to_owned(), value.to_owned())])
    }

    /// The pairs without those of these names.
    pub(crate) fn without(self, names: &[&str]) -> Vec<(String, String)> {
        self.pairs.into_iter().filter(|(name, _)| !names.contains(&name.as_str())).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}
