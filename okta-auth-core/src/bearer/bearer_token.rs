//! The holder of an access token, for handlers.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::jose::{AccessTokenClaims, Actor, VerifiedAccessToken};
use crate::policy::{Caller, Decision, Policy};
use crate::tenant::TenantSettings;

/// A request with a verified access token.
///
/// A token is an authorization and not an identity: it states what its client may do, and for which user. Key your own
/// records by issuer and [`user_id`](Self::user_id), which equals the `sub` of the user's sessions. The token's own
/// subject is a login and can change.
///
/// The token contains only the claims that Okta put there. `C` is the application's own type for them; `()` reads none.
pub struct BearerToken<C = ()> {
    token: VerifiedAccessToken,
    at: (Timestamp, Duration),
    tenant: Option<Arc<TenantSettings>>,
    claims: C,
}

impl<C: DeserializeOwned + 'static> BearerToken<C> {
    pub(crate) fn new(
        token: VerifiedAccessToken,
        at: (Timestamp, Duration),
        tenant: Option<Arc<TenantSettings>>,
    ) -> Result<Self> {
        let nothing = TypeId::of::<C>() == TypeId::of::<()>();
        let claims = if nothing { C::deserialize(Value::Null) } else { C::deserialize(token.claims().all()) };
        let claims = claims.map_err(|error| {
            Error::new(Code::ClaimsMismatch, "the claims of the access token do not fit the requested type")
                .with_cause(error)
        })?;
        Ok(Self { token, at, tenant, claims })
    }
}

impl<C> BearerToken<C> {
    /// Returns the claims, in the application's own type.
    pub fn claims(&self) -> &C {
        &self.claims
    }

    /// Returns the tenant that the token was verified for; `None` in an application with a single Okta.
    pub fn tenant(&self) -> Option<&TenantSettings> {
        self.tenant.as_deref()
    }

    /// Returns all claims, with accessors for the registered ones.
    pub fn token(&self) -> &AccessTokenClaims {
        self.token.claims()
    }

    /// Returns the issuer of the token.
    pub fn issuer(&self) -> &str {
        self.token().issuer()
    }

    /// Returns the subject: at Okta the user's login, or the client id of a machine.
    pub fn subject(&self) -> &str {
        self.token().subject()
    }

    /// Returns the client that the token was issued to; empty for a token with an [`actor`](Self::actor) that names
    /// none.
    pub fn client_id(&self) -> &str {
        self.token().client_id()
    }

    /// Returns the user's id at Okta; `None` for a machine, and for some tokens with an [`actor`](Self::actor).
    pub fn user_id(&self) -> Option<&str> {
        self.token().user_id()
    }

    /// Whether the token belongs to a machine and not to a user.
    pub fn is_machine(&self) -> bool {
        self.token().is_machine()
    }

    /// Returns the party that uses the token for its user, such as an AI agent; `None` if the user or a machine uses it
    /// directly.
    pub fn actor(&self) -> Option<&Actor> {
        self.token().actor()
    }

    /// Whether a scope was granted. To reject requests without it, use a policy, because its response names the missing
    /// scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.token().scopes().iter().any(|granted| granted == scope)
    }

    /// Evaluates a policy for the holder.
    pub async fn decide(&self, policy: &Policy) -> Decision {
        let (now, leeway) = self.at;
        policy.decide(&Caller::token(self.token.clone(), now, leeway)).await
    }
}

impl<C> AsRef<VerifiedAccessToken> for BearerToken<C> {
    fn as_ref(&self) -> &VerifiedAccessToken {
        &self.token
    }
}

impl<C: Clone> Clone for BearerToken<C> {
    fn clone(&self) -> Self {
        Self { token: self.token.clone(), at: self.at, tenant: self.tenant.clone(), claims: self.claims.clone() }
    }
}

opaque_debug!(BearerToken<C>);
