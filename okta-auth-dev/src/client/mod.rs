//! The applications that are registered with the org.
//!
//! A [`Client`] corresponds to an app integration at Okta: credentials, redirect URIs, grants. Every org has three by
//! default: a confidential web app, a public client, and a service.

mod agent;
mod connection;
mod document;
mod protection;
mod service;

pub use connection::ResourceConnection;
pub(crate) use document::{PublishedDetails, Registration};
pub use protection::JweAlgorithm;

use std::time::Duration;

use serde_json::Value;

use crate::grant_type::GrantType;

/// The client id of the default confidential web app, which the first configured client replaces.
pub const CLIENT_ID: &str = "0oadevclient0000001";
/// The client id of the public client: no secret, PKCE required, refresh tokens rotate.
pub const PUBLIC_CLIENT_ID: &str = "0oadevpublic0000001";
/// The client id of the service client, for `client_credentials` at custom authorization servers.
pub const SERVICE_CLIENT_ID: &str = "0oadevservice000001";

/// The sign-in path of Okta's samples for web apps.
const WEB_CALLBACK: &str = "/authorization-code/callback";
/// The sign-in path of Okta's samples for browser apps.
const BROWSER_CALLBACK: &str = "/login/callback";

/// How a client authenticates at the token endpoint (Okta's `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthMethod {
    /// `client_secret_basic`: the secret in the `Authorization` header, Okta's default.
    ///
    /// Both halves are form-encoded, then joined and base64-encoded (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic,
    /// `client_secret_post`: the secret in the form.
    ClientSecretPost,
    /// `client_secret_jwt`: an assertion signed with the secret (RFC 7523), HS256, HS384 or HS512.
    ///
    /// The secret must have at least 32 characters.
    ClientSecretJwt,
    /// `private_key_jwt`: an assertion signed with a private key whose public half is in [`Client::jwks`].
    ///
    /// `aud` of the assertion is the URL of the called endpoint, not the issuer.
    PrivateKeyJwt,
    /// No authentication: a public client, which must use PKCE.
    None,
}

impl AuthMethod {
    /// Okta's name of the method.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }
}

/// Whether a used refresh token is replaced (Okta's `rotation_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// The refresh token stays the same: Okta's default for web apps.
    #[default]
    Static,
    /// Each use returns a new refresh token: Okta's default for browser apps. The old one stays valid for the grace
    /// period. Using it later revokes everything issued since the sign-in.
    Rotate,
}

/// How a Universal Logout request identifies the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubjectFormat {
    /// By e-mail address: Okta's default.
    #[default]
    Email,
    /// By the org's URL and the Okta user id.
    IssSub,
    /// By the Okta user id only.
    Opaque,
}

/// A registered application.
///
/// ```
/// use okta_auth_dev::{Client, Rotation};
///
/// let client = Client::web("0oaexample", "a-secret")
///     .redirect_uri("http://localhost:3000/authorization-code/callback")
///     .rotation(Rotation::Rotate);
/// assert_eq!(client.client_secret.as_deref(), Some("a-secret"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Client {
    /// The client id.
    pub client_id: String,
    /// The client secret; `None` for a public client and for a client with a private key.
    pub client_secret: Option<String>,
    /// The label of the app, shown on the sign-in page.
    pub name: String,
    /// The sign-in redirect URIs, compared exactly.
    pub redirect_uris: Vec<String>,
    /// The sign-out redirect URIs, compared exactly.
    pub post_logout_redirect_uris: Vec<String>,
    /// How the client authenticates. Other methods are rejected, as at Okta.
    pub auth_method: AuthMethod,
    /// The grants the client may use.
    pub grant_types: Vec<GrantType>,
    /// The scopes the client may request; empty for every scope of the server.
    pub scopes: Vec<String>,
    /// Whether used refresh tokens are replaced.
    pub rotation: Rotation,
    /// How long a rotated refresh token stays valid: 0 to 60 s at Okta, 30 s by default.
    pub rotation_leeway: Duration,
    /// The public keys (JWK) for [`AuthMethod::PrivateKeyJwt`].
    pub jwks: Vec<Value>,
    /// Whether ID tokens carry the Okta session in the claim `sid`. Okta includes it only for apps that use Single
    /// Logout with session details, so [`Client::frontchannel_logout`] enables it.
    pub session_claim: bool,
    /// Whether the org notifies the app through the browser when an Okta session ends in which the app was used (Single
    /// Logout).
    pub participate_slo: bool,
    /// The front-channel logout URI of the app.
    pub frontchannel_logout_uri: Option<String>,
    /// Whether the front-channel logout URI gets the parameters `iss` and `sid`.
    pub frontchannel_logout_session_required: bool,
    /// The URI that receives Universal Logout requests.
    pub universal_logout_uri: Option<String>,
    /// How a Universal Logout request identifies the user.
    pub universal_logout_subject: SubjectFormat,
    /// Whether the authorization request must carry a PKCE challenge.
    pub pkce_required: bool,
    /// The scopes of Okta's API (`okta.users.read`) that an administrator granted to a service. The org's own server
    /// issues a service token with these scopes only.
    pub okta_scopes: Vec<String>,
    /// The administrator roles of a service. Without one, Okta's API answers its tokens with 403.
    pub admin_roles: Vec<String>,
    /// Whether the service is a published API integration, which may use its secret at the org's own server.
    pub api_integration: bool,
    /// Whether the client is an AI agent, which the claim `act` of its grants names.
    pub is_agent: bool,
    /// What the client may request at other apps (Cross App Access).
    pub connections: Vec<ResourceConnection>,
    /// The ids of clients whose access tokens this agent may exchange.
    pub delegators: Vec<String>,
    /// The URL under which other clients call this agent.
    pub resource_url: Option<String>,
    /// Whether the client id is the URL of a client metadata document.
    pub is_metadata_document: bool,
    /// The URL of the public keys, instead of [`Client::jwks`].
    pub jwks_uri: Option<String>,
    /// Whether every token request needs a DPoP proof.
    pub dpop_bound_access_tokens: bool,
    /// Whether the authorization request must be pushed.
    pub require_pushed_authorization_requests: bool,
    /// Whether the authorization request must be a signed request object.
    pub require_signed_request_object: bool,
    /// The only accepted algorithm of request objects; `None` for all of Okta's.
    pub request_object_signing_alg: Option<String>,
    /// How ID tokens are encrypted; `None` for signed ones.
    pub id_token_encrypted_response_alg: Option<JweAlgorithm>,
}

impl Client {
    /// Creates a confidential web app that authenticates with `client_secret_basic`.
    ///
    /// It may use codes and refresh tokens, which are static. PKCE is optional, as at Okta, and enforced for a code
    /// whose request used it. An empty secret is replaced by a generated one when the org starts.
    pub fn web(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            client_id: id.into(),
            client_secret: Some(secret.into()),
            name: "Dev App".to_owned(),
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            auth_method: AuthMethod::ClientSecretBasic,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            scopes: Vec::new(),
            rotation: Rotation::Static,
            rotation_leeway: Duration::from_secs(30),
            jwks: Vec::new(),
            session_claim: false,
            participate_slo: false,
            frontchannel_logout_uri: None,
            frontchannel_logout_session_required: false,
            universal_logout_uri: None,
            universal_logout_subject: SubjectFormat::Email,
            pkce_required: false,
            okta_scopes: Vec::new(),
            admin_roles: Vec::new(),
            api_integration: false,
            is_agent: false,
            connections: Vec::new(),
            delegators: Vec::new(),
            resource_url: None,
            is_metadata_document: false,
            jwks_uri: None,
            dpop_bound_access_tokens: false,
            require_pushed_authorization_requests: false,
            require_signed_request_object: false,
            request_object_signing_alg: None,
            id_token_encrypted_response_alg: None,
        }
    }

    /// Creates a public client (browser or native app): no secret, PKCE required, rotating refresh tokens.
    ///
    /// ```
    /// use okta_auth_dev::{Client, Rotation};
    ///
    /// let app = Client::public("0oanative").redirect_uri("com.example.app:/callback");
    /// assert!(app.client_secret.is_none() && app.pkce_required);
    /// assert_eq!(app.rotation, Rotation::Rotate);
    /// ```
    pub fn public(id: impl Into<String>) -> Self {
        let client = Self::web(id, "").auth_method(AuthMethod::None).rotation(Rotation::Rotate);
        Self { client_secret: None, pkce_required: true, name: "Dev Browser App".to_owned(), ..client }
    }

    /// The default web app, with redirect URIs at `localhost:8080` and `127.0.0.1:8080`.
    pub(crate) fn default_web() -> Self {
        Self::web(CLIENT_ID, "").origin("http://localhost:8080").origin("http://127.0.0.1:8080")
    }

    /// Registers a sign-in redirect URI.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        push_new(&mut self.redirect_uris, uri.into());
        self
    }

    /// Registers a sign-out redirect URI.
    pub fn post_logout_redirect_uri(mut self, uri: impl Into<String>) -> Self {
        push_new(&mut self.post_logout_redirect_uris, uri.into());
        self
    }

    /// Registers `{origin}/authorization-code/callback`, for a public client also `{origin}/login/callback`, and for
    /// sign-out `{origin}/` and `{origin}`.
    ///
    /// Okta's JavaScript SDK sends the origin without a slash, and most other clients send it with one.
    ///
    /// ```
    /// use okta_auth_dev::Client;
    ///
    /// let client = Client::web("0oaexample", "secret").origin("http://localhost:3000");
    /// assert_eq!(client.redirect_uris, ["http://localhost:3000/authorization-code/callback"]);
    /// assert_eq!(client.post_logout_redirect_uris, ["http://localhost:3000/", "http://localhost:3000"]);
    /// ```
    pub fn origin(mut self, origin: impl AsRef<str>) -> Self {
        self.allow_origin(origin.as_ref());
        self
    }

    /// Replaces the authentication method.
    ///
    /// A request that uses another method fails with `invalid_client`, even if the secret is right.
    pub fn auth_method(mut self, method: AuthMethod) -> Self {
        self.auth_method = method;
        self
    }

    /// Authenticates with `private_key_jwt`; `jwk` is the public key. Further calls add keys.
    ///
    /// If the assertion has a `kid`, it selects the key. Okta accepts RS256, RS384, RS512, ES256 and ES384.
    pub fn private_key_jwt(mut self, jwk: Value) -> Self {
        self.auth_method = AuthMethod::PrivateKeyJwt;
        self.client_secret = None;
        self.jwks.push(jwk);
        self
    }

    /// Replaces the grants.
    ///
    /// Other grants fail with `unauthorized_client`.
    pub fn grant_types(mut self, grants: impl IntoIterator<Item = GrantType>) -> Self {
        self.grant_types = grants.into_iter().collect();
        self
    }

    /// Replaces the scopes the client may request.
    ///
    /// Other scopes fail with `invalid_scope`.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Replaces the rotation of refresh tokens.
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// Replaces how long a rotated refresh token stays valid.
    ///
    /// 0 to 60 s at Okta. Even with 0 s, a repeated refresh within the same second succeeds.
    pub fn rotation_leeway(mut self, leeway: Duration) -> Self {
        self.rotation_leeway = leeway;
        self
    }

    /// Sets whether PKCE is required.
    pub fn pkce_required(mut self, required: bool) -> Self {
        self.pkce_required = required;
        self
    }

    /// Sets whether ID tokens carry the Okta session in the claim `sid`.
    ///
    /// At Okta only apps that use Single Logout have the claim, so it is off until [`Client::frontchannel_logout`] or
    /// this method enables it. Without the claim, an app can end sessions only by subject.
    pub fn session_claim(mut self, named: bool) -> Self {
        self.session_claim = named;
        self
    }

    /// Loads this URI in a hidden frame, with `iss` and `sid`, when another app or the org ends an Okta session in
    /// which the app was used.
    ///
    /// ```
    /// use okta_auth_dev::Client;
    ///
    /// let client = Client::web("0oaexample", "secret").frontchannel_logout("http://localhost:3000/frontchannel-logout");
    /// assert!(client.participate_slo && client.frontchannel_logout_session_required);
    /// ```
    pub fn frontchannel_logout(mut self, uri: impl Into<String>) -> Self {
        self.frontchannel_logout_uri = Some(uri.into());
        self.participate_slo = true;
        self.frontchannel_logout_session_required(true)
    }

    /// Sets whether the app gets session details: `iss` and `sid` at the URI, and `sid` in its ID tokens.
    ///
    /// Without them, an app can identify the session only by its cookies, which many browsers do not send in frames.
    pub fn frontchannel_logout_session_required(mut self, required: bool) -> Self {
        (self.frontchannel_logout_session_required, self.session_claim) = (required, required);
        self
    }

    /// Sends a request to this URI when a user is signed out everywhere, see [`crate::Org::universal_logout`].
    ///
    /// ```
    /// use okta_auth_dev::{Client, SubjectFormat};
    ///
    /// let client = Client::web("0oaexample", "secret")
    ///     .universal_logout("http://localhost:3000/global-token-revocation")
    ///     .universal_logout_subject(SubjectFormat::IssSub);
    /// ```
    pub fn universal_logout(mut self, uri: impl Into<String>) -> Self {
        self.universal_logout_uri = Some(uri.into());
        self
    }

    /// Sets how a Universal Logout request identifies the user; by e-mail address by default.
    pub fn universal_logout_subject(mut self, format: SubjectFormat) -> Self {
        self.universal_logout_subject = format;
        self
    }

    /// Replaces the label.
    pub fn label(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    pub(crate) fn allow_origin(&mut self, origin: &str) {
        let origin = origin.trim_end_matches('/');
        push_new(&mut self.redirect_uris, format!("{origin}{WEB_CALLBACK}"));
        if self.auth_method == AuthMethod::None {
            push_new(&mut self.redirect_uris, format!("{origin}{BROWSER_CALLBACK}"));
        }
        self.allow_home(origin);
    }

    /// Registers an origin for sign-out, with a slash and without one.
    pub(crate) fn allow_home(&mut self, origin: &str) {
        push_new(&mut self.post_logout_redirect_uris, format!("{origin}/"));
        push_new(&mut self.post_logout_redirect_uris, origin.to_owned());
    }

    /// Copies the URIs of a web app, and adds the sign-in path of browser apps at the same origins.
    pub(crate) fn with_uris_of(mut self, web: Self) -> Self {
        let origins = web.redirect_uris.iter().filter_map(|uri| uri.strip_suffix(WEB_CALLBACK));
        let added: Vec<String> = origins.map(|origin| format!("{origin}{BROWSER_CALLBACK}")).collect();
        self.redirect_uris = web.redirect_uris;
        self.post_logout_redirect_uris = web.post_logout_redirect_uris;
        added.into_iter().fold(self, Self::redirect_uri)
    }

    pub(crate) fn may_use(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }
}

/// Appends a value that the list does not have.
pub(crate) fn push_new(list: &mut Vec<String>, value: String) {
    if !list.contains(&value) {
        list.push(value);
    }
}
