//! Responds to a challenge: with the start of a sign-in, or with a response that says what is missing.

use super::context::{NoTenant, RequestContext, Tenancy};
use super::logout;
use crate::error::{Code, Error};
use crate::events::{EventKind, EventSubject};
use crate::login::{LoginOptions, ReturnTo};
use crate::policy::{Decision, Denial, Effect, StepUp};
use crate::response::{Challenge, ChallengeReason, Reply};

/// A longer referring page is dropped from a step-up, because cookies are limited in size.
const MAX_CAME_FROM: usize = 200;

/// Creates the response for a challenge.
pub(super) async fn answer(context: &RequestContext, challenge: Challenge) -> Reply {
    if let Tenancy::NoTenant(NoTenant::Rejected(error) | NoTenant::Public(error), _) = &context.inner().tenancy {
        return context.error(error);
    }
    match challenge.into_reason() {
        ChallengeReason::SignIn => sign_in(context).await,
        ChallengeReason::NoToken(requirements) => context.responder().token_missing(&requirements),
        ChallengeReason::Token(error, requirements) => context.responder().token_refused(&error, &requirements),
        ChallengeReason::Route(denial) => route_denied(context, denial),
        ChallengeReason::SignedOut => logout::after_sign_out(context),
        ChallengeReason::SilentLogin => context.start_login(&LoginOptions::silent(context.target())).await,
        ChallengeReason::Failed(error) => context.error(&error),
        ChallengeReason::Policy { decision, by_token } => match decision.effect() {
            Effect::StepUp(step_up) => {
                let policy = decision.policy().map(Into::into);
                context.inner().emit(EventKind::StepUpAsked { policy }, about_caller(context, by_token), None);
                request_step_up(context, step_up, by_token).await
            }
            _ => denied(context, &decision, by_token),
        },
    }
}

/// Creates the response to a request that needs a sign-in: a redirect to Okta for a page navigation, else 401 with a
/// challenge.
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

/// Responds with 401 to a client without a session.
pub(crate) fn unauthorized(context: &RequestContext) -> Reply {
    let (state, config) = (context.inner(), &*context.site().config);
    if state.is_navigation() && !config.api_only {
        return context.responder().session_expired(&context.target());
    }
    let htmx_page = state.htmx.then(|| state.came_from().unwrap_or_else(|| ReturnTo::start_page(config)));
    context.responder().login_required(htmx_page.as_ref())
}

/// Sends a browser to a stronger or new authentication, or tells a client to do so. The result is checked in the
/// callback, so that an issuer that ignores the demands causes an error page and not a redirect loop.
async fn request_step_up(context: &RequestContext, step_up: &StepUp, by_token: bool) -> Reply {
    let state = context.inner();
    if by_token || !state.may_redirect() {
        return context.responder().step_up_needed(step_up);
    }
    let mut options = LoginOptions::new(context.target());
    options.came_from = state.came_from().filter(|page| page.as_str().len() <= MAX_CAME_FROM);
    options.acr_values.clone_from(&step_up.acr_values);
    options.max_age = step_up.max_age;
    context.start_login(&options).await
}

/// Responds with 401 to a token without a key that a policy requires, else with 403: `insufficient_scope` where a token
/// lacks a scope, or a page or JSON that does not reveal the policy.
fn denied(context: &RequestContext, decision: &Decision, by_token: bool) -> Reply {
    let kind = EventKind::AccessDenied { policy: decision.policy().map(Into::into), code: decision.code() };
    context.inner().emit(kind, about_caller(context, by_token), decision.hint(by_token).as_ref());
    if by_token && decision.denies_unbound() {
        return context.responder().binding_needed();
    }
    let scopes: Vec<&str> = decision.missing_scopes().collect();
    if by_token && !scopes.is_empty() {
        return context.responder().insufficient_scope(scopes);
    }
    context.error_page(&decision.denial())
}

fn route_denied(context: &RequestContext, denial: Denial) -> Reply {
    if denial == Denial::Unmatched {
        context.site().access.report_unmatched();
    }
    let kind = EventKind::AccessDenied { policy: None, code: denial.code() };
    context.inner().emit(kind, about_caller(context, false), None);
    context.error_page(&Error::new(Code::RouteDenied, "the route of the request denies every caller"))
}

/// Returns the caller of the request. For a token it is the user's id, because the subject is a login, and the present
/// actor.
fn about_caller(context: &RequestContext, by_token: bool) -> EventSubject {
    if !by_token {
        return context.inner().session.known().map_or_else(EventSubject::default, |session| session.event_subject());
    }
    let Some(token) = context.inner().known_token() else { return EventSubject::default() };
    let claims = token.claims();
    EventSubject {
        issuer: Some(claims.issuer().to_owned()),
        subject: claims.user_id().map(str::to_owned),
        session: None,
        actor: claims.actor().map(|actor| actor.subject().to_owned()),
    }
}
