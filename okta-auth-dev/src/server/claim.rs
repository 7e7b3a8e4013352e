//! Custom claims of a custom authorization server.
//!
//! At Okta the value is an expression. This org supports the two most common kinds: a literal, and an attribute of the
//! user.

use serde_json::{Value, json};

use crate::error::Error;
use crate::user::User;

/// Claims with a standard meaning, which the org sets itself.
const RESERVED: [&str; 20] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "ver",
    "cid",
    "uid",
    "scp",
    "scope",
    "auth_time",
    "acr",
    "amr",
    "idp",
    "nonce",
    "at_hash",
    "azp",
    "cnf",
];

const USER: &str = "user.";

/// A claim with a literal value, or with an attribute of the user.
///
/// Text that starts with `user.` is an attribute: `user.id`, `user.login`, `user.email`, `user.firstName`,
/// `user.lastName`, `user.mobilePhone`, or the name of one of [`User::claims`], such as `user.department`. Other values
/// are literals. The claim is omitted if the user does not have the attribute, or if there is no user
/// (`client_credentials`).
///
/// ```
/// use okta_auth_dev::CustomClaim;
///
/// let department = CustomClaim::new("department", "user.department").in_id_token(true);
/// let limits = CustomClaim::new("limits", serde_json::json!({"orders": 10})).with_scope("orders:write");
/// assert!(department.in_access_token && !limits.in_id_token);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CustomClaim {
    /// The name of the claim.
    pub name: String,
    /// A literal, or the text `user.` followed by the name of an attribute.
    pub value: Value,
    /// Whether ID tokens and userinfo carry the claim; Okta's claim type `IDENTITY`.
    pub in_id_token: bool,
    /// Whether thin ID tokens carry the claim: Okta's *Always* or *Userinfo / id_token request*.
    pub always: bool,
    /// Whether access tokens carry the claim; Okta's claim type `RESOURCE`.
    pub in_access_token: bool,
    /// The claim requires one of these scopes; empty for no requirement.
    pub scopes: Vec<String>,
}

impl CustomClaim {
    /// Creates a claim of access tokens.
    pub fn new(name: impl Into<String>, value: impl Into<Value>) -> Self {
        let (name, value) = (name.into(), value.into());
        Self { name, value, in_id_token: false, always: true, in_access_token: true, scopes: Vec::new() }
    }

    /// Sets whether thin ID tokens carry a claim of ID tokens; true by default. With false, only userinfo returns it.
    pub fn always(mut self, yes: bool) -> Self {
        self.always = yes;
        self
    }

    /// Sets whether ID tokens and userinfo carry the claim.
    pub fn in_id_token(mut self, yes: bool) -> Self {
        self.in_id_token = yes;
        self
    }

    /// Sets whether access tokens carry the claim.
    pub fn in_access_token(mut self, yes: bool) -> Self {
        self.in_access_token = yes;
        self
    }

    /// Adds a scope. The claim requires one of the added scopes.
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Returns name and value for a user or a service; `None` if no required scope is granted or the attribute does not
    /// exist.
    pub(crate) fn issued(&self, user: Option<&User>, granted: &[String]) -> Option<(String, Value)> {
        if !self.scopes.is_empty() && !self.scopes.iter().any(|scope| granted.contains(scope)) {
            return None;
        }
        let value = match self.value.as_str().and_then(|text| text.strip_prefix(USER)) {
            Some(name) => attribute(user?, name)?,
            None => self.value.clone(),
        };
        Some((self.name.clone(), value))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.name.is_empty() || RESERVED.contains(&self.name.as_str()) {
            return Err(Error::config(format_args!(
                "`{}` cannot be a custom claim: the org sets it itself; choose another name",
                self.name
            )));
        }
        Ok(())
    }
}

/// Returns an attribute by Okta's name or by the name of the claim.
fn attribute(user: &User, name: &str) -> Option<Value> {
    Some(match name {
        "id" => json!(user.id),
        "login" => json!(user.login),
        "email" => json!(user.email),
        "firstName" | "given_name" => json!(user.given_name),
        "lastName" | "family_name" => json!(user.family_name),
        "displayName" | "name" => json!(user.full_name()),
        "mobilePhone" | "phone_number" => json!(user.phone_number.as_ref()?),
        other => user.claims.get(other)?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_literal_or_an_attribute() {
        let ada = User::ada().claim("department", "Mathematics");
        let value = |value: Value, user| CustomClaim::new("c", value).issued(user, &[]).map(|(_, value)| value);
        assert_eq!(value(json!({"a": 1}), None), Some(json!({"a": 1})));
        assert_eq!(value(json!("users"), None), Some(json!("users")));
        assert_eq!(value(json!("user.login"), Some(&ada)), Some(json!("ada@example.test")));
        assert_eq!(value(json!("user.department"), Some(&ada)), Some(json!("Mathematics")));
        assert_eq!(value(json!("user.lastName"), Some(&ada)), Some(json!("Lovelace")));
        assert_eq!(value(json!("user.mobilePhone"), Some(&ada)), None);
        assert_eq!(value(json!("user.login"), None), None);
        assert!(CustomClaim::new("sub", 1).check().is_err());
    }
}
