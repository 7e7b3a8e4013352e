//! The recorder of metrics, and the page that Prometheus reads.

use axum::{Router, routing::get};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};

/// Call it before `OktaAuth` is built, and serve the result to Prometheus only.
pub(crate) fn metrics() -> Result<Router, BuildError> {
    let seconds = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
    let handle = PrometheusBuilder::new().set_buckets(&seconds)?.install_recorder()?;
    Ok(Router::new().route("/metrics", get(move || async move { handle.render() })))
}
