//! The claims of a session, in the forms that handlers need.

use std::any::TypeId;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::profile::Profile;
use super::record::Session;
use crate::error::{Code, Error, Result};

impl Session {
    /// Returns the user's display name: `name`, or else `preferred_username`, `email`, or the subject.
    pub fn name(&self) -> &str {
        self.profile().name.as_deref().unwrap_or(&self.record.subject)
    }

    /// Returns the e-mail address, if the claims have one.
    pub fn email(&self) -> Option<&str> {
        self.profile().email.as_deref()
    }

    /// Returns the strings of the `groups` claim. A single string is a list of one and is never split. Elements that
    /// are not strings are ignored.
    pub fn groups(&self) -> &[String] {
        &self.profile().groups
    }

    /// Returns all claims: those of the ID token, and those that userinfo added.
    pub fn all_claims(&self) -> &Map<String, Value> {
        self.parsed.get_or_init(|| serde_json::from_slice(self.claims_json()).unwrap_or_default())
    }

    pub(super) fn claims_json(&self) -> &[u8] {
        match &self.record.claims {
            Some(claims) => claims.as_bytes(),
            None => self.shown.get_or_init(|| self.tokens.id_token_payload().unwrap_or_default()),
        }
    }

    /// Deserializes the claims into the application's own type. Use `()` to read no claims.
    ///
    /// Claims without a field in the type are ignored, as is usual with `serde`. A claim that the type requires must be
    /// present and of the right type.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if the claims do not fit `C`.
    pub fn claims<C: DeserializeOwned + 'static>(&self) -> Result<C> {
        let nothing = TypeId::of::<C>() == TypeId::of::<()>();
        let source = if nothing { b"null" } else { self.claims_json() };
        serde_json::from_slice(source).map_err(|error| mismatch("the claims of the session", error))
    }

    /// Returns the value that the `on_sign_in` hook stored under `name`.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if the value is present but does not fit `T`.
    pub fn app_data<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let mut data: Map<String, Value> =
            serde_json::from_str(&self.record.app_data).map_err(|error| mismatch("the application's data", error))?;
        let value = data.remove(name).map(serde_json::from_value).transpose();
        value.map_err(|error| mismatch("the application's data", error))
    }

    fn profile(&self) -> &Profile {
        self.profile.get_or_init(|| Profile::new(self.all_claims()))
    }
}

/// The error contains no claim names and no values.
fn mismatch(what: &str, error: serde_json::Error) -> Error {
    Error::new(Code::ClaimsMismatch, format!("{what} do not fit the requested type")).with_cause(error)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::clock::Timestamp;

    #[derive(Debug, Deserialize)]
    struct Claims {
        email: String,
    }

    #[derive(Debug, Deserialize)]
    struct Others {
        #[expect(dead_code, reason = "it is not in the session")]
        department: String,
    }

    #[test]
    fn claims_are_read_as_the_requested_type() {
        let session = Session::sample(3, Timestamp::from_seconds(1));
        assert_eq!((session.name(), session.email(), session.groups().len()), ("xxx", Some("a@b.example"), 2));
        session.claims::<()>().unwrap();
        assert_eq!(session.claims::<Claims>().unwrap().email, "a@b.example");
        assert_eq!(session.claims::<Others>().unwrap_err().code(), Code::ClaimsMismatch);
        assert_eq!(session.app_data::<String>("role").unwrap().as_deref(), Some("owner"));
        assert_eq!(session.app_data::<String>("other").unwrap(), None);
        assert_eq!(session.app_data::<u8>("role").unwrap_err().code(), Code::ClaimsMismatch);
    }

    #[test]
    fn groups_are_strings_and_a_single_string_is_one_group() {
        for (claim, groups) in [
            (r#"["A","B, C"]"#, &["A", "B, C"][..]),
            (r#""A B,C""#, &["A B,C"]),
            (r#"["A",7,null,["B"],{"name":"C"}]"#, &["A"]),
            ("[]", &[]),
            ("7", &[]),
            ("null", &[]),
            (r#"{"A":true}"#, &[]),
        ] {
            let mut session = Session::sample(0, Timestamp::from_seconds(1));
            std::sync::Arc::make_mut(&mut session.record).claims = Some(format!(r#"{{"groups":{claim}}}"#));
            assert_eq!(session.groups(), groups, "{claim}");
            assert_eq!(session.name(), "00u1");
        }
    }
}
