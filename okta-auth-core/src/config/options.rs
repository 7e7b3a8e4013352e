//! Settings that have a safe default and are seldom changed.

use std::time::Duration;

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

/// Settings that have a safe default and are seldom changed.
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
    /// Whether an unsafe request needs `Origin` or `Sec-Fetch-Site`.
    pub(crate) strict_origin_check: bool,
    /// Whether a front-channel logout needs `iss` and `sid`.
    pub(crate) front_channel_session_required: bool,
    /// Whether the library shows a page after a sign-out.
    pub(crate) signed_out_page: bool,
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
            strict_origin_check: false,
            front_channel_session_required: true,
            signed_out_page: false,
        }
    }
}
