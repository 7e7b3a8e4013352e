//! The paths that the library serves.

use url::Url;

/// The paths of the application that belong to the library.
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
}

impl Routes {
    /// Every path that is served.
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
        ];
        all.into_iter().filter_map(|path| path.as_deref())
    }

    /// A path as browsers see it: behind the prefix that a proxy takes off.
    ///
    /// The other methods give the paths that the router serves; a link to one of them goes
    /// through this.
    ///
    /// ```
    /// # use okta_auth_core::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth_core::error::Error> {
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

    /// What the router sees of a public path; `None` if it is of another application.
    pub(crate) fn served<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.prefix.as_str())
    }

    /// The public beginning of every URL of the application, without a slash at its end.
    pub(crate) fn public_at(&self, base: &Url) -> String {
        format!("{}{}", base.origin().ascii_serialization(), self.prefix)
    }

    /// The first page of the application, as browsers see it.
    pub(crate) fn home(&self) -> String {
        format!("{}{}/", self.prefix, self.mount)
    }

    /// The prefix under which the application is nested, or the empty string.
    pub fn mount(&self) -> &str {
        &self.mount
    }

    /// Where a sign-in starts; GET, with an optional `return_to`.
    pub fn login(&self) -> Option<&str> {
        self.login.as_deref()
    }

    /// Where a third party, such as Okta's dashboard, starts a sign-in (OIDC Core §4);
    /// GET and POST. It is the initiate login URI to register at Okta.
    pub fn initiate_login(&self) -> Option<&str> {
        self.initiate_login.as_deref()
    }

    /// Where Okta sends the browser back; GET and POST. The path of the redirect URI.
    /// `None` for an API without sessions.
    pub fn callback(&self) -> Option<&str> {
        self.callback.as_deref()
    }

    /// Where a session ends; POST.
    pub fn logout(&self) -> Option<&str> {
        self.logout.as_deref()
    }

    /// Where Okta's sign-out page tells in a hidden frame that a session at Okta has
    /// ended (OpenID Connect Front-Channel Logout 1.0 §2); GET and POST.
    pub fn front_channel_logout(&self) -> Option<&str> {
        self.front_channel_logout.as_deref()
    }

    /// Where a provider tells directly that a session has ended (OpenID Connect
    /// Back-Channel Logout 1.0 §2.5); POST.
    pub fn back_channel_logout(&self) -> Option<&str> {
        self.back_channel_logout.as_deref()
    }

    /// Where Okta asks to sign a user out everywhere: Universal Logout (Global Token
    /// Revocation); POST.
    pub fn global_token_revocation(&self) -> Option<&str> {
        self.global_token_revocation.as_deref()
    }

    /// Where the metadata of the protected resource are (RFC 9728 §3.1); GET. The path of
    /// the resource stands after the well-known path:
    /// `/.well-known/oauth-protected-resource/mcp` for `https://api.example.com/mcp`.
    /// `None` for an application below a mount path, which cannot serve a path at the
    /// root.
    pub fn resource_metadata(&self) -> Option<&str> {
        self.resource_metadata.as_deref()
    }

    /// The same at the root, for clients that know the host alone; `None` if the resource
    /// has no path.
    pub fn resource_metadata_at_root(&self) -> Option<&str> {
        self.resource_metadata_at_root.as_deref()
    }
}
