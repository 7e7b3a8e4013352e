//! Serves the endpoints of logout.

use bytes::Bytes;
use http::request::Parts;

use super::OktaAuth;
use super::context::RequestContext;
use crate::error::Code;
use crate::logout::{BrowserRequest, Channel, Logout, LogoutReturn, LogoutSender, pages};
use crate::request::is_own_origin;
use crate::response::{Reply, add_cookies, method_not_allowed, see_other};
use crate::session::CookieUpdate;

fn browser_request(context: &RequestContext) -> BrowserRequest<'_> {
    BrowserRequest { cookies: context.cookies(), now: context.now(), reference: context.reference() }
}

/// Serves logout: ends the session here and then at Okta.
pub(super) async fn sign_out(context: &RequestContext, auth: &OktaAuth, parts: &Parts) -> Reply {
    let config = &context.site().config;
    if !is_own_origin(config, &parts.headers) {
        return context.error(&config.cross_origin("a sign-out"));
    }
    let (logout, request) = (&auth.0.logout, browser_request(context));
    let sender = LogoutSender::of(parts, context.inner().is_navigation());
    let mut reply = match logout.rp_initiated(context.session(), sender, &request).await {
        Ok(redirect) => pages::redirect(redirect, sender, &context.responder()),
        // The failure of the store was reported when it occurred.
        Err(error) if error.code() == Code::SignOutPending => context.error_page(&error),
        Err(error) => context.error(&error),
    };
    context.inner().session.set_cookie_update(CookieUpdate::None);
    add_cookies(reply.headers_mut(), logout.clear_session(context.session(), request.cookies));
    add_cookies(reply.headers_mut(), auth.0.browser_kit.silent.record_logout());
    reply
}

/// Whether a request to the logout path continues a logout. A browser with a new session gets the confirmation page
/// instead.
pub(super) fn is_continuation(context: &RequestContext, parts: &Parts) -> bool {
    Logout::is_continuation(parts.uri.query().unwrap_or_default()) && context.inner().session.known().is_none()
}

/// Continues to Okta after a script's logout, only for navigations, because a script could read the page with the form.
pub(super) async fn continue_sign_out(context: &RequestContext, auth: &OktaAuth) -> Reply {
    if !context.inner().is_navigation() {
        return method_not_allowed("POST");
    }
    let (logout, request) = (&auth.0.logout, browser_request(context));
    let mut reply = match logout.continue_at_provider(&request).await {
        Ok(redirect) => pages::redirect(redirect, LogoutSender::Page, &context.responder()),
        Err(error) => context.error(&error),
    };
    add_cookies(reply.headers_mut(), logout.clear_continuation(request.cookies));
    reply
}

/// Responds to a browser that returns from the provider: with the redirect without the `state`, or with the page.
pub(super) fn after_sign_out(context: &RequestContext) -> Reply {
    let Some(auth) = context.auth() else { return pages::signed_out(&context.responder()) };
    let returns = auth.0.logout.returns();
    let (mut reply, cookie) = match &context.inner().logout_return {
        // The origin keeps a path that begins with two slashes from becoming a host.
        Some(LogoutReturn::Returns(target)) => {
            (see_other(&context.site().config.public_url(target)), returns.begin(None, context.now()).ok().flatten())
        }
        _ => (pages::signed_out(&context.responder()), Some(returns.clear())),
    };
    add_cookies(reply.headers_mut(), cookie);
    reply
}

/// Serves front-channel logout, which Okta's sign-out page loads in a hidden frame.
pub(super) async fn front_channel(context: &RequestContext, auth: &OktaAuth, parts: &Parts, body: &Bytes) -> Reply {
    let request = browser_request(context);
    let outcome = auth.0.logout.front_channel(parts, body, context.session(), &request).await;
    let mut reply = pages::framed(&outcome.result, auth.config(), request.reference);
    if let Some(cookies) = outcome.own_session {
        context.inner().session.set_cookie_update(CookieUpdate::None);
        add_cookies(reply.headers_mut(), cookies);
    }
    reply
}

/// Serves back-channel logout.
pub(super) async fn back_channel(context: &RequestContext, auth: &OktaAuth, parts: &Parts, body: &Bytes) -> Reply {
    let outcome = auth.0.logout.back_channel(&parts.headers, body, context.reference()).await;
    pages::to_sender(Channel::Back, &outcome, context.reference())
}

/// Serves Universal Logout.
pub(super) async fn universal(context: &RequestContext, auth: &OktaAuth, parts: &Parts, body: &Bytes) -> Reply {
    let outcome = auth.0.logout.universal(parts, body, context.reference()).await;
    pages::to_sender(Channel::Universal, &outcome, context.reference())
}
