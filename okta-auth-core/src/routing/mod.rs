//! The routes of an application: the library's own endpoints, the settings of a route, and the checks of how a router
//! is set up.

mod endpoint;
mod mounting;
mod route_options;
mod route_table;

pub use endpoint::Endpoint;
pub(crate) use mounting::{Mounting, missing_layer, report_missing_layer};
pub use mounting::{RouteOwner, route_conflict};
pub use route_options::{RefreshTiming, RouteOptions};
pub(crate) use route_table::{RouteSettings, RouteTable, SpecialRoutes};
