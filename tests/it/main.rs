//! Integration tests over real sockets, one module for each behaviour. They share one binary, because every binary
//! links all dependencies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unreachable,
    missing_docs
)]
#![allow(clippy::print_stdout, reason = "the model checker prints how many states it visited")]

#[path = "../support/mod.rs"]
mod support;

mod actors;
mod architecture;
mod attacks;
mod authentication;
mod axum_adapter;
mod book;
mod browser_kit;
mod clients;
mod config;
mod conformance;
mod content_types;
mod cross_verification;
mod dev_org_variables;
mod device;
mod device_tokens;
mod dpop_api;
mod dpop_client;
mod dpop_nonces;
mod encrypted_id_tokens;
mod events;
mod fapi;
mod id_jag;
mod id_jag_verifier;
mod jwks_rotation;
mod machine_tokens;
mod oidc_provider;
mod oidc_provider_fapi;
mod oidc_provider_sign_in;
mod okta_api;
mod openapi;
mod outgoing_calls;
mod par;
mod proxy;
mod proxy_messages;
mod proxy_tokens;
mod proxy_websockets;
mod redirects;
mod refresh;
mod refresh_model;
mod request_objects;
mod session;
mod sign_out;
mod tenant_attacks;
mod tenant_extractor;
mod tenant_file;
mod tenant_isolation;
mod tenant_outgoing;
mod tenant_property;
mod tenant_resilience;
mod tenant_resolvers;
mod tenant_sessions;
mod tenants;
mod token_exchange;
mod tower_services;
