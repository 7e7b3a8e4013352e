//! actix-web middleware and extractors for `okta-auth`.
//!
//! The crate translates between actix-web and [`okta_auth_core::adapter`], which makes all
//! decisions. Names and behaviour match those of the axum adapter.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use okta_auth_actix::{HandlerError, OktaAuth, OktaAuthLayer, User, okta_auth};
//!
//! async fn orders(user: User) -> Result<String, HandlerError> {
//!     let token = user.access_token().await?; // every error of the library becomes the right response
//!     Ok(format!("{} bytes for {}", token.expose().len(), user.name()))
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = OktaAuth::from_env()?; // once: all workers share its keys and its caches
//! let app = move || {
//!     App::new()
//!         .route("/profile", web::get().to(|user: User| async move { user.subject().to_owned() }))
//!         .route("/orders", web::get().to(orders))
//!         .configure(okta_auth(&auth)) // sign-in, callback and sign-out
//!         .wrap(OktaAuthLayer::new(&auth))
//! };
//! HttpServer::new(app).bind(("127.0.0.1", 8080))?.run().await?;
//! # Ok(()) }
//! ```

mod bridge;
mod error;
mod extract;
mod middleware;
mod rejection;
mod require;
mod routes;

pub use error::HandlerError;
pub use extract::{AccessToken, SignedOut, User};
pub use middleware::{OktaAuthLayer, OktaAuthService, RequireService};
pub use okta_auth_core::OktaAuth;
pub use rejection::{AccessRejection, UserRejection};
pub use require::{RequireExt, RequireLayer};
pub use routes::okta_auth;
