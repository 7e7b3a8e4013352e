//! Policies on routes.

use actix_web::Route;
use okta_auth_core::adapter::require_ext;
use okta_auth_core::policy::{AcceptedCredentials, Policy};

require_ext! {
    /// Attaches a policy to a route.
    ///
    /// ```
    /// use actix_web::{App, web};
    /// use okta_auth::actix::{RequireExt, RequireLayer};
    /// use okta_auth::engine::AcceptedCredentials;
    /// use okta_auth::policy::{group, scope};
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
        note = "call `.require(policy)` on a route such as `web::get().to(handler)`; on a scope or a resource use `.wrap(RequireLayer::new(policy, AcceptedCredentials::Session))`"
    )]
}

impl RequireExt for Route {
    fn require_for(self, accepts: AcceptedCredentials, policy: Policy) -> Self {
        self.wrap(RequireLayer { policy, accepts })
    }
}

/// The middleware of a policy, for `Scope::wrap` and `Resource::wrap`; for a route use [`RequireExt`]. It also covers
/// the `default_service` of the scope or resource. An [`OktaAuthLayer`](crate::OktaAuthLayer) has to be around it.
///
/// ```
/// use actix_web::web;
/// use okta_auth::actix::RequireLayer;
/// use okta_auth::engine::AcceptedCredentials;
/// use okta_auth::policy::group;
///
/// let admin = web::scope("/admin").wrap(RequireLayer::new(group("Admins"), AcceptedCredentials::Session));
/// # let _ = admin;
/// ```
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
