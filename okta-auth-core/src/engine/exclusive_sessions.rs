//! Exclusive tenants: a sign-in at one tenant ends the same browser's sessions at the
//! others.
//!
//! The request's cookies name the tenants, and each of these is asked for the session in
//! its own cookie. Therefore only the holder of a cookie can end its session, and a name
//! without a tenant has no effect. A session ends as by a logout: in the store or in the
//! revocation list, and its refresh token is revoked at its own Okta.

use std::sync::Arc;

use http::HeaderValue;

use super::OktaAuth;
use super::context::RequestContext;
use super::tenant_router::TenantRouter;
use crate::error::Result;
use crate::events::{EndReason, EventSubject};
use crate::session::{Activity, LoadedSession, Session, SessionLookup};
use crate::tenant::{TenantId, TenantKey};

/// The limit of sessions to end at one sign-in, because each may query the source of tenants and
/// the store.
const MOST: usize = 16;

impl RequestContext {
    /// Ends this browser's sessions at other tenants and returns the deletions of their
    /// cookies. A failure does not affect the new session.
    pub(super) async fn end_sessions_at_other_tenants(&self, router: &TenantRouter) -> Vec<HeaderValue> {
        let sessions = &self.auth().0.sessions;
        let mut removed = Vec::new();
        for id in sessions.chunks().others(self.cookies()).into_iter().filter_map(TenantId::parse).take(MOST) {
            match self.end_other(router, id.clone()).await {
                Ok(cookies) => removed.extend(cookies),
                Err(error) => {
                    tracing::warn!(target: "okta_auth", code = %error.code(), "a session at another tenant was not ended: {error:?}");
                    removed.extend(sessions.chunks().clear_other(self.cookies(), id.as_str()));
                }
            }
        }
        removed
    }

    /// Ends the session at one tenant. Cookies that belong to no tenant stay.
    async fn end_other(&self, router: &TenantRouter, id: TenantId) -> Result<Vec<HeaderValue>> {
        let Some(other) = router.find(&TenantKey::Id(id)).await? else { return Ok(Vec::new()) };
        let session = self.session_at(&other).await?;
        let removed = other.0.sessions.clear(self.cookies(), session.as_deref());
        let Some(session) = session else { return Ok(removed) };
        if other.0.sessions.end(&session, self.now()).await? {
            other.tell_ended(EventSubject::session(&session), EndReason::Replaced, self.reference());
        }
        other.revoke_later(session);
        Ok(removed)
    }

    /// Loads this browser's session at another tenant, without refreshing its tokens.
    async fn session_at(&self, other: &OktaAuth) -> Result<Option<Arc<Session>>> {
        let loaded = match other.0.sessions.look(self.cookies(), self.now(), Activity::Passive) {
            SessionLookup::Known(loaded) => loaded,
            SessionLookup::Pending(lookup) => other.0.sessions.find(lookup, self.now(), Activity::Passive).await?,
        };
        Ok(match loaded {
            LoadedSession::Live { entry, .. } => Some(entry.session),
            LoadedSession::None | LoadedSession::Ended | LoadedSession::Early(_) => None,
        })
    }
}
