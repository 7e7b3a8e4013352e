//! The sessions of an application, wherever they live.
//!
//! A request is served in two steps. `look` tells what can be told at once, which is
//! nearly everything for sessions in cookies. What is left is a `Ticket`, and `find`
//! asks about it. So a request that has to wait for nobody needs no future.
//!
//! What cannot be read is no session, and what cannot be asked is an error: the two are
//! never mixed up, because the first signs a browser out and the second must not.

use std::sync::Arc;

use http::HeaderValue;

use super::cookie_store::{CookieStore, Loaded};
use super::limits::{Activity, SessionLimits};
use super::names::{Kind, Naming};
use super::probe::Prober;
use super::record::{Session, SessionId};
use super::renewal::Due;
use super::revocations::Revocations;
use super::store::{SessionStore, StoreKey};
use super::stored::{Entry, StoredSessions};
use super::watches::{Watch, Watches};
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};

/// Where sessions live.
#[derive(Debug)]
pub(crate) enum Sessions {
    /// Sealed in cookies. Without revocations nothing but its limits ends one.
    Cookie {
        cookies: Box<CookieStore>,
        revocations: Option<Revocations>,
        naming: Naming,
        limits: SessionLimits,
        watches: Watches,
    },
    /// In a store.
    Stored(StoredSessions),
}

/// What a look at a request's cookies tells.
// A session that is due for new tokens is a ticket too, unless it has been ended.
#[derive(Debug)]
pub(crate) enum Look {
    /// There is no session.
    None,
    /// There is something that is no session: it is to be cleared.
    Invalid,
    /// A session that can be used as it is.
    Here { entry: Entry, rewrite: bool },
    /// Somebody has to be asked first.
    Wait(Ticket),
}

/// What is to be asked about.
#[derive(Clone, Debug)]
pub(crate) enum Ticket {
    /// Whether this session has been ended, or what its tokens are now.
    Cookie { entry: Entry, rewrite: bool },
    /// What the store has under this key. `proven` if the MAC of the id shows that it was
    /// issued here; ids of the previous format have none.
    Stored { key: StoreKey, proven: bool },
}

impl Ticket {
    /// The session, as far as it is known: two tickets with one key are of one session.
    pub(crate) fn key(&self) -> StoreKey {
        match self {
            Self::Cookie { entry, .. } => entry.session.id().0,
            Self::Stored { key, .. } => *key,
        }
    }

    /// Whether the cookie itself proves that the session was issued here.
    pub(crate) fn is_proven(&self) -> bool {
        !matches!(self, Self::Stored { proven: false, .. })
    }
}

/// What came of asking.
#[derive(Debug)]
pub(crate) enum Found {
    /// No session of this name. Its cookie stays: a request that is slow must not take
    /// away the cookie of a new sign-in that has overtaken it.
    None,
    /// It has been ended, and its cookie is to be cleared.
    Ended,
    /// A session; `rewrite` if its cookie is to be written again.
    Here { entry: Entry, rewrite: bool },
}

impl Sessions {
    /// Looks at the cookies of a request. Nobody is waited for.
    ///
    /// A revoked cookie is `Invalid` like one that was edited: nobody learns which of
    /// the two it was.
    pub(crate) fn look(&self, request: &RequestCookies, now: Timestamp, activity: Activity) -> Look {
        if request.is_empty() {
            return Look::None;
        }
        let (cookies, revocations, naming, limits) = match self {
            Self::Stored(stored) => {
                let Some((key, proven)) = stored.key(request) else { return Look::None };
                return Look::Wait(Ticket::Stored { key, proven });
            }
            Self::Cookie { cookies, revocations, naming, limits, .. } => (cookies, revocations, naming, limits),
        };
        let (session, rewrite) = match cookies.load(request, now, activity) {
            Loaded::None => return Look::None,
            Loaded::Invalid => return Look::Invalid,
            Loaded::Session { session, rewrite } => (session, rewrite),
        };
        let ended = revocations
            .as_ref()
            .map_or(Some(false), |revocations| revocations.is_ended_now(&session, naming, limits.memory_of_ended()));
        let due = session.due(now) != Due::No;
        let entry = Entry { session, version: 0, old_key: false };
        match ended {
            Some(true) => Look::Invalid,
            Some(false) if !due => Look::Here { entry, rewrite },
            _ => Look::Wait(Ticket::Cookie { entry, rewrite }),
        }
    }

    /// Asks what a look could not tell.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`]: whether there is a session is then not known.
    pub(crate) async fn find(&self, ticket: Ticket, now: Timestamp, activity: Activity) -> Result<Found> {
        match (self, ticket) {
            (Self::Cookie { revocations: Some(revocations), naming, .. }, Ticket::Cookie { entry, rewrite }) => {
                let names = entry.session.names(naming).all();
                let ended = revocations.is_ended(&names, entry.session.created_at()).await?;
                Ok(if ended { Found::Ended } else { Found::Here { entry, rewrite } })
            }
            (_, Ticket::Cookie { entry, rewrite }) => Ok(Found::Here { entry, rewrite }),
            (Self::Stored(stored), Ticket::Stored { key, .. }) => {
                let Some(entry) = stored.load(&key, now).await? else { return Ok(Found::None) };
                let touched = stored.touch(&entry, now, activity).await;
                let rewrite = touched.is_some();
                Ok(Found::Here { entry: touched.unwrap_or(entry), rewrite })
            }
            (Self::Cookie { .. }, Ticket::Stored { .. }) => Ok(Found::None),
        }
    }

    /// The id and the `Set-Cookie` values of a new session, which replaces whatever the
    /// browser holds.
    ///
    /// With revocations a session may begin a second late: a mark ends what began up to
    /// its second, and somebody who signs out and in again within one must not be
    /// signed out by it.
    pub(crate) async fn create(
        &self,
        request: &RequestCookies,
        session: Session,
        now: Timestamp,
    ) -> Result<(SessionId, Vec<HeaderValue>)> {
        match self {
            Self::Stored(stored) => stored.create(request, session, now).await,
            Self::Cookie { cookies, revocations, naming, limits, .. } => {
                let session = match revocations {
                    Some(revocations) => {
                        let (names, latest) = (session.names(naming), naming.name(Kind::LatestStart, b""));
                        revocations.remember(names.okta_session.as_ref(), limits.memory_of_ended()).await?;
                        let start = revocations.start(names, &latest, now).await?;
                        session.starting_at(start)
                    }
                    None => session,
                };
                Ok((session.id(), cookies.save(request, &session, now)?))
            }
        }
    }

    /// The `Set-Cookie` values that keep a session alive.
    ///
    /// With sessions in cookies this is what notes the use; in a store `find` has noted
    /// it already.
    pub(crate) fn rewrite(
        &self,
        request: &RequestCookies,
        session: &Session,
        now: Timestamp,
        activity: Activity,
    ) -> Vec<HeaderValue> {
        // A session that cannot be written again stays as it is: it was good enough to be read.
        match (self, activity) {
            (Self::Stored(stored), _) => stored.rewrite(request, session, now),
            (Self::Cookie { cookies, .. }, Activity::Active) => {
                cookies.save(request, &session.touched(now), now).unwrap_or_default()
            }
            (Self::Cookie { cookies, .. }, Activity::Passive) => {
                cookies.save(request, session, now).unwrap_or_default()
            }
        }
    }

    /// When a session ends unless it is used again.
    pub(crate) fn ends_at(&self, session: &Session) -> Timestamp {
        let limits = match self {
            Self::Stored(stored) => stored.limits(),
            Self::Cookie { limits, .. } => limits,
        };
        limits.end(session.lifeline())
    }

    /// Registers a future for the end of a session: see [`ended`](super::ended).
    pub(crate) fn watch(&self, session: &Arc<Session>) -> Watch {
        let prober = match self {
            Self::Stored(stored) => Prober::Stored(stored.clone()),
            Self::Cookie { revocations, naming, .. } => {
                Prober::Cookie { revocations: revocations.clone(), naming: naming.clone() }
            }
        };
        self.watches().watch(session, session.names(self.naming()), self.ends_at(session), prober)
    }

    /// Moves the known end of a watched session that has been used.
    pub(crate) fn note_use(&self, session: &Arc<Session>) {
        let names = || session.names(self.naming()).all();
        self.watches().update(session, names, self.ends_at(session));
    }

    /// The futures that wait for the end of a session.
    pub(crate) fn watches(&self) -> &Watches {
        match self {
            Self::Stored(stored) => stored.watches(),
            Self::Cookie { watches, .. } => watches,
        }
    }

    /// The `Set-Cookie` values that take the session away.
    pub(crate) fn clear(&self, request: &RequestCookies) -> Vec<HeaderValue> {
        match self {
            Self::Stored(stored) => stored.clear(request),
            Self::Cookie { cookies, .. } => cookies.clear(request),
        }
    }

    /// The ids of other tenants of which the browser has a cookie, which may be any
    /// text.
    pub(crate) fn others<'a>(&'a self, request: &'a RequestCookies) -> Vec<&'a str> {
        match self {
            Self::Stored(stored) => stored.chunks().others(request),
            Self::Cookie { cookies, .. } => cookies.chunks().others(request),
        }
    }

    /// The `Set-Cookie` values that take the sessions of other tenants in the same
    /// browser away.
    pub(crate) fn clear_others(&self, request: &RequestCookies) -> Vec<HeaderValue> {
        match self {
            Self::Stored(stored) => stored.chunks().clear_others(request),
            Self::Cookie { cookies, .. } => cookies.chunks().clear_others(request),
        }
    }

    /// The name of the first cookie.
    pub(crate) fn cookie_name(&self) -> &str {
        match self {
            Self::Stored(stored) => stored.cookie_name(),
            Self::Cookie { cookies, .. } => cookies.cookie_name(),
        }
    }

    /// The names of this tenant.
    pub(crate) fn naming(&self) -> &Naming {
        match self {
            Self::Stored(stored) => stored.naming(),
            Self::Cookie { naming, .. } => naming,
        }
    }

    /// A place for marks; `None` without a store and without revocations.
    ///
    /// It is where messages from outside are remembered, so that each counts once.
    pub(crate) fn marks(&self) -> Option<&dyn SessionStore> {
        match self {
            Self::Stored(stored) => Some(&**stored.store()),
            Self::Cookie { revocations, .. } => revocations.as_ref().map(Revocations::store),
        }
    }

    /// Ends one session, here and in every copy of its cookie. Without revocations a
    /// copy lives until its limits. `false` if it had ended already, as far as that can
    /// be told.
    ///
    /// The mark is never earlier than the session's beginning, which may be ahead of
    /// this clock. It lasts for the absolute limit, and to the end that the session's
    /// record has: after that no session that it is about can be alive.
    pub(crate) async fn end(&self, session: &Session, now: Timestamp) -> Result<bool> {
        match self {
            Self::Stored(stored) => stored.end(session).await,
            Self::Cookie { revocations: None, watches, .. } => {
                watches.end(&session.id().0);
                Ok(true)
            }
            Self::Cookie { revocations: Some(revocations), naming, limits, watches, .. } => {
                // Connections close even if the list does not answer.
                watches.end(&session.id().0);
                let name = &session.names(naming).session;
                let lifetime = limits.memory_of(session.lifeline(), now);
                revocations.end(name, now.max(session.created_at()), lifetime).await.map(|()| true)
            }
        }
    }

    /// Ends every session of a session at Okta because of a front-channel logout, which
    /// any page can send.
    ///
    /// In a store, linked sessions end and nothing else is written. For sessions in cookies
    /// each ending is written down, so [`Revocations::end_reported`] keeps names that are
    /// not proven apart.
    ///
    /// # Errors
    /// As for [`end_named`](Self::end_named).
    pub(crate) async fn end_reported(
        &self,
        okta_session: &StoreKey,
        now: Timestamp,
        told: impl Fn(Arc<Session>),
    ) -> Result<Option<usize>> {
        let Self::Cookie { revocations: Some(revocations), naming, limits, watches, .. } = self else {
            return self.end_named(okta_session, now, told).await;
        };
        let until = revocations.latest_start(&naming.name(Kind::LatestStart, b""), now).await?;
        if revocations.end_reported(okta_session, until, limits.memory_of_ended()).await? {
            watches.end_named(okta_session, until);
        }
        Ok(None)
    }

    /// Ends every session of a name. How many those were, where they can be found:
    /// those in cookies cannot.
    ///
    /// `told` hears of each as it ends, so of those too that ended before a failure.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`], or [`Code::StoreUnsupported`] if no session can be
    /// ended from here.
    pub(crate) async fn end_named(
        &self,
        name: &StoreKey,
        now: Timestamp,
        told: impl Fn(Arc<Session>),
    ) -> Result<Option<usize>> {
        match self {
            Self::Stored(stored) => {
                let mut number = 0;
                for entry in stored.named(name, now).await? {
                    if stored.end(&entry.session).await? {
                        number += 1;
                        told(entry.session);
                    }
                }
                Ok(Some(number))
            }
            Self::Cookie { revocations: Some(revocations), naming, limits, watches, .. } => {
                let until = revocations.latest_start(&naming.name(Kind::LatestStart, b""), now).await?;
                revocations.end(name, until, limits.memory_of_ended()).await?;
                watches.end_named(name, until);
                Ok(None)
            }
            Self::Cookie { revocations: None, .. } => Err(unsupported("ended from the server side")),
        }
    }

    /// The live sessions of a user.
    ///
    /// The browser has the only copy of a session in a cookie, so there is nothing to
    /// list.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`], or [`Code::StoreUnsupported`] for sessions in
    /// cookies.
    pub(crate) async fn of_subject(&self, subject: &str, now: Timestamp) -> Result<Vec<Arc<Session>>> {
        let Self::Stored(stored) = self else { return Err(unsupported("listed")) };
        let name = stored.naming().name(Kind::Subject, subject.as_bytes());
        Ok(stored.named(&name, now).await?.into_iter().map(|entry| entry.session).collect())
    }
}

/// What sessions in cookies cannot do.
fn unsupported(what: &str) -> Error {
    let message = format!("sessions in cookies cannot be {what}; set OKTA_SESSION_STORE to `memory` or `redis://..`");
    Error::new(Code::StoreUnsupported, message)
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
