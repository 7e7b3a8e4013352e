//! Policies on routes.

use actix_web::Route;
use okta_auth_core::engine::Accepts;
use okta_auth_core::policy::Policy;

/// Attaches a policy to a route.
///
/// ```
/// use actix_web::{App, web};
/// use okta_auth_actix::{RequireExt, RequireLayer};
/// use okta_auth_core::engine::Accepts;
/// use okta_auth_core::policy::{group, scope};
///
/// let app = App::new()
///     .service(
///         web::scope("/admin")
///             .wrap(RequireLayer::new(group("Admins"), Accepts::SessionOrToken))
///             .route("/users", web::get().to(|| async { "users" })),
///     )
///     .route("/api/orders", web::get().to(|| async { "[]" }).require_token(scope("orders:read")));
/// # let _ = app;
/// ```
#[diagnostic::on_unimplemented(
    message = "a policy cannot be attached to `{Self}`",
    note = "call `.require(policy)` on a route such as `web::get().to(handler)`; on a scope or a resource use `.wrap(RequireLayer::new(policy, Accepts::SessionOrToken))`"
)]
pub trait RequireExt: Sized {
    /// Asks the policy about the user of the session, or about the holder of the access token
    /// if the request presents one.
    ///
    /// A browser that nobody has signed in with goes to Okta, and one whose sign-in is not
    /// strong or recent enough goes there again; anything else gets 401 or 403.
    #[must_use]
    fn require(self, policy: Policy) -> Self;

    /// Asks the policy about the holder of the access token. A session does not count.
    #[must_use]
    fn require_token(self, policy: Policy) -> Self;
}

impl RequireExt for Route {
    fn require(self, policy: Policy) -> Self {
        self.wrap(RequireLayer { policy, accepts: Accepts::SessionOrToken })
    }

    fn require_token(self, policy: Policy) -> Self {
        self.wrap(RequireLayer { policy, accepts: Accepts::Token })
    }
}

/// The middleware of a policy, for `Scope::wrap` and `Resource::wrap`; for a route use
/// [`RequireExt`].
#[derive(Clone, Debug)]
pub struct RequireLayer {
    pub(crate) policy: Policy,
    pub(crate) accepts: Accepts,
}

impl RequireLayer {
    /// Asks the policy about requests with these kinds of credentials.
    pub fn new(policy: Policy, accepts: Accepts) -> Self {
        Self { policy, accepts }
    }
}
