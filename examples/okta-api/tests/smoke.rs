//! The program as a process, with its own development org.

use std::process::Command;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_okta-api"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OKTA_")) {
        command.env_remove(name);
    }
    command
}

#[test]
fn it_lists_users_and_groups_of_its_development_org() {
    let output = program().output().unwrap();
    let (out, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{log}");
    let count = |word: &str| out.lines().filter(|line| line.starts_with(word)).count();
    // Both lists have several pages.
    assert_eq!((count("user "), count("group ")), (7, 8), "{out}");
    for line in ["user ada@example.test ACTIVE", "group Team 5", "ada@example.test is in Admins, Everyone"] {
        assert!(out.lines().any(|found| found == line), "{line}: {out}");
    }
    assert!(out.ends_with("missing@example.test: 404 Not Found E0000007\n"), "{out}");
}

#[test]
fn variables_name_another_org() {
    let output = program().env("OKTA_ISSUER_URI", "https://acme.okta.com").output().unwrap();
    let (out, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && out.is_empty(), "{out}");
    assert!(log.contains("OKTA_CLIENT_ID"), "{log}");
}
