//! The engine's view of one request: its caller, and the requirements for its response.
//!
//! Features take a [`RequestContext`] and read it. Its methods for adapters and handlers, in
//! `operations.rs`, call the features.

mod operations;
mod state;
mod tenancy;

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

pub(crate) use state::RequestState;
pub(super) use state::{CookieUpdate, SessionState};
pub(crate) use tenancy::{BoxFuture, ExclusiveSessions, NoTenant, RealmDiscovery};

use super::OktaAuth;
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Code, Error, Result};
use crate::events::CorrelationId;
use crate::login::ReturnTo;
use crate::secret::Secret;
use crate::session::{RefreshResult, Session};

/// The engine's view of one request. An adapter creates it before the handler runs, keeps
/// it with the request, and lets it [finish](Self::finish) the response.
#[derive(Clone)]
pub struct RequestContext(Arc<RequestState>);

impl RequestContext {
    pub(super) fn new(state: RequestState) -> Self {
        Self(Arc::new(state))
    }

    /// Returns the engine.
    pub fn auth(&self) -> &OktaAuth {
        &self.0.auth
    }

    /// Returns the correlation id of this request in [events](crate::events) and on error
    /// pages, for the application's own log and pages.
    pub fn reference(&self) -> CorrelationId {
        self.0.reference()
    }

    pub(crate) fn inner(&self) -> &RequestState {
        &self.0
    }

    pub(super) fn without_tenant(&self) -> Option<&NoTenant> {
        self.0.without_tenant.as_ref()
    }

    pub(crate) fn cookies(&self) -> &RequestCookies {
        &self.0.cookies
    }

    /// Returns the session.
    ///
    /// # Errors
    /// The store's or Okta's, if the session state is unknown. The response then reports
    /// this, regardless of the handler.
    pub(super) fn session(&self) -> Result<Option<&Arc<Session>>> {
        match &self.0.session_state {
            SessionState::Anonymous => Ok(None),
            SessionState::User(entry) => Ok(Some(&entry.session)),
            SessionState::Unavailable(error) => {
                self.0.unanswered.store(true, Ordering::Relaxed);
                Err(Error::clone(error))
            }
        }
    }

    pub(super) fn known_session(&self) -> Option<&Arc<Session>> {
        if let SessionState::User(entry) = &self.0.session_state { Some(&entry.session) } else { None }
    }

    /// Returns the access token of the session, refreshed if it has expired or soon will, for
    /// calls to other APIs on behalf of the user.
    ///
    /// Tokens that are due are normally refreshed before the handler runs. This serves handlers
    /// that outlive them, and routes with refresh on demand. New tokens reach the browser with
    /// the response, even if the handler fails.
    ///
    /// # Errors
    /// `session_ended` if Okta no longer refreshes the session; `token_expired` if there is
    /// no refresh token; `renewal_unavailable`, or the error of reaching Okta or the store.
    pub(super) async fn fresh_access_token(&self) -> Result<Secret> {
        let ended = || Error::new(Code::SessionEnded, "the session has ended; the user has to sign in again");
        let entry = self.0.entry().ok_or_else(ended)?;
        let auth = &self.0.auth.0;
        let now = auth.clock.now();
        match auth.refresher.refresh(entry, now).await {
            RefreshResult::Usable { entry, renewed } => {
                let session = Arc::clone(&entry.session);
                if renewed {
                    *self.0.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
                    self.0.keep(CookieUpdate::Replace);
                }
                session.unexpired_access_token(now)
            }
            RefreshResult::Ended => {
                self.0.keep(CookieUpdate::Clear);
                Err(ended())
            }
            RefreshResult::Unavailable(error) => Err(Error::clone(&error)),
        }
    }

    pub(super) fn target(&self) -> ReturnTo {
        let config = self.auth().config();
        ReturnTo::within(&config.routes().public(&self.0.target), config)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.now
    }

    pub(super) fn is_navigation(&self) -> bool {
        self.0.is_navigation()
    }
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestContext").field("session_state", &self.0.session_state).finish_non_exhaustive()
    }
}
