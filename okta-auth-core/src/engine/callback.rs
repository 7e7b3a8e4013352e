//! Handles the callback: from Okta's response to a session.
//!
//! # Outcomes
//!
//! | the browser has | response |
//! |---|---|
//! | the pending login, unused and not expired | the code is exchanged; 303 to the requested page |
//! | the pending login, already used, and a live session | 303 to that page; the code is not exchanged |
//! | no pending login for the state, and a live session | 303 into the application; the code is not exchanged |
//! | an expired pending login | a page with a link to a new sign-in for the requested page |
//! | neither a pending login nor a session | a page with a link to a new sign-in |
//!
//! A reload, the back button and a tab with an evicted pending login are the usual reasons
//! for the second and the third line.
//!
//! # Cost
//!
//! No request is made before the state is validated, so a forged callback costs only the
//! decryption of one cookie. After that there is one request for the code, at most one for
//! new keys, and at most one for userinfo. The pending login is consumed before the first
//! of them.
//!
//! # Order
//!
//! The new session is persisted first and its cookie set. Then this browser's previous
//! session ends, and its refresh token is revoked. If the store fails in between, two
//! sessions remain instead of none. A session that an attacker planted in the browser ends
//! in the same way.

use std::sync::{Arc, Weak};

use http::header::USER_AGENT;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::context::RequestContext;
use super::hook::{Refusal, SignIn};
use super::page::Page;
use super::reply::{self, Reply};
use crate::callback::{AuthorizationResponse, ValidatedCallback, VerifiedIdentity};
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::events::{EndReason, EventKind, EventSubject};
use crate::login::{PendingLogin, ReturnTo};
use crate::protocol::ProviderContext;
use crate::session::{NewSession, Session, device};

/// The state of a callback, for its error page.
#[derive(Default)]
struct Progress {
    /// The deletion of the login cookie, and the new session's cookies.
    cookies: Vec<HeaderValue>,
    about: EventSubject,
    wanted: Option<ReturnTo>,
    /// For a step-up: the page on which it started.
    step_up_from: Option<ReturnTo>,
}

impl Progress {
    /// Records a pending login, which is consumed in any case.
    fn found(&mut self, pending: &PendingLogin, deletion: HeaderValue) {
        self.cookies.push(deletion);
        self.wanted = Some(pending.return_to().clone());
        self.step_up_from = pending.is_step_up().then(|| pending.came_from().cloned().unwrap_or_else(ReturnTo::root));
    }
}

impl RequestContext {
    pub(super) async fn callback(&self, parts: &Parts, response: &[u8]) -> Reply {
        let mut progress = Progress::default();
        let mut reply = match self.try_callback(parts, response, &mut progress).await {
            Ok(reply) => reply,
            Err(error) => {
                self.tell_failed(std::mem::take(&mut progress.about), &error);
                self.callback_failed(&error, &progress)
            }
        };
        reply::add_cookies(reply.headers_mut(), progress.cookies);
        reply
    }

    async fn try_callback(&self, parts: &Parts, response: &[u8], progress: &mut Progress) -> Result<Reply> {
        let auth = &self.auth().0;
        let response = AuthorizationResponse::parse(response)?;
        progress.cookies = auth.pending_logins.trim(self.cookies(), &response.state, self.now());
        let pending = match auth.pending_logins.find(self.cookies(), &response.state) {
            Ok(pending) => pending,
            Err(error) => return self.completed_before(None, error),
        };
        progress.found(&pending, auth.pending_logins.clear(&pending.state));
        if !auth.used_states.consume(&pending.state, auth.config.attempt_lifetime(), self.now()) {
            let error = Error::new(Code::AttemptUnknown, "this sign-in was already completed");
            return self.completed_before(Some(pending.return_to()), error);
        }
        auth.pending_logins.check_live(&pending, self.now())?;
        let metadata = self.auth().metadata().await?;
        let callback = ValidatedCallback::new(pending, response, &metadata)?;
        let exchange = ProviderContext {
            config: &auth.config,
            metadata: &metadata,
            protocol: &auth.protocol,
            verifier: &auth.verifier,
        };
        let (identity, pending) = callback.exchange(&exchange).await?;
        progress.about = EventSubject::user(identity.issuer(), identity.subject());
        self.establish(parts, identity, &pending, &mut progress.cookies).await
    }

    /// Handles a response without a usable pending login. With a live session the user is
    /// already signed in and continues to the application.
    fn completed_before(&self, target: Option<&ReturnTo>, error: Error) -> Result<Reply> {
        if self.session()?.is_none() {
            return Err(error);
        }
        let home = self.auth().config().routes().home();
        Ok(match target {
            Some(target) => self.redirect_to(target),
            None => reply::see_other(&home),
        })
    }

    /// Redirects to the requested page. A target that was shortened to the root could
    /// belong to another application at this origin, so the public prefix is restored.
    fn redirect_to(&self, target: &ReturnTo) -> Reply {
        reply::see_other(self.auth().return_to(target.as_str()).as_str())
    }

    /// Creates the page for a failed callback, with a link to a new sign-in for the
    /// requested page.
    fn callback_failed(&self, error: &Error, progress: &Progress) -> Reply {
        let wanted = progress.wanted.clone().unwrap_or_else(ReturnTo::root);
        let wanted = self.auth().return_to(wanted.as_str());
        let cancelled = matches!(error.provider_error(), Some("access_denied" | "unmet_authentication_requirements"))
            && error.code() == Code::AuthorizationRefused;
        match &progress.step_up_from {
            Some(from) if cancelled && self.is_navigation() && self.known_session().is_some() => {
                self.step_up_cancelled(&self.auth().return_to(from.as_str()), &wanted, error.code())
            }
            _ => self.error_leading_to(error, &wanted),
        }
    }

    /// Creates the page for a signed-in user who did not complete the step-up, or whom Okta
    /// did not allow to: Okta sends `access_denied` for both. The session is unchanged.
    fn step_up_cancelled(&self, from: &ReturnTo, wanted: &ReturnTo, code: Code) -> Reply {
        let page = Page {
            title: "The additional verification was not completed",
            sentences: vec!["You are still signed in. The page that you opened needs the additional verification."],
            links: vec![("Go back", from.as_str()), ("Try again", wanted.as_str())],
            code: Some(code.as_str()),
            reference: self.reference(),
        };
        reply::html(StatusCode::FORBIDDEN, page.render())
    }

    /// Creates a new session from a verified identity. It inherits nothing from the
    /// browser's previous session, which ends.
    async fn establish(
        &self,
        parts: &Parts,
        identity: VerifiedIdentity,
        pending: &PendingLogin,
        cookies: &mut Vec<HeaderValue>,
    ) -> Result<Reply> {
        let auth = &self.auth().0;
        let identity = Arc::new(identity);
        let sign_in = match self.asked_hook(&identity).await.map_err(Refusal::into_cause) {
            Ok(sign_in) => sign_in,
            Err(Ok(cause)) => {
                let message = "the application's `on_sign_in` hook failed, so the sign-in was stopped";
                return Err(Error::new(Code::SignInUnavailable, message).with_cause(cause));
            }
            Err(Err(refusal)) => {
                self.emit(EventKind::SignInRefused, EventSubject::user(identity.issuer(), identity.subject()), None);
                return Ok(self.refused(&refusal, pending.return_to()));
            }
        };
        let now = auth.clock.now();
        let device = parts.headers.get(USER_AGENT).and_then(|agent| device(agent.to_str().ok()?));
        let app_data = sign_in.into_app_data();
        let with =
            NewSession { client_id: &auth.config.client_id, app_data: &app_data, device: device.as_deref(), now };
        let session = Session::new(&identity, &with)?;
        if session.lifeline().max_expires_at.is_some_and(|end| end <= now) {
            // A session that ends before the next request would cause a redirect loop.
            return Err(Error::invalid_claim("session_expiry", "is in the past, so the session would end immediately"));
        }
        let (id, session_cookies) = auth.sessions.create(self.cookies(), session, now).await?;
        self.auth().ensure_tenant_exists(id).await?;
        cookies.extend(session_cookies);
        if let Some(many) = auth.exclusive.as_ref().and_then(Weak::upgrade) {
            // Boxed to keep the future of a sign-in small.
            cookies.extend(Box::pin(self.end_sessions_at_other_tenants(&many)).await);
        }
        if let Ok(Some(replaced)) = self.session() {
            cookies.extend(auth.sessions.clear_previous(self.cookies(), replaced));
        }
        self.end_replaced(now).await;
        let about = EventSubject {
            session: EventSubject::session_id(id).session,
            ..EventSubject::user(identity.issuer(), identity.subject())
        };
        self.emit(EventKind::SignInSucceeded, about, None);
        Ok(self.redirect_to(pending.return_to()))
    }

    async fn asked_hook(&self, identity: &Arc<VerifiedIdentity>) -> Result<SignIn, Refusal> {
        let auth = &self.auth().0;
        let sign_in = SignIn::new(Arc::clone(identity), auth.tenant.clone());
        match &auth.hook {
            None => Ok(sign_in),
            Some(hook) => hook.on_sign_in(sign_in).await,
        }
    }

    /// Ends this browser's previous session. Its cookie is already replaced, so a failure
    /// does not affect the new session.
    async fn end_replaced(&self, now: Timestamp) {
        let Ok(Some(session)) = self.session() else { return };
        match self.auth().0.sessions.end(session, now).await {
            Ok(ended) => {
                if ended {
                    self.tell_ended(session, EndReason::Replaced);
                }
                self.auth().revoke_later(Arc::clone(session));
            }
            Err(error) => self.tell_not_ended(session, &error),
        }
    }

    /// Creates the page for a user whom the hook rejected. The link to another account
    /// needs `prompt=login`, because Okta would otherwise sign in the same account again.
    fn refused(&self, refusal: &Refusal, wanted: &ReturnTo) -> Reply {
        let code = Code::SignInRefused.as_str();
        let reference = self.reference();
        if !self.is_navigation() {
            let reference = reference.to_string();
            let body = serde_json::json!({ "error": code, "message": refusal.reason(), "reference": reference });
            return reply::json(StatusCode::FORBIDDEN, &body);
        }
        let other = self.login_url(&[("prompt", "login"), ("return_to", wanted.as_str())]);
        let home = self.auth().config().routes().home();
        let mut links: Vec<(&str, &str)> = Vec::new();
        if let Some(other) = &other {
            links.push(("Use another account", other));
        }
        links.push(("Home", &home));
        let page = Page {
            title: "You cannot sign in here",
            sentences: vec![refusal.reason()],
            links,
            code: Some(code),
            reference,
        };
        reply::html(StatusCode::FORBIDDEN, page.render())
    }
}
