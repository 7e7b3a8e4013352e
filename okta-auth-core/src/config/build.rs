//! Checks the settings and builds a [`Config`].
//!
//! The order of the checks:
//!
//! 1. names of variables that look like a mistyped name of a supported variable;
//! 2. each value by its own rule; a value in code takes precedence over its variable, and the variable over the
//!    default;
//! 3. rules that involve several values: the redirect URI is on the base URL's origin and below the mount path, and no
//!    path is used twice;
//! 4. the bounds of rarely used options.
//!
//! A rule is skipped if a value that it needs has failed its own rule, so that each mistake is reported once. Errors
//! reject the configuration. Warnings are logged and kept in it.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::builder::{ConfigBuilder, Path};
use super::client_auth::{ClientAuth, SecretMethod};
use super::problem::{Diagnostics, Problem};
use super::stores::{RevocationStoreKind, SessionStoreKind};
use super::{AppConfig, Config, Issuer, ResponseMode, Routes, env, rules, secrets, stores};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

// Each rule adds its findings and continues, so that a user who sets up an application
// sees all mistakes at once.

/// The well-known path of a protected resource's metadata (RFC 9728 §3). The path of the resource follows it.
const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";

impl Path {
    fn resolve(&self, mount: &str, default: &str) -> Option<String> {
        match self {
            Self::Default => Some(format!("{mount}{default}")),
            Self::At(path) => Some(format!("{mount}{path}")),
            Self::Off => None,
        }
    }
}

impl ConfigBuilder {
    /// Checks all settings, logs the warnings and builds the configuration.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid) if a setting is missing or invalid; the message lists
    /// every problem with its fix.
    pub fn build(mut self) -> Result<Config> {
        let mut findings = Diagnostics::default();
        self.report_slips(&[], &mut findings);
        self.read_limits(&mut findings);
        let issuer = rules::issuer(self.text(&self.issuer, env::ISSUER_URI), &mut findings);
        let client_id = self.checked_client_id(&mut findings);
        let (client_auth, decryption_keys) =
            (self.take_client_auth(&mut findings), self.decryption_keys(&mut findings));
        let base_url = rules::base_url(self.base(), &mut findings);
        let scopes = self.checked_scopes(&mut findings);
        let audiences = rules::audiences(
            self.text(&self.audience, env::AUDIENCE),
            (issuer.as_ref(), client_id.as_deref()),
            &mut findings,
        );
        let (accepted_issuers, former_issuers) = self.further_issuers(&mut findings);
        let cookie_names = self.cookie_names(issuer.as_ref(), client_id.as_deref(), &mut findings);
        let ways = self.operator_routes(&mut findings, issuer.as_ref().zip(base_url.as_ref()));
        let secure = is_https(base_url.as_ref());
        let app = self.app_config(base_url, &scopes, &mut findings);
        let (session_place, revocation_place) = self.stores(secure, &mut findings);
        let warnings = findings.finish()?;
        let (Some(issuer), Some(client_id), Some(app)) = (issuer, client_id, app) else { return missing() };
        log(&warnings);
        ways.log();
        Ok(Config {
            app: Arc::new(app),
            issuer,
            client_id,
            client_auth,
            decryption_keys,
            scopes,
            audiences,
            accepted_issuers,
            former_issuers,
            cookie_secrets: self.secrets(),
            tenant: self.tenant,
            session_place,
            revocation_place,
            ways,
            cookie_names,
            warnings,
        })
    }

    /// Checks all settings except those of a provider and its client, which each tenant has. Logs the warnings, and
    /// builds the settings for requests without a tenant.
    pub(crate) fn build_without_provider(mut self) -> Result<AppConfig> {
        let mut findings = Diagnostics::default();
        self.report_slips(&env::OF_PROVIDER, &mut findings);
        self.read_limits(&mut findings);
        self.secret_method(&mut findings);
        self.read_authorization_request(&mut findings);
        self.further_issuers(&mut findings);
        self.cookie_names(None, None, &mut findings);
        let base_url = rules::base_url(self.base(), &mut findings);
        let scopes = self.checked_scopes(&mut findings);
        self.stores(is_https(base_url.as_ref()), &mut findings);
        let app = self.app_config(base_url, &scopes, &mut findings);
        log(&findings.finish()?);
        app.map_or_else(missing, Ok)
    }

    /// Checks the settings that do not concern a provider; `None` if one of them is invalid.
    fn app_config(
        &mut self,
        base_url: Option<Url>,
        scopes: &[String],
        findings: &mut Diagnostics,
    ) -> Option<AppConfig> {
        let secure = is_https(base_url.as_ref());
        let routes = self.routes(findings);
        let redirect_uri = base_url.as_ref().and_then(|base| self.redirect(base, &routes, findings));
        let post_logout = base_url.as_ref().and_then(|base| self.post_logout(base, &routes, findings));
        secrets::cookie_secrets(&self.secrets(), (secure, self.secret_use()), findings);
        self.check_options(secure, findings);
        let routes = self.finish_routes(routes, redirect_uri.as_ref(), findings);
        rules::universal_logout(&routes, scopes, findings);
        let health_path = self.checked_health_path(&routes, findings);
        let pages = self.pages.checked(findings);
        let base_url = base_url?;
        Some(AppConfig {
            resource: self.resource.take().unwrap_or_else(|| routes.public_at(&base_url)),
            base_url,
            redirect_uri: redirect_uri?,
            post_logout_redirect_uri: post_logout?,
            api_only: self.api_only,
            routes,
            health_path,
            options: std::mem::take(&mut self.options),
            pages,
        })
    }

    /// Returns a setting, or else its variable.
    ///
    /// Code takes precedence, because a leftover variable must not change what the application has decided. An empty
    /// variable counts as absent.
    pub(super) fn text<'a>(&'a self, set: &'a Option<String>, variable: &str) -> Option<&'a str> {
        set.as_deref().or_else(|| self.variables.value(variable))
    }

    /// Checks the client id. An API needs none, because it sends no request to Okta as a client.
    fn checked_client_id(&self, findings: &mut Diagnostics) -> Option<String> {
        match self.text(&self.client_id, env::CLIENT_ID) {
            None if self.api_only => Some(String::new()),
            value => rules::client_id(value, findings),
        }
    }

    /// Checks the other issuers whose access tokens, and whose sessions, are accepted.
    fn further_issuers(&self, findings: &mut Diagnostics) -> (Vec<Issuer>, Vec<Issuer>) {
        let accepted = rules::accepted_issuers(&self.accepted_issuers, findings);
        (accepted, rules::former_issuers(&self.former_issuers, findings))
    }

    fn checked_scopes(&self, findings: &mut Diagnostics) -> Vec<String> {
        rules::scopes(self.text(&self.scopes, env::SCOPES).unwrap_or("openid profile email"), findings)
    }

    /// Returns the URL of a store or proxy, which may contain a password; as [`text`](Self::text).
    pub(super) fn place<'a>(&'a self, set: Option<&'a Secret>, variable: &str) -> Option<&'a str> {
        set.map(Secret::expose).or_else(|| self.variables.value(variable))
    }

    /// The audiences of tenants that set none.
    pub(crate) fn default_audiences(&self) -> &str {
        self.text(&self.audience, env::AUDIENCE).unwrap_or(rules::DEFAULT_AUDIENCE)
    }

    fn prefix(&self, findings: &mut Diagnostics) -> String {
        self.text(&self.public_prefix, env::PUBLIC_PREFIX)
            .map_or_else(String::new, |prefix| rules::public_prefix(prefix, findings))
    }

    /// The base URL before any check.
    pub(super) fn base(&self) -> &str {
        self.text(&self.base_url, env::BASE_URL).unwrap_or("http://localhost:8080")
    }

    /// Returns the cookie secrets: those set in code, or else the list in the variable.
    ///
    /// The two sources are not mixed, because the first secret seals cookies and with two sources the order would be
    /// unclear. Empty entries, such as after a trailing comma, are skipped.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        if !self.cookie_secrets.is_empty() {
            return self.cookie_secrets.clone();
        }
        let value = self.variables.value(env::COOKIE_SECRET).unwrap_or_default();
        value.split(',').map(str::trim).filter(|secret| !secret.is_empty()).map(Secret::new).collect()
    }

    /// Determines the client authentication. Two methods at once are an error: Okta accepts only the configured one,
    /// which this library cannot see.
    ///
    /// A secret that fails its rule results in `ClientAuth::None`. Such a client is never built, because the failure is
    /// an error among the findings.
    fn take_client_auth(&mut self, findings: &mut Diagnostics) -> ClientAuth {
        let secret = self.client_secret.take();
        let secret = secret.or_else(|| self.variables.value(env::CLIENT_SECRET).map(Secret::new));
        let key = self.private_key.take().or_else(|| self.private_key_from_variables(findings));
        if secret.is_some() && key.is_some() {
            findings.error(env::CLIENT_SECRET, "a private key is set too; keep the method that is configured at Okta");
        }
        let auth = match (secrets::client_secret(secret.as_ref(), findings), key) {
            (_, Some(key)) => ClientAuth::PrivateKeyJwt(key),
            (Some(secret), None) => {
                let method = self.secret_method(findings);
                secrets::assertion_secret(&secret, method, findings);
                method.with(secret)
            }
            (None, None) => ClientAuth::None,
        };
        let auth = self.apply_fapi2(auth, findings);
        self.read_authorization_request(findings);
        self.check_authorization_request(&auth, findings);
        self.read_trusted_audiences();
        #[cfg(feature = "client")]
        self.check_dpop_key(&auth, findings);
        auth
    }

    /// Authenticates by an HMAC with the client secret instead of sending it (`client_secret_jwt`);
    /// `OKTA_CLIENT_SECRET_METHOD=client_secret_jwt`. The secret needs 32 characters or more.
    pub fn client_secret_jwt(mut self) -> Self {
        self.secret_method = Some(SecretMethod::Jwt);
        self
    }

    fn secret_method(&self, findings: &mut Diagnostics) -> SecretMethod {
        let variable = self.variables.value(env::CLIENT_SECRET_METHOD);
        let (None, Some(name)) = (self.secret_method, variable) else { return self.secret_method.unwrap_or_default() };
        SecretMethod::parse(name).unwrap_or_else(|| {
            let message = format!(
                "`{name}` is not a method of a client secret; use `client_secret_basic`, `client_secret_post` or \
                 `client_secret_jwt`"
            );
            findings.error(env::CLIENT_SECRET_METHOD, message);
            SecretMethod::default()
        })
    }

    /// Checks the redirect URI. It must be on the base URL's origin, because the cookie of the pending sign-in is set
    /// there and must be sent when Okta returns the browser.
    ///
    /// The comparison covers the whole origin: scheme, host and port.
    fn redirect(&self, base: &Url, routes: &Routes, findings: &mut Diagnostics) -> Option<Url> {
        let default = format!("{}{}/authorization-code/callback", routes.prefix, self.mount);
        let default = base.join(&default).ok()?;
        let value = self.text(&self.redirect_uri, env::REDIRECT_URI).unwrap_or(default.as_str());
        let url = rules::redirect_uri(env::REDIRECT_URI, value, findings)?;
        if url.origin() != base.origin() {
            let (there, here) = (url.origin().ascii_serialization(), base.origin().ascii_serialization());
            let fix =
                "use the same origin for both, because the browser would not send the sign-in cookie to another origin";
            return findings.reject(env::REDIRECT_URI, format!("it is on {there}, but OKTA_BASE_URL is {here}; {fix}"));
        }
        Some(url)
    }

    /// Checks only the stores for sessions and revocations.
    ///
    /// Without a base URL it is unknown whether the application is public, so the warnings for public applications are
    /// skipped.
    pub(crate) fn backend(&self) -> Result<(SessionStoreKind, RevocationStoreKind)> {
        let mut findings = Diagnostics::default();
        let backend = self.stores(false, &mut findings);
        findings.finish()?;
        Ok(backend)
    }

    fn stores(&self, secure: bool, findings: &mut Diagnostics) -> (SessionStoreKind, RevocationStoreKind) {
        let sessions = stores::session_place(self.place(self.session_store.as_ref(), env::SESSION_STORE), findings);
        let value = self.place(self.revocation_store.as_ref(), env::REVOCATION_STORE);
        let revocations = stores::revocation_place(value, &sessions, findings);
        // Warnings for the whole application are not repeated for each tenant.
        stores::warn(&sessions, &revocations, secure && !self.api_only && self.tenant.is_none(), findings);
        (sessions, revocations)
    }

    /// The sign-out redirect URI, which may be on another origin.
    fn post_logout(&self, base: &Url, routes: &Routes, findings: &mut Diagnostics) -> Option<Url> {
        let default = base.join(&routes.home()).ok()?;
        let value = self.text(&self.post_logout_redirect_uri, env::POST_LOGOUT_REDIRECT_URI);
        rules::redirect(env::POST_LOGOUT_REDIRECT_URI, value.unwrap_or(default.as_str()), findings)
    }

    /// Builds the library's paths, except the callback, which follows from the redirect URI.
    ///
    /// Below a mount path there is no resource metadata, because the document is served at the root. An API without
    /// sign-in has only the resource metadata.
    ///
    /// Paths must not contain characters that a framework reads as a pattern (`{`, `}`, `*`), that end a path (`?`,
    /// `#`), or that browsers read as a slash (a backslash). They must not contain `//`, because two slashes at the
    /// start of a reference introduce a host (RFC 3986 §4.2).
    fn routes(&self, findings: &mut Diagnostics) -> Routes {
        let prefix = self.prefix(findings);
        let mut routes = Routes { prefix, mount: self.mount.clone(), ..Routes::default() };
        self.resource_routes(&mut routes, findings);
        if self.api_only {
            check_paths(&routes, findings);
            return routes;
        }
        routes.login = self.login.resolve(&self.mount, "/login");
        routes.initiate_login = self.initiate_login.resolve(&self.mount, "/login/initiate");
        routes.logout = self.logout.resolve(&self.mount, "/logout");
        routes.front_channel_logout = self.front_channel_logout.resolve(&self.mount, "/frontchannel-logout");
        routes.back_channel_logout = self.back_channel_logout.resolve(&self.mount, "/backchannel-logout");
        routes.global_token_revocation = self.global_token_revocation.resolve(&self.mount, "/global-token-revocation");
        self.browser_kit_routes(&mut routes);
        check_paths(&routes, findings);
        routes
    }

    /// The paths of the resource metadata, as RFC 9728 §3.1 derives them from the resource identifier. Clients that
    /// only have the host name use the root.
    fn resource_routes(&self, routes: &mut Routes, findings: &mut Diagnostics) {
        if !self.mount.is_empty() {
            return;
        }
        routes.resource_metadata = Some(RESOURCE_METADATA.to_owned());
        let Some(resource) = self.resource.as_deref().and_then(|resource| Url::parse(resource).ok()) else { return };
        if resource.fragment().is_some() {
            findings.error("resource", "the identifier of an API has no fragment (RFC 9728 §1.2); remove it");
        }
        // A proxy that strips a prefix does not forward paths at the root.
        let at_root = routes.prefix.is_empty();
        if at_root && matches!(resource.scheme(), "http" | "https") && resource.path() != "/" {
            routes.resource_metadata = Some(format!("{RESOURCE_METADATA}{}", resource.path()));
            routes.resource_metadata_at_root = Some(RESOURCE_METADATA.to_owned());
        }
    }

    /// Adds the callback, and checks that all paths differ.
    ///
    /// The callback is the path of the redirect URI, so that the address that Okta redirects to is always served. Equal
    /// paths are adjacent after sorting.
    fn finish_routes(&self, mut routes: Routes, redirect: Option<&Url>, findings: &mut Diagnostics) -> Routes {
        let Some(redirect) = redirect.filter(|_| !self.api_only) else { return routes };
        // The router does not see the prefix that a proxy strips.
        let callback = redirect.path().strip_prefix(routes.prefix.as_str()).unwrap_or_default();
        if !callback.strip_prefix(self.mount.as_str()).is_some_and(|rest| rest.starts_with('/')) {
            let (prefix, mount) = (&routes.prefix, &self.mount);
            let message = if prefix.is_empty() {
                format!("its path is not below the mount path `{mount}`; change one of them")
            } else {
                format!(
                    "its path is not below `{prefix}{mount}`, the public prefix and the mount path; change one of them"
                )
            };
            findings.error(env::REDIRECT_URI, message);
        }
        routes.callback = Some(callback.to_owned());
        let mut all: Vec<&str> = routes.own().collect();
        all.sort_unstable();
        if all.windows(2).any(|pair| pair.first() == pair.last()) {
            findings.error("routes", "two paths are the same; each endpoint of the library needs its own path");
        }
        routes
    }

    /// Checks rarely used options. The bounds prevent a typing error from disabling a protection, such as a leeway of
    /// hours or a session limit of zero.
    ///
    /// The CSRF header must be a valid header name.
    fn check_options(&self, secure: bool, findings: &mut Diagnostics) {
        if self.options.leeway > Duration::from_secs(300) {
            findings.error("leeway", "a leeway above 5 minutes defeats the expiry of tokens; set a smaller one");
        }
        if self.options.session_idle.is_zero() || self.options.session_absolute.is_zero() {
            findings.error(
                "session limits",
                "with a session limit of zero every session expires at once; set a longer one",
            );
        }
        let lifetime = self.options.attempt_lifetime;
        if lifetime.is_zero() || lifetime > Duration::from_secs(3600) || self.options.max_attempts == 0 {
            findings.error(
                "attempt_lifetime",
                "a pending sign-in must live from 1 s to 1 h, and a browser must be allowed at least one",
            );
        }
        if self.options.response_mode == ResponseMode::FormPost && !secure {
            let message = "form_post over http works only while Okta and the application share a host; use https";
            findings.warning("response_mode", message);
        }
        self.check_algorithms(findings);
        self.check_nonce_lifetime(findings);
        self.check_login_parameters(findings);
        let csrf_header = self.options.csrf_header.as_deref().unwrap_or("x-any");
        if http::HeaderName::try_from(csrf_header).is_err() {
            findings.error("csrf_header", format!("`{}` is not a valid header name", csrf_header.escape_default()));
        }
    }
}

fn log(warnings: &[Problem]) {
    for warning in warnings {
        tracing::warn!(target: "okta_auth", "{warning}");
    }
}

/// Unreachable: a missing value is an error among the findings, so `finish` has returned it.
fn missing<T>() -> Result<T> {
    Err(Error::new(Code::Internal, "a setting is missing without a finding"))
}

fn is_https(base_url: Option<&Url>) -> bool {
    base_url.is_some_and(|base| base.scheme() == "https")
}

/// Rejects paths that a router cannot serve literally.
fn check_paths(routes: &Routes, findings: &mut Diagnostics) {
    for path in routes.own() {
        if !path.starts_with('/') || path.contains(['{', '}', '*', '?', '#', '\\']) || path.contains("//") {
            findings.error("routes", format!("`{path}` is not a path that can be served; use a path such as `/login`"));
        }
    }
}
