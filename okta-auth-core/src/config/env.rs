//! Where the settings come from: the `OKTA_*` variables, and names that look like a
//! slip for one of them.
//!
//! The variables are read once, into a snapshot. A setting cannot change between two
//! checks that look at it, and tests need not touch the environment of their
//! process, which all of its threads share.
//!
//! Only names that begin with `OKTA_` are kept: the environment holds secrets of
//! others.

use std::collections::HashMap;
use std::fmt;

use super::problem::Findings;

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

/// All of them.
const READ: [&str; 15] = [
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
];

/// Whether the application reads a variable of this name.
pub(crate) fn is_read(name: &str) -> bool {
    READ.contains(&name)
}

/// Names that other Okta libraries use, or that fingers produce, and the name that is
/// meant.
///
/// A setting that is silently not read is worse than one that is missing: the person
/// who wrote it is sure that it counts. Names that are neither here nor read are
/// left alone; other tools have theirs.
const SLIPS: &[(&str, &str)] = &[
    ("OKTA_ISSUER", ISSUER_URI),
    ("OKTA_ISSUER_URL", ISSUER_URI),
    ("OKTA_DOMAIN", ISSUER_URI),
    ("OKTA_ORG_URL", ISSUER_URI),
    ("OKTA_BASE_DOMAIN", ISSUER_URI),
    ("OKTA_OAUTH2_ISSUER", ISSUER_URI),
    ("OKTA_CLIENTID", CLIENT_ID),
    ("OKTA_CLIENT", CLIENT_ID),
    ("OKTA_OAUTH2_CLIENT_ID", CLIENT_ID),
    ("OKTA_OAUTH2_CLIENT_ID_WEB", CLIENT_ID),
    ("OKTA_SECRET", CLIENT_SECRET),
    ("OKTA_CLIENTSECRET", CLIENT_SECRET),
    ("OKTA_OAUTH2_CLIENT_SECRET", CLIENT_SECRET),
    ("OKTA_OAUTH2_CLIENT_SECRET_WEB", CLIENT_SECRET),
    ("OKTA_REDIRECT_URL", REDIRECT_URI),
    ("OKTA_CALLBACK_URL", REDIRECT_URI),
    ("OKTA_CALLBACK_URI", REDIRECT_URI),
    ("OKTA_BASE_URI", BASE_URL),
    ("OKTA_APP_URL", BASE_URL),
    ("OKTA_LOGOUT_REDIRECT_URI", POST_LOGOUT_REDIRECT_URI),
    ("OKTA_POST_LOGOUT_REDIRECT_URL", POST_LOGOUT_REDIRECT_URI),
    ("OKTA_SCOPE", SCOPES),
    ("OKTA_AUD", AUDIENCE),
    ("OKTA_COOKIE_SECRETS", COOKIE_SECRET),
    ("OKTA_SESSION_SECRET", COOKIE_SECRET),
    ("OKTA_STORE", SESSION_STORE),
    ("OKTA_SESSIONS_STORE", SESSION_STORE),
    ("OKTA_REDIS_URL", SESSION_STORE),
];

/// A snapshot of the variables that begin with `OKTA_`. Empty values count as absent:
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
        let ours = pairs.filter(|(name, value)| name.starts_with("OKTA_") && !value.trim().is_empty());
        Self(ours.map(|(name, value)| (name, value.trim().to_owned())).collect())
    }

    /// The value of a variable that is set to something.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same without what belongs to one client.
    ///
    /// That is the issuer, the client id, and each way to authenticate: one client's
    /// secret must not be sent to the org of another.
    pub(crate) fn without_credentials(&self) -> Self {
        let own = [ISSUER_URI, CLIENT_ID, CLIENT_SECRET, PRIVATE_KEY, PRIVATE_KEY_FILE, PRIVATE_KEY_ID];
        let others = self.0.iter().filter(|(name, _)| !own.contains(&name.as_str()));
        Self(others.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The same without a client secret, and with the private key.
    pub(crate) fn without_secret(&self) -> Self {
        let others = self.0.iter().filter(|(name, _)| name.as_str() != CLIENT_SECRET);
        Self(others.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// A variable under a wrong name is an error while the right one is missing, and a
    /// warning otherwise.
    pub(crate) fn report_slips(&self, findings: &mut Findings) {
        for (slip, meant) in SLIPS {
            if self.value(slip).is_none() {
                continue;
            }
            if self.value(meant).is_some() {
                findings.warning(meant, format!("`{slip}` is set too, and is not read; remove it"));
            } else {
                findings.error(meant, format!("`{slip}` is set, but the name that is read is `{meant}`; rename it"));
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
