//! Tokens of another app's authorization server, for the users of this application (Identity Assertion JWT
//! Authorization Grant, at Okta "Cross App Access").
//!
//! The org exchanges the ID token of the user's session for a grant (ID-JAG), and the other server exchanges the grant
//! for an access token. A grant is never cached, because Okta accepts it once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::cache::{TokenCache, TokenKey};
use super::issued_token::IssuedToken;
use super::token_endpoint::TokenEndpoint;
use super::token_request::TokenRequest;
use super::user_token::UserToken;
use crate::clock::{NumericDate, Timestamp};
use crate::config::{ClientAuth, Config, ConfigBuilder, parse_issuer};
use crate::discovery::{Discovery, Metadata};
use crate::error::{Code, Error, Result};
use crate::http::{HttpClient, HttpSettings};
use crate::jose::{ExpectedIdJag, unverified_claims};
use crate::protocol::{Provider, SubjectToken, TokenParameters};
use crate::secret::Secret;
use crate::session::Session;

/// The number of cached tokens, as many as exchanged ones.
const CAPACITY: usize = 4_096;
/// An ID token is not sent in its last seconds, because it would expire on the way.
const SENDING_MARGIN: Duration = Duration::from_secs(10);

/// Access tokens of another app's authorization server for the users of this application, without another sign-in:
/// Okta's Cross App Access, for apps and AI agents. Clones are cheap and share the cache.
///
/// An administrator of the org connects this application with the other app. The user signs in here, and the org
/// asserts that to the other app by a grant.
///
/// ```no_run
/// # use okta_auth_core as okta_auth;
/// use okta_auth::config::ConfigBuilder;
/// use okta_auth::outgoing::{IdJagTokens, Outgoing, Target, TokenRequest, UserToken};
///
/// # fn from_vault(_name: &str) -> String { "vM3kq-81Lf0aXo2".repeat(2) }
/// # fn setup(outgoing: &Outgoing) -> Result<(), okta_auth::Error> {
/// let server = ConfigBuilder::default()
///     .issuer("https://auth.chat.example") // the other app's authorization server
///     .client_id("agent-at-chat") // what it knows this application by
///     .client_secret(from_vault("chat/client-secret"));
/// let chat = outgoing.id_jag(server)?;
/// let target = outgoing.target("https://api.chat.example")?;
/// # let _ = (chat, target); Ok(())
/// # }
/// // In a handler, `user` is the extractor `User`.
/// async fn messages<U>(user: U, chat: IdJagTokens, target: Target) -> Result<(), okta_auth::Error>
/// where
///     U: UserToken + Clone + 'static,
/// {
///     let read = TokenRequest::new(["chat.read"]);
///     let mut request = http::Request::get("https://api.chat.example/messages").body(()).unwrap();
///     target.for_user_at(&user, &chat, &read).authorize(&mut request).await?;
///     Ok(())
/// }
/// ```
///
/// A token is cached for this session, these scopes and this resource. It ends no later than the ID token that its
/// grant was issued for. After that token has expired, the grant is requested with the session's refresh token, if the
/// session has one.
#[derive(Clone)]
pub struct IdJagTokens {
    servers: Arc<Servers>,
    cache: TokenCache,
}

/// The two authorization servers.
struct Servers {
    /// This application at the org.
    endpoint: Arc<TokenEndpoint>,
    /// The org's own server, which alone issues grants.
    org: Discovery,
    /// This application at the other app's server, with credentials of its own.
    resource: Arc<Provider>,
    sends_scopes: bool,
}

impl IdJagTokens {
    pub(super) fn new(endpoint: Arc<TokenEndpoint>, server: ConfigBuilder) -> Result<Self> {
        endpoint.check_client()?;
        let config = server.api_only().build()?;
        let own = endpoint.provider();
        let org = own.config.issuer.org().unwrap_or_else(|| own.config.issuer.as_str().to_owned());
        check_server(&config, &org)?;
        let settings = HttpSettings::with_timeout(config.app.options.http_timeout);
        let clock = endpoint.clock.clone();
        let http = HttpClient::operator(&settings, config.ways.clone(), clock.clone())?;
        let resource = Provider::new(Arc::new(config), http, clock);
        let org = own.authority(parse_issuer(&org)?).discovery;
        Ok(Self::of(Servers { endpoint, org, resource, sends_scopes: false }))
    }

    fn of(servers: Servers) -> Self {
        let cache = TokenCache::new(CAPACITY, servers.endpoint.clock.clone());
        Self { servers: Arc::new(servers), cache }
    }

    /// Sends the scopes to the other app's server too, for a server that requires them. Okta's own servers reject such
    /// a request, because the scopes are in the grant. The returned value has a cache of its own, which is empty.
    #[must_use]
    pub fn with_scope_parameter(self) -> Self {
        let Servers { endpoint, org, resource, .. } = &*self.servers;
        let (endpoint, org, resource) = (Arc::clone(endpoint), org.clone(), resource.clone());
        Self::of(Servers { endpoint, org, resource, sends_scopes: true })
    }

    /// Returns a token for a user, from the cache where possible. The request has the scopes, and the
    /// [resource](TokenRequest::resource) if the other app's server has several. It must not name an audience or an
    /// issuer, because both are those of the other app's server.
    ///
    /// A refusal is cached for 10 s, and any other failure for 1 s or for the time that the server states.
    ///
    /// # Errors
    /// [`Code::SessionEnded`] if the user has no session any more, [`Code::TokenExpired`] if the session's ID token has
    /// expired and the session has no refresh token, and [`Code::TokenClaim`] if the session belongs to another
    /// application or org. [`Code::TokenRefused`] if one of the two servers rejects the request; the message names the
    /// server, and [`provider_error`](Error::provider_error) returns its error code. [`Code::ConfigInvalid`] if the
    /// request names an audience or an issuer. [`Code::ProviderResponse`] if the org's response is not a grant for the
    /// other app's server. Otherwise as for [`MachineTokens::token`](super::MachineTokens::token).
    pub async fn token(&self, user: &impl UserToken, request: &TokenRequest) -> Result<IssuedToken> {
        self.token_of(user, request).await
    }

    pub(super) async fn token_of(&self, user: &dyn UserToken, request: &TokenRequest) -> Result<IssuedToken> {
        let session = self.session(user, request).await?;
        let id = session.id();
        self.cache.token(TokenKey { subject: Some(&id.0), request }, || self.request(&session, request)).await
    }

    pub(super) async fn token_after(
        &self,
        rejected: &IssuedToken,
        user: &dyn UserToken,
        request: &TokenRequest,
    ) -> Result<Option<IssuedToken>> {
        let session = self.session(user, request).await?;
        let id = session.id();
        let key = TokenKey { subject: Some(&id.0), request };
        self.cache.token_after(rejected, key, || self.request(&session, request)).await
    }

    /// The number of cached tokens and failures, for metrics. It is bounded.
    pub fn cached(&self) -> usize {
        self.cache.len()
    }

    /// Returns the user's session, if it belongs to this application. The ID token of another tenant is not sent to
    /// this org, because it may give access there.
    async fn session(&self, user: &dyn UserToken, request: &TokenRequest) -> Result<Arc<Session>> {
        if request.parameters().audience.is_some() || request.other_issuer().is_some() {
            let message = "a request for an ID-JAG must not name an audience or an issuer, because both are those of the \
                           other app's authorization server; name the API with `TokenRequest::resource`";
            return Err(Error::new(Code::ConfigInvalid, message));
        }
        let session = user.fresh_session().await?;
        if session.belongs_to(&self.servers.endpoint.provider().config) {
            return Ok(session);
        }
        Err(Error::invalid_claim(
            "iss",
            "belongs to another application or org, so the ID token of the session is not sent",
        ))
    }

    fn request(
        &self,
        session: &Arc<Session>,
        request: &TokenRequest,
    ) -> impl Future<Output = Result<IssuedToken>> + Send + use<> {
        let (servers, session, request) = (Arc::clone(&self.servers), Arc::clone(session), request.clone());
        async move { servers.token(&session, &request).await }
    }
}

impl Servers {
    async fn token(&self, session: &Session, request: &TokenRequest) -> Result<IssuedToken> {
        let proof = Proof::of(session, self.endpoint.clock.now())?;
        let (org, resource) = (self.org.metadata().await?, self.resource.discovery.metadata().await?);
        let grant = self.grant((&org, &resource), &proof, (session, request)).await?;
        // Only the server whose issuer is the grant's audience receives it.
        let scopes = self.sends_scopes.then(|| request.parameters().scopes);
        let tokens = self.resource.protocol.redeem_id_jag(&resource, &grant, scopes).await.map_err(explain_resource)?;
        self.endpoint.issued(&tokens, request, proof.expires_at)
    }

    async fn grant(
        &self,
        (org, resource): (&Metadata, &Metadata),
        proof: &Proof,
        (session, request): (&Session, &TokenRequest),
    ) -> Result<Secret> {
        let provider = self.endpoint.provider();
        let wanted = TokenParameters { audience: Some(resource.issuer()), ..request.parameters() };
        let grant = provider.protocol.request_id_jag(org, proof.subject_token(), wanted).await.map_err(explain_org)?;
        let expected = ExpectedIdJag {
            issuer: org.issuer(),
            audience: resource.issuer(),
            client_id: &self.resource.config.client_id,
            subject: session.subject(),
            now: self.endpoint.clock.now(),
            leeway: provider.config.app.options.leeway,
        };
        expected.check(grant.expose()).map_err(|error| {
            let message = format!("the org issued an ID-JAG that cannot be used: {error}");
            Error::new(Code::ProviderResponse, message).with_cause(error)
        })?;
        Ok(grant)
    }
}

/// The token of a session that proves the user's sign-in to the org.
struct Proof {
    token: Secret,
    is_id_token: bool,
    /// `None` for a refresh token, whose end only Okta knows.
    expires_at: Option<Timestamp>,
}

impl Proof {
    /// Takes the ID token while it is valid. A refresh token comes second, because with rotation the session may have a
    /// newer one by the time that the request arrives.
    fn of(session: &Session, now: Timestamp) -> Result<Self> {
        #[derive(Deserialize)]
        struct Claims {
            exp: NumericDate,
        }
        let id_token = session.id_token().and_then(|token| {
            let Claims { exp: NumericDate(expires_at) } = unverified_claims(token.expose())?;
            let is_valid = now.plus(SENDING_MARGIN) < expires_at;
            is_valid.then_some(Self { token, is_id_token: true, expires_at: Some(expires_at) })
        });
        let refresh_token =
            || session.refresh_token().map(|token| Self { token, is_id_token: false, expires_at: None });
        id_token.or_else(refresh_token).ok_or_else(|| {
            let message = "the ID token of the session has expired, and the session has no refresh token; the user has \
                           to sign in again, or add the scope `offline_access` to OKTA_SCOPES";
            Error::new(Code::TokenExpired, message)
        })
    }

    fn subject_token(&self) -> SubjectToken<'_> {
        if self.is_id_token { SubjectToken::IdToken(&self.token) } else { SubjectToken::RefreshToken(&self.token) }
    }
}

/// Checks the settings at the other app's server.
fn check_server(config: &Config, org: &str) -> Result<()> {
    let wrong = |message| Err(Error::new(Code::ConfigInvalid, message));
    if config.issuer.as_str() == org {
        return wrong(
            "the authorization server of the other app is the org itself, which issues grants and accepts none; name \
             the app's own server, or a custom server of the org",
        );
    }
    if config.client_id.is_empty() || matches!(config.client_auth, ClientAuth::None) {
        return wrong(
            "the authorization server of the other app accepts a grant only from its client: set the client id and the \
             credential that it gave to this application",
        );
    }
    Ok(())
}

/// Names the fix for a refusal of the org.
fn explain_org(error: Error) -> Error {
    if error.code() != Code::TokenRefused {
        return error;
    }
    let message = match error.provider_error() {
        Some("invalid_target") => {
            "Okta knows no connection to this authorization server or resource, or the user is not assigned to the app \
             (invalid_target): compare the issuer and the resource with the connection, character by character"
        }
        Some("unauthorized_client" | "invalid_scope") => {
            "Okta's connection to the other app does not allow this grant or one of its scopes: compare the scopes with \
             the connection"
        }
        Some("invalid_request") => {
            "Okta does not accept the token of the user's session for an ID-JAG (invalid_request): the log has its \
             description"
        }
        Some("invalid_grant") => {
            "Okta does not issue an ID-JAG (invalid_grant): the user's token has expired, its session has ended, or Cross \
             App Access is not enabled"
        }
        _ => return error,
    };
    error.with_message(message)
}

/// Names the fix for a refusal of the other app's server, whose credentials are its own.
fn explain_resource(error: Error) -> Error {
    if error.code() != Code::TokenRefused {
        return error;
    }
    let message = match error.provider_error() {
        Some("invalid_client") => {
            "the authorization server of the other app does not accept the credentials that it gave to this application \
             (invalid_client)"
        }
        Some("invalid_grant") => {
            "the authorization server of the other app does not accept the ID-JAG (invalid_grant): it does not trust the \
             org, knows this application by another client id, or does not know the user, the scopes or the resource"
        }
        _ => "the authorization server of the other app refused the ID-JAG; see `provider_error`",
    };
    error.with_message(message)
}

opaque_debug!(IdJagTokens, |it| issuer: it.servers.resource.config.issuer, cache: it.cache);
