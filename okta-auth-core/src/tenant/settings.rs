//! The settings of one tenant.

use std::time::Duration;

use super::id::TenantId;
use crate::clock::Timestamp;
use crate::config::ConfigBuilder;
use crate::secret::Secret;

/// The settings of one tenant. Unset fields use the application's settings.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::tenant::{TenantId, TenantSettings};
///
/// let id = TenantId::parse("acme").unwrap();
/// let acme = TenantSettings::new(id, "https://acme.okta.com/oauth2/default", "0oa1abcdXYZ2efGhI5d7")
///     .with_name("Acme Inc.")
///     .with_email_domains(["acme.com"]);
/// # let _ = acme;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TenantSettings {
    /// The short id.
    ///
    /// Sessions are bound to it and to the client id. If either changes, users must sign in again.
    pub id: TenantId,
    /// The display name, for pages.
    pub name: Option<String>,
    /// The issuer. It is compared character by character; its metadata decides whether a trailing slash belongs to it.
    pub issuer: String,
    /// Earlier issuers whose sessions and access tokens are still accepted, for example the org's own URL after a move
    /// to a custom domain. Remove an entry to reject them.
    pub former_issuers: Vec<String>,
    /// The client id at the issuer.
    pub client_id: String,
    /// The client secret. `None` means that the client has no secret: the application's own is never sent to a tenant's
    /// issuer.
    pub client_secret: Option<Secret>,
    /// Whether the client authenticates with the application's private key (`private_key_jwt`), whose public key is
    /// then registered at the tenant's Okta too. The default is `false`.
    ///
    /// An assertion signed with the key names its token endpoint, so it is invalid at the endpoint of another tenant.
    pub shared_key: bool,
    /// The origin under which the tenant's users reach the application. The default is the application's own, or the
    /// tenant's subdomain of it.
    pub base_url: Option<String>,
    /// The host names of this tenant, without port.
    pub hosts: Vec<String>,
    /// The e-mail domains of the tenant's users, in ASCII.
    pub email_domains: Vec<String>,
    /// The scopes to request, separated by spaces.
    pub scopes: Option<String>,
    /// The audiences of access tokens, separated by commas.
    pub audience: Option<String>,
    /// The name of the policy set for this tenant; the default is the application's own set.
    pub policies: Option<String>,
    /// The idle timeout of a session.
    pub session_idle: Option<Duration>,
    /// The maximum lifetime of a session after sign-in.
    pub session_absolute: Option<Duration>,
    /// When the tenant was created, for tenants of a `multi_tenant::TenantSource`.
    ///
    /// If two tenants claim the same client, or the same audience at one authorization server, the older one is served
    /// and the other is rejected. Without this timestamp the tenant of the first request is served, so a customer who
    /// can add tenants could take over another tenant's client after a restart. Tables and files are checked as a whole
    /// and do not need it.
    pub created_at: Option<Timestamp>,
}

impl TenantSettings {
    /// Creates settings that use the application's settings for all other fields.
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

    /// Sets the [display name](Self::name).
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Sets the [client secret](Self::client_secret).
    #[must_use]
    pub fn with_client_secret(self, secret: impl Into<Secret>) -> Self {
        Self { client_secret: Some(secret.into()), ..self }
    }

    /// Sets the [host names](Self::hosts).
    #[must_use]
    pub fn with_hosts<S: Into<String>>(self, hosts: impl IntoIterator<Item = S>) -> Self {
        Self { hosts: hosts.into_iter().map(Into::into).collect(), ..self }
    }

    /// Sets the [e-mail domains](Self::email_domains).
    #[must_use]
    pub fn with_email_domains<S: Into<String>>(self, domains: impl IntoIterator<Item = S>) -> Self {
        Self { email_domains: domains.into_iter().map(Into::into).collect(), ..self }
    }

    /// Selects a [policy set](Self::policies) by name.
    #[must_use]
    pub fn with_policies(self, name: impl Into<String>) -> Self {
        Self { policies: Some(name.into()), ..self }
    }

    /// Sets the [time of creation](Self::created_at).
    #[must_use]
    pub fn with_created_at(self, time: Timestamp) -> Self {
        Self { created_at: Some(time), ..self }
    }

    /// Returns the name, or else the id.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// Applies the tenant's settings on top of the application's.
    ///
    /// The credentials are always replaced, even by none. The application's secret must never reach a customer's token
    /// endpoint, and its key signs only for tenants with `shared_key`.
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
