//! Determines the caller of a request and evaluates policies for it.
//!
//! Extractors and policies ask several times in one request and in any order, and always
//! get the same result: the session was loaded before, a token is verified once, and both
//! are checked at the same point in time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::de::DeserializeOwned;

use super::OktaAuth;
use super::bearer_token::BearerToken;
use super::challenge::Challenge;
use super::context::RequestContext;
use super::signed_in::SignedIn;
use crate::error::Result;
use crate::jose::VerifiedAccessToken;
use crate::policy::{AcceptedCredentials, Caller, MatchedRoute, Policy, RouteClass, signed_in};

impl RequestContext {
    /// Returns the signed-in user. The response is then not cacheable.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`](crate::error::Code::ClaimsMismatch) if the claims do not
    /// fit `C`; [`Code::CrossOrigin`](crate::error::Code::CrossOrigin) if a state-changing
    /// request did not come from the application's own pages;
    /// [`Code::StoreUnavailable`](crate::error::Code::StoreUnavailable) or an error of
    /// reaching Okta if the session cannot be loaded.
    pub fn user<C: DeserializeOwned + 'static>(&self) -> Result<Option<SignedIn<C>>> {
        self.mark_personal();
        // A policy allowed the holder of a token. The session may belong to another user.
        if self.is_decided_by_token() {
            return Ok(None);
        }
        self.session_caller()?.map(|caller| SignedIn::new(caller, self)).transpose()
    }

    /// Returns the holder of the presented access token.
    ///
    /// # Errors
    /// The challenge to respond with: no token, a rejected token, an unreachable issuer, or
    /// claims that do not fit `C`.
    pub async fn access_token<C: DeserializeOwned + 'static>(&self) -> Result<BearerToken<C>, Challenge> {
        self.mark_depends_on_token();
        if !self.credentials().is_present() {
            return Err(Challenge::no_token());
        }
        let token = self.verified_token().await.map_err(Challenge::token)?;
        let leeway = self.auth().config().options.leeway;
        BearerToken::new(token, (self.now(), leeway), self.auth().0.tenant.clone()).map_err(Challenge::error)
    }

    /// Returns the caller.
    ///
    /// # Errors
    /// The challenge to respond with, if an invalid credential was sent.
    pub async fn caller(&self, accepts: AcceptedCredentials) -> Result<Caller, Challenge> {
        let accepts = self.accepted(accepts);
        if accepts != AcceptedCredentials::BearerOnly {
            self.mark_personal();
        }
        if accepts != AcceptedCredentials::Session {
            self.mark_depends_on_token();
            if self.credentials().is_present() {
                let token = self.verified_token().await.map_err(Challenge::token)?;
                return Ok(self.token_caller(token));
            }
        }
        if accepts == AcceptedCredentials::BearerOnly {
            return Ok(self.anonymous());
        }
        let user = self.session_caller().map_err(Challenge::error)?;
        Ok(user.unwrap_or_else(|| self.anonymous()))
    }

    /// An application without sessions accepts only tokens.
    fn accepted(&self, accepts: AcceptedCredentials) -> AcceptedCredentials {
        if self.auth().config().is_api_only() { AcceptedCredentials::BearerOnly } else { accepts }
    }

    /// Allows the request if the policy allows its caller.
    ///
    /// # Errors
    /// The challenge to respond with.
    pub async fn require(&self, policy: &Policy, accepts: AcceptedCredentials) -> Result<(), Challenge> {
        let accepts = self.accepted(accepts);
        if accepts == AcceptedCredentials::SessionOrBearer {
            self.auth().warn_of_tokens_on_pages();
        }
        let for_tokens = accepts == AcceptedCredentials::BearerOnly;
        let caller = self.caller(accepts).await.map_err(|challenge| challenge.for_scopes_of(policy))?;
        let decision = policy.decide(&caller).await;
        let by_token = caller.is_token();
        match Challenge::decision(decision, by_token || for_tokens) {
            Some(challenge) => return Err(challenge.for_scopes_of(policy)),
            None if by_token => self.mark_decided_by_token(),
            None => {}
        }
        Ok(())
    }

    /// Allows the request if its route does, by the route's policy or by the application's
    /// default for routes without one. A request without a tenant is allowed if no tenant
    /// restricts the route.
    ///
    /// # Errors
    /// The challenge to respond with.
    pub async fn require_route(&self, route: MatchedRoute<'_>) -> Result<(), Challenge> {
        if let Some(outcome) = self.try_require_route(route) {
            return outcome;
        }
        let policy = match route {
            MatchedRoute::Chosen(pattern) | MatchedRoute::Candidate(pattern) => {
                self.auth().0.access.route_policy(pattern)
            }
            MatchedRoute::None => None,
        };
        match policy {
            Some(route) => self.require(&route.policy, route.accepts).await,
            None => self.require(&signed_in(), AcceptedCredentials::Session).await,
        }
    }

    /// Returns the outcome of [`require_route`](Self::require_route) if it needs no policy;
    /// `None` if a policy has to be evaluated.
    pub fn try_require_route(&self, route: MatchedRoute<'_>) -> Option<Result<(), Challenge>> {
        let access = &self.auth().0.access;
        let class = access.class(route);
        if let Some(many) = self.router() {
            // Without a tenant there is no user, so a policy cannot allow the request.
            let is_open = class == RouteClass::Open && !many.has_guard_of_tenant(route);
            return Some(match class {
                RouteClass::Denied(denial) => Err(Challenge::route(denial)),
                _ if is_open => Ok(()),
                _ => Err(Challenge::sign_in()),
            });
        }
        match class {
            RouteClass::Open => Some(Ok(())),
            RouteClass::Policy => None,
            RouteClass::Denied(denial) => Some(Err(Challenge::route(denial))),
            // An API needs a token here, whose verification may need a request.
            RouteClass::SignedIn => self.try_require_session(),
        }
    }

    fn try_require_session(&self) -> Option<Result<(), Challenge>> {
        if self.auth().config().is_api_only() {
            return None;
        }
        self.mark_personal();
        Some(match self.session_caller() {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Challenge::sign_in()),
            Err(error) => Err(Challenge::error(error)),
        })
    }

    /// Returns the caller of the session. A state-changing request must come from the
    /// application's own pages, because the browser attaches the cookie to requests of
    /// every site.
    fn session_caller(&self) -> Result<Option<Caller>> {
        let Some(session) = self.session()? else { return Ok(None) };
        if !self.is_own_request() {
            return Err(self.auth().config().cross_origin(match self.auth().config().options.csrf_header {
                None => "a request with a session",
                Some(_) => "a request with a session lacks the header that `csrf_header` asks for, or",
            }));
        }
        let leeway = self.auth().config().options.leeway;
        Ok(Some(Caller::user(Arc::clone(session), self.now(), leeway)))
    }

    fn token_caller(&self, token: VerifiedAccessToken) -> Caller {
        Caller::token(token, self.now(), self.auth().config().options.leeway)
    }

    fn anonymous(&self) -> Caller {
        Caller::anonymous(self.now(), self.auth().config().options.leeway)
    }
}

impl OktaAuth {
    /// Logs once if routes in code accept access tokens of every client of the issuer.
    /// Routes of a file are known at startup, routes in code only at their first request.
    fn warn_of_tokens_on_pages(&self) {
        if self.0.tokens_on_pages.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(problem) = self.config().tokens_on_pages() {
            tracing::warn!(target: "okta_auth", "{problem}");
        }
    }
}
