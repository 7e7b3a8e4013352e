//! Tokens of outgoing calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::outgoing::{Authorization, OutgoingBuilder};
use okta_auth_dev::{Client as OrgClient, Endpoint as OrgEndpoint, Org, Outage};
use okta_auth_tonic::AuthorizedChannel;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use crate::support::Server;

const JOB: &str = "0oajob";

fn orders(org: &Org, url: &str) -> Authorization {
    org.put_client(OrgClient::service(JOB, "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa"));
    let config = ConfigBuilder::default().issuer(org.issuer()).client_id(JOB);
    let config = config.client_secret("kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa");
    let clock = org.clock();
    let outgoing = OutgoingBuilder::from(config).clock(move || clock.now()).build().unwrap();
    outgoing.target(url).unwrap().for_machine(["orders:read"])
}

pub(crate) async fn call(channel: &AuthorizedChannel) -> Result<String, Status> {
    call_by(tonic::client::Grpc::new(channel.clone())).await
}

async fn call_by(mut grpc: tonic::client::Grpc<AuthorizedChannel>) -> Result<String, Status> {
    grpc.ready().await.unwrap();
    let (path, codec) = (http::uri::PathAndQuery::from_static("/test.Echo/Orders"), ProstCodec::default());
    let reply: tonic::Response<String> = grpc.unary(tonic::Request::new(String::new()), path, codec).await?;
    Ok(reply.into_inner())
}

#[tokio::test]
async fn each_call_carries_the_cached_token() {
    let server = Server::start().await;
    let channel =
        AuthorizedChannel::new(&Endpoint::from_shared(server.url.clone()).unwrap(), orders(&server.org, &server.url));
    for _ in 0..3 {
        assert_eq!(call(&channel).await.unwrap(), format!("{JOB}, machine: true"));
    }
    assert_eq!(server.org.count("/v1/token"), 1);
}

/// The address of a call could come from a request. The token goes where the channel connects.
#[tokio::test]
async fn a_token_is_sent_to_no_server_that_the_target_does_not_name() {
    let (server, evil) = (Server::start().await, Server::start().await);
    let to_evil = Endpoint::from_shared(evil.url.clone()).unwrap().origin(server.url.parse().unwrap());
    let channel = AuthorizedChannel::new(&to_evil, orders(&server.org, &server.url));
    let with_its_name = tonic::client::Grpc::with_origin(channel.clone(), server.url.parse().unwrap());
    for grpc in [tonic::client::Grpc::new(channel), with_its_name] {
        let status = call_by(grpc).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert!(status.message().contains("target does not name"), "{status}");
    }
    assert_eq!((evil.calls(), server.org.count("/v1/token")), (0, 0));
}

#[tokio::test]
async fn a_rejected_token_is_renewed_for_the_next_call() {
    let (org, ahead) = (Org::start().await.unwrap(), Arc::new(AtomicU64::new(0)));
    let (clock, offset) = (org.clock(), Arc::clone(&ahead));
    // To a server whose clock is ahead, the token has expired.
    let clock = move || clock.now() + Duration::from_secs(offset.load(Ordering::Relaxed));
    let auth = OktaAuthBuilder::from(ConfigBuilder::default().issuer(org.issuer()).api_only()).clock(clock);
    let server = Server::with(&org, auth.build().unwrap()).await;
    let endpoint = Endpoint::from_shared(server.url.clone()).unwrap();
    let channel = AuthorizedChannel::new(&endpoint, orders(&org, &server.url));
    call(&channel).await.unwrap();
    org.clock().advance(Duration::from_secs(60));
    ahead.store(7200, Ordering::Relaxed);
    assert_eq!(call(&channel).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!((server.calls(), org.count("/v1/token")), (1, 2));
    ahead.store(0, Ordering::Relaxed);
    assert_eq!(call(&channel).await.unwrap(), format!("{JOB}, machine: true"));
    assert_eq!(org.count("/v1/token"), 2);
}

#[tokio::test]
async fn a_call_without_a_token_is_not_sent() {
    let server = Server::start().await;
    let endpoint = Endpoint::from_shared(server.url.clone()).unwrap();
    let channel = AuthorizedChannel::new(&endpoint, orders(&server.org, &server.url));
    server.org.outage(OrgEndpoint::Token, Outage::Status(503));
    assert_eq!(call(&channel).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(server.calls(), 0);
}
