//! Keeps the tokens of sessions fresh: once for each session, whoever asks.
//!
//! ```text
//!  request        this process            store                 Okta
//!     |  due?          |                     |                     |
//!     |--------------->|  under way? wait    |                     |
//!     |                |  claim the lease    |                     |
//!     |                |-------------------->|                     |
//!     |                |  read again         |                     |
//!     |                |-------------------->|                     |
//!     |                |  still the same tokens: present them      |
//!     |                |------------------------------------------>|
//!     |                |  new tokens, verified                     |
//!     |                |<------------------------------------------|
//!     |                |  save, if nobody was faster               |
//!     |                |-------------------->|                     |
//!     |  new session   |  release the lease  |                     |
//!     |<---------------|-------------------->|                     |
//! ```
//!
//! `tests/refresh_model.rs` has this as a model, whose interleavings are searched for
//! one that loses a token, uses one twice or brings back a session that was signed out.
//!
//!
//! 1. Within one process, requests that want the same renewal share it. It is a task of
//!    its own, so a browser that goes away does not take its tokens along.
//! 2. Between processes with a shared store, one holds a lease while it renews and the
//!    others read what it wrote. A lease ends by itself a few seconds after its holder
//!    does.
//! 3. Whoever has the lease reads the session again first: it may have been renewed
//!    already.
//! 4. New tokens are written down before anybody uses them. If that fails they are kept
//!    here and written as soon as the store works again ([`unsaved`](super::unsaved)).
//!    Tokens that cannot be verified yet are kept as well: what they were asked with may
//!    be used up.
//! 5. A request that comes with tokens that have been replaced gets the session that
//!    has the new ones. With a store that is always so, and with cookies for the grace
//!    time.
//! 6. `invalid_grant` ends a session only if nobody has renewed it in the meantime.
//!    What may be repeated ends none.
//!
//! With sessions in cookies replicas know nothing of each other. There it is Okta's own
//! leeway for rotated refresh tokens that lets two of them renew the same session.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use super::OktaAuth;
use super::lease::under_lease;
use super::unsaved::Unsaved;
use crate::callback::Exchange;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::events::{EndReason, Happening, Measure};
use crate::protocol::TokenSet;
use crate::session::{Activity, Due, Entry, Flights, Found, Session, Sessions, StoreKey, StoredSessions, Ticket};
use crate::tokens::refresh::{self, Known, Refreshed};

/// How often somebody who waits for another process looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// And how many times.
const LOOKS: usize = 400;
/// After a failure that may be repeated, the next try waits this long if Okta names no
/// time.
const PAUSE: Duration = Duration::from_secs(5);
/// So many sessions are remembered for each of the reasons below.
pub(super) const REMEMBERED: usize = 16_384;
/// A write that others keep overtaking is given up after so many times.
const WRITES: usize = 8;

/// What is known about renewals, beyond what is in the sessions.
pub(super) struct Renewals {
    /// Those that are under way.
    pub(super) flights: Flights<Outcome>,
    /// What replaced sessions in cookies, and until when an old cookie finds it.
    successors: Cache<StoreKey, (Entry, Timestamp)>,
    /// What has been renewed and could not be written down.
    pub(super) unsaved: Unsaved,
    /// What was issued and could not be verified yet.
    unverified: Cache<StoreKey, Unverified>,
    /// When to try again.
    pauses: Cache<StoreKey, Timestamp>,
}

/// Tokens that may be good, and cannot be believed yet.
#[derive(Clone)]
struct Unverified {
    /// The session that they were asked for with.
    before: Arc<Session>,
    tokens: Arc<TokenSet>,
    /// Whether they may pass when they are verified again.
    again: bool,
}

/// What came of a renewal.
#[derive(Clone)]
pub(super) enum Outcome {
    /// The session as it is now; with the tokens of before if those are good for a
    /// while and another process is at it.
    Renewed(Entry),
    /// There is none any more.
    Ended,
    /// It is to be tried again.
    Failed(Arc<Error>),
}

impl Outcome {
    /// It is to be tried again.
    pub(super) fn failed(error: Error) -> Self {
        Self::Failed(Arc::new(error))
    }
}

/// What a session is once it has been looked after.
#[derive(Debug)]
pub(super) enum Tended {
    /// It can be used; `renewed` if it has other tokens than before.
    Usable { entry: Entry, renewed: bool },
    /// Okta has ended it.
    Ended,
    /// It cannot be used at the moment.
    Unavailable(Arc<Error>),
}

impl Default for Renewals {
    fn default() -> Self {
        let (successors, unverified, pauses) = (Cache::new(REMEMBERED), Cache::new(REMEMBERED), Cache::new(REMEMBERED));
        Self { flights: Flights::default(), successors, unsaved: Unsaved::default(), unverified, pauses }
    }
}

impl Renewals {
    /// What has replaced a session, if it has other tokens.
    fn successor(&self, session: &Session, now: Timestamp) -> Option<Entry> {
        let (entry, until) = self.successors.get(&session.id().0)?;
        (now < until && !entry.session.has_tokens_of(session)).then_some(entry)
    }

    /// What was issued last in the place of a session's tokens.
    fn unverified(&self, session: &Session) -> Option<Unverified> {
        self.unverified.get(&session.id().0).filter(|kept| kept.before.has_tokens_of(session))
    }
}

impl OktaAuth {
    /// The session with tokens that are good for a while, if it can have such.
    pub(super) async fn tended(&self, entry: Entry, now: Timestamp) -> Tended {
        let due = entry.session.due(now);
        let renewals = &self.0.renewals;
        let key = entry.session.id().0;
        if due == Due::No {
            return Tended::Usable { entry, renewed: false };
        }
        if let Some(entry) = renewals.successor(&entry.session, now) {
            return Tended::Usable { entry, renewed: true };
        }
        let paused = renewals.pauses.get(&key).is_some_and(|until| now < until);
        // Who does not need new tokens at once does not wait for those who fetch them.
        if paused || (due == Due::Soon && renewals.flights.is_under_way(&key)) {
            return self.as_it_is(entry, now, None);
        }
        let (auth, before) = (self.clone(), entry.clone());
        match renewals.flights.join(key, || async move { auth.renew(before).await }).await {
            Some(Outcome::Renewed(next)) => {
                let renewed = !next.session.has_tokens_of(&entry.session);
                Tended::Usable { entry: next, renewed }
            }
            Some(Outcome::Ended) => Tended::Ended,
            Some(Outcome::Failed(error)) => self.as_it_is(entry, now, Some(error)),
            None => self.as_it_is(entry, now, None),
        }
    }

    /// A session that could not be renewed: good while its access token or the grace
    /// lasts.
    fn as_it_is(&self, entry: Entry, now: Timestamp, error: Option<Arc<Error>>) -> Tended {
        let grace = self.config().options.outage_grace;
        if entry.session.tokens_expire_at().is_none_or(|end| now < end.plus(grace)) {
            return Tended::Usable { entry, renewed: false };
        }
        let message = "a session could not be renewed for so long that it cannot be used; Okta does not answer";
        let error = error.unwrap_or_else(|| Arc::new(Error::new(Code::RenewalUnavailable, message)));
        Tended::Unavailable(error)
    }

    /// One renewal, for all who wait for it.
    async fn renew(self, entry: Entry) -> Outcome {
        let (session, key) = (Arc::clone(&entry.session), entry.session.id().0);
        let measure = Measure::renewal();
        let outcome = match &self.0.sessions {
            Sessions::Cookie { .. } => self.renew_cookie(entry).await,
            Sessions::Stored(stored) => self.renew_stored(stored, entry).await,
        };
        measure.end(named(&outcome));
        match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.tell_renewal(Happening::RenewalFailed { code: error.code() }, &session, Some(&error));
                let pause = error.retry_after().unwrap_or(PAUSE);
                self.0.renewals.pauses.insert(key, self.0.clock.now().plus(pause));
                self.write_later();
                Outcome::Failed(Arc::new(error))
            }
        }
    }

    /// The renewal of a session in a cookie.
    async fn renew_cookie(&self, entry: Entry) -> Result<Outcome> {
        let now = self.0.clock.now();
        if let Some(next) = self.0.renewals.successor(&entry.session, now) {
            return Ok(Outcome::Renewed(next));
        }
        match self.refreshed(&entry.session).await {
            Ok(refreshed) => {
                let now = self.0.clock.now();
                let session = Arc::new(entry.session.renewed(&refreshed, now)?);
                let next = Entry { session, version: 0, old_key: false };
                let until = now.plus(self.config().options.refresh_grace);
                self.0.renewals.successors.insert(next.session.id().0, (next.clone(), until));
                // Somebody may have ended the session meanwhile, and knew nothing of these tokens.
                let ticket = Ticket::Cookie { entry: next.clone(), rewrite: false };
                if let Found::Ended = self.0.sessions.find(ticket, now, Activity::Passive).await? {
                    self.revoke_later(next.session);
                    return Ok(Outcome::Ended);
                }
                self.tell_renewal(Happening::SessionRenewed, &next.session, None);
                Ok(Outcome::Renewed(next))
            }
            Err(error) if ends(&error) => {
                if self.0.sessions.end(&entry.session, now).await? {
                    self.tell_refused(&entry.session, &error);
                }
                Ok(Outcome::Ended)
            }
            Err(error) => Err(error),
        }
    }

    /// The renewal of a session in a store: by whoever gets the lease.
    async fn renew_stored(&self, stored: &StoredSessions, entry: Entry) -> Result<Outcome> {
        let key = entry.session.id().0;
        for _ in 0..LOOKS {
            if let Some(outcome) = under_lease(stored, &key, self.renew_alone(stored, &entry)).await? {
                return outcome;
            }
            // Somebody else is at it, and these tokens are good until that is done.
            if entry.session.due(self.0.clock.now()) == Due::Soon {
                return Ok(Outcome::Renewed(entry));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            match stored.load(&key, self.0.clock.now()).await? {
                None => return Ok(Outcome::Ended),
                Some(now) if !now.session.has_tokens_of(&entry.session) => return Ok(Outcome::Renewed(now)),
                Some(_) => {}
            }
        }
        let message = "another process has been renewing the session for too long";
        Err(Error::new(Code::RenewalUnavailable, message))
    }

    /// The renewal itself, by whoever holds the lease.
    async fn renew_alone(&self, stored: &StoredSessions, entry: &Entry) -> Result<Outcome> {
        let key = entry.session.id().0;
        let Some(current) = stored.load(&key, self.0.clock.now()).await? else { return Ok(Outcome::Ended) };
        if !current.session.has_tokens_of(&entry.session) {
            return Ok(Outcome::Renewed(current));
        }
        if let Some(unsaved) = self.0.renewals.unsaved.instead_of(&current.session) {
            return self.write_down(stored, current, unsaved).await;
        }
        match self.refreshed(&current.session).await {
            Ok(refreshed) => {
                let next = Arc::new(current.session.renewed(&refreshed, self.0.clock.now())?);
                self.0.renewals.unsaved.keep(&current.session, &next);
                self.write_down(stored, current, next).await
            }
            Err(error) if ends(&error) => match stored.load(&key, self.0.clock.now()).await? {
                Some(now) if !now.session.has_tokens_of(&current.session) => Ok(Outcome::Renewed(now)),
                _ => {
                    if stored.end(&current.session).await? {
                        self.tell_refused(&current.session, &error);
                    }
                    Ok(Outcome::Ended)
                }
            },
            Err(error) => Err(error),
        }
    }

    /// Writes new tokens down. A use that was written meanwhile is kept; if the session
    /// was ended meanwhile it stays so, and the tokens are given back.
    pub(super) async fn write_down(
        &self,
        stored: &StoredSessions,
        current: Entry,
        next: Arc<Session>,
    ) -> Result<Outcome> {
        let (key, mut current) = (next.id().0, current);
        for _ in 0..WRITES {
            let now = self.0.clock.now();
            if let Some(entry) = stored.save(&current, Session::clone(&next).used_like(&current.session), now).await? {
                self.0.renewals.unsaved.remove(&key);
                self.tell_renewal(Happening::SessionRenewed, &entry.session, None);
                return Ok(Outcome::Renewed(entry));
            }
            match stored.load(&key, now).await? {
                None => {
                    self.0.renewals.unsaved.remove(&key);
                    self.revoke_later(next);
                    return Ok(Outcome::Ended);
                }
                Some(entry) if entry.session.has_tokens_of(&current.session) => current = entry,
                Some(entry) => {
                    self.0.renewals.unsaved.remove(&key);
                    return Ok(Outcome::Renewed(entry));
                }
            }
        }
        Err(Error::new(Code::StoreUnavailable, "a session was overwritten again and again while it was renewed"))
    }

    /// Operators learn why somebody has to sign in again.
    fn tell_refused(&self, session: &Session, error: &Error) {
        self.tell_renewal(Happening::SessionEnded { why: EndReason::RenewalRefused }, session, Some(error));
    }

    /// Asks Okta for new tokens, unless it has issued some that are still to be
    /// verified.
    ///
    /// What could not be believed has used up the refresh token of before all the same,
    /// so the one that came along is presented next.
    async fn refreshed(&self, session: &Arc<Session>) -> Result<Refreshed> {
        let kept = self.0.renewals.unverified(session);
        let newer = kept.as_ref().and_then(|kept| kept.tokens.refresh_token.clone());
        let token = newer.or_else(|| session.refresh_token());
        let token = token.ok_or_else(|| Error::new(Code::Internal, "a session without a refresh token was due"))?;
        let metadata = self.metadata().await?;
        let inner = &self.0;
        let with = Exchange {
            config: &inner.config,
            metadata: &metadata,
            protocol: &inner.protocol,
            verifier: &inner.verifier,
        };
        let known = Known {
            subject: session.subject(),
            claims: session.all_claims(),
            scopes: session.scopes(),
            refresh_token: &token,
        };
        let (key, unverified) = (session.id().0, &inner.renewals.unverified);
        let now = inner.clock.now();
        let usable = |kept: &Unverified| kept.again && kept.tokens.access_token_expires_at.is_none_or(|end| now < end);
        let tokens = match kept.filter(usable) {
            Some(kept) => kept.tokens,
            None => {
                let mut tokens = refresh::ask(&with, &known).await?;
                // One that does not rotate stays, and may be another one than the session has.
                tokens.refresh_token.get_or_insert_with(|| token.clone());
                Arc::new(tokens)
            }
        };
        let outcome = refresh::verified(&with, &known, Arc::clone(&tokens)).await;
        match &outcome {
            Err(error) if !ends(error) => {
                let (before, again) = (Arc::clone(session), waits_for_keys(error));
                unverified.insert(key, Unverified { before, tokens, again });
            }
            _ => drop(unverified.remove(&key)),
        }
        outcome
    }
}

/// Whether a failure means that the session is over, however often it is repeated.
///
/// Okta refuses the refresh token, or answers with tokens that cannot be this
/// session's. What a clock that jumped or a key that is not yet published can cause is
/// not among these.
fn ends(error: &Error) -> bool {
    const FINAL: [&str; 5] =
        ["invalid_grant", "access_denied", "consent_required", "interaction_required", "login_required"];
    match error.code() {
        Code::TokenRefused => error.provider_error().is_some_and(|error| FINAL.contains(&error)),
        Code::TokenClaim => !matches!(error.claim(), Some("iat" | "nbf" | "exp")),
        Code::TokenExpired | Code::TokenKeyUnknown => false,
        Code::UserinfoSubject => true,
        _ => error.is_token(),
    }
}

/// Whether tokens may pass when they are verified again: the keys could not be had.
/// Those of a clock that is wrong are asked for again.
fn waits_for_keys(error: &Error) -> bool {
    error.is_temporary() || error.code() == Code::TokenKeyUnknown
}

/// An outcome, for the measures.
fn named(outcome: &Result<Outcome>) -> &'static str {
    match outcome {
        Ok(Outcome::Renewed(_)) => "renewed",
        Ok(Outcome::Ended) => "ended",
        Ok(Outcome::Failed(error)) => error.code().as_str(),
        Err(error) => error.code().as_str(),
    }
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewals").finish_non_exhaustive()
    }
}
