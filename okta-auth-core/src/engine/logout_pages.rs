//! The responses and pages of logout.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_SECURITY_POLICY, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE, X_FRAME_OPTIONS};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::authenticate::is_own_origin;
use super::context::{CookieUpdate, RequestContext};
use super::error_reply;
use super::page::{Page, escape};
use super::reply::{self, Reply};
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::events::CorrelationId;
use crate::logout::{
    BrowserRequest, Channel, EndSession, EndedSessions, Logout, LogoutReturn, LogoutSender, RedirectTarget,
    RedirectToProvider, origin_of,
};

const SUBMIT: &str = "document.forms[0].submit()";

/// The content security policy of the page with that script. It allows this script in
/// addition, by its hash (CSP §2.3.1).
const WITH_SUBMIT: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                           script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='; base-uri 'none'; \
                           form-action 'self' https: http:; frame-ancestors 'none'";

/// Prevents a window that opened the page from reading it.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

fn browser_request(context: &RequestContext) -> BrowserRequest<'_> {
    BrowserRequest { cookies: context.cookies(), now: context.now(), reference: context.reference() }
}

/// Serves logout: ends the session here and then at Okta.
pub(super) async fn sign_out(context: &RequestContext, parts: &Parts) -> Reply {
    let auth = context.auth();
    if !is_own_origin(auth.config(), &parts.headers) {
        return context.error(&auth.config().cross_origin("a sign-out"));
    }
    let (logout, request) = (&auth.0.logout, browser_request(context));
    let sender = sender(parts, context.is_navigation());
    let mut reply = match logout.rp_initiated(context.session(), sender, &request).await {
        Ok(redirect) => follow(redirect, sender, request.reference),
        // The failure of the store was reported when it occurred.
        Err(error) if error.code() == Code::SignOutPending => error_reply::reported(context, &error),
        Err(error) => context.error(&error),
    };
    context.inner().keep(CookieUpdate::None);
    reply::add_cookies(reply.headers_mut(), logout.clear_session(context.session(), request.cookies));
    reply
}

/// Determines the sender by `Sec-Fetch-Mode`, or without that header by `X-Requested-With`
/// or an `Accept` for data. Other clients count as pages.
fn sender(parts: &Parts, navigation: bool) -> LogoutSender {
    let header = |name: &str| parts.headers.get(name);
    let is_script = match header("sec-fetch-mode") {
        Some(mode) => mode != "navigate",
        None if navigation => false,
        None => header("x-requested-with").is_some() || header("accept").is_some_and(|accept| accept != "*/*"),
    };
    if is_script { LogoutSender::Script } else { LogoutSender::Page }
}

fn follow(redirect: RedirectToProvider, sender: LogoutSender, reference: CorrelationId) -> Reply {
    let mut reply = match (&redirect.target, sender) {
        (RedirectTarget::Location(location), LogoutSender::Page) => reply::see_other(location),
        (RedirectTarget::Location(location), LogoutSender::Script) => {
            reply::json(StatusCode::OK, &json!({ "location": location }))
        }
        (RedirectTarget::Form(end_session), _) => end_session_form(end_session, reference),
    };
    reply::add_cookies(reply.headers_mut(), redirect.cookies);
    reply
}

/// Creates a page that posts the request to the provider, automatically and by a button.
fn end_session_form(end_session: &EndSession, reference: CorrelationId) -> Reply {
    let field =
        |(name, value): (&str, &str)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value));
    let fields: String = end_session.parameters().map(field).concat();
    let form = format!(
        "<form method=\"post\" action=\"{}\">{fields}<button>Continue</button></form><script>{SUBMIT}</script>",
        escape(end_session.action())
    );
    let page = Page {
        title: "You are signed out of this application",
        sentences: vec!["Continue to end your session at the sign-in service as well."],
        links: Vec::new(),
        code: None,
        reference,
    };
    let mut reply = reply::with_form(StatusCode::OK, &page, &form);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(WITH_SUBMIT));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    reply
}

/// Whether a request to the logout path continues a logout. A browser with a new session
/// gets the confirmation page instead.
pub(super) fn is_continuation(context: &RequestContext, parts: &Parts) -> bool {
    Logout::is_continuation(parts.uri.query().unwrap_or_default()) && context.known_session().is_none()
}

/// Continues to Okta after a script's logout, only for navigations, because a script could
/// read the page with the form.
pub(super) async fn continue_sign_out(context: &RequestContext) -> Reply {
    if !context.is_navigation() {
        return reply::method_not_allowed("POST");
    }
    let (logout, request) = (&context.auth().0.logout, browser_request(context));
    let mut reply = match logout.continue_at_provider(&request).await {
        Ok(redirect) => follow(redirect, LogoutSender::Page, request.reference),
        Err(error) => context.error(&error),
    };
    reply::add_cookies(reply.headers_mut(), logout.clear_continuation(request.cookies));
    reply
}

/// Responds with 405 to a logout by GET, so that a link cannot sign the user out. The page
/// has a button for users who want to.
pub(super) fn confirm_sign_out(context: &RequestContext) -> Reply {
    if !context.is_navigation() {
        return reply::method_not_allowed("POST");
    }
    let routes = context.auth().config().routes();
    let (action, home) = (escape(&routes.public(routes.logout().unwrap_or_default())), routes.home());
    let form = format!("<form method=\"post\" action=\"{action}\"><button>Sign out</button></form>");
    let page = Page {
        title: "Do you want to sign out?",
        sentences: Vec::new(),
        links: vec![("Home", &home)],
        code: None,
        reference: context.reference(),
    };
    let mut reply = reply::with_form(StatusCode::METHOD_NOT_ALLOWED, &page, &form);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    reply
}

/// Responds to a browser that returns from the provider: with the redirect without the
/// `state`, or with the page.
pub(super) fn after_sign_out(context: &RequestContext) -> Reply {
    let auth = &context.auth().0;
    let Some(LogoutReturn::Returns(target)) = &context.inner().logout_return else {
        return signed_out_page(context);
    };
    // The origin keeps a path that begins with two slashes from becoming a host.
    let mut reply = reply::see_other(&auth.config.public_url(target));
    let cookie = auth.logout.returns().begin(None, context.now()).ok().flatten();
    reply::add_cookies(reply.headers_mut(), cookie);
    reply
}

fn signed_out_page(context: &RequestContext) -> Reply {
    let routes = context.auth().config().routes();
    let home = routes.home();
    let sign_in = routes.login().map(|login| routes.public(login));
    let page = Page {
        title: "You are signed out",
        sentences: Vec::new(),
        links: sign_in.iter().map(|login| ("Sign in", login.as_str())).chain([("Home", home.as_str())]).collect(),
        code: None,
        reference: context.reference(),
    };
    let mut reply = reply::html(StatusCode::OK, page.render());
    reply::add_cookies(reply.headers_mut(), [context.auth().0.logout.returns().clear()]);
    reply
}

/// Serves front-channel logout, which Okta's sign-out page loads in a hidden frame. Only the
/// issuer may frame the response, and it does not reveal whether a session existed.
pub(super) async fn front_channel(context: &RequestContext, parts: &Parts, body: &Bytes) -> Reply {
    let (auth, request) = (context.auth(), browser_request(context));
    let outcome = auth.0.logout.front_channel(parts, body, context.session(), &request).await;
    let mut reply = match &outcome.result {
        Ok(_) => reply::html(Channel::Front.done(), "<!doctype html><title>Signed out</title>".to_owned()),
        Err(error) => refusal(Channel::Front, error, request.reference),
    };
    let headers = reply.headers_mut();
    headers.remove(X_FRAME_OPTIONS);
    headers.insert(CONTENT_SECURITY_POLICY, framing_policy(auth.config()));
    if let Some(cookies) = outcome.own_session {
        context.inner().keep(CookieUpdate::None);
        reply::add_cookies(headers, cookies);
    }
    reply
}

fn framing_policy(config: &Config) -> HeaderValue {
    let ancestor = origin_of(config.issuer()).unwrap_or_else(|| "'none'".to_owned());
    let policy = HeaderValue::try_from(format!("default-src 'none'; frame-ancestors {ancestor}"));
    policy.unwrap_or(HeaderValue::from_static("frame-ancestors 'none'"))
}

/// Creates the response to the sender of a back-channel logout or a Universal Logout.
pub(super) fn to_sender(channel: Channel, outcome: &Result<EndedSessions>, reference: CorrelationId) -> Reply {
    match outcome {
        Ok(_) => reply::with_body(channel.done(), "text/plain; charset=utf-8", Bytes::new()),
        Err(error) => refusal(channel, error, reference),
    }
}

/// Creates the response to the sender of a rejected message: a status, a stable code and a
/// reference for the log, without the reason.
fn refusal(channel: Channel, error: &Error, reference: CorrelationId) -> Reply {
    let (code, status) = (error.code(), channel.status(error));
    let mut reply = reply::json(status, &json!({ "error": code.as_str(), "reference": reference.to_string() }));
    let headers = reply.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        // A missing credential is not an invalid one (RFC 6750 §3.1).
        let sent = code != Code::LogoutRefused;
        let challenge = if sent { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let wait = error.retry_after().map_or(10, |wait| wait.as_secs().max(1));
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64url;
    use crate::secret::sha256;

    /// With the hash of another script, the form would not be submitted automatically.
    #[test]
    fn the_policy_allows_the_one_script_of_the_page() {
        let hash = base64url::encode(sha256(SUBMIT.as_bytes())).replace('-', "+").replace('_', "/");
        assert!(WITH_SUBMIT.contains(&format!("script-src 'sha256-{hash}=';")), "{hash}");
    }
}
