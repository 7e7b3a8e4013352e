//! Exclusive tenants: a sign-in at one tenant ends the same browser's sessions at the others.
//!
//! The request's cookies name the tenants, and each of these is asked for the session in its own cookie. Therefore only
//! the holder of a cookie can end its session, and a name without a tenant has no effect. A session ends as by a
//! logout: in the store or in the revocation list, and its refresh token is revoked at its own Okta.

use http::HeaderValue;

use super::router::TenantRouter;
use super::source::TenantKey;
use crate::engine::{BoxFuture, ExclusiveSessions, RequestContext};
use crate::error::Result;
use crate::session::Sessions;
use crate::tenant::TenantId;

/// The limit of sessions to end at one sign-in, because each may query the source of tenants and the store.
const MAX_SESSIONS: usize = 16;

impl ExclusiveSessions for TenantRouter {
    fn end_at_other_tenants<'a>(
        &'a self,
        context: &'a RequestContext,
        sessions: &'a Sessions,
    ) -> BoxFuture<'a, Vec<HeaderValue>> {
        Box::pin(async move {
            let (cookies, chunks) = (context.cookies(), sessions.chunks());
            let mut removed = Vec::new();
            let others = chunks.others(cookies).into_iter().filter_map(TenantId::parse);
            for id in others.take(MAX_SESSIONS) {
                match self.end_at(id.clone(), context).await {
                    Ok(deletions) => removed.extend(deletions),
                    Err(error) => {
                        tracing::warn!(target: "okta_auth", code = %error.code(), "a session at another tenant was not ended: {error:?}");
                        removed.extend(chunks.clear_other(cookies, id.as_str()));
                    }
                }
            }
            removed
        })
    }
}

impl TenantRouter {
    /// Ends the session at one tenant. Cookies that belong to no tenant stay.
    async fn end_at(&self, id: TenantId, context: &RequestContext) -> Result<Vec<HeaderValue>> {
        let Some(other) = self.find(&TenantKey::Id(id)).await? else { return Ok(Vec::new()) };
        let admin = other.session_admin();
        admin.end_presented(context.cookies(), context.now(), context.reference()).await
    }
}
