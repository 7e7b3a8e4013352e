//! The paths that the library serves.

use url::{Url, form_urlencoded};

use crate::browser_script::INTEGRITY;

/// The paths of the application that belong to the library. A method returns `None` if its path is disabled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Routes {
    pub(crate) prefix: String,
    pub(crate) mount: String,
    pub(crate) login: Option<String>,
    pub(crate) initiate_login: Option<String>,
    pub(crate) callback: Option<String>,
    pub(crate) logout: Option<String>,
    pub(crate) front_channel_logout: Option<String>,
    pub(crate) back_channel_logout: Option<String>,
    pub(crate) global_token_revocation: Option<String>,
    pub(crate) resource_metadata: Option<String>,
    pub(crate) resource_metadata_at_root: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) popup: Option<String>,
    pub(crate) browser_script: Option<String>,
    pub(crate) immutable_browser_script: Option<String>,
}

impl Routes {
    pub(crate) fn own(&self) -> impl Iterator<Item = &str> {
        let all = [
            &self.login,
            &self.initiate_login,
            &self.callback,
            &self.logout,
            &self.front_channel_logout,
            &self.back_channel_logout,
            &self.global_token_revocation,
            &self.resource_metadata,
            &self.resource_metadata_at_root,
            &self.session,
            &self.popup,
            &self.browser_script,
            &self.immutable_browser_script,
        ];
        all.into_iter().filter_map(|path| path.as_deref())
    }

    /// The paths of the browser kit. Reading them does not count as a use of the session.
    pub(crate) fn browser_kit(&self) -> impl Iterator<Item = &str> {
        let all = [&self.session, &self.popup, &self.browser_script, &self.immutable_browser_script];
        all.into_iter().filter_map(|path| path.as_deref())
    }

    /// Converts a served path to the path that browsers see, with the prefix that a proxy strips.
    ///
    /// The other methods return the paths that the router serves. Use this method to build a link to one of them.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// # let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
    /// let config = config.public_prefix("/app").build()?;
    /// let login = config.routes().login().unwrap_or_default();
    /// assert_eq!((login, config.routes().public(login).as_str()), ("/login", "/app/login"));
    /// assert_eq!(config.redirect_uri().path(), "/app/authorization-code/callback");
    /// # Ok(())
    /// # }
    /// ```
    pub fn public(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Converts a public path to the path that the router sees. `None` if it belongs to another application.
    pub(crate) fn served<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.prefix.as_str())
    }

    /// The public URL prefix of the application, without a trailing slash.
    pub(crate) fn public_at(&self, base: &Url) -> String {
        format!("{}{}", base.origin().ascii_serialization(), self.prefix)
    }

    /// The first page of the application, as browsers see it.
    pub(crate) fn home(&self) -> String {
        format!("{}{}/", self.prefix, self.mount)
    }

    /// The path of the login page with these parameters, as browsers see it.
    pub(crate) fn login_url(&self, parameters: &[(&str, &str)]) -> Option<String> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        Some(self.public(&format!("{}?{query}", self.login()?)))
    }

    /// The mount path under which the application is nested, or the empty string.
    pub fn mount(&self) -> &str {
        &self.mount
    }

    /// The path that starts a sign-in; GET, with an optional `return_to`.
    pub fn login(&self) -> Option<&str> {
        self.login.as_deref()
    }

    /// The path where a third party, such as Okta's dashboard, starts a sign-in (OIDC Core §4); GET and POST. Register
    /// it at Okta as the initiate login URI.
    pub fn initiate_login(&self) -> Option<&str> {
        self.initiate_login.as_deref()
    }

    /// The path to which Okta returns the browser; GET and POST. It is the path of the redirect URI. `None` for an API
    /// without sessions.
    pub fn callback(&self) -> Option<&str> {
        self.callback.as_deref()
    }

    /// The path that ends a session; POST.
    pub fn logout(&self) -> Option<&str> {
        self.logout.as_deref()
    }

    /// The path that Okta's sign-out page loads in a hidden frame when a session at Okta has ended (OpenID Connect
    /// Front-Channel Logout 1.0 §2); GET and POST.
    pub fn front_channel_logout(&self) -> Option<&str> {
        self.front_channel_logout.as_deref()
    }

    /// The path where a provider reports directly that a session has ended (OpenID Connect Back-Channel Logout 1.0
    /// §2.5); POST.
    pub fn back_channel_logout(&self) -> Option<&str> {
        self.back_channel_logout.as_deref()
    }

    /// The path where Okta requests that a user is signed out everywhere: Universal Logout (Global Token Revocation);
    /// POST.
    pub fn global_token_revocation(&self) -> Option<&str> {
        self.global_token_revocation.as_deref()
    }

    /// The path of the protected resource's metadata (RFC 9728 §3.1); GET. The path of the resource follows the
    /// well-known path: `/.well-known/oauth-protected-resource/mcp` for `https://api.example.com/mcp`. `None` for an
    /// application below a mount path, because it cannot serve a path at the root.
    pub fn resource_metadata(&self) -> Option<&str> {
        self.resource_metadata.as_deref()
    }

    /// The path of the protected resource's metadata at the root, for clients that only have the host name; GET. `None`
    /// if the resource has no path.
    pub fn resource_metadata_at_root(&self) -> Option<&str> {
        self.resource_metadata_at_root.as_deref()
    }

    /// The path at which scripts read the state of the session; GET, and POST to use the session. `None` without
    /// [`browser_kit`](super::ConfigBuilder::browser_kit).
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The path of the page on which a sign-in in a window of its own ends; GET.
    pub(crate) fn popup(&self) -> Option<&str> {
        self.popup.as_deref()
    }

    /// The path of the script of the browser kit; GET. Browsers revalidate the script at each use. `None` without
    /// [`browser_kit`](super::ConfigBuilder::browser_kit).
    pub fn browser_script(&self) -> Option<&str> {
        self.browser_script.as_deref()
    }

    /// The path of the script that changes with its content, so that browsers need not ask again.
    pub(crate) fn immutable_browser_script(&self) -> Option<&str> {
        self.immutable_browser_script.as_deref()
    }

    /// The HTML element that loads the script of the browser kit, for pages that the application renders. It contains
    /// an address that changes with the script, the hash of the script (Subresource Integrity), and the address of the
    /// session. `None` without [`browser_kit`](super::ConfigBuilder::browser_kit).
    ///
    /// Later scripts on the page find the functions of this script in the global object `oktaAuth`. The content
    /// security policy of the page must allow the script with `script-src 'self'`.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// # let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
    /// let config = config.browser_kit().build()?;
    /// let tag = config.routes().browser_script_tag().unwrap_or_default();
    /// assert!(tag.starts_with("<script type=\"module\" src=\"/okta-auth-"));
    /// assert!(tag.ends_with("data-okta-session=\"/session\"></script>"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn browser_script_tag(&self) -> Option<String> {
        let attribute = |path: &str| self.public(path).replace('&', "&amp;").replace('"', "&quot;");
        let (script, session) = (attribute(self.immutable_browser_script()?), attribute(self.session()?));
        let integrity = &*INTEGRITY;
        Some(format!(
            "<script type=\"module\" src=\"{script}\" integrity=\"{integrity}\" \
             data-okta-session=\"{session}\"></script>"
        ))
    }
}
