//! The policies of methods and services.

use std::collections::HashMap;

use okta_auth_core::Error;
use okta_auth_core::adapter::invalid_setting;
use okta_auth_core::policy::{Policy, signed_in};

/// Policies by the name of a service, `package.Service`, or of a method, `package.Service/Method`.
#[derive(Clone, Debug, Default)]
pub(crate) struct MethodPolicies(HashMap<String, Vec<Policy>>);

impl MethodPolicies {
    pub(crate) fn add(&mut self, name: &str, policy: Policy) -> Result<(), Error> {
        let (service, method) = name.split_once('/').unwrap_or((name, "Method"));
        if !are_names(service, method) {
            let name = name.escape_default();
            let message = format!("`{name}` names no method; write `package.Service` or `package.Service/Method`");
            return Err(invalid_setting(message));
        }
        self.0.entry(name.to_owned()).or_default().push(policy);
        Ok(())
    }

    /// Returns the policies that must all allow a call; `None` if the path is not that of a method. Paths are compared
    /// byte for byte, as tonic's router does, and other spellings never reach a service that might normalize them.
    pub(crate) fn of(&self, path: &str) -> Option<Vec<Policy>> {
        let name = path.strip_prefix('/')?;
        let (service, _) = name.split_once('/').filter(|(service, method)| are_names(service, method))?;
        let policies = [service, name].into_iter().filter_map(|name| self.0.get(name)).flatten().cloned();
        let policies: Vec<Policy> = policies.collect();
        Some(if policies.is_empty() { vec![signed_in()] } else { policies })
    }
}

/// Whether these are identifiers of Protocol Buffers, with dots in the name of the service.
fn are_names(service: &str, method: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_method = !method.is_empty() && method.bytes().all(fits);
    is_method && !service.is_empty() && service.bytes().all(|byte| fits(byte) || byte == b'.')
}
