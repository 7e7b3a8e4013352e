//! axum middleware and extractors for `okta-auth`.
//!
//! The crate is deliberately thin: it translates between axum and [`okta_auth_core::adapter`], which makes all
//! decisions. Applications use it as `okta_auth::axum`.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use okta_auth::OktaAuth;
//! use okta_auth::axum::{HandlerError, RouterExt, User};
//!
//! async fn orders(user: User) -> Result<String, HandlerError> {
//!     let token = user.access_token().await?; // every error of the library becomes the right response
//!     Ok(format!("{} bytes for {}", token.expose().len(), user.name()))
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = OktaAuth::from_env()?;
//! let app = Router::<()>::new()
//!     .route("/", get(|user: Option<User>| async move {
//!         user.map_or("Hello stranger".to_owned(), |user| format!("Hello {}", user.name()))
//!     }))
//!     .route("/profile", get(|user: User| async move { user.subject().to_owned() }))
//!     .route("/orders", get(orders))
//!     .okta_auth(&auth);
//! # let _ = app; Ok(()) }
//! ```

mod extract;
mod layer;
#[cfg(feature = "proxy")]
mod proxy;
mod require;
mod response;
mod routes;

pub use extract::{AccessToken, SignedOut, Tenant, User};
pub use layer::OktaAuthLayer;
pub use okta_auth_core::OktaAuth;
#[cfg(feature = "proxy")]
pub use proxy::proxy;
pub use require::{RequireExt, RequireLayer};
pub use response::{AccessRejection, HandlerError, UserRejection};
pub use routes::{RouterExt, routes};

/// The services that the layers produce, for code that names their types.
pub mod service {
    pub use crate::layer::{OktaAuthService, ResponseFuture};
    pub use crate::require::RequireService;
}
