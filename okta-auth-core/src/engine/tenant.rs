//! The engine of a tenant: its removal, and the end of a session that another tenant's
//! session replaces.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::HeaderValue;

use super::OktaAuth;
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::events::{CorrelationId, EndReason};
use crate::session::{Activity, LoadedSession, Session, SessionId, SessionLookup};

impl OktaAuth {
    /// Marks the tenant as removed, so that its sessions are invalid.
    pub(crate) fn mark_removed(&self) {
        self.0.gone.store(true, Ordering::Release);
    }

    /// Checks after creating a session that its tenant still exists. If the tenant was
    /// removed during the sign-in, either the removal found this session, or this check
    /// ends it.
    ///
    /// # Errors
    /// [`Code::TenantUnknown`] after the session was ended.
    pub(super) async fn ensure_tenant_exists(&self, id: SessionId) -> Result<()> {
        if !self.0.gone.load(Ordering::Acquire) {
            return Ok(());
        }
        self.end_session(id).await?;
        Err(Error::new(Code::TenantUnknown, "the tenant was removed during the sign-in"))
    }

    /// Ends the session that these cookies name, as a logout does, and returns the deletions
    /// of the cookies.
    ///
    /// # Errors
    /// Those of the store; the session has not ended then.
    pub(crate) async fn end_replaced_session(
        &self,
        cookies: &RequestCookies,
        now: Timestamp,
        reference: CorrelationId,
    ) -> Result<Vec<HeaderValue>> {
        let session = self.find_session(cookies, now).await?;
        let removed = self.0.sessions.clear(cookies, session.as_deref());
        let Some(session) = session else { return Ok(removed) };
        if self.0.sessions.end(&session, now).await? {
            self.0.session_admin.emit_ended(session.event_subject(), EndReason::Replaced, reference);
        }
        self.0.session_admin.revoker().revoke_in_background(session);
        Ok(removed)
    }

    /// Loads the session without refreshing its tokens.
    async fn find_session(&self, cookies: &RequestCookies, now: Timestamp) -> Result<Option<Arc<Session>>> {
        let found = match self.0.sessions.look(cookies, now, Activity::Passive) {
            SessionLookup::Known(loaded) => loaded,
            SessionLookup::Pending(lookup) => self.0.sessions.find(lookup, now, Activity::Passive).await?,
        };
        Ok(match found {
            LoadedSession::Live { entry, .. } => Some(entry.session),
            LoadedSession::None | LoadedSession::Ended | LoadedSession::Early(_) => None,
        })
    }
}
