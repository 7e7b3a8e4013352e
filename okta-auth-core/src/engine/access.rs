//! Who makes a request, and whether a policy lets it through.
//!
//! The questions are asked by extractors and by policies, several times for one request
//! and in any order. The answers are the same each time: the session was read when the
//! request came, a token is verified once, and both are held to one moment.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::bearer_token::BearerToken;
use super::challenge::Challenge;
use super::signed_in::SignedIn;
use super::visit::Visit;
use crate::error::Result;
use crate::jose::VerifiedAccessToken;
use crate::policy::{Caller, Policy};

/// What a route takes for a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepts {
    /// A session, or an access token. Where a token is sent the session does not count,
    /// so that nobody is two callers at once.
    SessionOrToken,
    /// An access token alone: for an API. Nobody is sent to sign in from there.
    Token,
}

impl Visit {
    /// The user, if somebody is signed in. The response is then kept out of caches.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if the claims do not fit `C`; [`Code::CrossOrigin`] if
    /// the request would change something and did not come from the application's own
    /// pages; [`Code::StoreUnavailable`] or that of reaching Okta if it cannot be told
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
        if self.credentials().is_present() {
            let token = self.verified_token().await.map_err(Challenge::token)?;
            return Ok(self.token_caller(token));
        }
        if accepts == Accepts::Token {
            return Ok(self.nobody());
        }
        self.mark_personal();
        let user = self.session_caller().map_err(Challenge::error)?;
        Ok(user.unwrap_or_else(|| self.nobody()))
    }

    /// Lets the request through if the policy allows it.
    ///
    /// # Errors
    /// The challenge to answer with.
    pub async fn require(&self, policy: &Policy, accepts: Accepts) -> Result<(), Challenge> {
        let caller = self.caller(accepts).await?;
        let decision = policy.decide(&caller).await;
        let by_token = caller.is_token();
        match Challenge::decision(decision, by_token || accepts == Accepts::Token) {
            Some(challenge) => return Err(challenge),
            None if by_token => self.mark_decided_by_token(),
            None => {}
        }
        Ok(())
    }

    /// Lets the request through if the policy of its route does, or if its route has
    /// none. A request for no tenant gets through where no tenant has a policy.
    /// `pattern` is the route as the router matched it.
    ///
    /// # Errors
    /// The challenge to answer with.
    pub async fn require_route(&self, pattern: &str) -> Result<(), Challenge> {
        // Who belongs to no tenant cannot be let in by the policy of one.
        if self.many().is_some_and(|many| many.has_policy(pattern)) {
            return Err(Challenge::sign_in());
        }
        match self.auth().0.policies.route(pattern) {
            Some(policy) => self.require(policy, Accepts::SessionOrToken).await,
            None => Ok(()),
        }
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
