//! ID-JAGs: grants that the org issues for another app's authorization server (Identity Assertion JWT Authorization
//! Grant).

use serde_json::{Value, json};

use super::draft::Draft;
use crate::error::Error;
use crate::fault::{Fault, IdJagFault};
use crate::keys::Algorithm;
use crate::org_state::{OrgState, Server};
use crate::random;
use crate::store::Delegation;

/// The header `typ` of a grant.
pub(crate) const TYPE: &str = "oauth-id-jag+jwt";

/// The lifetime of a grant at Okta, and its maximum, in seconds.
pub(crate) const LIFETIME: i64 = 300;

#[derive(Clone, Debug)]
pub(crate) struct IdJag<'a> {
    pub(crate) org: &'a OrgState,
    /// The org's own server, whose published keys verify the grant.
    pub(crate) server: &'a Server,
    pub(crate) delegation: Delegation,
    /// The issuer of the resource's authorization server.
    pub(crate) audience: String,
    /// The client's id at the resource.
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) resource: Option<String>,
    pub(crate) email: Option<String>,
}

impl IdJag<'_> {
    pub(crate) fn draft(&self) -> Result<Draft, Error> {
        let now = self.org.clock.seconds();
        let mut draft = Draft::new(self.server.ring.active()?, serde_json::Map::new());
        draft.header("typ", json!(TYPE));
        let scope = (!self.scopes.is_empty()).then(|| self.scopes.join(" "));
        let claims = [
            ("iss", json!(self.org.url)),
            ("sub", json!(self.delegation.subject)),
            ("aud", json!(self.audience)),
            ("client_id", json!(self.client_id)),
            ("jti", json!(format!("IDAAG.{}", random::token()))),
            ("iat", json!(now)),
            ("exp", json!(now + LIFETIME)),
            ("scope", json!(scope)),
            ("resource", json!(self.resource)),
            ("email", json!(self.email)),
            ("sub_profile", json!(self.delegation.sub_profile)),
            ("act", json!(self.delegation.act)),
        ];
        claims.into_iter().for_each(|(name, value)| draft.claim(name, value));
        Ok(draft)
    }

    /// Signs the grant, with the active faults.
    pub(crate) fn sign(&self) -> Result<String, Error> {
        let mut draft = self.draft()?;
        self.org.faults.each(|fault| match fault {
            Fault::IdJag(fault) => self.apply(fault, &mut draft),
            _ => Ok(false),
        })?;
        draft.finish()
    }

    /// Applies a fault; returns false if it does not concern the grant.
    fn apply(&self, fault: &IdJagFault, draft: &mut Draft) -> Result<bool, Error> {
        let now = self.org.clock.seconds();
        match fault {
            IdJagFault::Claim(name, value) => draft.claim(name, value.clone()),
            IdJagFault::Header(name, value) => draft.header(name, value.clone()),
            IdJagFault::Issuer => draft.claim("iss", draft.suffixed("iss")),
            IdJagFault::Audience => draft.claim("aud", draft.suffixed("aud")),
            IdJagFault::ExtraAudience => draft.claim("aud", json!([self.audience, "https://other.example/"])),
            IdJagFault::ClientId => draft.claim("client_id", draft.suffixed("client_id")),
            IdJagFault::Type => draft.header("typ", json!("JWT")),
            IdJagFault::Expired => draft.shift(now, &[("iat", -360 - LIFETIME), ("exp", -360)]),
            IdJagFault::IssuedInFuture => draft.shift(now, &[("iat", 3600), ("exp", 3600 + LIFETIME)]),
            IdJagFault::TooLong => draft.shift(now, &[("exp", 3600)]),
            IdJagFault::NoJti => draft.claim("jti", Value::Null),
            IdJagFault::DeepActor => draft.claim("act", (0..10).fold(json!({"sub": "0oaactor"}), nested)),
            IdJagFault::BadSignature => draft.damaged = true,
            IdJagFault::UnpublishedKey => draft.sign_with(self.server.ring.unpublished()?, Algorithm::Rs256),
            IdJagFault::AlgNone => draft.unsigned(),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn nested(act: Value, number: i32) -> Value {
    json!({"sub": format!("0oaactor{number}"), "act": act})
}
