//! The three grants.
//!
//! The descriptions of the errors are Okta's. A failed exchange uses the code up, so
//! that a stolen one cannot be tried twice.
//!
//! Every grant is bound to the client it was made for, and to the server: the same
//! code or refresh token at another server of the org is refused.

use aws_lc_rs::digest::{SHA256, digest};

use super::response::{Kind, respond};
use crate::client::{AuthMethod, Client, Rotation};
use crate::clock::seconds;
use crate::endpoint::{Exchange, Params};
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::random;
use crate::reply::Reply;
use crate::server::AuthorizationServer;
use crate::store::Grant;
use crate::sync::lock;

/// A code, once, by the client it was made for, with the same redirect URI and the PKCE
/// verifier.
///
/// The code is taken out before anything else is checked. A second use finds
/// nothing; the tokens of the first one go on to work, although RFC 6749 §4.1.2
/// advises to revoke them.
///
/// The redirect URI must always be repeated, since every request for authorization
/// has one.
pub(super) fn authorization_code(
    exchange: &Exchange<'_>,
    params: &Params,
    client: &Client,
) -> Result<Reply, OAuthError> {
    let value = required(params, "code")?;
    let code = lock(&exchange.tenant.store).take_code(value, exchange.now());
    let code = code.ok_or_else(|| OAuthError::invalid_grant("The authorization code is invalid or has expired."))?;
    if code.grant.client_id != client.client_id {
        return Err(OAuthError::invalid_grant(
            "The grant was issued to another client. Please make sure the 'client_id' matches the one used at the \
             authorize request.",
        ));
    }
    check_server(exchange, &code.grant)?;
    if params.find("redirect_uri") != Some(&code.redirect_uri) {
        return Err(OAuthError::invalid_grant(
            "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
        ));
    }
    check_pkce(code.challenge.as_deref(), params.find("code_verifier"))?;
    respond(exchange, client, &code.grant, Kind::SignIn)
}

/// Compares verifier and challenge (RFC 7636 §4.6). A verifier without a challenge is
/// refused too: somebody removed the challenge on the way.
///
/// A verifier has 43 to 128 characters (RFC 7636 §4.1). The challenge went through
/// the browser and is no secret, so it is compared plainly.
fn check_pkce(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), OAuthError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(OAuthError::invalid_request(
            "PKCE code challenge should be specified in the authorize request for code verification.",
        )),
        (Some(_), None) => Err(OAuthError::invalid_request("PKCE code verifier is required by the application.")),
        (Some(challenge), Some(verifier)) => {
            let computed = random::base64url(digest(&SHA256, verifier.as_bytes()));
            let good = (43..=128).contains(&verifier.len()) && computed == challenge;
            good.then_some(()).ok_or_else(|| OAuthError::invalid_grant("PKCE verification failed."))
        }
    }
}

/// A refresh token. With rotation the old one works on for the leeway; after that its
/// use revokes everything.
///
/// The scopes are checked before the token is replaced: a request that is refused
/// for them can be repeated with others. Fewer scopes apply to this response alone;
/// the refresh token keeps all of them (RFC 6749 §6).
pub(super) fn refresh_token(exchange: &Exchange<'_>, params: &Params, client: &Client) -> Result<Reply, OAuthError> {
    let (tenant, value, now) = (exchange.tenant, required(params, "refresh_token")?, exchange.now());
    let token = lock(&tenant.store).refresh_token(value, now).ok_or_else(invalid_refresh_token)?;
    if token.grant.client_id != client.client_id {
        return Err(invalid_refresh_token());
    }
    check_server(exchange, &token.grant)?;
    // The account may be gone by now, or may no longer have the app.
    let login = token.grant.login.as_deref().unwrap_or_default();
    if tenant.user(login).is_none() || !tenant.is_assigned(login, &client.client_id) {
        return Err(invalid_refresh_token());
    }
    let grant = Grant { scopes: narrowed(&token.grant, params)?, ..token.grant };
    let value = renew(exchange, client, value)?;
    let reply = respond(exchange, client, &grant, Kind::Refresh { refresh_token: value })?;
    tenant.journal.note(|refreshes| refreshes.granted += 1);
    Ok(reply)
}

/// Okta's words, whatever is wrong with it.
fn invalid_refresh_token() -> OAuthError {
    OAuthError::invalid_grant("The refresh token is invalid or expired.")
}

/// The refresh token that goes back: the same, or another one in its place.
///
/// Looks at the token once more, because of several requests with the same token only
/// one may be the first.
///
/// The lock is held from the look to the replacement. A static token has its idle
/// period prolonged. With rotation each use within the leeway gets a successor of
/// its own, and all successors end when the first token would have ended.
fn renew(exchange: &Exchange<'_>, client: &Client, value: &str) -> Result<String, OAuthError> {
    let (tenant, settings, now) = (exchange.tenant, &exchange.server.settings, exchange.now());
    let strict = tenant.board.hit(&Fault::RefreshNoLeeway);
    let leeway = (!strict).then(|| seconds(client.rotation_leeway));
    let mut store = lock(&tenant.store);
    let token = store.refresh_token(value, now).ok_or_else(invalid_refresh_token)?;
    if token.is_reused(now, leeway) {
        store.revoke_grant(&token.grant);
        tenant.journal.note(|refreshes| refreshes.reused += 1);
        return Err(invalid_refresh_token());
    }
    let expires_at = settings.refresh_token_expiry(now, token.ends_at);
    Ok(match client.rotation {
        Rotation::Static => {
            store.extend_refresh_token(value, expires_at);
            value.to_owned()
        }
        Rotation::Rotate => {
            tenant.journal.note(|refreshes| refreshes.repeated += usize::from(token.replaced_at.is_some()));
            store.replace_refresh_token(value, now);
            store.issue_refresh_token(token.grant, expires_at, token.ends_at)
        }
    })
}

/// The scopes of a refresh: those of the sign-in, or fewer.
fn narrowed(grant: &Grant, params: &Params) -> Result<Vec<String>, OAuthError> {
    let asked = params.words("scope");
    let denied: Vec<&str> = asked.iter().map(String::as_str).filter(|scope| !grant.has_scope(scope)).collect();
    if !denied.is_empty() {
        return Err(OAuthError::bad(
            "access_denied",
            format!(
                "Some of the scopes requested for the refresh request were not granted in the original authorize \
                 request. Denied scopes: {}.",
                denied.join(", ")
            ),
        ));
    }
    Ok(if asked.is_empty() { grant.scopes.clone() } else { asked })
}

/// The client itself, without a person: custom scopes of a custom server only.
///
/// The org's own server gives services only access to Okta's API, with a private key
/// and with scopes that an administrator granted. There is no such API here, so no scope
/// is granted.
///
/// A policy may still refuse the client. There is no session, and nothing to
/// refresh.
pub(super) fn client_credentials(
    exchange: &Exchange<'_>,
    params: &Params,
    client: &Client,
) -> Result<Reply, OAuthError> {
    let settings = &exchange.server.settings;
    if settings.is_org() && client.auth_method == AuthMethod::PrivateKeyJwt {
        return service_scopes(settings, params, client).and(Err(OAuthError::unknown_scope()));
    }
    if settings.is_org() {
        return Err(OAuthError::invalid_client(
            "Client Credentials requests to the Org Authorization Server must use the private_key_jwt \
             token_endpoint_auth_method.",
        ));
    }
    let scopes = service_scopes(settings, params, client)?;
    settings.allow(&client.client_id, None, &scopes)?;
    let grant = Grant {
        id: random::token(),
        server: settings.id.clone(),
        client_id: client.client_id.clone(),
        login: None,
        scopes,
        sid: None,
        nonce: None,
        idp: None,
        auth_time: exchange.now(),
        acr: None,
        amr: Vec::new(),
    };
    respond(exchange, client, &grant, Kind::Service)
}

/// The scopes of a service. Those of OpenID Connect are about a person, and there is
/// none.
fn service_scopes(settings: &AuthorizationServer, params: &Params, client: &Client) -> Result<Vec<String>, OAuthError> {
    let scopes = params.words("scope");
    if scopes.is_empty() {
        return Err(OAuthError::invalid_scope(
            "The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
        ));
    }
    if scopes.iter().any(|scope| settings.is_oidc_scope(scope)) {
        return Err(OAuthError::invalid_scope("Cannot request 'openid' scopes using client credentials."));
    }
    let allowed = client.scopes.is_empty() || scopes.iter().all(|scope| client.scopes.contains(scope));
    if !allowed || !scopes.iter().all(|scope| settings.knows_scope(scope)) {
        return Err(OAuthError::unknown_scope());
    }
    Ok(scopes)
}

/// What one server granted is nothing to another one of the same org.
fn check_server(exchange: &Exchange<'_>, grant: &Grant) -> Result<(), OAuthError> {
    let same = grant.server == exchange.server.settings.id;
    same.then_some(())
        .ok_or_else(|| OAuthError::invalid_request("The grant was issued for another authorization server."))
}

/// A parameter that the grant cannot do without.
fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, OAuthError> {
    params.find(name).ok_or_else(|| OAuthError::invalid_request(format!("The required parameter '{name}' is missing.")))
}
