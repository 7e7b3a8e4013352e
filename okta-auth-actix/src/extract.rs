//! The extractors: `User<C>` and `AccessToken<C>`, each plain, as `Option` and as `Result`.

use std::future::{Future, Ready, ready};
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use okta_auth_core::engine::{BearerToken, SignedIn, Visit};
use okta_auth_core::policy::Policy;
use serde::de::DeserializeOwned;

use crate::rejection::{AccessRejection, UserRejection};

/// The signed-in user.
///
/// As a plain argument it protects the handler: a browser that nobody has signed in with goes to
/// Okta and comes back here, any other client gets 401. `Option<User>` is for pages that are
/// open to everybody, and `Result<User, UserRejection>` for handlers that want to answer
/// themselves.
///
/// `C` is your own type for the claims, read with `serde`; `()` asks for none. Claims that do
/// not fit `C` are answered with 403. A POST and its like must come from the application's own
/// pages, by `Origin` and `Sec-Fetch-Site`; else it is answered with 403. `Option<User>` is
/// `None` in both cases.
#[derive(Clone, Debug)]
pub struct User<C = ()>(SignedIn<C>);

/// Whether this browser has just signed out and come back from Okta.
///
/// For a page that says so: [`just_now`](Self::just_now) is `true` for one page navigation after
/// a sign-out, and only while no user is signed in again.
///
/// ```
/// # use okta_auth_actix::SignedOut;
/// async fn home(signed_out: SignedOut) -> &'static str {
///     if signed_out.just_now() { "You are signed out" } else { "Welcome" }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SignedOut(bool);

impl SignedOut {
    /// Whether the sign-out has just been completed.
    pub fn just_now(self) -> bool {
        self.0
    }
}

/// The holder of the access token that the request presents (RFC 6750).
///
/// As a plain argument it protects the handler of an API: without a token the answer is 401 with
/// a challenge that names the API's metadata and no error, with one that is no good 401
/// `invalid_token`, and 503 with `Retry-After` while the issuer cannot be reached. A session does
/// not count. `Option<AccessToken>` is `None` for all of these.
#[derive(Clone, Debug)]
pub struct AccessToken<C = ()>(BearerToken<C>);

/// What both extractors are: the core's own type, and policies that a handler asks.
macro_rules! extractor {
    ($name:ident, $inner:ident, $by_token:literal) => {
        impl<C> $name<C> {
            /// Goes on if the policy allows it: for decisions that a handler can make only once
            /// it knows more than the route.
            ///
            /// # Errors
            /// The answer to return.
            pub async fn require(&self, policy: &Policy) -> Result<(), AccessRejection> {
                AccessRejection::unless(self.0.decide(policy).await, $by_token)
            }
        }

        impl<C> Deref for $name<C> {
            type Target = $inner<C>;

            fn deref(&self) -> &$inner<C> {
                &self.0
            }
        }
    };
}

extractor!(User, SignedIn, false);
extractor!(AccessToken, BearerToken, true);

impl<C: DeserializeOwned + 'static> FromRequest for User<C> {
    type Error = UserRejection;
    type Future = Ready<Result<Self, UserRejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let visit = extensions.get::<Visit>().ok_or(UserRejection::LayerMissing);
        let user = visit.and_then(|visit| visit.user().map_err(UserRejection::from));
        ready(user.and_then(|user| user.map(User).ok_or(UserRejection::NotSignedIn)))
    }
}

impl<C: DeserializeOwned + 'static> FromRequest for AccessToken<C> {
    type Error = AccessRejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AccessRejection>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let visit = request.extensions().get::<Visit>().cloned();
        Box::pin(async move {
            let visit = visit.ok_or(AccessRejection::LayerMissing)?;
            visit.access_token().await.map(AccessToken).map_err(AccessRejection::Refused)
        })
    }
}

impl FromRequest for SignedOut {
    type Error = UserRejection;
    type Future = Ready<Result<Self, UserRejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let visit = extensions.get::<Visit>().ok_or(UserRejection::LayerMissing);
        ready(visit.map(|visit| Self(visit.has_just_signed_out())))
    }
}
