//! Okta sessions: who signed in in a browser, how, and when.
//!
//! How somebody authenticated is a property of the session, not of the person: the
//! second factor counts until the session ends, and the next sign-in starts with the
//! password again.

use std::collections::{BTreeMap, BTreeSet};

use super::Store;
use crate::random;
use crate::user::User;

/// How long an unused Okta session lives, in seconds: two hours, Okta's default.
const SESSION_IDLE: i64 = 7200;

/// Somebody's Okta session, which lets further apps sign them in without a password.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// What the session is called in the claim `sid` of ID tokens. It outlives the
    /// identifier in the cookie, which is a secret and changes.
    pub(crate) sid: String,
    /// Whose session it is.
    pub(crate) login: String,
    /// How the person authenticated in it so far: the claim `amr`.
    pub(crate) amr: Vec<String>,
    /// The identity provider that authenticated the person; none for the org itself.
    pub(crate) idp: Option<String>,
    /// When the password or the second factor was checked last, in seconds.
    pub(crate) auth_time: i64,
    /// In seconds; moves with every use.
    pub(crate) expires_at: i64,
    /// The apps that were used in it: client ids, and the authorization server of the
    /// last sign-in.
    pub(crate) apps: BTreeMap<String, String>,
    /// What pages of this browser are bound to. It is never sent anywhere, and stays
    /// the same when the identifier in the cookie changes, so that other tabs go on.
    pub(crate) root: String,
}

impl Store {
    /// Starts a session after a password was checked, in the place of the one that the
    /// browser had.
    ///
    /// The identifier is new with every sign-in, so that one planted before is worth
    /// nothing. The prefix `102` is what Okta's session identifiers begin with.
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

    /// Adds the methods of the second factor to a session, which gets another
    /// identifier: rights grow, so a stolen identifier must not grow with them.
    pub(crate) fn raise_session(&mut self, id: &str, amr: Vec<String>, now: i64) -> Option<(String, Session)> {
        let session = self.sessions.remove(id)?;
        let session = Session { amr, auth_time: now, expires_at: now + SESSION_IDLE, ..session };
        Some((self.insert_session(session.clone()), session))
    }

    /// The session if it still lives. Asking for it keeps it alive.
    pub(crate) fn session(&mut self, id: &str, now: i64) -> Option<Session> {
        let session = self.sessions.get_mut(id).filter(|session| session.expires_at > now)?;
        session.expires_at = now + SESSION_IDLE;
        Some(session.clone())
    }

    /// The sessions that live, in the order in which people authenticated.
    pub(crate) fn live_sessions(&self, now: i64) -> Vec<Session> {
        let mut live: Vec<_> = self.sessions.values().filter(|session| session.expires_at > now).cloned().collect();
        live.sort_by(|one, other| (one.auth_time, &one.sid).cmp(&(other.auth_time, &other.sid)));
        live
    }

    /// Notes that a person used an app in a session, at an authorization server.
    pub(crate) fn note_use(&mut self, session: &Session, client_id: &str, server: &str) {
        let same = self.sessions.values_mut().filter(|known| known.sid == session.sid);
        same.for_each(|known| known.apps.extend([(client_id.to_owned(), server.to_owned())]));
        let apps = self.apps.entry(session.login.to_ascii_lowercase()).or_default();
        apps.insert(client_id.to_owned());
    }

    /// The apps that a person ever used.
    pub(crate) fn apps_of(&self, login: &str) -> BTreeSet<String> {
        self.apps.get(&login.to_ascii_lowercase()).cloned().unwrap_or_default()
    }

    /// Ends a session.
    ///
    /// Tokens that the session led to live on: signing out of Okta does not revoke
    /// them.
    pub(crate) fn close_session(&mut self, id: &str) {
        self.sessions.remove(id);
    }

    /// Ends the session with this `sid`, and returns it if it still lived.
    pub(crate) fn close_session_named(&mut self, sid: &str, now: i64) -> Option<Session> {
        let id = self.sessions.iter().find(|(_, session)| session.sid == sid).map(|(id, _)| id.clone())?;
        self.sessions.remove(&id).filter(|session| session.expires_at > now)
    }

    /// Ends every session of a person.
    pub(crate) fn close_sessions_of(&mut self, login: &str) {
        self.sessions.retain(|_, session| !session.login.eq_ignore_ascii_case(login));
    }

    /// Keeps a session under a fresh identifier.
    fn insert_session(&mut self, session: Session) -> String {
        let id = format!("102{}", random::token());
        self.sessions.insert(id.clone(), session);
        id
    }
}
