//! The names of the variables that are read.

/// The first three are Okta's own names.
pub(crate) const ISSUER_URI: &str = "OKTA_ISSUER_URI";
pub(crate) const CLIENT_ID: &str = "OKTA_CLIENT_ID";
pub(crate) const CLIENT_SECRET: &str = "OKTA_CLIENT_SECRET";
pub(crate) const CLIENT_SECRET_METHOD: &str = "OKTA_CLIENT_SECRET_METHOD";
pub(crate) const PRIVATE_KEY: &str = "OKTA_PRIVATE_KEY";
pub(crate) const PRIVATE_KEY_FILE: &str = "OKTA_PRIVATE_KEY_FILE";
pub(crate) const PRIVATE_KEY_ID: &str = "OKTA_PRIVATE_KEY_ID";
pub(crate) const BASE_URL: &str = "OKTA_BASE_URL";
pub(crate) const REDIRECT_URI: &str = "OKTA_REDIRECT_URI";
pub(crate) const POST_LOGOUT_REDIRECT_URI: &str = "OKTA_POST_LOGOUT_REDIRECT_URI";
/// Separated by spaces.
pub(crate) const SCOPES: &str = "OKTA_SCOPES";
/// The audiences of access tokens, separated by commas.
pub(crate) const AUDIENCE: &str = "OKTA_AUDIENCE";
/// The further audiences of ID tokens, separated by commas.
pub(crate) const TRUSTED_AUDIENCES: &str = "OKTA_TRUSTED_AUDIENCES";
/// Separated by commas.
pub(crate) const COOKIE_SECRET: &str = "OKTA_COOKIE_SECRET";
pub(crate) const COOKIE_NAME: &str = "OKTA_COOKIE_NAME";
pub(crate) const SESSION_STORE: &str = "OKTA_SESSION_STORE";
pub(crate) const REVOCATION_STORE: &str = "OKTA_REVOCATION_STORE";
pub(crate) const SESSION_IDLE: &str = "OKTA_SESSION_IDLE";
pub(crate) const SESSION_ABSOLUTE: &str = "OKTA_SESSION_ABSOLUTE";
pub(crate) const LEEWAY: &str = "OKTA_LEEWAY";
pub(crate) const HTTP_PROXY: &str = "OKTA_HTTP_PROXY";
pub(crate) const BACKCHANNEL_URL: &str = "OKTA_BACKCHANNEL_URL";
pub(crate) const PUBLIC_PREFIX: &str = "OKTA_PUBLIC_PREFIX";
pub(crate) const HEALTH_PATH: &str = "OKTA_HEALTH_PATH";
/// Whether authorization requests are pushed (RFC 9126).
pub(crate) const PAR: &str = "OKTA_PAR";
/// The key for encrypted ID tokens, and its file.
pub(crate) const ID_TOKEN_DECRYPTION_KEY: &str = "OKTA_ID_TOKEN_DECRYPTION_KEY";
pub(crate) const ID_TOKEN_DECRYPTION_KEY_FILE: &str = "OKTA_ID_TOKEN_DECRYPTION_KEY_FILE";
/// Whether authorization requests are signed (RFC 9101).
pub(crate) const REQUEST_OBJECT: &str = "OKTA_REQUEST_OBJECT";
/// The parameters of every authorization request, as a query string.
pub(crate) const LOGIN_PARAMETERS: &str = "OKTA_LOGIN_PARAMETERS";
/// The allowed signature algorithms, separated by commas.
pub(crate) const ALGORITHMS: &str = "OKTA_ALGORITHMS";
pub(crate) const DPOP: &str = "OKTA_DPOP";
/// The lifetime of the API's nonces for DPoP proofs (RFC 9449 §9).
pub(crate) const DPOP_NONCE_LIFETIME: &str = "OKTA_DPOP_NONCE_LIFETIME";
pub(crate) const TENANTS: &str = "OKTA_TENANTS";

/// The usual variables for an https proxy, in order of precedence.
pub(crate) const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
pub(crate) const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The variables of a provider and its client, which have no effect on an application with many tenants.
pub(crate) const OF_PROVIDER: [&str; 6] =
    [ISSUER_URI, CLIENT_ID, CLIENT_SECRET, PRIVATE_KEY, PRIVATE_KEY_FILE, PRIVATE_KEY_ID];

/// All supported variables that start with `OKTA_`.
const READ: [&str; 33] = [
    ISSUER_URI,
    CLIENT_ID,
    CLIENT_SECRET,
    CLIENT_SECRET_METHOD,
    PRIVATE_KEY,
    PRIVATE_KEY_FILE,
    PRIVATE_KEY_ID,
    BASE_URL,
    REDIRECT_URI,
    POST_LOGOUT_REDIRECT_URI,
    SCOPES,
    AUDIENCE,
    TRUSTED_AUDIENCES,
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
    PAR,
    REQUEST_OBJECT,
    LOGIN_PARAMETERS,
    ALGORITHMS,
    ID_TOKEN_DECRYPTION_KEY,
    ID_TOKEN_DECRYPTION_KEY_FILE,
    DPOP,
    DPOP_NONCE_LIFETIME,
    TENANTS,
];

pub(crate) fn is_read(name: &str) -> bool {
    READ.contains(&name)
}
