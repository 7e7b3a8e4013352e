//! The extractors: `User<C>` and `AccessToken<C>`, each plain, as `Option` and as `Result`.

use std::future::{Future, Ready, ready};
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use okta_auth_core::adapter::{BearerToken, RequestContext, SignedIn};
use okta_auth_core::policy::Policy;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::rejection::{AccessRejection, UserRejection, report_missing_layer};

/// The signed-in user.
///
/// As a plain argument it protects the handler: a browser without a session is redirected
/// to Okta and returns here after sign-in. Other clients get 401. Use `Option<User>` for
/// public pages, and `Result<User, UserRejection>` for handlers with their own response.
///
/// `C` is the application's type for the claims, deserialized with `serde`; use `()` if
/// the handler needs no claims. Claims that do not fit `C` cause a 403. A request with an
/// unsafe method, such as POST, must come from the application's own pages, which
/// `Origin` and `Sec-Fetch-Site` show. Otherwise it gets 403. `Option<User>` is `None` in
/// both cases.
///
/// A handler that calls its methods returns [`HandlerError`](crate::HandlerError), and
/// `Json<User>` is a response with the claims.
#[derive(Clone, Debug)]
pub struct User<C = ()>(SignedIn<C>);

/// Whether this browser has just signed out and come back from Okta.
///
/// For a page that confirms the sign-out: [`just_now`](Self::just_now) is `true` for one
/// page navigation after a sign-out, unless a user is signed in again.
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
/// As a plain argument it protects the handler of an API. Without a token the response is
/// 401 with a challenge that names the API's metadata and no error. With an invalid token
/// it is 401 `invalid_token`, and while the issuer cannot be reached 503 with
/// `Retry-After`. A session does not count. `Option<AccessToken>` is `None` in all these
/// cases.
#[derive(Clone, Debug)]
pub struct AccessToken<C = ()>(BearerToken<C>);

/// Methods that both extractors share.
macro_rules! extractor {
    ($name:ident, $inner:ident, $by_token:literal) => {
        impl<C> $name<C> {
            /// Checks a policy in the handler, for decisions that need more than the
            /// route.
            ///
            /// # Errors
            /// The response to return if the policy denies access.
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

/// The claims of the session as one JSON object, without any token, so that `Json(user)`
/// is a response.
impl<C> Serialize for User<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

extractor!(User, SignedIn, false);
extractor!(AccessToken, BearerToken, true);

impl<C: DeserializeOwned + 'static> FromRequest for User<C> {
    type Error = UserRejection;
    type Future = Ready<Result<Self, UserRejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let context = context(request).ok_or(UserRejection::LayerMissing);
        let user = context.and_then(|context| context.user().map_err(UserRejection::from));
        ready(user.and_then(|user| user.map(User).ok_or(UserRejection::NotSignedIn)))
    }
}

impl<C: DeserializeOwned + 'static> FromRequest for AccessToken<C> {
    type Error = AccessRejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AccessRejection>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let context = context(request);
        Box::pin(async move {
            let context = context.ok_or(AccessRejection::LayerMissing)?;
            context.access_token().await.map(AccessToken).map_err(AccessRejection::Refused)
        })
    }
}

impl FromRequest for SignedOut {
    type Error = UserRejection;
    type Future = Ready<Result<Self, UserRejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let context = context(request).ok_or(UserRejection::LayerMissing);
        ready(context.map(|context| Self(context.has_just_signed_out())))
    }
}

/// Returns the result of the middleware. If the middleware is missing, that is logged
/// here, because actix-web turns every error of an optional extractor into `None`.
pub(crate) fn context(request: &HttpRequest) -> Option<RequestContext> {
    let context = request.extensions().get::<RequestContext>().cloned();
    if context.is_none() {
        report_missing_layer(request.path());
    }
    context
}
