//! Revokes the refresh tokens of ended sessions at Okta (RFC 7009).

use std::sync::Arc;
use std::time::Duration;

use super::record::Session;
use crate::discovery::Metadata;
use crate::protocol::Provider;

/// The longest time that a logout waits for Okta to revoke a token.
const REVOCATION_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(crate) struct TokenRevoker(Arc<Provider>);

impl TokenRevoker {
    pub(crate) fn new(provider: Arc<Provider>) -> Self {
        Self(provider)
    }

    /// Revokes the refresh token of a session that has ended here. A failure is only logged, because the logout must
    /// succeed in any case.
    pub(crate) async fn revoke(&self, metadata: &Metadata, session: &Session) {
        let Some(token) = session.refresh_token() else { return };
        match tokio::time::timeout(REVOCATION_TIMEOUT, self.0.protocol.revoke_refresh_token(metadata, &token)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(target: "okta_auth", code = %error.code(), "the refresh token was not revoked: {error:?}");
            }
            Err(_) => tracing::warn!(target: "okta_auth", "the refresh token was not revoked: Okta took too long"),
        }
    }

    /// Revokes the refresh token in a separate task, because Okta may be slow.
    pub(crate) fn revoke_in_background(self: &Arc<Self>, session: Arc<Session>) {
        let revoker = Arc::clone(self);
        tokio::spawn(async move {
            match revoker.0.discovery.metadata().await {
                Ok(metadata) => revoker.revoke(&metadata, &session).await,
                Err(error) => {
                    tracing::warn!(target: "okta_auth", code = %error.code(), "a refresh token was not revoked: {error:?}");
                }
            }
        });
    }
}
