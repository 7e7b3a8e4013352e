//! The users whose tokens are sent to other APIs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::protocol::DpopKey;
use crate::secret::Secret;
use crate::session::Session;

/// The future of a [`UserToken`].
pub type UserTokenFuture<'a, T = Secret> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// An access token of a user, and the key that it is bound to, if any (DPoP, RFC 9449).
pub struct UserAccessToken {
    pub(super) token: Secret,
    pub(super) key: Option<DpopKey>,
}

impl UserAccessToken {
    pub(crate) fn new(token: Secret, key: Option<DpopKey>) -> Self {
        Self { token, key }
    }
}

impl From<Secret> for UserAccessToken {
    /// A bearer token.
    fn from(token: Secret) -> Self {
        Self::new(token, None)
    }
}

/// A user with an access token, such as the `User` of a handler.
pub trait UserToken: Send + Sync {
    /// Returns the access token of the user's session, refreshed if necessary.
    ///
    /// # Errors
    /// [`Code::SessionEnded`] if the session has ended. Otherwise the error of the refresh if it fails.
    fn access_token(&self) -> UserTokenFuture<'_>;

    /// Returns the access token with its key. The default implementation returns a bearer token, without a key.
    ///
    /// # Errors
    /// As for [`access_token`](Self::access_token).
    fn access_token_with_key(&self) -> UserTokenFuture<'_, UserAccessToken> {
        Box::pin(async { self.access_token().await.map(UserAccessToken::from) })
    }

    /// Returns the user's session, refreshed if necessary. Its ID token is exchanged for a grant for another app's
    /// authorization server (Cross App Access). The users of this library implement this method.
    ///
    /// # Errors
    /// [`Code::SessionEnded`] if the session has ended, and always in the default implementation. Otherwise the error
    /// of the refresh if it fails.
    fn fresh_session(&self) -> UserTokenFuture<'_, Arc<Session>> {
        Box::pin(async { Err(Error::new(Code::SessionEnded, "this user has no session of okta-auth")) })
    }
}

opaque_debug!(UserAccessToken, |it| is_bound: it.key.is_some());
