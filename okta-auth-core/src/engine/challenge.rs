//! What stands between a request and its handler, and the answer to it.

use std::sync::Arc;

use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::reply::{self, Reply};
use super::visit::Visit;
use crate::bearer::WwwAuthenticate;
use crate::error::{Code, Error};
use crate::events::first_error;
use crate::headers::Headers;
use crate::login::LoginOptions;
use crate::policy::{Decision, Denial, Effect, Policy, StepUp};

/// Tells htmx where to navigate.
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// A longer address of the page that led to a step-up is not kept: cookies have little
/// room.
const MAX_CAME_FROM: usize = 200;

/// A mark on a response: the engine is to put its own answer in the place of it.
///
/// | what stands in the way | a page navigation | anything else |
/// |---|---|---|
/// | nobody is signed in | 303 to Okta | 401, `Bearer` |
/// | no token where one is needed | 401, `Bearer` | 401, `Bearer` |
/// | a token that is no good | 401 `invalid_token`, 400 `invalid_request` | the same |
/// | a sign-in that is too weak or too old | 303 to Okta | 401 `insufficient_user_authentication` |
/// | a policy that says no | 403, a page | 403, JSON or `insufficient_scope` |
/// | a route that no policy can be asked about | 403, a page | 403, JSON |
/// | Okta cannot be reached | 503, a page | 503, JSON |
/// | the way back from a sign-out | 303 without its state, or the page that says so | never |
///
/// An adapter puts it into the response's extensions; [`Visit::answer`] makes the
/// answer. A handler need not know more about it than its [`code`](Self::code).
#[derive(Clone, Debug)]
pub struct Challenge(Kind);

/// The kinds of challenge.
#[derive(Clone, Debug)]
enum Kind {
    /// Somebody has to sign in.
    SignIn,
    /// The request has no token where only a token counts. With the scopes that the route
    /// asks for.
    NoToken(Scopes),
    /// A token was sent, and refused.
    Token(Arc<Error>, Scopes),
    /// The route of the request is denied to every caller.
    Route(Denial),
    /// A policy said no, or asks for more.
    Policy { decision: Arc<Decision>, by_token: bool },
    /// The browser comes back from a sign-out.
    SignedOut,
    /// Something failed.
    Failed(Arc<Error>),
}

/// The scopes that a policy asks for; empty if it asks for none, or without a policy.
type Scopes = Arc<[String]>;

impl Challenge {
    /// Somebody has to sign in: a redirect to Okta for a page navigation, or 401.
    pub fn sign_in() -> Self {
        Self(Kind::SignIn)
    }

    /// Something failed: an error page, or JSON.
    pub fn error(error: Error) -> Self {
        Self(Kind::Failed(Arc::new(error)))
    }

    /// The browser comes back from a sign-out.
    pub(super) fn signed_out() -> Self {
        Self(Kind::SignedOut)
    }

    /// A token has to be sent: 401 with a bare challenge (RFC 6750 §3.1).
    pub(super) fn no_token() -> Self {
        Self(Kind::NoToken(Scopes::default()))
    }

    /// The route of the request is denied to every caller.
    pub(super) fn route(denial: Denial) -> Self {
        Self(Kind::Route(denial))
    }

    /// The same for a client that is to get a token for this policy.
    pub(super) fn for_scopes_of(self, policy: &Policy) -> Self {
        Self(match self.0 {
            Kind::NoToken(_) => Kind::NoToken(policy.scopes().into()),
            Kind::Token(error, _) => Kind::Token(error, policy.scopes().into()),
            other => other,
        })
    }

    /// What was sent is no good. An issuer that cannot be reached is nobody's fault but
    /// the issuer's: 503 and never 401, or clients would throw good tokens away.
    pub(super) fn token(error: Arc<Error>) -> Self {
        let refused = error.is_token() || error.code() == Code::CredentialsMalformed;
        Self(if refused { Kind::Token(error, Scopes::default()) } else { Kind::Failed(error) })
    }

    /// The challenge for a policy's decision about a user, or about the holder of a
    /// token; `None` if it allows.
    pub fn decision(decision: Decision, by_token: bool) -> Option<Self> {
        match decision.effect() {
            Effect::Allow => None,
            Effect::Login if by_token => Some(Self::no_token()),
            Effect::Login => Some(Self::sign_in()),
            _ => Some(Self(Kind::Policy { decision: Arc::new(decision), by_token })),
        }
    }

    /// A stable code for logs and for clients.
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

    /// The error, if there was one.
    pub fn as_error(&self) -> Option<&Error> {
        if let Kind::Token(error, _) | Kind::Failed(error) = &self.0 { Some(error) } else { None }
    }
}

impl From<Error> for Challenge {
    /// The answer to an error that a handler returns: a sign-in if the session has ended
    /// meanwhile, else an error page or JSON.
    fn from(error: Error) -> Self {
        if error.code() == Code::SessionEnded { Self::sign_in() } else { Self::error(error) }
    }
}

impl Visit {
    /// The answer that a mark stands for.
    pub async fn answer(&self, challenge: Challenge) -> Reply {
        if let Some(reply) = self.no_tenant() {
            return reply;
        }
        match challenge.0 {
            Kind::SignIn => self.challenge().await,
            Kind::NoToken(scopes) => self.token_missing(&scopes),
            Kind::Token(error, scopes) => self.token_refused(&error, &scopes),
            Kind::Route(denial) => self.route_denied(denial),
            Kind::SignedOut => self.after_sign_out(),
            Kind::Failed(error) => self.error(&error),
            Kind::Policy { decision, by_token } => match decision.effect() {
                Effect::StepUp(step_up) => {
                    self.tell_step_up(&decision, by_token);
                    self.step_up(step_up, by_token).await
                }
                _ => {
                    self.tell_denied(&decision, by_token);
                    self.denied(&decision, by_token)
                }
            },
        }
    }

    /// The answer that a mark stands for, in place of a response with these headers. What
    /// other layers have added to it stays: headers for CORS, a request id, HSTS.
    pub async fn answer_in_place_of<H: Headers>(&self, challenge: Challenge, replaced: &H) -> Reply {
        let mut reply = self.answer(challenge).await;
        reply::carry_over(&mut reply, replaced);
        reply
    }

    /// The answer to somebody who has to sign in: a redirect to Okta for a page
    /// navigation, 401 with a challenge for everything else.
    pub async fn challenge(&self) -> Reply {
        if !self.may_redirect() {
            return self.unauthorized();
        }
        if let Some(error) = &self.inner().dead_end {
            return self.no_way_on(error);
        }
        self.start_login(&LoginOptions::new(self.target())).await
    }

    /// A page instead of a sign-in that would lead to the same page again.
    fn no_way_on(&self, error: &Error) -> Reply {
        if error.code() == Code::ClockSkew {
            // Sign-ins fail until an operator has set a clock.
            tracing::error!(target: "okta_auth", code = %error.code(), "{error}");
        }
        self.error(error)
    }

    /// 401 to a client without a session: a challenge and nothing else (RFC 6750 §3.1).
    pub(super) fn unauthorized(&self) -> Reply {
        if self.is_navigation() && !self.auth().config().is_api_only() {
            return self.form_without_session();
        }
        let body = json!({ "error": "login_required", "message": "Sign in first." });
        let mut reply = challenged(StatusCode::UNAUTHORIZED, &WwwAuthenticate::bare(), &body);
        if let Some(address) = self.htmx_redirect() {
            reply.headers_mut().insert(HX_REDIRECT, address);
        }
        reply
    }

    /// Where htmx goes to sign in, and from there back to its page. It follows the header
    /// whatever the status is.
    fn htmx_redirect(&self) -> Option<HeaderValue> {
        if !self.inner().htmx {
            return None;
        }
        let back = self.came_from().unwrap_or_else(|| self.auth().start_page());
        HeaderValue::try_from(self.login_url(&[("return_to", back.as_str())])?).ok()
    }

    /// 401 to a client without a token: no error, since nothing was sent (RFC 6750
    /// §3.1), but where to learn how to get one (RFC 9728 §5.1).
    fn token_missing(&self, scopes: &[String]) -> Reply {
        let message = "Send an access token in the Authorization header.";
        // Nothing failed, so nothing is logged that a reference would lead to.
        let body = json!({ "error": "login_required", "message": message });
        let challenge = self.with_scopes(WwwAuthenticate::bare(), scopes);
        challenged(StatusCode::UNAUTHORIZED, &self.of_this_api(challenge), &body)
    }

    /// The challenge with the scopes that a token needs here: those of the policy, or else
    /// those that the metadata of the API list.
    fn with_scopes(&self, challenge: WwwAuthenticate, scopes: &[String]) -> WwwAuthenticate {
        let all = &self.auth().config().options.resource_scopes;
        challenge.scope(if scopes.is_empty() { all } else { scopes }.iter().map(String::as_str))
    }

    /// 401 `invalid_token`, or 400 `invalid_request` for what is no single token (RFC
    /// 6750 §3.1). What is wrong with a token is told to the log; its holder is told
    /// whether a new one would help.
    fn token_refused(&self, error: &Error, scopes: &[String]) -> Reply {
        let code = error.code();
        let reference = self.reference();
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
        let challenge = WwwAuthenticate::error(name, description);
        let challenge = if name == "invalid_token" { self.with_scopes(challenge, scopes) } else { challenge };
        self.bearer(status, challenge, name, description)
    }

    /// Sends a browser to authenticate in a stronger way or again, or tells a client to
    /// do so (RFC 9470 §3). What is asked for is checked when the browser comes back,
    /// so that an issuer that ignores it ends on an error page and not in a loop.
    async fn step_up(&self, step_up: &StepUp, by_token: bool) -> Reply {
        if !by_token && self.may_redirect() {
            let mut options = LoginOptions::new(self.target());
            options.came_from = self.came_from().filter(|page| page.as_str().len() <= MAX_CAME_FROM);
            options.acr_values.clone_from(&step_up.acr_values);
            options.max_age = step_up.max_age;
            return self.start_login(&options).await;
        }
        let name = "insufficient_user_authentication";
        let description = "a stronger or more recent sign-in is needed";
        let mut challenge = WwwAuthenticate::error(name, description).acr_values(&step_up.acr_values);
        if let Some(max_age) = step_up.max_age {
            challenge = challenge.max_age(max_age.as_secs());
        }
        self.bearer(StatusCode::UNAUTHORIZED, challenge, name, description)
    }

    /// 403: `insufficient_scope` where a token lacks a scope (RFC 6750 §3.1), else a
    /// page or JSON that does not tell what would be needed.
    fn denied(&self, decision: &Decision, by_token: bool) -> Reply {
        let scopes: Vec<&str> = decision.missing_scopes().collect();
        if by_token && !scopes.is_empty() {
            let description = "the access token lacks a scope";
            let challenge = WwwAuthenticate::error("insufficient_scope", description).scope(scopes);
            return self.bearer(StatusCode::FORBIDDEN, challenge, "insufficient_scope", description);
        }
        self.error_told(&Error::new(Code::AccessDenied, "a policy does not allow this"))
    }

    /// 403 for a request whose route is denied to every caller. The log has the reason.
    fn route_denied(&self, denial: Denial) -> Reply {
        if denial == Denial::Unmatched {
            self.auth().0.access.report_unmatched();
        }
        self.tell_route_denied(denial);
        self.error_told(&Error::new(Code::RouteDenied, "the route of the request is not open to anybody"))
    }

    /// An answer to a token or to its holder, with a challenge that names the metadata
    /// of this API.
    fn bearer(&self, status: StatusCode, challenge: WwwAuthenticate, code: &str, message: &str) -> Reply {
        let body = json!({ "error": code, "message": message, "reference": self.reference().to_string() });
        challenged(status, &self.of_this_api(challenge), &body)
    }

    /// The challenge with the place of this API's metadata.
    fn of_this_api(&self, challenge: WwwAuthenticate) -> WwwAuthenticate {
        match self.auth().config().resource_metadata_url() {
            Some(url) => challenge.resource_metadata(&url),
            None => challenge,
        }
    }
}

/// An answer with a challenge, and the same in its body.
fn challenged(status: StatusCode, challenge: &WwwAuthenticate, body: &serde_json::Value) -> Reply {
    let mut reply = reply::json(status, body);
    let headers = reply.headers_mut();
    headers.insert(WWW_AUTHENTICATE, challenge.header());
    // Without it a script of another origin cannot read the challenge (Fetch §3.3.2).
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate"));
    reply
}
