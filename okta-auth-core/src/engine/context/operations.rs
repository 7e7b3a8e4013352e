//! The operations of adapters and handlers on a request.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response};
use serde::de::DeserializeOwned;

use super::super::signed_in::SignedIn;
use super::super::{OktaAuth, access, challenge, login, routes};
use super::{NoTenant, RequestContext, Tenancy};
use crate::bearer::BearerToken;
use crate::error::{Code, Error, Result};
use crate::headers::Headers;
use crate::login::LoginOptions;
use crate::policy::{AcceptedCredentials, Caller, MatchedRoute, Policy};
use crate::response::{Challenge, Reply, ResponseHeaderChanges, carry_over};
use crate::routing::Endpoint;
use crate::session::SessionState;
use crate::tenant::TenantSettings;

impl RequestContext {
    /// Serves a request to one of the library's paths. `body` is empty except for a form post.
    #[doc(hidden)]
    pub async fn serve(&self, endpoint: Endpoint, parts: &Parts, body: Bytes) -> Reply {
        let reply = routes::serve(self, endpoint, parts, body).await;
        self.inner().mark_answered();
        reply
    }

    /// Redirects the browser to Okta with a new pending login, for a handler that needs more than the `User` extractor:
    /// a recent sign-in, a second factor, a user name to prefill.
    ///
    /// The response is a redirect with a cookie, or an error page if Okta is down. The demands are checked when the
    /// browser returns.
    /// ```
    /// use std::time::Duration;
    /// # use okta_auth_core as okta_auth;
    /// use bytes::Bytes;
    /// use http::Response;
    /// use okta_auth::engine::RequestContext;
    /// use okta_auth::login::{LoginOptions, ReturnTo};
    ///
    /// async fn step_up(context: &RequestContext) -> Response<Bytes> {
    ///     let options = LoginOptions::new(ReturnTo::root())
    ///         .with_max_age(Duration::from_secs(300))
    ///         .with_acr_values(["urn:okta:loa:2fa:any"]);
    ///     context.start_login(&options).await
    /// }
    /// ```
    pub async fn start_login(&self, options: &LoginOptions) -> Response<Bytes> {
        login::start(self, options).await
    }

    /// Returns the signed-in user. The response is then not cacheable.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if the claims do not fit `C`; [`Code::CrossOrigin`] if a state-changing request did not
    /// come from the application's own pages; [`Code::StoreUnavailable`] or an error of reaching Okta if the session
    /// cannot be loaded.
    #[doc(hidden)]
    pub fn user<C: DeserializeOwned + 'static>(&self) -> Result<Option<SignedIn<C>>> {
        access::user(self)
    }

    /// Returns the tenant of the request. The response is then not cacheable, because a cookie may have selected the
    /// tenant.
    ///
    /// # Errors
    /// The challenge to respond with: a sign-in that asks for the tenant, or 404 if no tenant matches or the
    /// application has a single Okta.
    #[doc(hidden)]
    pub fn tenant(&self) -> Result<Arc<TenantSettings>, Challenge> {
        access::tenant(self)
    }

    /// Returns the holder of the presented access token.
    ///
    /// # Errors
    /// The challenge to respond with: no token, a rejected token, an unreachable issuer, or claims that do not fit `C`.
    #[doc(hidden)]
    pub async fn access_token<C: DeserializeOwned + 'static>(&self) -> Result<BearerToken<C>, Challenge> {
        access::access_token(self).await
    }

    /// Returns the caller.
    ///
    /// # Errors
    /// The challenge to respond with, if an invalid credential was sent.
    #[doc(hidden)]
    pub async fn caller(&self, accepts: AcceptedCredentials) -> Result<Caller, Challenge> {
        access::caller(self, accepts).await
    }

    /// Allows the request if the policy allows its caller.
    ///
    /// # Errors
    /// The challenge to respond with.
    #[doc(hidden)]
    pub async fn require(&self, policy: &Policy, accepts: AcceptedCredentials) -> Result<(), Challenge> {
        access::require(self, policy, accepts).await
    }

    /// Allows the request if its route does, by the route's policy or by the application's default for routes without
    /// one. A request without a tenant is allowed if no tenant restricts the route.
    ///
    /// # Errors
    /// The challenge to respond with.
    #[doc(hidden)]
    pub async fn require_route(&self, route: MatchedRoute<'_>) -> Result<(), Challenge> {
        access::require_route(self, route).await
    }

    /// Returns the outcome of [`require_route`](Self::require_route) if it needs no policy; `None` if a policy has to
    /// be evaluated.
    #[doc(hidden)]
    pub fn try_require_route(&self, route: MatchedRoute<'_>) -> Option<Result<(), Challenge>> {
        access::try_require_route(self, route)
    }

    /// Whether the request may reach the application: not if it names an unknown tenant, or returns from a logout.
    ///
    /// # Errors
    /// The challenge to respond with.
    #[doc(hidden)]
    pub fn admit(&self) -> Result<(), Challenge> {
        match &self.inner().tenancy {
            Tenancy::NoTenant(NoTenant::Rejected(error), _) => Err(Challenge::error(Error::clone(error))),
            _ if self.inner().is_return_from_sign_out() => Err(Challenge::signed_out()),
            _ if self.inner().is_silent_login_due() => Err(Challenge::silent_login()),
            _ => Ok(()),
        }
    }

    /// Whether this browser has just returned from a logout. It is `true` for one page navigation, and only until a
    /// user signs in again.
    #[doc(hidden)]
    pub fn has_just_signed_out(&self) -> bool {
        let state = self.inner();
        state.mark_personal();
        let has_returned = state.has_returned_from_sign_out();
        if has_returned {
            state.mark_sign_out_shown();
        }
        has_returned
    }

    /// Returns the challenge to respond with if a handler read the user while the authentication state was unknown. The
    /// handler's response is then discarded, because it treats the caller as anonymous.
    #[doc(hidden)]
    pub fn unanswered(&self) -> Option<Challenge> {
        let state = self.inner();
        match &state.session.state {
            SessionState::Unavailable(error) if state.unanswered.load(Ordering::Relaxed) => {
                Some(Challenge::error(Error::clone(error)))
            }
            _ => None,
        }
    }

    /// Creates the response for a challenge.
    #[doc(hidden)]
    pub async fn answer(&self, challenge: Challenge) -> Reply {
        challenge::answer(self, challenge).await
    }

    /// Creates the response for a challenge, in place of a response with these headers. Headers of other layers are
    /// preserved: CORS, a request id, HSTS.
    #[doc(hidden)]
    pub async fn answer_in_place_of<H: Headers>(&self, challenge: Challenge, replaced: &H) -> Reply {
        let mut reply = self.answer(challenge).await;
        carry_over(&mut reply, replaced);
        reply
    }

    /// Creates the response to a request that needs a sign-in: a redirect to Okta for a page navigation, else 401 with
    /// a challenge.
    #[doc(hidden)]
    pub async fn challenge(&self) -> Reply {
        challenge::sign_in(self).await
    }

    /// Creates the response for an error, page or JSON, and logs the error.
    #[doc(hidden)]
    pub fn error(&self, error: &Error) -> Reply {
        let state = self.inner();
        // A store failure was already reported when the request arrived.
        let known = matches!(&state.session.state, SessionState::Unavailable(known) if known.code() == error.code());
        if !known || error.code() != Code::StoreUnavailable {
            let anonymous = matches!(state.session.state, SessionState::Anonymous);
            self.site().events.log(error, self.reference(), anonymous);
        }
        self.error_page(error)
    }

    /// Returns the header changes for the session: a rewritten or deleted cookie, and cache headers. The adapter calls
    /// it once for each response, including the engine's own responses and those of failed handlers.
    #[doc(hidden)]
    pub fn header_changes_for<H: Headers>(&self, headers: &H) -> ResponseHeaderChanges {
        let (state, auth) = (self.inner(), self.auth());
        let clear_return = || auth.filter(|_| state.is_sign_out_shown()).map(|auth| auth.0.logout.returns().clear());
        let session = (&state.session, auth.map(OktaAuth::sessions));
        let nonce = state.credentials.next_nonce();
        ResponseHeaderChanges::of(headers, session, state.dependence(), clear_return, nonce)
    }

    /// Applies the changes of [`header_changes_for`](Self::header_changes_for) to a response.
    #[doc(hidden)]
    pub fn finish(&self, headers: &mut HeaderMap) {
        self.header_changes_for(headers).apply(headers);
    }
}
