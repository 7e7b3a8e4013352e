//! Sign in with Okta in axum, with metrics for Prometheus. Without `OKTA_ISSUER_URI` it starts a development org.

mod metrics;
mod port;

use std::env;

use axum::{Router, routing::get};
use okta_auth::OktaAuth;
use okta_auth::axum::{RouterExt, User};
use okta_auth_dev::Org;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // shows why a sign-in failed
    let port = port::port()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
    let metrics_port = env::var("METRICS_PORT").ok().map_or(Ok(9464), |port| port.parse())?;
    let metrics_listener = TcpListener::bind(("127.0.0.1", metrics_port)).await.map_err(port::taken(metrics_port))?;
    let metrics = metrics::metrics()?;

    let mut builder = OktaAuth::builder().from_env();
    let org = if builder.names_an_org() { None } else { Some(Org::start().await?) };
    if let Some(org) = &org {
        org.allow_redirect(&port::base(port));
        org.users().iter().for_each(|user| println!("sign in as {}  password {}", user.login, user.password));
        builder = builder.from_variables(org.env());
    }
    let auth = builder.base_url(port::base(port)).build()?;
    let app = Router::new().route("/", get(home)).route("/profile", get(profile)).okta_auth(&auth);

    tokio::spawn(async move { axum::serve(metrics_listener, metrics).await });
    println!("Metrics are at http://localhost:{metrics_port}/metrics");
    println!("Open {} in your browser.", auth.config().base_url());
    axum::serve(listener, app).await?;
    Ok(())
}

async fn home() -> &'static str {
    "Open /profile to sign in."
}

async fn profile(user: User) -> String {
    format!("Hello {}", user.name())
}
