//! The extractors of all adapters.
//!
//! Only the crate that defines a type can implement a framework's traits for it, so each adapter has its own types.
//! This macro defines them, because their methods and the requests that have one are the same in every framework.

/// Defines `User`, `AccessToken`, `SignedOut` and `Tenant` in an adapter. The adapter only finds the context of the
/// request and implements its framework's traits by the functions `of`.
#[doc(hidden)]
#[macro_export]
macro_rules! __extractors {
    ($framework:literal) => {
        $crate::__user_extractor!($framework);
        $crate::__access_token_extractor!($framework);

        /// Whether this browser has just signed out and come back from Okta.
        ///
        /// For a page that confirms the sign-out: [`just_now`](Self::just_now) is `true` for one page navigation after
        /// a sign-out, unless a user is signed in again.
        ///
        /// ```
        #[doc = concat!("use okta_auth::", $framework, "::SignedOut;")]
        ///
        /// async fn home(signed_out: SignedOut) -> &'static str {
        ///     if signed_out.just_now() { "You are signed out" } else { "Welcome" }
        /// }
        /// # let _ = home;
        /// ```
        #[derive(Clone, Copy, Debug)]
        pub struct SignedOut(bool);

        impl SignedOut {
            /// Whether the sign-out has just been completed.
            pub fn just_now(self) -> bool {
                self.0
            }

            pub(crate) fn of(context: &$crate::adapter::RequestContext) -> Self {
                Self(context.has_just_signed_out())
            }
        }

        /// The tenant of the request, with or without a signed-in user.
        ///
        /// As a plain argument it protects the handler: a request to the application's own address, which belongs to no
        /// tenant, gets the page that asks for the tenant, or 401 if it is not a page navigation. With a single Okta
        /// there are no tenants, and the response is 404. `Option<Tenant>` is `None` in these cases.
        ///
        /// The response is not cacheable unless the handler says how, because a cookie may have selected the tenant.
        ///
        /// ```
        #[doc = concat!("use okta_auth::", $framework, "::Tenant;")]
        ///
        /// async fn home(tenant: Option<Tenant>) -> String {
        ///     match tenant {
        ///         Some(tenant) => format!("Welcome to {}", tenant.name()),
        ///         None => "Please choose your organization".to_owned(),
        ///     }
        /// }
        /// # let _ = home;
        /// ```
        #[derive(Clone, Debug)]
        pub struct Tenant(std::sync::Arc<$crate::tenant::TenantSettings>);

        impl Tenant {
            /// Returns the short id, such as `acme`. It never changes, so it is suitable as a key.
            pub fn id(&self) -> &$crate::tenant::TenantId {
                &self.0.id
            }

            /// Returns the display name, or else the id.
            pub fn name(&self) -> &str {
                self.0.display_name()
            }

            /// Returns all settings of the tenant.
            pub fn settings(&self) -> &$crate::tenant::TenantSettings {
                &self.0
            }

            pub(crate) fn of(context: &$crate::adapter::RequestContext) -> Result<Self, AccessRejection> {
                context.tenant().map(Self).map_err(AccessRejection::refused)
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __user_extractor {
    ($framework:literal) => {
        /// The signed-in user.
        ///
        /// As a plain argument it protects the handler: a browser without a session is redirected to Okta and returns
        /// here after sign-in. Other clients get 401. Use `Option<User>` for public pages, and `Result<User,
        /// UserRejection>` for handlers with their own response.
        ///
        /// `C` is the application's type for the claims, deserialized with `serde`; use `()` if the handler needs no
        /// claims. Claims that do not fit `C` cause a 403.
        ///
        /// A request with an unsafe method, such as POST, must come from the application's own pages. The headers
        /// `Origin` and `Sec-Fetch-Site` are checked for this. Otherwise it gets 403. `Option<User>` is `None` in both
        /// cases.
        ///
        /// The claims are those of the last token refresh, or without refresh tokens those of the sign-in. A group that
        /// was removed at Okta therefore disappears within one lifetime of an access token, or when the session ends.
        ///
        /// A handler that calls the methods of `User` with `?` returns [`HandlerError`](crate::HandlerError), and
        /// `Json<User>` is a response with the claims.
        ///
        /// ```
        #[doc = concat!("use okta_auth::", $framework, "::User;")]
        ///
        /// #[derive(serde::Deserialize)]
        /// struct Claims {
        ///     department: String,
        /// }
        ///
        /// async fn report(user: User<Claims>) -> String {
        ///     format!("{} of {}", user.name(), user.claims().department)
        /// }
        /// # let _ = report;
        /// ```
        pub struct User<C = ()>($crate::adapter::SignedIn<C>);

        impl<C> User<C> {
            /// Returns the claims, in the application's own type.
            pub fn claims(&self) -> &C {
                self.0.claims()
            }

            /// Returns the user's identifier at the issuer (`sub`). Key your records by issuer and subject together.
            pub fn subject(&self) -> &str {
                self.0.subject()
            }

            /// Returns the issuer that signed the user in.
            pub fn issuer(&self) -> &str {
                self.0.session().issuer()
            }

            /// Returns the display name: `name`, or else `preferred_username`, e-mail, or subject.
            pub fn name(&self) -> &str {
                self.0.name()
            }

            /// Returns the e-mail address, if Okta sends it. It can change, so it is not suitable as a key.
            pub fn email(&self) -> Option<&str> {
                self.0.email()
            }

            /// Returns the names in the `groups` claim; empty if Okta sends no such claim.
            pub fn groups(&self) -> &[String] {
                self.0.groups()
            }

            /// Returns the user's tenant; `None` in an application with a single Okta.
            pub fn tenant(&self) -> Option<&$crate::tenant::TenantSettings> {
                self.0.tenant()
            }

            /// Returns the session: subject, issuer, times, scopes, all claims.
            pub fn session(&self) -> &$crate::session::Session {
                self.0.session()
            }

            /// Returns the value that the `on_sign_in` hook stored under `name`.
            ///
            /// # Errors
            /// `Code::ClaimsMismatch` if the value does not fit `T`.
            pub fn app_data<T: serde::de::DeserializeOwned>(
                &self,
                name: &str,
            ) -> Result<Option<T>, $crate::error::Error> {
                self.0.app_data(name)
            }

            /// Returns the access token, for calls to other APIs on behalf of the user. It is refreshed if it has
            /// expired or soon will, once for concurrent callers.
            ///
            /// # Errors
            /// `Code::SessionEnded` if Okta no longer refreshes the session, and `Code::TokenExpired` if the token has
            /// expired and the session has no refresh token. `Code::RenewalUnavailable`, or the error of Okta or of the
            /// store, if the refresh failed and a retry may succeed.
            pub async fn access_token(&self) -> Result<$crate::secret::Secret, $crate::error::Error> {
                self.0.access_token().await
            }

            /// Returns all sessions of this user, including the present one, for a page that lists them. The most
            /// recently used session is first.
            ///
            /// # Errors
            /// `Code::StoreUnsupported` for sessions in cookies, and `Code::StoreUnavailable` if the store does not
            /// respond.
            pub async fn sessions(
                &self,
            ) -> Result<Vec<std::sync::Arc<$crate::session::Session>>, $crate::error::Error> {
                self.0.sessions().await
            }

            /// Ends a session of this user. Returns `false` if this user has no session with that id.
            ///
            /// # Errors
            /// As for [`sessions`](Self::sessions).
            pub async fn end_session(&self, id: $crate::session::SessionId) -> Result<bool, $crate::error::Error> {
                self.0.end_session(id).await
            }

            /// Returns when the session ends without further activity: the earliest of the idle limit, the absolute
            /// limit, and Okta's `session_expiry`.
            ///
            /// Each request extends the idle limit, with a delay of up to a twentieth of it. To close a connection in
            /// time, wait for [`session_ended`](Self::session_ended), which also reacts to logout.
            pub fn session_ends_at(&self) -> $crate::clock::Timestamp {
                self.0.session_ends_at()
            }

            /// Waits for the end of the session, for connections that outlive their request.
            ///
            /// The open connection does not count as activity: without other requests the session reaches its idle
            /// limit.
            ///
            /// ```
            #[doc = concat!("use okta_auth::", $framework, "::User;")]
            /// use tokio::sync::mpsc::Receiver;
            ///
            /// async fn forward(user: User, mut news: Receiver<String>) {
            ///     let mut ended = user.session_ended();
            ///     loop {
            ///         tokio::select! {
            ///             () = &mut ended => break, // close the connection
            ///             next = news.recv() => match next {
            ///                 Some(text) => println!("{text}"),
            ///                 None => break,
            ///             },
            ///         }
            ///     }
            /// }
            /// # let _ = forward;
            /// ```
            pub fn session_ended(&self) -> $crate::adapter::SessionEnded {
                self.0.session_ended()
            }

            /// Evaluates a policy for the user, for a page that shows what the user may do.
            pub async fn decide(&self, policy: &$crate::policy::Policy) -> $crate::policy::Decision {
                self.0.decide(policy).await
            }

            /// Requires a policy in the handler, for decisions that need more than the route.
            ///
            /// # Errors
            /// The response to return if the policy denies access.
            pub async fn require(&self, policy: &$crate::policy::Policy) -> Result<(), AccessRejection> {
                AccessRejection::unless(self.decide(policy).await, false)
            }
        }

        impl<C: serde::de::DeserializeOwned + 'static> User<C> {
            pub(crate) fn of(context: &$crate::adapter::RequestContext) -> Result<Self, UserRejection> {
                context.user()?.map(Self).ok_or(UserRejection::NotSignedIn)
            }

            /// Returns `None` for every request without a user for this handler. An unknown authentication state is
            /// still an error.
            #[allow(dead_code, reason = "actix-web converts every error to `None` itself")]
            pub(crate) fn optional(context: &$crate::adapter::RequestContext) -> Result<Option<Self>, UserRejection> {
                match Self::of(context) {
                    Ok(user) => Ok(Some(user)),
                    Err(UserRejection::NotSignedIn | UserRejection::Claims(_) | UserRejection::CrossOrigin(_)) => {
                        Ok(None)
                    }
                    Err(other) => Err(other),
                }
            }
        }

        $crate::__user_token!();

        impl<C: Clone> Clone for User<C> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<C> std::fmt::Debug for User<C> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("User").finish_non_exhaustive()
            }
        }

        /// Serializes the claims of the session as one JSON object, such as
        /// `{"sub":"00u1","email":"..","groups":[..]}`, without tokens, so that `Json(user)` is a response. Claims that
        /// bind an ID token to its sign-in (`nonce`, `at_hash`, `c_hash`, `s_hash`) are omitted.
        impl<C> serde::Serialize for User<C> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __access_token_extractor {
    ($framework:literal) => {
        /// The holder of the access token that the request presents (RFC 6750).
        ///
        /// As a plain argument it protects the handler of an API. Without a token the response is 401 with a challenge
        /// that names the API's metadata and no error. With an invalid token it is 401 `invalid_token`. While the
        /// issuer cannot be reached it is 503 with `Retry-After`. A session does not count. `Option<AccessToken>` is
        /// `None` in all these cases.
        ///
        /// A token is an authorization and not an identity: it states what its client may do, and for which user. Key
        /// your own records by issuer and [`user_id`](Self::user_id), which equals the `sub` of the user's sessions.
        /// The token's own subject is a login and can change.
        ///
        /// The token contains only the claims that Okta put there. `C` is the application's own type for them; `()`
        /// reads none.
        ///
        /// ```
        #[doc = concat!("use okta_auth::", $framework, "::AccessToken;")]
        ///
        /// async fn whoami(token: AccessToken) -> String {
        ///     format!("{} through {}", token.subject(), token.client_id())
        /// }
        /// # let _ = whoami;
        /// ```
        pub struct AccessToken<C = ()>($crate::adapter::BearerToken<C>);

        impl<C> AccessToken<C> {
            /// Returns the claims, in the application's own type.
            pub fn claims(&self) -> &C {
                self.0.claims()
            }

            /// Returns all claims, with accessors for the registered ones.
            pub fn token(&self) -> &$crate::jose::AccessTokenClaims {
                self.0.token()
            }

            /// Returns the issuer of the token.
            pub fn issuer(&self) -> &str {
                self.0.issuer()
            }

            /// Returns the subject: at Okta the user's login, or the client id of a machine.
            pub fn subject(&self) -> &str {
                self.0.subject()
            }

            /// Returns the client that the token was issued to; empty for a token with an [`actor`](Self::actor) that
            /// names none.
            pub fn client_id(&self) -> &str {
                self.0.client_id()
            }

            /// Returns the user's id at Okta; `None` for a machine, and for some tokens with an [`actor`](Self::actor).
            pub fn user_id(&self) -> Option<&str> {
                self.0.user_id()
            }

            /// Whether the token belongs to a machine and not to a user.
            pub fn is_machine(&self) -> bool {
                self.0.is_machine()
            }

            /// Returns the party that uses the token for its user, such as an AI agent; `None` if the user or a machine
            /// uses it directly.
            pub fn actor(&self) -> Option<&$crate::jose::Actor> {
                self.0.actor()
            }

            /// Whether a scope was granted. To reject requests without it, use a policy, because its response names the
            /// missing scope.
            pub fn has_scope(&self, scope: &str) -> bool {
                self.0.has_scope(scope)
            }

            /// Returns the tenant that the token was verified for; `None` in an application with a single Okta.
            pub fn tenant(&self) -> Option<&$crate::tenant::TenantSettings> {
                self.0.tenant()
            }

            /// Evaluates a policy for the holder.
            pub async fn decide(&self, policy: &$crate::policy::Policy) -> $crate::policy::Decision {
                self.0.decide(policy).await
            }

            /// Requires a policy in the handler, for decisions that need more than the route.
            ///
            /// # Errors
            /// The response to return if the policy denies access.
            pub async fn require(&self, policy: &$crate::policy::Policy) -> Result<(), AccessRejection> {
                AccessRejection::unless(self.decide(policy).await, true)
            }
        }

        impl<C: serde::de::DeserializeOwned + 'static> AccessToken<C> {
            pub(crate) async fn of(context: &$crate::adapter::RequestContext) -> Result<Self, AccessRejection> {
                context.access_token().await.map(Self).map_err(AccessRejection::refused)
            }
        }

        impl<C> AsRef<$crate::jose::VerifiedAccessToken> for AccessToken<C> {
            fn as_ref(&self) -> &$crate::jose::VerifiedAccessToken {
                self.0.as_ref()
            }
        }

        impl<C: Clone> Clone for AccessToken<C> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<C> std::fmt::Debug for AccessToken<C> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("AccessToken").finish_non_exhaustive()
            }
        }
    };
}
