//! What is set for one tenant.

use std::time::Duration;

use super::id::TenantId;
use crate::clock::Timestamp;
use crate::config::ConfigBuilder;
use crate::secret::Secret;

/// The settings of one tenant. What is not set here is as for the whole application.
///
/// ```
/// use okta_auth_core::tenant::{TenantId, TenantSettings};
///
/// let id = TenantId::parse("acme").unwrap();
/// let mut acme = TenantSettings::new(id, "https://acme.okta.com/oauth2/default", "0oa1abcdXYZ2efGhI5d7");
/// acme.name = Some("Acme Inc.".to_owned());
/// acme.email_domains = vec!["acme.com".to_owned()];
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TenantSettings {
    /// The short name.
    ///
    /// Sessions are bound to it and to the client id: with another one nobody is signed
    /// in any more.
    pub id: TenantId,
    /// What people call it, for pages.
    pub name: Option<String>,
    /// The issuer, character by character.
    pub issuer: String,
    /// Issuers that the tenant had before, for as long as sessions and access tokens of
    /// theirs are to count: the org's own URL beside a custom domain, for example.
    pub former_issuers: Vec<String>,
    /// The client id there.
    pub client_id: String,
    /// The client secret.
    ///
    /// Without one there is none: the application's own is never sent to a tenant's
    /// issuer.
    pub client_secret: Option<Secret>,
    /// Whether it authenticates with the application's private key, whose public half
    /// is registered at its Okta too (`private_key_jwt`); no by default.
    ///
    /// An assertion that is signed with it names the token endpoint that it is for, and
    /// is worth nothing at another tenant's.
    pub shared_key: bool,
    /// The origin under which the tenant reaches the application; by default the
    /// application's own, or the tenant's subdomain of it.
    pub base_url: Option<String>,
    /// Host names that lead to this tenant, without port.
    pub hosts: Vec<String>,
    /// Domains of the e-mail addresses of its users, in ASCII.
    pub email_domains: Vec<String>,
    /// The scopes, separated by spaces.
    pub scopes: Option<String>,
    /// The audiences of access tokens, separated by commas.
    pub audience: Option<String>,
    /// The name of the policy set that its users are held to.
    ///
    /// Without one it is the set of the application.
    pub policies: Option<String>,
    /// A session ends when it has not been used for this long.
    pub session_idle: Option<Duration>,
    /// A session ends this long after sign-in.
    pub session_absolute: Option<Duration>,
    /// When the tenant was created, for tenants of a
    /// [`TenantSource`](super::TenantSource).
    ///
    /// Of two that claim the same client, or the same audience at one authorization
    /// server, the elder is served and the other one refused. Without this moment it is
    /// the one that was asked for first, so that somebody who can add tenants could take
    /// the place of another one after a restart. Tables and files are checked as a
    /// whole and do not need it.
    pub created_at: Option<Timestamp>,
}

impl TenantSettings {
    /// A tenant with everything else as for the whole application.
    pub fn new(id: TenantId, issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            id,
            name: None,
            issuer: issuer.into(),
            former_issuers: Vec::new(),
            client_id: client_id.into(),
            client_secret: None,
            shared_key: false,
            base_url: None,
            hosts: Vec::new(),
            email_domains: Vec::new(),
            scopes: None,
            audience: None,
            policies: None,
            session_idle: None,
            session_absolute: None,
            created_at: None,
        }
    }

    /// What people call the tenant: its name, or else its id.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// The settings of the application, with those of the tenant in their place.
    ///
    /// The credentials are replaced in any case, even by none: a secret that belongs to
    /// the application must not reach the token endpoint of a customer, and its key
    /// signs for those alone who name it.
    pub(crate) fn apply(&self, base: &ConfigBuilder) -> ConfigBuilder {
        let mut config = base
            .clone()
            .without_former_issuers()
            .issuer(&self.issuer)
            .client_id(&self.client_id)
            .tenant(self.id.clone());
        for issuer in &self.former_issuers {
            config = config.former_issuer(issuer);
        }
        config = match self.shared_key {
            true => config.only_private_key(),
            false => config.only_client_secret(self.client_secret.clone()),
        };
        if let Some(base_url) = &self.base_url {
            config = config.base_url(base_url);
        }
        if let Some(scopes) = &self.scopes {
            config = config.scopes(scopes);
        }
        if let Some(audience) = &self.audience {
            config = config.audience(audience);
        }
        if let Some(idle) = self.session_idle {
            config = config.session_idle(idle);
        }
        if let Some(absolute) = self.session_absolute {
            config = config.session_absolute(absolute);
        }
        config
    }
}
