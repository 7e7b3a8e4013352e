//! Signed tokens, with the active faults.

use super::draft::Draft;
use super::faults::{self, Target};
use super::issuing::Issuing;
use crate::error::Error;
use crate::fault::Fault;
use crate::sync::lock;

impl Issuing<'_> {
    /// A signed access token. The org's own server signs with an unpublished key.
    pub(crate) fn access_token(&self) -> Result<String, Error> {
        let mut draft = self.access_token_draft()?;
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
        Ok(Draft::new(key, self.access_token_claims()))
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
        draft.finish()
    }

    pub(crate) fn id_token_draft(&self, access_token: Option<&str>) -> Result<Draft, Error> {
        Ok(Draft::new(self.server.ring.active()?, self.id_token_claims(access_token)))
    }
}
