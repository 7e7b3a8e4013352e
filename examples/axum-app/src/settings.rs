//! Where the example's settings come from: the environment, or else a development org.

use okta_auth::{Error, config::ConfigBuilder, policy::PolicySet};
use okta_auth_dev::Org;

/// The `OKTA_*` variables, or else an embedded development org for this run alone.
pub(crate) async fn configuration(port: u16) -> Result<(ConfigBuilder, Option<Org>), okta_auth_dev::Error> {
    if std::env::var_os("OKTA_ISSUER_URI").is_some() {
        return Ok((ConfigBuilder::from_env(), None));
    }
    let base = format!("http://localhost:{port}");
    let org = Org::start().await?;
    org.allow_redirect(&base);
    println!("OKTA_ISSUER_URI is not set: a development org runs at {}. Sign in as one of:", org.url());
    org.users().iter().for_each(|user| println!("  {}  password {}", user.login, user.password));
    Ok((ConfigBuilder::from_variables(org.env()).base_url(base), Some(org)))
}

/// Who may do what: the file that `POLICIES` names, or else the one beside this code.
pub(crate) fn policies() -> Result<PolicySet, Error> {
    match std::env::var_os("POLICIES") {
        Some(file) => PolicySet::read(file),
        None => PolicySet::parse(include_str!("../policies.toml")),
    }
}
