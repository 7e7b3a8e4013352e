//! Handles the callback: from Okta's response to a session.
//!
//! # Outcomes
//!
//! | the browser has | response |
//! |---|---|
//! | the pending login, unused and not expired | the code is exchanged; 303 to the requested page |
//! | the pending login, already used, and a live session | 303 to that page; the code is not exchanged |
//! | no pending login for the state, and a live session | 303 into the application; the code is not exchanged |
//! | the pending login, and a code that Okta used up before it required DPoP | 303 to a new sign-in for that page, once |
//! | an expired pending login | a page with a link to a new sign-in for the requested page |
//! | neither a pending login nor a session | a page with a link to a new sign-in |
//!
//! A reload, the back button and a tab with an evicted pending login are the usual reasons for the second and the third
//! line.
//!
//! # Order
//!
//! The new session is persisted first and its cookie set. Then this browser's previous session ends, and its refresh
//! token is revoked. If the store fails in between, two sessions remain instead of none. A session that an attacker
//! planted in the browser ends in the same way.

use std::sync::Weak;

use http::HeaderValue;
use http::header::USER_AGENT;
use http::request::Parts;

use super::context::RequestContext;
use super::{Inner, OktaAuth};
use crate::browser_kit::needs_the_user;
use crate::callback::VerifiedIdentity;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::events::{EventKind, EventSubject, StoreOperation};
use crate::login::ReturnTo;
use crate::response::{Reply, add_cookies, see_other};
use crate::session::{NewSession, Session, device};
use crate::sign_in::{CallbackOutcome, CallbackResult, CompletedLogin, FinishedAttempt};

/// Serves the redirect URI. `response` is the query, or the body of a form post.
pub(super) async fn callback(context: &RequestContext, auth: &OktaAuth, parts: &Parts, response: &[u8]) -> Reply {
    let CallbackResult { mut cookies, attempt, outcome } =
        auth.0.login.complete(response, context.cookies(), context.now()).await;
    let wanted = attempt.as_ref().map_or_else(ReturnTo::root, |attempt| attempt.return_to.clone());
    let silent = attempt.as_ref().is_some_and(|attempt| attempt.silent);
    let failed = |subject: EventSubject, error: &Error| {
        if silent && needs_the_user(error) {
            return redirect_to(context, &wanted);
        }
        context.inner().emit(EventKind::SignInFailed { code: error.code() }, subject, Some(error));
        if silent { redirect_to(context, &wanted) } else { failure_page(context, error, attempt.as_ref()) }
    };
    let mut reply = match outcome {
        CallbackOutcome::Completed(login) => match establish(context, &auth.0, parts, &login, &mut cookies).await {
            Ok(()) => redirect_to(context, &wanted),
            Err(error) => failed(subject_of(&login.identity), &error),
        },
        CallbackOutcome::Rejected { identity, refusal } => {
            context.inner().emit(EventKind::SignInRefused, subject_of(&identity), None);
            if silent {
                redirect_to(context, &wanted)
            } else {
                context.responder().sign_in_refused(refusal.reason(), &wanted)
            }
        }
        CallbackOutcome::Restarted(url) => see_other(&url),
        // With a live session the user is already signed in and continues to the application.
        CallbackOutcome::NotPending(error) => match context.session() {
            Ok(Some(_)) if attempt.is_some() => redirect_to(context, &wanted),
            Ok(Some(_)) => see_other(&context.site().config.routes.home()),
            Ok(None) => failed(EventSubject::default(), &error),
            Err(unavailable) => failed(EventSubject::default(), &unavailable),
        },
        CallbackOutcome::Failed { error, identity } => {
            failed(identity.map_or_else(EventSubject::default, |identity| subject_of(&identity)), &error)
        }
    };
    add_cookies(reply.headers_mut(), cookies);
    reply
}

fn subject_of(identity: &VerifiedIdentity) -> EventSubject {
    EventSubject::user(identity.issuer(), identity.subject())
}

/// Redirects to the requested page. A target that was shortened to the root could belong to another application at this
/// origin, so the public prefix is restored.
fn redirect_to(context: &RequestContext, target: &ReturnTo) -> Reply {
    see_other(ReturnTo::within(target.as_str(), &context.site().config).as_str())
}

/// Creates a new session from a verified identity. It inherits nothing from the browser's previous session, which ends.
async fn establish(
    context: &RequestContext,
    auth: &Inner,
    parts: &Parts,
    login: &CompletedLogin,
    cookies: &mut Vec<HeaderValue>,
) -> Result<()> {
    let CompletedLogin { identity, app_data } = login;
    let now = auth.clock.now();
    let device = parts.headers.get(USER_AGENT).and_then(|agent| device(agent.to_str().ok()?));
    let with = NewSession { client_id: &auth.config.client_id, app_data, device: device.as_deref(), now };
    let session = Session::new(identity, &with)?;
    if session.lifeline().max_expires_at.is_some_and(|end| end <= now) {
        // A session that ends before the next request would cause a redirect loop.
        return Err(Error::invalid_claim("session_expiry", "is in the past, so the session would end immediately"));
    }
    let (id, session_cookies) = auth.sessions.create(context.cookies(), session, now).await?;
    auth.session_admin.ensure_tenant_exists(id).await?;
    cookies.extend(session_cookies);
    if let Some(tenants) = auth.exclusive.as_ref().and_then(Weak::upgrade) {
        cookies.extend(tenants.end_at_other_tenants(context, &auth.sessions).await);
    }
    if let Ok(Some(replaced)) = context.session() {
        cookies.extend(auth.sessions.clear_previous(context.cookies(), replaced));
    }
    end_replaced(context, auth, now).await;
    let subject = EventSubject { session: Some(id), ..subject_of(identity) };
    context.inner().emit(EventKind::SignInSucceeded, subject, None);
    Ok(())
}

/// Ends this browser's previous session. Its cookie is already replaced, so a failure does not affect the new session.
async fn end_replaced(context: &RequestContext, auth: &Inner, now: Timestamp) {
    let Ok(Some(session)) = context.session() else { return };
    if let Err(error) = auth.session_admin.end_replaced(session, now, context.reference()).await {
        let kind = EventKind::StoreUnavailable { during: StoreOperation::End };
        context.inner().emit(kind, session.event_subject(), Some(&error));
    }
}

/// Creates the page for a failed callback, with a link to a new sign-in for the requested page.
fn failure_page(context: &RequestContext, error: &Error, attempt: Option<&FinishedAttempt>) -> Reply {
    let within = |target: &ReturnTo| ReturnTo::within(target.as_str(), &context.site().config);
    let wanted = within(&attempt.map_or_else(ReturnTo::root, |attempt| attempt.return_to.clone()));
    let cancelled = matches!(error.provider_error(), Some("access_denied" | "unmet_authentication_requirements"))
        && error.code() == Code::AuthorizationRefused;
    match attempt.and_then(|attempt| attempt.step_up_from.as_ref()) {
        Some(from) if cancelled && context.inner().is_navigation() && context.inner().session.known().is_some() => {
            context.responder().step_up_cancelled(&within(from), &wanted, error.code())
        }
        _ => context.responder().error(error, &wanted),
    }
}
