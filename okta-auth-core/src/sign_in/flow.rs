//! Starts a sign-in at the provider, and completes it with the provider's response.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderValue;
use serde_json::{Map, Value};

use super::future_sessions::FutureSessions;
use super::hook::{Refusal, SignIn, SignInHook};
use crate::callback::{AuthorizationResponse, ValidatedCallback, VerifiedIdentity};
use crate::clock::{SharedClock, Timestamp};
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::login::{ConsumedLogin, LoginOptions, PendingLogin, PendingLogins, ReturnTo, UsedStates};
use crate::protocol::Provider;
use crate::session::Session;
use crate::tenant::TenantSettings;

/// The sign-in of one application, or of one tenant.
pub(crate) struct LoginFlow {
    provider: Arc<Provider>,
    clock: SharedClock,
    pending_logins: PendingLogins,
    /// The states of completed logins, shared by all tenants.
    used_states: Arc<UsedStates>,
    tenant: Option<Arc<TenantSettings>>,
    hook: Option<Arc<dyn SignInHook>>,
    /// Users whose sessions begin in the future.
    future_sessions: FutureSessions,
    redirect_uri_reported: AtomicBool,
}

/// The redirect of a browser to the authorization endpoint.
#[derive(Debug)]
pub(crate) struct LoginRedirect {
    pub(crate) url: String,
    /// The cookie of the pending login, and the deletions of evicted ones.
    pub(crate) cookies: Vec<HeaderValue>,
}

/// The pending login of a callback. It is finished in any case, because it can be used only once.
#[derive(Debug)]
pub(crate) struct FinishedAttempt {
    pub(crate) return_to: ReturnTo,
    /// For a step-up: the page on which it started.
    pub(crate) step_up_from: Option<ReturnTo>,
    /// Whether the sign-in is silent, so that a failure leads to `return_to`.
    pub(crate) silent: bool,
}

/// The result of a callback.
#[derive(Debug)]
pub(crate) struct CallbackResult {
    /// The deletions of the pending login and of those that do not fit into the browser.
    pub(crate) cookies: Vec<HeaderValue>,
    /// The pending login of the response; `None` if this browser does not have it.
    pub(crate) attempt: Option<FinishedAttempt>,
    pub(crate) outcome: CallbackOutcome,
}

#[derive(Debug)]
pub(crate) enum CallbackOutcome {
    Completed(CompletedLogin),
    /// The hook rejected the user.
    Rejected {
        identity: Arc<VerifiedIdentity>,
        refusal: Refusal,
    },
    /// This browser has no pending login for the response, or has completed it before. The code was not exchanged.
    NotPending(Error),
    /// Okta had used the code up before it required DPoP, so the sign-in starts once more at this address.
    Restarted(String),
    /// The identity is known if only the hook failed.
    Failed {
        error: Error,
        identity: Option<Arc<VerifiedIdentity>>,
    },
}

/// A user who may get a session.
#[derive(Debug)]
pub(crate) struct CompletedLogin {
    pub(crate) identity: Arc<VerifiedIdentity>,
    /// The values that the hook added.
    pub(crate) app_data: Map<String, Value>,
}

impl LoginFlow {
    pub(crate) fn new(
        provider: Arc<Provider>,
        clock: SharedClock,
        pending_logins: PendingLogins,
        used_states: Arc<UsedStates>,
        tenant: Option<Arc<TenantSettings>>,
        hook: Option<Arc<dyn SignInHook>>,
    ) -> Self {
        Self {
            provider,
            clock,
            pending_logins,
            used_states,
            tenant,
            hook,
            future_sessions: FutureSessions::default(),
            redirect_uri_reported: AtomicBool::new(false),
        }
    }

    /// Starts a sign-in in the browser that sent these cookies.
    pub(crate) async fn start(&self, options: &LoginOptions, cookies: &RequestCookies) -> Result<LoginRedirect> {
        let metadata = self.provider.discovery.metadata().await?;
        let options = &*options.with_defaults(&self.provider.config.app.options.login_parameters);
        let (pending, cookies) = self.pending_logins.begin(options, cookies, self.clock.moment())?;
        let url = self.provider.protocol.authorization_redirect(&metadata, &pending.parameters(options)).await?;
        self.report_redirect_uri();
        Ok(LoginRedirect { url: url.into(), cookies })
    }

    /// Completes a sign-in with the query or the form that the browser brings from the provider.
    pub(crate) async fn complete(&self, response: &[u8], cookies: &RequestCookies, now: Timestamp) -> CallbackResult {
        let response = match AuthorizationResponse::parse(response) {
            Ok(response) => response,
            Err(error) => {
                let outcome = CallbackOutcome::Failed { error, identity: None };
                return CallbackResult { cookies: Vec::new(), attempt: None, outcome };
            }
        };
        let mut deletions = self.pending_logins.trim(cookies, &response.state, now);
        let pending = match self.pending_logins.find(cookies, &response.state) {
            Ok(pending) => pending,
            Err(error) => {
                let outcome = CallbackOutcome::NotPending(error);
                return CallbackResult { cookies: deletions, attempt: None, outcome };
            }
        };
        deletions.push(self.pending_logins.clear(&pending.state));
        let (attempt, options) = (Some(FinishedAttempt::new(&pending)), pending.options());
        let had_proofs = self.provider.protocol.dpop.is_active();
        let outcome = match self.complete_pending(pending, response, now).await {
            CallbackOutcome::Failed { error, identity: None } if !had_proofs && self.lost_code(&error) => {
                self.restart(&options, cookies, &mut deletions).await
            }
            outcome => outcome,
        };
        CallbackResult { cookies: deletions, attempt, outcome }
    }

    /// Whether the code was used up by a request without a proof, which turned DPoP on. This happens once in a process,
    /// because DPoP then stays on.
    fn lost_code(&self, error: &Error) -> bool {
        let was_used_up = error.code() == Code::TokenRefused && error.provider_error() == Some("invalid_grant");
        was_used_up && self.provider.protocol.dpop.is_active()
    }

    async fn restart(
        &self,
        options: &LoginOptions,
        cookies: &RequestCookies,
        set: &mut Vec<HeaderValue>,
    ) -> CallbackOutcome {
        match self.start(options, cookies).await {
            Ok(LoginRedirect { url, cookies }) => {
                set.extend(cookies);
                CallbackOutcome::Restarted(url)
            }
            Err(error) => CallbackOutcome::Failed { error, identity: None },
        }
    }

    /// Returns the reason why another sign-in cannot help a user whose session begins in the future; `None` if it may.
    pub(crate) fn dead_end(&self, session: &Session, now: Timestamp) -> Option<Arc<Error>> {
        self.future_sessions.dead_end(session, now)
    }

    async fn complete_pending(
        &self,
        pending: PendingLogin,
        response: AuthorizationResponse,
        now: Timestamp,
    ) -> CallbackOutcome {
        let lifetime = self.provider.config.app.attempt_lifetime();
        let Some(login) = ConsumedLogin::consume(pending, &self.used_states, lifetime, now) else {
            let message = "this sign-in was already completed";
            return CallbackOutcome::NotPending(Error::new(Code::AttemptUnknown, message));
        };
        match self.identify(login, response, now).await {
            Ok(identity) => self.run_hook(Arc::new(identity)).await,
            Err(error) => CallbackOutcome::Failed { error, identity: None },
        }
    }

    async fn identify(
        &self,
        login: ConsumedLogin,
        response: AuthorizationResponse,
        now: Timestamp,
    ) -> Result<VerifiedIdentity> {
        self.pending_logins.check_live(login.pending(), now)?;
        let metadata = self.provider.discovery.metadata().await?;
        let callback = ValidatedCallback::new(login, response, &metadata, self.provider.config.app.options.fapi2)?;
        callback.exchange(&self.provider.context(&metadata)).await
    }

    async fn run_hook(&self, identity: Arc<VerifiedIdentity>) -> CallbackOutcome {
        let sign_in = SignIn::new(Arc::clone(&identity), self.tenant.clone());
        let outcome = match &self.hook {
            None => Ok(sign_in),
            Some(hook) => hook.on_sign_in(sign_in).await,
        };
        match outcome.map_err(Refusal::into_cause) {
            Ok(sign_in) => CallbackOutcome::Completed(CompletedLogin { identity, app_data: sign_in.into_app_data() }),
            Err(Ok(cause)) => {
                let message = "the application's `on_sign_in` hook failed, so the sign-in was stopped";
                let error = Error::new(Code::SignInUnavailable, message).with_cause(cause);
                CallbackOutcome::Failed { error, identity: Some(identity) }
            }
            Err(Err(refusal)) => CallbackOutcome::Rejected { identity, refusal },
        }
    }

    /// Logs at the first sign-in which redirect URI must be registered at Okta. For an unregistered one Okta shows an
    /// error page of its own, so the application cannot detect it.
    fn report_redirect_uri(&self) {
        if !self.redirect_uri_reported.swap(true, Ordering::Relaxed) {
            tracing::info!(
                target: "okta_auth",
                "the first sign-in goes to Okta with the redirect URI {}: register it at Okta as a sign-in redirect URI of \
                 the application, character by character",
                self.provider.config.app.redirect_uri
            );
        }
    }
}

impl FinishedAttempt {
    fn new(pending: &PendingLogin) -> Self {
        let started_at = || pending.came_from().cloned().unwrap_or_else(ReturnTo::root);
        let (return_to, step_up_from) = (pending.return_to().clone(), pending.is_step_up().then(started_at));
        Self { return_to, step_up_from, silent: pending.silent }
    }
}

opaque_debug!(LoginFlow, |it| hook: it.hook.is_some());

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
