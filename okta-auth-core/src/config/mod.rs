//! Configuration: read once, checked as a whole, and immutable afterwards.
//!
//! [`ConfigBuilder::build`] reports every problem at once, each with its fix, so that a first setup takes one attempt
//! instead of six. A setting that works but is probably a mistake becomes a warning, which is logged and kept in
//! [`Config::warnings`]. Building does not access the network, so an application can start during an outage at Okta.
//!
//! | variable | default |
//! |---|---|
//! | `OKTA_ISSUER_URI` | required |
//! | `OKTA_CLIENT_ID` | required |
//! | `OKTA_CLIENT_SECRET` | none: a private key, or a public client |
//! | `OKTA_CLIENT_SECRET_METHOD` | `client_secret_basic`; or `client_secret_post`, `client_secret_jwt` |
//! | `OKTA_PRIVATE_KEY`, `OKTA_PRIVATE_KEY_FILE`, `OKTA_PRIVATE_KEY_ID` | none |
//! | `OKTA_BASE_URL` | `http://localhost:8080` |
//! | `OKTA_REDIRECT_URI` | `{base}/authorization-code/callback` |
//! | `OKTA_POST_LOGOUT_REDIRECT_URI` | `{base}/` |
//! | `OKTA_SCOPES` | `openid profile email` |
//! | `OKTA_AUDIENCE` | `api://default` |
//! | `OKTA_TRUSTED_AUDIENCES` | none; further audiences of ID tokens |
//! | `OKTA_COOKIE_SECRET` | random for each process |
//! | `OKTA_COOKIE_NAME` | `okta_session-` and eight digits derived from issuer and client |
//! | `OKTA_SESSION_STORE` | `cookie`; or `memory`, or `redis://..` |
//! | `OKTA_REVOCATION_STORE` | `memory`; or `none`, or `redis://..`; for sessions in cookies |
//! | `OKTA_SESSION_IDLE`, `OKTA_SESSION_ABSOLUTE` | `1h`, `12h`; seconds, or with `s`, `m`, `h`, `d` |
//! | `OKTA_LEEWAY` | `60s`, in the same form |
//! | `OKTA_HTTP_PROXY` | `HTTPS_PROXY`, except for hosts in `NO_PROXY`; or `none` |
//! | `OKTA_PUBLIC_PREFIX` | none |
//! | `OKTA_DPOP` | `off`; or `on`, `auto` |
//! | `OKTA_DPOP_NONCE_LIFETIME` | none: proofs need no nonce; a duration from `10s` to `24h` |
//! | `OKTA_HEALTH_PATH` | none; for many tenants |
//! | `OKTA_BACKCHANNEL_URL` | none; for development |
//! | `OKTA_PAR` | `auto`: if the metadata requires it; or `on` |
//! | `OKTA_REQUEST_OBJECT` | `auto`: if the metadata requires it; or `signed` |
//! | `OKTA_LOGIN_PARAMETERS` | none; parameters of every authorization request, as a query string |
//! | `OKTA_ALGORITHMS` | `RS256`; the signature algorithms of tokens, separated by commas |
//! | `OKTA_ID_TOKEN_DECRYPTION_KEY`, `OKTA_ID_TOKEN_DECRYPTION_KEY_FILE` | none: ID tokens are not encrypted |
//!
//! # Errors and warnings
//!
//! | setting | rejected | warning |
//! |---|---|---|
//! | issuer | missing, a placeholder, the admin console, `.com.com`, an endpoint, `/oauth2` alone, a query or fragment, `http` for another machine | a trailing slash; the issuer's metadata decides whether it belongs to the issuer |
//! | client id, client secret | a placeholder, spaces or quotes | |
//! | method of the client secret | an unknown one, `client_secret_jwt` with fewer than 32 characters | |
//! | client secret and private key | both at once, because the library cannot see which one Okta expects | |
//! | pushed and signed authorization requests | a public client, which can neither authenticate nor sign; HS256 with a secret of fewer than 32 characters | |
//! | parameters of every sign-in | those that the protocol sets or that have their own setting, `prompt=none`, a name that occurs twice | |
//! | algorithms | none, an unknown one, `none`, HMAC | |
//! | private key | neither PEM nor JWK nor base64 of one, neither RSA nor P-256, a file that cannot be read | |
//! | key for encrypted ID tokens | as for the private key; also any key in an application with many tenants | |
//! | base URL | a path, a query, `http` for another machine | |
//! | redirect URI | another origin than the base URL, because the browser would not send the cookie | |
//! | scopes | no `openid`, a character that a scope cannot have | |
//! | audience | | set for an org server, where only the client id has an effect |
//! | further issuers | an org server, whose tokens cannot be verified | |
//! | cookie secret | shorter than 32 bytes, one character repeated; on https a placeholder, a sample, a repetition, a sequence | none at all: a restart signs all users out (on http only in the log) |
//! | session store | an unknown store, Redis without its feature | `memory` on https |
//! | revocation store | an unknown store | memory on https: copies of signed-out cookies are accepted again after a restart |
//! | leeway | more than 5 minutes | |
//! | session limits | zero; in variables less than 10 seconds or more than 400 days | |
//! | proxy | one that does not speak HTTP, a path | |
//! | DPoP | an unknown value; an RSA key, or the key of `private_key_jwt` | |
//! | backchannel | unless the issuer and the base URL are both on this machine | |
//! | lifetime of a pending sign-in | zero, or more than an hour | |
//! | paths | an invalid path, or two equal paths | |
//! | another variable that looks like one of these | if the correct one is missing | if the correct one is set |
//!
//! # Precedence
//!
//! Code, then variable, then default. An empty variable counts as absent, because a deployment with an unset value
//! produces one.
//!
//! ```
//! # use okta_auth_core as okta_auth;
//! use okta_auth::config::ConfigBuilder;
//!
//! # fn main() -> Result<(), okta_auth::error::Error> {
//! let variables = [
//!     ("OKTA_ISSUER_URI", "https://dev-12345678.okta.com/oauth2/default"),
//!     ("OKTA_CLIENT_ID", "0oa1abcdXYZ2efGhI5d7"),
//! ];
//! let config = ConfigBuilder::from_variables(variables).build()?;
//! assert_eq!(config.scopes(), ["openid", "profile", "email"]);
//! # Ok(())
//! # }
//! ```

mod algorithms;
mod app;
mod authorization_parameters;
mod authorization_request;
mod browser_kit;
mod build;
mod builder;
mod client_auth;
mod color;
mod cookie_name;
mod decryption_key;
mod deployment;
mod dpop;
mod dpop_at_api;
mod durations;
#[cfg(test)]
mod egress_tests;
mod env;
mod fapi;
mod options;
mod page_settings;
mod pages;
mod placeholder;
mod private_key;
mod problem;
mod routes;
mod rules;
mod secrets;
mod slips;
mod stores;
mod tenant_overrides;
mod trusted_audiences;
mod variables;

use std::sync::Arc;

use url::Url;

pub(crate) use app::AppConfig;
pub(crate) use authorization_parameters::check_parameter;
pub use builder::ConfigBuilder;
pub(crate) use client_auth::Signer;
pub use client_auth::{ClientAuth, PrivateKey};
pub(crate) use cookie_name::CookieNames;
pub(crate) use decryption_key::{DecryptionKey, DecryptionPair};
pub(crate) use env::is_read;
pub(crate) use options::{DpopMode, Options};
pub use options::{ResponseMode, Userinfo};
pub(crate) use page_settings::{Logo, Pages};
pub use problem::Problem;
pub(crate) use problem::Severity;
pub use routes::Routes;
#[cfg(feature = "client")]
pub(crate) use rules::parse_issuer;
pub(crate) use rules::{DEFAULT_AUDIENCE, check_client};
pub(crate) use stores::{RevocationStoreKind, SessionStoreKind};
pub(crate) use variables::Variables;

use crate::http::OperatorRoutes;
pub use crate::http::{Dangerous, EgressPolicy};
pub use crate::issuer::Issuer;
use crate::secret::Secret;

/// The checked settings of one application at one Okta authorization server.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    pub(crate) app: Arc<AppConfig>,
    pub(crate) issuer: Issuer,
    pub(crate) client_id: String,
    pub(crate) client_auth: ClientAuth,
    /// Opens ID tokens. Without a key they are not encrypted.
    pub(crate) decryption_keys: Vec<DecryptionKey>,
    /// Always contains `openid`.
    pub(crate) scopes: Vec<String>,
    /// The accepted audiences of access tokens; one match is enough.
    pub(crate) audiences: Vec<String>,
    pub(crate) accepted_issuers: Vec<Issuer>,
    pub(crate) former_issuers: Vec<Issuer>,
    /// The tenant that sessions and cookies are bound to.
    pub(crate) tenant: Option<String>,
    /// Empty if a random secret is used, and in an engine, which has the keys that are derived from them.
    pub(crate) cookie_secrets: Vec<Secret>,
    pub(crate) session_place: SessionStoreKind,
    /// The store for revocations of sessions in cookies.
    pub(crate) revocation_place: RevocationStoreKind,
    pub(crate) ways: OperatorRoutes,
    pub(crate) cookie_names: CookieNames,
    pub(crate) warnings: Vec<Problem>,
}

impl Config {
    /// Returns an empty builder; see [`ConfigBuilder`].
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

    /// How the application authenticates at the token endpoint.
    pub fn client_auth(&self) -> &ClientAuth {
        &self.client_auth
    }

    /// The public origin of the application, for example `https://app.example.com/`.
    pub fn base_url(&self) -> &Url {
        &self.app.base_url
    }

    /// The sign-in redirect URI: register it at Okta, character by character.
    pub fn redirect_uri(&self) -> &Url {
        &self.app.redirect_uri
    }

    /// The sign-out redirect URI: register it at Okta, character by character.
    pub fn post_logout_redirect_uri(&self) -> &Url {
        &self.app.post_logout_redirect_uri
    }

    /// The scopes that every sign-in requests; `openid` is always one of them.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The audiences of this API: access tokens of a custom authorization server must contain one of them.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// The issuers whose access tokens are accepted. The first one is used for sign-in.
    pub fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        std::iter::once(&self.issuer).chain(&self.accepted_issuers)
    }

    /// The identifier of this application as an API (RFC 9728 §2).
    pub fn resource(&self) -> &str {
        &self.app.resource
    }

    /// Whether only access tokens are accepted, without sessions.
    pub fn is_api_only(&self) -> bool {
        self.app.api_only
    }

    /// The paths that the library serves.
    pub fn routes(&self) -> &Routes {
        &self.app.routes
    }

    /// Settings that work but are probably mistakes.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The clients whose access tokens of custom servers are accepted; empty for all clients.
    pub(crate) fn accepted_clients(&self) -> Vec<String> {
        let named = &self.app.options.accepted_clients;
        let own = Some(&self.client_id).filter(|own| !named.is_empty() && !own.is_empty());
        own.into_iter().chain(named).cloned().collect()
    }

    pub(crate) fn check_tokens_on_pages(&mut self) {
        if let Some(problem) = self.tokens_on_pages() {
            tracing::warn!(target: "okta_auth", "{problem}");
            self.warnings.push(problem);
        }
    }

    /// Returns a warning if pages accept the access tokens of every client of the issuer, because every client can get
    /// a token for the default audience.
    pub(crate) fn tokens_on_pages(&self) -> Option<Problem> {
        let is_default = self.audiences.iter().any(|audience| audience == DEFAULT_AUDIENCE);
        let is_open = is_default && self.app.options.accepted_clients.is_empty() && !self.issuer.is_org_server();
        let message = format!(
            "routes accept access tokens besides sessions, and `{DEFAULT_AUDIENCE}` is the audience that every client of \
             the authorization server can get a token for; name the clients with `accept_client`, or set an audience \
             of this API"
        );
        let severity = Severity::Warning;
        (is_open && !self.app.api_only).then_some(Problem { severity, variable: env::AUDIENCE, message })
    }

    /// The identity that sessions and cookies are bound to: the tenant or the issuer, and the client.
    pub(crate) fn owner(&self) -> (String, &str) {
        let first = match &self.tenant {
            Some(tenant) => format!("tenant {tenant}"),
            None => self.issuer.as_str().to_owned(),
        };
        (first, &self.client_id)
    }

    pub(crate) fn owns(&self, issuer: &str, client_id: &str) -> bool {
        client_id == self.client_id && self.is_or_was_issuer(issuer)
    }

    pub(crate) fn is_or_was_issuer(&self, issuer: &str) -> bool {
        std::iter::once(&self.issuer).chain(&self.former_issuers).any(|known| known.is_spelled(issuer))
    }

    /// Whether a third party that sends `iss` means this application's current or former issuer.
    pub(crate) fn is_named_by(&self, iss: &str) -> bool {
        std::iter::once(&self.issuer).chain(&self.former_issuers).any(|known| known.is_named_by(iss))
    }

    pub(crate) fn asks_for_email(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "email")
    }
}
