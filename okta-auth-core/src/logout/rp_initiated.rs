//! Logout by the user: first here, then at Okta (OIDC RP-Initiated Logout §2).
//!
//! | sender | response |
//! |---|---|
//! | a page, by a form | 303 to Okta |
//! | the same, with an ID token that makes the URL too long | a page that posts the same parameters to Okta |
//! | a script, by `fetch` | 200 with the URL to navigate to |
//! | any of them without a session, or while Okta is down | the post-logout redirect URI, directly |
//!
//! The URL for a script is `/logout?continue` of this application. It is valid once and for one minute, in the browser
//! that signed out (see [`Continuations`]). The ID token reaches the provider in a redirect, or in a form on a page
//! that cannot be framed. It is never in a response body that a script can read.
//!
//! After the logout the provider redirects the browser to the post-logout redirect URI. One more redirect removes the
//! `state` that the provider echoes from the URL. The application can then confirm the logout, or the library shows a
//! page (`ConfigBuilder::signed_out_page`).
//!
//! [`Continuations`]: super::continuation::Continuations

use std::sync::Arc;

use http::HeaderValue;
use http::request::Parts;
use url::form_urlencoded;

use super::end_session::EndSession;
use super::handler::{BrowserRequest, Logout};
use super::logout_return::LogoutReturns;
use crate::cookie::RequestCookies;
use crate::discovery::Metadata;
use crate::error::{Code, Error, Result};
use crate::events::{EndReason, EventKind, StoreOperation};
use crate::secret::Secret;
use crate::session::{Activity, Session, SessionLookup};

const CONTINUE: &str = "continue";

/// Who requests a logout, which determines how the browser gets to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogoutSender {
    /// A form, whose response the browser follows.
    Page,
    /// A script, which must not see the ID token.
    Script,
}

impl LogoutSender {
    /// Determines the sender by `Sec-Fetch-Mode`, or without that header by `X-Requested-With` or an `Accept` for data.
    /// Other clients count as pages.
    pub(crate) fn of(parts: &Parts, navigation: bool) -> Self {
        let header = |name: &str| parts.headers.get(name);
        let is_script = match header("sec-fetch-mode") {
            Some(mode) => mode != "navigate",
            None if navigation => false,
            None => header("x-requested-with").is_some() || header("accept").is_some_and(|accept| accept != "*/*"),
        };
        if is_script { Self::Script } else { Self::Page }
    }
}

/// Where the browser goes after the local session has ended.
#[derive(Debug)]
pub(crate) struct RedirectToProvider {
    pub(crate) target: RedirectTarget,
    /// `Set-Cookie` values of the redirect. The session's cookies are not among them; see [`Logout::clear_session`].
    pub(crate) cookies: Vec<HeaderValue>,
}

#[derive(Debug)]
pub(crate) enum RedirectTarget {
    /// The provider, the continuation of a script's logout, or the post-logout redirect URI.
    Location(String),
    /// The provider, by a form, because the URL would be too long.
    Form(EndSession),
}

impl Logout {
    /// Ends the session here, revokes its tokens, and returns the way to the provider.
    ///
    /// The cookies of [`clear_session`](Self::clear_session) have to be added to every response, including that of an
    /// error.
    ///
    /// # Errors
    /// [`Code::SignOutPending`] if the store does not respond, and the logout is retried; [`Code::SignOutLocalOnly`] if
    /// it is not; and other errors of `session`.
    pub(crate) async fn rp_initiated(
        &self,
        session: Result<Option<&Arc<Session>>>,
        sender: LogoutSender,
        request: &BrowserRequest<'_>,
    ) -> Result<RedirectToProvider> {
        match session {
            Ok(None) => Ok(self.post_logout_redirect()),
            Ok(Some(session)) => match self.end_here(session, request).await {
                Ok(()) => Ok(self.end_at_provider(session, sender, request).await),
                Err(error) => Err(self.defer(error, request)),
            },
            Err(error) if error.code() == Code::StoreUnavailable => Err(self.defer(error, request)),
            Err(error) => Err(error),
        }
    }

    /// Returns the `Set-Cookie` values that delete the session's cookies. They are deleted regardless of the results of
    /// store and Okta.
    pub(crate) fn clear_session(
        &self,
        session: Result<Option<&Arc<Session>>>,
        cookies: &RequestCookies,
    ) -> Vec<HeaderValue> {
        match session {
            Ok(session) => self.sessions.clear(cookies, session.map(Arc::as_ref)),
            Err(_) => self.sessions.forget(cookies),
        }
    }

    /// Ends the local session.
    ///
    /// # Errors
    /// Those of the store: a session that still exists could be used with a copy of the cookie.
    async fn end_here(&self, session: &Session, request: &BrowserRequest<'_>) -> Result<()> {
        match self.sessions.end(session, request.now).await {
            Ok(true) => self.admin.emit_ended(session.event_subject(), EndReason::SignedOut, request.reference),
            Ok(false) => {}
            Err(error) => {
                let kind = EventKind::StoreUnavailable { during: StoreOperation::End };
                self.events.emit(kind, request.reference, session.event_subject(), Some(&error));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Adds a logout to those that wait for the store. Returns the error for the browser.
    fn defer(&self, error: Error, request: &BrowserRequest<'_>) -> Error {
        let is_deferred = match self.sessions.look(request.cookies, request.now, Activity::Passive) {
            SessionLookup::Pending(lookup) => self.deferred.add(&self.admin, lookup, request.reference),
            _ => false,
        };
        if is_deferred {
            let message = "the browser is signed out, and the session store did not end the session; this is retried";
            return Error::new(Code::SignOutPending, message).with_cause(error);
        }
        let message = "the browser is signed out, but the session was not ended on the server: the store does not \
                       respond, and too many sign-outs wait for it; end the user's sessions when the store works again";
        Error::new(Code::SignOutLocalOnly, message).with_cause(error)
    }

    /// Revokes the tokens, and sends the browser to Okta or tells a script where to navigate. While Okta is down, the
    /// logout is only local.
    async fn end_at_provider(
        &self,
        session: &Session,
        sender: LogoutSender,
        request: &BrowserRequest<'_>,
    ) -> RedirectToProvider {
        let metadata = match self.provider.discovery.metadata().await {
            Ok(metadata) => metadata,
            Err(error) => return self.local_only(&error),
        };
        self.admin.revoker().revoke(&metadata, session).await;
        let Some(id_token) = session.id_token().filter(|_| metadata.end_session_endpoint().is_some()) else {
            return self.post_logout_redirect();
        };
        let redirect = match sender {
            LogoutSender::Page => self.end_session(&metadata, id_token, request),
            LogoutSender::Script => self.begin_continuation(id_token, request).await,
        };
        redirect.unwrap_or_else(|error| self.local_only(&error))
    }

    /// Sends a browser to the end-session endpoint: by a redirect, or by a form if the URL would be too long.
    fn end_session(
        &self,
        metadata: &Metadata,
        id_token: Secret,
        request: &BrowserRequest<'_>,
    ) -> Result<RedirectToProvider> {
        let state = Secret::random()?;
        let Some(end_session) = EndSession::new(&self.config, metadata, id_token, state.clone()) else {
            return Ok(self.post_logout_redirect());
        };
        let cookies = self.returns.begin(Some(state), request.now)?.into_iter().collect();
        let target = match end_session.location() {
            Some(location) => RedirectTarget::Location(location),
            None => RedirectTarget::Form(end_session),
        };
        Ok(RedirectToProvider { target, cookies })
    }

    async fn begin_continuation(&self, id_token: Secret, request: &BrowserRequest<'_>) -> Result<RedirectToProvider> {
        let BrowserRequest { cookies, now, .. } = request;
        let cookies = self.continuations.begin(&self.sessions, cookies, id_token, *now).await?;
        let routes = &self.config.app.routes;
        let path = routes.public(routes.logout().unwrap_or_default());
        Ok(RedirectToProvider { target: RedirectTarget::Location(format!("{path}?{CONTINUE}")), cookies })
    }

    /// Whether the query of a request to the logout path asks for a continuation.
    pub(crate) fn is_continuation(query: &str) -> bool {
        form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == CONTINUE)
    }

    /// Continues at Okta the logout that a script began. The cookies of
    /// [`clear_continuation`](Self::clear_continuation) have to be added to every response.
    ///
    /// # Errors
    /// [`Code::SignOutLinkInvalid`] if this browser has no logout to continue.
    pub(crate) async fn continue_at_provider(&self, request: &BrowserRequest<'_>) -> Result<RedirectToProvider> {
        match self.try_continue(request).await {
            Err(error) if error.code() != Code::SignOutLinkInvalid => Ok(self.local_only(&error)),
            outcome => outcome,
        }
    }

    async fn try_continue(&self, request: &BrowserRequest<'_>) -> Result<RedirectToProvider> {
        let BrowserRequest { cookies, now, .. } = request;
        let id_token = self.continuations.take(&self.sessions, &self.used_states, cookies, *now).await?;
        let metadata = self.provider.discovery.metadata().await?;
        self.end_session(&metadata, id_token, request)
    }

    pub(crate) fn clear_continuation(&self, cookies: &RequestCookies) -> Vec<HeaderValue> {
        self.continuations.clear(cookies)
    }

    /// Completes a logout without Okta: the reason is logged, and the session at Okta remains.
    fn local_only(&self, error: &Error) -> RedirectToProvider {
        tracing::warn!(target: "okta_auth", code = %error.code(), "signed out here, but not at Okta: {error:?}");
        self.post_logout_redirect()
    }

    fn post_logout_redirect(&self) -> RedirectToProvider {
        let target = RedirectTarget::Location(self.config.app.post_logout_redirect_uri.as_str().to_owned());
        RedirectToProvider { target, cookies: Vec::new() }
    }

    /// Returns the state of the browsers that return from the provider.
    pub(crate) fn returns(&self) -> &LogoutReturns {
        &self.returns
    }

    /// Whether the library shows a page after a logout at this path and query, in place of the application.
    pub(crate) fn has_page_at(&self, target: &str) -> bool {
        let path = target.split('?').next().unwrap_or_default();
        let is_landing_page = self.config.app.routes.public(path) == self.config.app.post_logout_redirect_uri.path();
        self.config.app.options.signed_out_page && is_landing_page
    }
}
