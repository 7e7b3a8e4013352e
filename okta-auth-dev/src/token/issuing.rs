//! What tokens are issued for: an org, a server and a grant.

use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::org_state::{OrgState, Server};
use crate::store::Grant;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Issuing<'a> {
    pub(crate) org: &'a OrgState,
    pub(crate) server: &'a Server,
    pub(crate) grant: &'a Grant,
}

impl Issuing<'_> {
    /// Rejects a request whose groups claim would have more than 100 groups, as Okta does.
    pub(crate) fn check_groups(&self) -> Result<(), OAuthError> {
        let user = self.grant.login.as_deref().and_then(|login| self.org.user(login));
        let claims = &self.server.settings.groups_claims;
        let groups = user.iter().flat_map(|user| claims.iter().filter_map(|c| c.value(user, &self.grant.scopes)));
        if groups.into_iter().any(|groups| groups.len() > 100) {
            return Err(OAuthError::too_many_groups());
        }
        Ok(())
    }

    /// Rotates the keys if the fault is active: twice, so that the signing key was not published as NEXT.
    pub(crate) fn rotate_if_asked(&self) {
        if self.org.faults.hit(&Fault::RotateBeforeSigning) {
            self.server.ring.rotate();
            self.server.ring.rotate();
        }
    }
}
