//! A command-line tool that signs its user in on another device (RFC 8628) and calls an API for the user. Without
//! `OKTA_*` variables it starts a development org and an API.

mod demo;

use std::env;
use std::error::Error;

use okta_auth::OktaAuth;
use okta_auth::config::ConfigBuilder;
use okta_auth::device::{DeviceFlow, DeviceSession};
use serde_json::Value;

/// The name that the user sees here and on Okta's page.
const NAME: &str = "Orders CLI";
/// `offline_access` is for the refresh token.
const SCOPES: &str = "openid profile offline_access orders:read";

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let command = env::args().nth(1);
    // A variable of another Okta library is an error that names the right one, and starts no org.
    let demo = if OktaAuth::builder().from_env().names_an_org() { None } else { Some(demo::Demo::start().await?) };
    let Some(demo) = demo else { return run(command.as_deref(), &flow()?).await };
    if command.is_some() {
        return Err("set OKTA_ISSUER_URI and OKTA_CLIENT_ID, because the development org ends with this command".into());
    }
    let flow = DeviceFlow::builder(NAME, demo.config().scopes(SCOPES)).build()?;
    let session = login(&flow).await?;
    call(&session, &demo.api_url).await?;
    logout(session).await
}

/// The flow of the `OKTA_*` variables, with tokens in the keyring of the system.
fn flow() -> Outcome<DeviceFlow> {
    if let Err(error) = keyring::Entry::store_status() {
        return Err(format!("this system has no keyring for the tokens: {error}").into());
    }
    let config = ConfigBuilder::from_env();
    let config = if env::var_os("OKTA_SCOPES").is_some() { config } else { config.scopes(SCOPES) };
    Ok(DeviceFlow::builder(NAME, config).keyring().build()?)
}

async fn run(command: Option<&str>, flow: &DeviceFlow) -> Outcome<()> {
    match (command, flow.session().await) {
        // Saved tokens that cannot be read do not prevent a new sign-in.
        (Some("login"), _) => login(flow).await.map(drop),
        (None, Ok(None)) => call(&login(flow).await?, &api_url()?).await,
        (Some("call") | None, session) => call(&signed_in(session?)?, &api_url()?).await,
        (Some("whoami"), session) => {
            print_user(&signed_in(session?)?);
            Ok(())
        }
        (Some("logout"), session) => logout(signed_in(session?)?).await,
        (Some(other), _) => Err(format!("`{other}` is not a command: use login, whoami, call or logout").into()),
    }
}

fn signed_in(session: Option<DeviceSession>) -> Outcome<DeviceSession> {
    session.ok_or_else(|| "you are not signed in: run `cli login`".into())
}

fn api_url() -> Outcome<String> {
    env::var("API_URL").map_err(|_| "set API_URL to the URL to call, such as https://api.example.com/orders".into())
}

async fn login(flow: &DeviceFlow) -> Outcome<DeviceSession> {
    let authorization = flow.start().await?;
    println!("\n{authorization}\n");
    if let Some(qr_code) = authorization.qr_code() {
        println!("Or scan this code, and compare the code that the page shows:\n\n{qr_code}\n");
    }
    let session = authorization.wait_for_user().await?;
    print_user(&session);
    Ok(session)
}

/// Calls the API as the user. The token is sent to no other origin, also if the API redirects.
async fn call(session: &DeviceSession, url: &str) -> Outcome<()> {
    let origin = reqwest::Url::parse(url)?.origin().ascii_serialization();
    let client = session.authorization(&origin)?.client(reqwest::Client::builder())?;
    let response = client.get(url).send().await?;
    println!("{} answered {}: {:?}", url, response.status(), response.text().await?);
    Ok(())
}

async fn logout(session: DeviceSession) -> Outcome<()> {
    session.sign_out().await?;
    println!("Signed out: the tokens are deleted here and revoked at Okta.");
    Ok(())
}

/// `{:?}` escapes what a terminal would interpret.
fn print_user(session: &DeviceSession) {
    let claims = session.all_claims();
    let name = claims.get("name").and_then(Value::as_str).unwrap_or_default();
    println!("Signed in as {name:?} ({:?}).", session.subject());
}
