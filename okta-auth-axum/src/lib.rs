//! axum middleware and extractors for `okta-auth`.
//!
//! The crate is thin on purpose: it translates between axum and
//! [`okta_auth_core::engine`], which decides everything.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use okta_auth_axum::{OktaAuth, RouterExt, User};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = OktaAuth::from_env()?;
//! let app = Router::<()>::new()
//!     .route("/", get(|user: Option<User>| async move {
//!         user.map_or("Hello stranger".to_owned(), |user| format!("Hello {}", user.name()))
//!     }))
//!     .route("/profile", get(|user: User| async move { user.subject().to_owned() }))
//!     .okta_auth(&auth);
//! # let _ = app; Ok(()) }
//! ```

mod extract;
mod layer;
mod rejection;
mod require;
mod router;

pub use extract::{AccessToken, SignedOut, User};
pub use layer::{OktaAuthLayer, OktaAuthService};
pub use okta_auth_core::OktaAuth;
pub use rejection::{AccessRejection, UserRejection};
pub use require::RequireExt;
pub use router::RouterExt;
