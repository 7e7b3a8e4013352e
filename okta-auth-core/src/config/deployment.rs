//! Settings of the deployment: how requests reach Okta, the proxies in front of the application, and limits that differ
//! between deployments.

use std::time::Duration;

use url::Url;

use super::builder::ConfigBuilder;
use super::problem::Diagnostics;
use super::{Routes, durations, env, rules};
use crate::error::{Code, Error, Result};
use crate::http::{Backchannel, HttpProxy, OperatorRoutes, ProxyScope};
use crate::issuer::Issuer;
use crate::secret::Secret;

/// Disables the proxy of other variables for this library.
const NONE: &str = "none";

impl ConfigBuilder {
    /// The proxy for requests to Okta; `OKTA_HTTP_PROXY`, or else `HTTPS_PROXY`, with `NO_PROXY`. `none` disables the
    /// proxy, regardless of those variables.
    ///
    /// The URL may contain a user name and a password, which are sent only to the proxy. An https issuer is reached
    /// through a tunnel, so the proxy cannot read or change the traffic. With many tenants, requests to Okta are sent
    /// without a proxy.
    pub fn http_proxy(mut self, url: impl Into<String>) -> Self {
        self.http_proxy = Some(Secret::new(url));
        self
    }

    /// The origin at which the application reaches an issuer on this machine, for example `http://okta:8090` between
    /// containers; `OKTA_BACKCHANNEL_URL`.
    ///
    /// Requests for metadata, keys, tokens, userinfo, introspection and revocation go there. Browsers are redirected to
    /// the issuer's own address, and `iss` is compared with it. The setting is for development: it is rejected unless
    /// the issuer and the base URL are both loopback addresses.
    pub fn backchannel_url(mut self, origin: impl Into<String>) -> Self {
        self.backchannel_url = Some(origin.into());
        self
    }

    /// The path prefix that a reverse proxy strips from requests, for example `/app`; `OKTA_PUBLIC_PREFIX`, by default
    /// none.
    ///
    /// URLs for browsers contain it: redirect URIs, links, forms, and the page to return to after a sign-in. The paths
    /// that the router serves do not contain it. If the router nests the application below a path, set that path with
    /// [`mount_path`](Self::mount_path). Both can be combined: `/app` at the proxy and `/portal` in the router give
    /// `/app/portal/login`.
    pub fn public_prefix(mut self, path: impl Into<String>) -> Self {
        self.public_prefix = Some(path.into());
        self
    }

    /// With many tenants, a path that also answers requests for hosts without a tenant, for example `/healthz`;
    /// `OKTA_HEALTH_PATH`, by default none.
    ///
    /// Health probes use an IP address or send no `Host`. The handler gets no tenant and no user. A handler that
    /// requires a user answers 404 there, like every other path. The path is compared as the client sent it, without
    /// its query.
    pub fn health_path(mut self, path: impl Into<String>) -> Self {
        self.health_path = Some(path.into());
        self
    }

    pub(super) fn checked_health_path(&self, routes: &Routes, findings: &mut Diagnostics) -> Option<String> {
        let path = self.text(&self.health_path, env::HEALTH_PATH)?;
        if !path.starts_with('/') || path.contains(['{', '}', '*', '?', '#', '\\', '%']) || path.contains("//") {
            let message = format!("`{}` is not a plain path; write it like `/healthz`", path.escape_default());
            findings.error(env::HEALTH_PATH, message);
        } else if routes.own().any(|own| own == path) {
            findings.error(env::HEALTH_PATH, format!("`{path}` belongs to the library; use another path"));
        }
        Some(path.to_owned())
    }

    /// Whether the variables or the settings name an Okta org, a client or its credentials. The names of other Okta
    /// libraries count too, such as `OKTA_OAUTH2_ISSUER`.
    ///
    /// A program that would otherwise start a development org calls this first. Building then reports a wrong name
    /// together with the correct one.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// # use okta_auth::config::ConfigBuilder;
    /// let spring = [("OKTA_OAUTH2_ISSUER", "https://dev-12345678.okta.com/oauth2/default")];
    /// let config = ConfigBuilder::from_variables(spring);
    /// assert!(config.names_an_org() && !ConfigBuilder::default().names_an_org());
    /// let message = config.build().unwrap_err().to_string();
    /// assert!(message.contains("the name that is read is `OKTA_ISSUER_URI`"));
    /// ```
    pub fn names_an_org(&self) -> bool {
        let in_code = self.issuer.is_some() || self.client_id.is_some() || self.client_secret.is_some();
        in_code || self.private_key.is_some() || self.variables.name_a_client()
    }

    /// Disables the proxy for many tenants, because their requests go directly.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid) if a backchannel is set: it leads to one issuer, but
    /// each tenant has its own.
    pub(crate) fn without_operator_routes(self) -> Result<Self> {
        if self.text(&self.backchannel_url, env::BACKCHANNEL_URL).is_some() {
            let message = "OKTA_BACKCHANNEL_URL: it leads to a single issuer, but tenants have their own; \
                           remove it";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        Ok(self.http_proxy(NONE))
    }

    /// Reports variables under wrong names. A value in code counts as set. Either a secret or a private key is enough.
    /// `ignored` are variables that have no effect, so they are not missing.
    pub(super) fn report_slips(&self, ignored: &[&str], findings: &mut Diagnostics) {
        let (key, secret) = self.has_credentials();
        self.variables.report_slips(
            |meant| match meant {
                name if ignored.contains(&name) => true,
                env::ISSUER_URI if self.issuer.is_some() => true,
                env::CLIENT_ID if self.client_id.is_some() => true,
                env::CLIENT_SECRET | env::PRIVATE_KEY | env::PRIVATE_KEY_FILE => key || secret,
                env::PRIVATE_KEY_ID if secret => true,
                env::BASE_URL if self.base_url.is_some() => true,
                env::REDIRECT_URI if self.redirect_uri.is_some() => true,
                env::POST_LOGOUT_REDIRECT_URI if self.post_logout_redirect_uri.is_some() => true,
                env::SCOPES if self.scopes.is_some() => true,
                env::AUDIENCE if self.audience.is_some() => true,
                env::COOKIE_SECRET if !self.cookie_secrets.is_empty() => true,
                env::SESSION_STORE if self.session_store.is_some() => true,
                env::HTTP_PROXY if self.http_proxy.is_some() => true,
                env::LEEWAY if self.leeway.is_some() => true,
                name => self.variables.value(name).is_some(),
            },
            findings,
        );
    }

    pub(super) fn read_limits(&mut self, findings: &mut Diagnostics) {
        let variables = &self.variables;
        let mut read = |name: &str, read: fn(&str, &mut Diagnostics) -> Option<Duration>| {
            variables.value(name).and_then(|value| read(value, findings))
        };
        let idle = self.session_idle.or_else(|| read(env::SESSION_IDLE, durations::session_idle));
        let absolute = self.session_absolute.or_else(|| read(env::SESSION_ABSOLUTE, durations::session_absolute));
        let leeway = self.leeway.or_else(|| read(env::LEEWAY, durations::leeway));
        let nonces = self.options.dpop_nonce_lifetime;
        let nonces = nonces.or_else(|| read(env::DPOP_NONCE_LIFETIME, durations::nonce_lifetime));
        let options = &mut self.options;
        options.dpop_nonce_lifetime = nonces;
        options.session_idle = idle.unwrap_or(options.session_idle);
        options.session_absolute = absolute.unwrap_or(options.session_absolute);
        options.leeway = leeway.unwrap_or(options.leeway);
        self.read_algorithms();
        self.read_login_parameters(findings);
        self.read_dpop(findings);
    }

    /// The connections to the issuer: a proxy, and in development a backchannel, which bypasses the proxy.
    pub(super) fn operator_routes(&self, findings: &mut Diagnostics, known: Option<(&Issuer, &Url)>) -> OperatorRoutes {
        let (proxy, value) = (self.proxy(findings), self.text(&self.backchannel_url, env::BACKCHANNEL_URL));
        let inside = value
            .zip(known)
            .and_then(|(value, (issuer, base))| Some((issuer, rules::backchannel_url(value, issuer, base, findings)?)));
        let Some((issuer, inside)) = inside else { return OperatorRoutes { proxy, backchannel: None } };
        let host = inside.host_str().unwrap_or_default().to_owned();
        let backchannel = Some(Backchannel::new(issuer.url(), inside));
        OperatorRoutes { proxy: proxy.map(|proxy| proxy.except(host)), backchannel }
    }

    /// Returns the proxy, if one is configured.
    ///
    /// An unusable proxy is an error. Without it, requests would take a path that the operator does not expect.
    fn proxy(&self, findings: &mut Diagnostics) -> Option<HttpProxy> {
        let own = self.place(self.http_proxy.as_ref(), env::HTTP_PROXY);
        let (variable, url, scope) = match own {
            Some(url) if url.eq_ignore_ascii_case(NONE) => return None,
            Some(url) => (env::HTTP_PROXY, url, ProxyScope::Every),
            None => {
                let (variable, url) = self.variables.first_of(&env::PROXIES)?;
                (variable, url, ProxyScope::Https)
            }
        };
        let proxy = HttpProxy::parse(url, scope);
        let proxy = proxy.map_err(|why| {
            let fix = "OKTA_HTTP_PROXY sets another proxy for requests to Okta, or `none`";
            findings.error(variable, format!("{why}; {fix}"));
        });
        let direct = self.variables.first_of(&env::NO_PROXY).map(|(_, hosts)| hosts);
        // `*` means every host, including addresses. The client's own reading of `*` leaves addresses out.
        let everything = direct.is_some_and(|hosts| hosts.split(',').any(|host| host.trim() == "*"));
        let proxy = proxy.ok().filter(|_| !everything)?;
        Some(direct.into_iter().fold(proxy, HttpProxy::except))
    }
}
