//! The extractor `User` as the source of tokens for calls to other APIs.

/// The user's token for calls to other APIs.
#[cfg(feature = "client")]
#[doc(hidden)]
#[macro_export]
macro_rules! __user_token {
    () => {
        impl<C> User<C> {
            /// Returns the service for calls to other APIs, with the client and the org of the user's tenant.
            pub fn outgoing(&self) -> &$crate::outgoing::Outgoing {
                self.0.outgoing()
            }
        }

        impl<C: Send + Sync> $crate::outgoing::UserToken for User<C> {
            fn access_token(&self) -> $crate::outgoing::UserTokenFuture<'_> {
                $crate::outgoing::UserToken::access_token(&self.0)
            }

            fn access_token_with_key(
                &self,
            ) -> $crate::outgoing::UserTokenFuture<'_, $crate::outgoing::UserAccessToken> {
                $crate::outgoing::UserToken::access_token_with_key(&self.0)
            }

            fn fresh_session(&self) -> $crate::outgoing::UserTokenFuture<'_, std::sync::Arc<$crate::session::Session>> {
                $crate::outgoing::UserToken::fresh_session(&self.0)
            }
        }
    };
}

#[cfg(not(feature = "client"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __user_token {
    () => {};
}
