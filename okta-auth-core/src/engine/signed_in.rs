//! A signed-in user, as handlers see them.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use super::OktaAuth;
use super::visit::Visit;
use crate::error::{Code, Error, Result};
use crate::policy::{Caller, Decision, Policy};
use crate::secret::Secret;
use crate::session::Session;
use crate::tenant::TenantSettings;

/// The claims that say nothing of the user (OIDC Core §2 and §3.3.2.11).
const OF_ONE_SIGN_IN: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];

/// Somebody with a live session.
///
/// The claims are those of the last refresh of the tokens, or of the sign-in without
/// refresh tokens: a group that was taken away at Okta is gone within one lifetime of
/// an access token, or when the session ends.
///
/// `C` is the application's own type for the claims; `()` asks for none.
pub struct SignedIn<C = ()> {
    session: Arc<Session>,
    caller: Caller,
    visit: Visit,
    claims: C,
}

impl<C: DeserializeOwned + 'static> SignedIn<C> {
    /// Reads the claims as `C`. The caller has a session.
    pub(super) fn new(caller: Caller, visit: &Visit) -> Result<Self> {
        let session = caller.shared_session().map(Arc::clone);
        let session = session.ok_or_else(|| Error::new(Code::Internal, "a caller without a session"))?;
        let claims = session.claims::<C>()?;
        Ok(Self { session, caller, visit: visit.clone(), claims })
    }
}

impl<C> SignedIn<C> {
    /// The application's Okta.
    pub(super) fn auth(&self) -> &OktaAuth {
        self.visit.auth()
    }

    /// The request.
    pub(super) fn visit(&self) -> &Visit {
        &self.visit
    }

    /// The session, to be kept.
    pub(super) fn shared_session(&self) -> &Arc<Session> {
        &self.session
    }

    /// The tenant that the user belongs to; `None` where there is only one.
    pub fn tenant(&self) -> Option<&TenantSettings> {
        self.auth().tenant()
    }

    /// The claims, in the application's own type.
    pub fn claims(&self) -> &C {
        &self.claims
    }

    /// The session: subject, issuer, times, scopes.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The user's identifier at the issuer. Key your records by issuer and subject
    /// together.
    pub fn subject(&self) -> &str {
        self.session.subject()
    }

    /// What the user is called: `name`, or else `preferred_username`, e-mail, or
    /// subject.
    pub fn name(&self) -> &str {
        self.session.name()
    }

    /// The e-mail address, if Okta tells it. It can change, and is no key for records.
    pub fn email(&self) -> Option<&str> {
        self.session.email()
    }

    /// The names in the `groups` claim; none if Okta sends no such claim.
    pub fn groups(&self) -> &[String] {
        self.session.groups()
    }

    /// What the `on_sign_in` hook put into the session under `name`.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`](crate::error::Code::ClaimsMismatch) if it is there but
    /// does not fit `T`.
    pub fn app_data<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.session.app_data(name)
    }

    /// The access token, for calls to other APIs in the user's name: renewed if it has
    /// expired or is about to, once for any number of callers.
    ///
    /// # Errors
    /// [`Code::SessionEnded`] if Okta does not renew the session any more,
    /// [`Code::TokenExpired`] if there is nothing to renew it with, and
    /// [`Code::RenewalUnavailable`] or the error of reaching Okta or the store if it is
    /// to be tried again.
    pub async fn access_token(&self) -> Result<Secret> {
        self.visit.fresh_access_token().await
    }

    /// Asks a policy about the user.
    pub async fn decide(&self, policy: &Policy) -> Decision {
        policy.decide(&self.caller).await
    }
}

/// The claims of the session as one JSON object, such as `{"sub":"00u1","email":"..","groups":[..]}`:
/// what Okta says of the user, and no token. Claims that tie an ID token to its sign-in
/// (`nonce`, `at_hash`, `c_hash`, `s_hash`) are left out.
impl<C> Serialize for SignedIn<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let claims = self.session.all_claims().iter();
        serializer.collect_map(claims.filter(|(name, _)| !OF_ONE_SIGN_IN.contains(&name.as_str())))
    }
}

impl<C: Clone> Clone for SignedIn<C> {
    fn clone(&self) -> Self {
        let (session, caller, visit) = (Arc::clone(&self.session), self.caller.clone(), self.visit.clone());
        Self { session, caller, visit, claims: self.claims.clone() }
    }
}

impl<C> fmt::Debug for SignedIn<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").finish_non_exhaustive()
    }
}
