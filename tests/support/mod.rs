//! What the tests share: an application on a real socket, a development org behind it, and a browser.

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
mod proxy;
mod redis;
mod replicas;
pub(crate) mod site;

pub(crate) use app::{App, AppBuilder, SECRET, routes};
pub(crate) use browser::{Answer, Browser};
pub(crate) use proxy::Proxy;
pub(crate) use redis::{RedisServer, free_port};
pub(crate) use replicas::{Gate, Place, Replicas, SharedStore, offline};

/// The users that the development org ships with.
pub(crate) const ADA: &str = "ada@example.test";
pub(crate) const BEN: &str = "ben@example.test";

/// The path that Okta sends browsers back to.
pub(crate) const CALLBACK: &str = "/authorization-code/callback";
