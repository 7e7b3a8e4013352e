//! The program as a process, over gRPC.

use example_tests::{Process, bound_token, command, free_port, run};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Response};
use tonic_prost::ProstCodec;

#[test]
fn without_settings_it_calls_itself() {
    let program = Process::start(command(env!("CARGO_BIN_EXE_grpc-api"), free_port()), "Listening ");
    let expected = [
        "List without a token: Unauthenticated, Send an access token in the Authorization header.",
        "List as a machine: order 1, tea",
        "List as a machine: order 2, coffee",
        "Cancel as a machine: PermissionDenied, ",
    ];
    for (line, expected) in program.lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    assert_eq!(program.lines.len(), 5);
}

#[test]
fn with_settings_it_only_serves() {
    run(async {
        let org = okta_auth_dev::Org::start().await.unwrap();
        let mut command = command(env!("CARGO_BIN_EXE_grpc-api"), free_port());
        command.env("OKTA_ISSUER_URI", org.issuer()).env("OKTA_AUDIENCE", "api://default");
        let program = Process::start(command, "Listening ");
        assert_eq!(program.lines.len(), 1, "{:?}", program.lines);
        assert_eq!(org.count("/v1/token"), 0);
    });
}

/// The URL of a proof is that of the gRPC method, and its method is POST.
#[test]
fn a_bound_token_needs_a_proof() {
    run(async {
        let (org, port) = (okta_auth_dev::Org::start().await.unwrap(), free_port());
        let base = format!("http://127.0.0.1:{port}");
        let mut command = command(env!("CARGO_BIN_EXE_grpc-api"), port);
        command.env("OKTA_ISSUER_URI", org.issuer()).env("OKTA_AUDIENCE", "api://default").env("OKTA_BASE_URL", &base);
        let _program = Process::start(command, "Listening ");
        let method = "/shop.v1.Orders/Cancel";
        let (token, proof) = bound_token(&org, &["orders:read"], ("POST", &format!("{base}{method}")));
        let channel = Endpoint::from_shared(base).unwrap().connect_lazy();
        let mut client = Grpc::new(channel);
        let mut call = async |scheme: &str| {
            client.ready().await.unwrap();
            let mut request = Request::new(());
            request.metadata_mut().insert("authorization", format!("{scheme} {token}").parse().unwrap());
            request.metadata_mut().insert("dpop", proof.parse().unwrap());
            // The reply has one text, as `google.protobuf.StringValue` has.
            let codec = ProstCodec::<(), String>::default();
            client.unary(request, PathAndQuery::from_static(method), codec).await.map(Response::into_inner)
        };
        assert_eq!(call("Bearer").await.unwrap_err().code(), Code::Unauthenticated);
        assert_eq!(call("DPoP").await.unwrap(), okta_auth_dev::ADA);
        assert_eq!(call("DPoP").await.unwrap_err().code(), Code::Unauthenticated, "the proof was used");
    });
}

#[test]
fn names_of_other_okta_libraries_are_errors() {
    run(example_tests::api::names_of_other_okta_libraries_are_errors_that_name_the_right_ones(env!(
        "CARGO_BIN_EXE_grpc-api"
    )));
}
