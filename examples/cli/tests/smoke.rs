//! The program as a process. The test is the user, who confirms the code at the org's page over HTTP.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use example_tests::{Answer, Browser};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cli"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OKTA_")) {
        command.env_remove(name);
    }
    command
}

/// Starts the demo, and returns it with its output, the address and the user code.
fn start() -> (Child, impl Iterator<Item = String>, String, String) {
    let mut child = program().stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut indented = lines.by_ref().filter(|line| line.starts_with("    ")).map(|line| line.trim().to_owned());
    let (address, code) = (indented.next().unwrap(), indented.next().unwrap());
    (child, lines, address, code)
}

/// Returns the value of an attribute that follows a text.
fn after<'a>(page: &'a str, text: &str) -> &'a str {
    page.split(text).nth(1).unwrap_or_else(|| panic!("no `{text}`: {page}")).split('"').next().unwrap()
}

/// Opens the address with the code, signs in as the first user, and decides.
async fn decide(address: &str, code: &str, action: &str) -> Answer {
    let mut browser = Browser::new();
    let org = address.strip_suffix("/activate").unwrap();
    let sign_in = browser.open(&format!("{address}?user_code={code}")).await.body;
    let user = sign_in.split("<li><form").nth(1).unwrap();
    let field = |name: &str| format!("{name}={}", after(user, &format!("name=\"{name}\" value=\"")));
    let form = ["stateToken", "username", "password"].map(field).join("&");
    let mut answer = browser.post(&format!("{org}{}", after(user, "action=\"")), &form).await;
    while [302, 303].contains(&answer.status) {
        let next = answer.location;
        answer = browser.open(&if next.starts_with('/') { format!("{org}{next}") } else { next }).await;
    }
    assert!(answer.body.contains("Orders CLI asks for access") && answer.body.contains(code), "{}", answer.body);
    let handle = after(&answer.body, "name=\"stateToken\" value=\"");
    let form = format!("stateToken={handle}&action={action}");
    browser.post(&format!("{org}{}", after(&answer.body, "action=\"")), &form).await
}

#[test]
fn a_confirmed_code_calls_the_api() {
    example_tests::run(async {
        let (mut child, lines, address, code) = start();
        assert!(decide(&address, &code, "allow").await.body.contains("Device connected"));
        let rest: Vec<String> = lines.collect();
        let (rest, status) = (rest.join("\n"), child.wait().unwrap());
        assert!(status.success(), "{rest}");
        for told in ["Signed in as \"Ada Lovelace\"", "answered 200 OK", "orders:read", "Signed out"] {
            assert!(rest.contains(told), "{told}: {rest}");
        }
        assert!(rest.contains('\u{2588}'), "a QR code: {rest}");
    });
}

#[test]
fn a_refused_code_ends_the_program() {
    example_tests::run(async {
        let (mut child, lines, address, code) = start();
        assert!(decide(&address, &code, "deny").await.body.contains("Device not connected"));
        let rest: Vec<String> = lines.collect();
        assert!(!child.wait().unwrap().success() && !rest.join("\n").contains("Signed in"));
    });
}

/// They start no development org.
#[test]
fn names_of_other_okta_libraries_are_errors_that_name_the_right_ones() {
    let output = program().env("OKTA_OAUTH2_ISSUER", "https://acme.okta.com").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && output.stdout.is_empty(), "{text}");
}
