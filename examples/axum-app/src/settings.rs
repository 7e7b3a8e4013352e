//! The settings of the example: from the environment, or else for a development org.

use std::env;
use std::ffi::OsString;
use std::time::Duration;

use okta_auth::policy::{PolicySet, acr, group, scope, signed_in_within};
use okta_auth::{OktaAuth, engine::OktaAuthBuilder};
use okta_auth_dev::{Org, OrgBuilder};

use crate::port;

/// Uses the `OKTA_*` variables, or else starts an embedded development org. Other variables, such as `OKTA_SCOPES` and
/// `OKTA_SESSION_STORE`, also apply with the development org.
///
/// A variable of another Okta library, such as `OKTA_OAUTH2_ISSUER`, is an error that names the right one. It must not
/// start an org, because the org's passwords are public.
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

/// The policies: from the file that `POLICIES` names, or else these, which `policies.toml` has as well.
pub(crate) fn policies() -> Result<PolicySet, Box<dyn std::error::Error>> {
    if let Some(file) = env::var_os("POLICIES") {
        return from_file(file);
    }
    // A second factor and a sign-in within the last five minutes; other users are redirected to a step-up.
    let strong = acr("urn:okta:loa:2fa:any") & signed_in_within(Duration::from_secs(300));
    let policies = PolicySet::default().with("admin", group("Admins")).with("orders", scope("orders:read"));
    Ok(policies.with("sensitive", strong))
}

#[cfg(feature = "toml")]
fn from_file(file: OsString) -> Result<PolicySet, Box<dyn std::error::Error>> {
    Ok(PolicySet::read(file)?)
}

#[cfg(not(feature = "toml"))]
fn from_file(_: OsString) -> Result<PolicySet, Box<dyn std::error::Error>> {
    Err("POLICIES needs the feature `toml`, which `cargo demo` and --no-default-features leave off".into())
}
