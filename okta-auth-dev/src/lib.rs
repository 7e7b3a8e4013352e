#![doc = include_str!("../README.md")]

mod assurance;
mod browser;
mod builder;
mod client;
mod clock;
pub mod config;
mod endpoint;
mod error;
mod fault;
mod journal;
mod keys;
mod minter;
mod oauth_error;
mod org;
mod random;
mod rate_limit;
mod reply;
mod serve;
mod server;
mod store;
mod sync;
mod tenant;
mod token;
mod user;

pub use browser::{Browser, Response};
pub use builder::OrgBuilder;
pub use client::{AuthMethod, CLIENT_ID, Client, GrantType, PUBLIC_CLIENT_ID, Rotation, SERVICE_CLIENT_ID};
pub use clock::Clock;
pub use error::Error;
pub use fault::Fault;
pub use journal::{Recorded, Refreshes};
pub use keys::Algorithm;
pub use minter::Minter;
pub use org::Org;
pub use server::{AccessPolicy, AuthorizationServer, CustomClaim, GroupsClaim, GroupsFilter, ORG_SERVER};
pub use user::{ADA, ADA_PASSWORD, BEN, BEN_PASSWORD, User};
