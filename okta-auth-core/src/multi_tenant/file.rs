//! Loads tenants from a file, which may change while the application runs.
//!
//! An edit is applied as a whole: the file is read and checked as one table, and a mistake in one section leaves all
//! tenants unchanged. At startup a mistake is an error.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use toml::Spanned;

use super::table::TenantTable;
use crate::clock::Seconds;
use crate::error::{self, Code, Error, Result};
use crate::secret::Secret;
use crate::tenant::{TenantId, TenantSettings};

/// `tenants.toml`: a section for each tenant.
///
/// ```toml
/// [acme]
/// issuer = "https://acme.okta.com/oauth2/default"
/// client_id = "0oa1abcdXYZ2efGhI5d7"
/// client_secret_variable = "ACME_CLIENT_SECRET" # or client_secret = ".."
/// name = "Acme Inc."
/// hosts = ["portal.acme.com"]
/// email_domains = ["acme.com"]
/// policies = "strict"
/// session_idle = 1800 # seconds
/// ```
///
/// The file is read again when it has changed. If it is invalid then, the last valid set stays in use, and the log has
/// the reason with the line. An empty file is ignored, because an editor may be about to write it; to remove all
/// tenants, leave a comment in it.
#[derive(Debug)]
pub struct TenantFile {
    path: PathBuf,
}

/// Identifies a version of a file by its modification time and length. The length detects most edits within one tick of
/// the file system's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileVersion {
    modified: Option<SystemTime>,
    length: u64,
}

impl FileVersion {
    /// Whether the file has no bytes at all, which happens while an editor writes it.
    pub(super) fn is_empty(self) -> bool {
        self.length == 0
    }
}

/// One section. An unknown key is an error that lists the known ones.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    issuer: String,
    client_id: String,
    client_secret: Option<Secret>,
    client_secret_variable: Option<String>,
    #[serde(default)]
    shared_key: bool,
    name: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    email_domains: Vec<String>,
    #[serde(default)]
    former_issuers: Vec<String>,
    scopes: Option<String>,
    audience: Option<String>,
    policies: Option<String>,
    session_idle: Option<Seconds>,
    session_absolute: Option<Seconds>,
}

impl TenantFile {
    /// Creates a source for this path without reading it.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned() }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if the file cannot be read or is invalid; the message names the line of the mistake.
    pub fn read(&self) -> Result<TenantTable> {
        let text = fs::read_to_string(&self.path).map_err(|error| {
            let message = format!("{} cannot be read: {error}", self.path.display());
            Error::new(Code::ConfigInvalid, message)
        })?;
        let variable = |name: &str| std::env::var(name).ok();
        parse(&text, variable).map_err(|(line, message)| {
            let place = line.map(|line| format!(":{line}")).unwrap_or_default();
            Error::new(Code::ConfigInvalid, format!("{}{place}: {message}", self.path.display()))
        })
    }

    /// Returns the current version of the file; `None` if it cannot be read, for example while an editor replaces it.
    pub(super) fn stamp(&self) -> Option<FileVersion> {
        let metadata = fs::metadata(&self.path).ok()?;
        Some(FileVersion { modified: metadata.modified().ok(), length: metadata.len() })
    }
}

/// Parses tenants. An error has its line and a message; neither contains a secret.
fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<TenantTable, (Option<usize>, String)> {
    let line = |at: usize| text.get(..at).map(|before| before.matches('\n').count().saturating_add(1));
    let sections: BTreeMap<Spanned<String>, Section> = toml::from_str(text)
        .map_err(|error| (error.span().and_then(|span| line(span.start)), without_value(error.message())))?;
    let mut tenants = Vec::new();
    for (name, section) in sections {
        let at = line(name.span().start);
        let id = TenantId::parse(name.get_ref()).ok_or_else(|| {
            let message =
                format!("`{}` is not a valid tenant id; use lower-case letters, digits and hyphens", name.get_ref());
            (at, message)
        })?;
        tenants.push(section.into_settings(id, &variable).map_err(|message| (at, message))?);
    }
    TenantTable::new(tenants).map_err(|error| (None, error.to_string()))
}

/// Removes the offending value from a message of `toml`, because it may be a misplaced secret. Names of keys stay.
fn without_value(message: &str) -> String {
    let repeats = message.starts_with("invalid type: ") || message.starts_with("invalid value: ");
    if repeats { error::expected(message) } else { message.to_owned() }
}

impl Section {
    /// Converts the section, with the secret from the file or its variable.
    ///
    /// A secret has one place. With two it would be unclear which one counts. An unset variable is an error, because it
    /// would silently turn the client into a public one.
    fn into_settings(self, id: TenantId, variable: impl Fn(&str) -> Option<String>) -> Result<TenantSettings, String> {
        let client_secret = match (self.client_secret, self.client_secret_variable) {
            (Some(_), Some(_)) => {
                return Err("client_secret and client_secret_variable are both set; keep one".to_owned());
            }
            (secret, None) => secret,
            (None, Some(name)) => match variable(&name) {
                Some(value) => Some(Secret::new(value)),
                None => return Err(format!("the variable `{name}` is not set")),
            },
        };
        Ok(TenantSettings {
            id,
            name: self.name,
            issuer: self.issuer,
            former_issuers: self.former_issuers,
            client_id: self.client_id,
            client_secret,
            shared_key: self.shared_key,
            base_url: self.base_url,
            hosts: self.hosts,
            email_domains: self.email_domains,
            scopes: self.scopes,
            audience: self.audience,
            policies: self.policies,
            session_idle: self.session_idle.map(|Seconds(time)| time),
            session_absolute: self.session_absolute.map(|Seconds(time)| time),
            created_at: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(text: &str) -> Result<TenantTable, (Option<usize>, String)> {
        parse(text, |name| (name == "ACME_SECRET").then(|| "from-the-environment".to_owned()))
    }

    const ACME: &str = "[acme]\nissuer = \"https://acme.okta.com\"\nclient_id = \"0oa1\"\n";

    #[test]
    fn a_section_is_a_tenant() {
        let text = format!("{ACME}client_secret_variable = \"ACME_SECRET\"\nsession_idle = 60\nname = \"Acme Inc.\"\n");
        let table = read(&text).unwrap();
        let acme = &table.all()[0];
        assert_eq!((acme.display_name(), acme.session_idle), ("Acme Inc.", Some(Duration::from_secs(60))));
        assert_eq!(acme.client_secret.as_ref().unwrap().expose(), "from-the-environment");
    }

    #[test]
    fn errors_name_the_line_and_never_the_secret() {
        for (text, line, words) in [
            (format!("{ACME}hsots = [\"a.example\"]\n"), 4, "hsots"),
            (format!("{ACME}client_secret = 7\nx"), 5, ""),
            (format!("{ACME}client_secret_variable = \"NOT_SET\"\n"), 1, "NOT_SET"),
            (format!("{ACME}[Bad]\nissuer = \"https://b.okta.com\"\nclient_id = \"0oa2\"\n"), 4, "Bad"),
            ("[acme]\nclient_id = \"0oa1\"\n".to_owned(), 1, "issuer"),
        ] {
            let (found, message) = read(&text).unwrap_err();
            assert_eq!(found, Some(line), "{message}");
            assert!(message.contains(words), "{message}");
        }
        // Misplaced secrets, and secrets that are numbers.
        for line in [
            "client_secret = 7234",
            "shared_key = \"7234\"",
            "session_idle = \"7234\"",
            "hosts = \"7234\"",
            "name = [\"7234\"]",
        ] {
            let (found, message) = read(&format!("{ACME}{line}\n")).unwrap_err();
            assert_eq!(found, Some(4), "{message}");
            assert!(message.contains("expected") && !message.contains("7234"), "{message}");
        }
        let secret = format!("{ACME}client_secret = \"hunter2\"\nclient_secret_variable = \"ACME_SECRET\"\n");
        assert!(!read(&secret).unwrap_err().1.contains("hunter2"));
    }
}
