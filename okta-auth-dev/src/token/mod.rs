//! Tokens: claims, signatures, faults, and verification of the org's own tokens.
//!
//! Okta's ID tokens and access tokens have the same header and the same issuer. They
//! differ in their claims: an ID token has `nonce`, `amr`, `idp` and the client as `aud`;
//! an access token has `cid`, `scp`, and an API as `aud`. Neither has a `typ` in its
//! header, so clients cannot rely on RFC 9068's `at+jwt`.

mod claims;
mod draft;
mod faults;
mod verify;

use faults::Target;

pub(crate) use claims::{at_hash, userinfo_claims};
pub(crate) use draft::Draft;
pub(crate) use verify::{verify_own, verify_signature};

use crate::error::Error;
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::store::Grant;
use crate::sync::lock;
use crate::tenant::{Server, Tenant};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Issuing<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) server: &'a Server,
    pub(crate) grant: &'a Grant,
}

impl Issuing<'_> {
    /// Rejects a request whose groups claim would have more than 100 groups, as Okta
    /// does.
    pub(crate) fn check_groups(&self) -> Result<(), OAuthError> {
        let user = self.grant.login.as_deref().and_then(|login| self.tenant.user(login));
        let claims = &self.server.settings.groups_claims;
        let groups = user.iter().flat_map(|user| claims.iter().filter_map(|c| c.value(user, &self.grant.scopes)));
        if groups.into_iter().any(|groups| groups.len() > 100) {
            return Err(OAuthError::too_many_groups());
        }
        Ok(())
    }

    /// Rotates the keys if the fault is active: twice, so that the signing key was not
    /// published as NEXT.
    pub(crate) fn rotate_if_asked(&self) {
        if self.tenant.board.hit(&Fault::RotateBeforeSigning) {
            self.server.ring.rotate();
            self.server.ring.rotate();
        }
    }

    /// A signed access token. The org's own server signs with an unpublished key.
    pub(crate) fn access_token(&self) -> Result<String, Error> {
        let draft = self.access_token_draft()?;
        if let Some(jti) = draft.claims.get("jti").and_then(serde_json::Value::as_str) {
            lock(&self.tenant.store).note_access_token(jti.to_owned(), self.grant);
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
        self.tenant.board.each(|fault| faults::apply(fault, &mut draft, &target))?;
        draft.finish()
    }

    pub(crate) fn id_token_draft(&self, access_token: Option<&str>) -> Result<Draft, Error> {
        Ok(Draft::new(self.server.ring.active()?, self.id_token_claims(access_token)))
    }
}
