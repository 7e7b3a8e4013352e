//! `/authorize`: from a request to the sign-in page, or directly to a code.
//!
//! A request ends in one of five ways: an error page, if the client or the redirect URI
//! is not trusted; an error at the app; the sign-in page; the page of the second factor;
//! or a code at the app. Codes are issued without a consent page, because the apps belong
//! to the org.
//!
//! The checks run in this order: the request is valid, no fault produces an error, a
//! suitable session exists, the app is assigned to the user, the policies allow the
//! request, and the authentication is strong enough. Only then is a code issued.

mod request;
mod respond;

pub(crate) use request::AuthorizeRequest;
use respond::respond;
pub(super) use respond::{refuse, with_query};

use super::{Exchange, page, second_factor};
use crate::assurance::{self, Assurance};
use crate::client::Client;
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::random;
use crate::reply::Reply;
use crate::store::{Code, Grant, Session};
use crate::sync::lock;
use crate::tenant::{Server, Tenant};
use crate::token::Issuing;

/// The cookie of the Okta session, with Identity Engine's name.
///
/// All servers of an org share it, which gives its apps single sign-on. Cookies ignore
/// ports, so two orgs at the same loopback address overwrite each other's session.
pub(super) const SESSION_COOKIE: &str = "idx";

/// The session cookie. It ends with the browser session, as at Okta unless users choose
/// to stay signed in.
pub(super) fn session_cookie(tenant: &Tenant, id: &str) -> String {
    format!("{SESSION_COOKIE}={id}; Path=/; HttpOnly; {}", same_site(tenant))
}

/// The cookie that removes the session cookie from the browser.
pub(super) fn ended_cookie(tenant: &Tenant) -> String {
    format!("{SESSION_COOKIE}=; Path=/; HttpOnly; {}; Max-Age=0", same_site(tenant))
}

/// The `SameSite` attribute of the session cookie. As at Okta, requests from frames of
/// other sites carry the cookie, where browsers still allow it. On plain HTTP it is
/// `Lax`, because Safari and many scripted clients drop `Secure` cookies there.
fn same_site(tenant: &Tenant) -> &'static str {
    let secure = tenant.url.starts_with("https:") || tenant.options.cross_site_cookies;
    if secure { "SameSite=None; Secure" } else { "SameSite=Lax" }
}

/// Why a request is rejected, and where the error is sent.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Shown on a page of the org, because the redirect URI cannot be trusted.
    Page(OAuthError),
    /// Sent to the app at a registered redirect URI.
    App(Box<AuthorizeRequest>, OAuthError),
}

pub(super) fn authorize(exchange: &Exchange<'_>) -> Reply {
    match request::validate(exchange) {
        Ok((request, client)) => proceed(exchange, &request, &client),
        Err(Refusal::Page(error)) => page::error(exchange.tenant, &error),
        Err(Refusal::App(request, error)) => refuse(exchange.tenant, &request, &error),
    }
}

/// Continues with the session, or shows the sign-in page.
///
/// Faults of the response come first, so that an app sees them regardless of the session.
///
/// If the session is too old for `max_age`, or the prompt is `login`, the sign-in page is
/// shown. With `prompt=none` the app gets an error instead, and no page is shown (OpenID
/// Connect Core §3.1.2.1).
fn proceed(exchange: &Exchange<'_>, request: &AuthorizeRequest, client: &Client) -> Reply {
    let (tenant, now) = (exchange.tenant, exchange.now());
    let error = tenant.board.find(|fault| match fault {
        Fault::AuthorizeError { error, description } => Some(OAuthError::new(400, error.clone(), description.clone())),
        Fault::AuthorizeTooManyGroups => Some(OAuthError::too_many_groups()),
        _ => None,
    });
    if let Some(error) = error {
        return refuse(tenant, request, &error);
    }
    let cookie = exchange.request.cookie(SESSION_COOKIE);
    let session = cookie.and_then(|id| lock(&tenant.store).session(id, now));
    match session {
        Some(session) if request.accepts(&session, now) => settle(tenant, exchange.server, request, &session),
        session if request.prompts("none") => refuse(tenant, request, &silent_error(session.as_ref())),
        _ => {
            let handle = lock(&tenant.store).begin_sign_in(request.clone(), now);
            Reply::html(200, sign_in_page(tenant, &client.name, request, &handle, None))
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
    tenant: &Tenant,
    app: &str,
    request: &AuthorizeRequest,
    handle: &str,
    failed: Option<&str>,
) -> String {
    let users = lock(&tenant.users).clone();
    let username = failed.or(request.login_hint.as_deref()).unwrap_or_default();
    page::SignIn { tenant, app, handle, username, failed: failed.is_some(), users: &users }.html()
}

/// Continues after sign-in: issues the code, shows the second step, or sends an error.
///
/// Policies come first, so that a user who will be rejected is not asked for a code.
/// After the second step the request returns here with a session that meets its levels.
pub(super) fn settle(tenant: &Tenant, server: &Server, request: &AuthorizeRequest, session: &Session) -> Reply {
    let user = tenant.user(&session.login);
    if !tenant.is_assigned(&session.login, &request.client_id) {
        let error = OAuthError::bad("access_denied", "User is not assigned to the client application.");
        return refuse(tenant, request, &error);
    }
    if let Err(error) = server.settings.allow(&request.client_id, user.as_ref(), &request.scopes) {
        return refuse(tenant, request, &error);
    }
    let has_second_factor = user.is_some_and(|user| user.second_factor);
    match assurance::assess(&request.acr_values, &session.amr, has_second_factor) {
        Assurance::Met(acr) => finish(tenant, server, request, session, acr),
        Assurance::NeedsSecondFactor if request.prompts("none") => {
            refuse(tenant, request, &silent_error(Some(session)))
        }
        Assurance::NeedsSecondFactor => second_factor::begin(tenant, request, session),
        Assurance::Unmet => refuse(tenant, request, &assurance::unmet()),
    }
}

/// Issues the code.
///
/// The session records the app, so that a later sign-out can notify it. The code carries
/// everything that the exchange compares: client, server, redirect URI, challenge.
fn finish(
    tenant: &Tenant,
    server: &Server,
    request: &AuthorizeRequest,
    session: &Session,
    acr: Option<String>,
) -> Reply {
    let grant = grant(server, request, session, acr);
    // Check the size of the groups claims before issuing a code.
    if let Err(error) = (Issuing { tenant, server, grant: &grant }).check_groups() {
        return refuse(tenant, request, &error);
    }
    let mut store = lock(&tenant.store);
    store.note_use(session, &request.client_id, &server.settings.id);
    let code = store.issue_code(Code {
        grant,
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        expires_at: tenant.clock.seconds() + crate::clock::seconds(server.settings.code_lifetime),
    });
    drop(store);
    respond(tenant, request, vec![("code".to_owned(), code)])
}

/// Creates the grant of a sign-in. There is no consent page, because the apps belong to
/// the org.
///
/// Every sign-in at an app is its own grant, also within one session, so revoking one
/// app's tokens does not affect other apps. Time and methods are those of the session,
/// which may be older than the request.
fn grant(server: &Server, request: &AuthorizeRequest, session: &Session, acr: Option<String>) -> Grant {
    Grant {
        id: random::token(),
        server: server.settings.id.clone(),
        client_id: request.client_id.clone(),
        login: Some(session.login.clone()),
        scopes: request.scopes.clone(),
        sid: Some(session.sid.clone()),
        nonce: request.nonce.clone(),
        auth_time: session.auth_time,
        acr,
        amr: session.amr.clone(),
        idp: session.idp.clone(),
    }
}
