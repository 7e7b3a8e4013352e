//! The errors of handlers and extractors of all adapters.
//!
//! Only the crate that defines a type can implement a framework's traits for it, so each adapter has its own types.
//! This macro defines them, because their causes and responses are the same in every framework.

/// Defines `UserRejection`, `AccessRejection` and `HandlerError` in an adapter. The attributes are the documentation of
/// `HandlerError` that concerns the framework. The adapter only converts each into a response, through [`Rejection`].
///
/// [`Rejection`]: crate::adapter::Rejection
#[doc(hidden)]
#[macro_export]
macro_rules! __rejections {
    ($framework:literal, $layer:expr, $(#[$handler_error:meta])*) => {
        /// Why [`User`](crate::User) could not be extracted.
        ///
        /// As the result of a handler it becomes the right response by itself: for [`NotSignedIn`](Self::NotSignedIn) a
        /// redirect to sign-in for a browser and 401 for other clients, and 403, 503 or 500 for the other variants.
        ///
        /// ```
        #[doc = concat!("use okta_auth::", $framework, "::{User, UserRejection};")]
        ///
        /// async fn greeting(user: Result<User, UserRejection>) -> Result<String, UserRejection> {
        ///     match user {
        ///         Ok(user) => Ok(format!("Hello {}", user.name())),
        ///         Err(UserRejection::NotSignedIn) => Ok("Hello stranger".to_owned()),
        ///         Err(other) => Err(other), // the response of the library
        ///     }
        /// }
        /// # let _ = greeting;
        /// ```
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum UserRejection {
            /// The request has no session.
            NotSignedIn,
            /// The user is signed in, but the claims do not fit the type that the handler requests.
            Claims($crate::error::Error),
            /// The user is signed in, but the request changes state and comes from another site.
            CrossOrigin($crate::error::Error),
            /// The session store or Okta does not respond, so it is unknown whether a user is signed in.
            Unavailable($crate::error::Error),
            /// The layer is missing, which is a bug in the program.
            LayerMissing,
        }

        impl UserRejection {
            /// Returns a stable code for logs and for clients: `login_required`, `layer_missing`, or that of the error.
            pub fn code(&self) -> &'static str {
                self.rejection().code()
            }

            pub(crate) fn rejection(&self) -> $crate::adapter::Rejection {
                match self {
                    Self::NotSignedIn => $crate::adapter::Rejection::Challenge($crate::adapter::Challenge::sign_in()),
                    Self::Claims(error) | Self::CrossOrigin(error) | Self::Unavailable(error) => {
                        $crate::adapter::Rejection::Challenge($crate::adapter::Challenge::error(error.clone()))
                    }
                    Self::LayerMissing => $layer.rejection(),
                }
            }
        }

        impl From<$crate::error::Error> for UserRejection {
            /// Selects the variant for an error of the library, for example of
            /// [`User::access_token`](crate::User::access_token).
            fn from(error: $crate::error::Error) -> Self {
                match error.code() {
                    $crate::error::Code::CrossOrigin => Self::CrossOrigin(error),
                    $crate::error::Code::SessionEnded => Self::NotSignedIn,
                    _ if error.is_temporary() => Self::Unavailable(error),
                    _ => Self::Claims(error),
                }
            }
        }

        impl std::fmt::Display for UserRejection {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    Self::NotSignedIn => f.write_str("no user is signed in"),
                    other => std::fmt::Display::fmt(&other.rejection(), f),
                }
            }
        }

        impl std::error::Error for UserRejection {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                match self {
                    Self::Claims(error) | Self::CrossOrigin(error) | Self::Unavailable(error) => {
                        std::error::Error::source(error)
                    }
                    Self::NotSignedIn | Self::LayerMissing => None,
                }
            }
        }

        /// Why [`AccessToken`](crate::AccessToken) or [`Tenant`](crate::Tenant) could not be extracted, or why a policy
        /// in a handler denied access.
        ///
        /// As the result of a handler it becomes the right response by itself: 400, 401 or 403 with a challenge, a
        /// redirect to a stronger sign-in, 404 for an unknown tenant, or 503.
        #[derive(Clone, Debug)]
        pub struct AccessRejection($crate::adapter::Rejection);

        impl AccessRejection {
            /// Returns a stable code for logs and for clients: `login_required`, `invalid_token`, `invalid_request`,
            /// `layer_missing`, the code of a decision, or that of an error.
            pub fn code(&self) -> &'static str {
                self.0.code()
            }

            pub(crate) fn new(rejection: $crate::adapter::Rejection) -> Self {
                Self(rejection)
            }

            pub(crate) fn refused(challenge: $crate::adapter::Challenge) -> Self {
                Self($crate::adapter::Rejection::Challenge(challenge))
            }

            pub(crate) fn rejection(&self) -> $crate::adapter::Rejection {
                self.0.clone()
            }

            pub(crate) fn unless(decision: $crate::policy::Decision, by_token: bool) -> Result<(), Self> {
                let challenge = $crate::adapter::Challenge::decision(decision, by_token);
                challenge.map_or(Ok(()), |challenge| Err(Self::refused(challenge)))
            }
        }

        impl std::fmt::Display for AccessRejection {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::error::Error for AccessRejection {}

        /// An error that a handler returns. `?` converts every error of the library into it: of the methods of
        /// [`User`](crate::User) and [`AccessToken`](crate::AccessToken), and of the extractors.
        ///
        /// It becomes the right response by itself: a sign-in or a step-up for a browser, 401 or 403 with a challenge
        /// for a client, 503 with `Retry-After` while Okta or the session store is unavailable. Pages and JSON contain
        /// a stable code and a reference. The cause appears only in the log.
        ///
        /// ```
        #[doc = concat!("use okta_auth::", $framework, "::{HandlerError, User};")]
        /// use okta_auth::policy::group;
        ///
        /// async fn report(user: User) -> Result<String, HandlerError> {
        ///     user.require(&group("Finance")).await?;
        ///     let token = user.access_token().await?;
        ///     Ok(format!("asking for the reports of {} with {} bytes", user.name(), token.expose().len()))
        /// }
        /// # let _ = report;
        /// ```
        ///
        $(#[$handler_error])*
        #[derive(Clone, Debug)]
        pub struct HandlerError($crate::adapter::Rejection);

        impl HandlerError {
            /// Returns the stable code of the error, as the log and the response have it.
            pub fn code(&self) -> &'static str {
                self.0.code()
            }

            pub(crate) fn rejection(&self) -> $crate::adapter::Rejection {
                self.0.clone()
            }
        }

        impl From<$crate::error::Error> for HandlerError {
            fn from(error: $crate::error::Error) -> Self {
                Self(error.into())
            }
        }

        impl From<UserRejection> for HandlerError {
            fn from(rejection: UserRejection) -> Self {
                Self(rejection.rejection())
            }
        }

        impl From<AccessRejection> for HandlerError {
            fn from(rejection: AccessRejection) -> Self {
                Self(rejection.0)
            }
        }

        impl std::fmt::Display for HandlerError {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::error::Error for HandlerError {}
    };
}
