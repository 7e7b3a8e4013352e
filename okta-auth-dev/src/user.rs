//! The users of the org.
//!
//! They are fictitious, so their passwords are printed, listed on the sign-in page, and compared in plain text.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};

/// The login of the first test user, Ada Lovelace, in the groups `Everyone` and `Admins`.
pub const ADA: &str = "ada@example.test";
/// The password of [`ADA`].
pub const ADA_PASSWORD: &str = "correct-horse-1";
/// The login of the second test user, Ben Okri, in the groups `Everyone` and `Staff`.
pub const BEN: &str = "ben@example.test";
/// The password of [`BEN`].
pub const BEN_PASSWORD: &str = "correct-horse-2";
/// The login of Sam Selvon, who exists in the org of every customer, see
/// [`OrgBuilder::customer`](crate::OrgBuilder::customer).
pub const SAM: &str = "sam@partner.test";
/// The password of [`SAM`].
pub const SAM_PASSWORD: &str = "correct-horse-4";

/// A user of the org.
///
/// ```
/// use okta_auth_dev::User;
///
/// let eve = User::new("eve@example.test", "correct-horse-3").name("Eve", "Polastri").groups(["Everyone", "MI6"]);
/// assert!(eve.id.starts_with("00u"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct User {
    /// The Okta user id, `00u` and 17 characters: `sub` of ID tokens and `uid` of access tokens.
    pub id: String,
    /// The login, by default also the e-mail address: `sub` of access tokens.
    pub login: String,
    /// The password in plain text, because the users are fictitious.
    pub password: String,
    /// The claim `given_name`.
    pub given_name: String,
    /// The claim `family_name`.
    pub family_name: String,
    /// The claim `email`.
    pub email: String,
    /// The claim `email_verified`. OIN apps must not rely on it.
    pub email_verified: bool,
    /// The claim `phone_number`.
    pub phone_number: Option<String>,
    /// The names of the user's groups.
    pub groups: Vec<String>,
    /// The initial claim `amr`: how the user signs in. With `mfa`, the password page satisfies the `2fa` values of
    /// `acr_values`.
    pub amr: Vec<String>,
    /// Whether the user has a second factor, which the org requests if `acr_values` requires it.
    pub second_factor: bool,
    /// Additional claims of the scope `profile`; they replace claims of the same name.
    pub claims: Map<String, Value>,
}

impl User {
    /// Creates a user in the group `Everyone` whose login is an e-mail address. The id is derived from the login, so it
    /// is the same in every run.
    ///
    /// The name is derived from the login until [`User::name`] sets it.
    pub fn new(login: impl Into<String>, password: impl Into<String>) -> Self {
        let login = login.into();
        Self {
            id: user_id(&login),
            given_name: login.split('@').next().unwrap_or_default().to_owned(),
            family_name: "Example".to_owned(),
            email: login.clone(),
            email_verified: true,
            phone_number: None,
            groups: vec!["Everyone".to_owned()],
            amr: vec!["pwd".to_owned()],
            second_factor: true,
            claims: Map::new(),
            password: password.into(),
            login,
        }
    }

    /// Ada Lovelace, in `Everyone` and `Admins`.
    pub fn ada() -> Self {
        Self::new(ADA, ADA_PASSWORD).name("Ada", "Lovelace").groups(["Everyone", "Admins"])
    }

    /// Ben Okri, in `Everyone` and `Staff`.
    pub fn ben() -> Self {
        Self::new(BEN, BEN_PASSWORD).name("Ben", "Okri").groups(["Everyone", "Staff"])
    }

    /// Sets the given name and the family name.
    pub fn name(mut self, given: impl Into<String>, family: impl Into<String>) -> Self {
        self.given_name = given.into();
        self.family_name = family.into();
        self
    }

    /// Replaces the groups. At Okta every user is in `Everyone`, so include it.
    pub fn groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// Replaces the methods that the password page stands for, for instance `["pwd", "otp", "mfa"]`.
    ///
    /// Okta's values (RFC 8176 and some of its own) are `pwd`, `otp`, `sms`, `swk`, `hwk`, `pop`, `mfa` and so on.
    /// Without `mfa`, a request for `urn:okta:loa:2fa:any` leads to a second page, which adds `otp` and `mfa` to the
    /// session; with `mfa`, there is no second page.
    pub fn amr<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.amr = methods.into_iter().map(Into::into).collect();
        self
    }

    /// Sets whether the user has a second factor; true by default.
    ///
    /// Without one, and without `mfa` in [`User::amr`], a request for `urn:okta:loa:2fa:any` fails with
    /// `unmet_authentication_requirements`, and `urn:okta:loa:2fa:any:ifpossible` accepts the password.
    ///
    /// ```
    /// use okta_auth_dev::User;
    ///
    /// let newcomer = User::new("eve@example.test", "correct-horse-3").second_factor(false);
    /// assert!(User::ada().second_factor && !newcomer.second_factor);
    /// ```
    pub fn second_factor(mut self, has_one: bool) -> Self {
        self.second_factor = has_one;
        self
    }

    /// Adds a claim of the scope `profile`.
    ///
    /// ```
    /// use okta_auth_dev::User;
    ///
    /// let user = User::ada().claim("department", "Mathematics").claim("zoneinfo", "Europe/London");
    /// assert_eq!(user.claims["department"], "Mathematics");
    /// ```
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Returns the claim `name`.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name).trim().to_owned()
    }
}

/// `00u` and 17 hexadecimal digits of the SHA-256 of the login.
fn user_id(login: &str) -> String {
    let hash = digest(&SHA256, login.to_lowercase().as_bytes());
    let digits: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("00u{}", digits.chars().take(17).collect::<String>())
}
