//! Tests of the development org over real sockets, with and without faults.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that fails may panic"
)]

mod backchannel;
mod client_credentials;
mod client_documents;
mod config;
mod device;
mod dpop;
mod dpop_resources;
mod encrypted_id_tokens;
mod faults;
mod flow;
mod id_jag;
mod introspection;
mod keys;
mod logout;
mod metadata;
mod multi_org;
mod okta_api;
mod outages;
mod page;
mod par;
mod policies;
mod refreshing;
mod request_objects;
mod requests;
mod scopes;
mod second_factor;
mod serving;
mod sessions;
mod single_logout;
mod support;
mod test_api;
mod token_exchange;
mod tokens;
mod universal_logout;
