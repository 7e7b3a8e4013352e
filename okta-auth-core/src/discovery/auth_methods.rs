//! The client authentication methods that an endpoint accepts by the metadata (RFC 8414 §2).

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A method of client authentication (OIDC Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthMethod {
    SecretBasic,
    SecretPost,
    SecretJwt,
    PrivateKeyJwt,
    None,
}

impl AuthMethod {
    const ALL: [Self; 5] = [Self::SecretBasic, Self::SecretPost, Self::SecretJwt, Self::PrivateKeyJwt, Self::None];

    /// Returns the name in the metadata.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SecretBasic => "client_secret_basic",
            Self::SecretPost => "client_secret_post",
            Self::SecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The methods of one endpoint, without those that this library does not know. `None` if the metadata lists none.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuthMethods(Option<Box<[AuthMethod]>>);

impl AuthMethods {
    /// Whether the metadata lists this method.
    pub(crate) fn contain(&self, method: AuthMethod) -> bool {
        self.0.as_ref().is_some_and(|listed| listed.contains(&method))
    }

    /// Whether the metadata lists methods, and this one is not among them.
    pub(crate) fn exclude(&self, method: AuthMethod) -> bool {
        self.0.is_some() && !self.contain(method)
    }
}

/// A member of another type is not an error, and an empty list says nothing (RFC 8414 §3.2).
impl<'de> Deserialize<'de> for AuthMethods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let member = Value::deserialize(deserializer)?;
        let list = member.as_array().filter(|list| !list.is_empty());
        let is_listed = |list: &Vec<Value>, method: AuthMethod| list.iter().any(|name| name == method.as_str());
        Ok(Self(list.map(|list| AuthMethod::ALL.into_iter().filter(|method| is_listed(list, *method)).collect())))
    }
}

impl fmt::Display for AuthMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().flatten().map(|method| method.as_str()).collect();
        f.write_str(if names.is_empty() { "no method that is supported here" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_methods_of_a_list_count_and_other_members_say_nothing() {
        let read = |member: Value| serde_json::from_value::<AuthMethods>(member).unwrap();
        let listed = read(json!(["none", "client_secret_post", 7, "tls_client_auth", "none", "Client_Secret_Basic"]));
        assert_eq!(listed.to_string(), "client_secret_post, none");
        assert!(listed.contain(AuthMethod::SecretPost) && listed.exclude(AuthMethod::SecretBasic));
        for silent in [json!([]), json!(null), json!("client_secret_post"), json!({"client_secret_post": 1}), json!(1)]
        {
            let silent = read(silent);
            assert!(!silent.contain(AuthMethod::SecretPost) && !silent.exclude(AuthMethod::SecretPost));
        }
        let unknown = read(json!(["tls_client_auth"]));
        assert!(unknown.exclude(AuthMethod::SecretBasic));
        assert_eq!(unknown.to_string(), "no method that is supported here");
    }
}
