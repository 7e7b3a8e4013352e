//! Access tokens and policies of `okta-auth` for gRPC on tonic.
//!
//! [`OktaAuthLayer`] verifies the access token of each call before a service receives it. Every method requires a valid
//! token, even if no policy names it. gRPC has no sessions, so cookies are ignored. A token that is bound to a key
//! needs a proof in the metadata `dpop` (DPoP, RFC 9449), for `POST` and the URL of the gRPC method.
//!
//! ```no_run
//! use okta_auth::OktaAuth;
//! use okta_auth::policy::{anyone, scope, user};
//! use okta_auth_tonic::{OktaAuthLayer, RequestExt};
//! use tonic::transport::Server;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = OktaAuth::builder().from_env().api_only().build()?;
//! let layer = OktaAuthLayer::new(&auth)
//!     .require("shop.v1.Orders", scope("orders:read"))? // all methods of a service
//!     .require("shop.v1.Orders/Cancel", user())?        // this method needs both
//!     .require("grpc.health.v1.Health", anyone())?;     // no token
//! let server = Server::builder().layer(layer); // .add_service(..)
//! # drop(server); Ok(()) }
//!
//! fn caller(request: &tonic::Request<()>) -> Result<&str, tonic::Status> {
//!     Ok(request.access_token()?.subject())
//! }
//! # let _ = caller;
//! ```

#[cfg(feature = "client")]
mod channel;
mod layer;
mod policies;
mod status;

#[cfg(feature = "client")]
pub use channel::AuthorizedChannel;
pub use layer::{OktaAuthLayer, OktaAuthService, RequestExt};
#[doc(inline)]
pub use okta_auth_core::adapter::BearerToken as AccessToken;
