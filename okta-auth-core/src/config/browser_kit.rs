//! The settings of the browser kit: a session address and a script for applications with a front end.

use super::builder::ConfigBuilder;
use super::routes::Routes;
use crate::browser_script::VERSION;

impl ConfigBuilder {
    /// Turns the browser kit on, for applications with a front end in the browser; off by default.
    ///
    /// Scripts then read the state of the session at `/session`: whether a user is signed in, the claims in
    /// [`session_claims`](Self::session_claims), when the session ends, and where to sign in and out. The script that
    /// reads this state is served at `/okta-auth.js`; see [`Routes::browser_script_tag`].
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// # let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
    /// let config = config.browser_kit().session_claims(["name", "email"]).build()?;
    /// assert_eq!(config.routes().session(), Some("/session"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn browser_kit(mut self) -> Self {
        self.options.browser_kit.is_on = true;
        self
    }

    /// Serves the state of the session at another path than `/session`. The path is relative to
    /// [`mount_path`](Self::mount_path) and starts with a slash. It has an effect only with
    /// [`browser_kit`](Self::browser_kit).
    pub fn session_path(mut self, path: impl Into<String>) -> Self {
        self.options.browser_kit.session_path = Some(path.into());
        self
    }

    /// The claims that scripts of the [browser kit](Self::browser_kit) can read, by name; none by default. Claims that
    /// a user does not have are left out.
    pub fn session_claims<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.options.browser_kit.claims = names.into_iter().map(Into::into).collect();
        self
    }

    pub(super) fn browser_kit_routes(&self, routes: &mut Routes) {
        let kit = &self.options.browser_kit;
        if kit.is_on {
            let session = kit.session_path.as_deref().unwrap_or("/session");
            let at = |path: &str| Some(format!("{}{path}", routes.mount));
            routes.popup = at(&format!("{session}/popup"));
            routes.browser_script = at("/okta-auth.js");
            routes.immutable_browser_script = at(&format!("/okta-auth-{}.js", *VERSION));
            routes.session = at(session);
        }
    }
}
