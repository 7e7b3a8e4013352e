//! `/authorize`: from a request to the sign-in page, or straight to a code.
//!
//! There are five ways this ends: an error page, if client or redirect URI are not to
//! be trusted; an error at the app; the sign-in page; the page of the second factor; a
//! code at the app. Codes come without consent, because the apps belong to the org.
//!
//! The order is: is the request in order, does a fault want an error, is there a
//! session that will do, may this person use this app, do the policies allow it, is
//! the person's authentication strong enough. Only then is there a code.

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

/// The cookie of the Okta session (Identity Engine's name).
///
/// All servers of an org share it, and so all its apps: that is single sign-on.
/// Cookies do not know ports, so two orgs at the same loopback address sign each
/// other out.
pub(super) const SESSION_COOKIE: &str = "idx";

/// What a browser is told about its session. It ends with the browser, as at Okta
/// unless people ask to stay signed in.
pub(super) fn session_cookie(tenant: &Tenant, id: &str) -> String {
    format!("{SESSION_COOKIE}={id}; Path=/; HttpOnly; {}", same_site(tenant))
}

/// The cookie that ends the session in the browser.
pub(super) fn ended_cookie(tenant: &Tenant) -> String {
    format!("{SESSION_COOKIE}=; Path=/; HttpOnly; {}; Max-Age=0", same_site(tenant))
}

/// Which requests carry the session cookie. As at Okta, requests from frames of other
/// sites do, where browsers still allow it. Plain HTTP has `Lax`, because Safari and
/// many scripted clients drop `Secure` cookies there.
fn same_site(tenant: &Tenant) -> &'static str {
    let secure = tenant.url.starts_with("https:") || tenant.options.cross_site_cookies;
    if secure { "SameSite=None; Secure" } else { "SameSite=Lax" }
}

/// Why a request is refused, and where that is said.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// On a page of the org: the redirect URI cannot be trusted.
    Page(OAuthError),
    /// To the app, at a redirect URI that is registered.
    App(Box<AuthorizeRequest>, OAuthError),
}

/// Answers a request for authorization.
pub(super) fn authorize(exchange: &Exchange<'_>) -> Reply {
    match request::validate(exchange) {
        Ok((request, client)) => proceed(exchange, &request, &client),
        Err(Refusal::Page(error)) => page::error(exchange.tenant, &error),
        Err(Refusal::App(request, error)) => refuse(exchange.tenant, &request, &error),
    }
}

/// Shows the sign-in page unless there is a session that will do.
///
/// Faults of the response come first, so that an app sees them whether or not somebody
/// has to sign in.
///
/// A session that is too old for `max_age`, or a prompt for the login, leads to the
/// sign-in page as if there was none; with `prompt=none` to an error at the app
/// (OpenID Connect Core §3.1.2.1). No page asks anything of such a request.
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

/// Why a request with `prompt=none` cannot be answered with a code.
///
/// Okta tells the two cases apart in the description.
fn silent_error(session: Option<&Session>) -> OAuthError {
    OAuthError::bad(
        "login_required",
        match session {
            None => "The client specified not to prompt, but the user is not logged in.",
            Some(_) => "The client specified not to prompt, but the client app requires re-authentication or MFA.",
        },
    )
}

/// The sign-in page. `failed` is the username of an attempt that failed.
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

/// Answers a request of somebody who signed in: with a code, with the second step, or
/// with an error.
///
/// Policies come first, so that nobody types a code for nothing. After the second step
/// a request comes back here, and this time its levels are met.
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

/// Hands out the code.
///
/// The session notes the app, so that signing out can tell it later. The code
/// carries everything that the exchange compares: client, server, redirect URI,
/// challenge.
fn finish(
    tenant: &Tenant,
    server: &Server,
    request: &AuthorizeRequest,
    session: &Session,
    acr: Option<String>,
) -> Reply {
    let grant = grant(server, request, session, acr);
    // The size of the groups claims is checked here, before there is a code.
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

/// What the person allows by signing in. There is no consent page: the apps are the
/// org's own.
///
/// Every sign-in at an app is a grant of its own, also within one session; so
/// revoking what one app has leaves the others alone. Time and methods are those of
/// the session, which may be older than the request.
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
