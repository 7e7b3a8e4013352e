//! actix-web middleware and extractors for `okta-auth`.
//!
//! The crate translates between actix-web and [`okta_auth_core::adapter`], which makes all decisions. Names and
//! behaviour match those of the axum adapter. Applications use it as `okta_auth::actix`.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use okta_auth::OktaAuth;
//! use okta_auth::actix::{HandlerError, OktaAuthLayer, User, okta_auth};
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
mod extract;
mod middleware;
#[cfg(feature = "proxy")]
mod proxy;
mod require;
mod response;
mod routes;

pub use extract::{AccessToken, SignedOut, Tenant, User};
pub use middleware::OktaAuthLayer;
pub use okta_auth_core::OktaAuth;
#[cfg(feature = "proxy")]
pub use proxy::proxy;
pub use require::{RequireExt, RequireLayer};
pub use response::{AccessRejection, HandlerError, UserRejection};
pub use routes::okta_auth;

/// The services that the layers produce, for code that names their types.
pub mod service {
    pub use crate::middleware::{OktaAuthService, RequireService};
}
