//! Settings in code, on top of the variables or instead of them.

use std::time::Duration;

use url::Url;

use super::client_auth::{ClientAuth, PrivateKey};
use super::env::{self, Variables};
use super::problem::Findings;
use super::{Config, Options, ResponseMode, Routes, Userinfo, rules};
use crate::error::Result;
use crate::secret::Secret;

/// Builds a [`Config`]. What is set here wins over the variable of the same meaning.
#[derive(Debug, Default)]
#[must_use]
pub struct ConfigBuilder {
    variables: Variables,
    issuer: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    private_key: Option<PrivateKey>,
    secret_in_body: bool,
    base_url: Option<String>,
    redirect_uri: Option<String>,
    post_logout_redirect_uri: Option<String>,
    scopes: Option<String>,
    audience: Option<String>,
    cookie_secrets: Vec<Secret>,
    mount: String,
    login: Path,
    logout: Path,
    options: Options,
}

/// A path of the library: the default, another one, or none.
#[derive(Debug, Default)]
enum Path {
    #[default]
    Default,
    At(String),
    Off,
}

impl Path {
    fn resolve(&self, mount: &str, default: &str) -> Option<String> {
        match self {
            Self::Default => Some(format!("{mount}{default}")),
            Self::At(path) => Some(format!("{mount}{path}")),
            Self::Off => None,
        }
    }
}

/// A setter for each setting that is a text.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        $($(#[$doc])* pub fn $name(mut self, value: impl Into<String>) -> Self {
            self.$name = Some(value.into());
            self
        })*
    };
}

/// A setter for each option.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        $($(#[$doc])* pub fn $name(mut self, value: $type) -> Self {
            self.options.$name = value;
            self
        })*
    };
}

impl ConfigBuilder {
    /// Starts from the `OKTA_*` variables of the process.
    pub fn from_env() -> Self {
        Self { variables: Variables::from_process(), ..Self::default() }
    }

    /// Starts from the given variables instead of the process's own, for tests and for other sources.
    pub fn from_variables<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { variables: Variables::from_pairs(variables), ..Self::default() }
    }

    texts! {
        /// The issuer; `OKTA_ISSUER_URI`.
        issuer,
        /// The client id; `OKTA_CLIENT_ID`.
        client_id,
        /// The public origin of the application; `OKTA_BASE_URL`, by default `http://localhost:8080`.
        base_url,
        /// The sign-in redirect URI; `OKTA_REDIRECT_URI`. It must be on the origin of the base URL.
        redirect_uri,
        /// Where Okta sends the browser after sign-out; `OKTA_POST_LOGOUT_REDIRECT_URI`.
        post_logout_redirect_uri,
        /// The scopes, separated by spaces; `OKTA_SCOPES`.
        scopes,
        /// The audience of access tokens; `OKTA_AUDIENCE`, by default `api://default`.
        audience,
    }

    options! {
        /// How Okta delivers the authorization response.
        response_mode: ResponseMode,
        /// When the userinfo endpoint is asked.
        userinfo: Userinfo,
        /// The clock skew that is tolerated in tokens; 60 s by default, at most 5 min.
        leeway: Duration,
        /// How long a pending sign-in waits for its callback; 10 min by default.
        attempt_lifetime: Duration,
        /// How many pending sign-ins one browser may hold; 8 by default. The oldest goes first.
        max_attempts: usize,
        /// A session ends when it has not been used for this long; 1 h by default.
        session_idle: Duration,
        /// A session ends this long after sign-in, used or not; 12 h by default.
        session_absolute: Duration,
        /// An unknown key id in a bearer token refetches the JWKS at most once in this time; 5 s by default.
        jwks_refetch_floor: Duration,
        /// The longest time that one request to Okta may take; 10 s by default.
        http_timeout: Duration,
    }

    /// The client secret; `OKTA_CLIENT_SECRET`.
    pub fn client_secret(mut self, secret: impl Into<String>) -> Self {
        self.client_secret = Some(Secret::new(secret));
        self
    }

    /// Sends the client secret in the body (`client_secret_post`) instead of the `Authorization` header.
    pub fn client_secret_in_body(mut self) -> Self {
        self.secret_in_body = true;
        self
    }

    /// The key of `private_key_jwt`; `OKTA_PRIVATE_KEY` or `OKTA_PRIVATE_KEY_FILE`, with `OKTA_PRIVATE_KEY_ID`.
    pub fn private_key(mut self, key: PrivateKey) -> Self {
        self.private_key = Some(key);
        self
    }

    /// Adds a secret from which the cookie keys are derived; `OKTA_COOKIE_SECRET`. The first one seals, all of
    /// them open, so that secrets can be rotated without signing anybody out.
    pub fn cookie_secret(mut self, secret: impl Into<String>) -> Self {
        self.cookie_secrets.push(Secret::new(secret));
        self
    }

    /// The signature algorithms that tokens may use (RFC 7518 §3.1), instead of RS256 alone. `none` and HMAC
    /// cannot be allowed.
    pub fn algorithms<S: Into<String>>(mut self, algorithms: impl IntoIterator<Item = S>) -> Self {
        self.options.algorithms = algorithms.into_iter().map(Into::into).collect();
        self
    }

    /// The name of the session cookie, without prefix; `okta_session` by default.
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.options.cookie_name = name.into();
        self
    }

    /// The path under which the application is nested in another router, for example `/app`.
    pub fn mount_path(mut self, path: impl Into<String>) -> Self {
        self.mount = path.into().trim_end_matches('/').to_owned();
        self
    }

    /// Serves the start of sign-in at another path than `/login`.
    pub fn login_path(mut self, path: impl Into<String>) -> Self {
        self.login = Path::At(path.into());
        self
    }

    /// Serves sign-out at another path than `/logout`.
    pub fn logout_path(mut self, path: impl Into<String>) -> Self {
        self.logout = Path::At(path.into());
        self
    }

    /// Serves no page that starts a sign-in; pages that need a user still do.
    pub fn without_login_route(mut self) -> Self {
        self.login = Path::Off;
        self
    }

    /// Serves no sign-out.
    pub fn without_logout_route(mut self) -> Self {
        self.logout = Path::Off;
        self
    }

    /// Checks everything and builds the configuration. Logs the warnings.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every problem with its fix.
    pub fn build(mut self) -> Result<Config> {
        let mut findings = Findings::default();
        self.variables.report_slips(&mut findings);
        let issuer = rules::issuer(self.text(&self.issuer, env::ISSUER_URI), &mut findings);
        let client_id = rules::client_id(self.text(&self.client_id, env::CLIENT_ID), &mut findings);
        let client_auth = self.take_client_auth(&mut findings);
        let base_url = rules::base_url(self.base(), &mut findings);
        let routes = self.routes(&mut findings);
        let redirect_uri = base_url.as_ref().and_then(|base| self.redirect(base, &mut findings));
        let post_logout = base_url.as_ref().and_then(|base| self.post_logout(base, &mut findings));
        let scopes = self.text(&self.scopes, env::SCOPES).unwrap_or("openid profile email");
        let scopes = rules::scopes(scopes, &mut findings);
        let audience = self.text(&self.audience, env::AUDIENCE);
        rules::audience(audience.is_some(), issuer.as_ref(), &mut findings);
        let audience = audience.unwrap_or("api://default").to_owned();
        let cookie_secrets = self.secrets();
        let secure = base_url.as_ref().is_some_and(|base| base.scheme() == "https");
        rules::cookie_secrets(&cookie_secrets, secure, &mut findings);
        self.check_rest(secure, &mut findings);
        let routes = self.finish_routes(routes, redirect_uri.as_ref(), &mut findings);
        let warnings = findings.finish()?;
        let (Some(issuer), Some(client_id), Some(base_url), Some(redirect_uri), Some(post_logout_redirect_uri)) =
            (issuer, client_id, base_url, redirect_uri, post_logout)
        else {
            // Each missing value has reported itself above, and `finish` has returned.
            return Err(crate::error::Error::new(crate::error::Code::Internal, "a setting is missing unreported"));
        };
        for warning in &warnings {
            tracing::warn!(target: "okta_auth", "{warning}");
        }
        Ok(Config {
            issuer,
            client_id,
            client_auth,
            base_url,
            redirect_uri,
            post_logout_redirect_uri,
            scopes,
            audience,
            cookie_secrets,
            routes,
            options: self.options,
            warnings,
        })
    }

    fn text<'a>(&'a self, set: &'a Option<String>, variable: &str) -> Option<&'a str> {
        set.as_deref().or_else(|| self.variables.value(variable))
    }

    fn base(&self) -> &str {
        self.text(&self.base_url, env::BASE_URL).unwrap_or("http://localhost:8080")
    }

    fn secrets(&self) -> Vec<Secret> {
        if !self.cookie_secrets.is_empty() {
            return self.cookie_secrets.clone();
        }
        let value = self.variables.value(env::COOKIE_SECRET).unwrap_or_default();
        value.split(',').map(str::trim).filter(|secret| !secret.is_empty()).map(Secret::new).collect()
    }

    fn take_client_auth(&mut self, findings: &mut Findings) -> ClientAuth {
        let secret = self.client_secret.take();
        let secret = secret.or_else(|| self.variables.value(env::CLIENT_SECRET).map(Secret::new));
        let key = self.private_key.take().or_else(|| self.private_key_from_variables(findings));
        if secret.is_some() && key.is_some() {
            findings.error(env::CLIENT_SECRET, "a private key is set too; keep the one that is set up at Okta");
        }
        match (rules::client_secret(secret.as_ref(), findings), key) {
            (_, Some(key)) => ClientAuth::PrivateKeyJwt(key),
            (Some(secret), None) if self.secret_in_body => ClientAuth::SecretPost(secret),
            (Some(secret), None) => ClientAuth::SecretBasic(secret),
            (None, None) => ClientAuth::None,
        }
    }

    fn private_key_from_variables(&self, findings: &mut Findings) -> Option<PrivateKey> {
        let file = self.variables.value(env::PRIVATE_KEY_FILE);
        let (variable, pem) = match (self.variables.value(env::PRIVATE_KEY), file) {
            // `\n` in a variable is how most deployment tools carry several lines.
            (Some(pem), _) => (env::PRIVATE_KEY, pem.replace("\\n", "\n")),
            (None, Some(file)) => match std::fs::read_to_string(file) {
                Ok(pem) => (env::PRIVATE_KEY_FILE, pem),
                Err(error) => {
                    findings.error(env::PRIVATE_KEY_FILE, format!("`{file}` cannot be read: {error}"));
                    return None;
                }
            },
            (None, None) => return None,
        };
        let key_id = self.variables.value(env::PRIVATE_KEY_ID).map(str::to_owned);
        PrivateKey::from_pem(&pem, key_id).map_err(|error| findings.error(variable, error.to_string())).ok()
    }

    fn redirect(&self, base: &Url, findings: &mut Findings) -> Option<Url> {
        let default = format!("{}/authorization-code/callback", self.mount);
        let default = base.join(&default).ok()?;
        let value = self.text(&self.redirect_uri, env::REDIRECT_URI).unwrap_or(default.as_str());
        let url = rules::redirect(env::REDIRECT_URI, value, findings)?;
        if url.origin() != base.origin() {
            let (there, here) = (url.origin().ascii_serialization(), base.origin().ascii_serialization());
            let fix = "make both the same, or the cookie of the sign-in is not there when Okta sends the browser back";
            findings.error(env::REDIRECT_URI, format!("it is on {there}, but OKTA_BASE_URL is {here}; {fix}"));
            return None;
        }
        Some(url)
    }

    fn post_logout(&self, base: &Url, findings: &mut Findings) -> Option<Url> {
        let default = base.join(&format!("{}/", self.mount)).ok()?;
        let value = self.text(&self.post_logout_redirect_uri, env::POST_LOGOUT_REDIRECT_URI);
        rules::redirect(env::POST_LOGOUT_REDIRECT_URI, value.unwrap_or(default.as_str()), findings)
    }

    fn routes(&self, findings: &mut Findings) -> Routes {
        let login = self.login.resolve(&self.mount, "/login");
        let logout = self.logout.resolve(&self.mount, "/logout");
        for path in [&login, &logout].into_iter().flatten() {
            if !path.starts_with('/') || path.contains(['{', '}', '*', '?', '#', '\\']) || path.contains("//") {
                findings.error("routes", format!("`{path}` is not a path that can be served; use `/login` or alike"));
            }
        }
        Routes { mount: self.mount.clone(), login, callback: String::new(), logout }
    }

    fn finish_routes(&self, mut routes: Routes, redirect: Option<&Url>, findings: &mut Findings) -> Routes {
        let Some(redirect) = redirect else { return routes };
        redirect.path().clone_into(&mut routes.callback);
        if !routes.callback.strip_prefix(self.mount.as_str()).is_some_and(|rest| rest.starts_with('/')) {
            let message = format!("its path is not below the mount path `{}`; change one of them", self.mount);
            findings.error(env::REDIRECT_URI, message);
        }
        let all = [Some(&routes.callback), routes.login.as_ref(), routes.logout.as_ref()];
        let mut all: Vec<&String> = all.into_iter().flatten().collect();
        all.sort();
        if all.windows(2).any(|pair| pair.first() == pair.last()) {
            findings.error("routes", "two of the paths for sign-in, callback and sign-out are the same");
        }
        routes
    }

    fn check_rest(&self, secure: bool, findings: &mut Findings) {
        if let Some(store) = self.variables.value(env::SESSION_STORE).filter(|store| *store != "cookie") {
            let kind = store.split(':').next().unwrap_or_default();
            findings.error(env::SESSION_STORE, format!("`{kind}` is not a store of this version; use `cookie`"));
        }
        if self.options.leeway > Duration::from_secs(300) {
            findings.error("leeway", "a leeway above 5 minutes defeats the expiry of tokens; set a smaller one");
        }
        if self.options.session_idle.is_zero() || self.options.session_absolute.is_zero() {
            findings.error("session limits", "a session limit of zero signs nobody in; set a longer one");
        }
        let lifetime = self.options.attempt_lifetime;
        if lifetime.is_zero() || lifetime > Duration::from_secs(3600) || self.options.max_attempts == 0 {
            findings
                .error("attempt_lifetime", "a pending sign-in lives from 1 s to 1 h, and a browser holds at least one");
        }
        if self.options.response_mode == ResponseMode::FormPost && !secure {
            let message = "form_post over http works only while Okta and the application share a host; use https";
            findings.warning("response_mode", message);
        }
        let known = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"];
        if self.options.algorithms.is_empty() || self.options.algorithms.iter().any(|a| !known.contains(&a.as_str())) {
            findings.error("algorithms", format!("the allowed algorithms are some of {}", known.join(", ")));
        }
        let name = &self.options.cookie_name;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            findings.error("cookie_name", "the name of the session cookie is letters, digits, `_` and `-`");
        }
    }
}
