//! Nonces of an API for DPoP proofs (RFC 9449 §9). A client cannot make the proofs of later requests in advance,
//! because it does not know their nonce.
//!
//! A nonce is the time of its creation, sealed with the cookie keys. The API stores nothing, and every replica with the
//! same secrets opens it. Another tenant or API with these secrets does not. In the second half of its lifetime, or
//! after a rotation of the secrets, the response to a request with the nonce has a new one, so that a client which
//! calls steadily is never refused.

use std::time::Duration;

use http::HeaderValue;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::{CookieKeys, Purpose, Sealer};
use crate::error::{Code, Error, Result};

/// Creates and opens the nonces of one API.
pub(super) struct DpopNonces {
    sealer: Sealer,
    /// The identifier of the API (RFC 9728 §2).
    resource: String,
    lifetime: Duration,
    /// The difference between the clocks of two replicas.
    leeway: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nonce {
    Fresh,
    /// Still accepted, but the client needs a new one soon.
    Old,
    /// Missing, expired, or not of this API.
    Invalid,
}

impl DpopNonces {
    /// Returns `None` unless the API requires nonces.
    pub(super) fn of(config: &Config, keys: &CookieKeys) -> Result<Option<Self>> {
        let Some(lifetime) = config.app.options.dpop_nonce_lifetime else { return Ok(None) };
        let (owner, client_id) = config.owner();
        let sealer = keys.sealer(Purpose::DpopNonce, &format!("{owner} {client_id}"))?;
        Ok(Some(Self { sealer, resource: config.app.resource.clone(), lifetime, leeway: config.app.options.leeway }))
    }

    pub(super) fn issue(&self, now: Timestamp) -> Result<HeaderValue> {
        let nonce = self.sealer.seal(&self.resource, &now.seconds().to_be_bytes())?;
        HeaderValue::try_from(nonce)
            .map_err(|error| Error::new(Code::Internal, "a nonce is no header").with_cause(error))
    }

    pub(super) fn check(&self, nonce: Option<&str>, now: Timestamp) -> Nonce {
        let Some(opened) = nonce.and_then(|nonce| self.sealer.open(&self.resource, nonce)) else {
            return Nonce::Invalid;
        };
        let Ok(seconds) = opened.plain().try_into() else { return Nonce::Invalid };
        let issued = Timestamp::from_seconds(i64::from_be_bytes(seconds));
        if issued > now.plus(self.leeway) || now >= issued.plus(self.lifetime) {
            Nonce::Invalid
        } else if opened.needs_reseal || now >= issued.plus(self.lifetime / 2) {
            Nonce::Old
        } else {
            Nonce::Fresh
        }
    }
}

opaque_debug!(DpopNonces, |it| lifetime: it.lifetime);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigBuilder;
    use crate::secret::Secret;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn nonces(change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> DpopNonces {
        let config = ConfigBuilder::default().issuer("https://acme.okta.com/oauth2/default").api_only();
        let config = config.base_url("https://api.example").require_dpop_nonce(Duration::from_secs(300));
        DpopNonces::of(&change(config).build().unwrap(), &keys()).unwrap().unwrap()
    }

    fn keys() -> CookieKeys {
        CookieKeys::new(&[Secret::new("a secret of an API for tests, with 32 bytes")])
    }

    #[test]
    fn a_nonce_is_bound_to_its_issuer_tenant_client_and_api() {
        let ours = nonces(|config| config);
        let nonce = ours.issue(NOW).unwrap();
        let nonce = Some(nonce.to_str().unwrap());
        assert_eq!(nonces(|config| config).check(nonce, NOW), Nonce::Fresh);
        assert_eq!(
            nonces(|config| config.issuer("https://acme.okta.com/oauth2/other")).check(nonce, NOW),
            Nonce::Invalid
        );
        assert_eq!(nonces(|config| config.tenant("acme")).check(nonce, NOW), Nonce::Invalid);
        assert_eq!(nonces(|config| config.client_id("0oa1")).check(nonce, NOW), Nonce::Invalid);
        assert_eq!(nonces(|config| config.base_url("https://other.example")).check(nonce, NOW), Nonce::Invalid);
        assert_eq!(nonces(|config| config.resource("https://api.example/v2")).check(nonce, NOW), Nonce::Invalid);
    }

    /// A cookie of the same application, with the time as its text.
    #[test]
    fn a_sealed_value_for_another_purpose_is_no_nonce() {
        let ours = nonces(|config| config);
        let seal = |purpose| {
            let sealer = keys().sealer(purpose, "https://acme.okta.com/oauth2/default ").unwrap();
            sealer.seal("https://api.example", &NOW.seconds().to_be_bytes()).unwrap()
        };
        assert_eq!(ours.check(Some(&seal(Purpose::DpopNonce)), NOW), Nonce::Fresh, "control");
        for purpose in [Purpose::Session, Purpose::PendingLogin, Purpose::StoredSession, Purpose::SignOut] {
            assert_eq!(ours.check(Some(&seal(purpose)), NOW), Nonce::Invalid, "{purpose:?}");
        }
        let short = ours.sealer.seal(&ours.resource, b"1800000").unwrap();
        assert_eq!(ours.check(Some(&short), NOW), Nonce::Invalid);
    }
}
