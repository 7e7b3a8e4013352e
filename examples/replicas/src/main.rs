//! Two replicas of an app behind a proxy, with sessions in Redis and a development org. The
//! argument is `axum` or `actix` for one of the examples, or the path of a program. Kill a
//! replica and stay signed in.

mod children;
mod port;
mod proxy;

use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use okta_auth_dev::{Org, OrgBuilder};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A result whose error is shown to the user.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const REPLICAS: usize = 2;

#[tokio::main]
async fn main() -> Outcome<()> {
    let app = std::env::args().nth(1).unwrap_or_else(|| "axum".to_owned());
    if !["axum", "actix"].contains(&app.as_str()) && !Path::new(&app).is_file() {
        return Err(format!("`{app}` is no program: choose `axum`, `actix`, or the path of an app's executable").into());
    }
    let port = port::port()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
    let base = format!("http://localhost:{port}");
    let (_redis, store) = children::redis().await?;
    let program = match app.as_str() {
        "axum" | "actix" => children::build(&format!("{app}-app")).await?,
        path => std::fs::canonicalize(path)?,
    };
    let (org, secret) = (org(&base).await?, cookie_secret()?);

    let mut ports = Vec::new();
    for number in 1..=REPLICAS {
        let replica = replica(number, program.clone(), (&base, &store, &secret), &org)?;
        ports.push(replica.port);
        tokio::spawn(replica.keep_running());
    }
    for port in &ports {
        children::until_it_listens(*port).await?;
    }
    announce(&base, &org);
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        served = proxy::serve(listener, ports) => served?,
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}

/// Starts the development org with access tokens that live for one minute, rotating
/// refresh tokens, and logout messages to the proxy's address. `OKTA_DEV_*` variables
/// take precedence.
async fn org(base: &str) -> Outcome<Org> {
    let ours = [
        ("OKTA_DEV_ACCESS_TOKEN_LIFETIME", "60"),
        ("OKTA_DEV_GROUPS_CLAIM", "groups"),
        ("OKTA_DEV_ROTATION", "rotate"),
    ];
    let ours = ours.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let org = OrgBuilder::from_variables(ours.into_iter().chain(std::env::vars()))?.start().await?;
    org.allow_redirect(base);
    let app = org.client().frontchannel_logout(format!("{base}/frontchannel-logout"));
    org.put_client(app.universal_logout(format!("{base}/global-token-revocation")));
    Ok(org)
}

/// Generates a cookie secret for this run, which all replicas share: 32 random bytes in
/// hexadecimal. In production the deployment provides a secret, generated once with
/// `openssl rand -base64 48`.
fn cookie_secret() -> Outcome<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Creates a replica. Only the variables make several replicas one application.
fn replica(
    number: usize,
    program: PathBuf,
    (base, store, secret): (&str, &str, &str),
    org: &Org,
) -> Outcome<children::Replica> {
    let variables = [
        ("OKTA_BASE_URL", base),
        ("OKTA_SESSION_STORE", store),
        ("OKTA_COOKIE_SECRET", secret),
        ("OKTA_SCOPES", "openid profile email offline_access"),
    ];
    let variables = variables.map(|(name, value)| (name, value.to_owned()));
    children::Replica::new(number, program, org.env().into_iter().chain(variables).collect())
}

/// Prints instructions.
fn announce(base: &str, org: &Org) {
    println!("\nOpen {base}/profile and sign in as one of:");
    org.users().iter().for_each(|user| println!("  {}  password {}", user.login, user.password));
    println!("Then, for example:");
    println!("  kill -9 one of the replicas, and reload: you are still signed in");
    println!("  reload after a minute: the access token has been refreshed once ({}/dev/refreshes)", org.url());
    println!("  sign a user out everywhere at {}/admin, and reload", org.url());
    println!("  see and end sessions at {base}/devices");
    println!("The header `x-replica` of each response names the replica. Ctrl-C stops everything.");
}
