//! Options with safe defaults that applications rarely change.

use std::time::Duration;

#[cfg(feature = "client")]
use super::client_auth::PrivateKey;

/// How Okta delivers the authorization response (OAuth 2.0 Multiple Response Types §2.1, Form Post §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of a redirect: the default.
    Query,
    /// In the body of a cross-site POST, which keeps the code out of URLs and access logs. Requires https, because the
    /// cookie of the pending sign-in is then `SameSite=None; Secure`.
    FormPost,
}

/// When the userinfo endpoint is called for claims that the ID token lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Userinfo {
    /// When the ID token lacks claims that the granted scopes promise: Okta's "thin" ID tokens.
    WhenThin,
    /// At every sign-in.
    Always,
    /// Never.
    Never,
}

/// Whether requested tokens are bound to a key (DPoP, RFC 9449).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DpopMode {
    /// No proof is sent, and tokens are bearer tokens.
    #[default]
    Off,
    /// Every token request has a proof, and a bearer token is refused.
    On,
    /// As `Off` until the token endpoint answers `invalid_dpop_proof` to a request without a proof. From then on every
    /// token request of the process has a proof.
    Auto,
}

impl DpopMode {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "on" => Some(Self::On),
            "auto" => Some(Self::Auto),
            _ => None,
        }
    }
}

/// Options with safe defaults; the setters of [`ConfigBuilder`](super::ConfigBuilder) document them.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) response_mode: ResponseMode,
    pub(crate) userinfo: Userinfo,
    /// The names of the allowed signature algorithms.
    pub(crate) algorithms: Vec<String>,
    pub(crate) leeway: Duration,
    pub(crate) attempt_lifetime: Duration,
    /// The maximum number of pending sign-ins in one browser.
    pub(crate) max_attempts: usize,
    pub(crate) session_idle: Duration,
    pub(crate) session_absolute: Duration,
    /// How long replaced tokens still identify the session that replaced them.
    pub(crate) refresh_grace: Duration,
    /// How long a session outlives its access token while Okta does not respond.
    pub(crate) outage_grace: Duration,
    /// Minimum time between JWKS fetches that unknown key ids trigger.
    pub(crate) jwks_refetch_floor: Duration,
    /// Time limit for one request to Okta.
    pub(crate) http_timeout: Duration,
    pub(crate) token_cache_size: usize,
    pub(crate) session_cache_size: usize,
    /// How long an introspection response is cached.
    pub(crate) introspection_lifetime: Duration,
    /// The audiences that an ID token may have besides this application.
    pub(crate) trusted_audiences: Vec<String>,
    /// Other clients whose access tokens are accepted.
    pub(crate) accepted_clients: Vec<String>,
    /// The scopes in the metadata of the API.
    pub(crate) resource_scopes: Vec<String>,
    /// The names of further parameters that `/login` passes on to Okta.
    pub(crate) allowed_login_parameters: Vec<String>,
    /// The further parameters of every sign-in.
    pub(crate) login_parameters: Vec<(String, String)>,
    /// A header that the application's scripts must send.
    pub(crate) csrf_header: Option<String>,
    pub(crate) strict_origin_check: bool,
    pub(crate) front_channel_session_required: bool,
    pub(crate) signed_out_page: bool,
    /// Whether access tokens must be bound to a key.
    pub(crate) require_dpop: bool,
    /// The lifetime of nonces for DPoP proofs. Without one, proofs need no nonce.
    pub(crate) dpop_nonce_lifetime: Option<Duration>,
    /// Pushes the authorization request even if the metadata does not require it (RFC 9126).
    pub(crate) par: bool,
    /// Signs the authorization request even if the metadata does not require it (RFC 9101).
    pub(crate) signed_requests: bool,
    /// `None` until the variable has been read.
    pub(crate) dpop: Option<DpopMode>,
    /// The key for tokens of the application itself, if it is configured.
    #[cfg(feature = "client")]
    pub(crate) dpop_key: Option<PrivateKey>,
    /// Requires the FAPI 2.0 Security Profile.
    pub(crate) fapi2: bool,
    pub(crate) browser_kit: BrowserKitSettings,
}

/// The settings of the browser kit.
#[derive(Clone, Debug, Default)]
pub(crate) struct BrowserKitSettings {
    pub(crate) is_on: bool,
    pub(super) session_path: Option<String>,
    /// The claims that scripts can read.
    pub(crate) claims: Vec<String>,
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
            token_cache_size: 4096,
            session_cache_size: 1024,
            introspection_lifetime: Duration::from_secs(30),
            trusted_audiences: Vec::new(),
            accepted_clients: Vec::new(),
            resource_scopes: Vec::new(),
            allowed_login_parameters: Vec::new(),
            login_parameters: Vec::new(),
            csrf_header: None,
            strict_origin_check: false,
            front_channel_session_required: true,
            signed_out_page: false,
            require_dpop: false,
            dpop_nonce_lifetime: None,
            par: false,
            signed_requests: false,
            fapi2: false,
            browser_kit: BrowserKitSettings::default(),
            dpop: None,
            #[cfg(feature = "client")]
            dpop_key: None,
        }
    }
}
