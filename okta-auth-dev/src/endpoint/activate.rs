//! `/activate`: the page on which a user connects a device (RFC 8628 §3.3).
//!
//! 1. The user signs in first, so that the page is useless to anyone else.
//! 2. The page shows the user code and the name of the app, also if the code was in the URL: an attacker may have sent
//!    the link (RFC 8628 §5.4).
//! 3. A decision needs the handle of a page that the same browser session was shown.

use url::form_urlencoded::Serializer;

use super::authorize::check_permission;
use super::page::{self, Activate, Connect};
use super::paths::ACTIVATE;
use super::session_cookie::SESSION_COOKIE;
use super::sign_in;
use crate::grant_type::GrantType;
use crate::oauth_error::{OAuthError, wrong_method};
use crate::org_state::OrgState;
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::store::{Device, Grant, Session};
use crate::sync::lock;
use crate::user::User;

/// Shows the field for the user code, or asks for a decision about the device with the code in the query or in the
/// form.
pub(super) fn answer(org: &OrgState, request: &Recorded) -> Reply {
    let entered = match request.method.as_str() {
        "GET" => request.query_param("user_code"),
        "POST" => request.form_field("user_code"),
        _ => return wrong_method(),
    };
    let Some(session) = session(org, request) else { return sign_in(org, entered.as_deref()) };
    let Some(entered) = entered else { return Reply::html(200, Activate { org, failed: false }.html()) };
    // Users may type a separator, or lower-case letters.
    let user_code: String = entered.chars().filter(char::is_ascii_alphanumeric).collect();
    let (user_code, now) = (user_code.to_ascii_uppercase(), org.clock.seconds());
    let device = lock(&org.store).devices.by_user_code(&user_code, now).cloned();
    let client = device.as_ref().and_then(|device| org.client(&device.client_id));
    let (Some(device), Some(client)) = (device, client) else {
        let (page, error) = (Reply::html(400, Activate { org, failed: true }.html()), invalid_user_code());
        return page.refused(&error.error, &error.description);
    };
    let handle = lock(&org.store).devices.begin_page(&user_code, &session);
    let (app, login, scopes) = (client.name.as_str(), session.login.as_str(), device.scopes.as_slice());
    Reply::html(200, Connect { org, app, login, user_code: &user_code, scopes, handle: &handle }.html())
}

fn session(org: &OrgState, request: &Recorded) -> Option<Session> {
    let id = request.cookie(SESSION_COOKIE)?;
    lock(&org.store).sessions.find(id, org.clock.seconds())
}

/// The sign-in page, which continues here.
fn sign_in(org: &OrgState, user_code: Option<&str>) -> Reply {
    let query = |code| format!("?{}", Serializer::new(String::new()).append_pair("user_code", code).finish());
    sign_in::own_page(org, &format!("/{ACTIVATE}{}", user_code.map(query).unwrap_or_default()))
}

/// Records the decision of the user.
///
/// The policies are those of a sign-in. If they deny the request, the device gets `access_denied` too.
pub(super) fn decide(org: &OrgState, request: &Recorded) -> Reply {
    if request.method != "POST" {
        return wrong_method();
    }
    let handle = request.form_field("stateToken").unwrap_or_default();
    let session = session(org, request);
    let device = session.as_ref().and_then(|session| {
        let now = org.clock.seconds();
        lock(&org.store).devices.end_page(&handle, session, now)
    });
    let (Some(session), Some(device)) = (session, device) else { return page::expired(org) };
    let allowed = request.form_field("action").as_deref() == Some("allow");
    match record(org, &device, Some(&session).filter(|_| allowed)) {
        Err(error) => page::error(org, &error),
        Ok(()) => Reply::html(200, page::connected(org, allowed)),
    }
}

/// Records a decision without a page: the user who agrees, or a refusal. The user gets an Okta session, as after the
/// sign-in on the page.
pub(crate) fn decide_without_page(org: &OrgState, user_code: &str, user: Option<&User>) -> Result<(), OAuthError> {
    let now = org.clock.seconds();
    let device = lock(&org.store).devices.by_user_code(user_code, now).cloned();
    let device = device.ok_or_else(invalid_user_code)?;
    let session = user.map(|user| lock(&org.store).sessions.open(user, None, None, now).1);
    record(org, &device, session.as_ref())
}

fn invalid_user_code() -> OAuthError {
    OAuthError::bad("invalid_user_code", "The user code is invalid or has expired.")
}

/// Records the grant for a session, or a refusal.
fn record(org: &OrgState, device: &Device, session: Option<&Session>) -> Result<(), OAuthError> {
    let decision = session.map(|session| permitted(org, session, device)).transpose();
    let grant = decision.as_ref().ok().cloned().flatten();
    lock(&org.store).devices.decide(&device.user_code, grant);
    decision.map(|_| ())
}

/// The grant of the device, or the error of a policy.
fn permitted(org: &OrgState, session: &Session, device: &Device) -> Result<Grant, OAuthError> {
    let server = org.server(&device.server).ok_or_else(OAuthError::server_error)?;
    let grant_type = GrantType::DeviceCode;
    check_permission(org, server, &device.client_id, &session.login, &device.scopes, grant_type)?;
    lock(&org.store).sessions.note_use(session, &device.client_id, &device.server);
    let scopes = device.scopes.clone();
    Ok(Grant {
        login: Some(session.login.clone()),
        sid: Some(session.sid.clone()),
        amr: session.amr.clone(),
        idp: session.idp.clone(),
        ..Grant::new(&device.server, &device.client_id, grant_type, scopes, session.auth_time)
    })
}
