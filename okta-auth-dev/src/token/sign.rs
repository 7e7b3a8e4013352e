//! Signed tokens, with the active faults.

use serde_json::json;

use super::draft::Draft;
use super::faults::{self, Target};
use super::issuing::Issuing;
use crate::error::Error;
use crate::fault::{DpopFault, Fault};
use crate::random;
use crate::sync::lock;

impl Issuing<'_> {
    /// A signed access token. The org's own server signs with an unpublished key.
    pub(crate) fn access_token(&self) -> Result<String, Error> {
        let mut draft = self.access_token_draft()?;
        if self.grant.jkt.is_some() {
            self.org.faults.each(|fault| Ok::<_, Error>(confirmation(fault, &mut draft)))?;
        }
        self.org.faults.change_members(&mut draft.claims, |fault| match fault {
            Fault::AccessTokenClaim(name, value) => Some((name, value)),
            _ => None,
        });
        if let Some(jti) = draft.claims.get("jti").and_then(serde_json::Value::as_str) {
            lock(&self.org.store).note_access_token(jti.to_owned(), self.grant);
        }
        draft.finish()
    }

    pub(crate) fn access_token_draft(&self) -> Result<Draft, Error> {
        let ring = &self.server.ring;
        let key = if self.server.settings.is_org() { ring.unpublished()? } else { ring.active()? };
        let mut draft = Draft::new(key, self.access_token_claims());
        if let Some(jkt) = &self.grant.jkt {
            draft.claim("cnf", json!({"jkt": jkt}));
        }
        Ok(draft)
    }

    pub(crate) fn id_token(&self, access_token: &str, refresh: bool) -> Result<String, Error> {
        let mut draft = self.id_token_draft(Some(access_token))?;
        if refresh {
            // The nonce binds the first ID token to a browser; a refresh has no browser
            // (Core §12.2).
            draft.claim("nonce", serde_json::Value::Null);
        }
        let target = Target { issuing: *self, access_token, refresh };
        self.org.faults.each(|fault| faults::apply(fault, &mut draft, &target))?;
        lock(&self.org.store).note_id_token(draft.text("jti"), self.grant);
        self.finish(draft)
    }

    pub(crate) fn id_token_draft(&self, access_token: Option<&str>) -> Result<Draft, Error> {
        Ok(Draft::new(self.server.ring.active()?, self.id_token_claims(access_token)))
    }
}

/// Faults of the key that an access token is bound to.
fn confirmation(fault: &Fault, draft: &mut Draft) -> bool {
    match fault {
        Fault::Dpop(DpopFault::OtherKey) => draft.claim("cnf", json!({"jkt": random::token()})),
        Fault::Dpop(DpopFault::NoConfirmation) => draft.claim("cnf", serde_json::Value::Null),
        _ => return false,
    }
    true
}
