//! Logout by the user: first here, then at Okta (OIDC RP-Initiated Logout §2).
//!
//! | sender | response |
//! |---|---|
//! | a page, by a form | 303 to Okta |
//! | the same, with an ID token that makes the URL too long | a page that posts the same parameters to Okta |
//! | a script, by `fetch` | 200 with the URL to navigate to |
//! | any of them without a session, or while Okta is down | the post-logout redirect URI, directly |
//!
//! The URL for a script is `/logout?continue` of this application. It is valid once and for
//! one minute, in the browser that signed out (see [`Continuations`]). The ID token reaches
//! the provider in a redirect, or in a form on a page that cannot be framed. It is never in
//! a response body that a script can read.
//!
//! [`Continuations`]: crate::logout::Continuations

use std::sync::Arc;

use http::header::{CONTENT_SECURITY_POLICY, HeaderName};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::audit;
use super::authenticate::is_own_origin;
use super::context::{CookieUpdate, RequestContext};
use super::logout_pages::with_form;
use super::page::{Page, escape};
use super::reply::{self, Reply};
use crate::discovery::Metadata;
use crate::error::{Code, Error, Result};
use crate::events::EndReason;
use crate::logout::{self, EndSession};
use crate::secret::Secret;
use crate::session::Session;

const CONTINUE: &str = "continue";

const SUBMIT: &str = "document.forms[0].submit()";

/// The content security policy of the page with that script. It allows this script in
/// addition, by its hash (CSP §2.3.1).
const WITH_SUBMIT: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                           script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='; base-uri 'none'; \
                           form-action 'self' https: http:; frame-ancestors 'none'";

/// Prevents a window that opened the page from reading it.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

impl RequestContext {
    /// Serves logout: ends the session here and then at Okta.
    pub(super) async fn logout(&self, parts: &Parts) -> Reply {
        if !is_own_origin(self.auth().config(), &parts.headers) {
            return self.error(&self.auth().config().cross_origin("a sign-out"));
        }
        let follows = !is_script(parts, self.is_navigation());
        let mut reply = match self.session() {
            Ok(None) => self.logout_return(follows),
            Ok(Some(session)) => match self.end_here(session).await {
                Ok(()) => self.end_at_okta(session, follows).await,
                Err(error) => self.defer_logout(error),
            },
            Err(error) if error.code() == Code::StoreUnavailable => self.defer_logout(error),
            Err(error) => self.error(&error),
        };
        // The cookies are deleted regardless of the results of store and Okta.
        let sessions = &self.auth().0.sessions;
        let removed = match self.session() {
            Ok(session) => sessions.clear(self.cookies(), session.map(Arc::as_ref)),
            Err(_) => sessions.forget(self.cookies()),
        };
        self.inner().keep(CookieUpdate::None);
        reply::add_cookies(reply.headers_mut(), removed);
        reply
    }

    /// Ends the local session.
    ///
    /// # Errors
    /// Those of the store: a session that still exists could be used with a copy of the
    /// cookie.
    async fn end_here(&self, session: &Session) -> Result<()> {
        match self.auth().0.sessions.end(session, self.now()).await {
            Ok(true) => audit::emit_ended(self, session, EndReason::SignedOut),
            Ok(false) => {}
            Err(error) => {
                audit::emit_not_ended(self, session, &error);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Revokes the tokens, and sends the browser to Okta or tells a script where to
    /// navigate. While Okta is down, the logout is only local.
    async fn end_at_okta(&self, session: &Session, follows: bool) -> Reply {
        let auth = &self.auth().0;
        let metadata = match self.auth().metadata().await {
            Ok(metadata) => metadata,
            Err(error) => return self.only_here(&error, follows),
        };
        logout::revoke(&auth.protocol, &metadata, session).await;
        let Some(id_token) = session.id_token().filter(|_| metadata.end_session_endpoint().is_some()) else {
            return self.logout_return(follows);
        };
        if follows {
            return self.leave(&metadata, id_token).unwrap_or_else(|error| self.only_here(&error, follows));
        }
        match auth.continuations.begin(&auth.sessions, self.cookies(), id_token, self.now()).await {
            Ok(cookies) => {
                let routes = self.auth().config().routes();
                let path = routes.public(routes.logout().unwrap_or_default());
                let mut reply = reply::json(StatusCode::OK, &json!({ "location": format!("{path}?{CONTINUE}") }));
                reply::add_cookies(reply.headers_mut(), cookies);
                reply
            }
            Err(error) => self.only_here(&error, follows),
        }
    }

    /// Whether a request to the logout path continues a logout. A browser with a new
    /// session gets the confirmation page instead.
    pub(super) fn continues_sign_out(&self, parts: &Parts) -> bool {
        let query = parts.uri.query().unwrap_or_default();
        let asks = url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == CONTINUE);
        asks && self.known_session().is_none()
    }

    /// Continues to Okta after a script's logout, only for navigations, because a script
    /// could read the page with the form.
    pub(super) async fn continue_sign_out(&self) -> Reply {
        if !self.is_navigation() {
            return reply::method_not_allowed("POST");
        }
        let auth = &self.auth().0;
        let mut reply = match self.try_continue().await {
            Ok(reply) => reply,
            Err(error) if error.code() == Code::SignOutLinkInvalid => self.error(&error),
            Err(error) => self.only_here(&error, true),
        };
        reply::add_cookies(reply.headers_mut(), auth.continuations.clear(self.cookies()));
        reply
    }

    async fn try_continue(&self) -> Result<Reply> {
        let auth = &self.auth().0;
        let id_token = auth.continuations.take(&auth.sessions, &auth.used_states, self.cookies(), self.now()).await?;
        let metadata = self.auth().metadata().await?;
        self.leave(&metadata, id_token)
    }

    /// Sends a browser to the end-session endpoint: by a redirect, or by a form if the URL
    /// would be too long.
    fn leave(&self, metadata: &Metadata, id_token: Secret) -> Result<Reply> {
        let auth = &self.auth().0;
        let state = Secret::random()?;
        let Some(request) = EndSession::new(&auth.config, metadata, id_token, state.clone()) else {
            return Ok(self.logout_return(true));
        };
        let cookie = auth.logout_returns.begin(Some(state), self.now())?;
        let mut reply = match request.location() {
            Some(location) => reply::see_other(&location),
            None => self.sign_out_form(&request),
        };
        reply::add_cookies(reply.headers_mut(), cookie);
        Ok(reply)
    }

    /// Creates a page that posts the request to the provider, automatically and by a
    /// button.
    fn sign_out_form(&self, request: &EndSession) -> Reply {
        let field = |(name, value): (&str, &str)| {
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
        };
        let fields: String = request.parameters().map(field).concat();
        let form = format!(
            "<form method=\"post\" action=\"{}\">{fields}<button>Continue</button></form><script>{SUBMIT}</script>",
            escape(request.action())
        );
        let page = Page {
            title: "You are signed out of this application",
            sentences: vec!["Continue to end your session at the sign-in service as well."],
            links: Vec::new(),
            code: None,
            reference: self.reference(),
        };
        let mut reply = with_form(StatusCode::OK, &page, &form);
        let headers = reply.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(WITH_SUBMIT));
        headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
        reply
    }

    /// Completes a logout without Okta: the reason is logged, and the session at Okta
    /// remains.
    fn only_here(&self, error: &Error, follows: bool) -> Reply {
        tracing::warn!(target: "okta_auth", code = %error.code(), "signed out here, but not at Okta: {error:?}");
        self.logout_return(follows)
    }

    fn logout_return(&self, follows: bool) -> Reply {
        let logout_return = self.auth().config().post_logout_redirect_uri().as_str();
        if follows {
            reply::see_other(logout_return)
        } else {
            reply::json(StatusCode::OK, &json!({ "location": logout_return }))
        }
    }
}

/// Whether the sender is a script, according to `Sec-Fetch-Mode`, or without that header to
/// `X-Requested-With` or to an `Accept` for data. Other clients get the redirect.
fn is_script(parts: &Parts, navigation: bool) -> bool {
    let header = |name: &str| parts.headers.get(name);
    match header("sec-fetch-mode") {
        Some(mode) => mode != "navigate",
        None if navigation => false,
        None => header("x-requested-with").is_some() || header("accept").is_some_and(|accept| accept != "*/*"),
    }
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
