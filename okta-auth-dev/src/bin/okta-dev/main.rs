//! Runs a development org until Ctrl-C.
//!
//! Everything it says goes to standard output: the address, the issuers, clients with their
//! secrets, people with their passwords, and lines to paste into a shell or a file.
//!
//! The secrets are printed on purpose: they work on this machine only. Whatever is
//! not said on the command line is taken from the environment, then from the file,
//! then from the defaults.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is what the program is for")]

mod banner;

use std::collections::BTreeMap;
use std::process::ExitCode;

use banner::banner;
use okta_auth_dev::OrgBuilder;

/// What `--help` prints.
const HELP: &str = "\
A development org for apps that sign in with Okta. It listens on 127.0.0.1 only.

Usage: okta-dev [OPTIONS]

Options:
  --port PORT           the port [default: 8090, or what the file says; 0: a free one]
  --config FILE         settings in TOML: people, clients, authorization servers
  --origin ORIGIN       an origin of the app, such as http://localhost:3000: its usual sign-in and sign-out redirect URIs
                        are registered for the first client; may be repeated (an app on two ports, or behind a proxy)
  --orgs NAMES          customers, separated by commas: each gets an org of its own at NAME.localhost and the same port,
                        with people, a client, keys, and the redirect URIs of the first client, also below its name
  --redirect-uri URI    one more sign-in redirect URI for the first client; may be repeated. Its origin with a slash
                        is registered for sign-out
  --access-token-lifetime SECONDS
                        how long access tokens of custom servers are valid [default: 3600, or what the file says]
  --groups-claim NAME   a claim of this name carries all groups in ID tokens; without it there is none, as at Okta
  --full-id-tokens      ID tokens of custom servers carry the whole profile; without it they are thin, as at Okta
  --help                this text

Environment, for what the command line does not say: OKTA_DEV_CONFIG, OKTA_DEV_PORT, OKTA_DEV_ORGS, OKTA_DEV_ORIGINS
(both separated by commas), OKTA_DEV_ACCESS_TOKEN_LIFETIME, OKTA_DEV_GROUPS_CLAIM, OKTA_DEV_FULL_ID_TOKENS (true),
OKTA_DEV_ROTATION (static or rotate), OKTA_DEV_REFRESH_LEEWAY (seconds).

The default client accepts http://localhost:8080/authorization-code/callback.";

/// The port unless another is given.
const PORT: &str = "8090";

/// What the command line says.
#[derive(Debug, Default)]
struct Arguments {
    /// `--port`.
    port: Option<String>,
    /// `--config`.
    config: Option<String>,
    /// `--origin`, as often as it was given.
    origins: Vec<String>,
    /// `--orgs`.
    orgs: Option<String>,
    /// `--access-token-lifetime`, in seconds.
    access_token_lifetime: Option<String>,
    /// `--redirect-uri`, as often as it was given.
    redirect_uris: Vec<String>,
    /// `--groups-claim`.
    groups_claim: Option<String>,
    /// `--full-id-tokens`.
    full_id_tokens: bool,
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
            "--port" => arguments.port = Some(value()?),
            "--origin" => arguments.origins.push(value()?),
            "--orgs" => arguments.orgs = Some(value()?),
            "--access-token-lifetime" => arguments.access_token_lifetime = Some(value()?),
            "--config" => arguments.config = Some(value()?),
            "--redirect-uri" => arguments.redirect_uris.push(value()?),
            "--groups-claim" => arguments.groups_claim = Some(value()?),
            "--full-id-tokens" => arguments.full_id_tokens = true,
            "--help" | "-h" => arguments.help = true,
            _ => return Err(format!("unknown argument `{name}`; see --help")),
        }
    }
    Ok(arguments)
}

/// The environment, with what the command line says in its place: there is one way to read either.
///
/// The port has its default only without a file, because the file may name one.
fn variables(environment: impl Iterator<Item = (String, String)>, arguments: &Arguments) -> Vec<(String, String)> {
    let mut variables: BTreeMap<String, String> = environment.collect();
    let origins = (!arguments.origins.is_empty()).then(|| arguments.origins.join(","));
    for (name, value) in [
        ("OKTA_DEV_CONFIG", arguments.config.clone()),
        ("OKTA_DEV_PORT", arguments.port.clone()),
        ("OKTA_DEV_ORIGINS", origins),
        ("OKTA_DEV_ORGS", arguments.orgs.clone()),
        ("OKTA_DEV_ACCESS_TOKEN_LIFETIME", arguments.access_token_lifetime.clone()),
        ("OKTA_DEV_GROUPS_CLAIM", arguments.groups_claim.clone()),
        ("OKTA_DEV_FULL_ID_TOKENS", arguments.full_id_tokens.then(|| "true".to_owned())),
    ] {
        variables.extend(value.map(|value| (name.to_owned(), value)));
    }
    if !variables.contains_key("OKTA_DEV_CONFIG") {
        variables.entry("OKTA_DEV_PORT".to_owned()).or_insert_with(|| PORT.to_owned());
    }
    variables.into_iter().collect()
}

/// The command line wins over the environment, and that over the file.
///
/// A variable that is no Unicode cannot be one of ours and is skipped. A redirect
/// URI that is no URL has no origin; the org checks what it is given.
fn builder(arguments: Arguments) -> Result<OrgBuilder, okta_auth_dev::Error> {
    let environment = std::env::vars_os();
    let environment =
        environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut builder = OrgBuilder::from_variables(variables(environment, &arguments))?;
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
