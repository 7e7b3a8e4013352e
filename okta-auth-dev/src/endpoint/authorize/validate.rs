//! Okta's validation of an authorization request.
//!
//! The order of the checks is part of the contract. Until the redirect URI is validated, errors must not be redirected,
//! because the org would be an open redirector.
//!
//! Client, redirect URI and state are read first. Every later error goes to the app with its state, in the requested
//! response mode if that is valid and otherwise in the query.

use crate::authorize_request::{AuthorizeRequest, ResponseMode};
use crate::client::{AuthMethod, Client};
use crate::endpoint::exchange::Exchange;
use crate::endpoint::params::Params;
use crate::endpoint::request_object;
use crate::grant_type::GrantType;
use crate::oauth_error::OAuthError;
use crate::org_state::OrgState;
use crate::random;
use crate::server::AuthorizationServer;
use crate::store::PushedError;
use crate::sync::lock;

/// Why a request is rejected, and where the error is sent.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Shown on a page of the org, because the redirect URI cannot be trusted.
    Page(OAuthError),
    /// Sent to the app at a registered redirect URI.
    App(Box<AuthorizeRequest>, OAuthError),
}

/// Validates a request in Okta's order: first the parameters that decide where errors go, then the rest.
pub(super) fn validate(exchange: &Exchange<'_>) -> Result<(AuthorizeRequest, Client), Refusal> {
    let params = params(exchange)?;
    let client_id = params.find("client_id").unwrap_or_default();
    let client = exchange.org.usable_client(client_id, exchange.server);
    let client = client.unwrap_or_else(|| Err(OAuthError::unknown_client(client_id))).map_err(Refusal::Page)?;
    // If the request object or the pushed request is invalid, its redirect URI is unknown, and the error goes to the
    // one in the query, if that is registered.
    let (params, problem) = match resolve(exchange, &params, &client) {
        Ok(resolved) => (resolved, Ok(())),
        Err(error) => (params, Err(error)),
    };
    let mut request = begin(exchange, &params, &client).map_err(|error| {
        let other = problem.clone().err();
        Refusal::Page(other.unwrap_or(error))
    })?;
    match complete(&mut request, &params, &client, exchange, problem) {
        Ok(()) => Ok((request, client)),
        Err(error) => Err(Refusal::App(Box::new(request), error)),
    }
}

/// Validates a pushed request, whose errors do not go to the app.
pub(in crate::endpoint) fn check_pushed(
    exchange: &Exchange<'_>,
    params: &Params,
    client: &Client,
) -> Result<(), OAuthError> {
    let mut request = begin(exchange, params, client)?;
    complete(&mut request, params, client, exchange, Ok(()))
}

/// The parameters of the request itself, of its request object, or of the pushed request.
fn resolve(exchange: &Exchange<'_>, params: &Params, client: &Client) -> Result<Params, OAuthError> {
    let Some(uri) = params.find("request_uri") else {
        if client.require_pushed_authorization_requests {
            return Err(OAuthError::invalid_request("A pushed authorization request is required by the application."));
        }
        return request_object::resolve(exchange, params, client);
    };
    if params.has("request") {
        return Err(OAuthError::invalid_request(
            "The authorize request must not contain both a request object and a request uri.",
        ));
    }
    let server = &exchange.server.settings.id;
    let pushed = lock(&exchange.org.store).pushed.take(uri, &client.client_id, server, exchange.now());
    pushed.map(Params::new).map_err(|error| match error {
        PushedError::Invalid => OAuthError::bad("invalid_request_uri", "The authorize request_uri is invalid."),
        PushedError::OtherServer => {
            OAuthError::bad("invalid_request_uri", "The request_uri was issued for another authorization server.")
        }
        PushedError::OtherClient => OAuthError::invalid_client(
            "The 'client_id' parameter does not match the expected value for the provided request_uri.",
        ),
    })
}

/// The request with a registered redirect URI.
fn begin(exchange: &Exchange<'_>, params: &Params, client: &Client) -> Result<AuthorizeRequest, OAuthError> {
    let redirect_uri = params.find("redirect_uri").unwrap_or_default().to_owned();
    if !client.redirect_uris.contains(&redirect_uri) {
        return Err(OAuthError::invalid_request(format!(
            "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings: {redirect_uri}"
        )));
    }
    Ok(AuthorizeRequest {
        server: exchange.server.settings.id.clone(),
        client_id: client.client_id.clone(),
        redirect_uri,
        state: params.find("state").map(str::to_owned),
        ..AuthorizeRequest::default()
    })
}

/// Reads the parameters from the query, or from the form of a POST.
///
/// A duplicate parameter is rejected on a page, because with two redirect URIs the target of an error is ambiguous.
fn params(exchange: &Exchange<'_>) -> Result<Params, Refusal> {
    let request = exchange.request;
    let post = request.method == "POST";
    if post && !request.query.is_empty() {
        let error = OAuthError::invalid_request("Query parameters are not allowed when the request is a POST.");
        return Err(Refusal::Page(error));
    }
    let params = Params::new(if post { request.form() } else { request.query_pairs() });
    params.check_duplicates().map_err(Refusal::Page)?;
    Ok(params)
}

/// Validates all parameters whose errors go to the app. `resolved` is the result for the request object or the pushed
/// request.
///
/// The first problem is reported and ends the validation.
///
/// The order is: mode, request object, response type, grant type, state, scopes, challenge, identity provider, prompt,
/// age. Unknown parameters are ignored (RFC 6749 §3.1).
fn complete(
    request: &mut AuthorizeRequest,
    params: &Params,
    client: &Client,
    exchange: &Exchange<'_>,
    resolved: Result<(), OAuthError>,
) -> Result<(), OAuthError> {
    let (org, server) = (exchange.org, &exchange.server.settings);
    let response_type = ResponseType::read(params);
    if response_type == ResponseType::Tokens {
        // Errors of implicit and hybrid requests are returned where their tokens would
        // be.
        request.response_mode = ResponseMode::Fragment;
    }
    request.response_mode = response_mode(params, response_type, org.options.refuse_post_message)?;
    resolved?;
    response_type.check()?;
    if !client.may_use(GrantType::AuthorizationCode) {
        return Err(OAuthError::unauthorized_grant(client));
    }
    if !request.state.as_deref().is_some_and(is_state) {
        return Err(OAuthError::invalid_request("The authentication request has an invalid 'state' parameter."));
    }
    request.scopes = requested_scopes(params, client, server)?;
    request.challenge = challenge(params, client)?;
    let dpop_jkt = params.find("dpop_jkt").filter(|_| org.options.rfc_extensions);
    request.dpop_jkt = dpop_jkt.map(str::to_owned);
    request.nonce = params.find("nonce").map(str::to_owned);
    request.login_hint = params.find("login_hint").map(str::to_owned);
    request.acr_values = params.words("acr_values");
    request.idp = idp(params, org)?;
    request.prompt = prompt(params)?;
    request.max_age = max_age(params)?;
    if request.max_age == Some(0) && request.prompts("none") {
        return Err(OAuthError::invalid_request(
            "'prompt' parameter must not have the value 'none' for request with 'zero' as max_age.",
        ));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResponseType {
    Code,
    /// Tokens, alone or with a code (implicit and hybrid).
    Tokens,
    /// A response type that Okta does not support.
    Unknown,
}

impl ResponseType {
    /// Parses the words, whose order has no meaning.
    fn read(params: &Params) -> Self {
        let mut words = params.words("response_type");
        words.sort_unstable();
        match words.join(" ").as_str() {
            "code" => Self::Code,
            "id_token" | "token" | "id_token token" | "code id_token" | "code token" | "code id_token token" => {
                Self::Tokens
            }
            _ => Self::Unknown,
        }
    }

    /// Rejects all response types except a code.
    fn check(self) -> Result<(), OAuthError> {
        match self {
            Self::Code => Ok(()),
            Self::Tokens | Self::Unknown => Err(OAuthError::bad(
                "unsupported_response_type",
                "The response type is not supported by the authorization server. Configured response types: [code].",
            )),
        }
    }
}

/// Validates how the response is delivered.
///
/// Tokens are never sent in a query. A message may carry a code if the request has a PKCE challenge, unless the org is
/// configured to reject it.
fn response_mode(
    params: &Params,
    response_type: ResponseType,
    refuse_post_message: bool,
) -> Result<ResponseMode, OAuthError> {
    let refused = |description: &'static str| Err(OAuthError::bad("unsupported_response_mode", description));
    let tokens = response_type == ResponseType::Tokens;
    match params.find("response_mode") {
        None if tokens => Ok(ResponseMode::Fragment),
        Some("query") if tokens => {
            refused("'query' response mode cannot be used with either the 'id_token' or 'token' response types.")
        }
        None | Some("query") => Ok(ResponseMode::Query),
        Some("fragment") => Ok(ResponseMode::Fragment),
        Some("form_post") => Ok(ResponseMode::FormPost),
        Some("okta_post_message") if !tokens && (refuse_post_message || !params.has("code_challenge")) => {
            refused("'okta_post_message' response mode cannot be used with the 'code' response type.")
        }
        Some("okta_post_message") => Ok(ResponseMode::PostMessage),
        Some(_) => refused(
            "The response mode is not supported by the authorization server. Valid response modes: [query, fragment, \
             form_post, okta_post_message].",
        ),
    }
}

/// Validates the identity provider: the org itself, or a configured one.
fn idp(params: &Params, org: &OrgState) -> Result<Option<String>, OAuthError> {
    let Some(idp) = params.find("idp") else { return Ok(None) };
    let known = idp == org.id || org.options.identity_providers.iter().any(|known| known == idp);
    known.then(|| Some(idp.to_owned())).ok_or_else(|| OAuthError::invalid_request("Identity provider is not valid."))
}

/// Whether the state is valid. Okta requires `state` and documents the characters `[A-Za-z0-9,._-]`; others work in
/// practice, so only control characters are rejected.
fn is_state(state: &str) -> bool {
    !state.is_empty() && !state.chars().any(char::is_control)
}

/// Validates the scopes. An unknown scope fails the request.
pub(in crate::endpoint) fn requested_scopes(
    params: &Params,
    client: &Client,
    server: &AuthorizationServer,
) -> Result<Vec<String>, OAuthError> {
    let scopes = params.words("scope");
    if scopes.is_empty() {
        return Err(OAuthError::no_default_scopes());
    }
    let known = scopes.iter().all(|scope| server.knows_scope(scope));
    let allowed = client.scopes.is_empty() || scopes.iter().all(|scope| client.scopes.contains(scope));
    if !known || !allowed {
        return Err(OAuthError::unknown_scope());
    }
    let openid = scopes.iter().any(|scope| scope == "openid");
    if !openid && scopes.iter().any(|scope| server.is_oidc_scope(scope)) {
        return Err(OAuthError::invalid_scope(
            "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope.",
        ));
    }
    Ok(scopes)
}

/// Validates the PKCE challenge: S256 only, and 43 characters of base64url, the length of a SHA-256 hash (RFC 7636
/// §4.2).
///
/// Public clients must send a challenge regardless of their settings; other clients only if they are configured to. A
/// challenge that was sent is always enforced.
fn challenge(params: &Params, client: &Client) -> Result<Option<String>, OAuthError> {
    let Some(challenge) = params.find("code_challenge") else {
        if client.pkce_required || client.auth_method == AuthMethod::None {
            return Err(OAuthError::invalid_request("PKCE code challenge is required by the application."));
        }
        return Ok(None);
    };
    // Without a method the challenge would be `plain` (RFC 7636 §4.3), which Okta does
    // not support.
    if params.find("code_challenge_method") != Some("S256") {
        return Err(OAuthError::invalid_request("PKCE code challenge method is not supported. Valid values: [S256]"));
    }
    if random::from_base64url(challenge).is_none_or(|bytes| bytes.len() != 32) {
        return Err(OAuthError::invalid_request("PKCE code challenge contains illegal characters."));
    }
    Ok(Some(challenge.to_owned()))
}

/// Validates the prompt: `none`, `login`, `consent`, or `login consent`.
fn prompt(params: &Params) -> Result<Vec<String>, OAuthError> {
    let prompt = params.words("prompt");
    let known = prompt.iter().all(|value| ["none", "login", "consent"].contains(&value.as_str()));
    let alone = prompt.len() == 1 || !prompt.iter().any(|value| value == "none");
    if !known || !alone {
        return Err(OAuthError::invalid_request(
            "Invalid value for 'prompt' parameter. Supported values: [none, login, consent]",
        ));
    }
    Ok(prompt)
}

/// Validates the maximum age: seconds, from 0 to 2^31-1. 0 always requires the password.
fn max_age(params: &Params) -> Result<Option<i64>, OAuthError> {
    let Some(value) = params.find("max_age") else { return Ok(None) };
    let seconds = value.parse::<i64>().ok().filter(|seconds| (0..=i64::from(i32::MAX)).contains(seconds));
    seconds.map(Some).ok_or_else(|| {
        OAuthError::invalid_request("Invalid value for 'max_age' parameter. It should be within range 0 - 2^31-1.")
    })
}
