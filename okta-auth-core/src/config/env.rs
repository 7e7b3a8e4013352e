//! Where the settings come from: the `OKTA_*` variables, and those that name a proxy.
//!
//! The variables are read once, into a snapshot. A setting cannot change between two
//! checks that look at it, and tests need not touch the environment of their
//! process, which all of its threads share.
//!
//! No other names are kept: the environment holds secrets of others.

use std::collections::HashMap;
use std::fmt;

use super::problem::Findings;
use super::slips;

/// Every variable that is read. The first three are Okta's own names.
pub(crate) const ISSUER_URI: &str = "OKTA_ISSUER_URI";
/// The client id.
pub(crate) const CLIENT_ID: &str = "OKTA_CLIENT_ID";
/// The client secret.
pub(crate) const CLIENT_SECRET: &str = "OKTA_CLIENT_SECRET";
/// The private key of `private_key_jwt`, in PEM.
pub(crate) const PRIVATE_KEY: &str = "OKTA_PRIVATE_KEY";
/// A file with the private key.
pub(crate) const PRIVATE_KEY_FILE: &str = "OKTA_PRIVATE_KEY_FILE";
/// The key id under which Okta knows its public half.
pub(crate) const PRIVATE_KEY_ID: &str = "OKTA_PRIVATE_KEY_ID";
/// The application's public origin.
pub(crate) const BASE_URL: &str = "OKTA_BASE_URL";
/// The sign-in redirect URI.
pub(crate) const REDIRECT_URI: &str = "OKTA_REDIRECT_URI";
/// The sign-out redirect URI.
pub(crate) const POST_LOGOUT_REDIRECT_URI: &str = "OKTA_POST_LOGOUT_REDIRECT_URI";
/// The scopes, separated by spaces.
pub(crate) const SCOPES: &str = "OKTA_SCOPES";
/// The audience of access tokens.
pub(crate) const AUDIENCE: &str = "OKTA_AUDIENCE";
/// The cookie secrets, separated by commas.
pub(crate) const COOKIE_SECRET: &str = "OKTA_COOKIE_SECRET";
/// The name of the session cookie.
pub(crate) const COOKIE_NAME: &str = "OKTA_COOKIE_NAME";
/// Where sessions live.
pub(crate) const SESSION_STORE: &str = "OKTA_SESSION_STORE";

/// Where it is written down which sessions in cookies have been ended.
pub(crate) const REVOCATION_STORE: &str = "OKTA_REVOCATION_STORE";

/// A session ends when it has not been used for this long.
pub(crate) const SESSION_IDLE: &str = "OKTA_SESSION_IDLE";
/// A session ends this long after sign-in.
pub(crate) const SESSION_ABSOLUTE: &str = "OKTA_SESSION_ABSOLUTE";
/// The clock skew that is tolerated in tokens.
pub(crate) const LEEWAY: &str = "OKTA_LEEWAY";
/// The proxy for requests to Okta.
pub(crate) const HTTP_PROXY: &str = "OKTA_HTTP_PROXY";
/// Where the application itself reaches the issuer, in development.
pub(crate) const BACKCHANNEL_URL: &str = "OKTA_BACKCHANNEL_URL";
/// What a proxy takes off the front of paths.
pub(crate) const PUBLIC_PREFIX: &str = "OKTA_PUBLIC_PREFIX";
/// A path that answers for every host.
pub(crate) const HEALTH_PATH: &str = "OKTA_HEALTH_PATH";
/// The ids of tenants, for `Tenants::from_env`.
pub(crate) const TENANTS: &str = "OKTA_TENANTS";

/// The variables by which programs learn of a proxy for https, in the order in which
/// they are looked at.
pub(crate) const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that list hosts which are reached without that proxy.
pub(crate) const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// All that begin with `OKTA_`.
const READ: [&str; 23] = [
    ISSUER_URI,
    CLIENT_ID,
    CLIENT_SECRET,
    PRIVATE_KEY,
    PRIVATE_KEY_FILE,
    PRIVATE_KEY_ID,
    BASE_URL,
    REDIRECT_URI,
    POST_LOGOUT_REDIRECT_URI,
    SCOPES,
    AUDIENCE,
    COOKIE_SECRET,
    COOKIE_NAME,
    SESSION_STORE,
    REVOCATION_STORE,
    SESSION_IDLE,
    SESSION_ABSOLUTE,
    LEEWAY,
    HTTP_PROXY,
    BACKCHANNEL_URL,
    PUBLIC_PREFIX,
    HEALTH_PATH,
    TENANTS,
];

/// Whether the application reads a variable of this name.
pub(crate) fn is_read(name: &str) -> bool {
    READ.contains(&name)
}

/// A snapshot of the variables that begin with `OKTA_`, and of those that name a proxy. Empty values count as absent:
/// that is what a shell script with an unset variable produces.
#[derive(Clone, Default)]
pub(crate) struct Variables(HashMap<String, String>);

impl Variables {
    /// Those of the process, as they are now.
    pub(crate) fn from_process() -> Self {
        Self::from_pairs(std::env::vars_os().filter_map(|(name, value)| {
            // A value that is not UTF-8 cannot be any of ours.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// Those of any source. Names that are not ours are dropped, and so are empty
    /// values.
    ///
    /// Spaces and line ends around a value are taken away: a secret that comes from
    /// a file often has a line end. If a name comes twice, the later one counts.
    pub(crate) fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        let is_ours = |name: &str| name.starts_with("OKTA_") || PROXIES.contains(&name) || NO_PROXY.contains(&name);
        let ours = pairs.filter(|(name, value)| is_ours(name) && !value.trim().is_empty());
        Self(ours.map(|(name, value)| (name, value.trim().to_owned())).collect())
    }

    /// The value of a variable that is set to something.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The first of these that is set, with its name.
    pub(crate) fn first_of(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| Some((*name, self.value(name)?)))
    }

    /// Whether one of them identifies an org or a client, under the name that is read or
    /// under that of another library.
    pub(crate) fn name_a_client(&self) -> bool {
        self.0.keys().any(|name| slips::is_of_a_client(name))
    }

    /// The same without what belongs to one client.
    ///
    /// That is the issuer, the client id, and each way to authenticate: one client's
    /// secret must not be sent to the org of another.
    pub(crate) fn without_credentials(&self) -> Self {
        let others = self.0.iter().filter(|(name, _)| !slips::is_of_a_client(name));
        Self(others.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The same without a client secret, and with the private key.
    pub(crate) fn without_secret(&self) -> Self {
        let others = self.0.iter().filter(|(name, _)| name.as_str() != CLIENT_SECRET);
        Self(others.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Reports variables under wrong names: an error while the setting that is meant is
    /// missing, and a warning otherwise. `is_set` tells which settings there are.
    ///
    /// Variables of tenants are theirs: `OKTA_APP_CLIENT_ID` is right while `app` is in
    /// `OKTA_TENANTS`.
    pub(crate) fn report_slips(&self, is_set: impl Fn(&str) -> bool, findings: &mut Findings) {
        let tenants = self.value(TENANTS).unwrap_or_default().split(',').map(|id| id.trim().to_ascii_uppercase());
        let prefixes: Vec<String> = tenants.map(|id| format!("OKTA_{}_", id.replace('-', "_"))).collect();
        let is_of_a_tenant = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
        let mut names: Vec<&String> = self.0.keys().filter(|name| !is_of_a_tenant(name)).collect();
        names.sort();
        for (name, meant) in names.into_iter().filter_map(|name| Some((name, slips::meant_by(name)?))) {
            if is_set(meant) {
                findings.warning(meant, format!("`{name}` is set too, and is not read; remove it"));
            } else {
                findings.error(
                    meant,
                    format!(
                        "`{name}` is set, but the name that is read is `{meant}`; rename it, or set `{meant}` as well \
                         if `{name}` belongs to another program"
                    ),
                );
            }
        }
    }
}

/// The names alone: some of the values are secrets.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
