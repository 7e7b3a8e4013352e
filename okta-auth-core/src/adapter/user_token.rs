//! What `User` offers for calls to other APIs, if the feature `client` is enabled.

/// Implements calls to other APIs for `User`.
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

            fn fresh_session(
                &self,
            ) -> std::pin::Pin<
                Box<
                    dyn Future<Output = Result<std::sync::Arc<$crate::session::Session>, $crate::error::Error>>
                        + Send
                        + '_,
                >,
            > {
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
