//! The users whose tokens are sent to other APIs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::session::Session;

/// The future of a [`UserToken`].
pub type UserTokenFuture<'a, T = Secret> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A user with an access token, such as the `User` of a handler.
pub trait UserToken: Send + Sync {
    /// Returns the access token of the user's session, refreshed if necessary.
    fn access_token(&self) -> UserTokenFuture<'_>;

    /// Returns the user's session, refreshed if necessary. Its ID token is what another app's authorization server
    /// receives a grant for (Cross App Access). Only the users of this library have a session.
    ///
    /// # Errors
    /// [`Code::SessionEnded`] by default, and that of the refresh.
    fn fresh_session(&self) -> UserTokenFuture<'_, Arc<Session>> {
        Box::pin(async { Err(Error::new(Code::SessionEnded, "this user has no session of okta-auth")) })
    }
}
