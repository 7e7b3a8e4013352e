//! The identifiers of a session that logout messages name: its subject, its e-mail address and its session at Okta.

use serde_json::{Map, Value};

use super::email::Email;
use super::index_keys::{IndexKeys, SessionKeys};
use super::record::{PreviousIdentifiers, Session};

impl Session {
    /// Returns its session at Okta (`sid`). If a refresh omitted the claim, the earlier value counts.
    pub(crate) fn okta_session(&self) -> Option<&str> {
        filled(self.all_claims(), "sid").or(self.record.earlier.okta_session.as_deref())
    }

    /// The earlier values to keep if `claims` replace the current claims.
    pub(super) fn earlier_than(&self, claims: &Map<String, Value>) -> PreviousIdentifiers {
        let (now, before) = (self.all_claims(), &self.record.earlier);
        let left_out = |name: &str, before: &Option<String>| match filled(claims, name) {
            Some(_) => None,
            None => filled(now, name).map(str::to_owned).or_else(|| before.clone()),
        };
        PreviousIdentifiers {
            okta_session: left_out("sid", &before.okta_session),
            email: left_out("email", &before.email),
        }
    }

    /// Returns the index keys of this session, computed on first use.
    ///
    /// Claims that are missing, empty or invalid get no key: an empty `sid` would be shared by all sessions without
    /// one.
    pub(crate) fn names(&self, index_keys: &IndexKeys) -> &SessionKeys {
        self.names.get_or_init(|| {
            let earlier = self.record.earlier.email.as_deref();
            let email = filled(self.all_claims(), "email").or(earlier);
            index_keys.of_session(&self.record.id, self.subject(), (self.okta_session(), email.and_then(Email::parse)))
        })
    }
}

fn filled<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;
    use crate::config::Config;

    #[test]
    fn a_session_has_a_key_for_each_claim_that_is_present() {
        let config = Config::builder().issuer("https://issuer.example").client_id("client").build().unwrap();
        let index_keys = IndexKeys::of(&config);
        let session = |claims: Value| Session::with_claims(claims.as_object().unwrap(), Timestamp::from_seconds(1));
        let all = session(json!({"sub": "00u1", "sid": "s", "email": "A@b.example"}));
        let names = all.names(&index_keys);
        assert_eq!(names.others.len(), 3);
        assert!(names.others.contains(&index_keys.email(&Email::parse("a@B.example").unwrap())));
        assert_eq!(session(json!({"sub": "00u1", "sid": "", "email": 7})).names(&index_keys).others.len(), 1);
    }
}
