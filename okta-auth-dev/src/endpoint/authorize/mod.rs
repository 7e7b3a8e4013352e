//! `/authorize`: from a request to the sign-in page, or directly to a code.
//!
//! A request ends in one of five ways: an error page, if the client or the redirect URI is not trusted; an error at the
//! app; the sign-in page; the page of the second factor; or a code at the app. Codes are issued without a consent page,
//! because the apps belong to the org.
//!
//! The checks run in this order: the request is valid, no fault produces an error, a suitable session exists, the app
//! is assigned to the user, the policies allow the request, and the authentication is strong enough. Only then is a
//! code issued.

mod respond;
mod validate;

pub(super) use respond::{refuse, with_query};
pub(super) use validate::{check_pushed, requested_scopes};

use super::exchange::Exchange;
use super::page;
use super::session_cookie::SESSION_COOKIE;
use crate::acr::{self, AcrResult};
use crate::authorize_request::AuthorizeRequest;
use crate::client::Client;
use crate::fault::Fault;
use crate::grant_type::GrantType;
use crate::oauth_error::OAuthError;
use crate::org_state::{OrgState, Server};
use crate::reply::Reply;
use crate::server::PolicyRequest;
use crate::store::{Code, Grant, Session};
use crate::sync::lock;
use crate::token::Issuing;
use respond::respond;
use validate::{Refusal, validate};

pub(super) fn authorize(exchange: &Exchange<'_>) -> Reply {
    match validate(exchange) {
        Ok((request, client)) => proceed(exchange, &request, &client),
        Err(Refusal::Page(error)) => page::error(exchange.org, &error),
        Err(Refusal::App(request, error)) => refuse(exchange.org, &request, &error),
    }
}

/// Continues with the session, or shows the sign-in page.
///
/// Faults of the response come first, so that an app sees them regardless of the session.
///
/// If the session is too old for `max_age`, or the prompt is `login`, the sign-in page is shown. With `prompt=none` the
/// app gets an error instead, and no page is shown (OpenID Connect Core §3.1.2.1).
fn proceed(exchange: &Exchange<'_>, request: &AuthorizeRequest, client: &Client) -> Reply {
    let (org, now) = (exchange.org, exchange.now());
    let error = org.faults.find(|fault| match fault {
        Fault::AuthorizeError { error, description } => Some(OAuthError::new(400, error.clone(), description.clone())),
        Fault::AuthorizeTooManyGroups => Some(OAuthError::too_many_groups()),
        _ => None,
    });
    if let Some(error) = error {
        return refuse(org, request, &error);
    }
    let cookie = exchange.request.cookie(SESSION_COOKIE);
    let session = cookie.and_then(|id| lock(&org.store).sessions.find(id, now));
    match session {
        Some(session) if request.accepts(session.auth_time, now) => settle(org, exchange.server, request, &session),
        session if request.prompts("none") => refuse(org, request, &silent_error(session.as_ref())),
        _ => {
            let handle = lock(&org.store).pages.begin_sign_in(request.clone(), now);
            Reply::html(200, sign_in_page(org, &client.name, request, &handle, None))
        }
    }
}

/// The error for a request with `prompt=none` that needs a page.
///
/// Okta distinguishes the two cases in the description.
fn silent_error(session: Option<&Session>) -> OAuthError {
    OAuthError::bad(
        "login_required",
        match session {
            None => "The client specified not to prompt, but the user is not logged in.",
            Some(_) => "The client specified not to prompt, but the client app requires re-authentication or MFA.",
        },
    )
}

/// The sign-in page. `failed` is the username of a failed attempt.
pub(super) fn sign_in_page(
    org: &OrgState,
    app: &str,
    request: &AuthorizeRequest,
    handle: &str,
    failed: Option<&str>,
) -> String {
    let users = lock(&org.users).clone();
    let username = failed.or(request.login_hint.as_deref()).unwrap_or_default();
    page::SignIn { org, app, handle, username, failed: failed.is_some(), users: &users }.html()
}

/// Continues after sign-in: issues the code, shows the second step, or sends an error.
///
/// Policies come first, so that a user who will be rejected is not asked for a code. After the second step the request
/// returns here with a session that meets its levels.
pub(super) fn settle(org: &OrgState, server: &Server, request: &AuthorizeRequest, session: &Session) -> Reply {
    let (client_id, scopes) = (&request.client_id, &request.scopes);
    let permission = check_permission(org, server, client_id, &session.login, scopes, GrantType::AuthorizationCode);
    if let Err(error) = permission {
        return refuse(org, request, &error);
    }
    let has_second_factor = org.user(&session.login).is_some_and(|user| user.second_factor);
    match acr::assess(&request.acr_values, &session.amr, has_second_factor) {
        AcrResult::Met(acr) => finish(org, server, request, session, acr),
        AcrResult::NeedsSecondFactor if request.prompts("none") => refuse(org, request, &silent_error(Some(session))),
        AcrResult::NeedsSecondFactor => second_step(org, request, session),
        AcrResult::Unmet => refuse(org, request, &acr::unmet()),
    }
}

/// Returns Okta's error if the app is not assigned to the user, or if the policies allow no such grant.
pub(super) fn check_permission(
    org: &OrgState,
    server: &Server,
    client_id: &str,
    login: &str,
    scopes: &[String],
    grant_type: GrantType,
) -> Result<(), OAuthError> {
    if !org.is_assigned(login, client_id) {
        return Err(OAuthError::bad("access_denied", "User is not assigned to the client application."));
    }
    let user = org.user(login);
    server.settings.allow(&PolicyRequest { client_id, user: user.as_ref(), scopes, grant_type })
}

/// Shows the page of the second factor.
fn second_step(org: &OrgState, request: &AuthorizeRequest, session: &Session) -> Reply {
    let (handle, passcode) = lock(&org.store).pages.begin_step(request.clone(), session, org.clock.seconds());
    let page = page::Verify { org, login: &session.login, handle: &handle, passcode: &passcode, failed: false };
    Reply::html(200, page.html())
}

/// Issues the code.
///
/// The session records the app, so that a later sign-out can notify it. The code carries everything that the exchange
/// compares: client, server, redirect URI, challenge.
fn finish(
    org: &OrgState,
    server: &Server,
    request: &AuthorizeRequest,
    session: &Session,
    acr: Option<String>,
) -> Reply {
    let grant = grant(server, request, session, acr);
    // Check the size of the groups claims before issuing a code.
    if let Err(error) = (Issuing { org, server, grant: &grant }).check_groups() {
        return refuse(org, request, &error);
    }
    let mut store = lock(&org.store);
    store.sessions.note_use(session, &request.client_id, &server.settings.id);
    let code = store.issue_code(Code {
        grant,
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        dpop_jkt: request.dpop_jkt.clone(),
        expires_at: org.clock.seconds() + crate::clock::seconds(server.settings.code_lifetime),
    });
    drop(store);
    respond(org, request, vec![("code".to_owned(), code)])
}

/// Creates the grant of a sign-in. There is no consent page, because the apps belong to the org.
///
/// Every sign-in at an app is its own grant, also within one session, so revoking one app's tokens does not affect
/// other apps. Time and methods are those of the session, which may be older than the request.
fn grant(server: &Server, request: &AuthorizeRequest, session: &Session, acr: Option<String>) -> Grant {
    let (server, client_id, scopes) = (&server.settings.id, &request.client_id, request.scopes.clone());
    Grant {
        login: Some(session.login.clone()),
        sid: Some(session.sid.clone()),
        nonce: request.nonce.clone(),
        acr,
        amr: session.amr.clone(),
        idp: session.idp.clone(),
        ..Grant::new(server, client_id, GrantType::AuthorizationCode, scopes, session.auth_time)
    }
}
