//! Okta sessions from the administrator's view: listing them, and ending them with notices to the apps.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::endpoint;
use crate::logout_delivery::{Delivery, GlobalRevocation, Notice, RevocationFault, send_all};
use crate::org_state::OrgState;
use crate::sync::lock;

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

pub(crate) fn sessions(org: &OrgState) -> Vec<OktaSession> {
    let now = org.clock.seconds();
    let sessions = lock(&org.store).sessions.live(now);
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

/// The URIs that a sign-out page would load in frames if this session ended now.
pub(crate) fn front_channel_uris(org: &OrgState, sid: &str) -> Vec<String> {
    let sessions = lock(&org.store).sessions.live(org.clock.seconds());
    let session = sessions.into_iter().find(|session| session.sid == sid);
    let uris = session.map(|session| endpoint::front_channel_uris(org, &session, None)).unwrap_or_default();
    uris.into_iter().map(|(_, uri)| uri).collect()
}

/// Ends a session and notifies the apps that use Single Logout.
pub(crate) async fn end_session(org: &OrgState, sid: &str) -> Vec<Delivery> {
    let ended = lock(&org.store).sessions.close_named(sid, org.clock.seconds());
    let uris = ended.map(|session| endpoint::front_channel_uris(org, &session, None)).unwrap_or_default();
    send_all(uris.into_iter().map(|(client_id, uri)| Notice::front_channel(client_id, uri)).collect()).await
}

/// Ends all sessions and grants of a user and notifies the apps. With a fault, only sends the faulty notices.
pub(crate) async fn universal_logout(
    org: &Arc<OrgState>,
    login: &str,
    fault: Option<RevocationFault>,
) -> Vec<Delivery> {
    let used = {
        let mut store = lock(&org.store);
        if fault.is_none() {
            store.sessions.close_all_of(login);
            store.revoke_grants(|grant| grant.is_of(login));
        }
        store.sessions.apps_of(login)
    };
    let notified = used.into_iter().filter_map(|id| org.client(&id)).filter(|app| app.universal_logout_uri.is_some());
    let notices = notified.map(|app| {
        let revocation = GlobalRevocation::new(Arc::clone(org), &app.client_id, login);
        fault.into_iter().fold(revocation, GlobalRevocation::fault).notice()
    });
    send_all(notices.collect()).await
}
