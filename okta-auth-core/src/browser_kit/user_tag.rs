//! An opaque tag of a user, by which a script recognizes the same user again.
//!
//! A page compares the tag before and after a sign-in. It never needs the subject, which may identify a person to other
//! applications of the org.

use aws_lc_rs::hmac;

use crate::base64url;
use crate::config::Config;
use crate::cookie::CookieKeys;
use crate::error::Result;
use crate::session::Session;

const BYTES: usize = 16;

/// Computes the tags of one application, or of one tenant: HMAC-SHA-256, truncated to 128 bits.
pub(crate) struct UserTags {
    key: hmac::Key,
    owner: String,
}

impl UserTags {
    pub(super) fn new(keys: &CookieKeys, config: &Config) -> Result<Self> {
        let (owner, client_id) = config.owner();
        Ok(Self { key: keys.mac_key("user tag")?, owner: format!("{owner} {client_id}") })
    }

    /// Returns the tag of the session's user. It stays the same in later sessions, until the first cookie secret
    /// changes.
    pub(super) fn of(&self, session: &Session) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [&self.owner, session.issuer(), session.subject()] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        base64url::encode(context.sign().as_ref().get(..BYTES).unwrap_or_default())
    }
}

opaque_debug!(UserTags);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::secret::Secret;

    fn tag(secrets: &[&str], client: &str) -> String {
        let config = Config::builder().issuer("https://issuer.example").client_id(client).build().unwrap();
        let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        let tags = UserTags::new(&CookieKeys::new(&secrets), &config).unwrap();
        tags.of(&Session::sample(0, Timestamp::from_seconds(1_700_000_000)))
    }

    #[test]
    fn a_tag_depends_on_the_first_secret_and_on_the_application() {
        let (one, two) = ("a secret for tests, 32 bytes or more", "another secret, of 32 bytes or more");
        assert_eq!(tag(&[one], "app"), tag(&[one, two], "app"));
        assert_ne!(tag(&[one], "app"), tag(&[two, one], "app"));
        assert_ne!(tag(&[one], "app"), tag(&[one], "other"));
    }
}
