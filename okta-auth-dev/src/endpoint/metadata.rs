//! The metadata documents, member for member in Okta's order.
//!
//! The OpenID document and the OAuth document of a server are nearly the same; the
//! first has userinfo and ID tokens, the second one response type and one grant more.
//! Custom scopes and custom claims are in neither. The lists say what Okta can do, not
//! what this org does: a client must not conclude from them that, say, PAR works here.
//!
//! A client must compare `issuer` with the one it is configured with (RFC 8414
//! §3.3, OpenID Connect Discovery §4.3), and must take every URL from here. Several
//! faults are about these two rules.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Exchange;
use crate::fault::Fault;
use crate::oauth_error::management;
use crate::random;
use crate::reply::Reply;
use crate::sync::lock;

/// For objects that clients sign, with their secret or with a key.
const HMAC_RSA_EC: [&str; 9] = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
/// For proofs, which need a key.
const RSA_EC: [&str; 6] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
/// The same at the token, introspection and revocation endpoints.
const CLIENT_AUTHENTICATION: [&str; 5] =
    ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
/// Of these the org answers `code`.
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
/// Of these the org knows codes, refresh tokens and client credentials.
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
/// Claims of ID tokens.
#[rustfmt::skip]
const OPENID_CLAIMS: [&str; 31] = [
    "iss", "ver", "sub", "aud", "iat", "exp", "jti", "auth_time", "amr", "idp", "nonce", "name", "nickname",
    "preferred_username", "given_name", "middle_name", "family_name", "email", "email_verified", "profile", "zoneinfo",
    "locale", "address", "phone_number", "picture", "website", "gender", "birthdate", "updated_at", "at_hash", "c_hash",
];
/// Claims of access tokens.
const OAUTH_CLAIMS: [&str; 10] = ["ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"];

/// A metadata document. The order of the fields is Okta's. What only one of the two
/// documents has is an `Option`.
#[derive(Debug, Serialize)]
struct Metadata {
    /// The identifier that ID tokens carry as `iss`, character by character.
    issuer: String,
    /// Where the browser is sent.
    authorization_endpoint: String,
    /// Where the app exchanges codes and refreshes.
    token_endpoint: String,
    /// Only in the OpenID document.
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo_endpoint: Option<String>,
    /// Always that of the org, also at a custom server.
    registration_endpoint: String,
    /// Where the keys are. Must be read from here and not be made up.
    jwks_uri: String,
    response_types_supported: Vec<&'static str>,
    response_modes_supported: [&'static str; 4],
    /// What the server could allow; a client may have fewer.
    grant_types_supported: Vec<&'static str>,
    /// Everybody has the same `sub` at all clients.
    subject_types_supported: [&'static str; 1],
    /// Okta signs with RS256 alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_signing_alg_values_supported: Option<[&'static str; 1]>,
    /// Okta encrypts if an app has a key for it; this org does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_encryption_alg_values_supported: Option<[&'static str; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_encryption_enc_values_supported: Option<[&'static str; 1]>,
    /// Those of OpenID Connect; custom ones are not published.
    scopes_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: [&'static str; 5],
    claims_supported: Vec<&'static str>,
    /// Never `plain`.
    code_challenge_methods_supported: [&'static str; 1],
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: [&'static str; 5],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'static str; 5],
    /// Where the browser is sent for sign-out.
    end_session_endpoint: String,
    /// Okta takes signed request objects; this org refuses them.
    request_parameter_supported: bool,
    request_object_signing_alg_values_supported: [&'static str; 9],
    /// Announced, as at Okta, but not served here.
    device_authorization_endpoint: String,
    /// Announced, as at Okta, but not served here.
    pushed_authorization_request_endpoint: String,
    /// Announced, as at Okta, but not served here.
    backchannel_token_delivery_modes_supported: [&'static str; 1],
    backchannel_authentication_request_signing_alg_values_supported: [&'static str; 9],
    /// Announced, as at Okta; a request with a proof is refused here.
    dpop_signing_alg_values_supported: [&'static str; 6],
}

/// `/.well-known/openid-configuration`
pub(super) fn openid(exchange: &Exchange<'_>) -> Reply {
    document(exchange, true)
}

/// `/.well-known/oauth-authorization-server`
pub(super) fn oauth(exchange: &Exchange<'_>) -> Reply {
    document(exchange, false)
}

/// Answers, with the faults that are on.
///
/// A `client_id` in the query is checked and then ignored: at Okta it selects the
/// issuer that the client is set to, and here every server has but one. An unknown
/// one is answered in the shape of the management API, as at Okta.
///
/// The cross-origin fault swaps the two names of this machine. It leaves an org
/// alone whose address is no bare `127.0.0.1`.
fn document(exchange: &Exchange<'_>, openid: bool) -> Reply {
    if !exchange.is("GET") {
        return crate::oauth_error::wrong_method();
    }
    if let Some(client_id) = exchange.request.query_param("client_id")
        && exchange.tenant.client(&client_id).is_none()
    {
        return management(400, "invalid_client", "Invalid value for 'client_id' parameter");
    }
    if let Some(reply) = faulty(exchange) {
        return reply;
    }
    let board = &exchange.tenant.board;
    let mut metadata = metadata(exchange, openid);
    if board.hit(&Fault::DiscoveryIssuer) {
        metadata.issuer.push_str("INVALID");
    }
    if board.hit(&Fault::DiscoveryCrossOrigin) {
        metadata.token_endpoint = metadata.token_endpoint.replacen("127.0.0.1", "localhost", 1);
    }
    if board.find(|fault| (*fault == Fault::DiscoveryJwksPath).then_some(())).is_some() {
        metadata.jwks_uri = other_jwks_uri(exchange);
    }
    let reply = changed(exchange, &metadata).map_or_else(|| Reply::json(200, &metadata), |all| Reply::json(200, &all));
    let reply = reply.header("cache-control", "max-age=86400, must-revalidate");
    let delay = board.find(|fault| if let Fault::DiscoverySlow(delay) = fault { Some(*delay) } else { None });
    let reply = reply.delayed(delay);
    if board.hit(&Fault::DiscoveryHuge) { reply.huge() } else { reply }
}

/// The members, if faults change any. They lose Okta's order then.
fn changed(exchange: &Exchange<'_>, metadata: &Metadata) -> Option<Map<String, Value>> {
    let board = &exchange.tenant.board;
    let Ok(Value::Object(before)) = serde_json::to_value(metadata) else { return None };
    let mut members = before.clone();
    board.change_members(&mut members, |fault| match fault {
        Fault::DiscoveryMember(name, value) => Some((name, value)),
        _ => None,
    });
    if let Some(client_id) = exchange.request.query_param("client_id") {
        if exchange.server.settings.is_org() && board.hit(&Fault::OrgPinnedKey) {
            members.insert("jwks_uri".into(), json!(format!("{}?client_id={client_id}", metadata.jwks_uri)));
        }
        board.change_members(&mut members, |fault| match fault {
            Fault::DiscoveryMemberForClient(name, value) => Some((name, value)),
            _ => None,
        });
    }
    (members != before).then_some(members)
}

/// The faults that answer with something else than metadata.
fn faulty(exchange: &Exchange<'_>) -> Option<Reply> {
    let board = &exchange.tenant.board;
    if let Some(status) = board.find(|fault| if let Fault::DiscoveryStatus(s) = fault { Some(*s) } else { None }) {
        return Some(management(status, "E0000009", "Internal Server Error"));
    }
    if board.hit(&Fault::DiscoveryHtml) {
        return Some(Reply::html_surprise());
    }
    (!exchange.moved && board.hit(&Fault::DiscoveryRedirect)).then(|| exchange.moved_reply(302))
}

/// Announces the keys at a path that was never used before.
///
/// It starts with `keys`, because that is what the dispatcher recognizes the
/// endpoint by.
fn other_jwks_uri(exchange: &Exchange<'_>) -> String {
    let path = format!("keys-{}", random::okta_id("", 12));
    let uri = format!("{}/{path}", exchange.server.settings.endpoints(&exchange.tenant.url));
    lock(&exchange.server.key_paths).push(path);
    uri
}

/// The document as it should be.
///
/// All URLs are made from the org's address and not from the `Host` header, so that
/// a request cannot choose them.
fn metadata(exchange: &Exchange<'_>, openid: bool) -> Metadata {
    let settings = &exchange.server.settings;
    let base = settings.endpoints(&exchange.tenant.url);
    let at = |endpoint: &str| format!("{base}/{endpoint}");
    // The documented metadata of the org's own server has no encryption.
    let encrypts = openid && !settings.is_org();
    // The OAuth document has one entry more in these lists, the last.
    let list = |all: &[&'static str]| all.iter().take(all.len() - usize::from(openid)).copied().collect();
    Metadata {
        issuer: exchange.issuer(),
        authorization_endpoint: at("authorize"),
        token_endpoint: at("token"),
        userinfo_endpoint: openid.then(|| at("userinfo")),
        registration_endpoint: format!("{}/oauth2/v1/clients", exchange.tenant.url),
        jwks_uri: at("keys"),
        response_types_supported: list(&RESPONSE_TYPES),
        response_modes_supported: ["query", "fragment", "form_post", "okta_post_message"],
        grant_types_supported: list(&GRANT_TYPES),
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
    }
}
