//! The engine's view of one request: its caller, and the requirements for its response.
//!
//! Features take a [`RequestContext`] and read it. Its methods for adapters and handlers, in `operations.rs`, call the
//! features.

mod operations;
mod state;
mod tenancy;

use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) use state::RequestState;
pub(crate) use tenancy::{BoxFuture, ExclusiveSessions, NoTenant, RealmDiscovery, Tenancy};

use super::OktaAuth;
use crate::bearer::Scheme;
use crate::clock::Timestamp;
use crate::cookie::RequestCookies;
use crate::error::{Error, Result};
use crate::events::CorrelationId;
use crate::headers::HeaderText;
use crate::login::ReturnTo;
use crate::policy::Caller;
use crate::response::{Reply, Responder};
use crate::session::{Session, SessionState};
use crate::site::Site;

/// The engine's view of one request. An adapter creates it before the handler runs, keeps it with the request, and lets
/// it [finish](Self::finish) the response.
#[derive(Clone)]
pub struct RequestContext(Arc<RequestState>);

impl RequestContext {
    pub(super) fn new(state: RequestState) -> Self {
        Self(Arc::new(state))
    }

    /// Returns the engine: that of the application, or of the request's tenant. `None` if the request belongs to no
    /// tenant, which happens only with many tenants.
    pub fn auth(&self) -> Option<&OktaAuth> {
        self.0.tenancy.engine()
    }

    /// Returns the correlation id of this request in [events](crate::events) and on error pages, for the application's
    /// own log and pages.
    pub fn reference(&self) -> CorrelationId {
        self.0.reference()
    }

    pub(crate) fn inner(&self) -> &RequestState {
        &self.0
    }

    pub(crate) fn site(&self) -> &Site {
        self.0.tenancy.site()
    }

    pub(crate) fn cookies(&self) -> &RequestCookies {
        &self.0.session.cookies
    }

    /// Returns the session.
    ///
    /// # Errors
    /// The store's or Okta's, if the session state is unknown. The response then reports this, regardless of the
    /// handler.
    pub(super) fn session(&self) -> Result<Option<&Arc<Session>>> {
        match &self.0.session.state {
            SessionState::Anonymous => Ok(None),
            SessionState::User(entry) => Ok(Some(&entry.session)),
            SessionState::Unavailable(error) => {
                self.0.unanswered.store(true, Ordering::Relaxed);
                Err(Error::clone(error))
            }
        }
    }

    pub(crate) fn target(&self) -> ReturnTo {
        let config = &self.site().config;
        ReturnTo::within(&config.routes.public(&self.0.target), config)
    }

    /// Returns the user of a session as a caller, for policies.
    pub(super) fn user_caller(&self, session: &Arc<Session>) -> Caller {
        Caller::user(Arc::clone(session), self.now(), self.site().config.options.leeway)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.session.now
    }

    /// Returns what creates the library's own responses to this request.
    pub(crate) fn responder(&self) -> Responder<'_> {
        let (config, is_navigation) = (&*self.site().config, self.0.is_navigation());
        let scheme = if config.options.require_dpop { Scheme::Dpop } else { self.0.credentials.scheme() };
        let language = config.pages.languages.select(self.0.accept_language.as_ref().map(HeaderText::as_bytes));
        Responder { config, language, is_navigation, scheme, reference: self.reference() }
    }

    /// Creates the response for an error that an event has already reported.
    pub(super) fn error_page(&self, error: &Error) -> Reply {
        self.responder().error(error, &self.target())
    }
}

opaque_debug!(RequestContext, |it| session_state: it.0.session.state);
