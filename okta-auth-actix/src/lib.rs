//! actix-web middleware and extractors for `okta-auth`.
//!
//! It translates between actix-web and [`okta_auth_core::engine`], which decides everything.
//! Names and behaviour are those of the axum adapter.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use okta_auth_actix::{OktaAuth, OktaAuthLayer, User, okta_auth};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = OktaAuth::from_env()?; // once: all workers share it, its keys and its caches
//! let app = move || {
//!     App::new()
//!         .route("/profile", web::get().to(|user: User| async move { user.subject().to_owned() }))
//!         .configure(okta_auth(&auth)) // sign-in, callback and sign-out
//!         .wrap(OktaAuthLayer::new(&auth))
//! };
//! HttpServer::new(app).bind(("127.0.0.1", 8080))?.run().await?;
//! # Ok(()) }
//! ```

mod bridge;
mod extract;
mod middleware;
mod rejection;
mod require;
mod routes;

pub use extract::{AccessToken, SignedOut, User};
pub use middleware::{OktaAuthLayer, OktaAuthService, RequireService};
pub use okta_auth_core::OktaAuth;
pub use rejection::{AccessRejection, UserRejection};
pub use require::{RequireExt, RequireLayer};
pub use routes::okta_auth;
