//! Refreshes the tokens of sessions, once per session for concurrent requests.
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
//!     |                |  save, unless changed meanwhile           |
//!     |                |-------------------->|                     |
//!     |  new session   |  release the lease  |                     |
//!     |<---------------|-------------------->|                     |
//! ```
//!
//! `tests/refresh_model.rs` is a model of this protocol. It searches the interleavings for
//! one that loses a token, uses one twice or revives a session that was signed out.
//!
//! 1. Within one process, concurrent requests share the refresh of a session. It runs in a
//!    task of its own, so it survives the cancellation of a request.
//! 2. Between processes with a shared store, one holds a lease while it refreshes, and the
//!    others read the result. A lease expires a few seconds after its holder stops.
//! 3. The holder of the lease first reads the session again, because it may have been
//!    refreshed already.
//! 4. New tokens are persisted before they are used. If that fails, they are kept in memory
//!    and persisted as soon as the store works again ([`unsaved`](super::pending_writes)). Tokens
//!    that cannot be verified yet are kept as well, because the old refresh token may be
//!    used up.
//! 5. A request with replaced tokens gets the session with the new ones: always with a
//!    store, and during the grace period with cookies.
//! 6. `invalid_grant` ends a session only if no other process has refreshed it in the
//!    meantime. Temporary failures never end a session.
//!
//! With sessions in cookies, replicas cannot coordinate. Two replicas can refresh the same
//! session only because of Okta's own grace period for rotated refresh tokens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use super::OktaAuth;
use super::lease::under_lease;
use super::pending_writes::PendingWrites;
use crate::callback::ProviderContext;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::events::{EndReason, EventKind, Measure};
use crate::protocol::TokenSet;
use crate::session::{
    Activity, Entry, LoadedSession, PendingLookup, RefreshDue, Session, Sessions, SingleFlight, StoreKey,
    StoredSessions,
};
use crate::tokens::refresh::{self, RefreshContext, RefreshedTokens};

/// The interval in which a waiting process reads the session.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The number of such reads.
const LOOKS: usize = 400;
/// The pause after a temporary failure, if Okta sends no `Retry-After`.
const PAUSE: Duration = Duration::from_secs(5);
/// The capacity of each of the caches below.
pub(super) const REMEMBERED: usize = 16_384;
/// The number of attempts to write a session that other writers keep changing.
const WRITES: usize = 8;

/// The state of refreshes beyond the sessions themselves.
pub(super) struct Refreshes {
    pub(super) flights: SingleFlight<Outcome>,
    /// The successors of sessions in cookies, with the end of the grace period for old
    /// cookies.
    successors: Cache<StoreKey, (Entry, Timestamp)>,
    /// Refreshed sessions that could not be persisted.
    pub(super) unsaved: PendingWrites,
    /// Issued tokens that could not be verified yet.
    unverified: Cache<StoreKey, Unverified>,
    /// When the next attempt is allowed.
    pauses: Cache<StoreKey, Timestamp>,
}

#[derive(Clone)]
struct Unverified {
    /// The session whose refresh token was used.
    before: Arc<Session>,
    tokens: Arc<TokenSet>,
    /// Whether verification should be repeated, because it failed for lack of keys.
    again: bool,
}

#[derive(Clone)]
pub(super) enum Outcome {
    /// The present session. It has the old tokens if those are still valid and another
    /// process refreshes it.
    Renewed(Entry),
    Ended,
    Failed(Arc<Error>),
}

impl Outcome {
    pub(super) fn failed(error: Error) -> Self {
        Self::Failed(Arc::new(error))
    }
}

/// A session after a possible refresh.
#[derive(Debug)]
pub(super) enum RefreshResult {
    /// The session is valid; `renewed` means that its tokens were replaced.
    Usable {
        entry: Entry,
        renewed: bool,
    },
    Ended,
    /// The session is temporarily unusable.
    Unavailable(Arc<Error>),
}

impl Default for Refreshes {
    fn default() -> Self {
        let (successors, unverified, pauses) = (Cache::new(REMEMBERED), Cache::new(REMEMBERED), Cache::new(REMEMBERED));
        Self { flights: SingleFlight::default(), successors, unsaved: PendingWrites::default(), unverified, pauses }
    }
}

impl Refreshes {
    /// Returns the successor of a session in a cookie.
    fn successor(&self, session: &Session, now: Timestamp) -> Option<Entry> {
        let (entry, until) = self.successors.get(&session.id().0)?;
        (now < until && !entry.session.has_tokens_of(session)).then_some(entry)
    }

    /// Returns unverified tokens that were issued for this session.
    fn unverified(&self, session: &Session) -> Option<Unverified> {
        self.unverified.get(&session.id().0).filter(|kept| kept.before.has_tokens_of(session))
    }
}

impl OktaAuth {
    pub(super) async fn tended(&self, entry: Entry, now: Timestamp) -> RefreshResult {
        let due = entry.session.due(now);
        let refreshes = &self.0.refreshes;
        let key = entry.session.id().0;
        if due == RefreshDue::NotYet {
            return RefreshResult::Usable { entry, renewed: false };
        }
        if let Some(entry) = refreshes.successor(&entry.session, now) {
            return RefreshResult::Usable { entry, renewed: true };
        }
        let paused = refreshes.pauses.get(&key).is_some_and(|until| now < until);
        // A request with valid tokens does not wait for a refresh in progress.
        if paused || (due == RefreshDue::Soon && refreshes.flights.is_under_way(&key)) {
            return self.as_it_is(entry, now, None);
        }
        let (auth, before) = (self.clone(), entry.clone());
        match refreshes.flights.join(key, || async move { auth.renew(before).await }).await {
            Some(Outcome::Renewed(next)) => {
                let renewed = !next.session.has_tokens_of(&entry.session);
                RefreshResult::Usable { entry: next, renewed }
            }
            Some(Outcome::Ended) => RefreshResult::Ended,
            Some(Outcome::Failed(error)) => self.as_it_is(entry, now, Some(error)),
            None => self.as_it_is(entry, now, None),
        }
    }

    /// Returns a session that could not be refreshed. It is usable until the expiry of its
    /// access token plus the grace period.
    fn as_it_is(&self, entry: Entry, now: Timestamp, error: Option<Arc<Error>>) -> RefreshResult {
        let grace = self.config().options.outage_grace;
        if entry.session.tokens_expire_at().is_none_or(|end| now < end.plus(grace)) {
            return RefreshResult::Usable { entry, renewed: false };
        }
        let message = "the session's tokens expired and could not be refreshed because Okta does not respond";
        let error = error.unwrap_or_else(|| Arc::new(Error::new(Code::RenewalUnavailable, message)));
        RefreshResult::Unavailable(error)
    }

    async fn renew(self, entry: Entry) -> Outcome {
        let (session, key) = (Arc::clone(&entry.session), entry.session.id().0);
        let measure = Measure::renewal();
        let outcome = match &*self.0.sessions {
            Sessions::Cookie { .. } => self.renew_cookie(entry).await,
            Sessions::Stored(stored) => self.renew_stored(stored, entry).await,
        };
        measure.end(named(&outcome));
        match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.emit_refresh(EventKind::RenewalFailed { code: error.code() }, &session, Some(&error));
                let pause = error.retry_after().unwrap_or(PAUSE);
                self.0.refreshes.pauses.insert(key, self.0.clock.now().plus(pause));
                self.schedule_flush();
                Outcome::Failed(Arc::new(error))
            }
        }
    }

    async fn renew_cookie(&self, entry: Entry) -> Result<Outcome> {
        let now = self.0.clock.now();
        if let Some(next) = self.0.refreshes.successor(&entry.session, now) {
            return Ok(Outcome::Renewed(next));
        }
        match self.refreshed(&entry.session).await {
            Ok(refreshed) => {
                let now = self.0.clock.now();
                let session = Arc::new(entry.session.renewed(&refreshed, now)?);
                let next = Entry { session, version: 0, needs_reseal: false };
                let until = now.plus(self.config().options.refresh_grace);
                self.0.refreshes.successors.insert(next.session.id().0, (next.clone(), until));
                // The session may have been ended during the refresh.
                let ticket = PendingLookup::Cookie { entry: next.clone(), rewrite: false };
                if let LoadedSession::Ended = self.0.sessions.find(ticket, now, Activity::Passive).await? {
                    self.revoke_later(next.session);
                    return Ok(Outcome::Ended);
                }
                self.emit_refresh(EventKind::SessionRenewed, &next.session, None);
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

    /// Refreshes a session in a store, or waits for the process that holds the lease.
    async fn renew_stored(&self, stored: &StoredSessions, entry: Entry) -> Result<Outcome> {
        let key = entry.session.id().0;
        for _ in 0..LOOKS {
            if let Some(outcome) = under_lease(stored, &key, self.renew_alone(stored, &entry)).await? {
                return outcome;
            }
            // Another process refreshes the session, and the present tokens are still
            // valid.
            if entry.session.due(self.0.clock.now()) == RefreshDue::Soon {
                return Ok(Outcome::Renewed(entry));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            match stored.load(&key, self.0.clock.now()).await? {
                None => return Ok(Outcome::Ended),
                Some(now) if !now.session.has_tokens_of(&entry.session) => return Ok(Outcome::Renewed(now)),
                Some(_) => {}
            }
        }
        let message = "another process has been refreshing the session for too long";
        Err(Error::new(Code::RenewalUnavailable, message))
    }

    async fn renew_alone(&self, stored: &StoredSessions, entry: &Entry) -> Result<Outcome> {
        let key = entry.session.id().0;
        let Some(current) = stored.load(&key, self.0.clock.now()).await? else { return Ok(Outcome::Ended) };
        if !current.session.has_tokens_of(&entry.session) {
            return Ok(Outcome::Renewed(current));
        }
        if let Some(unsaved) = self.0.refreshes.unsaved.instead_of(&current.session) {
            return self.persist(stored, current, unsaved).await;
        }
        match self.refreshed(&current.session).await {
            Ok(refreshed) => {
                let next = Arc::new(current.session.renewed(&refreshed, self.0.clock.now())?);
                self.0.refreshes.unsaved.keep(&current.session, &next);
                self.persist(stored, current, next).await
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

    /// Persists new tokens, and keeps the activity that was recorded in the meantime. If
    /// the session was ended in the meantime it stays ended, and the new tokens are
    /// revoked.
    pub(super) async fn persist(&self, stored: &StoredSessions, current: Entry, next: Arc<Session>) -> Result<Outcome> {
        let (key, mut current) = (next.id().0, current);
        for _ in 0..WRITES {
            let now = self.0.clock.now();
            if let Some(entry) = stored.save(&current, Session::clone(&next).used_like(&current.session), now).await? {
                self.0.refreshes.unsaved.remove(&key);
                self.emit_refresh(EventKind::SessionRenewed, &entry.session, None);
                return Ok(Outcome::Renewed(entry));
            }
            match stored.load(&key, now).await? {
                None => {
                    self.0.refreshes.unsaved.remove(&key);
                    self.revoke_later(next);
                    return Ok(Outcome::Ended);
                }
                Some(entry) if entry.session.has_tokens_of(&current.session) => current = entry,
                Some(entry) => {
                    self.0.refreshes.unsaved.remove(&key);
                    return Ok(Outcome::Renewed(entry));
                }
            }
        }
        Err(Error::new(
            Code::StoreUnavailable,
            "a refreshed session could not be saved because of repeated concurrent changes",
        ))
    }

    fn tell_refused(&self, session: &Session, error: &Error) {
        self.emit_refresh(EventKind::SessionEnded { why: EndReason::RenewalRefused }, session, Some(error));
    }

    /// Requests new tokens, unless unverified ones are still pending.
    ///
    /// The old refresh token is used up even if verification failed, so the next request
    /// presents the new one.
    async fn refreshed(&self, session: &Arc<Session>) -> Result<RefreshedTokens> {
        let kept = self.0.refreshes.unverified(session);
        let newer = kept.as_ref().and_then(|kept| kept.tokens.refresh_token.clone());
        let token = newer.or_else(|| session.refresh_token());
        let token = token.ok_or_else(|| Error::new(Code::Internal, "a session without a refresh token was due"))?;
        let metadata = self.metadata().await?;
        let inner = &self.0;
        let with = ProviderContext {
            config: &inner.config,
            metadata: &metadata,
            protocol: &inner.protocol,
            verifier: &inner.verifier,
        };
        let known = RefreshContext {
            subject: session.subject(),
            claims: session.all_claims(),
            scopes: session.scopes(),
            refresh_token: &token,
        };
        let (key, unverified) = (session.id().0, &inner.refreshes.unverified);
        let now = inner.clock.now();
        let usable = |kept: &Unverified| kept.again && kept.tokens.access_token_expires_at.is_none_or(|end| now < end);
        let tokens = match kept.filter(usable) {
            Some(kept) => kept.tokens,
            None => {
                let mut tokens = refresh::ask(&with, &known).await?;
                // A refresh token that does not rotate stays valid, and may differ from the
                // session's.
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

/// Whether a failure ends the session, because a retry cannot succeed.
///
/// Okta rejects the refresh token, or its response contains tokens that cannot belong to
/// this session. Failures that a wrong clock or an unpublished key can cause are excluded.
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

/// Whether verification failed only for lack of keys. After a clock failure new tokens are
/// requested.
fn waits_for_keys(error: &Error) -> bool {
    error.is_temporary() || error.code() == Code::TokenKeyUnknown
}

fn named(outcome: &Result<Outcome>) -> &'static str {
    match outcome {
        Ok(Outcome::Renewed(_)) => "renewed",
        Ok(Outcome::Ended) => "ended",
        Ok(Outcome::Failed(error)) => error.code().as_str(),
        Err(error) => error.code().as_str(),
    }
}

impl fmt::Debug for Refreshes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewals").finish_non_exhaustive()
    }
}
