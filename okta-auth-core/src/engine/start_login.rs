//! Starts a sign-in: its target, and the redirect to Okta.

use std::sync::atomic::Ordering;

use super::OktaAuth;
use super::context::{NoTenant, RequestContext};
use super::reply::{self, Reply};
use crate::error::Result;
use crate::events::{EventKind, EventSubject};
use crate::login::{LoginOptions, ReturnTo};

impl OktaAuth {
    /// Parses a target on our own origin as browsers do. The library's own paths are
    /// replaced, because a return to `/login` would loop.
    pub(crate) fn return_to(&self, target: &str) -> ReturnTo {
        let config = self.config();
        let (target, routes) = (ReturnTo::parse(target, &config.base_url), config.routes());
        let served = routes.served(target.path());
        let is_ours = target == ReturnTo::root() || routes.own().any(|own| Some(own) == served);
        if is_ours { self.start_page() } else { target }
    }

    /// The default target: the root of the origin, or of the public prefix.
    pub(crate) fn start_page(&self) -> ReturnTo {
        let config = self.config();
        match config.routes().prefix.is_empty() {
            true => ReturnTo::root(),
            false => ReturnTo::parse(&config.routes().home(), &config.base_url),
        }
    }
}

impl OktaAuth {
    /// Logs at the first sign-in which redirect URI must be registered at Okta. For an
    /// unregistered one Okta shows an error page of its own, so the application cannot
    /// detect it.
    fn report_redirect_uri(&self) {
        if !self.0.redirect_uri_reported.swap(true, Ordering::Relaxed) {
            tracing::info!(
                target: "okta_auth",
                "the first sign-in goes to Okta with the redirect URI {}: register it at Okta as a sign-in redirect URI of \
                 the application, character by character",
                self.config().redirect_uri
            );
        }
    }
}

impl RequestContext {
    /// Redirects the browser to Okta with a new pending login, for a handler that needs
    /// more than the `User` extractor: a recent sign-in, a second factor, a user name to
    /// prefill.
    ///
    /// The response is a redirect with a cookie, or an error page if Okta is down. The
    /// demands are checked when the browser returns.
    /// ```
    /// use std::time::Duration;
    /// use okta_auth_core::engine::{Reply, RequestContext};
    /// use okta_auth_core::login::{LoginOptions, ReturnTo};
    ///
    /// async fn step_up(context: &RequestContext) -> Reply {
    ///     let mut options = LoginOptions::new(ReturnTo::root());
    ///     options.max_age = Some(Duration::from_secs(300));
    ///     options.acr_values = vec!["urn:okta:loa:2fa:any".to_owned()];
    ///     context.start_login(&options).await
    /// }
    /// ```
    pub async fn start_login(&self, options: &LoginOptions) -> Reply {
        if let Some(address) = self.at_configured_address() {
            return reply::see_other(&address);
        }
        match self.try_start_login(options).await {
            Ok(reply) => {
                self.emit(EventKind::SignInStarted, EventSubject::default(), None);
                reply
            }
            Err(error) => {
                self.tell_failed(EventSubject::default(), &error);
                self.error_told(&error)
            }
        }
    }

    async fn try_start_login(&self, options: &LoginOptions) -> Result<Reply> {
        match self.without_tenant() {
            None => {}
            Some(NoTenant::Discover(realms)) => return Ok(realms.page(self, &options.return_to)),
            Some(NoTenant::Rejected(error) | NoTenant::Public(error)) => return Err(error.duplicate()),
        }
        let auth = &self.auth().0;
        let metadata = self.auth().metadata().await?;
        let (pending, cookies) = auth.pending_logins.begin(options, self.cookies(), auth.clock.moment())?;
        let url = auth.protocol.authorization_url(&metadata, &pending.parameters(options))?;
        self.auth().report_redirect_uri();
        let mut reply = reply::see_other(url.as_str());
        reply::add_cookies(reply.headers_mut(), cookies);
        Ok(reply)
    }
}
