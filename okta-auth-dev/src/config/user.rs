//! The table of a user, used by settings files and the test API.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::user::User;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserTable {
    /// The username, usually an e-mail address.
    pub(crate) login: String,
    password: String,
    given_name: Option<String>,
    family_name: Option<String>,
    /// The login by default.
    email: Option<String>,
    phone_number: Option<String>,
    groups: Option<Vec<String>>,
    /// The authentication methods; `["pwd"]` by default.
    amr: Option<Vec<String>>,
    /// Whether the user has a second factor; true by default.
    second_factor: Option<bool>,
    #[serde(default)]
    claims: Map<String, Value>,
}

impl UserTable {
    /// Converts the table; missing members get the defaults of [`User::new`].
    pub(crate) fn user(self) -> User {
        let user = User::new(self.login, self.password);
        User {
            given_name: self.given_name.unwrap_or(user.given_name),
            family_name: self.family_name.unwrap_or(user.family_name),
            email: self.email.unwrap_or(user.email),
            phone_number: self.phone_number,
            groups: self.groups.unwrap_or(user.groups),
            amr: self.amr.unwrap_or(user.amr),
            second_factor: self.second_factor.unwrap_or(user.second_factor),
            claims: self.claims,
            id: user.id,
            login: user.login,
            password: user.password,
            email_verified: true,
        }
    }
}

impl From<User> for UserTable {
    fn from(user: User) -> Self {
        Self {
            login: user.login,
            password: user.password,
            given_name: Some(user.given_name),
            family_name: Some(user.family_name),
            email: Some(user.email),
            phone_number: user.phone_number,
            groups: Some(user.groups),
            amr: Some(user.amr),
            second_factor: Some(user.second_factor),
            claims: user.claims,
        }
    }
}
