//! The framework-independent engine: it takes the head of a request and returns an outcome.
//!
//! The engine makes all decisions: redirect or 401, cookies, cache headers, pages. The adapter for a web framework only
//! translates, so that all frameworks behave identically.
//!
//! # The caller of a request
//!
//! 1. A policy decides about one caller, and [`AcceptedCredentials`] selects the credential. A page accepts only
//!    sessions and ignores a token, which a gateway may have added. A route that accepts both uses the token if there
//!    is one, and its handler then gets no user.
//! 2. A session authenticates safe requests. It authenticates other requests only if they come from the application's
//!    own pages, according to `Origin`, `Sec-Fetch-Site` and, if configured, a header of the application's own.
//! 3. A token authenticates every request, because browsers never attach one automatically.
//! 4. The token is verified at most once per request.
//! 5. A response that depends on the session or on a token is not cacheable.
//!
//! # Browsers and API clients
//!
//! A page navigation of a browser is redirected to Okta and returns to the same page. Every other request gets 401 with
//! a challenge: a script cannot follow a sign-in, and a redirected POST loses its body. Navigations are detected by
//! fetch metadata (`Sec-Fetch-Mode`, `Sec-Fetch-Dest`), then by `X-Requested-With`, then by `Accept`.
//!
//! # Failures
//!
//! Users see a page with a stable code and a next step, never a cause, a token or text of the provider. The log has the
//! details under the same code, and under the reference on the page. An error never redirects, so it cannot loop. If
//! Okta is unreachable, the response is 503 with `Retry-After`.
//!
//! ```no_run
//! # use okta_auth_core as okta_auth;
//! use okta_auth::OktaAuth;
//!
//! # fn main() -> Result<(), okta_auth::error::Error> {
//! let auth = OktaAuth::from_env()?;
//! println!("signing in at {}", auth.config().issuer());
//! # Ok(())
//! # }
//! ```

mod access;
mod app;
pub(crate) mod authenticate;
mod builder;
mod callback;
mod challenge;
mod context;
mod login;
mod logout;
mod routes;
mod settings;
pub(crate) mod signed_in;

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

pub(crate) use app::App;
pub(crate) use authenticate::{Authentication, PendingAuthentication, without_tenant};
pub use builder::OktaAuthBuilder;
pub(crate) use challenge::unauthorized;
pub use context::RequestContext;
pub(crate) use context::{BoxFuture, ExclusiveSessions, NoTenant, RealmDiscovery};

pub use crate::policy::AcceptedCredentials;
pub use crate::session::SessionEnded;
pub use crate::sign_in::{Refusal, SignIn, SignInHook};

use crate::bearer::BearerVerifier;
use crate::browser_kit::BrowserKit;
use crate::clock::SharedClock;
use crate::config::Config;
use crate::error::Result;
use crate::events::CorrelationId;
use crate::headers::{Head, Headers};
use crate::jose::{VerifiedAccessToken, VerifiedIdToken};
use crate::logout::Logout;
#[cfg(feature = "client")]
use crate::outgoing::{MachineTokens, Outgoing, TokenExchange};
use crate::policy::PolicySet;
use crate::protocol::Provider;
use crate::routing::{RouteOptions, RouteTable};
use crate::session::{Refresher, Session, SessionAdmin, SessionId, Sessions};
use crate::sign_in::LoginFlow;
use crate::site::Site;
use crate::tenant::TenantSettings;

/// The engine of one application, or of one tenant. Cheap to clone, and shared by all workers.
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::OktaAuth;
///
/// # fn from_vault(_name: &str) -> String { "vM3kq-81Lf0aXo2".repeat(2) }
/// # fn main() -> Result<(), okta_auth::error::Error> {
/// let auth = OktaAuth::builder()
///     .issuer("https://dev-12345678.okta.com/oauth2/default")
///     .client_id("0oa1abcdXYZ2efGhI5d7")
///     .client_secret(from_vault("okta/client-secret"))
///     .build()?;
/// let worker = auth.clone(); // the same keys, the same caches
/// # drop(worker); Ok(())
/// # }
/// ```
///
/// Building an engine needs no network. Metadata and keys are fetched on first use and refreshed in the background, so
/// the application starts, and serves its public pages, while Okta is down.
#[derive(Clone)]
pub struct OktaAuth(Arc<Inner>);

pub(crate) struct Inner {
    app: Arc<App>,
    config: Arc<Config>,
    clock: SharedClock,
    provider: Arc<Provider>,
    bearer: BearerVerifier,
    site: Site,
    /// Created at the first use, because the routes of a tenant are in the table of the tenant router.
    routes: OnceLock<Box<RouteTable>>,
    login: LoginFlow,
    tenant: Option<Arc<TenantSettings>>,
    /// The other tenants, if a sign-in ends the same browser's sessions at other tenants.
    exclusive: Option<Weak<dyn ExclusiveSessions>>,
    sessions: Arc<Sessions>,
    session_admin: Arc<SessionAdmin>,
    refresher: Refresher,
    logout: Logout,
    /// Created at the first use, because its caches take memory in the engine of each tenant.
    #[cfg(feature = "client")]
    outgoing: OnceLock<Outgoing>,
    browser_kit: BrowserKit,
}

impl OktaAuth {
    /// Builds an engine from the `OKTA_*` variables of the process.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every problem with its fix.
    pub fn from_env() -> Result<Self> {
        Self::builder().from_env().build()
    }

    /// Starts to build an engine. Settings come from [the environment](OktaAuthBuilder::from_env), from code, or from
    /// both; see [`OktaAuthBuilder`].
    pub fn builder() -> OktaAuthBuilder {
        OktaAuthBuilder::default()
    }

    /// Returns the validated settings.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Returns the policies of the application.
    pub fn policies(&self) -> &PolicySet {
        self.0.site.access.policies()
    }

    /// Returns the routes of the policies that no request has matched so far; see
    /// [`Tenants::unmatched_routes`](super::multi_tenant::Tenants::unmatched_routes).
    pub fn unmatched_routes(&self) -> Vec<String> {
        self.route_table().unmatched()
    }

    /// Begins to authenticate a request, in the types of any framework.
    pub(crate) fn authenticate_head<H: Headers>(
        &self,
        head: Head<'_, H>,
        options: impl Into<RouteOptions>,
    ) -> Authentication {
        authenticate::begin(self, head, options.into())
    }

    /// Verifies an access token (RFC 9068 §4): signature, issuer, audience (`OKTA_AUDIENCE`), times and kind of token.
    /// A token of the org server is introspected (RFC 7662).
    ///
    /// # Errors
    /// One of the `Token...` codes, [`Code::AccessTokenOpaque`](crate::error::Code::AccessTokenOpaque) for a token of
    /// the org server without a client for introspection, or the error of reaching the issuer.
    pub async fn verify_access_token(&self, token: &str) -> Result<VerifiedAccessToken> {
        self.0.bearer.verify(token).await
    }

    /// Verifies an ID token that was not obtained by a sign-in of this library, for example from a native app:
    /// signature, issuer, audience (the client id), times, kind of token, and the nonce if one was sent.
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of fetching metadata and keys.
    pub async fn verify_id_token(&self, token: &str, nonce: Option<&str>) -> Result<VerifiedIdToken> {
        self.0.provider.verify_id_token(token, nonce).await
    }

    #[cfg(feature = "utoipa")]
    pub(crate) async fn metadata(&self) -> Result<Arc<crate::discovery::Metadata>> {
        self.0.provider.discovery.metadata().await
    }

    /// Returns the service for calls to other APIs: targets, and tokens for them.
    #[cfg(feature = "client")]
    pub fn outgoing(&self) -> &Outgoing {
        self.0.outgoing.get_or_init(|| Outgoing::new(&self.0.provider, self.0.clock.clone()))
    }

    /// Returns the access tokens of the application itself, by the client credentials grant.
    #[cfg(feature = "client")]
    pub fn machine_tokens(&self) -> &MachineTokens {
        self.outgoing().machine_tokens()
    }

    /// Returns the access tokens for other APIs in exchange for those that this API received.
    #[cfg(feature = "client")]
    pub fn token_exchange(&self) -> &TokenExchange {
        self.outgoing().token_exchange()
    }

    /// Returns the live sessions of a user of the configured issuer, by subject, in no particular order.
    ///
    /// # Errors
    /// [`Code::StoreUnsupported`](crate::error::Code::StoreUnsupported) for sessions in cookies,
    /// [`Code::StoreUnavailable`](crate::error::Code::StoreUnavailable).
    pub async fn sessions_of(&self, subject: &str) -> Result<Vec<Arc<Session>>> {
        self.0.session_admin.of_subject(subject).await
    }

    /// Ends a session on every replica and revokes its refresh token. Returns `false` if the store has no such session.
    /// For sessions in cookies this is unknown, and the result is `true`.
    ///
    /// This method does not check whose session it is. For a page on which users end their own sessions, see
    /// `User::end_session` of the adapter.
    ///
    /// # Errors
    /// [`Code::StoreUnsupported`](crate::error::Code::StoreUnsupported) for sessions in cookies without a revocation
    /// list, [`Code::StoreUnavailable`](crate::error::Code::StoreUnavailable).
    pub async fn end_session(&self, id: SessionId) -> Result<bool> {
        self.0.session_admin.end(id, CorrelationId::random()).await
    }

    /// Ends every session of a user on every replica and revokes their refresh tokens, for an administrator's "sign out
    /// everywhere". Returns their number; `None` for sessions in cookies, where it is unknown.
    ///
    /// # Errors
    /// As for [`end_session`](Self::end_session).
    pub async fn end_sessions_of(&self, subject: &str) -> Result<Option<usize>> {
        self.0.session_admin.end_of_subject(subject).await
    }

    pub(crate) fn session_admin(&self) -> &SessionAdmin {
        &self.0.session_admin
    }

    /// Returns the tenant of this engine; `None` in an application with a single Okta.
    pub fn tenant(&self) -> Option<&TenantSettings> {
        self.0.tenant.as_deref()
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    #[inline]
    pub(crate) fn site(&self) -> &Site {
        &self.0.site
    }

    pub(crate) fn route_table(&self) -> &RouteTable {
        let create = || Box::new(self.0.app.route_table(&self.0.site));
        self.0.routes.get_or_init(create)
    }
}

impl fmt::Debug for OktaAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaAuth").field("issuer", &self.0.config.issuer).finish_non_exhaustive()
    }
}
