//! Provider-initiated logout: front-channel, back-channel, Universal Logout.
//!
//! # The order
//!
//! | step | back-channel | Universal Logout |
//! |---|---|---|
//! | 1 | the form has one token | the header has one token |
//! | 2 | | the unverified `iss` selects the issuer or its org |
//! | 3 | signature, kind, issuer, audience, times | the same, with the selected keys |
//! | 4 | the token is claimed, on all replicas | the same |
//! | 5 | the sessions are identified by `sid` or `sub` | by the body |
//! | 6 | they end, and their refresh tokens are revoked later | the same |
//! | 7 | the token is marked as used, unless the store failed | the same |
//!
//! An unauthenticated sender gets as far as step 3, which costs one verification and at most one fetch of keys per
//! interval. The body of Universal Logout is not parsed before that, so the response reveals neither supported formats
//! nor existing users.
//!
//! # Replay protection
//!
//! The id of a token is claimed where sessions end: in the store, or in the revocation list for sessions in cookies. It
//! is kept until the token would be rejected for its age by the slowest tolerated clock. Without such storage no
//! message is accepted. See [`replay`](super::replay) for messages that arrive while the store fails.
//!
//! # Outcomes
//!
//! A message either has an authenticated sender, or it can only sign a user out. Sessions end in the store or by a
//! watermark that every replica reads, once for each message. [`Channel`] decides on the status for each outcome.

use std::sync::{Arc, OnceLock};

use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::back_channel::logout_token;
use super::continuation::Continuations;
use super::deferred::DeferredLogouts;
use super::front_channel::{Target, target};
use super::logout_return::LogoutReturns;
use super::replay::ReplayGuard;
use super::status::Channel;
use super::universal::{AcceptedIssuers, Signer, SubjectIdentifier, revocation_token, subject};
use crate::clock::{SharedClock, Timestamp};
use crate::config::{Config, Issuer};
use crate::cookie::{CookieKeys, CookieSettings, RequestCookies};
use crate::error::{Code, Error, Result};
use crate::events::{CorrelationId, EndReason, EventKind, EventSubject, Events};
use crate::jose::{LogoutSubject, LogoutTokenRules, RevocationTokenRules};
use crate::login::UsedStates;
use crate::protocol::{Authority, Provider};
use crate::session::{IndexKind, Session, SessionAdmin, Sessions, StoreKey};

/// Logout by the user and by the provider.
pub(crate) struct Logout {
    pub(super) config: Arc<Config>,
    pub(super) provider: Arc<Provider>,
    issuers: LogoutIssuers,
    pub(super) sessions: Arc<Sessions>,
    pub(super) admin: Arc<SessionAdmin>,
    replay: ReplayGuard,
    /// Logouts that wait for the store.
    pub(super) deferred: Arc<DeferredLogouts>,
    /// Logouts that a script started.
    pub(super) continuations: Continuations,
    pub(super) returns: LogoutReturns,
    /// The continuations that were used, if there is no storage for that.
    pub(super) used_states: Arc<UsedStates>,
    pub(super) events: Arc<Events>,
    clock: SharedClock,
}

/// The issuers that may send a Universal Logout.
#[derive(Debug)]
struct LogoutIssuers {
    accepted: AcceptedIssuers,
    /// The org of a custom server, whose keys may have signed the message. Created at the first such message.
    org: OnceLock<Box<Authority>>,
}

impl LogoutIssuers {
    fn of(provider: &Provider) -> Self {
        Self { accepted: AcceptedIssuers::of(&provider.config.issuer), org: OnceLock::new() }
    }

    fn org(&self, provider: &Provider) -> Option<&Authority> {
        let org = self.accepted.issuer(Signer::Org);
        let url = Url::parse(org).ok().filter(|_| org != provider.config.issuer.as_str())?;
        Some(self.org.get_or_init(|| Box::new(provider.authority(Issuer::new(org, url)))))
    }
}

/// The request of the browser that signs out.
#[derive(Debug)]
pub(crate) struct BrowserRequest<'a> {
    pub(crate) cookies: &'a RequestCookies,
    pub(crate) now: Timestamp,
    pub(crate) reference: CorrelationId,
}

/// The number of sessions that a message ended; `None` for sessions in cookies, where it is unknown.
pub(crate) type EndedSessions = Option<usize>;

#[derive(Debug)]
pub(crate) struct FrontChannelOutcome {
    pub(crate) result: Result<EndedSessions>,
    /// The `Set-Cookie` values that delete the request's own session; `None` if the message did not end it.
    pub(crate) own_session: Option<Vec<HeaderValue>>,
}

impl Logout {
    /// Works on the sessions of `admin`. All tenants share the deferred logouts and the used states.
    pub(crate) fn new(
        admin: Arc<SessionAdmin>,
        provider: Arc<Provider>,
        (deferred, used_states): (Arc<DeferredLogouts>, Arc<UsedStates>),
        (keys, cookies): (&CookieKeys, CookieSettings),
    ) -> Result<Self> {
        let (config, sessions) = (Arc::clone(admin.config()), Arc::clone(admin.sessions()));
        let (events, clock) = (Arc::clone(admin.events()), admin.clock().clone());
        Ok(Self {
            issuers: LogoutIssuers::of(&provider),
            replay: ReplayGuard::new(Arc::clone(&sessions), clock.clone()),
            continuations: Continuations::new(keys, cookies.clone(), &config)?,
            returns: LogoutReturns::new(keys, cookies, &config)?,
            config,
            provider,
            sessions,
            admin,
            deferred,
            used_states,
            events,
            clock,
        })
    }

    /// Carries out a front-channel logout. `session` is that of the request's own cookie.
    pub(crate) async fn front_channel(
        &self,
        parts: &Parts,
        body: &[u8],
        session: Result<Option<&Arc<Session>>>,
        request: &BrowserRequest<'_>,
    ) -> FrontChannelOutcome {
        let target = target(parts, body, &self.config);
        let known = session.as_ref().ok().copied().flatten();
        let ended = known.filter(|session| match &target {
            Ok(Some(Target::Browser)) => true,
            Ok(Some(Target::Session { sid })) => session.okta_session() == Some(sid.as_str()),
            _ => false,
        });
        let result = match target {
            Ok(None) => Ok(Some(0)),
            Ok(Some(Target::Session { sid })) => self.end_reported(&sid, ended, request).await,
            Ok(Some(Target::Browser)) => match session {
                Ok(session) => self.end_own(session, request).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        self.emit_received(Channel::Front, request.reference, &result);
        let own_session = ended.map(|session| self.sessions.clear(request.cookies, Some(session)));
        FrontChannelOutcome { result, own_session }
    }

    async fn end_reported(
        &self,
        sid: &str,
        own: Option<&Arc<Session>>,
        request: &BrowserRequest<'_>,
    ) -> Result<EndedSessions> {
        let name = self.sessions.index_keys().name(IndexKind::OktaSession, sid.as_bytes());
        let ended = self.admin.end_reported(&name, EndReason::FrontChannel, request.reference).await;
        // Sessions in cookies are not listed, but the one in this request is known and ends.
        if let (Sessions::Cookie { .. }, Some(session)) = (&*self.sessions, own) {
            self.admin.emit_ended(session.event_subject(), EndReason::FrontChannel, request.reference);
        }
        ended
    }

    async fn end_own(&self, session: Option<&Arc<Session>>, request: &BrowserRequest<'_>) -> Result<EndedSessions> {
        match session {
            Some(session) if self.sessions.end(session, request.now).await? => {
                self.admin.emit_ended(session.event_subject(), EndReason::FrontChannel, request.reference);
                Ok(Some(1))
            }
            _ => Ok(Some(0)),
        }
    }

    /// Carries out a back-channel logout (OIDC Back-Channel Logout §2.5).
    ///
    /// # Errors
    /// [`Code::LogoutMalformed`], a `Token...` code, those of [`run_once`](ReplayGuard::run_once), and those of the
    /// issuer and the store.
    pub(crate) async fn back_channel(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        reference: CorrelationId,
    ) -> Result<EndedSessions> {
        let outcome = self.try_back_channel(headers, body, reference).await;
        self.emit_received(Channel::Back, reference, &outcome);
        outcome
    }

    async fn try_back_channel(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        reference: CorrelationId,
    ) -> Result<EndedSessions> {
        let token = logout_token(headers, body)?;
        let metadata = self.provider.discovery.metadata().await?;
        let rules = LogoutTokenRules { issuer: metadata.issuer(), client_id: &self.config.client_id };
        let token = self.provider.verifier.logout_token(metadata.jwks_uri(), &token, &rules).await?;
        let index_keys = self.sessions.index_keys();
        let work = async {
            match token.ends() {
                LogoutSubject::User { subject } => {
                    let name = index_keys.name(IndexKind::Subject, subject.as_bytes());
                    self.admin.end_named(&name, EndReason::BackChannel, reference).await
                }
                LogoutSubject::Session { sid, subject } => {
                    let name = index_keys.name(IndexKind::OktaSession, sid.as_bytes());
                    self.end_session_of(&name, subject, reference).await
                }
            }
        };
        self.replay.run_once(token.issuer(), token.once(), work).await
    }

    /// Ends the sessions of an index key if they belong to this user. A watermark for sessions in cookies has no user,
    /// and an Okta session has only one.
    async fn end_session_of(
        &self,
        name: &StoreKey,
        subject: Option<&str>,
        reference: CorrelationId,
    ) -> Result<EndedSessions> {
        if let (Sessions::Stored(stored), Some(subject)) = (&*self.sessions, subject) {
            let named = stored.named(name, self.clock.now()).await?;
            if named.iter().any(|entry| entry.session.subject() != subject) {
                return Ok(Some(0));
            }
        }
        self.admin.end_named(name, EndReason::BackChannel, reference).await
    }

    /// Carries out a Universal Logout (Global Token Revocation §3).
    ///
    /// # Errors
    /// A `Logout...` or `Token...` code, those of [`run_once`](ReplayGuard::run_once), and those of the issuer and the
    /// store.
    pub(crate) async fn universal(
        &self,
        parts: &Parts,
        body: &[u8],
        reference: CorrelationId,
    ) -> Result<EndedSessions> {
        let outcome = self.try_universal(parts, body, reference).await;
        self.emit_received(Channel::Universal, reference, &outcome);
        outcome
    }

    async fn try_universal(&self, parts: &Parts, body: &[u8], reference: CorrelationId) -> Result<EndedSessions> {
        let token = revocation_token(parts)?;
        let org = match self.issuers.accepted.signer(&token)? {
            Signer::Org => self.issuers.org(&self.provider),
            Signer::Configured => None,
        };
        let own = (&self.provider.discovery, &self.provider.verifier);
        let (discovery, verifier) = org.map_or(own, |org| (&org.discovery, &org.verifier));
        // The audience of the token is the URL of this endpoint in Okta's configuration.
        let endpoint = self.config.app.public_url(self.config.app.routes.global_token_revocation().unwrap_or_default());
        let metadata = discovery.metadata().await?;
        let rules =
            RevocationTokenRules { issuer: metadata.issuer(), client_id: &self.config.client_id, endpoint: &endpoint };
        let token = verifier.revocation_token(metadata.jwks_uri(), &token, &rules).await?;
        let work = self.revoke(&parts.headers, body, reference);
        self.replay.run_once(token.issuer(), token.once(), work).await
    }

    async fn revoke(&self, headers: &HeaderMap, body: &[u8], reference: CorrelationId) -> Result<EndedSessions> {
        let index_keys = self.sessions.index_keys();
        let subject = subject(headers, body, &self.issuers.accepted)?;
        let by_email = matches!(subject, SubjectIdentifier::Email(_));
        let name = match subject {
            SubjectIdentifier::Email(email) => index_keys.email(&email),
            SubjectIdentifier::IssuerSubject { sub: id, .. } | SubjectIdentifier::Opaque { id } => {
                index_keys.name(IndexKind::Subject, id.as_bytes())
            }
        };
        match self.admin.end_named(&name, EndReason::UniversalLogout, reference).await {
            Ok(None | Some(0)) if by_email && !self.config.asks_for_email() => Err(without_email()),
            Ok(Some(0)) => Err(Error::new(Code::LogoutSubjectUnknown, "the subject has no session here")),
            Ok(ended) => Ok(ended),
            Err(error) if error.code() == Code::StoreUnsupported => {
                let message = "sessions in cookies without a revocation list cannot be ended from the server side; \
                               set OKTA_REVOCATION_STORE or OKTA_SESSION_STORE";
                Err(Error::new(Code::LogoutUnsupported, message).with_cause(error))
            }
            Err(error) => Err(error),
        }
    }

    fn emit_received(&self, channel: Channel, reference: CorrelationId, outcome: &Result<EndedSessions>) {
        let (refused, sessions) = match outcome {
            Ok(sessions) => (None, *sessions),
            Err(error) => (Some(error.code()), Some(0)),
        };
        let kind = EventKind::LogoutReceived { channel: channel.into(), refused, sessions };
        self.events.emit(kind, reference, EventSubject::default(), outcome.as_ref().err());
    }
}

/// The error for a subject by e-mail address when sessions have none. Sessions that do have one have ended.
fn without_email() -> Error {
    let message = "Okta named a user by e-mail address, and sessions have none; add `email` to OKTA_SCOPES";
    Error::new(Code::LogoutUnsupported, message)
}

opaque_debug!(Logout, |it| issuers: it.issuers);
