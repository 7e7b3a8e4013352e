//! Configuration: read once, checked as a whole, then never changed.
//!
//! [`ConfigBuilder::build`] reports every problem at once, each with its fix, so that a
//! first set-up takes one round and not six. What works but is probably a slip becomes
//! a warning: it is logged and kept in [`Config::warnings`]. Building touches no
//! network, so an outage at Okta cannot keep an application down.
//!
//! | variable | default |
//! |---|---|
//! | `OKTA_ISSUER_URI` | required |
//! | `OKTA_CLIENT_ID` | required |
//! | `OKTA_CLIENT_SECRET` | none: a private key, or a public client |
//! | `OKTA_PRIVATE_KEY`, `OKTA_PRIVATE_KEY_FILE`, `OKTA_PRIVATE_KEY_ID` | none |
//! | `OKTA_BASE_URL` | `http://localhost:8080` |
//! | `OKTA_REDIRECT_URI` | `{base}/authorization-code/callback` |
//! | `OKTA_POST_LOGOUT_REDIRECT_URI` | `{base}/` |
//! | `OKTA_SCOPES` | `openid profile email` |
//! | `OKTA_AUDIENCE` | `api://default` |
//! | `OKTA_COOKIE_SECRET` | random for each process |
//! | `OKTA_SESSION_STORE` | `cookie`; or `memory`, or `redis://..` |
//! | `OKTA_REVOCATION_STORE` | `memory`; or `none`, or `redis://..`; for sessions in cookies |
//!
//! # What is refused, and what is warned about
//!
//! | setting | refused | warned about |
//! |---|---|---|
//! | issuer | missing, a placeholder, the admin console, `.com.com`, an endpoint, `/oauth2` alone, a query or fragment, `http` off this machine | a slash at its end |
//! | client id, client secret | a placeholder, spaces or quotes | |
//! | client secret and private key | both at once: which one Okta expects cannot be seen from here | |
//! | private key | not PEM, neither RSA nor P-256, a file that cannot be read | |
//! | base URL | a path, a query, `http` off this machine | |
//! | redirect URI | another origin than the base URL: the cookie would not be there | |
//! | scopes | no `openid`, a character that no scope has | |
//! | audience | | one at an org server, where it has no effect |
//! | further issuers | an org server, whose tokens cannot be verified | |
//! | cookie secret | shorter than 32 bytes, one character repeated | none at all on https: a restart signs everybody out |
//! | session store | a store that there is not, Redis without its feature | `memory` on https |
//! | revocation store | a store that there is not | none at all on https: sign-outs that Okta sends reach one process |
//! | leeway | more than 5 minutes | |
//! | session limits | zero | |
//! | lifetime of an attempt | zero, or more than an hour | |
//! | paths | not a path, or two that are the same | |
//! | another variable that looks like one of these | while the right one is missing | while the right one is there |
//!
//! # Precedence
//!
//! Code, then variable, then default. An empty variable counts as absent, which is what
//! a deployment with an unset value produces.
//!
//! ```
//! use okta_auth_core::config::ConfigBuilder;
//!
//! # fn main() -> Result<(), okta_auth_core::error::Error> {
//! let variables = [
//!     ("OKTA_ISSUER_URI", "https://dev-12345678.okta.com/oauth2/default"),
//!     ("OKTA_CLIENT_ID", "0oa1abcdXYZ2efGhI5d7"),
//! ];
//! let config = ConfigBuilder::from_variables(variables).build()?;
//! assert_eq!(config.scopes(), ["openid", "profile", "email"]);
//! # Ok(())
//! # }
//! ```

mod build;
mod builder;
mod client_auth;
mod egress;
mod env;
mod issuer;
mod problem;
mod rules;
mod stores;

use std::time::Duration;

use url::Url;

pub use builder::ConfigBuilder;
pub(crate) use client_auth::Signer;
pub use client_auth::{ClientAuth, PrivateKey};
pub(crate) use env::is_read;
pub use issuer::Issuer;
pub(crate) use issuer::is_loopback;
pub use problem::{Problem, Severity};
pub(crate) use rules::{DEFAULT_AUDIENCE, check_client};
pub(crate) use stores::{RevocationPlace, SessionPlace};

use crate::error::Result;
pub use crate::http::{Dangerous, EgressPolicy};
use crate::secret::Secret;

/// The checked settings of one application at one Okta authorization server.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// Whom the application trusts.
    pub(crate) issuer: Issuer,
    /// Who the application is there.
    pub(crate) client_id: String,
    /// And how it proves that.
    pub(crate) client_auth: ClientAuth,
    /// The application's public origin.
    pub(crate) base_url: Url,
    /// On that origin.
    pub(crate) redirect_uri: Url,
    /// On any origin.
    pub(crate) post_logout_redirect_uri: Url,
    /// `openid` among them.
    pub(crate) scopes: Vec<String>,
    /// Of access tokens; one of them is enough.
    pub(crate) audiences: Vec<String>,
    /// Whose access tokens count besides the issuer's.
    pub(crate) accepted_issuers: Vec<Issuer>,
    /// Whose sessions and access tokens count still.
    pub(crate) former_issuers: Vec<Issuer>,
    /// The tenant that everything is bound to.
    pub(crate) tenant: Option<String>,
    /// What this application is called as an API.
    pub(crate) resource: String,
    /// Whether there are no sessions.
    pub(crate) api_only: bool,
    /// Empty for a random one.
    pub(crate) cookie_secrets: Vec<Secret>,
    /// Where sessions live.
    pub(crate) session_place: SessionPlace,
    /// Where it is written down which sessions in cookies have been ended.
    pub(crate) revocation_place: RevocationPlace,
    /// The library's own paths.
    pub(crate) routes: Routes,
    /// What is seldom set.
    pub(crate) options: Options,
    /// What works and is probably not meant so.
    pub(crate) warnings: Vec<Problem>,
}

impl Config {
    /// Reads the `OKTA_*` variables of the process.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every
    /// problem with its fix.
    pub fn from_env() -> Result<Self> {
        ConfigBuilder::from_env().build()
    }

    /// Starts from nothing; see [`ConfigBuilder`].
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// The authorization server.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The client id that Okta gave to the application.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// How the application proves who it is at the token endpoint.
    pub fn client_auth(&self) -> &ClientAuth {
        &self.client_auth
    }

    /// The public origin of the application, for example `https://app.example.com/`.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The sign-in redirect URI: register it at Okta, character by character.
    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// The sign-out redirect URI: register it at Okta, character by character.
    pub fn post_logout_redirect_uri(&self) -> &Url {
        &self.post_logout_redirect_uri
    }

    /// The scopes that every sign-in asks for; `openid` is always one of them.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The audiences of this API: access tokens of a custom authorization server must
    /// carry one of them.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// The issuers whose access tokens count; the first one is that of sign-in.
    pub fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        std::iter::once(&self.issuer).chain(&self.accepted_issuers)
    }

    /// The identifier of this application as an API (RFC 9728 §2).
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Whether access tokens alone count, and there are no sessions.
    pub fn is_api_only(&self) -> bool {
        self.api_only
    }

    /// The paths that the library serves.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// What works but is probably not meant so.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What sessions and everything else are bound to: the tenant, or the issuer, and
    /// the client.
    pub(crate) fn owner(&self) -> (String, &str) {
        let first = match &self.tenant {
            Some(tenant) => format!("tenant {tenant}"),
            None => self.issuer.as_str().to_owned(),
        };
        (first, &self.client_id)
    }

    /// Whether a session of this issuer and client is one of this application's.
    pub(crate) fn owns(&self, issuer: &str, client_id: &str) -> bool {
        client_id == self.client_id && self.is_or_was_issuer(issuer)
    }

    /// Whether this is the application's issuer, or was once.
    pub(crate) fn is_or_was_issuer(&self, issuer: &str) -> bool {
        std::iter::once(&self.issuer).chain(&self.former_issuers).any(|known| known.as_str() == issuer)
    }

    /// Whether browsers reach the application over TLS: decides `Secure` and the
    /// `__Host-` prefix of cookies.
    pub(crate) fn is_secure(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// The public origin as browsers send it in `Origin`: scheme, host and a port that
    /// is not the default.
    pub(crate) fn origin(&self) -> String {
        self.base_url.origin().ascii_serialization()
    }

    /// The longest time that a pending sign-in waits for its callback.
    pub(crate) fn attempt_lifetime(&self) -> Duration {
        self.options.attempt_lifetime
    }
}

/// The paths of the application that belong to the library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Routes {
    pub(crate) mount: String,
    pub(crate) login: Option<String>,
    pub(crate) initiate_login: Option<String>,
    pub(crate) callback: Option<String>,
    pub(crate) logout: Option<String>,
    pub(crate) front_channel_logout: Option<String>,
    pub(crate) back_channel_logout: Option<String>,
    pub(crate) global_token_revocation: Option<String>,
    pub(crate) resource_metadata: Option<String>,
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
        ];
        all.into_iter().filter_map(|path| path.as_deref())
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

    /// Where the metadata of the protected resource are (RFC 9728 §3); GET. `None` for
    /// an application below a mount path, which cannot serve a path at the root.
    pub fn resource_metadata(&self) -> Option<&str> {
        self.resource_metadata.as_deref()
    }
}

/// How Okta delivers the authorization response (OAuth 2.0 Multiple Response Types
/// §2.1, Form Post §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of a redirect: the default.
    Query,
    /// In the body of a cross-site POST: keeps the code out of URLs and access logs.
    /// Needs https, because the cookie of the pending sign-in is then `SameSite=None;
    /// Secure`.
    FormPost,
}

/// When the userinfo endpoint is asked for claims that the ID token lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Userinfo {
    /// When the ID token lacks claims that the granted scopes promise: Okta's "thin" ID
    /// tokens.
    WhenThin,
    /// At every sign-in.
    Always,
    /// Never.
    Never,
}

/// What has a safe default and is seldom changed.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// How the authorization response comes.
    pub(crate) response_mode: ResponseMode,
    /// When userinfo is asked.
    pub(crate) userinfo: Userinfo,
    /// The names of the algorithms that tokens may use.
    pub(crate) algorithms: Vec<String>,
    /// The clock skew that is tolerated in tokens.
    pub(crate) leeway: Duration,
    /// How long a pending sign-in waits.
    pub(crate) attempt_lifetime: Duration,
    /// How many of them a browser may hold.
    pub(crate) max_attempts: usize,
    /// How long a session lives unused.
    pub(crate) session_idle: Duration,
    /// How long a session lives at all.
    pub(crate) session_absolute: Duration,
    /// How long tokens that were replaced are still good for finding those that
    /// replaced them.
    pub(crate) refresh_grace: Duration,
    /// How long a session outlives its access token while Okta does not answer.
    pub(crate) outage_grace: Duration,
    /// How often a stranger's key id may cause a fetch.
    pub(crate) jwks_refetch_floor: Duration,
    /// How long one request to Okta may take.
    pub(crate) http_timeout: Duration,
    /// The session cookie, without prefix.
    pub(crate) cookie_name: String,
    /// How many verified access tokens are remembered.
    pub(crate) token_cache_size: usize,
    /// How many opened session cookies are remembered.
    pub(crate) session_cache_size: usize,
    /// How long an introspection is believed.
    pub(crate) introspection_lifetime: Duration,
    /// Other clients whose tokens of the org server count.
    pub(crate) accepted_clients: Vec<String>,
    /// What the metadata of the API tell.
    pub(crate) resource_scopes: Vec<String>,
    /// A header that scripts of the application send.
    pub(crate) csrf_header: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            response_mode: ResponseMode::Query,
            userinfo: Userinfo::WhenThin,
            algorithms: vec!["RS256".to_owned()],
            leeway: Duration::from_secs(60),
            attempt_lifetime: Duration::from_secs(600),
            max_attempts: 8,
            session_idle: Duration::from_secs(3600),
            session_absolute: Duration::from_secs(12 * 3600),
            refresh_grace: Duration::from_secs(30),
            outage_grace: Duration::from_secs(600),
            jwks_refetch_floor: Duration::from_secs(5),
            http_timeout: Duration::from_secs(10),
            cookie_name: "okta_session".to_owned(),
            token_cache_size: 4096,
            session_cache_size: 1024,
            introspection_lifetime: Duration::from_secs(30),
            accepted_clients: Vec::new(),
            resource_scopes: Vec::new(),
            csrf_header: None,
        }
    }
}
