//! Who makes a request, and whether a policy lets it through.
//!
//! The questions are asked by extractors and by policies, several times for one request
//! and in any order. The answers are the same each time: the session was read when the
//! request came, a token is verified once, and both are held to one moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::de::DeserializeOwned;

use super::OktaAuth;
use super::bearer_token::BearerToken;
use super::challenge::Challenge;
use super::signed_in::SignedIn;
use super::visit::Visit;
use crate::error::Result;
use crate::jose::VerifiedAccessToken;
use crate::policy::{Accepts, Caller, MatchedRoute, Policy, RouteClass, signed_in};

impl Visit {
    /// The user, if somebody is signed in. The response is then kept out of caches.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`](crate::error::Code::ClaimsMismatch) if the claims do not fit `C`; [`Code::CrossOrigin`](crate::error::Code::CrossOrigin) if
    /// the request would change something and did not come from the application's own
    /// pages; [`Code::StoreUnavailable`](crate::error::Code::StoreUnavailable) or that of reaching Okta if it cannot be told
    /// who it is.
    pub fn user<C: DeserializeOwned + 'static>(&self) -> Result<Option<SignedIn<C>>> {
        self.mark_personal();
        // A policy has let the holder of a token in: the session may be somebody else's.
        if self.is_decided_by_token() {
            return Ok(None);
        }
        self.session_caller()?.map(|caller| SignedIn::new(caller, self)).transpose()
    }

    /// The holder of the access token that the request presents.
    ///
    /// # Errors
    /// The challenge to answer with: no token, a token that was refused, an issuer that
    /// cannot be reached, or claims that do not fit `C`.
    pub async fn access_token<C: DeserializeOwned + 'static>(&self) -> Result<BearerToken<C>, Challenge> {
        self.mark_depends_on_token();
        if !self.credentials().is_present() {
            return Err(Challenge::no_token());
        }
        let token = self.verified_token().await.map_err(Challenge::token)?;
        let leeway = self.auth().config().options.leeway;
        BearerToken::new(token, (self.now(), leeway), self.auth().0.tenant.clone()).map_err(Challenge::error)
    }

    /// Who makes the request.
    ///
    /// # Errors
    /// The challenge to answer with, if a credential was sent and is no good.
    pub async fn caller(&self, accepts: Accepts) -> Result<Caller, Challenge> {
        let accepts = self.accepted(accepts);
        if accepts != Accepts::Token {
            self.mark_personal();
        }
        if accepts != Accepts::Session {
            self.mark_depends_on_token();
            if self.credentials().is_present() {
                let token = self.verified_token().await.map_err(Challenge::token)?;
                return Ok(self.token_caller(token));
            }
        }
        if accepts == Accepts::Token {
            return Ok(self.nobody());
        }
        let user = self.session_caller().map_err(Challenge::error)?;
        Ok(user.unwrap_or_else(|| self.nobody()))
    }

    /// What a route accepts in this application: without sessions it is tokens alone.
    fn accepted(&self, accepts: Accepts) -> Accepts {
        if self.auth().config().is_api_only() { Accepts::Token } else { accepts }
    }

    /// Lets the request through if the policy allows it.
    ///
    /// # Errors
    /// The challenge to answer with.
    pub async fn require(&self, policy: &Policy, accepts: Accepts) -> Result<(), Challenge> {
        let accepts = self.accepted(accepts);
        if accepts == Accepts::SessionOrToken {
            self.auth().warn_of_tokens_on_pages();
        }
        let for_tokens = accepts == Accepts::Token;
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

    /// Lets the request through if its route allows it: by the route's policy, or by what
    /// the application says of routes without one. A request for no tenant gets through
    /// where no tenant guards the route.
    ///
    /// # Errors
    /// The challenge to answer with.
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
            None => self.require(&signed_in(), Accepts::Session).await,
        }
    }

    /// The outcome of [`require_route`](Self::require_route) as far as it is known without
    /// asking a policy; `None` if a policy has to be asked.
    pub fn try_require_route(&self, route: MatchedRoute<'_>) -> Option<Result<(), Challenge>> {
        let access = &self.auth().0.access;
        let class = access.class(route);
        if let Some(many) = self.many() {
            // Only a user of a tenant can be let in by a policy, and there is no tenant here.
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
            // In an API this needs a token, which may have to be verified elsewhere.
            RouteClass::SignedIn => self.try_require_session(),
        }
    }

    /// Lets the request through if a user is signed in.
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

    /// The request's session as a caller. A request that would change something must
    /// come from the application's own pages: the browser sends the cookie whoever asks
    /// it to.
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

    /// The holder of a token as a caller.
    fn token_caller(&self, token: VerifiedAccessToken) -> Caller {
        Caller::token(token, self.now(), self.auth().config().options.leeway)
    }

    /// Nobody.
    fn nobody(&self) -> Caller {
        Caller::nobody(self.now(), self.auth().config().options.leeway)
    }
}

impl OktaAuth {
    /// Logs once if routes in code accept access tokens of every client of the issuer.
    /// Those of a file are known at startup; a route in code is known when a request comes.
    fn warn_of_tokens_on_pages(&self) {
        if self.0.tokens_on_pages.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(problem) = self.config().tokens_on_pages() {
            tracing::warn!(target: "okta_auth", "{problem}");
        }
    }
}
