//! Builds requests to one authorization server and parses its responses.
//!
//! Protections:
//!
//! - PKCE (RFC 7636) binds a code to its attempt: a stolen code is useless without the verifier, and the request
//!   contained only the verifier's hash.
//! - `state` binds the response to the browser that began, and `nonce` binds the ID token to the attempt.
//! - Tokens and credentials are sent in headers and bodies, never in a URL, because URLs end up in logs.
//! - Codes and refresh tokens are sent once. The server may treat a second use as a replay, and revoke the tokens that
//!   it has issued (RFC 6749 §4.1.2, RFC 9700 §4.14).

use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::{CoreClient, CoreResponseType};
use openidconnect::{
    AuthUrl, AuthenticationContextClass, AuthenticationFlow, ClientId, CsrfToken, IssuerUrl, JsonWebKeySet, LoginHint,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::assertion::{ASSERTION_TYPE, AssertionKey, client_assertion};
use super::dpop::{Dpop, DpopKey, TokenKey};
use super::endpoint_auth::{configured, explain, method_for};
use super::token_response::TokenSet;
use super::transport;
use crate::clock::SharedClock;
use crate::config::{ClientAuth, Config, ResponseMode};
use crate::discovery::{AuthMethod, Metadata};
use crate::error::{Code, Error, Result};
use crate::events::ProviderEndpoint;
use crate::http::{HttpClient, Idempotency, ProviderError, check_json, is_timeout};
use crate::json::Unique;
use crate::secret::{Secret, SecretBytes};

/// Space in a form for client authentication, in bytes: an assertion has less than 1,500 characters.
const CREDENTIALS_SIZE: usize = 4 * 1024;

/// What a token is requested for.
#[cfg(feature = "client")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenParameters<'a> {
    /// Separated by spaces.
    pub(crate) scopes: &'a str,
    pub(crate) audience: Option<&'a str>,
    /// The API (RFC 8707 §2).
    pub(crate) resource: Option<&'a str>,
}

#[cfg(feature = "client")]
impl<'a> TokenParameters<'a> {
    /// The parameters that are present.
    pub(super) fn present(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let scopes = (!self.scopes.is_empty()).then_some(("scope", self.scopes));
        let audience = self.audience.map(|audience| ("audience", audience));
        scopes.into_iter().chain(audience).chain(self.resource.map(|resource| ("resource", resource)))
    }
}

/// The type of an access token in token exchange (RFC 8693 §3).
#[cfg(feature = "client")]
const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The grant of token exchange (RFC 8693 §2.1).
#[cfg(feature = "client")]
pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

#[derive(Debug)]
pub(crate) struct AuthorizationParameters<'a> {
    /// Returned with the response.
    pub(crate) state: &'a Secret,
    /// Returned in the ID token.
    pub(crate) nonce: &'a Secret,
    /// Only its hash is sent with this request.
    pub(crate) pkce_verifier: &'a Secret,
    pub(crate) login_hint: Option<&'a str>,
    pub(crate) force_login: bool,
    /// Whether the provider must not ask the user.
    pub(crate) silent: bool,
    /// In whole seconds.
    pub(crate) max_age: Option<Duration>,
    /// In order of preference.
    pub(crate) acr_values: &'a [String],
    /// Parameters of the application, different from those above.
    pub(crate) further: &'a [(String, String)],
}

impl AuthorizationParameters<'_> {
    /// The values of `prompt`, joined to one parameter (OIDC Core §3.1.2.1).
    fn prompt(&self) -> Option<String> {
        if self.silent {
            return Some("none".to_owned());
        }
        let further = self.further.iter().filter(|(name, _)| name == "prompt").map(|(_, value)| value);
        let further = further.flat_map(|value| value.split_ascii_whitespace());
        let mut values: Vec<&str> = Vec::new();
        for value in self.force_login.then_some("login").into_iter().chain(further) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        (!values.is_empty()).then(|| values.join(" "))
    }
}

/// The client of one authorization server.
///
/// | message | specification | built by |
/// |---|---|---|
/// | authorization request | OIDC Core §3.1.2.1, RFC 7636 | `openidconnect` |
/// | request object | RFC 9101 §4 | `request_object` |
/// | pushed authorization request | RFC 9126 §2.1 | `pushed_authorization` |
/// | code exchange | RFC 6749 §4.1.3, RFC 7636 §4.5 | this module |
/// | refresh | RFC 6749 §6 | this module |
/// | client credentials | RFC 6749 §4.4 | this module |
/// | token exchange | RFC 8693 §2.1 | this module |
/// | ID-JAG, JWT bearer grant | RFC 8693 §2.1, RFC 7523 §2.1 | `id_jag` |
/// | revocation | RFC 7009 §2.1 | this module |
/// | introspection | RFC 7662 §2.1 | this module |
/// | userinfo | OIDC Core §5.3.1 | `userinfo` |
/// | proof of possession | RFC 9449 §4 | `dpop`, `token_request` |
///
/// Client requests carry the credentials in the configured way: in the header, in the body, as a signed assertion, or
/// none. Responses are returned unverified; the callers verify them.
#[derive(Clone)]
pub(crate) struct ProviderClient {
    pub(super) config: Arc<Config>,
    pub(crate) http: HttpClient,
    pub(crate) clock: SharedClock,
    pub(crate) dpop: Arc<Dpop>,
}

impl ProviderClient {
    pub(crate) fn new(config: Arc<Config>, http: HttpClient, clock: SharedClock) -> Self {
        let dpop = Arc::new(Dpop::new(&config, clock.clone()));
        Self { config, http, clock, dpop }
    }

    /// Returns the authorization request as a URL (OIDC Core §3.1.2.1), with PKCE S256 (RFC 7636).
    ///
    /// The response type is always `code`, so tokens never pass through the browser.
    pub(super) fn authorization_url(&self, metadata: &Metadata, with: &AuthorizationParameters<'_>) -> Result<Url> {
        let issuer = IssuerUrl::new(metadata.issuer().to_owned());
        let issuer = issuer.map_err(|error| Error::new(Code::Internal, "the issuer is not a URL").with_cause(error))?;
        let client = ClientId::new(self.config.client_id.clone());
        let client = CoreClient::new(client, issuer, JsonWebKeySet::new(Vec::new()))
            .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint().clone()))
            .set_redirect_uri(RedirectUrl::from_url(self.config.app.redirect_uri.clone()));
        let (state, nonce) = (with.state.expose().to_owned(), with.nonce.expose().to_owned());
        let verifier = PkceCodeVerifier::new(with.pkce_verifier.expose().to_owned());
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        // The library adds `openid` itself.
        for scope in self.config.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        for acr in with.acr_values {
            request = request.add_auth_context_value(AuthenticationContextClass::new(acr.clone()));
        }
        if let Some(hint) = with.login_hint {
            request = request.set_login_hint(LoginHint::new(hint.to_owned()));
        }
        if let Some(prompt) = with.prompt() {
            request = request.add_extra_param("prompt", prompt);
        }
        for (name, value) in with.further.iter().filter(|(name, _)| name != "prompt") {
            request = request.add_extra_param(name.clone(), value.clone());
        }
        if let Some(max_age) = with.max_age {
            request = request.set_max_age(max_age);
        }
        if self.config.app.options.response_mode == ResponseMode::FormPost {
            request = request.add_extra_param("response_mode", "form_post");
        }
        Ok(request.url().0)
    }

    /// Exchanges an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).
    ///
    /// The request repeats the redirect URI, and the server compares it.
    ///
    /// # Errors
    /// `Code::TokenRefused` if Okta rejects the code, `Code::ProviderResponse` if its response cannot be parsed, and
    /// the errors of sending.
    pub(crate) async fn exchange_code(&self, metadata: &Metadata, code: &str, verifier: &Secret) -> Result<TokenSet> {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.config.app.redirect_uri.as_str()),
            ("code_verifier", verifier.expose()),
        ];
        self.tokens(metadata, &parameters, TokenKey::New).await
    }

    /// Exchanges a refresh token (RFC 6749 §6) for tokens of the same scopes. Okta includes an ID token only if the
    /// scopes include `openid`.
    ///
    /// The response may have a new refresh token. The caller has to keep it: with rotation the old one is used up.
    /// `key` is that of the refresh token, if it is bound.
    pub(crate) async fn refresh(
        &self,
        metadata: &Metadata,
        token: &Secret,
        scopes: &[String],
        key: Option<&DpopKey>,
    ) -> Result<TokenSet> {
        let scopes = scopes.join(" ");
        let parameters =
            [("grant_type", "refresh_token"), ("refresh_token", token.expose()), ("scope", scopes.as_str())];
        // Without the parameter the server grants the original scopes (RFC 6749 §6).
        let parameters = if scopes.is_empty() { parameters.get(..2) } else { Some(parameters.as_slice()) };
        self.tokens(metadata, parameters.unwrap_or_default(), key.map_or(TokenKey::New, TokenKey::Of)).await
    }

    /// Requests an access token for the application itself (RFC 6749 §4.4.2). The standard has no `audience`; servers
    /// that know it issue a token for that API.
    ///
    /// # Errors
    /// As for [`exchange_code`](Self::exchange_code).
    #[cfg(feature = "client")]
    pub(crate) async fn client_credentials(
        &self,
        metadata: &Metadata,
        wanted: TokenParameters<'_>,
    ) -> Result<TokenSet> {
        let mut parameters = vec![("grant_type", "client_credentials")];
        parameters.extend(wanted.present());
        self.repeatable_tokens(metadata, &parameters).await
    }

    /// Exchanges a user's access token for one that another API accepts (RFC 8693 §2.1).
    ///
    /// # Errors
    /// As for [`exchange_code`](Self::exchange_code), and `Code::ProviderResponse` if the response is not an access
    /// token.
    #[cfg(feature = "client")]
    pub(crate) async fn exchange_token(
        &self,
        metadata: &Metadata,
        subject: &Secret,
        wanted: TokenParameters<'_>,
    ) -> Result<TokenSet> {
        let mut parameters = vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token_type", ACCESS_TOKEN_TYPE),
            ("subject_token", subject.expose()),
        ];
        parameters.extend(wanted.present());
        let tokens = self.repeatable_tokens(metadata, &parameters).await?;
        if tokens.issued_token_type.as_deref() == Some(ACCESS_TOKEN_TYPE) {
            return Ok(tokens);
        }
        let message = "the token endpoint did not exchange the token for an access token (`issued_token_type`, RFC \
                       8693 §2.2.1)";
        Err(Error::new(Code::ProviderResponse, message))
    }

    /// Requests tokens by a grant that no request uses up. If the connection broke, the request is sent a second time,
    /// with an assertion and a proof of its own, because a server accepts each one once.
    #[cfg(feature = "client")]
    async fn repeatable_tokens(&self, metadata: &Metadata, parameters: &[(&str, &str)]) -> Result<TokenSet> {
        match self.tokens(metadata, parameters, TokenKey::Own).await {
            Err(error) if is_repeatable(&error) => self.tokens(metadata, parameters, TokenKey::Own).await,
            outcome => outcome,
        }
    }

    /// Revokes a refresh token, and with it the access tokens made from it (RFC 7009 §2).
    pub(crate) async fn revoke_refresh_token(&self, metadata: &Metadata, token: &Secret) -> Result<()> {
        self.revoke(metadata, token, "refresh_token").await
    }

    /// Revokes a token. Without a revocation endpoint this is a no-op. The server answers an unknown token like a
    /// revoked one (RFC 7009 §2.2).
    pub(super) async fn revoke(&self, metadata: &Metadata, token: &Secret, kind: &str) -> Result<()> {
        let Some(endpoint) = metadata.revocation_endpoint() else { return Ok(()) };
        let (auth, methods) = (&self.config.client_auth, metadata.revocation_methods());
        let parameters = [("token", token.expose()), ("token_type_hint", kind)];
        let request = self.authenticated_by(method_for(auth, methods), metadata, endpoint, &parameters)?;
        let response = transport::send(&self.http, request, ProviderEndpoint::Revocation).await;
        response.map(drop).map_err(|error| explain(error, auth, methods))
    }

    /// Introspects an access token (RFC 7662 §2.1). Returns the unverified response.
    ///
    /// # Errors
    /// [`Code::MetadataInvalid`] if the issuer has no introspection endpoint, [`Code::ProviderResponse`] if it does not
    /// answer with JSON. If the endpoint rejects this client, that is also a `ProviderResponse` and not a token error,
    /// because the operator has to fix it.
    pub(crate) async fn introspect(&self, metadata: &Metadata, token: &str) -> Result<Map<String, Value>> {
        let endpoint = metadata.introspection_endpoint().ok_or_else(|| {
            Error::new(
                Code::MetadataInvalid,
                "the issuer has no introspection endpoint, so its tokens cannot be checked",
            )
        })?;
        let parameters = [("token", token), ("token_type_hint", "access_token")];
        let (auth, methods) = (&self.config.client_auth, metadata.introspection_methods());
        let request = self.authenticated_by(method_for(auth, methods), metadata, endpoint, &parameters)?;
        let response = self.http.send(request, Idempotency::Idempotent, ProviderEndpoint::Introspection).await?;
        if response.status() != http::StatusCode::OK {
            let message = format!(
                "the introspection endpoint answered {}; check OKTA_CLIENT_ID and OKTA_CLIENT_SECRET",
                response.status().as_u16()
            );
            let error = ProviderError::read(response.body()).explain(Error::new(Code::ProviderResponse, message));
            return Err(explain(error, auth, methods));
        }
        check_json(response.headers(), "the introspection response")?;
        Unique::read(response.body()).map(|Unique(answer)| answer).map_err(|error| {
            let message = "the introspection response is not a JSON object with unique names";
            Error::new(Code::ProviderResponse, message).with_cause(error)
        })
    }

    /// Builds a form for an endpoint that authenticates the client by the configured method (RFC 6749 §2.3).
    pub(super) fn authenticated(
        &self,
        metadata: &Metadata,
        endpoint: &Url,
        parameters: &[(&str, &str)],
    ) -> Result<http::Request<SecretBytes>> {
        self.authenticated_by(configured(&self.config.client_auth), metadata, endpoint, parameters)
    }

    /// Builds a form for an endpoint that authenticates the client. An assertion is valid for this one request.
    fn authenticated_by(
        &self,
        method: AuthMethod,
        metadata: &Metadata,
        endpoint: &Url,
        parameters: &[(&str, &str)],
    ) -> Result<http::Request<SecretBytes>> {
        let client_id = self.config.client_id.as_str();
        // A form that grows would leave copies of its secrets behind. Each byte encodes to at most
        // three.
        let size = |(name, value): &(&str, &str)| name.len().saturating_add(value.len()).saturating_mul(3);
        let capacity = parameters.iter().map(size).fold(CREDENTIALS_SIZE, usize::saturating_add);
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(capacity));
        form.extend_pairs(parameters);
        let mut request = http::Request::post(endpoint.as_str())
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match (method, self.config.client_auth.secret()) {
            (AuthMethod::SecretBasic, Some(secret)) => {
                request = request.header(http::header::AUTHORIZATION, sensitive(&basic(client_id, secret))?);
            }
            (AuthMethod::SecretPost, Some(secret)) => {
                form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
            }
            _ => {
                form.append_pair("client_id", client_id).extend_pairs(self.assertion(metadata, endpoint)?);
            }
        }
        let body = SecretBytes::new(form.finish().into_bytes());
        request.body(body).map_err(|error| Error::new(Code::Internal, "a form cannot be built").with_cause(error))
    }

    /// The parameters of an assertion for one request, or none with another method. Its audience is the endpoint, as
    /// Okta requires, or the issuer (FAPI 2.0 Security Profile §5.3.3.1).
    fn assertion(&self, metadata: &Metadata, endpoint: &Url) -> Result<Vec<(&'static str, String)>> {
        let key = match &self.config.client_auth {
            ClientAuth::PrivateKeyJwt(key) => AssertionKey::Private(key),
            ClientAuth::SecretJwt(secret) => AssertionKey::Secret(secret),
            _ => return Ok(Vec::new()),
        };
        let audience = if self.config.app.options.fapi2 { metadata.issuer() } else { endpoint.as_str() };
        let assertion = client_assertion(key, &self.config.client_id, audience, self.clock.now())?;
        let assertion = assertion.expose().to_owned();
        Ok(vec![("client_assertion_type", ASSERTION_TYPE.to_owned()), ("client_assertion", assertion)])
    }
}

/// Whether a request failed without an answer and without a stated pause. A request that timed out has already used its
/// time.
pub(super) fn is_repeatable(error: &Error) -> bool {
    error.code() == Code::ProviderUnavailable && error.retry_after().is_none() && !is_timeout(error)
}

/// Credentials for the header, each form-encoded first (RFC 6749 §2.3.1).
///
/// Without form-encoding the server would misread a colon or a percent sign.
fn basic(client_id: &str, secret: &Secret) -> Zeroizing<String> {
    use base64::Engine as _;
    let encode = |text: &str| Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
    let credentials = Zeroizing::new(format!("{}:{}", *encode(client_id), *encode(secret.expose())));
    let encoded = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(credentials.as_bytes()));
    Zeroizing::new(format!("Basic {}", *encoded))
}

/// A header value that holds a secret, marked so that it is not logged.
pub(super) fn sensitive(text: &str) -> Result<http::HeaderValue> {
    let value = http::HeaderValue::from_str(text);
    let mut value = value.map_err(|error| {
        Error::new(Code::Internal, "a token or a secret is not a valid header value").with_cause(error)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

opaque_debug!(ProviderClient, |it| issuer: it.config.issuer);
