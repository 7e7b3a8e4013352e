//! The program as a process, over gRPC.

use example_tests::{Process, command, free_port, run};

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

#[test]
fn names_of_other_okta_libraries_are_errors() {
    run(example_tests::api::names_of_other_okta_libraries_are_errors_that_name_the_right_ones(env!(
        "CARGO_BIN_EXE_grpc-api"
    )));
}
