//! Sets settings in code, in addition to the variables or instead of them.
//!
//! The setters accept every value, and [`build`](ConfigBuilder::build) checks the result, so that all problems are
//! reported together. A value in code takes precedence over a variable, and a variable over the default.

use std::time::Duration;

use super::client_auth::{PrivateKey, SecretMethod};
use super::variables::Variables;
use super::{Options, ResponseMode, Userinfo};
use crate::secret::Secret;

/// Builds a [`Config`](super::Config). A value that is set here takes precedence over the variable for the same
/// setting.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::config::ConfigBuilder;
///
/// # fn vault(_: &str) -> &'static str { "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa" }
/// # fn main() -> Result<(), okta_auth::error::Error> {
/// let config = ConfigBuilder::default()
///     .issuer("https://dev-12345678.okta.com/oauth2/default")
///     .client_id("0oa1abcdXYZ2efGhI5d7")
///     .client_secret(vault("client-secret"))
///     .base_url("https://app.example.com")
///     .cookie_secret(vault("cookie-secret")) // as `openssl rand -base64 48` makes it
///     .build()?;
/// assert_eq!(
///     config.redirect_uri().as_str(),
///     "https://app.example.com/authorization-code/callback"
/// );
/// # Ok(())
/// # }
/// ```
///
/// All mistakes are reported together, each with its fix:
///
/// ```
/// # use okta_auth_core as okta_auth;
/// # use okta_auth::config::ConfigBuilder;
/// let error = ConfigBuilder::default()
///     .issuer("https://dev-12345678-admin.okta.com")
///     .client_id("{clientId}")
///     .build()
///     .unwrap_err();
/// let message = error.to_string();
/// assert!(message.contains("dev-12345678.okta.com"), "the domain without -admin");
/// assert!(message.contains("OKTA_CLIENT_ID"));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ConfigBuilder {
    pub(super) variables: Variables,
    pub(super) issuer: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<Secret>,
    pub(super) private_key: Option<PrivateKey>,
    pub(super) secret_method: Option<SecretMethod>,
    pub(super) id_token_decryption_keys: Vec<Secret>,
    pub(super) base_url: Option<String>,
    pub(super) redirect_uri: Option<String>,
    pub(super) post_logout_redirect_uri: Option<String>,
    pub(super) scopes: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) accepted_issuers: Vec<String>,
    pub(super) former_issuers: Vec<String>,
    pub(super) tenant: Option<String>,
    pub(super) algorithms: Option<Vec<String>>,
    pub(super) api_only: bool,
    pub(super) cookie_secrets: Vec<Secret>,
    pub(super) cookie_name: Option<String>,
    pub(super) mount: String,
    pub(super) login: Path,
    pub(super) initiate_login: Path,
    pub(super) logout: Path,
    pub(super) front_channel_logout: Path,
    pub(super) back_channel_logout: Path,
    pub(super) global_token_revocation: Path,
    pub(super) session_store: Option<Secret>,
    pub(super) revocation_store: Option<Secret>,
    pub(super) http_proxy: Option<Secret>,
    pub(super) backchannel_url: Option<String>,
    pub(super) public_prefix: Option<String>,
    pub(super) health_path: Option<String>,
    pub(super) leeway: Option<Duration>,
    pub(super) session_idle: Option<Duration>,
    pub(super) session_absolute: Option<Duration>,
    pub(super) options: Options,
    pub(super) pages: super::page_settings::PageSettings,
}

#[derive(Clone, Debug, Default)]
pub(super) enum Path {
    #[default]
    Default,
    At(String),
    Off,
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        $($(#[$doc])* pub fn $name(mut self, value: impl Into<String>) -> Self {
            let text: String = value.into();
            self.$name = Some(text.into());
            self
        })*
    };
}

macro_rules! times {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        $($(#[$doc])* pub fn $name(mut self, value: Duration) -> Self {
            self.$name = Some(value);
            self
        })*
    };
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        $($(#[$doc])* pub fn $name(mut self, value: $type) -> Self {
            self.options.$name = value;
            self
        })*
    };
}

macro_rules! paths {
    ($($(#[$doc:meta])* $at:ident, $(#[$off_doc:meta])* $off:ident, $field:ident;)*) => {
        $($(#[$doc])*
        ///
        /// The path is relative to [`mount_path`](Self::mount_path) and starts with a slash.
        pub fn $at(mut self, path: impl Into<String>) -> Self {
            self.$field = Path::At(path.into());
            self
        }

        $(#[$off_doc])*
        pub fn $off(mut self) -> Self {
            self.$field = Path::Off;
            self
        }
        )*
    };
}

impl ConfigBuilder {
    /// Starts from the `OKTA_*` variables of the process.
    pub fn from_env() -> Self {
        Self::default().with_variables(Variables::from_process())
    }

    /// Starts from the given variables instead of those of the process, for tests and for other sources.
    pub fn from_variables<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::default().with_variables(Variables::from_pairs(variables))
    }

    pub(crate) fn with_variables(self, variables: Variables) -> Self {
        Self { variables, ..self }
    }

    texts! {
        /// The issuer; `OKTA_ISSUER_URI`.
        ///
        /// The org server, `https://acme.okta.com`, or a custom authorization server,
        /// `https://acme.okta.com/oauth2/default`. It is compared character by character with the issuer that Okta
        /// states.
        issuer,
        /// The client id; `OKTA_CLIENT_ID`. Okta shows it on the application's page.
        client_id,
        /// The public origin of the application; `OKTA_BASE_URL`, by default `http://localhost:8080`.
        base_url,
        /// The sign-in redirect URI; `OKTA_REDIRECT_URI`. It must be on the origin of the base URL.
        redirect_uri,
        /// Where Okta sends the browser after sign-out; `OKTA_POST_LOGOUT_REDIRECT_URI`.
        post_logout_redirect_uri,
        /// The scopes, separated by spaces; `OKTA_SCOPES`.
        scopes,
        /// The audiences of access tokens, separated by commas; `OKTA_AUDIENCE`, by default `api://default`. A token
        /// must name one of them. An introspected token that names its own client is accepted only if the client id is
        /// one of them.
        audience,
        /// The name of the session cookie, without prefix; `OKTA_COOKIE_NAME`. The names of the cookies of pending
        /// sign-ins and of tenants start with it.
        ///
        /// The default is `okta_session-` and eight digits derived from issuer and client, so that two applications on
        /// one host do not share a cookie. Two applications with the same client need different names.
        cookie_name,
        /// Where sessions are stored; `OKTA_SESSION_STORE`: `cookie`, `memory`, or the URL of Redis or Valkey. Pass a
        /// custom store to `OktaAuthBuilder::session_store`.
        session_store,
        /// Where server-side revocations of sessions in cookies are stored; `OKTA_REVOCATION_STORE`: `memory`, `none`,
        /// or the URL of Redis or Valkey.
        revocation_store,
        /// The identifier of this application as an API (RFC 9728 §2), by default the base URL without a trailing
        /// slash. Clients compare it character by character.
        resource,
    }

    times! {
        /// The tolerated clock skew for tokens; `OKTA_LEEWAY`, 60 s by default, at most 5 min.
        leeway,
        /// A session expires after this time without use; `OKTA_SESSION_IDLE`, 1 h by default.
        session_idle,
        /// A session expires this long after sign-in, even if it is in use; `OKTA_SESSION_ABSOLUTE`, 12 h by default.
        session_absolute,
    }

    options! {
        /// How Okta delivers the authorization response; by default in the query.
        ///
        /// [`ResponseMode::FormPost`] keeps the code out of URLs, and so out of access logs and browser histories.
        response_mode: ResponseMode,
        /// When the userinfo endpoint is called; by default if the ID token lacks claims that the granted scopes
        /// promise.
        ///
        /// [`Userinfo::Always`] costs one request at each sign-in. [`Userinfo::Never`] may leave name, e-mail and
        /// groups empty.
        userinfo: Userinfo,
        /// How long a pending sign-in waits for its callback; 10 min by default.
        attempt_lifetime: Duration,
        /// How many pending sign-ins one browser may have; 8 by default. The oldest is evicted first.
        max_attempts: usize,
        /// For this long after a refresh, a request with the old session cookie gets the refreshed session. 30 s by
        /// default, which is Okta's own grace period for rotating refresh tokens. Applies only to sessions in cookies.
        refresh_grace: Duration,
        /// How long a session stays usable after its access token has expired, while Okta cannot be reached to refresh
        /// it; 10 min by default. After that the response is 503, and users stay signed in.
        outage_grace: Duration,
        /// The minimum time between two fetches of the JWKS that an unknown key id in a bearer token triggers; 5 s by
        /// default.
        jwks_refetch_floor: Duration,
        /// Time limit for one request to Okta; 10 s by default.
        http_timeout: Duration,
        /// How many verified access tokens are cached; 4096 by default. Zero disables the cache, and each request
        /// verifies its token.
        token_cache_size: usize,
        /// How many opened session cookies are cached, without their tokens; 1024 by default, of about 5 KB each. Zero
        /// disables the cache.
        session_cache_size: usize,
        /// How long an introspection response is cached, and therefore how long a revoked token of an org server may
        /// still be accepted; 30 s by default, and never beyond the token's expiry.
        introspection_lifetime: Duration,
        /// Rejects requests with a session and an unsafe method that have neither `Origin` nor `Sec-Fetch-Site`; off by
        /// default.
        ///
        /// Every current browser sends one of the two. Turn this on if only browsers use sessions; other clients with a
        /// session cookie must then send `Origin`.
        strict_origin_check: bool,
        /// Whether a front-channel logout must identify the session by `iss` and `sid`; on by default. It corresponds
        /// to `frontchannel_logout_session_required` of the client at the provider (OIDC Front-Channel Logout §2).
        ///
        /// If it is off, loading the path in an `iframe` without a foreign `Origin` ends the browser's session.
        front_channel_session_required: bool,
        /// Shows the page "You are signed out" once, when the browser returns from a sign-out; off by default. Use the
        /// extractor `SignedOut` for a custom page.
        signed_out_page: bool,
    }

    /// The client secret; `OKTA_CLIENT_SECRET`. It is wiped from memory when dropped, and appears in no message and no
    /// `Debug` output.
    ///
    /// Without a secret and a private key the application is a public client, which proves only that it has its PKCE
    /// verifier.
    pub fn client_secret(mut self, secret: impl Into<String>) -> Self {
        self.client_secret = Some(Secret::new(secret));
        self
    }

    /// Sends the client secret in the body (`client_secret_post`) instead of the `Authorization` header;
    /// `OKTA_CLIENT_SECRET_METHOD=client_secret_post`.
    pub fn client_secret_in_body(mut self) -> Self {
        self.secret_method = Some(SecretMethod::Post);
        self
    }

    /// The key of `private_key_jwt`; `OKTA_PRIVATE_KEY` or `OKTA_PRIVATE_KEY_FILE`, with `OKTA_PRIVATE_KEY_ID`.
    pub fn private_key(mut self, key: PrivateKey) -> Self {
        self.private_key = Some(key);
        self
    }

    /// Adds a secret from which the cookie keys are derived; `OKTA_COOKIE_SECRET`. The first secret seals cookies, and
    /// all secrets open them, so secrets can be rotated without signing users out.
    pub fn cookie_secret(mut self, secret: impl Into<String>) -> Self {
        self.cookie_secrets.push(Secret::new(secret));
        self
    }

    /// Also accepts access tokens of another custom authorization server. Sign-in uses only [`issuer`](Self::issuer).
    /// With many tenants, every tenant accepts these tokens, so a tenant whose own issuer is this one is rejected.
    ///
    /// A token's `iss` selects one of the configured issuers by exact comparison, and each issuer has its own keys. The
    /// audiences are the same for all of them.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let config = ConfigBuilder::default()
    ///     .issuer("https://dev-12345678.okta.com/oauth2/default")
    ///     .accept_issuer("https://partner.okta.com/oauth2/aus9o8wzkhckw9TLa0h7z")
    ///     .audience("api://orders, api://legacy-orders")
    ///     .api_only()
    ///     .build()?;
    /// assert_eq!(config.issuers().count(), 2);
    /// assert_eq!(config.audiences(), ["api://orders", "api://legacy-orders"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.accepted_issuers.push(issuer.into());
        self
    }

    /// Accepts sessions and access tokens of an issuer that this application used before, for example while an org
    /// moves to a custom domain. New sign-ins use only [`issuer`](Self::issuer).
    pub fn former_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.former_issuers.push(issuer.into());
        self
    }

    /// Accepts access tokens that were issued to this client, in addition to those of this application.
    ///
    /// All tokens of an org server have the same audience, so tokens of other clients are rejected there unless their
    /// client is listed. At a custom server every client can get a token for the audience, and all of them are accepted
    /// by default. As soon as one client is listed, tokens of every issuer are accepted only if they were issued to a
    /// listed client or to this application.
    pub fn accept_client(mut self, client_id: impl Into<String>) -> Self {
        self.options.accepted_clients.push(client_id.into());
        self
    }

    /// The scopes of this API, for its metadata (RFC 9728 §2). By default the metadata lists none.
    pub fn resource_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.options.resource_scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Requires this header on every request with a session and an unsafe method, in addition to the check of the
    /// origin. Other sites cannot add a header without a CORS preflight. The application's scripts may send any value.
    /// Scripts cannot add a header to the handshake of a WebSocket, so a handshake needs only the correct origin.
    pub fn csrf_header(mut self, name: impl Into<String>) -> Self {
        self.options.csrf_header = Some(name.into());
        self
    }

    /// Lets `/login` pass further parameters of its query on to Okta, such as `idp` for a button that leads to one
    /// identity provider. By default it passes on none, because any site can link to `/login`.
    ///
    /// `login_hint`, `prompt=login` and `prompt=select_account` are always passed on. Other values of `prompt` must be
    /// allowed here. Parameters that the protocol sets cannot be allowed.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1");
    /// // /login?idp=0oa2&ui_locales=fr
    /// config.clone().allow_login_parameters(["idp", "ui_locales"]).build()?;
    /// assert!(config.allow_login_parameters(["state"]).build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_login_parameters<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.options.allowed_login_parameters = names.into_iter().map(Into::into).collect();
        self
    }

    /// Configures an API without sessions, which accepts only access tokens.
    ///
    /// `OKTA_ISSUER_URI` is then the only required variable, and the variables for sign-in and sessions have no effect.
    /// The API needs no client id, serves no path for sign-in, and reads and sets no cookie.
    pub fn api_only(mut self) -> Self {
        self.api_only = true;
        self
    }

    /// The path under which the application is nested in another router, for example `/app`.
    pub fn mount_path(mut self, path: impl Into<String>) -> Self {
        self.mount = path.into().trim_end_matches('/').to_owned();
        self
    }

    paths! {
        /// Serves the start of sign-in at another path than `/login`.
        login_path,
        /// Disables the path that starts a sign-in. Pages that require a user still start a sign-in.
        without_login_route,
        login;
        /// Serves third-party-initiated sign-in at another path than `/login/initiate`.
        initiate_login_path,
        /// Disables third-party-initiated sign-in.
        without_initiate_login,
        initiate_login;
        /// Serves sign-out at another path than `/logout`.
        logout_path,
        /// Disables sign-out.
        without_logout_route,
        logout;
        /// Serves front-channel logout at another path than `/frontchannel-logout`.
        front_channel_logout_path,
        /// Disables front-channel logout.
        without_front_channel_logout,
        front_channel_logout;
        /// Serves back-channel logout at another path than `/backchannel-logout`.
        back_channel_logout_path,
        /// Disables back-channel logout.
        without_back_channel_logout,
        back_channel_logout;
        /// Serves Universal Logout at another path than `/global-token-revocation`.
        global_token_revocation_path,
        /// Disables Universal Logout.
        without_global_token_revocation,
        global_token_revocation;
    }
}
