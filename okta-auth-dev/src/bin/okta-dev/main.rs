//! Runs a development org until Ctrl-C or SIGTERM.
//!
//! At startup, the program prints the address, the issuers, clients with their secrets, users with their passwords, and
//! lines to paste into a shell or a file. Then it prints one line for each request, with the reason if the request was
//! rejected.
//!
//! The secrets are printed on purpose, because they protect nothing. The command line takes precedence over the
//! environment, and the environment over the file.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing connection details is the purpose of the program"
)]

mod arguments;
mod banner;

use std::process::ExitCode;

use arguments::{Arguments, HELP};
use banner::banner;
use okta_auth_dev::{Org, OrgBuilder, Recorded};
use serde_json::{Value, json};

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

async fn run() -> Result<(), String> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    if arguments.help || arguments.version {
        println!("{}", if arguments.help { HELP } else { concat!("okta-dev ", env!("CARGO_PKG_VERSION")) });
        return Ok(());
    }
    let org = builder(&arguments)?.start().await.map_err(explained)?;
    let certificate = certificate_file(&org, &arguments)?;
    if arguments.json {
        println!("{}", started(&org, certificate.as_deref()));
    } else {
        print!("{}", banner(&org, certificate.as_deref()));
    }
    interrupted().await?;
    org.stop();
    Ok(())
}

/// Builds the org from the environment and the command line.
///
/// Variables that are not valid Unicode are skipped: none of the program's variables is.
fn builder(arguments: &Arguments) -> Result<OrgBuilder, String> {
    let environment = std::env::vars_os();
    let environment =
        environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let builder = OrgBuilder::from_variables(arguments.variables(environment)).map_err(explained)?;
    let builder = encrypted(builder.stable_secrets(true), arguments)?;
    let (json, quiet) = (arguments.json, arguments.quiet);
    Ok(if quiet { builder } else { builder.on_request(move |request| print_request(request, json)) })
}

fn print_request(request: &Recorded, json: bool) {
    if !json {
        return println!("{request}");
    }
    let line = json!({
        "event": "request",
        "method": request.method,
        "path": request.path,
        "status": request.status,
        "client_id": request.client_id(),
        "refusal": request.refusal,
    });
    println!("{line}");
}

fn started(org: &Org, certificate: Option<&str>) -> Value {
    let mut line = org.description();
    if let Some(members) = line.as_object_mut() {
        let added = [
            ("event", json!("started")),
            ("address", json!(org.address())),
            ("certificate_file", json!(certificate)),
            ("orgs", org.orgs().iter().map(Org::description).collect()),
        ];
        members.extend(added.map(|(name, value)| (name.to_owned(), value)));
    }
    line
}

fn encrypted(builder: OrgBuilder, arguments: &Arguments) -> Result<OrgBuilder, String> {
    let read = |file: &str| std::fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"));
    match (&arguments.certificate, &arguments.key) {
        (Some(certificate), Some(key)) => Ok(builder.https_with(read(certificate)?, read(key)?)),
        (None, None) if arguments.https => Ok(builder.https()),
        (None, None) => Ok(builder),
        _ => Err("`--certificate` and `--key` need each other; see --help".to_owned()),
    }
}

/// Writes the self-signed certificate to a file that clients can trust. Returns `None` on plain HTTP and for a given
/// certificate.
fn certificate_file(org: &Org, arguments: &Arguments) -> Result<Option<String>, String> {
    let certificate = org.certificate().filter(|_| arguments.certificate.is_none());
    let Some(certificate) = certificate else { return Ok(None) };
    let file = std::env::temp_dir().join(format!("okta-dev-{}.pem", org.address().port()));
    std::fs::write(&file, certificate).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(Some(file.display().to_string()))
}

/// Waits for Ctrl-C, and on Unix also for SIGTERM.
async fn interrupted() -> Result<(), String> {
    let failed = |error| format!("cannot wait for signals: {error}");
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result.map_err(failed),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed)
}

fn explained(error: okta_auth_dev::Error) -> String {
    match std::error::Error::source(&error) {
        Some(source) => format!("{error} ({source})"),
        None => error.to_string(),
    }
}
