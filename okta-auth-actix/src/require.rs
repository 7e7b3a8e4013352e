//! Policies on routes.

use actix_web::Route;
use okta_auth_core::engine::AcceptedCredentials;
use okta_auth_core::policy::Policy;

/// Attaches a policy to a route.
///
/// ```
/// use actix_web::{App, web};
/// use okta_auth_actix::{RequireExt, RequireLayer};
/// use okta_auth_core::engine::AcceptedCredentials;
/// use okta_auth_core::policy::{group, scope};
///
/// let app = App::new()
///     .service(
///         web::scope("/admin")
///             .wrap(RequireLayer::new(group("Admins"), AcceptedCredentials::Session))
///             .route("/users", web::get().to(|| async { "users" })),
///     )
///     .route("/api/orders", web::get().to(|| async { "[]" }).require_token(scope("orders:read")));
/// # let _ = app;
/// ```
#[diagnostic::on_unimplemented(
    message = "a policy cannot be attached to `{Self}`",
    note = "call `.require(policy)` on a route such as `web::get().to(handler)`; on a scope or a resource use `.wrap(RequireLayer::new(policy, Accepts::Session))`"
)]
pub trait RequireExt: Sized {
    /// Evaluates the policy for the user of the session. An access token does not count,
    /// even in addition to a session.
    ///
    /// A browser is redirected to Okta if it has no session, or if its sign-in is not
    /// strong or recent enough. Other clients get 401 or 403.
    #[must_use]
    fn require(self, policy: Policy) -> Self {
        self.require_for(AcceptedCredentials::Session, policy)
    }

    /// Evaluates the policy for the holder of the access token if the request has one,
    /// and otherwise for the user of the session.
    ///
    /// Every client of a custom authorization server can get a token for the default
    /// audience. Set an audience for this API, or list the clients with
    /// [`accept_client`](okta_auth_core::engine::OktaAuthBuilder::accept_client).
    #[must_use]
    fn require_any(self, policy: Policy) -> Self {
        self.require_for(AcceptedCredentials::SessionOrBearer, policy)
    }

    /// Evaluates the policy for the holder of the access token. A session does not count.
    #[must_use]
    fn require_token(self, policy: Policy) -> Self {
        self.require_for(AcceptedCredentials::BearerOnly, policy)
    }

    /// Evaluates the policy for the caller that the accepted credentials identify.
    #[must_use]
    fn require_for(self, accepts: AcceptedCredentials, policy: Policy) -> Self;
}

impl RequireExt for Route {
    fn require_for(self, accepts: AcceptedCredentials, policy: Policy) -> Self {
        self.wrap(RequireLayer { policy, accepts })
    }
}

/// The middleware of a policy, for `Scope::wrap` and `Resource::wrap`; for a route use
/// [`RequireExt`]. It also covers the `default_service` of the scope or resource.
#[derive(Clone, Debug)]
pub struct RequireLayer {
    pub(crate) policy: Policy,
    pub(crate) accepts: AcceptedCredentials,
}

impl RequireLayer {
    /// Creates a middleware that evaluates the policy for these kinds of credentials.
    pub fn new(policy: Policy, accepts: AcceptedCredentials) -> Self {
        Self { policy, accepts }
    }
}
