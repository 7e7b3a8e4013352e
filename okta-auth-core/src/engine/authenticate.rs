//! Authenticates an incoming request, at once or after waiting.
//!
//! | session | immediate | waits for |
//! |---|---|---|
//! | none, or an invalid cookie | yes | |
//! | in a cookie, revocations in memory, tokens fresh | yes | |
//! | in a cookie, revocations in Redis | | Redis |
//! | in a store | | the store |
//! | any, with tokens that are due for refresh | | Okta, at most once for concurrent requests |
//! | any, of a tenant with settings in a source | | the source of tenants |
//!
//! The first two need no scheduling by the runtime and no allocation for a future. They are nearly all requests of an
//! application with sessions in cookies.
//!
//! If a dependency does not respond, the authentication state is unknown. Only requests that need it are answered with
//! 503.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use http::Method;

use super::OktaAuth;
use super::context::{NoTenant, RequestContext, RequestState, Tenancy};
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error};
use crate::events::{EventKind, EventSubject, StoreOperation};
use crate::headers::{Head, Headers};
use crate::logout::LogoutReturn;
use crate::request::{ParsedHeaders, RequestKind, is_alias, is_own_request};
use crate::routing::{RefreshTiming, RouteOptions};
use crate::session::{
    CookieUpdate, LoadedSession, PendingLookup, RefreshDue, RefreshResult, RequestSession, SessionEntry, SessionLookup,
    SessionState,
};
use crate::sign_in::ended_early;
use crate::site::Site;

/// The result of the first, synchronous look at a request.
#[derive(Debug)]
pub enum Authentication {
    /// The request is authenticated: it is anonymous, or its session is complete.
    Ready(RequestContext),
    /// The session has to be loaded, or its tokens have to be refreshed.
    Pending(PendingAuthentication),
}

/// A request that waits for a store, Okta or a source of tenants.
pub struct PendingAuthentication(Pin<Box<dyn Future<Output = RequestContext> + Send>>);

impl Authentication {
    /// Returns the context, after waiting if necessary.
    pub async fn context(self) -> RequestContext {
        match self {
            Self::Ready(context) => context,
            Self::Pending(PendingAuthentication(context)) => context.await,
        }
    }
}

/// Begins to authenticate a request.
pub(super) fn begin<H: Headers>(auth: &OktaAuth, head: Head<'_, H>, options: RouteOptions) -> Authentication {
    let (config, now) = (&*auth.site().config, auth.0.clock.now());
    let mut parsed = ParsedHeaders::read(head);
    parsed.activity = parsed.activity.max(options.activity_of(head.method));
    let tenancy = Tenancy::Engine(auth.clone());
    if config.api_only {
        parsed.cookies = RequestCookies::default();
        let findings = Findings { own: true, ..Findings::default() };
        return Authentication::Ready(RequestContext::new(state(tenancy, head, parsed, now, findings)));
    }
    let look = auth.0.sessions.look(&parsed.cookies, now, parsed.activity);
    let own = look.is_without_session() || is_own_request(config, head, parsed.sender.websocket);
    let logout_return = logout_return(auth, head, &parsed, now);
    let findings = Findings { own, logout_return, silent: options.silent_login };
    let mut state = state(tenancy, head, parsed, now, findings);
    match look {
        SessionLookup::Known(loaded) => {
            state.dead_end = settle(auth, &mut state.session, loaded);
            complete(RequestContext::new(state))
        }
        SessionLookup::Pending(lookup) => {
            // Boxed, because an `async fn` reserves room for each argument twice.
            let found = found(auth.clone(), Box::new(state), lookup, options.renewal);
            Authentication::Pending(PendingAuthentication::on(found))
        }
    }
}

#[inline]
fn complete(context: RequestContext) -> Authentication {
    // Adapters check only waiting requests for a response of the engine's own.
    if context.inner().is_return_from_sign_out() || context.inner().is_silent_login_due() {
        return Authentication::Pending(PendingAuthentication::on(ready(context)));
    }
    Authentication::Ready(context)
}

/// Creates the context of a request that belongs to no tenant.
pub(crate) fn without_tenant<H: Headers>(
    site: &Arc<Site>,
    head: Head<'_, H>,
    now: Timestamp,
    answer: NoTenant,
) -> RequestContext {
    let tenancy = Tenancy::NoTenant(answer, Arc::clone(site));
    let findings = Findings { own: true, ..Findings::default() };
    RequestContext::new(state(tenancy, head, ParsedHeaders::read(head), now, findings))
}

/// Returns the state of a logout that precedes the request.
fn logout_return<H: Headers>(
    auth: &OktaAuth,
    head: Head<'_, H>,
    parsed: &ParsedHeaders<'_>,
    now: Timestamp,
) -> Option<LogoutReturn> {
    let opens_a_page = parsed.sender.kind == RequestKind::Navigation && *head.method == Method::GET;
    if opens_a_page { auth.0.logout.returns().read(&parsed.cookies, head.target, now) } else { None }
}

/// What is known of a request besides its headers and its session.
#[derive(Default)]
struct Findings {
    own: bool,
    silent: bool,
    logout_return: Option<LogoutReturn>,
}

/// Inlined, because the state has hundreds of bytes and would be copied.
#[inline(always)]
fn state<H>(
    tenancy: Tenancy,
    head: Head<'_, H>,
    parsed: ParsedHeaders<'_>,
    now: Timestamp,
    findings: Findings,
) -> RequestState {
    let ParsedHeaders { cookies, activity, sender } = parsed;
    RequestState {
        method: head.method.clone(),
        target: head.target.into(),
        kind: sender.kind,
        htmx: sender.htmx,
        page: sender.page,
        accept_language: sender.accept_language,
        // Parsing a host costs more than the rest, and only a navigation can be redirected.
        alias: sender.kind == RequestKind::Navigation && is_alias(sender.host, &tenancy.site().config.base_url),
        silent: findings.silent,
        dead_end: None,
        tenancy,
        own: findings.own,
        session: RequestSession::new(cookies, now, activity),
        credentials: sender.credentials,
        token: OnceLock::new(),
        consulted: AtomicBool::new(false),
        token_consulted: AtomicBool::new(false),
        unanswered: AtomicBool::new(false),
        by_token: AtomicBool::new(false),
        logout_return: findings.logout_return,
        landing_shown: AtomicBool::new(false),
        reference: OnceLock::new(),
    }
}

impl PendingAuthentication {
    pub(crate) fn on(context: impl Future<Output = RequestContext> + Send + 'static) -> Self {
        Self(Box::pin(context))
    }
}

async fn found(
    auth: OktaAuth,
    mut state: Box<RequestState>,
    lookup: PendingLookup,
    renewal: RefreshTiming,
) -> RequestContext {
    let now = state.session.now;
    let is_due =
        |entry: &SessionEntry| renewal == RefreshTiming::BeforeHandler && entry.session.due(now) != RefreshDue::NotYet;
    match auth.0.sessions.find(lookup, now, state.session.activity).await {
        Ok(LoadedSession::Live { entry, needs_rewrite }) if is_due(&entry) => {
            refreshed(&auth, &mut state, entry, needs_rewrite).await
        }
        Ok(loaded) => state.dead_end = settle(&auth, &mut state.session, loaded),
        Err(error) => state.session.state = unavailable(&state, error),
    }
    RequestContext::new(*state)
}

async fn refreshed(auth: &OktaAuth, state: &mut RequestState, entry: SessionEntry, needs_rewrite: bool) {
    let (now, began) = (state.session.now, entry.session.created_at());
    match auth.0.refresher.refresh(entry, now).await {
        RefreshResult::Usable { entry, renewed } => {
            state.session.set_live(entry, (needs_rewrite, renewed), &auth.0.sessions);
        }
        RefreshResult::Ended => {
            state.session.set_cookie_update(CookieUpdate::Clear);
            state.dead_end = ended_early(began, now);
        }
        RefreshResult::Unavailable(error) if error.code() == Code::StoreUnavailable => {
            state.session.state = unavailable(state, Error::clone(&error));
        }
        RefreshResult::Unavailable(error) => state.session.state = SessionState::Unavailable(error),
    }
}

/// Records a session that needs no refresh, or that there is none. Returns the reason not to start a sign-in, if there
/// is one.
#[inline]
fn settle(auth: &OktaAuth, session: &mut RequestSession, loaded: LoadedSession) -> Option<Arc<Error>> {
    let early = session.settle(loaded, &auth.0.sessions)?;
    auth.0.login.dead_end(&early, session.now)
}

fn unavailable(state: &RequestState, error: Error) -> SessionState {
    state.emit(EventKind::StoreUnavailable { during: StoreOperation::Read }, EventSubject::default(), Some(&error));
    SessionState::Unavailable(Arc::new(error))
}

opaque_debug!(PendingAuthentication);
