//! Challenges: why a request may not reach its handler.

use std::sync::Arc;

use crate::error::{Code, Error};
use crate::policy::{Decision, Denial, Effect, Policy};

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
/// | the return from a logout | 303 to the same URL without its `state`, or the confirmation page | never |
/// | a page with silent sign-in, without a session | 303 to Okta, once | never |
///
/// An adapter puts it into the response's extensions, and
/// [`RequestContext::answer`](super::super::engine::RequestContext::answer) creates the response. Handlers use only its
/// [`code`](Self::code).
#[derive(Clone, Debug)]
pub struct Challenge(ChallengeReason);

#[derive(Clone, Debug)]
pub(crate) enum ChallengeReason {
    SignIn,
    /// The route accepts only tokens, and the request has none.
    NoToken(TokenRequirements),
    Token(Arc<Error>, TokenRequirements),
    Route(Denial),
    Policy {
        decision: Arc<Decision>,
        by_token: bool,
    },
    SignedOut,
    /// A page that asks whether the user has a session at Okta.
    SilentLogin,
    Failed(Arc<Error>),
}

/// The requirements of a policy for an access token; the default without a policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenRequirements {
    pub(crate) scopes: Arc<[String]>,
    /// Whether the token must be bound to a key.
    pub(crate) bound: bool,
}

impl Challenge {
    /// Creates a challenge to sign in: a redirect to Okta for a page navigation, else 401.
    pub fn sign_in() -> Self {
        Self(ChallengeReason::SignIn)
    }

    /// Creates a challenge for an error: an error page, or JSON.
    pub fn error(error: Error) -> Self {
        Self(ChallengeReason::Failed(Arc::new(error)))
    }

    pub(crate) fn signed_out() -> Self {
        Self(ChallengeReason::SignedOut)
    }

    pub(crate) fn silent_login() -> Self {
        Self(ChallengeReason::SilentLogin)
    }

    /// Demands a token: 401 with a bare challenge (RFC 6750 §3.1).
    pub(crate) fn no_token() -> Self {
        Self(ChallengeReason::NoToken(TokenRequirements::default()))
    }

    pub(crate) fn route(denial: Denial) -> Self {
        Self(ChallengeReason::Route(denial))
    }

    /// Adds the requirements of a policy, so that the client can request a token that meets them.
    pub(crate) fn for_policy(self, policy: &Policy) -> Self {
        let requirements = || TokenRequirements { scopes: policy.scopes().into(), bound: policy.requires_binding() };
        Self(match self.0 {
            ChallengeReason::NoToken(_) => ChallengeReason::NoToken(requirements()),
            ChallengeReason::Token(error, _) => ChallengeReason::Token(error, requirements()),
            other => other,
        })
    }

    /// Creates the challenge for a token that failed verification. An unreachable issuer is 503 and never 401, because
    /// clients discard their token after a 401.
    pub(crate) fn token(error: Arc<Error>) -> Self {
        let refused = error.is_token() || error.code() == Code::CredentialsMalformed;
        Self(if refused {
            ChallengeReason::Token(error, TokenRequirements::default())
        } else {
            ChallengeReason::Failed(error)
        })
    }

    pub(crate) fn into_reason(self) -> ChallengeReason {
        self.0
    }

    /// Creates the challenge for a policy's decision about a user, or about the holder of a token; `None` if the
    /// decision allows.
    pub fn decision(decision: Decision, by_token: bool) -> Option<Self> {
        match decision.effect() {
            Effect::Allow => None,
            Effect::Login if by_token => Some(Self::no_token()),
            Effect::Login => Some(Self::sign_in()),
            _ => Some(Self(ChallengeReason::Policy { decision: Arc::new(decision), by_token })),
        }
    }

    /// Returns a stable code for logs and clients.
    pub fn code(&self) -> &'static str {
        match &self.0 {
            ChallengeReason::SignIn | ChallengeReason::NoToken(_) => "login_required",
            ChallengeReason::Token(error, _) if error.code() == Code::CredentialsMalformed => "invalid_request",
            ChallengeReason::Token(..) => "invalid_token",
            ChallengeReason::Route(denial) => denial.code(),
            ChallengeReason::Policy { decision, .. } => decision.code(),
            ChallengeReason::SignedOut => "signed_out",
            ChallengeReason::SilentLogin => "silent_login",
            ChallengeReason::Failed(error) => error.code().as_str(),
        }
    }

    /// Returns the error, if the challenge has one.
    pub fn as_error(&self) -> Option<&Error> {
        if let ChallengeReason::Token(error, _) | ChallengeReason::Failed(error) = &self.0 { Some(error) } else { None }
    }
}

impl From<Error> for Challenge {
    /// Creates the response to an error that a handler returns: a sign-in if the session has ended in the meantime,
    /// else an error page or JSON.
    fn from(error: Error) -> Self {
        if error.code() == Code::SessionEnded { Self::sign_in() } else { Self::error(error) }
    }
}
