//! The only orchestrator: a request's parts go in, an outcome comes out.
//!
//! The engine decides everything: redirect or 401, cookies, cache headers, pages. An
//! adapter for a web framework only translates, so two frameworks cannot disagree.
//!
//! # What an adapter does
//!
//! 1. Before the handler: [`OktaAuth::arrival`] looks at the request and finds its
//!    session, at once or [after a while](Arrival::visit). The [`Visit`] goes into the
//!    request's extensions. Where [`Tenants::route`] says that the route is guarded,
//!    [`Visit::require_route`] decides whether the handler runs.
//! 2. Extractors ask the visit for its [user](Visit::user). Without one, the response
//!    gets the mark [`Challenge::sign_in`].
//! 3. The library's own paths are answered by [`Visit::serve`].
//! 4. After the handler: a response with a mark, or to a question that [could not be
//!    answered](Visit::unanswered), is replaced by [`Visit::answer_in_place_of`], and
//!    every response is [finished](Visit::finish), that of a handler that failed
//!    included.
//!
//! A framework with other types for headers than `http` 1 has them read where they are,
//! by [`OktaAuth::arrival_of`], and gets a list of what to change of a response, by
//! [`Visit::finish_of`].
//!
//! Step 2 does not answer by itself because starting a sign-in may need the network,
//! and a handler that takes `Result<User, _>` must not pay for that.
//!
//! # Who makes a request
//!
//! 1. A policy has one caller, and [`Accepts`] says by which credential. A page accepts
//!    sessions alone: a token beside the session, which a gateway may have added, changes
//!    nothing. A route that accepts both is judged by the token if there is one, and its
//!    handler then finds no user.
//! 2. A session speaks for its user in requests that change nothing, and in others only
//!    if they come from the application's own pages: `Origin` and `Sec-Fetch-Site`
//!    tell, and a header of the application's own where it is configured.
//! 3. A token speaks for its holder in every request: no browser sends it by itself.
//! 4. Whatever is asked about the caller, the token is verified once per request.
//! 5. An answer that depends on the session or on a token is kept out of caches.
//!
//! # What a browser gets, and what an API client gets
//!
//! A page navigation of a browser is redirected to Okta and comes back to where it was.
//! Everything else gets 401 with a challenge: a script cannot follow a sign-in, and a
//! POST that is redirected loses its body. The two are told apart by what browsers say
//! themselves (`Sec-Fetch-Mode`, `Sec-Fetch-Dest`), then by `X-Requested-With`, then by
//! `Accept`.
//!
//! # When something fails
//!
//! Users see a page with a stable code and a way on, never a cause, a token or text of
//! the provider. The log has the whole story under the same code, and under the
//! reference that the page shows beside it. An error never redirects, so it cannot
//! loop. Okta being away is 503 with `Retry-After`.
//!
//! ```no_run
//! use okta_auth_core::OktaAuth;
//!
//! # fn main() -> Result<(), okta_auth_core::error::Error> {
//! let auth = OktaAuth::from_env()?;
//! println!("signing in at {}", auth.config().issuer());
//! # Ok(())
//! # }
//! ```

mod access;
mod addresses;
mod after_sign_out;
mod arrival;
mod bearer_token;
mod builder;
mod callback;
mod challenge;
mod chooser;
mod client_kind;
mod early;
mod endings;
mod error_reply;
mod exclusive;
mod finish;
mod fresh_token;
mod hook;
mod initiate;
mod instead;
mod late;
mod lease;
mod lobby;
mod loopback;
mod many;
mod messages;
mod mounting;
mod once;
mod page;
mod places;
mod removal;
mod renewal;
mod reply;
mod route_table;
mod routes;
mod session_end;
mod sign_out;
mod signed_in;
mod start_login;
mod telling;
mod tenants;
mod tenants_builder;
mod unsaved;
mod visit;

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

pub use arrival::{Arrival, Renewal, RouteOptions, Waiting};
pub use bearer_token::BearerToken;
pub use builder::OktaAuthBuilder;
pub use challenge::Challenge;
pub use finish::Finish;
pub use hook::{HookFuture, Refusal, SignIn, SignInHook};
pub use mounting::{RouteOwner, missing_layer, report_missing_layer, route_conflict};
pub use reply::Reply;
pub use route_table::RouteSettings;
pub use routes::Endpoint;
pub use session_end::SessionEnded;
pub use signed_in::SignedIn;
pub use tenants::Tenants;
pub use tenants_builder::TenantsBuilder;
pub use visit::Visit;

pub use crate::headers::{Head, HeaderText, Headers};
pub use crate::policy::{Accepts, MatchedRoute};
pub use crate::session::Activity;

use crate::bearer::AccessTokens;
use crate::clock::SharedClock;
use crate::config::{Config, ConfigBuilder};
use crate::discovery::{Discovery, Metadata};
use crate::error::Result;
use crate::events::Events;
use crate::jose::{IdTokenRules, Trust, VerifiedAccessToken, VerifiedIdToken, Verifier};
use crate::login::{Attempts, Consumed};
use crate::logout::{Continuations, Landings};
use crate::policy::{PolicySet, RouteAccess};
use crate::protocol::Protocol;
use crate::session::Sessions;
use crate::tenant::TenantSettings;

/// Okta for one application: cheap to clone, and to be shared by all workers.
///
/// ```
/// use okta_auth_core::{OktaAuth, config::ConfigBuilder};
///
/// # fn from_vault(_name: &str) -> String { "vM3kq-81Lf0aXo2".repeat(2) }
/// # fn main() -> Result<(), okta_auth_core::error::Error> {
/// let config = ConfigBuilder::default()
///     .issuer("https://dev-12345678.okta.com/oauth2/default")
///     .client_id("0oa1abcdXYZ2efGhI5d7")
///     .client_secret(from_vault("okta/client-secret"));
/// let auth = OktaAuth::builder(config).build()?;
/// let worker = auth.clone(); // the same keys, the same caches
/// # drop(worker); Ok(())
/// # }
/// ```
///
/// Making one touches no network. Metadata and keys are fetched when they are first
/// needed and kept fresh in the background, so the application starts, and serves its
/// public pages, while Okta is away.
#[derive(Clone)]
pub struct OktaAuth(Arc<Inner>);

/// What the clones share.
pub(crate) struct Inner {
    /// The checked settings.
    config: Arc<Config>,
    /// Where time enters.
    clock: SharedClock,
    /// What the issuer says about itself.
    discovery: Discovery,
    /// The messages to the issuer.
    protocol: Protocol,
    /// Tokens, with the issuer's keys.
    verifier: Arc<Verifier>,
    /// Access tokens, of all issuers that are accepted.
    access_tokens: AccessTokens,
    /// Who may do what, by name and by route.
    access: Arc<RouteAccess>,
    /// How requests are treated by their route.
    routes: route_table::RouteTable,
    /// Whether the log has been told of pages that accept the tokens of every client.
    tokens_on_pages: AtomicBool,
    /// Pending sign-ins, in the browsers that started them.
    attempts: Attempts,
    /// Which of them have been completed.
    consumed: Arc<Consumed>,
    /// The tenant that this is the engine of.
    tenant: Option<Arc<TenantSettings>>,
    /// Whether the tenant has gone: nobody is signed in there any more.
    gone: AtomicBool,
    /// All tenants, if a sign-in ends the sessions of others in the same browser.
    exclusive: Option<Weak<many::Many>>,
    /// Sessions, in the browsers that they belong to or in a store.
    sessions: Sessions,
    /// Their new tokens.
    renewals: Arc<renewal::Renewals>,
    /// Sign-outs that a script began.
    continuations: Continuations,
    /// Sign-outs whose browsers come back.
    landings: Landings,
    /// Sign-outs that wait for the store.
    late: Arc<late::LateSignOuts>,
    /// Who may ask to end sessions.
    senders: messages::Senders,
    /// The application's say at sign-in.
    hook: Option<Arc<dyn SignInHook>>,
    /// Users whose sessions began in the future.
    early: early::EarlySessions,
    /// Who wants to know what happens.
    events: Events,
    /// What has been reported about the router.
    mounting: Arc<mounting::Mounting>,
    /// Whether the log has the redirect URI.
    redirect_uri_reported: AtomicBool,
}

impl OktaAuth {
    /// Reads the `OKTA_*` variables of the process.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](crate::error::Code::ConfigInvalid), listing every
    /// problem with its fix.
    pub fn from_env() -> Result<Self> {
        Self::builder(ConfigBuilder::from_env()).build()
    }

    /// Starts from settings in code; see [`OktaAuthBuilder`].
    pub fn builder(config: ConfigBuilder) -> OktaAuthBuilder {
        OktaAuthBuilder::new(config)
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The policies that the application was built with.
    pub fn policies(&self) -> &PolicySet {
        self.0.access.policies()
    }

    /// The routes that the policies name and that no request has matched so far; see
    /// [`Tenants::unmatched_routes`].
    pub fn unmatched_routes(&self) -> Vec<String> {
        self.0.routes.unmatched()
    }

    /// Verifies an access token (RFC 9068 §4): signature, issuer, audience
    /// (`OKTA_AUDIENCE`), times and kind. A token of the org server is introspected
    /// (RFC 7662).
    ///
    /// # Errors
    /// One of the `Token...` codes,
    /// [`Code::AccessTokenOpaque`](crate::error::Code::AccessTokenOpaque) for the org
    /// server without a client to ask with, or the error of reaching the issuer.
    pub async fn verify_access_token(&self, token: &str) -> Result<VerifiedAccessToken> {
        self.0.access_tokens.verify(token).await
    }

    /// Verifies an ID token that came by another way than a sign-in of this library,
    /// for example from a native app: signature, issuer, audience (the client id),
    /// times and kind, and the nonce if one was sent.
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of fetching metadata and keys.
    pub async fn verify_id_token(&self, token: &str, nonce: Option<&str>) -> Result<VerifiedIdToken> {
        let config = &self.0.config;
        let metadata = self.metadata().await?;
        let rules = IdTokenRules {
            issuer: metadata.issuer(),
            client_id: &config.client_id,
            nonce,
            access_token: None,
            max_age: None,
            acr_values: &[],
            trust: Trust::Anonymous,
        };
        self.0.verifier.id_token(metadata.jwks_uri(), token, &rules).await
    }

    /// The tenant that this is the engine of; `None` where there is only one.
    pub fn tenant(&self) -> Option<&TenantSettings> {
        self.0.tenant.as_deref()
    }

    /// The metadata of the issuer, from the cache if it is there.
    async fn metadata(&self) -> Result<Arc<Metadata>> {
        self.0.discovery.metadata().await
    }
}

impl fmt::Debug for OktaAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaAuth").field("issuer", &self.0.config.issuer).finish_non_exhaustive()
    }
}
