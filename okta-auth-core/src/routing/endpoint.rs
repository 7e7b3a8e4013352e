//! The endpoints of the library, and their paths.
//!
//! | path | method | sender | authentication |
//! |---|---|---|---|
//! | `/login` | GET | a link of the application | none: a sign-in is harmless |
//! | `/login/initiate` | GET, POST | Okta's dashboard, or any site | none: it only starts a sign-in |
//! | `/authorization-code/callback` | GET, POST | Okta, through the browser | state, in this browser's cookie |
//! | `/logout` | POST | a page of the application | `Origin` and `Sec-Fetch-Site` |
//! | `/logout?continue` | GET | a script of the application, by navigating | a cookie of its logout |
//! | `/frontchannel-logout` | GET, POST | Okta's sign-out page, in a frame | a `sid` |
//! | `/backchannel-logout` | POST | a provider | a logout token |
//! | `/global-token-revocation` | POST | Okta | a revocation token |
//! | `/.well-known/oauth-protected-resource` | GET, OPTIONS | clients of the API | none: it is public |
//! | `/session` | GET, POST | scripts of the application | the session, if there is one |
//! | `/session/popup` | GET | Okta, through a popup window | none: it is static |
//! | `/okta-auth.js` | GET | pages of the application | none: it is static |
//!
//! Each of them can be renamed or disabled.

use crate::config::Routes;

/// An endpoint of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// Starts a sign-in; GET, and POST for home-realm discovery.
    Login,
    /// Starts third-party-initiated login (OIDC Core §4); GET and POST.
    InitiateLogin,
    /// The redirect URI; GET and POST.
    Callback,
    /// Logout by the user; POST.
    Logout,
    /// Front-channel logout; GET and POST.
    FrontChannelLogout,
    /// Back-channel logout; POST.
    BackChannelLogout,
    /// Universal Logout; POST.
    GlobalTokenRevocation,
    /// The protected resource metadata; GET, and OPTIONS for preflight requests.
    ResourceMetadata,
    /// The state of the session, for scripts; GET, and POST to use the session.
    Session,
    /// The page on which a sign-in in a window of its own ends; GET.
    Popup,
    /// The script of the browser kit; GET.
    BrowserScript,
    /// The script, at an address that changes with it; GET.
    ImmutableBrowserScript,
}

impl Endpoint {
    /// Returns every path that the library serves for this configuration, relative to the mount path.
    pub fn all(routes: &Routes) -> impl Iterator<Item = (Self, &str)> {
        let all = [
            (Self::Login, routes.login()),
            (Self::InitiateLogin, routes.initiate_login()),
            (Self::Callback, routes.callback()),
            (Self::Logout, routes.logout()),
            (Self::FrontChannelLogout, routes.front_channel_logout()),
            (Self::BackChannelLogout, routes.back_channel_logout()),
            (Self::GlobalTokenRevocation, routes.global_token_revocation()),
            (Self::ResourceMetadata, routes.resource_metadata()),
            (Self::ResourceMetadata, routes.resource_metadata_at_root()),
            (Self::Session, routes.session()),
            (Self::Popup, routes.popup()),
            (Self::BrowserScript, routes.browser_script()),
            (Self::ImmutableBrowserScript, routes.immutable_browser_script()),
        ];
        // A nested router sees the path without its prefix.
        all.into_iter().filter_map(|(endpoint, path)| Some((endpoint, path?.strip_prefix(routes.mount())?)))
    }

    /// Whether it belongs to the browser kit, which also serves browsers whose tenant is not known yet.
    pub(crate) const fn is_of_browser_kit(self) -> bool {
        matches!(self, Self::Session | Self::Popup | Self::BrowserScript | Self::ImmutableBrowserScript)
    }

    /// The largest accepted request body, in bytes. Only form posts have a body.
    pub const MAX_BODY: usize = 64 * 1024;
}
