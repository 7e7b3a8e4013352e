//! The signed-in user, for handlers.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use super::OktaAuth;
use super::context::RequestContext;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::events::CorrelationId;
#[cfg(feature = "client")]
use crate::outgoing::{Outgoing, UserAccessToken, UserToken, UserTokenFuture};
use crate::policy::{Decision, Policy};
use crate::secret::Secret;
use crate::session::{Session, SessionEnded, SessionId};
use crate::tenant::TenantSettings;

/// Claims about one sign-in and not about the user (OIDC Core §2 and §3.3.2.11).
const OF_ONE_SIGN_IN: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];

/// A user with a live session.
///
/// The claims are those of the last token refresh, or without refresh tokens those of the sign-in. A group that was
/// removed at Okta therefore disappears within one lifetime of an access token, or when the session ends.
///
/// `C` is the application's own type for the claims; `()` reads none.
pub struct SignedIn<C = ()> {
    session: Arc<Session>,
    auth: OktaAuth,
    context: RequestContext,
    claims: C,
}

impl<C: DeserializeOwned + 'static> SignedIn<C> {
    /// Reads the claims as `C`.
    pub(super) fn new(session: &Arc<Session>, auth: &OktaAuth, context: &RequestContext) -> Result<Self> {
        let claims = session.claims::<C>()?;
        Ok(Self { session: Arc::clone(session), auth: auth.clone(), context: context.clone(), claims })
    }
}

impl<C> SignedIn<C> {
    fn reference(&self) -> CorrelationId {
        self.context.reference()
    }

    /// Returns the user's tenant; `None` in an application with a single Okta.
    pub fn tenant(&self) -> Option<&TenantSettings> {
        self.auth.tenant()
    }

    /// Returns the claims, in the application's own type.
    pub fn claims(&self) -> &C {
        &self.claims
    }

    /// Returns the session: subject, issuer, times, scopes.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the user's identifier at the issuer. Key your records by issuer and subject together.
    pub fn subject(&self) -> &str {
        self.session.subject()
    }

    /// Returns the display name: `name`, or else `preferred_username`, e-mail, or subject.
    pub fn name(&self) -> &str {
        self.session.name()
    }

    /// Returns the e-mail address, if Okta sends it. It can change, so it is not suitable as a key.
    pub fn email(&self) -> Option<&str> {
        self.session.email()
    }

    /// Returns the names in the `groups` claim; empty if Okta sends no such claim.
    pub fn groups(&self) -> &[String] {
        self.session.groups()
    }

    /// Returns the value that the `on_sign_in` hook stored under `name`.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`](crate::error::Code::ClaimsMismatch) if the value does not fit `T`.
    pub fn app_data<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.session.app_data(name)
    }

    /// Returns the access token, for calls to other APIs on behalf of the user. It is refreshed if it has expired or
    /// soon will, once for concurrent callers.
    ///
    /// # Errors
    /// [`Code::SessionEnded`] if Okta no longer refreshes the session, [`Code::TokenExpired`] if the session has no
    /// refresh token, and [`Code::RenewalUnavailable`] or the error of reaching Okta or the store if a retry may
    /// succeed.
    pub async fn access_token(&self) -> Result<Secret> {
        let auth = &self.auth.0;
        self.context.inner().session.fresh_access_token(&auth.refresher, auth.clock.now()).await
    }

    /// Returns the service for calls to other APIs, with the client and the org of the user's tenant.
    #[cfg(feature = "client")]
    pub fn outgoing(&self) -> &Outgoing {
        self.auth.outgoing()
    }

    /// Returns all sessions of this user, including the present one, for a page that lists them. The most recently used
    /// session is first.
    ///
    /// # Errors
    /// As for [`OktaAuth::sessions_of`].
    pub async fn sessions(&self) -> Result<Vec<Arc<Session>>> {
        self.auth.0.session_admin.of_subject_by_last_use(self.subject()).await
    }

    /// Ends a session of this user. Returns `false` if this user has no session with that id.
    ///
    /// # Errors
    /// As for [`OktaAuth::sessions_of`].
    pub async fn end_session(&self, id: SessionId) -> Result<bool> {
        self.auth.0.session_admin.end_own(self.subject(), id, self.reference()).await
    }

    /// Returns when the session ends without further activity: the earliest of the idle limit, the absolute limit, and
    /// Okta's `session_expiry`.
    ///
    /// Each request extends the idle limit, with a delay of up to a twentieth of it. To close a connection in time,
    /// wait for [`session_ended`](Self::session_ended), which also reacts to logout.
    pub fn session_ends_at(&self) -> Timestamp {
        let sessions = &self.auth.0.sessions;
        let present = self.context.inner().session.ends_at(sessions);
        present.unwrap_or_else(|| sessions.ends_at(&self.session))
    }

    /// Waits for the end of the session, for connections that outlive their request.
    ///
    /// The open connection does not count as activity: without other requests the session reaches its idle limit.
    pub fn session_ended(&self) -> SessionEnded {
        SessionEnded::watch(&self.auth.0.sessions, &self.session)
    }

    /// Evaluates a policy for the user.
    pub async fn decide(&self, policy: &Policy) -> Decision {
        policy.decide(&self.context.user_caller(&self.session)).await
    }
}

/// Serializes the claims of the session as one JSON object, such as `{"sub":"00u1","email":"..","groups":[..]}`,
/// without tokens. Claims that bind an ID token to its sign-in (`nonce`, `at_hash`, `c_hash`, `s_hash`) are omitted.
impl<C> Serialize for SignedIn<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let claims = self.session.all_claims().iter();
        serializer.collect_map(claims.filter(|(name, _)| !OF_ONE_SIGN_IN.contains(&name.as_str())))
    }
}

#[cfg(feature = "client")]
impl<C: Send + Sync> UserToken for SignedIn<C> {
    fn access_token(&self) -> UserTokenFuture<'_> {
        Box::pin(Self::access_token(self))
    }

    fn access_token_with_key(&self) -> UserTokenFuture<'_, UserAccessToken> {
        let auth = &self.auth.0;
        Box::pin(async move {
            let now = auth.clock.now();
            let session = self.context.inner().session.fresh_session(&auth.refresher, now).await?;
            Ok(UserAccessToken::new(session.unexpired_access_token(now)?, session.dpop_key()))
        })
    }

    fn fresh_session(&self) -> UserTokenFuture<'_, Arc<Session>> {
        let auth = &self.auth.0;
        Box::pin(self.context.inner().session.fresh_session(&auth.refresher, auth.clock.now()))
    }
}

impl<C: Clone> Clone for SignedIn<C> {
    fn clone(&self) -> Self {
        Self {
            session: Arc::clone(&self.session),
            auth: self.auth.clone(),
            context: self.context.clone(),
            claims: self.claims.clone(),
        }
    }
}

impl<C> fmt::Debug for SignedIn<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").finish_non_exhaustive()
    }
}
