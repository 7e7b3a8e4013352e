//! Okta sessions: the user of a browser, and how and when the user authenticated.
//!
//! The authentication methods belong to the session, not to the user: the second factor counts until the session ends,
//! and the next sign-in starts with the password only.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::random;
use crate::user::User;

/// The idle timeout of an Okta session in seconds: two hours, Okta's default.
const SESSION_IDLE: i64 = 7200;

/// An Okta session, which signs the user in to further apps without a password.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The session id in the claim `sid` of ID tokens. It outlives the identifier in the cookie, which is secret and
    /// changes.
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
    /// The client ids of the apps that were used in the session, with the authorization server of the last sign-in.
    pub(crate) apps: BTreeMap<String, String>,
    /// Binds pages to this browser. It is never sent, and does not change with the identifier in the cookie, so that
    /// other tabs keep working.
    pub(crate) root: String,
}

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// By the value of the cookie.
    by_cookie: HashMap<String, Session>,
    /// The apps that a user has ever used, by login in lower case.
    apps: HashMap<String, BTreeSet<String>>,
}

impl Sessions {
    /// Starts a session after a password check, and replaces the browser's previous session.
    ///
    /// Every sign-in creates a new identifier, which prevents session fixation. The prefix `102` is that of Okta's
    /// session identifiers.
    pub(crate) fn open(&mut self, user: &User, idp: Option<String>, old: Option<&str>, now: i64) -> (String, Session) {
        let old = old.and_then(|id| self.by_cookie.remove(id));
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
        (self.insert(session.clone()), session)
    }

    /// Adds the methods of the second factor to a session and changes its identifier, so that a stolen identifier does
    /// not gain privileges.
    pub(crate) fn raise(&mut self, id: &str, amr: Vec<String>, now: i64) -> Option<(String, Session)> {
        let session = self.by_cookie.remove(id)?;
        let session = Session { amr, auth_time: now, expires_at: now + SESSION_IDLE, ..session };
        Some((self.insert(session.clone()), session))
    }

    /// Returns the session unless it has expired, and restarts its idle timeout.
    pub(crate) fn find(&mut self, id: &str, now: i64) -> Option<Session> {
        let session = self.by_cookie.get_mut(id).filter(|session| session.expires_at > now)?;
        session.expires_at = now + SESSION_IDLE;
        Some(session.clone())
    }

    /// Whether no one ended the session. It may have expired.
    pub(crate) fn is_open(&self, sid: &str) -> bool {
        self.by_cookie.values().any(|session| session.sid == sid)
    }

    /// The active sessions, in the order of authentication.
    pub(crate) fn live(&self, now: i64) -> Vec<Session> {
        let mut live: Vec<_> = self.by_cookie.values().filter(|session| session.expires_at > now).cloned().collect();
        live.sort_by(|one, other| (one.auth_time, &one.sid).cmp(&(other.auth_time, &other.sid)));
        live
    }

    /// Records that the user used an app in a session, at an authorization server.
    pub(crate) fn note_use(&mut self, session: &Session, client_id: &str, server: &str) {
        let same = self.by_cookie.values_mut().filter(|known| known.sid == session.sid);
        same.for_each(|known| known.apps.extend([(client_id.to_owned(), server.to_owned())]));
        let apps = self.apps.entry(session.login.to_ascii_lowercase()).or_default();
        apps.insert(client_id.to_owned());
    }

    pub(crate) fn apps_of(&self, login: &str) -> BTreeSet<String> {
        self.apps.get(&login.to_ascii_lowercase()).cloned().unwrap_or_default()
    }

    /// Ends a session. Its tokens stay valid, because signing out of Okta does not revoke them.
    pub(crate) fn close(&mut self, id: &str) {
        self.by_cookie.remove(id);
    }

    /// Ends the session with this `sid`, and returns it unless it had expired.
    pub(crate) fn close_named(&mut self, sid: &str, now: i64) -> Option<Session> {
        let id = self.by_cookie.iter().find(|(_, session)| session.sid == sid).map(|(id, _)| id.clone())?;
        self.by_cookie.remove(&id).filter(|session| session.expires_at > now)
    }

    pub(crate) fn close_all_of(&mut self, login: &str) {
        self.by_cookie.retain(|_, session| !session.login.eq_ignore_ascii_case(login));
    }

    /// Stores a session under a new identifier.
    fn insert(&mut self, session: Session) -> String {
        let id = format!("102{}", random::token());
        self.by_cookie.insert(id.clone(), session);
        id
    }
}
