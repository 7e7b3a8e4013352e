//! The responses and pages of logout.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_SECURITY_POLICY, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::end_session::EndSession;
use super::front_channel::origin_of;
use super::handler::EndedSessions;
use super::rp_initiated::{LogoutSender, RedirectTarget, RedirectToProvider};
use super::status::Channel;
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::events::CorrelationId;
use crate::language::Text;
use crate::response::{
    Page, Reply, Responder, add_cookies, escape, html, json, method_not_allowed, see_other, with_body,
};

const SUBMIT: &str = "document.forms[0].submit()";

/// The content security policy of the page with that script. It allows this script in addition, by its hash (CSP
/// §2.3.1).
const WITH_SUBMIT: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                           script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='; base-uri 'none'; \
                           form-action 'self' https: http:; frame-ancestors 'none'";

/// Prevents a window that opened the page from reading it.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Sends the browser to the provider, or tells a script where to navigate.
pub(crate) fn redirect(redirect: RedirectToProvider, sender: LogoutSender, responder: &Responder<'_>) -> Reply {
    let mut reply = match (&redirect.target, sender) {
        (RedirectTarget::Location(location), LogoutSender::Page) => see_other(location),
        (RedirectTarget::Location(location), LogoutSender::Script) => {
            json(StatusCode::OK, &json!({ "location": location }))
        }
        (RedirectTarget::Form(end_session), _) => end_session_form(end_session, responder),
    };
    add_cookies(reply.headers_mut(), redirect.cookies);
    reply
}

/// Creates a page that posts the request to the provider, automatically and by a button.
fn end_session_form(end_session: &EndSession, responder: &Responder<'_>) -> Reply {
    let field =
        |(name, value): (&str, &str)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value));
    let fields: String = end_session.parameters().map(field).collect();
    let form = format!(
        "<form method=\"post\" action=\"{}\">{fields}<button>{}</button></form><script>{SUBMIT}</script>",
        escape(end_session.action()),
        escape(responder.text(Text::ContinueLabel))
    );
    let page = Page {
        title: responder.text(Text::SignedOutHere),
        sentences: vec![responder.text(Text::EndProviderSession)],
        choices: Vec::new(),
        links: Vec::new(),
        code: None,
        reference: responder.reference,
    };
    let mut reply = responder.page_with_own_policy(StatusCode::OK, &page, &form, WITH_SUBMIT);
    reply.headers_mut().insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    reply
}

/// Responds with 405 to a logout by GET, so that a link cannot sign the user out. The page has a button for users who
/// want to.
pub(crate) fn confirm(responder: &Responder<'_>) -> Reply {
    if !responder.is_navigation {
        return method_not_allowed("POST");
    }
    let routes = &responder.config.routes;
    let (action, home) = (escape(&routes.public(routes.logout().unwrap_or_default())), routes.home());
    let button = escape(responder.text(Text::SignOut));
    let form = format!("<form method=\"post\" action=\"{action}\"><button>{button}</button></form>");
    let page = Page {
        title: responder.text(Text::ConfirmSignOut),
        sentences: Vec::new(),
        choices: Vec::new(),
        links: vec![(responder.text(Text::Home), &home)],
        code: None,
        reference: responder.reference,
    };
    let mut reply = responder.page_with_form(StatusCode::METHOD_NOT_ALLOWED, &page, &form);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    reply
}

/// Creates the page for a browser that returns from the provider.
pub(crate) fn signed_out(responder: &Responder<'_>) -> Reply {
    let routes = &responder.config.routes;
    let home = routes.home();
    let sign_in = routes.login().map(|login| routes.public(login));
    let sign_in = sign_in.iter().map(|login| (responder.text(Text::SignIn), login.as_str()));
    let page = Page {
        title: responder.text(Text::SignedOut),
        sentences: Vec::new(),
        choices: Vec::new(),
        links: sign_in.chain([(responder.text(Text::Home), home.as_str())]).collect(),
        code: None,
        reference: responder.reference,
    };
    responder.page(StatusCode::OK, &page)
}

/// Creates the response to a front-channel logout. Only the issuer may frame it, and it does not reveal whether a
/// session existed.
pub(crate) fn framed(outcome: &Result<EndedSessions>, config: &Config, reference: CorrelationId) -> Reply {
    let mut reply = match outcome {
        Ok(_) => html(Channel::Front.done(), "<!doctype html><title>Signed out</title>".to_owned()),
        Err(error) => refusal(Channel::Front, error, reference),
    };
    let headers = reply.headers_mut();
    headers.remove(X_FRAME_OPTIONS);
    headers.insert(CONTENT_SECURITY_POLICY, framing_policy(config));
    reply
}

fn framing_policy(config: &Config) -> HeaderValue {
    let ancestor = origin_of(config.issuer()).unwrap_or_else(|| "'none'".to_owned());
    let policy = HeaderValue::try_from(format!("default-src 'none'; frame-ancestors {ancestor}"));
    policy.unwrap_or(HeaderValue::from_static("frame-ancestors 'none'"))
}

/// Creates the response to the sender of a back-channel logout or a Universal Logout.
pub(crate) fn to_sender(channel: Channel, outcome: &Result<EndedSessions>, reference: CorrelationId) -> Reply {
    match outcome {
        Ok(_) => with_body(channel.done(), "text/plain; charset=utf-8", Bytes::new()),
        Err(error) => refusal(channel, error, reference),
    }
}

/// Creates the response to the sender of a rejected message: a status, a stable code and a reference for the log,
/// without the reason.
fn refusal(channel: Channel, error: &Error, reference: CorrelationId) -> Reply {
    let (code, status) = (error.code(), channel.status(error));
    let mut reply = json(status, &json!({ "error": code.as_str(), "reference": reference.to_string() }));
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
