//! What handlers ask of a session: the claims, in several forms.

use std::any::TypeId;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::record::Session;
use crate::error::{Code, Error, Result};

/// The claims that handlers ask for most, read when one first does.
#[derive(Clone, Default)]
pub(super) struct Profile {
    name: Option<String>,
    email: Option<String>,
    groups: Vec<String>,
}

impl Session {
    /// What the user is called: `name`, or else `preferred_username`, `email`, or the
    /// subject.
    pub fn name(&self) -> &str {
        self.profile().name.as_deref().unwrap_or(&self.record.subject)
    }

    /// The e-mail address, if Okta tells it.
    pub fn email(&self) -> Option<&str> {
        self.profile().email.as_deref()
    }

    /// The strings of the `groups` claim. A single string is a list of one and is never
    /// split; elements that are not strings are left out.
    pub fn groups(&self) -> &[String] {
        &self.profile().groups
    }

    /// Every claim: those of the ID token, and what userinfo added.
    pub fn all_claims(&self) -> &Map<String, Value> {
        self.parsed.get_or_init(|| serde_json::from_slice(self.claims_json()).unwrap_or_default())
    }

    /// Every claim, as JSON.
    pub(super) fn claims_json(&self) -> &[u8] {
        match &self.record.claims {
            Some(claims) => claims.as_bytes(),
            None => self.shown.get_or_init(|| self.tokens.id_token_payload().unwrap_or_default()),
        }
    }

    /// The claims as a type of the application's own. `()` asks for none.
    ///
    /// Claims that the type does not name are ignored, as is usual with `serde`; those
    /// that it names and that are missing, or of another type, are an error.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if they do not fit `C`.
    pub fn claims<C: DeserializeOwned + 'static>(&self) -> Result<C> {
        let nothing = TypeId::of::<C>() == TypeId::of::<()>();
        let source = if nothing { b"null" } else { self.claims_json() };
        serde_json::from_slice(source).map_err(|error| mismatch("the claims of the session", error))
    }

    /// What the `on_sign_in` hook stored under `name`.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if it is there but does not fit `T`.
    pub fn app_data<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let mut data: Map<String, Value> =
            serde_json::from_str(&self.record.app_data).map_err(|error| mismatch("the application's data", error))?;
        let value = data.remove(name).map(serde_json::from_value).transpose();
        value.map_err(|error| mismatch("the application's data", error))
    }

    /// The claims for display, read once. Claims of another type than expected are
    /// none.
    fn profile(&self) -> &Profile {
        self.profile.get_or_init(|| {
            let claims = self.all_claims();
            let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let name = text("name").or_else(|| text("preferred_username")).or_else(|| text("email"));
            Profile {
                name: name.map(str::to_owned),
                email: text("email").map(str::to_owned),
                groups: claims.get("groups").map(strings).unwrap_or_default(),
            }
        })
    }
}

/// The strings of a list, or a string as a list of one.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(only) => vec![only.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Names the claims that are not of the type that they should be, for the log: what is
/// wrong in them is left out, and access may be missing because of it.
pub(super) fn log_wrong_types(claims: &Map<String, Value>, issuer: &str) {
    let is_list = |value: &Value| match value {
        Value::Array(list) => list.iter().all(Value::is_string),
        other => other.is_string(),
    };
    let wrong = |name: &str, is_right: &dyn Fn(&Value) -> bool| {
        claims.get(name).is_some_and(|value| !value.is_null() && !is_right(value))
    };
    for claim in ["groups", "amr"].into_iter().filter(|name| wrong(name, &is_list)) {
        let message = "a claim is no list of strings: what is no string is left out, and policies about it deny";
        tracing::warn!(target: "okta_auth", claim, issuer, "{message}");
    }
    for claim in ["email", "name", "preferred_username"].into_iter().filter(|name| wrong(name, &Value::is_string)) {
        tracing::warn!(target: "okta_auth", claim, issuer, "a claim is no string, and counts as missing");
    }
}

/// The error names no claim and no value.
fn mismatch(what: &str, error: serde_json::Error) -> Error {
    Error::new(Code::ClaimsMismatch, format!("{what} do not fit the type that was asked for")).with_cause(error)
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
    fn claims_are_read_as_the_type_asked_for() {
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
    fn groups_are_strings_and_a_string_is_one_group() {
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
