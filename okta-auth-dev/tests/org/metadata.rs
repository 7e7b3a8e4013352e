//! The metadata documents.

use okta_auth_dev::{AuthorizationServer, Org, OrgBuilder};
use serde_json::json;

use crate::support::*;

/// The members of the custom server's document, in Okta's order.
const MEMBERS: [&str; 29] = [
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "registration_endpoint",
    "jwks_uri",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "id_token_encryption_alg_values_supported",
    "id_token_encryption_enc_values_supported",
    "scopes_supported",
    "token_endpoint_auth_methods_supported",
    "claims_supported",
    "code_challenge_methods_supported",
    "introspection_endpoint",
    "introspection_endpoint_auth_methods_supported",
    "revocation_endpoint",
    "revocation_endpoint_auth_methods_supported",
    "end_session_endpoint",
    "request_parameter_supported",
    "request_object_signing_alg_values_supported",
    "device_authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "backchannel_token_delivery_modes_supported",
    "backchannel_authentication_request_signing_alg_values_supported",
    "dpop_signing_alg_values_supported",
];

#[tokio::test]
async fn the_document_of_a_custom_server_has_oktas_members_in_oktas_order() {
    let org = Org::start().await.unwrap();
    let answer = get(&format!("{}/.well-known/openid-configuration", org.issuer()));
    let places: Vec<usize> =
        MEMBERS.iter().map(|name| answer.body.find(&format!("\"{name}\":")).expect(name)).collect();
    assert!(places.is_sorted());
    let document = answer.json();
    assert_eq!(document.as_object().unwrap().len(), MEMBERS.len());
    assert_eq!(document["issuer"], org.issuer());
    assert_eq!(document["token_endpoint"], format!("{}/v1/token", org.issuer()));
    assert_eq!(document["end_session_endpoint"], format!("{}/v1/logout", org.issuer()));
    assert_eq!(document["registration_endpoint"], format!("{}/oauth2/v1/clients", org.url()));
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["response_types_supported"].as_array().unwrap().len(), 6);
    assert!(!answer.body.contains("orders:read"), "custom scopes are not published");
    let grants = document["grant_types_supported"].as_array().unwrap();
    assert!(grants.len() == 10 && grants.contains(&json!("urn:openid:params:grant-type:ciba")), "{grants:?}");
    assert_eq!(document["scopes_supported"].as_array().unwrap().last(), Some(&json!("interclient_access")));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "max-age=86400, must-revalidate");
    assert_eq!(answer.header("referrer-policy"), "strict-origin-when-cross-origin");
    let id = answer.header("x-okta-request-id");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
}

#[tokio::test]
async fn the_issuer_of_the_orgs_own_server_has_no_path() {
    let org = Org::start().await.unwrap();
    let document = get(&format!("{}/.well-known/openid-configuration", org.url())).json();
    assert_eq!(document["issuer"], org.url());
    assert_eq!(document["token_endpoint"], format!("{}/oauth2/v1/token", org.url()));
    let scopes = json!(["openid", "profile", "email", "address", "phone", "offline_access", "groups"]);
    assert_eq!(document["scopes_supported"], scopes);
    assert!(document.get("id_token_encryption_alg_values_supported").is_none());
}

#[tokio::test]
async fn the_oauth_document_is_served_at_both_paths() {
    let org = Org::start().await.unwrap();
    let old = get(&format!("{}/.well-known/oauth-authorization-server", org.issuer())).json();
    let rfc = get(&format!("{}/.well-known/oauth-authorization-server/oauth2/default", org.url())).json();
    assert_eq!(old, rfc);
    assert!(old["response_types_supported"].as_array().unwrap().contains(&json!("token")));
    assert!(old["grant_types_supported"].as_array().unwrap().contains(&json!("client_credentials")));
    assert!(old.get("id_token_signing_alg_values_supported").is_none());
    let of_org = get(&format!("{}/.well-known/oauth-authorization-server", org.url())).json();
    assert_eq!(of_org["issuer"], org.url());
}

#[tokio::test]
async fn unknown_paths_get_oktas_errors() {
    let org = Org::start().await.unwrap();
    let answer = get(&format!("{}/oauth2/nope/.well-known/openid-configuration", org.url()));
    assert_eq!(answer.status, 404);
    let body = answer.json();
    assert_eq!((&body["errorCode"], &body["errorLink"]), (&json!("E0000007"), &json!("E0000007")));
    assert_eq!(body["errorSummary"], "Not found: Resource not found: nope (AuthorizationServer)");
    assert!(body["errorId"].as_str().unwrap().starts_with("oae"));
    assert_eq!(body["errorCauses"], json!([]));
    assert!(answer.body.starts_with("{\"errorCode\":"));
    let known = format!("{}/.well-known/openid-configuration?client_id=", org.issuer());
    assert_eq!(get(&format!("{known}{}", okta_auth_dev::CLIENT_ID)).status, 200);
    let unknown = get(&format!("{known}unknown"));
    assert_eq!((unknown.status, &unknown.json()["errorCode"]), (400, &json!("invalid_client")));
    assert_eq!(get(&format!("{}/nowhere", org.url())).json()["errorCode"], "E0000008");
    assert_eq!(get(&format!("{}/v1/token", org.issuer())).status, 405);
}

#[tokio::test]
async fn additional_servers_and_orgs_have_their_own_documents() {
    let builder = Org::builder().authorization_server(AuthorizationServer::custom("orders", "api://orders"));
    let org = builder.org("acme", OrgBuilder::default().name("Acme")).start().await.unwrap();
    let document = get(&format!("{}/.well-known/openid-configuration", org.custom_issuer("orders"))).json();
    assert_eq!(document["issuer"], org.custom_issuer("orders"));
    let acme = org.org("acme").unwrap();
    assert!(acme.url().starts_with("http://acme.localhost:"));
    let document = get(&format!("{}/.well-known/openid-configuration", acme.issuer())).json();
    assert_eq!(document["issuer"], acme.issuer());
    assert_ne!(acme.public_jwks(), org.public_jwks());
    assert_eq!((acme.count("openid-configuration"), org.count("openid-configuration")), (1, 1));
    assert!(org.org("globex").is_none());
    acme.put_client(acme.client().redirect_uri(CALLBACK));
    let response = acme.sign_in(&authorize_url(&acme, &acme.issuer(), &[]), okta_auth_dev::ADA).await.unwrap();
    let code = response.param("code").unwrap();
    assert_eq!(exchange(&org, &code, &[]).json()["error"], "invalid_grant", "codes are bound to their org");
}
