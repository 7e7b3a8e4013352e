//! The metadata documents, member for member in Okta's order.
//!
//! The OpenID document and the OAuth document of a server are nearly identical. The first adds userinfo and ID tokens,
//! the second adds one response type and one grant. Neither lists custom scopes and claims. The lists describe Okta's
//! capabilities, not those of this org: for example, they include CIBA, which the org does not serve.
//!
//! A client must compare `issuer` with its configured issuer (RFC 8414 §3.3, OpenID Connect Discovery §4.3), and must
//! take every URL from the metadata. Several faults test these two rules.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::exchange::Exchange;
use crate::fault::Fault;
use crate::grant_type::GrantType;
use crate::oauth_error::management;
use crate::random;
use crate::reply::Reply;
use crate::sync::lock;

/// For objects that clients sign with their secret or with a key.
const HMAC_RSA_EC: [&str; 9] = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
/// For DPoP proofs, which require a key.
const RSA_EC: [&str; 6] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
/// For the token, introspection and revocation endpoints.
const CLIENT_AUTHENTICATION: [&str; 5] =
    ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
/// The org supports only `code`.
const RESPONSE_TYPES: [&str; 7] = [
    "code",
    "id_token",
    "code id_token",
    "code token",
    "id_token token",
    "code id_token token",
    // Only the OAuth document lists this one.
    "token",
];
/// The org does not support all of them, see [`GrantType`].
const GRANT_TYPES: [&str; 11] = [
    "authorization_code",
    "implicit",
    "refresh_token",
    "password",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba",
    "urn:okta:params:oauth:grant-type:otp",
    "http://auth0.com/oauth/grant-type/mfa-otp",
    "urn:okta:params:oauth:grant-type:oob",
    "http://auth0.com/oauth/grant-type/mfa-oob",
    // Only the OAuth document lists this one.
    "client_credentials",
];
/// The profile of ID-JAGs in the metadata of a server that accepts them.
const ID_JAG_PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";
/// The token type of ID-JAGs in the metadata of a server that issues them.
const ID_JAG_TYPE: &str = "urn:ietf:params:oauth:token-type:id-jag";
#[rustfmt::skip]
const OPENID_CLAIMS: [&str; 31] = [
    "iss", "ver", "sub", "aud", "iat", "exp", "jti", "auth_time", "amr", "idp", "nonce", "name", "nickname",
    "preferred_username", "given_name", "middle_name", "family_name", "email", "email_verified", "profile", "zoneinfo",
    "locale", "address", "phone_number", "picture", "website", "gender", "birthdate", "updated_at", "at_hash", "c_hash",
];
const OAUTH_CLAIMS: [&str; 10] = ["ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"];

/// A metadata document in Okta's order. Members of only one of the two documents are `Option`s.
#[derive(Debug, Serialize)]
struct Metadata {
    /// Equals `iss` of ID tokens, character by character.
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    /// Only in the OpenID document.
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo_endpoint: Option<String>,
    /// Belongs to the org, even for a custom server.
    registration_endpoint: String,
    /// Clients must read the URL from here and must not construct it.
    jwks_uri: String,
    response_types_supported: Vec<&'static str>,
    response_modes_supported: [&'static str; 4],
    /// The grants of the server; a client may have fewer.
    grant_types_supported: Vec<&'static str>,
    /// A user has the same `sub` at all clients.
    subject_types_supported: [&'static str; 1],
    /// Okta signs only with RS256.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_signing_alg_values_supported: Option<[&'static str; 1]>,
    /// Okta encrypts ID tokens for an app with an encryption key.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_encryption_alg_values_supported: Option<[&'static str; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_encryption_enc_values_supported: Option<[&'static str; 1]>,
    /// The OpenID Connect scopes; custom scopes are not published.
    scopes_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: [&'static str; 5],
    claims_supported: Vec<&'static str>,
    /// Never `plain`.
    code_challenge_methods_supported: [&'static str; 1],
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: [&'static str; 5],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'static str; 5],
    end_session_endpoint: String,
    /// Request objects by value, see `request_object`.
    request_parameter_supported: bool,
    request_object_signing_alg_values_supported: [&'static str; 9],
    device_authorization_endpoint: String,
    pushed_authorization_request_endpoint: String,
    /// Published as at Okta, but not served by this org.
    backchannel_token_delivery_modes_supported: [&'static str; 1],
    backchannel_authentication_request_signing_alg_values_supported: [&'static str; 9],
    /// The algorithms of DPoP proofs.
    dpop_signing_alg_values_supported: [&'static str; 6],
    /// Only with the extensions: authorization responses have `iss` (RFC 9207 §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_response_iss_parameter_supported: Option<bool>,
    /// Only for an org with clients of Cross App Access: custom servers accept ID-JAGs.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_grant_profiles_supported: Option<[&'static str; 1]>,
    /// Only for an org with clients of Cross App Access: its own server issues ID-JAGs.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_chaining_requested_token_types_supported: Option<[&'static str; 1]>,
}

pub(super) fn openid(exchange: &Exchange<'_>) -> Reply {
    document(exchange, true)
}

pub(super) fn oauth(exchange: &Exchange<'_>) -> Reply {
    document(exchange, false)
}

/// Serves a document with the active faults.
///
/// A `client_id` in the query is checked and then ignored: at Okta it selects the issuer that the client is configured
/// for, and here every server has only one. An unknown client gets an error in the format of the management API, as at
/// Okta.
///
/// The cross-origin fault swaps the two names of this machine. It has no effect on an org whose address is not
/// `127.0.0.1`.
fn document(exchange: &Exchange<'_>, openid: bool) -> Reply {
    if !exchange.is("GET") {
        return crate::oauth_error::wrong_method();
    }
    if let Some(client_id) = exchange.request.query_param("client_id")
        && exchange.org.client(&client_id).is_none()
    {
        return management(400, "invalid_client", "Invalid value for 'client_id' parameter");
    }
    if let Some(reply) = faulty(exchange) {
        return reply;
    }
    let faults = &exchange.org.faults;
    let mut metadata = metadata(exchange, openid);
    if faults.hit(&Fault::DiscoveryIssuer) {
        metadata.issuer.push_str("INVALID");
    }
    if faults.hit(&Fault::DiscoveryCrossOrigin) {
        metadata.token_endpoint = metadata.token_endpoint.replacen("127.0.0.1", "localhost", 1);
    }
    if faults.find(|fault| (*fault == Fault::DiscoveryJwksPath).then_some(())).is_some() {
        metadata.jwks_uri = other_jwks_uri(exchange);
    }
    let reply = changed(exchange, &metadata).map_or_else(|| Reply::json(200, &metadata), |all| Reply::json(200, &all));
    let reply = reply.header("cache-control", "max-age=86400, must-revalidate");
    let delay = faults.find(|fault| if let Fault::DiscoverySlow(delay) = fault { Some(*delay) } else { None });
    let reply = reply.delayed(delay);
    if faults.hit(&Fault::DiscoveryHuge) { reply.huge() } else { reply }
}

/// The members, if faults change any. Changed documents lose Okta's order.
fn changed(exchange: &Exchange<'_>, metadata: &Metadata) -> Option<Map<String, Value>> {
    let faults = &exchange.org.faults;
    let Ok(Value::Object(before)) = serde_json::to_value(metadata) else { return None };
    let mut members = before.clone();
    faults.change_members(&mut members, |fault| match fault {
        Fault::DiscoveryMember(name, value) => Some((name, value)),
        _ => None,
    });
    if let Some(client_id) = exchange.request.query_param("client_id") {
        if exchange.server.settings.is_org() && faults.hit(&Fault::OrgPinnedKey) {
            members.insert("jwks_uri".into(), json!(format!("{}?client_id={client_id}", metadata.jwks_uri)));
        }
        faults.change_members(&mut members, |fault| match fault {
            Fault::DiscoveryMemberForClient(name, value) => Some((name, value)),
            _ => None,
        });
    }
    (members != before).then_some(members)
}

/// The faults that replace the response.
fn faulty(exchange: &Exchange<'_>) -> Option<Reply> {
    let faults = &exchange.org.faults;
    if let Some(status) = faults.find(|fault| if let Fault::DiscoveryStatus(s) = fault { Some(*s) } else { None }) {
        return Some(management(status, "E0000009", "Internal Server Error"));
    }
    if faults.hit(&Fault::DiscoveryHtml) {
        return Some(Reply::html_surprise());
    }
    (!exchange.moved && faults.hit(&Fault::DiscoveryRedirect)).then(|| exchange.moved_reply(302))
}

/// Publishes the keys at a new path.
///
/// The path starts with `keys`, by which the dispatcher recognizes the endpoint.
fn other_jwks_uri(exchange: &Exchange<'_>) -> String {
    let path = format!("keys-{}", random::okta_id("", 12));
    let uri = format!("{}/{path}", exchange.server.settings.endpoints(&exchange.org.url));
    lock(&exchange.server.key_paths).push(path);
    uri
}

/// The grants that Okta announces only where they are configured, if a client uses them.
fn configured_grants(exchange: &Exchange<'_>) -> Vec<GrantType> {
    let clients = lock(&exchange.org.clients);
    let used = |grant: &GrantType| clients.iter().any(|client| client.may_use(*grant));
    let at_org = exchange.server.settings.is_org();
    let grants = [GrantType::TokenExchange, GrantType::JwtBearer].into_iter();
    grants.filter(|grant| used(grant) && !(at_org && *grant == GrantType::JwtBearer)).collect()
}

/// The correct document.
///
/// All URLs are built from the org's configured address and not from the `Host` header, so that a request cannot
/// influence them.
fn metadata(exchange: &Exchange<'_>, openid: bool) -> Metadata {
    let settings = &exchange.server.settings;
    let base = settings.endpoints(&exchange.org.url);
    let at = |endpoint: &str| format!("{base}/{endpoint}");
    // The documented metadata of the org's own server has no encryption.
    let encrypts = openid && !settings.is_org();
    // The OAuth document includes the last entry of these lists.
    let list = |all: &[&'static str]| all.iter().take(all.len() - usize::from(openid)).copied().collect();
    let mut grants: Vec<&'static str> = list(&GRANT_TYPES);
    grants.extend(configured_grants(exchange).into_iter().map(GrantType::as_str));
    let accepts_grants = grants.contains(&GrantType::JwtBearer.as_str());
    let issues_grants = settings.is_org() && lock(&exchange.org.clients).iter().any(|app| !app.connections.is_empty());
    Metadata {
        issuer: exchange.issuer(),
        authorization_endpoint: at("authorize"),
        token_endpoint: at("token"),
        userinfo_endpoint: openid.then(|| at("userinfo")),
        registration_endpoint: format!("{}/oauth2/v1/clients", exchange.org.url),
        jwks_uri: at("keys"),
        response_types_supported: list(&RESPONSE_TYPES),
        response_modes_supported: ["query", "fragment", "form_post", "okta_post_message"],
        grant_types_supported: grants,
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: openid.then_some(["RS256"]),
        id_token_encryption_alg_values_supported: encrypts.then_some(["RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512"]),
        id_token_encryption_enc_values_supported: encrypts.then_some(["A256GCM"]),
        scopes_supported: settings.oidc_scopes(),
        token_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
        claims_supported: if openid { OPENID_CLAIMS.to_vec() } else { OAUTH_CLAIMS.to_vec() },
        code_challenge_methods_supported: ["S256"],
        introspection_endpoint: at("introspect"),
        introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
        revocation_endpoint: at("revoke"),
        revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
        end_session_endpoint: at("logout"),
        request_parameter_supported: true,
        request_object_signing_alg_values_supported: HMAC_RSA_EC,
        device_authorization_endpoint: at("device/authorize"),
        pushed_authorization_request_endpoint: at("par"),
        backchannel_token_delivery_modes_supported: ["poll"],
        backchannel_authentication_request_signing_alg_values_supported: HMAC_RSA_EC,
        dpop_signing_alg_values_supported: RSA_EC,
        authorization_response_iss_parameter_supported: exchange.org.options.rfc_extensions.then_some(true),
        authorization_grant_profiles_supported: accepts_grants.then_some([ID_JAG_PROFILE]),
        identity_chaining_requested_token_types_supported: issues_grants.then_some([ID_JAG_TYPE]),
    }
}
