#![doc = include_str!("../README.md")]

mod access;
mod acr;
#[cfg(feature = "admin-api")]
mod admin_api;
mod authorize_request;
mod browser;
mod client;
mod client_document;
mod clock;
#[cfg(feature = "admin-api")]
pub mod config;
mod cors;
mod dpop;
mod encryption;
mod endpoint;
mod error;
mod fault;
mod grant_type;
mod jwe;
mod jws;
mod keys;
mod listener;
mod local_address;
mod logout_delivery;
mod oauth_error;
mod okta_session;
mod org;
mod org_options;
mod org_state;
mod outage;
mod random;
mod rate_limit;
mod reply;
mod request_log;
mod serve;
mod server;
mod store;
mod sync;
mod test_browser;
mod token;
mod token_builder;
mod user;

pub use browser::{Browser, Response};
pub use client::{
    AuthMethod, CLIENT_ID, Client, JweAlgorithm, PUBLIC_CLIENT_ID, ResourceConnection, Rotation, SERVICE_CLIENT_ID,
    SubjectFormat,
};
pub use clock::Clock;
pub use error::Error;
pub use fault::{ApiFault, DeviceFault, DpopFault, Fault, IdJagFault, JweFault, ParFault};
pub use grant_type::GrantType;
pub use keys::{Algorithm, ClientKey};
pub use logout_delivery::{Delivery, GlobalRevocation, LogoutToken, LogoutTokenFault, Notice, RevocationFault};
pub use okta_session::OktaSession;
pub use org::{Org, OrgBuilder};
pub use outage::{Endpoint, Outage};
pub use request_log::{Recorded, Refreshes};
pub use server::{AccessPolicy, AuthorizationServer, CustomClaim, GroupsClaim, GroupsFilter, ORG_SERVER};
pub use test_browser::{TestBrowser, TestResponse};
pub use token_builder::TokenBuilder;
pub use user::{ADA, ADA_PASSWORD, BEN, BEN_PASSWORD, SAM, SAM_PASSWORD, User};
