//! Runs a development org until Ctrl-C.
//!
//! Everything it says goes to standard output: the address, the issuers, clients with their
//! secrets, people with their passwords, and three lines to paste into a shell.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is what the program is for")]

use std::process::ExitCode;

use okta_auth_dev::{Client, GrantType, Org, OrgBuilder};

/// What `--help` prints.
const HELP: &str = "\
A development org for apps that sign in with Okta. It listens on 127.0.0.1 only.

Usage: okta-dev [OPTIONS]

Options:
  --port PORT           the port [default: 8090, or what the file says; 0: a free one]
  --config FILE         settings in TOML: people, clients, authorization servers
  --redirect-uri URI    one more sign-in redirect URI for the first client; may be repeated. Its origin with a slash
                        is registered for sign-out
  --help                this text

The default client accepts http://localhost:8080/authorization-code/callback.";

/// The port unless another is given.
const PORT: u16 = 8090;

/// What the command line says.
#[derive(Debug, Default)]
struct Arguments {
    /// `--port`.
    port: Option<u16>,
    /// `--config`.
    config: Option<String>,
    /// `--redirect-uri`, as often as it was given.
    redirect_uris: Vec<String>,
    /// `--help`.
    help: bool,
}

/// Errors go to standard error, and the exit code says that there was one.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("okta-dev: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the org and waits for Ctrl-C.
async fn run() -> Result<(), String> {
    let arguments = arguments(std::env::args().skip(1))?;
    if arguments.help {
        println!("{HELP}");
        return Ok(());
    }
    let org = builder(arguments).map_err(explained)?.start().await.map_err(explained)?;
    print!("{}", banner(&org));
    tokio::signal::ctrl_c().await.map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    org.stop();
    Ok(())
}

/// Reads the command line; `--port 1` and `--port=1` are the same.
fn arguments(words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut words = words.flat_map(|word| match word.split_once('=') {
        Some((name, value)) if name.starts_with("--") => vec![name.to_owned(), value.to_owned()],
        _ => vec![word],
    });
    let mut arguments = Arguments::default();
    while let Some(name) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{name}` needs a value; see --help"));
        match name.as_str() {
            "--port" => {
                let port = value()?;
                arguments.port = Some(port.parse().map_err(|_| format!("`{port}` is no port from 0 to 65535"))?);
            }
            "--config" => arguments.config = Some(value()?),
            "--redirect-uri" => arguments.redirect_uris.push(value()?),
            "--help" | "-h" => arguments.help = true,
            _ => return Err(format!("unknown argument `{name}`; see --help")),
        }
    }
    Ok(arguments)
}

/// The command line wins over the file.
fn builder(arguments: Arguments) -> Result<OrgBuilder, okta_auth_dev::Error> {
    let mut builder = match &arguments.config {
        Some(file) => OrgBuilder::from_file(file)?,
        None => OrgBuilder::default().port(PORT),
    };
    builder = arguments.port.into_iter().fold(builder, OrgBuilder::port);
    for uri in arguments.redirect_uris {
        if let Ok(url) = url::Url::parse(&uri) {
            builder = builder.post_logout_redirect_uri(format!("{}/", url.origin().ascii_serialization()));
        }
        builder = builder.redirect_uri(uri);
    }
    Ok(builder)
}

/// An error with what led to it.
fn explained(error: okta_auth_dev::Error) -> String {
    match std::error::Error::source(&error) {
        Some(source) => format!("{error} ({source})"),
        None => error.to_string(),
    }
}

/// What a developer needs, ready to paste.
fn banner(org: &Org) -> String {
    let mut lines = vec![
        format!("Development org at {} - stop it with Ctrl-C.", org.url()),
        String::new(),
        format!("  issuer              {}", org.issuer()),
        format!("  issuer (org)        {}", org.org_issuer()),
    ];
    lines.extend(org.clients().iter().map(client_line));
    lines.push(String::new());
    for user in org.users() {
        lines.push(format!("  user                {}  {}  ({})", user.login, user.password, user.groups.join(", ")));
    }
    lines.push(String::new());
    lines.extend(org.client().redirect_uris.iter().map(|uri| format!("  redirect URI        {uri}")));
    lines.push(String::new());
    lines.extend(org.env().iter().map(|(name, value)| format!("export {name}={value}")));
    lines.push(String::new());
    lines.join("\n")
}

/// A client in one line.
fn client_line(client: &Client) -> String {
    let secret = client.client_secret.as_deref().unwrap_or("(no secret: PKCE)");
    let service = client.grant_types == [GrantType::ClientCredentials];
    let label = if service { "service client" } else { "client" };
    format!("  {label:<20}{}  {secret}  ({})", client.client_id, client.name)
}
