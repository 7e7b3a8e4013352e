//! The extension trait for policies on routes of all adapters.
//!
//! Only the crate that defines a trait can implement it for a framework's types, so each adapter has its own.

/// Defines `RequireExt` in an adapter. The attributes are the documentation that concerns the framework.
#[doc(hidden)]
#[macro_export]
macro_rules! __require_ext {
    ($(#[$of_framework:meta])*) => {
        $(#[$of_framework])*
        pub trait RequireExt: Sized {
            /// Evaluates the policy for the user of the session. An access token does not count, even in addition to a
            /// session.
            ///
            /// A browser is redirected to Okta if it has no session, or if its sign-in is not strong or recent enough.
            /// Other clients get 401 or 403.
            #[must_use]
            fn require(self, policy: $crate::policy::Policy) -> Self {
                self.require_for($crate::policy::AcceptedCredentials::Session, policy)
            }

            /// Evaluates the policy for the holder of the access token if the request has one, and otherwise for the
            /// user of the session.
            ///
            /// Every client of a custom authorization server can get a token for the default audience. Set an audience
            /// for this API, or list the clients with
            /// [`accept_client`](okta_auth_core::engine::OktaAuthBuilder::accept_client).
            #[must_use]
            fn require_any(self, policy: $crate::policy::Policy) -> Self {
                self.require_for($crate::policy::AcceptedCredentials::SessionOrBearer, policy)
            }

            /// Evaluates the policy for the holder of the access token. A session does not count.
            #[must_use]
            fn require_token(self, policy: $crate::policy::Policy) -> Self {
                self.require_for($crate::policy::AcceptedCredentials::BearerOnly, policy)
            }

            /// Evaluates the policy for the holder of an access token that is bound to a key (DPoP, RFC 9449). The
            /// request must prove possession of that key. Other tokens get 401.
            #[must_use]
            fn require_dpop(self, policy: $crate::policy::Policy) -> Self {
                self.require_token(policy & $crate::policy::bound())
            }

            /// Evaluates the policy for the caller that the accepted credentials identify.
            #[must_use]
            fn require_for(
                self,
                accepts: $crate::policy::AcceptedCredentials,
                policy: $crate::policy::Policy,
            ) -> Self;
        }
    };
}
