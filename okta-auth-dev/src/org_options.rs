//! Switches of an org that requests depend on.

use std::time::Duration;

#[derive(Clone, Debug, Default)]
pub(crate) struct OrgOptions {
    /// Origins whose scripts may read responses, besides the origins of redirect URIs.
    pub(crate) trusted_origins: Vec<String>,
    /// Identity providers, besides the org itself, that the parameter `idp` may name.
    pub(crate) identity_providers: Vec<String>,
    pub(crate) refuse_post_message: bool,
    /// Whether cookies are `SameSite=None; Secure` on plain HTTP as well.
    pub(crate) cross_site_cookies: bool,
    /// Whether the password has its own page.
    pub(crate) identifier_first: bool,
    pub(crate) stable_secrets: bool,
    /// How long a nonce for DPoP proofs is handed out; `None` for Okta's 24 hours.
    pub(crate) dpop_nonce_lifetime: Option<Duration>,
    /// Whether the org serves what RFCs define and Okta does not announce.
    pub(crate) rfc_extensions: bool,
}
