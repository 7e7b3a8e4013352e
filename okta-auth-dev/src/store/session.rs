//! Okta sessions: the user of a browser, and how and when the user authenticated.
//!
//! The authentication methods belong to the session, not to the user: the second factor
//! counts until the session ends, and the next sign-in starts with the password only.

use std::collections::{BTreeMap, BTreeSet};

use super::Store;
use crate::random;
use crate::user::User;

/// The idle timeout of an Okta session in seconds: two hours, Okta's default.
const SESSION_IDLE: i64 = 7200;

/// An Okta session, which signs the user in to further apps without a password.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The session id in the claim `sid` of ID tokens. It outlives the identifier in the
    /// cookie, which is secret and changes.
    pub(crate) sid: String,
    pub(crate) login: String,
    /// The authentication methods so far: the claim `amr`.
    pub(crate) amr: Vec<String>,
    /// The identity provider that authenticated the user; `None` for the org itself.
    pub(crate) idp: Option<String>,
    /// When the password or the second factor was last checked, in seconds.
    pub(crate) auth_time: i64,
    /// In seconds; every use extends it.
    pub(crate) expires_at: i64,
    /// The client ids of the apps that were used in the session, with the authorization
    /// server of the last sign-in.
    pub(crate) apps: BTreeMap<String, String>,
    /// Binds pages to this browser. It is never sent, and does not change with the
    /// identifier in the cookie, so that other tabs keep working.
    pub(crate) root: String,
}

impl Store {
    /// Starts a session after a password check, and replaces the browser's previous
    /// session.
    ///
    /// Every sign-in creates a new identifier, which prevents session fixation. The
    /// prefix `102` is that of Okta's session identifiers.
    pub(crate) fn open_session(
        &mut self,
        user: &User,
        idp: Option<String>,
        old: Option<&str>,
        now: i64,
    ) -> (String, Session) {
        let old = old.and_then(|id| self.sessions.remove(id));
        let old = old.filter(|old| old.login == user.login && old.expires_at > now);
        let fresh = || (random::okta_id("102", 22), random::token(), BTreeMap::new());
        let (sid, root, apps) = old.map_or_else(fresh, |old| (old.sid, old.root, old.apps));
        let session = Session {
            sid,
            login: user.login.clone(),
            amr: user.amr.clone(),
            idp,
            auth_time: now,
            expires_at: now + SESSION_IDLE,
            apps,
            root,
        };
        (self.insert_session(session.clone()), session)
    }

    /// Adds the methods of the second factor to a session and changes its identifier, so
    /// that a stolen identifier does not gain privileges.
    pub(crate) fn raise_session(&mut self, id: &str, amr: Vec<String>, now: i64) -> Option<(String, Session)> {
        let session = self.sessions.remove(id)?;
        let session = Session { amr, auth_time: now, expires_at: now + SESSION_IDLE, ..session };
        Some((self.insert_session(session.clone()), session))
    }

    /// Returns the session unless it has expired, and restarts its idle timeout.
    pub(crate) fn session(&mut self, id: &str, now: i64) -> Option<Session> {
        let session = self.sessions.get_mut(id).filter(|session| session.expires_at > now)?;
        session.expires_at = now + SESSION_IDLE;
        Some(session.clone())
    }

    /// The active sessions, in the order of authentication.
    pub(crate) fn live_sessions(&self, now: i64) -> Vec<Session> {
        let mut live: Vec<_> = self.sessions.values().filter(|session| session.expires_at > now).cloned().collect();
        live.sort_by(|one, other| (one.auth_time, &one.sid).cmp(&(other.auth_time, &other.sid)));
        live
    }

    /// Records that the user used an app in a session, at an authorization server.
    pub(crate) fn note_use(&mut self, session: &Session, client_id: &str, server: &str) {
        let same = self.sessions.values_mut().filter(|known| known.sid == session.sid);
        same.for_each(|known| known.apps.extend([(client_id.to_owned(), server.to_owned())]));
        let apps = self.apps.entry(session.login.to_ascii_lowercase()).or_default();
        apps.insert(client_id.to_owned());
    }

    pub(crate) fn apps_of(&self, login: &str) -> BTreeSet<String> {
        self.apps.get(&login.to_ascii_lowercase()).cloned().unwrap_or_default()
    }

    /// Ends a session. Its tokens stay valid, because signing out of Okta does not revoke
    /// them.
    pub(crate) fn close_session(&mut self, id: &str) {
        self.sessions.remove(id);
    }

    /// Ends the session with this `sid`, and returns it unless it had expired.
    pub(crate) fn close_session_named(&mut self, sid: &str, now: i64) -> Option<Session> {
        let id = self.sessions.iter().find(|(_, session)| session.sid == sid).map(|(id, _)| id.clone())?;
        self.sessions.remove(&id).filter(|session| session.expires_at > now)
    }

    pub(crate) fn close_sessions_of(&mut self, login: &str) {
        self.sessions.retain(|_, session| !session.login.eq_ignore_ascii_case(login));
    }

    /// Stores a session under a new identifier.
    fn insert_session(&mut self, session: Session) -> String {
        let id = format!("102{}", random::token());
        self.sessions.insert(id.clone(), session);
        id
    }
}
