//! The extractors: `User<C>` and `AccessToken<C>`, each plain, as `Option` and as `Result`.

use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
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
/// the handler needs no claims. Claims that do not fit `C` cause a 403.
///
/// A request with an unsafe method, such as POST, must come from the application's own
/// pages, which `Origin` and `Sec-Fetch-Site` show. Otherwise it gets 403. `Option<User>`
/// is `None` in both cases.
///
/// A handler that calls its methods returns [`HandlerError`](crate::HandlerError), and
/// `Json<User>` is a response with the claims.
///
/// ```
/// # use okta_auth_axum::User;
/// #[derive(serde::Deserialize)]
/// struct Claims {
///     department: String,
/// }
///
/// async fn report(user: User<Claims>) -> String {
///     format!("{} of {}", user.name(), user.claims().department)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct User<C = ()>(SignedIn<C>);

/// Whether this browser has just signed out and come back from Okta.
///
/// For a page that confirms the sign-out: [`just_now`](Self::just_now) is `true` for one
/// page navigation after a sign-out, unless a user is signed in again.
///
/// ```
/// # use okta_auth_axum::SignedOut;
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
///
/// ```
/// # use okta_auth_axum::AccessToken;
/// async fn whoami(token: AccessToken) -> String {
///     format!("{} through {}", token.subject(), token.client_id())
/// }
/// ```
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

impl<S, C> FromRequestParts<S> for User<C>
where
    S: Send + Sync,
    C: DeserializeOwned + Send + 'static,
{
    type Rejection = UserRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, UserRejection> {
        user(parts)?.ok_or(UserRejection::NotSignedIn)
    }
}

impl<S, C> OptionalFromRequestParts<S> for User<C>
where
    S: Send + Sync,
    C: DeserializeOwned + Send + 'static,
{
    type Rejection = UserRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, UserRejection> {
        match user(parts) {
            Err(UserRejection::Claims(_) | UserRejection::CrossOrigin(_)) => Ok(None),
            user => user,
        }
    }
}

impl<S, C> FromRequestParts<S> for AccessToken<C>
where
    S: Send + Sync,
    C: DeserializeOwned + Send + 'static,
{
    type Rejection = AccessRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AccessRejection> {
        let context = context(parts).ok_or(AccessRejection::LayerMissing)?;
        context.access_token().await.map(AccessToken).map_err(AccessRejection::Refused)
    }
}

impl<S, C> OptionalFromRequestParts<S> for AccessToken<C>
where
    S: Send + Sync,
    C: DeserializeOwned + Send + 'static,
{
    type Rejection = AccessRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, AccessRejection> {
        let context = context(parts).ok_or(AccessRejection::LayerMissing)?;
        Ok(context.access_token().await.ok().map(AccessToken))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedOut {
    type Rejection = UserRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, UserRejection> {
        let context = parts.extensions.get::<RequestContext>().ok_or(UserRejection::LayerMissing)?;
        Ok(Self(context.has_just_signed_out()))
    }
}

fn user<C: DeserializeOwned + 'static>(parts: &Parts) -> Result<Option<User<C>>, UserRejection> {
    let context = context(parts).ok_or(UserRejection::LayerMissing)?;
    Ok(context.user().map_err(UserRejection::from)?.map(User))
}

/// Returns the result of the layer. If the layer is missing, that is reported.
pub(crate) fn context(parts: &Parts) -> Option<&RequestContext> {
    let context = parts.extensions.get::<RequestContext>();
    if context.is_none() {
        report_missing_layer(parts.uri.path());
    }
    context
}
