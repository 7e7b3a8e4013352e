//! Encrypted ID tokens, with the active faults.

use serde_json::json;

use super::draft::Draft;
use super::issuing::Issuing;
use crate::client::JweAlgorithm;
use crate::error::Error;
use crate::fault::{Fault, JweFault};
use crate::jwe::{self, JweDraft};

/// The size of the nested token of a fault: over 2 MiB.
const HUGE: usize = 2 << 20;

impl Issuing<'_> {
    /// Signs the token, and encrypts it if the client is registered for that.
    pub(super) fn finish(&self, mut draft: Draft) -> Result<String, Error> {
        let faults = &self.org.faults;
        let hit = |fault: JweFault| faults.hit(&Fault::Jwe(fault));
        let client = self.org.client(&self.grant.client_id);
        let Some(algorithm) = client.as_ref().and_then(|client| client.id_token_encrypted_response_alg) else {
            return draft.finish();
        };
        self.check_algorithm(algorithm)?;
        let jwk = client.as_ref().and_then(|client| client.encryption_key(algorithm)).cloned();
        let jwk = jwk.ok_or_else(|| Error::config("the client has no key for encryption (`use` of `enc`)"))?;
        if hit(JweFault::NestedNone) {
            draft.unsigned();
        }
        if hit(JweFault::Huge) {
            draft.claim("padding", json!("x".repeat(HUGE)));
        }
        let nested = draft.finish()?;
        if hit(JweFault::NotEncrypted) {
            return Ok(nested);
        }
        let mut encrypted = JweDraft::new(algorithm, jwk, nested);
        faults.each(|fault| match fault {
            Fault::Jwe(fault) => jwe::apply(fault, &mut encrypted),
            _ => Ok(false),
        })?;
        encrypted.finish()
    }

    fn check_algorithm(&self, algorithm: JweAlgorithm) -> Result<(), Error> {
        let allowed = algorithm != JweAlgorithm::EcdhEsA256Kw || self.org.options.rfc_extensions;
        allowed.then_some(()).ok_or_else(|| {
            Error::config("Okta does not encrypt with ECDH-ES+A256KW; `rfc_extensions` of the org enables it")
        })
    }
}
