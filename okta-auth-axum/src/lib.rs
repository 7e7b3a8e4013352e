//! axum middleware and extractors for `okta-auth`.
//!
//! The crate is deliberately thin: it translates between axum and
//! [`okta_auth_core::adapter`], which makes all decisions.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use okta_auth_axum::{HandlerError, OktaAuth, RouterExt, User};
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

mod error;
mod extract;
mod layer;
mod rejection;
mod require;
mod router;

pub use error::HandlerError;
pub use extract::{AccessToken, SignedOut, User};
pub use layer::{OktaAuthLayer, OktaAuthService};
pub use okta_auth_core::OktaAuth;
pub use rejection::{AccessRejection, UserRejection};
pub use require::RequireExt;
pub use router::RouterExt;
