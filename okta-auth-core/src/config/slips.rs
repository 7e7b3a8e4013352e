//! Detects variables under wrong names: typing errors, and the names that other Okta libraries use.
//!
//! A setting that is silently ignored is worse than a missing one, because its author expects it to work. Other
//! libraries build names from a family and a setting: `OKTA_OAUTH2_CLIENT_ID` (Spring Boot, and most samples of Okta),
//! `OKTA_CLIENT_ORGURL` (the management SDKs), `OKTA_IDX_CLIENTID` (the Identity Engine SDKs). The detection strips the
//! families and looks up the remaining setting.

use std::borrow::Cow;

use super::env::{
    AUDIENCE, BASE_URL, CLIENT_ID, CLIENT_SECRET, CLIENT_SECRET_METHOD, COOKIE_SECRET, HTTP_PROXY, ISSUER_URI, LEEWAY,
    POST_LOGOUT_REDIRECT_URI, PRIVATE_KEY, PRIVATE_KEY_FILE, PRIVATE_KEY_ID, REDIRECT_URI, SCOPES, SESSION_STORE,
    is_read,
};

/// Families: words between `OKTA_` and the name of a setting.
const FAMILIES: [&str; 11] =
    ["OAUTH2_", "OAUTH_", "OIDC_", "OPENID_", "IDX_", "AUTH_", "CLIENT_", "APPLICATION_", "APP_", "WEB_", "SPA_"];

const SUFFIXES: [&str; 2] = ["_WEB", "_SPA"];

/// Names that do not follow the pattern of families.
const WHOLE: [(&str, &str); 3] =
    [("OKTA_APP_URL", BASE_URL), ("OKTA_CLIENT", CLIENT_ID), ("OKTA_CLIENT_PROXY_HOST", HTTP_PROXY)];

/// Settings without families and underscores, with the intended variable.
const SETTINGS: &[(&str, &str)] = &[
    ("ISSUER", ISSUER_URI),
    ("ISSUERURI", ISSUER_URI),
    ("ISSUERURL", ISSUER_URI),
    ("DOMAIN", ISSUER_URI),
    ("ORG", ISSUER_URI),
    ("ORGURL", ISSUER_URI),
    ("ORGURI", ISSUER_URI),
    ("ORGDOMAIN", ISSUER_URI),
    ("ORGNAME", ISSUER_URI),
    ("BASEDOMAIN", ISSUER_URI),
    ("URL", ISSUER_URI),
    ("ID", CLIENT_ID),
    ("CLIENTID", CLIENT_ID),
    ("SECRET", CLIENT_SECRET),
    ("CLIENTSECRET", CLIENT_SECRET),
    ("PRIVATEKEY", PRIVATE_KEY),
    ("PRIVATEKEYPEM", PRIVATE_KEY),
    ("PRIVATEKEYJWK", PRIVATE_KEY),
    ("PRIVATEKEYPATH", PRIVATE_KEY_FILE),
    ("PRIVATEKEYFILE", PRIVATE_KEY_FILE),
    ("PRIVATEKEYID", PRIVATE_KEY_ID),
    ("KEYID", PRIVATE_KEY_ID),
    ("KID", PRIVATE_KEY_ID),
    ("REDIRECTURI", REDIRECT_URI),
    ("REDIRECTURL", REDIRECT_URI),
    ("CALLBACKURI", REDIRECT_URI),
    ("CALLBACKURL", REDIRECT_URI),
    ("BASEURI", BASE_URL),
    ("BASEURL", BASE_URL),
    ("LOGOUTREDIRECTURI", POST_LOGOUT_REDIRECT_URI),
    ("LOGOUTREDIRECTURL", POST_LOGOUT_REDIRECT_URI),
    ("POSTLOGOUTREDIRECTURI", POST_LOGOUT_REDIRECT_URI),
    ("POSTLOGOUTREDIRECTURL", POST_LOGOUT_REDIRECT_URI),
    ("SCOPE", SCOPES),
    ("SCOPES", SCOPES),
    ("AUD", AUDIENCE),
    ("AUDIENCE", AUDIENCE),
    ("AUDIENCES", AUDIENCE),
    ("COOKIESECRETS", COOKIE_SECRET),
    ("SESSIONSECRET", COOKIE_SECRET),
    ("STORE", SESSION_STORE),
    ("SESSIONSSTORE", SESSION_STORE),
    ("REDISURL", SESSION_STORE),
    ("PROXY", HTTP_PROXY),
    ("PROXYURL", HTTP_PROXY),
    ("HTTPSPROXY", HTTP_PROXY),
    ("CLOCKSKEW", LEEWAY),
];

const OF_A_CLIENT: [&str; 7] =
    [ISSUER_URI, CLIENT_ID, CLIENT_SECRET, CLIENT_SECRET_METHOD, PRIVATE_KEY, PRIVATE_KEY_FILE, PRIVATE_KEY_ID];

/// Returns the variable that a wrong name was meant for. `None` for a supported name and for an unrelated one.
pub(super) fn meant_by(name: &str) -> Option<&'static str> {
    let rest = name.strip_prefix("OKTA_").filter(|_| !is_read(name))?;
    if let Some((_, meant)) = WHOLE.iter().find(|(slip, _)| *slip == name) {
        return Some(meant);
    }
    let setting = without_families(rest);
    SETTINGS.iter().find(|(known, _)| *known == setting).map(|(_, meant)| *meant)
}

pub(super) fn is_of_a_client(name: &str) -> bool {
    OF_A_CLIENT.contains(&meant_by(name).unwrap_or(name))
}

fn without_families(name: &str) -> Cow<'_, str> {
    let mut rest = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    while let Some(shorter) = FAMILIES.iter().find_map(|family| rest.strip_prefix(family)) {
        rest = shorter;
    }
    if rest.contains('_') { Cow::Owned(rest.replace('_', "")) } else { Cow::Borrowed(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_libraries_map_to_ours() {
        for (name, meant) in [
            ("OKTA_OAUTH2_ISSUER", ISSUER_URI),
            ("OKTA_ORGURL", ISSUER_URI),
            ("OKTA_CLIENT_ORGURL", ISSUER_URI),
            ("OKTA_OAUTH2_CLIENT_ID_WEB", CLIENT_ID),
            ("OKTA_CLIENT_CLIENTID", CLIENT_ID),
            ("OKTA_IDX_CLIENTSECRET", CLIENT_SECRET),
            ("OKTA_CLIENT_PRIVATEKEY", PRIVATE_KEY),
            ("OKTA_APP_URL", BASE_URL),
            ("OKTA_OAUTH2_POST_LOGOUT_REDIRECT_URI", POST_LOGOUT_REDIRECT_URI),
        ] {
            assert_eq!(meant_by(name), Some(meant), "{name}");
        }
    }

    #[test]
    fn supported_names_and_names_of_other_tools_are_not_mistakes() {
        for name in
            ["OKTA_CLIENT_ID", "OKTA_TENANTS", "OKTA_CLIENT_TOKEN", "OKTA_API_TOKEN", "OKTA_DEV_ORGS", "CLIENT_ID"]
        {
            assert_eq!(meant_by(name), None, "{name}");
        }
    }
}
