//! Requests new tokens for a session, and keeps those that could not be verified yet.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::clock::SharedClock;
use crate::error::{Code, Error, Result};
use crate::protocol::{Provider, TokenSet};
use crate::session::record::Session;
use crate::session::store::StoreKey;
use crate::tokens::refresh::{self, RefreshContext, RefreshedTokens};

/// Issued tokens that could not be verified yet.
pub(super) struct UnverifiedTokens(Cache<StoreKey, Unverified>);

#[derive(Clone)]
struct Unverified {
    /// The session whose refresh token was used.
    before: Arc<Session>,
    tokens: Arc<TokenSet>,
    /// Whether verification should be repeated, because it failed for lack of keys.
    again: bool,
}

impl UnverifiedTokens {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    /// Returns the tokens that were issued for this session.
    fn issued_for(&self, session: &Session) -> Option<Unverified> {
        self.0.get(&session.key()).filter(|kept| kept.before.has_tokens_of(session))
    }

    /// Requests new tokens from the provider, unless unverified ones are still pending.
    ///
    /// The old refresh token is used up even if verification failed, so the next request presents the new one.
    pub(super) async fn refresh(
        &self,
        provider: &Provider,
        clock: &SharedClock,
        session: &Arc<Session>,
    ) -> Result<RefreshedTokens> {
        let kept = self.issued_for(session);
        let newer = kept.as_ref().and_then(|kept| kept.tokens.refresh_token.clone());
        // The newer token is bound to the key of its own request.
        let key = match &newer {
            Some(_) => kept.as_ref().and_then(|kept| kept.tokens.dpop_key.clone()),
            None => session.dpop_key(),
        };
        let token = newer.or_else(|| session.refresh_token());
        let token = token.ok_or_else(|| Error::new(Code::Internal, "a session without a refresh token was due"))?;
        let metadata = provider.discovery.metadata().await?;
        let with = provider.context(&metadata);
        let known = RefreshContext {
            subject: session.subject(),
            claims: session.all_claims(),
            scopes: session.scopes(),
            refresh_token: &token,
            dpop_key: key.as_ref(),
        };
        let now = clock.now();
        let usable = |kept: &Unverified| kept.again && kept.tokens.access_token_expires_at.is_none_or(|end| now < end);
        let tokens = match kept.filter(usable) {
            Some(kept) => kept.tokens,
            None => {
                let mut tokens = refresh::ask(&with, &known).await?;
                // A refresh token that does not rotate stays valid, and may differ from the session's.
                tokens.refresh_token.get_or_insert_with(|| token.clone());
                Arc::new(tokens)
            }
        };
        let verified = refresh::verified(&with, &known, Arc::clone(&tokens)).await;
        self.keep_if_unverified(session, tokens, verified.as_ref().err());
        verified
    }

    /// Keeps the tokens if a later verification may succeed.
    fn keep_if_unverified(&self, session: &Arc<Session>, tokens: Arc<TokenSet>, error: Option<&Error>) {
        let key = session.key();
        match error {
            Some(error) if !ends_session(error) => {
                let (before, again) = (Arc::clone(session), waits_for_keys(error));
                self.0.insert(key, Unverified { before, tokens, again });
            }
            _ => drop(self.0.remove(&key)),
        }
    }
}

/// Whether a failure ends the session, because a retry cannot succeed.
///
/// Okta rejects the refresh token, or its response contains tokens that cannot belong to this session. Failures that a
/// wrong clock or an unpublished key can cause are excluded.
pub(super) fn ends_session(error: &Error) -> bool {
    const FINAL: [&str; 5] =
        ["invalid_grant", "access_denied", "consent_required", "interaction_required", "login_required"];
    match error.code() {
        Code::TokenRefused => error.provider_error().is_some_and(|error| FINAL.contains(&error)),
        Code::TokenClaim => !matches!(error.claim(), Some("iat" | "nbf" | "exp")),
        Code::TokenExpired | Code::TokenKeyUnknown => false,
        Code::UserinfoSubject => true,
        _ => error.is_token(),
    }
}

/// Whether the provider refused the refresh without a reason of its own. RFC 6749 §5.2 requires `invalid_grant` for a
/// revoked token, but some providers answer with an empty 400 or with `invalid_request`. Other errors are outages, or
/// mistakes that an operator can correct.
pub(super) fn is_unexplained_refusal(error: &Error) -> bool {
    error.code() == Code::TokenRefused
        && error.provider_status() == Some(400)
        && matches!(error.provider_error(), None | Some("invalid_request"))
}

/// Whether verification failed only for lack of keys. After a clock failure new tokens are requested.
fn waits_for_keys(error: &Error) -> bool {
    error.is_temporary() || error.code() == Code::TokenKeyUnknown
}
