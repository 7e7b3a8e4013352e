//! Tokens: what is in them, how they are signed, what faults do to them, and how the
//! org checks its own.
//!
//! Okta's ID tokens and access tokens have the same header and the same issuer. They
//! differ in their claims: an ID token has `nonce`, `amr`, `idp` and the client as
//! `aud`; an access token has `cid`, `scp`, and an API as `aud`. Neither has a `typ` in
//! its header, so that RFC 9068's `at+jwt` cannot be relied on.

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

/// What a token is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issuing<'a> {
    /// The org.
    pub(crate) tenant: &'a Tenant,
    /// The authorization server that issues.
    pub(crate) server: &'a Server,
    /// What was allowed, by whom, to whom.
    pub(crate) grant: &'a Grant,
}

impl Issuing<'_> {
    /// Okta refuses a request whose groups claim would carry more than 100 groups.
    pub(crate) fn check_groups(&self) -> Result<(), OAuthError> {
        let user = self.grant.login.as_deref().and_then(|login| self.tenant.user(login));
        let claims = &self.server.settings.groups_claims;
        let groups = user.iter().flat_map(|user| claims.iter().filter_map(|c| c.value(user, &self.grant.scopes)));
        if groups.into_iter().any(|groups| groups.len() > 100) {
            return Err(OAuthError::too_many_groups());
        }
        Ok(())
    }

    /// Rotates the keys if that fault is on: twice, so that the key that signs was not
    /// published as NEXT either.
    pub(crate) fn rotate_if_asked(&self) {
        if self.tenant.board.hit(&Fault::RotateBeforeSigning) {
            self.server.ring.rotate();
            self.server.ring.rotate();
        }
    }

    /// An access token, signed. The org's own server signs with a key that it does not
    /// publish.
    pub(crate) fn access_token(&self) -> Result<String, Error> {
        let draft = self.access_token_draft()?;
        if let Some(jti) = draft.claims.get("jti").and_then(serde_json::Value::as_str) {
            lock(&self.tenant.store).note_access_token(jti.to_owned(), self.grant);
        }
        draft.finish()
    }

    /// An access token before it is signed.
    pub(crate) fn access_token_draft(&self) -> Result<Draft, Error> {
        let ring = &self.server.ring;
        let key = if self.server.settings.is_org() { ring.unpublished()? } else { ring.active()? };
        Ok(Draft::new(key, self.access_token_claims()))
    }

    /// An ID token, signed, with the faults that are on.
    pub(crate) fn id_token(&self, access_token: &str, refresh: bool) -> Result<String, Error> {
        let mut draft = self.id_token_draft(Some(access_token))?;
        if refresh {
            // The nonce tied the first one to a browser. Here there is none (Core §12.2).
            draft.claim("nonce", serde_json::Value::Null);
        }
        let target = Target { issuing: *self, access_token, refresh };
        self.tenant.board.each(|fault| faults::apply(fault, &mut draft, &target))?;
        draft.finish()
    }

    /// An ID token before it is signed.
    pub(crate) fn id_token_draft(&self, access_token: Option<&str>) -> Result<Draft, Error> {
        Ok(Draft::new(self.server.ring.active()?, self.id_token_claims(access_token)))
    }
}
