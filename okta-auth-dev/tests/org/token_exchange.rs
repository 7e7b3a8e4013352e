//! Token exchange on behalf of a user at custom servers: the new token, and every rejection.

use std::time::Duration;

use okta_auth_dev::{
    ADA, AccessPolicy, AuthorizationServer, BEN, Client, GrantType, Org, OrgBuilder, SERVICE_CLIENT_ID,
};
use serde_json::{Value, json};

use crate::support::*;

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// An org with the server `billing`, which trusts `default`, and an API that exchanges tokens.
fn builder() -> OrgBuilder {
    let billing = AuthorizationServer::custom("billing", "api://billing")
        .scope("invoices:read")
        .consent_scope("invoices:write")
        .trusted_server("default");
    let api = Client::service("0oaorders", "a-secret").grant_type(GrantType::TokenExchange);
    Org::builder()
        .client(Client::web("0oaweb", "web-secret").origin("http://localhost:8080"))
        .client(api)
        .authorization_server(billing)
        .authorization_server(AuthorizationServer::custom("foreign", "api://foreign").scope("foreign:read"))
}

/// Exchanges a token at the server `billing`, with changes; an empty value omits a parameter.
fn exchange_token(org: &Org, token: &str, changes: &[(&str, &str)]) -> Answer {
    exchange_as(org, &org.client_with_id("0oaorders").unwrap(), token, changes)
}

fn exchange_as(org: &Org, client: &Client, token: &str, changes: &[(&str, &str)]) -> Answer {
    let mut fields = std::collections::BTreeMap::from([
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", "api://billing"),
        ("scope", "invoices:read"),
    ]);
    fields.extend(changes.iter().copied());
    let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    post(&token_url(org, Some("billing")), Some(client), &fields)
}

async fn access_token(org: &Org) -> String {
    tokens(org, "openid profile").await.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_api_gets_a_token_for_its_user() {
    let org = builder().start().await.unwrap();
    let token = access_token(&org).await;
    let subject = claims(&json!(token));
    let answer = exchange_token(&org, &token, &[]);
    let body = answer.json();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&json!("Bearer"), &json!(3600), &json!("invoices:read"))
    );
    assert_eq!(body["issued_token_type"], ACCESS_TOKEN);
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let access = claims(&body["access_token"]);
    assert_eq!((&access["iss"], &access["aud"]), (&json!(org.custom_issuer("billing")), &json!("api://billing")));
    assert_eq!((&access["cid"], &access["scp"]), (&json!("0oaorders"), &json!(["invoices:read"])));
    for name in ["sub", "uid", "auth_time"] {
        assert_eq!(access[name], subject[name], "{name}");
    }
    assert!(access.get("act").is_none());
    let explicit = exchange_token(&org, &token, &[("requested_token_type", ACCESS_TOKEN)]);
    assert_eq!(explicit.status, 200, "the token type may be named");
    let again = exchange_token(&org, body["access_token"].as_str().unwrap(), &[]);
    assert_eq!(again.status, 200, "the server accepts its own tokens: {}", again.body);
}

#[tokio::test]
async fn malformed_exchanges_get_oktas_errors() {
    let org = builder().start().await.unwrap();
    let token = access_token(&org).await;
    let type_refused = "'requested_token_type' is invalid or not supported.";
    let subject_type = "'subject_token_type' is invalid or not supported.";
    let actor = "'actor_token_type' is invalid or not supported.";
    let audience = "Token Exchange requests must include a valid audience of the authorization server.";
    let openid = "Can't request 'openid' scopes using the Token Exchange flow for a service app.";
    let consent = "The following scopes require user consent: [invoices:write]. To access protected scopes using the \
                   token_exchange password grant type, please uncheck 'Require consent' in the app settings or set \
                   the apps 'consent_method' to 'TRUSTED'.";
    let jag = "urn:ietf:params:oauth:token-type:id-jag";
    for (changes, error, description) in [
        (vec![("requested_token_type", jag)], "invalid_request", type_refused),
        (vec![("requested_token_type", ID_TOKEN)], "invalid_request", type_refused),
        (vec![("subject_token_type", ID_TOKEN)], "invalid_request", subject_type),
        (
            vec![("subject_token_type", "")],
            "invalid_request",
            "The required parameter 'subject_token_type' is missing.",
        ),
        (vec![("subject_token", "")], "invalid_request", "The required parameter 'subject_token' is missing."),
        (vec![("actor_token", "x"), ("actor_token_type", ACCESS_TOKEN)], "invalid_request", actor),
        (vec![("audience", "")], "invalid_target", audience),
        (vec![("audience", "api://default")], "invalid_target", audience),
        (vec![("scope", "openid")], "invalid_scope", openid),
        (vec![("scope", "invoices:read offline_access")], "invalid_scope", openid),
        (
            vec![("scope", "")],
            "invalid_scope",
            "The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
        ),
        (
            vec![("scope", "orders:read")],
            "invalid_scope",
            "One or more scopes are not configured for the authorization server resource.",
        ),
        (vec![("scope", "invoices:write")], "consent_required", consent),
    ] {
        let answer = exchange_token(&org, &token, &changes);
        assert_eq!(refusal(&answer), (400, error.to_owned(), description.to_owned()), "{changes:?}");
    }
}

#[tokio::test]
async fn subject_tokens_of_another_kind_or_origin_are_rejected() {
    let org = builder().start().await.unwrap();
    let other = builder().start().await.unwrap();
    let id_token = tokens(&org, "openid").await.json()["id_token"].as_str().unwrap().to_owned();
    for (token, why) in [
        ("junk".to_owned(), "no token"),
        (id_token, "an ID token"),
        (org.token().access_token(ADA, ["openid"]).bad_signature().sign(), "a broken signature"),
        (org.token().service_token(["orders:read"]).sign(), "a service"),
        (org.token().access_token(ADA, ["openid"]).remove("cid").sign(), "no client"),
        (other.token().access_token(ADA, ["openid"]).sign(), "another org"),
    ] {
        let refused = refusal(&exchange_token(&org, &token, &[]));
        assert_eq!(refused, (400, "invalid_request".to_owned(), "'subject_token' is invalid.".to_owned()), "{why}");
    }
    for server in ["foreign", okta_auth_dev::ORG_SERVER] {
        let foreign = org.token().server(server).access_token(ADA, ["openid"]).sign();
        let refused = refusal(&exchange_token(&org, &foreign, &[]));
        let description = "The 'subject_token' issuer isn't a trusted authorization server.";
        assert_eq!(refused, (403, "access_denied".to_owned(), description.to_owned()), "{server}");
    }
}

#[tokio::test]
async fn an_exchange_ends_with_the_subject_token_and_its_session() {
    let org = builder().start().await.unwrap();
    let refused = |answer: &Answer| {
        let description = "The 'subject_token' either expired or the session associated with it was terminated.";
        assert_eq!(refusal(answer), (400, "invalid_grant".to_owned(), description.to_owned()));
    };
    let token = access_token(&org).await;
    let sid = org.sessions()[0].sid.clone();
    assert_eq!(exchange_token(&org, &token, &[]).status, 200);
    org.end_session(&sid).await;
    refused(&exchange_token(&org, &token, &[]));
    let token = access_token(&org).await;
    post(&format!("{}/v1/revoke", org.issuer()), Some(&org.client()), &[("token", &token)]);
    refused(&exchange_token(&org, &token, &[]));
    let token = access_token(&org).await;
    org.clock().advance(Duration::from_secs(3601));
    refused(&exchange_token(&org, &token, &[]));
    let token = org.token().access_token(BEN, ["openid"]).sign();
    assert_eq!(exchange_token(&org, &token, &[]).status, 200);
    org.remove_user(BEN);
    refused(&exchange_token(&org, &token, &[]));
}

#[tokio::test]
async fn only_services_with_the_grant_and_a_policy_may_exchange() {
    let exchangers =
        AccessPolicy::new("API to API").client("0oaorders").group("Admins").grant_type(GrantType::TokenExchange);
    let audited =
        AuthorizationServer::custom("billing", "api://billing").scope("invoices:read").trusted_server("default");
    let org = builder().authorization_server(audited.access_policy(exchangers)).start().await.unwrap();
    let token = access_token(&org).await;
    let service = org.client_with_id(SERVICE_CLIENT_ID).unwrap();
    assert_eq!(refusal(&exchange_as(&org, &service, &token, &[])).1, "unauthorized_client");
    let web = org.client().grant_type(GrantType::TokenExchange);
    org.put_client(web.clone());
    let (status, error, description) = refusal(&exchange_as(&org, &web, &token, &[]));
    assert_eq!((status, error.as_str()), (400, "invalid_request"));
    assert_eq!(description, "Only service clients may use on-behalf token exchange.");
    assert_eq!(exchange_token(&org, &token, &[]).status, 200, "Ada is in the group");
    let of_ben = org.token().access_token(BEN, ["openid"]).sign();
    assert_eq!(refusal(&exchange_token(&org, &of_ben, &[])).1, "access_denied");
    let at_org = [("grant_type", TOKEN_EXCHANGE), ("subject_token", &token), ("subject_token_type", ACCESS_TOKEN)];
    let at_org = post(&token_url(&org, None), org.client_with_id("0oaorders").as_ref(), &at_org);
    assert_eq!(refusal(&at_org).2, "'requested_token_type' is invalid or not supported.");
}

#[tokio::test]
async fn a_fault_changes_a_claim_of_the_next_access_token() {
    let org = builder().start().await.unwrap();
    let token = access_token(&org).await;
    org.fault_once(okta_auth_dev::Fault::AccessTokenClaim("aud".into(), json!("api://other")));
    let aud = |answer: Answer| claims(&answer.json()["access_token"])["aud"].clone();
    assert_eq!(aud(exchange_token(&org, &token, &[])), json!("api://other"));
    assert_eq!(aud(exchange_token(&org, &token, &[])), json!("api://billing"));
    org.fault(okta_auth_dev::Fault::AccessTokenClaim("uid".into(), Value::Null));
    assert!(claims(&exchange_token(&org, &token, &[]).json()["access_token"]).get("uid").is_none());
}
