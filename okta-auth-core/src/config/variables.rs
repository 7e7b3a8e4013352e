//! The sources of settings: the `OKTA_*` variables and the proxy variables.
//!
//! The variables are read once into a snapshot. A setting therefore cannot change between two checks, and tests need
//! not modify the environment of their process, which all threads share.
//!
//! Other variables are not copied, because the environment contains unrelated secrets.

use std::collections::HashMap;
use std::fmt;

use super::env::{CLIENT_SECRET, NO_PROXY, PROXIES, TENANTS};
use super::problem::Diagnostics;
use super::slips;

/// A snapshot of the `OKTA_*` variables and the proxy variables. Empty values count as absent, because a shell script
/// with an unset variable produces them.
#[derive(Clone, Default)]
pub(crate) struct Variables(HashMap<String, String>);

impl Variables {
    pub(crate) fn from_process() -> Self {
        Self::from_pairs(std::env::vars_os().filter_map(|(name, value)| {
            // Values of supported variables are UTF-8.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// Takes a snapshot from any source. Unrelated names and empty values are dropped.
    ///
    /// Whitespace around a value is trimmed, because a secret from a file often ends with a line break. If a name
    /// occurs twice, the later value counts.
    pub(crate) fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        let is_ours = |name: &str| name.starts_with("OKTA_") || PROXIES.contains(&name) || NO_PROXY.contains(&name);
        let ours = pairs.filter(|(name, value)| is_ours(name) && !value.trim().is_empty());
        Self(ours.map(|(name, value)| (name, value.trim().to_owned())).collect())
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn first_of(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| Some((*name, self.value(name)?)))
    }

    /// Whether any variable identifies an org or a client, under its own name or that of another library.
    pub(crate) fn name_a_client(&self) -> bool {
        self.0.keys().any(|name| slips::is_of_a_client(name))
    }

    /// Removes the settings that belong to one client.
    ///
    /// They are the issuer, the client id, and every credential, because one client's secret must not be sent to the
    /// org of another.
    pub(crate) fn without_credentials(&self) -> Self {
        let others = self.0.iter().filter(|(name, _)| !slips::is_of_a_client(name));
        Self(others.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Removes the client secret and keeps the private key.
    pub(crate) fn without_secret(&self) -> Self {
        let others = self.0.iter().filter(|(name, _)| name.as_str() != CLIENT_SECRET);
        Self(others.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Reports variables under wrong names: as an error if the intended setting is missing, and as a warning otherwise.
    /// `is_set` returns whether a setting is present.
    ///
    /// Variables of tenants are excluded: `OKTA_APP_CLIENT_ID` is correct if `app` is in `OKTA_TENANTS`.
    pub(crate) fn report_slips(&self, is_set: impl Fn(&str) -> bool, findings: &mut Diagnostics) {
        let tenants = self.value(TENANTS).unwrap_or_default().split(',').map(|id| id.trim().to_ascii_uppercase());
        let prefixes: Vec<String> = tenants.map(|id| format!("OKTA_{}_", id.replace('-', "_"))).collect();
        let is_of_a_tenant = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
        let mut names: Vec<&String> = self.0.keys().filter(|name| !is_of_a_tenant(name)).collect();
        names.sort();
        for (name, meant) in names.into_iter().filter_map(|name| Some((name, slips::meant_by(name)?))) {
            if is_set(meant) {
                findings.warning(meant, format!("`{name}` is set too, but has no effect; remove it"));
            } else {
                findings.error(
                    meant,
                    format!(
                        "`{name}` is set, but the name that is read is `{meant}`; rename it, or set `{meant}` as well \
                         if `{name}` belongs to another program"
                    ),
                );
            }
        }
    }
}

/// Shows only the names, because some values are secrets.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
