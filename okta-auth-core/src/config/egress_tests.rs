//! Issuers as users type them into a table of tenants.

use super::{ConfigBuilder, EgressPolicy};
use crate::error::{Code, Result};
use crate::issuer::Issuer;

fn policy() -> EgressPolicy {
    EgressPolicy::default().allow_domain("login.acme.com")
}

/// Builds the configuration with this issuer, and applies the policy to it.
fn check(policy: &EgressPolicy, issuer: &str) -> Result<()> {
    let config = ConfigBuilder::default().issuer(issuer).client_id("0oa1").build()?;
    policy.check_issuer(config.issuer())
}

#[test]
fn orgs_custom_servers_and_custom_domains_pass() {
    for issuer in [
        "https://acme.okta.com",
        "https://acme.okta.com/",
        "https://acme.okta.com/oauth2/default",
        "https://acme.okta-gov.com/oauth2/aus9o8wzkhckw9TLa0h7z",
        "https://login.acme.com/oauth2/default",
    ] {
        check(&policy(), issuer).unwrap();
    }
}

#[test]
fn everything_else_does_not() {
    for issuer in [
        "https://evil.example",
        "https://acme.okta.com.evil.example",
        "https://evilokta.com",
        "https://127.0.0.1",
        "https://2130706433",
        "https://0x7f.1",
        "https://[::1]",
        "https://[::ffff:10.0.0.1]",
        "https://10.0.0.1/oauth2/default",
        "https://user@acme.okta.com",
        "https://acme.okta.com@evil.example",
        "https://acme.okta.com:8443",
        "https://acme.okta.com./oauth2/default",
        "http://acme.okta.com",
        "http://localhost:7",
        "http://127.0.0.1:7",
    ] {
        let error = check(&policy(), issuer).unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid, "{issuer}");
    }
    check(&policy().dangerous().allow_loopback(), "http://127.0.0.1:7/oauth2/default").unwrap();
}

#[test]
fn issuers_must_be_written_in_their_parsed_form() {
    for issuer in [
        "https://ACME.okta.com",
        "https://acme.okta.com:443",
        "https://acme.okta.com/oauth2/x/../default",
        "https://acme.okta.com/oauth2/%2e%2e/default",
        "https://acme.okta.com\\oauth2\\default",
        "https://ac\tme.okta.com",
        "https://acme.okta.com/oauth2/de\nfault",
        "https:acme.okta.com",
        "https:///acme.okta.com",
        "https://ａｃｍｅ.okta.com",
        "https://acme。okta.com",
        "https://acme.okta.com/oauth2/d é",
        "HTTPS://acme.okta.com",
        "https://acme.evil\u{2044}.okta.com",
    ] {
        let issuer = Issuer::new(issuer, issuer.parse().unwrap());
        let error = policy().check_issuer(&issuer).unwrap_err();
        assert!(error.code() == Code::ConfigInvalid && error.to_string().contains("write `https://acme"), "{error}");
        assert!(error.to_string().is_ascii(), "{error}");
    }
}

#[test]
fn the_message_names_issuer_and_fix() {
    let message = check(&policy(), "https://sso.globex.com").unwrap_err().to_string();
    assert!(message.contains("https://sso.globex.com") && message.contains("EgressPolicy::allow_domain"), "{message}");
    let message = check(&policy().allow_domain("*.x.com"), "https://acme.okta.com").unwrap_err().to_string();
    assert!(message.contains("allow_subdomains_of"), "{message}");
}
