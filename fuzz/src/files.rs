//! Configuration files of an operator, with mistakes.

use std::path::PathBuf;
use std::{env, fs, process, thread};

use okta_auth_core::error::Code;
use okta_auth_core::multi_tenant::{TenantFile, TenantKey, TenantTable};
use okta_auth_core::policy::PolicySet;
use okta_auth_core::tenant::TenantId;

/// Policies either load or fail with the line of the mistake. Loaded policies can be printed.
pub fn policies(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match PolicySet::parse(text) {
        Ok(set) => {
            for name in set.names() {
                let policy = set.policy(name).expect("a name leads to its policy");
                let _ = (format!("{policy:?}"), format!("{:?}", !policy));
            }
            assert!(set.routes().all(|(route, _)| route.starts_with('/') && set.route(route).is_some()));
        }
        Err(error) => {
            let message = error.to_string();
            assert!(error.code() == Code::PolicyInvalid && message.contains(", line "), "{message}");
            check_line(text, message.split(", line ").nth(1));
        }
    }
}

/// Tenants either load or fail with a message. Loaded tenants are found by each of their keys.
pub fn tenants(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = path();
    fs::write(&path, text).expect("the temporary folder can be written to");
    let read = TenantFile::new(&path).read();
    let _ = fs::remove_file(&path);
    match read {
        Ok(table) => found(&table),
        Err(error) => {
            let (message, place) = (error.to_string(), format!("{}:", path.display()));
            assert_eq!(error.code(), Code::ConfigInvalid, "{message}");
            let rest = message.split_once(&place).map(|(_, rest)| rest).expect("a message names the file");
            if !rest.trim_start().starts_with("the tenants cannot be used") {
                check_line(text, Some(rest));
            }
        }
    }
}

/// Each tenant of a table forms a valid table of its own, and each of its keys leads to it.
fn found(table: &TenantTable) {
    for tenant in table.all() {
        assert_eq!(TenantId::parse(tenant.id.as_str()).as_ref(), Some(&tenant.id));
        let hosts = tenant.hosts.iter().map(|host| TenantKey::Host(host.to_ascii_lowercase()));
        let domains = tenant.email_domains.iter().map(|domain| TenantKey::EmailDomain(domain.to_ascii_lowercase()));
        for key in [TenantKey::Id(tenant.id.clone())].into_iter().chain(hosts).chain(domains) {
            assert_eq!(table.tenant(&key).map(|found| &found.id), Some(&tenant.id), "{key}");
        }
        assert!(TenantTable::new([(**tenant).clone()]).is_ok(), "a tenant cannot be used alone");
        let _ = (tenant.display_name(), format!("{tenant:?}"));
    }
    let twice = table.all().iter().chain(table.all()).map(|tenant| (**tenant).clone());
    assert!(table.all().is_empty() || TenantTable::new(twice).is_err(), "tenants were accepted twice");
}

/// The line in a message must exist; the end of the text counts as a line.
fn check_line(text: &str, rest: Option<&str>) {
    let digits = rest.unwrap_or_default().split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let line: usize = digits.parse().expect("a message names a line");
    assert!((1..=text.matches('\n').count() + 1).contains(&line), "line {line} does not exist");
}

/// A temporary file for this thread.
fn path() -> PathBuf {
    env::temp_dir().join(format!("okta-auth-fuzz-{}-{:?}.toml", process::id(), thread::current().id()))
}
