//! Where the example's settings come from: the environment, or else a development org.

use std::env;

use okta_auth::{Error, OktaAuth, config::ConfigBuilder, engine::OktaAuthBuilder, policy::PolicySet};
use okta_auth_dev::{Org, OrgBuilder};

use crate::port;

/// The `OKTA_*` variables, or else an embedded development org for this run alone. The others of
/// these variables count with it, too, such as `OKTA_SCOPES` and `OKTA_SESSION_STORE`.
///
/// A variable of another Okta library, such as `OKTA_OAUTH2_ISSUER`, is an error that names the right
/// one, and no reason for an org whose passwords are public.
pub(crate) async fn okta(port: u16) -> Result<(OktaAuthBuilder, Option<Org>), okta_auth_dev::Error> {
    let config = ConfigBuilder::from_env();
    if config.names_an_org() {
        return Ok((OktaAuth::builder(config.base_url(port::base(port))), None));
    }
    let base = format!("http://localhost:{port}");
    // The policies ask for groups; an Okta org issues them once a groups claim is configured.
    let org = OrgBuilder::from_env()?.groups_claim_everywhere("groups").start().await?;
    org.allow_redirect(&base);
    // Okta tells the app at these addresses that somebody has signed out elsewhere.
    let app = org.client().frontchannel_logout(format!("{base}/frontchannel-logout"));
    org.put_client(app.universal_logout(format!("{base}/global-token-revocation")));
    println!("OKTA_ISSUER_URI is not set: a development org runs at {}. Sign in as one of:", org.url());
    org.users().iter().for_each(|user| println!("  {}  password {}", user.login, user.password));
    println!("Its administrator signs people out at {}/admin", org.url());
    let own = env::vars().filter(|(name, _)| name.starts_with("OKTA_"));
    let variables = own.chain(org.env().into_iter().map(|(name, value)| (name.to_owned(), value)));
    let clock = org.clock();
    let config = ConfigBuilder::from_variables(variables).base_url(base);
    Ok((OktaAuth::builder(config).clock(move || clock.now()), Some(org)))
}

/// Who may do what: the file that `POLICIES` names, or else the one beside this code.
pub(crate) fn policies() -> Result<PolicySet, Error> {
    match env::var_os("POLICIES") {
        Some(file) => PolicySet::read(file),
        None => PolicySet::parse(include_str!("../policies.toml")),
    }
}
