//! Grants and authorization codes.

use super::delegation::Delegation;
use crate::grant_type::GrantType;
use crate::random;

/// The permission of a client, from which all its tokens derive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Links everything that one sign-in issued, so that it can be revoked together.
    pub(crate) id: String,
    pub(crate) server: String,
    pub(crate) client_id: String,
    /// How the client obtained it. Refreshed tokens keep it.
    pub(crate) grant_type: GrantType,
    pub(crate) login: Option<String>,
    /// The granted scopes. They equal the requested scopes, because an unknown scope fails the request.
    pub(crate) scopes: Vec<String>,
    /// The Okta session of the user: the claim `sid`.
    pub(crate) sid: Option<String>,
    pub(crate) nonce: Option<String>,
    /// When the user authenticated, in seconds. Refreshed tokens keep it.
    pub(crate) auth_time: i64,
    /// The value of `acr`, if the request had `acr_values`.
    pub(crate) acr: Option<String>,
    /// How the user authenticated. Refreshed ID tokens repeat it unchanged.
    pub(crate) amr: Vec<String>,
    /// The identity provider that authenticated the user; `None` for the org itself.
    pub(crate) idp: Option<String>,
    /// The `aud` of access tokens, if it is not that of the server.
    pub(crate) resource: Option<String>,
    /// The thumbprint of the key that the tokens are bound to (RFC 9449 §6).
    pub(crate) jkt: Option<String>,
    /// For whom an agent acts.
    pub(crate) delegation: Option<Box<Delegation>>,
}

impl Grant {
    /// Creates a grant without a user, with a fresh id.
    pub(crate) fn new(
        server: &str,
        client_id: &str,
        grant_type: GrantType,
        scopes: Vec<String>,
        auth_time: i64,
    ) -> Self {
        Self {
            id: random::token(),
            server: server.to_owned(),
            client_id: client_id.to_owned(),
            grant_type,
            login: None,
            scopes,
            sid: None,
            nonce: None,
            auth_time,
            acr: None,
            amr: Vec::new(),
            idp: None,
            resource: None,
            jkt: None,
            delegation: None,
        }
    }

    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    pub(crate) fn is_of(&self, login: &str) -> bool {
        self.login.as_ref().is_some_and(|owner| owner.eq_ignore_ascii_case(login))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    /// The redirect URI of the request, which the exchange must repeat (RFC 6749 §4.1.3).
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    /// The thumbprint of the key that the exchange must prove to have (RFC 9449 §10).
    pub(crate) dpop_jkt: Option<String>,
    pub(crate) expires_at: i64,
}
