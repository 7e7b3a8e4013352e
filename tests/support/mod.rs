//! Shared test support: an application on a real socket, a development org behind it, and
//! a browser.

#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod app;
mod browser;
pub(crate) mod log;
mod prover;
mod proxy;
mod redis;
mod relay;
mod replicas;
pub(crate) mod site;

use std::time::Duration;

use okta_auth_dev::Org;

pub(crate) use app::{App, AppBuilder, SECRET, routes};
pub(crate) use browser::{Answer, Browser, call_with_proof};
pub(crate) use prover::{OtherProver, Prover, hash, proof_claims};
pub(crate) use proxy::Proxy;
pub(crate) use redis::RedisServer;
pub(crate) use relay::{Relay, Seen};
pub(crate) use replicas::{Gate, Place, Replicas, SharedStore, offline};

/// The default users of the development org.
pub(crate) const ADA: &str = "ada@example.test";
pub(crate) const BEN: &str = "ben@example.test";

/// The path of the callback.
pub(crate) const CALLBACK: &str = "/authorization-code/callback";

/// An org with the claim `groups` in ID tokens; Okta issues none by default.
pub(crate) async fn org_with_groups() -> Org {
    Org::builder().groups_claim_everywhere("groups").start().await.unwrap()
}

/// Waits for the effect of a background task of the application.
pub(crate) async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    });
    assert!(patience.await.is_ok(), "{what}");
}

/// Counts the refresh tokens that the application has revoked.
pub(crate) fn revoked(org: &Org) -> usize {
    let requests = org.request_log();
    let revocations = requests.iter().filter(|request| request.path.ends_with("/v1/revoke"));
    revocations.filter(|request| request.form_field("token_type_hint").as_deref() == Some("refresh_token")).count()
}
