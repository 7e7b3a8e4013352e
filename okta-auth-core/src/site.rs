//! The application as its clients see it, without its provider.

use std::sync::Arc;

use crate::config::AppConfig;
use crate::events::Events;
use crate::policy::RouteAccess;
use crate::routing::Mounting;

/// The address, paths and pages of an application, the access to its routes, and its events. An engine has one, and so
/// have the requests that belong to no tenant.
pub(crate) struct Site {
    pub(crate) config: Arc<AppConfig>,
    pub(crate) access: Arc<RouteAccess>,
    pub(crate) events: Arc<Events>,
    /// The findings about the router that were reported.
    pub(crate) mounting: Arc<Mounting>,
}

opaque_debug!(Site);
