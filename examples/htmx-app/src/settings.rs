//! The settings of the example: from the environment, or else for a development org.

use std::env;

use okta_auth::OktaAuth;
use okta_auth_dev::{Org, OrgBuilder};

use crate::port;

/// Uses the `OKTA_*` variables, or else starts an embedded development org.
pub(crate) async fn okta(port: u16) -> Result<(OktaAuth, Option<Org>), Box<dyn std::error::Error>> {
    let builder = OktaAuth::builder().from_env();
    if builder.names_an_org() {
        return Ok((builder.base_url(port::base(port)).build()?, None));
    }
    let base = format!("http://localhost:{port}");
    let org = OrgBuilder::from_env()?.start().await?;
    org.allow_redirect(&base);
    println!("OKTA_ISSUER_URI is not set: a development org runs at {}. Sign in as one of:", org.url());
    org.users().iter().for_each(|user| println!("  {}  password {}", user.login, user.password));
    let own = env::vars().filter(|(name, _)| name.starts_with("OKTA_"));
    let variables = own.chain(org.env().into_iter().map(|(name, value)| (name.to_owned(), value)));
    let clock = org.clock();
    let builder = OktaAuth::builder().from_variables(variables).base_url(base);
    Ok((builder.clock(move || clock.now()).build()?, Some(org)))
}
