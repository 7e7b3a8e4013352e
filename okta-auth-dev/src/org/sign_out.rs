//! Sign-out by the org: sessions, and notices to apps.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Org;
use crate::endpoint::front_channel_uris;
use crate::notice::{Delivery, GlobalRevocation, LogoutToken, Notice, RevocationFault, send_all};
use crate::sync::lock;
use crate::tenant::Tenant;

/// An Okta session from the administrator's view.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OktaSession {
    /// The session id in ID tokens, the claim `sid`.
    pub sid: String,
    /// The login of the user.
    pub login: String,
    /// The client ids of the apps that were used in the session.
    pub apps: Vec<String>,
    /// When the user authenticated last.
    pub auth_time: SystemTime,
}

impl Org {
    /// Returns the active Okta sessions, oldest sign-in first.
    pub fn sessions(&self) -> Vec<OktaSession> {
        sessions(&self.tenant)
    }

    /// Returns the URIs that a sign-out page would load in frames if this session ended
    /// now: of the apps that were used in it and use Single Logout. Empty for a session
    /// that has ended.
    pub fn frontchannel_logout_uris(&self, sid: &str) -> Vec<String> {
        let now = self.tenant.clock.seconds();
        let sessions = lock(&self.tenant.store).live_sessions(now);
        let session = sessions.into_iter().find(|session| session.sid == sid);
        let uris = session.map(|session| front_channel_uris(&self.tenant, &session, None)).unwrap_or_default();
        uris.into_iter().map(|(_, uri)| uri).collect()
    }

    /// Ends an Okta session like an administrator, and sends each app the request of a
    /// sign-out frame: with `iss` and `sid`, but without a browser's cookies. Tokens stay
    /// valid.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// // ... a user signs in to an app with Single Logout ...
    /// for session in org.sessions() {
    ///     assert!(org.end_session(&session.sid).await.iter().all(|delivery| delivery.is_success()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn end_session(&self, sid: &str) -> Vec<Delivery> {
        end_session(&self.tenant, sid).await
    }

    /// Signs a user out everywhere, like an administrator with Universal Logout: ends
    /// their Okta sessions, revokes the tokens, and notifies every app that they used and
    /// that has an endpoint for it. Returns the response of each app.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::{ADA, Org};
    ///
    /// let org = Org::start().await?;
    /// org.put_client(org.client().universal_logout("http://127.0.0.1:3000/global-token-revocation"));
    /// // ... Ada signs in to the app ...
    /// for delivery in org.universal_logout(ADA).await {
    ///     assert!(delivery.is_success(), "{delivery:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn universal_logout(&self, login: &str) -> Vec<Delivery> {
        universal_logout(&self.tenant, login, None).await
    }

    /// Returns a revocation for the first client, which can be changed before it is sent.
    /// The org's own sessions continue.
    pub fn global_revocation(&self, login: &str) -> GlobalRevocation {
        GlobalRevocation::new(Arc::clone(&self.tenant), &self.client().client_id, login)
    }

    /// Returns a logout token for a user and their newest session, for the first client.
    ///
    /// Okta does not support back-channel logout, so the org never sends one by itself.
    pub fn logout_token(&self, login: &str) -> LogoutToken {
        LogoutToken::new(Arc::clone(&self.tenant), &self.client().client_id, login)
    }
}

pub(crate) fn sessions(tenant: &Tenant) -> Vec<OktaSession> {
    let now = tenant.clock.seconds();
    let sessions = lock(&tenant.store).live_sessions(now);
    let auth_time = |seconds: i64| UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
    sessions
        .into_iter()
        .map(|session| OktaSession {
            auth_time: auth_time(session.auth_time),
            apps: session.apps.into_keys().collect(),
            sid: session.sid,
            login: session.login,
        })
        .collect()
}

/// Ends a session and notifies the apps that use Single Logout.
pub(crate) async fn end_session(tenant: &Tenant, sid: &str) -> Vec<Delivery> {
    let ended = lock(&tenant.store).close_session_named(sid, tenant.clock.seconds());
    let uris = ended.map(|session| front_channel_uris(tenant, &session, None)).unwrap_or_default();
    send_all(uris.into_iter().map(|(client_id, uri)| Notice::front_channel(client_id, uri)).collect()).await
}

/// Ends all sessions and grants of a user and notifies the apps. With a fault, only sends
/// the faulty notices.
pub(crate) async fn universal_logout(
    tenant: &Arc<Tenant>,
    login: &str,
    fault: Option<RevocationFault>,
) -> Vec<Delivery> {
    let used = {
        let mut store = lock(&tenant.store);
        if fault.is_none() {
            store.close_sessions_of(login);
            store.revoke_grants(|grant| grant.is_of(login));
        }
        store.apps_of(login)
    };
    let told = used.into_iter().filter_map(|id| tenant.client(&id)).filter(|app| app.universal_logout_uri.is_some());
    let notices = told.map(|app| {
        let revocation = GlobalRevocation::new(Arc::clone(tenant), &app.client_id, login);
        fault.into_iter().fold(revocation, GlobalRevocation::fault).notice()
    });
    send_all(notices.collect()).await
}
