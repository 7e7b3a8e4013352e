//! The claims of access tokens that an ID-JAG was exchanged for.

use serde_json::{Map, Value, json};

use super::issuing::Issuing;
use crate::clock::seconds;
use crate::fault::{Fault, IdJagFault};
use crate::random;
use crate::store::Delegation;

impl Issuing<'_> {
    /// The claims of an access token for an agent or for another app.
    ///
    /// They differ from those of a sign-in: `scope` is a string, `aud` may be a URL, `act` names the agents, and Okta's
    /// samples show no `ver`, `jti`, `cid` and `uid`.
    pub(super) fn agent_claims(&self, delegation: &Delegation) -> Map<String, Value> {
        let (settings, now) = (&self.server.settings, self.org.clock.seconds());
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", json!(settings.issuer(&self.org.url)));
        put("sub", json!(delegation.subject));
        put("aud", json!(self.audience()));
        put("iat", json!(now));
        put("exp", json!(now + seconds(self.access_token_lifetime())));
        put("scope", json!(self.grant.scopes.join(" ")));
        if let Some(profile) = &delegation.sub_profile {
            put("sub_profile", json!(profile));
        }
        if let Some(act) = &delegation.act {
            put("act", act.clone());
        }
        if self.org.faults.hit(&Fault::IdJag(IdJagFault::AccessTokenWithClient)) {
            put("ver", json!(1));
            put("jti", json!(format!("AT.{}", random::token())));
            put("cid", json!(self.grant.client_id));
            let user = self.grant.login.as_deref().and_then(|login| self.org.user(login));
            user.into_iter().for_each(|user| drop(put("uid", json!(user.id))));
        }
        claims
    }
}
