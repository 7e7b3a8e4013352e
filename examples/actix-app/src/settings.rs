//! The settings of the example: from the environment, or else for a development org.

use std::env;

use okta_auth::{Error, OktaAuth, engine::OktaAuthBuilder, policy::PolicySet};
use okta_auth_dev::{Org, OrgBuilder};

use crate::port;

/// Uses the `OKTA_*` variables, or else starts an embedded development org. Other
/// variables, such as `OKTA_SCOPES` and `OKTA_SESSION_STORE`, also apply with the
/// development org.
///
/// A variable of another Okta library, such as `OKTA_OAUTH2_ISSUER`, is an error that
/// names the right one. It must not start an org, because the org's passwords are public.
pub(crate) async fn okta(port: u16) -> Result<(OktaAuthBuilder, Option<Org>), okta_auth_dev::Error> {
    let builder = OktaAuth::builder().from_env();
    if builder.names_an_org() {
        return Ok((builder.base_url(port::base(port)), None));
    }
    let base = format!("http://localhost:{port}");
    // The policies need groups; an Okta org issues them only after a groups claim is configured.
    let org = OrgBuilder::from_env()?.groups_claim_everywhere("groups").start().await?;
    org.allow_redirect(&base);
    // Okta reports sign-outs at other applications to these addresses.
    let app = org.client().frontchannel_logout(format!("{base}/frontchannel-logout"));
    org.put_client(app.universal_logout(format!("{base}/global-token-revocation")));
    println!("OKTA_ISSUER_URI is not set: a development org runs at {}. Sign in as one of:", org.url());
    org.users().iter().for_each(|user| println!("  {}  password {}", user.login, user.password));
    println!("Sign users out as an administrator at {}/admin", org.url());
    let own = env::vars().filter(|(name, _)| name.starts_with("OKTA_"));
    let variables = own.chain(org.env().into_iter().map(|(name, value)| (name.to_owned(), value)));
    let clock = org.clock();
    let builder = OktaAuth::builder().from_variables(variables).base_url(base);
    Ok((builder.clock(move || clock.now()), Some(org)))
}

/// The policies: from the file that `POLICIES` names, or else from the file next to this
/// code.
pub(crate) fn policies() -> Result<PolicySet, Error> {
    match env::var_os("POLICIES") {
        Some(file) => PolicySet::read(file),
        None => PolicySet::parse(include_str!("../policies.toml")),
    }
}
