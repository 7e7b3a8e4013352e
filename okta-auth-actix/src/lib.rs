//! actix-web middleware and extractors for `okta-auth`.
//!
//! The crate is thin on purpose: it translates between actix-web and
//! [`okta_auth_core::engine`], which decides everything. Names and behaviour are those of the
//! axum adapter.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use okta_auth_actix::{AppExt, OktaAuth, User};
//!
//! async fn home(user: Option<User>) -> String {
//!     user.map_or("Hello stranger".to_owned(), |user| format!("Hello {}", user.name()))
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = OktaAuth::from_env()?; // once: all workers share it, its keys and its caches
//! HttpServer::new(move || {
//!     App::new()
//!         .route("/", web::get().to(home))
//!         .route("/profile", web::get().to(|user: User| async move { user.subject().to_owned() }))
//!         .okta_auth(&auth)
//! })
//! .bind(("127.0.0.1", 8080))?
//! .run()
//! .await?;
//! # Ok(()) }
//! ```

mod app;
mod bridge;
mod extract;
mod middleware;
mod rejection;
mod require;

pub use app::{AppExt, routes};
pub use extract::{AccessToken, User};
pub use middleware::{OktaAuthLayer, OktaAuthService};
pub use okta_auth_core::OktaAuth;
pub use rejection::{AccessDenied, AccessTokenRejection, UserRejection};
pub use require::{RequireExt, RequireLayer, RequireService};
