//! Challenges: why a request may not reach its handler, and the response to it.

use std::sync::Arc;

use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::context::{NoTenant, RequestContext};
use super::page::Page;
use super::reply::{self, Reply};
use super::{audit, error_reply, logout_pages};
use crate::bearer::WwwAuthenticate;
use crate::config::Config;
use crate::error::{Code, Error};
use crate::events::first_error;
use crate::login::{LoginOptions, ReturnTo};
use crate::policy::{Decision, Denial, Effect, Policy, StepUp};

/// Makes htmx navigate to a URL.
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// A longer referring page is dropped from a step-up, because cookies are limited in size.
const MAX_CAME_FROM: usize = 200;

/// A marker in a response that the engine replaces with a response of its own.
///
/// | reason | a page navigation | any other request |
/// |---|---|---|
/// | not signed in | 303 to Okta | 401, `Bearer` |
/// | no token on a route that needs one | 401, `Bearer` | 401, `Bearer` |
/// | an invalid token | 401 `invalid_token`, 400 `invalid_request` | the same |
/// | a sign-in that is too weak or too old | 303 to Okta | 401 `insufficient_user_authentication` |
/// | a policy denies | 403, a page | 403, JSON or `insufficient_scope` |
/// | a route without an applicable policy | 403, a page | 403, JSON |
/// | Okta is unreachable | 503, a page | 503, JSON |
/// | the return from a logout | 303 without its state, or the confirmation page | never |
///
/// An adapter puts it into the response's extensions, and [`RequestContext::answer`] creates the
/// response. Handlers use only its [`code`](Self::code).
#[derive(Clone, Debug)]
pub struct Challenge(Kind);

#[derive(Clone, Debug)]
enum Kind {
    SignIn,
    /// The route accepts only tokens, and the request has none. With the scopes of its
    /// policy.
    NoToken(Scopes),
    Token(Arc<Error>, Scopes),
    Route(Denial),
    Policy {
        decision: Arc<Decision>,
        by_token: bool,
    },
    SignedOut,
    Failed(Arc<Error>),
}

/// The scopes in a policy; empty without scopes or without a policy.
type Scopes = Arc<[String]>;

impl Challenge {
    /// Creates a challenge to sign in: a redirect to Okta for a page navigation, else 401.
    pub fn sign_in() -> Self {
        Self(Kind::SignIn)
    }

    /// Creates a challenge for an error: an error page, or JSON.
    pub fn error(error: Error) -> Self {
        Self(Kind::Failed(Arc::new(error)))
    }

    pub(super) fn signed_out() -> Self {
        Self(Kind::SignedOut)
    }

    /// Demands a token: 401 with a bare challenge (RFC 6750 §3.1).
    pub(super) fn no_token() -> Self {
        Self(Kind::NoToken(Scopes::default()))
    }

    pub(super) fn route(denial: Denial) -> Self {
        Self(Kind::Route(denial))
    }

    /// Adds the scopes of a policy, so that the client can request them.
    pub(super) fn for_scopes_of(self, policy: &Policy) -> Self {
        Self(match self.0 {
            Kind::NoToken(_) => Kind::NoToken(policy.scopes().into()),
            Kind::Token(error, _) => Kind::Token(error, policy.scopes().into()),
            other => other,
        })
    }

    /// Creates the challenge for a token that failed verification. An unreachable issuer is
    /// 503 and never 401, because clients discard their token after a 401.
    pub(super) fn token(error: Arc<Error>) -> Self {
        let refused = error.is_token() || error.code() == Code::CredentialsMalformed;
        Self(if refused { Kind::Token(error, Scopes::default()) } else { Kind::Failed(error) })
    }

    /// Creates the challenge for a policy's decision about a user, or about the holder of a
    /// token; `None` if the decision allows.
    pub fn decision(decision: Decision, by_token: bool) -> Option<Self> {
        match decision.effect() {
            Effect::Allow => None,
            Effect::Login if by_token => Some(Self::no_token()),
            Effect::Login => Some(Self::sign_in()),
            _ => Some(Self(Kind::Policy { decision: Arc::new(decision), by_token })),
        }
    }

    /// Returns a stable code for logs and clients.
    pub fn code(&self) -> &'static str {
        match &self.0 {
            Kind::SignIn | Kind::NoToken(_) => "login_required",
            Kind::Token(error, _) if error.code() == Code::CredentialsMalformed => "invalid_request",
            Kind::Token(..) => "invalid_token",
            Kind::Route(denial) => denial.code(),
            Kind::Policy { decision, .. } => decision.code(),
            Kind::SignedOut => "signed_out",
            Kind::Failed(error) => error.code().as_str(),
        }
    }

    /// Returns the error, if the challenge has one.
    pub fn as_error(&self) -> Option<&Error> {
        if let Kind::Token(error, _) | Kind::Failed(error) = &self.0 { Some(error) } else { None }
    }
}

impl From<Error> for Challenge {
    /// Creates the response to an error that a handler returns: a sign-in if the session
    /// has ended in the meantime, else an error page or JSON.
    fn from(error: Error) -> Self {
        if error.code() == Code::SessionEnded { Self::sign_in() } else { Self::error(error) }
    }
}

/// Creates the response for a challenge.
pub(super) async fn answer(context: &RequestContext, challenge: Challenge) -> Reply {
    if let Some(NoTenant::Rejected(error) | NoTenant::Public(error)) = context.without_tenant() {
        return context.error(error);
    }
    match challenge.0 {
        Kind::SignIn => sign_in(context).await,
        Kind::NoToken(scopes) => token_missing(context, &scopes),
        Kind::Token(error, scopes) => token_refused(context, &error, &scopes),
        Kind::Route(denial) => route_denied(context, denial),
        Kind::SignedOut => logout_pages::after_sign_out(context),
        Kind::Failed(error) => context.error(&error),
        Kind::Policy { decision, by_token } => match decision.effect() {
            Effect::StepUp(step_up) => {
                audit::emit_step_up(context, &decision, by_token);
                request_step_up(context, step_up, by_token).await
            }
            _ => {
                audit::emit_denied(context, &decision, by_token);
                denied(context, &decision, by_token)
            }
        },
    }
}

/// Creates the response to a request that needs a sign-in: a redirect to Okta for a page
/// navigation, else 401 with a challenge.
pub(super) async fn sign_in(context: &RequestContext) -> Reply {
    if !context.inner().may_redirect() {
        return unauthorized(context);
    }
    if let Some(error) = &context.inner().dead_end {
        return dead_end_page(context, error);
    }
    context.start_login(&LoginOptions::new(context.target())).await
}

/// Responds with an error page, because another sign-in would lead to the same page.
fn dead_end_page(context: &RequestContext, error: &Error) -> Reply {
    if error.code() == Code::ClockSkew {
        // Sign-ins fail until an operator has corrected the clock.
        tracing::error!(target: "okta_auth", code = %error.code(), "{error}");
    }
    context.error(error)
}

/// Responds with 401 to a client without a session: a challenge without an error (RFC 6750
/// §3.1).
pub(crate) fn unauthorized(context: &RequestContext) -> Reply {
    if context.is_navigation() && !context.auth().config().is_api_only() {
        return session_expired_page(context);
    }
    let body = json!({ "error": "login_required", "message": "Sign in first." });
    let mut reply = challenged(StatusCode::UNAUTHORIZED, &WwwAuthenticate::bare(), &body);
    if let Some(address) = htmx_redirect(context) {
        reply.headers_mut().insert(HX_REDIRECT, address);
    }
    reply
}

/// Responds with 401 to a form without a session: a redirect would silently discard its
/// data.
fn session_expired_page(context: &RequestContext) -> Reply {
    let again = context.auth().config().routes().login_url(&[("return_to", context.target().as_str())]);
    let page = Page {
        title: "You are no longer signed in",
        sentences: vec!["Your changes were not saved. Please sign in and try again."],
        links: again.iter().map(|again| ("Sign in", again.as_str())).collect(),
        code: None,
        reference: context.reference(),
    };
    let mut reply = reply::html(StatusCode::UNAUTHORIZED, page.render());
    reply.headers_mut().insert(WWW_AUTHENTICATE, WwwAuthenticate::bare().header());
    reply
}

/// The URL at which htmx starts a sign-in that returns to its page. htmx follows this
/// header for every status.
fn htmx_redirect(context: &RequestContext) -> Option<HeaderValue> {
    if !context.inner().htmx {
        return None;
    }
    let config = context.auth().config();
    let back = context.inner().came_from().unwrap_or_else(|| ReturnTo::start_page(config));
    HeaderValue::try_from(config.routes().login_url(&[("return_to", back.as_str())])?).ok()
}

/// Responds with 401 to a client without a token. The challenge has no error, because no
/// token was sent (RFC 6750 §3.1), but refers to the metadata (RFC 9728 §5.1).
fn token_missing(context: &RequestContext, scopes: &[String]) -> Reply {
    let message = "Send an access token in the Authorization header.";
    // Without a failure there is no log line, so the body has no reference.
    let body = json!({ "error": "login_required", "message": message });
    let config = context.auth().config();
    let challenge = with_scopes(config, WwwAuthenticate::bare(), scopes);
    challenged(StatusCode::UNAUTHORIZED, &with_resource_metadata(config, challenge), &body)
}

/// Adds the required scopes to a challenge: those of the policy, or else those in the API's
/// metadata.
fn with_scopes(config: &Config, challenge: WwwAuthenticate, scopes: &[String]) -> WwwAuthenticate {
    let all = &config.options.resource_scopes;
    challenge.scope(if scopes.is_empty() { all } else { scopes }.iter().map(String::as_str))
}

/// Responds with 401 `invalid_token`, or with 400 `invalid_request` if the request does not
/// have exactly one token (RFC 6750 §3.1). The reason is logged; the client learns only
/// whether a new token would help.
fn token_refused(context: &RequestContext, error: &Error, scopes: &[String]) -> Reply {
    let code = error.code();
    let reference = context.reference();
    first_error();
    let (claim, cause) = (error.claim(), error.cause_text());
    tracing::info!(target: "okta_auth", %reference, %code, claim, cause, "an access token was refused: {error}");
    let (status, name, description) = match code {
        Code::CredentialsMalformed => (
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "send one access token, in the Authorization header and nowhere else",
        ),
        Code::TokenExpired => (StatusCode::UNAUTHORIZED, "invalid_token", "the access token has expired"),
        _ => (StatusCode::UNAUTHORIZED, "invalid_token", "the access token is not valid for this API"),
    };
    let mut challenge = WwwAuthenticate::error(name, description);
    if name == "invalid_token" {
        challenge = with_scopes(context.auth().config(), challenge, scopes);
    }
    bearer(context, status, challenge, name, description)
}

/// Sends a browser to a stronger or new authentication, or tells a client to do so (RFC
/// 9470 §3). The result is checked in the callback, so that an issuer that ignores the
/// demands causes an error page and not a redirect loop.
async fn request_step_up(context: &RequestContext, step_up: &StepUp, by_token: bool) -> Reply {
    if !by_token && context.inner().may_redirect() {
        let mut options = LoginOptions::new(context.target());
        options.came_from = context.inner().came_from().filter(|page| page.as_str().len() <= MAX_CAME_FROM);
        options.acr_values.clone_from(&step_up.acr_values);
        options.max_age = step_up.max_age;
        return context.start_login(&options).await;
    }
    let name = "insufficient_user_authentication";
    let description = "a stronger or more recent sign-in is needed";
    let mut challenge = WwwAuthenticate::error(name, description).acr_values(&step_up.acr_values);
    if let Some(max_age) = step_up.max_age {
        challenge = challenge.max_age(max_age.as_secs());
    }
    bearer(context, StatusCode::UNAUTHORIZED, challenge, name, description)
}

/// Responds with 403: `insufficient_scope` where a token lacks a scope (RFC 6750 §3.1),
/// else a page or JSON that does not reveal the policy.
fn denied(context: &RequestContext, decision: &Decision, by_token: bool) -> Reply {
    let scopes: Vec<&str> = decision.missing_scopes().collect();
    if by_token && !scopes.is_empty() {
        let description = "the access token lacks a scope";
        let challenge = WwwAuthenticate::error("insufficient_scope", description).scope(scopes);
        return bearer(context, StatusCode::FORBIDDEN, challenge, "insufficient_scope", description);
    }
    error_reply::reported(context, &Error::new(Code::AccessDenied, "a policy does not allow this"))
}

fn route_denied(context: &RequestContext, denial: Denial) -> Reply {
    if denial == Denial::Unmatched {
        context.auth().0.access.report_unmatched();
    }
    audit::emit_route_denied(context, denial);
    error_reply::reported(context, &Error::new(Code::RouteDenied, "the route of the request denies every caller"))
}

/// Responds to an access token with a challenge that names the API's metadata.
fn bearer(
    context: &RequestContext,
    status: StatusCode,
    challenge: WwwAuthenticate,
    code: &str,
    message: &str,
) -> Reply {
    let body = json!({ "error": code, "message": message, "reference": context.reference().to_string() });
    challenged(status, &with_resource_metadata(context.auth().config(), challenge), &body)
}

fn with_resource_metadata(config: &Config, challenge: WwwAuthenticate) -> WwwAuthenticate {
    match config.resource_metadata_url() {
        Some(url) => challenge.resource_metadata(&url),
        None => challenge,
    }
}

fn challenged(status: StatusCode, challenge: &WwwAuthenticate, body: &serde_json::Value) -> Reply {
    let mut reply = reply::json(status, body);
    let headers = reply.headers_mut();
    headers.insert(WWW_AUTHENTICATE, challenge.header());
    // Required for scripts of another origin to read the challenge (Fetch §3.3.2).
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate"));
    reply
}
