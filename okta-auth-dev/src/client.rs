//! The applications that are registered with the org.
//!
//! A [`Client`] is what Okta calls an app integration: credentials, redirect URIs,
//! grants. Three exist in every org: a confidential web app, a public client, and a
//! service.

use std::time::Duration;

use serde_json::Value;

use crate::grant_type::GrantType;
use crate::notice::SubjectFormat;

/// The client id of the confidential web app that every org has unless another client
/// is configured.
pub const CLIENT_ID: &str = "0oadevclient0000001";
/// The client id of the public client: no secret, PKCE required, refresh tokens rotate.
pub const PUBLIC_CLIENT_ID: &str = "0oadevpublic0000001";
/// The client id of the service client, for `client_credentials` at custom
/// authorization servers.
pub const SERVICE_CLIENT_ID: &str = "0oadevservice000001";

/// How a client proves who it is at the token endpoint (Okta's
/// `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthMethod {
    /// The secret in the `Authorization` header: Okta's default.
    ///
    /// `client_secret_basic`: both halves form-encoded, then base64 (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic,
    /// The secret in the form.
    ///
    /// `client_secret_post`.
    ClientSecretPost,
    /// An assertion signed with the secret (RFC 7523), HS256, HS384 or HS512.
    ///
    /// `client_secret_jwt`. The secret must have 32 characters or more.
    ClientSecretJwt,
    /// An assertion signed with a private key whose public half is in [`Client::jwks`].
    ///
    /// `private_key_jwt`. `aud` of the assertion is the URL of the endpoint that is
    /// called, not the issuer.
    PrivateKeyJwt,
    /// None: a public client, which must use PKCE.
    None,
}

/// What becomes of a refresh token that was used (Okta's `rotation_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// It stays the same: Okta's default for web apps.
    #[default]
    Static,
    /// Each use yields a new one: Okta's default for browser apps. The old one works on
    /// for the leeway; used after that, everything issued since the sign-in is revoked.
    Rotate,
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
    /// The client secret; none for a public client and for one with a private key.
    pub client_secret: Option<String>,
    /// The label of the app, shown on the sign-in page.
    pub name: String,
    /// The sign-in redirect URIs; compared exactly.
    pub redirect_uris: Vec<String>,
    /// The sign-out redirect URIs; compared exactly.
    pub post_logout_redirect_uris: Vec<String>,
    /// How the client authenticates. Another method than this is refused, as at Okta.
    pub auth_method: AuthMethod,
    /// The grants the client may use.
    pub grant_types: Vec<GrantType>,
    /// The scopes the client may ask for; empty for every scope of the server.
    pub scopes: Vec<String>,
    /// What becomes of a refresh token that was used.
    pub rotation: Rotation,
    /// How long a rotated refresh token works on: 0 to 60 s at Okta, 30 s by default.
    pub rotation_leeway: Duration,
    /// The public keys (JWK) for [`AuthMethod::PrivateKeyJwt`].
    pub jwks: Vec<Value>,
    /// Whether ID tokens name the Okta session in the claim `sid`. Okta's do only for an
    /// app that takes part in Single Logout with session details, so
    /// [`Client::frontchannel_logout`] switches it on.
    pub session_claim: bool,
    /// Whether the app is told over the browser when an Okta session ends that it was
    /// used in (Single Logout).
    pub participate_slo: bool,
    /// Where it is told so.
    pub frontchannel_logout_uri: Option<String>,
    /// Whether it is told which session that was: `iss` and `sid` in the query.
    pub frontchannel_logout_session_required: bool,
    /// Where the app is told that somebody was signed out everywhere (Universal
    /// Logout).
    pub universal_logout_uri: Option<String>,
    /// How it is told who that is.
    pub universal_logout_subject: SubjectFormat,
    /// Whether the authorization request must carry a PKCE challenge.
    pub pkce_required: bool,
}

impl Client {
    /// A confidential web app that authenticates with `client_secret_basic`.
    ///
    /// It may use codes and refresh tokens, which are static. PKCE is optional for it,
    /// as at Okta, and enforced once a request used it. An empty secret is replaced by a
    /// generated one when the org starts.
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
        }
    }

    /// A public client (browser or native app): no secret, PKCE required, rotating
    /// refresh tokens.
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

    /// A service: `client_credentials` only, no users.
    ///
    /// Okta lets a service use custom scopes of a custom server; the org's own server
    /// would want a private key and scopes that start with `okta.`, which this org does
    /// not have.
    pub fn service(id: impl Into<String>, secret: impl Into<String>) -> Self {
        let grant_types = vec![GrantType::ClientCredentials];
        Self { grant_types, name: "Dev Service".to_owned(), ..Self::web(id, secret) }
    }

    /// The web app that every org has unless another client is configured:
    /// `localhost:8080` and `127.0.0.1:8080`.
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

    /// Registers `{origin}/authorization-code/callback` and, for sign-out, `{origin}/`.
    ///
    /// ```
    /// use okta_auth_dev::Client;
    ///
    /// let client = Client::web("0oaexample", "secret").origin("http://localhost:3000");
    /// assert_eq!(client.redirect_uris, ["http://localhost:3000/authorization-code/callback"]);
    /// assert_eq!(client.post_logout_redirect_uris, ["http://localhost:3000/"]);
    /// ```
    pub fn origin(mut self, origin: impl AsRef<str>) -> Self {
        self.allow_origin(origin.as_ref());
        self
    }

    /// Replaces the method of authentication.
    ///
    /// A request that uses another method fails with `invalid_client`, also when the
    /// secret is right.
    pub fn auth_method(mut self, method: AuthMethod) -> Self {
        self.auth_method = method;
        self
    }

    /// Authenticates with `private_key_jwt`; `jwk` is the public key. Call it again to
    /// add keys.
    ///
    /// The key is chosen by `kid` if the assertion has one. Okta takes RS256, RS384,
    /// RS512, ES256 and ES384.
    pub fn private_key_jwt(mut self, jwk: Value) -> Self {
        self.auth_method = AuthMethod::PrivateKeyJwt;
        self.client_secret = None;
        self.jwks.push(jwk);
        self
    }

    /// Replaces the grants.
    ///
    /// Another grant fails with `unauthorized_client`.
    pub fn grant_types(mut self, grants: impl IntoIterator<Item = GrantType>) -> Self {
        self.grant_types = grants.into_iter().collect();
        self
    }

    /// Replaces the scopes the client may ask for.
    ///
    /// Asking for another one fails with `invalid_scope`.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Replaces what becomes of a used refresh token.
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// Replaces how long a rotated refresh token works on.
    ///
    /// 0 to 60 s at Okta. Even with 0 s a repetition within the same second works.
    pub fn rotation_leeway(mut self, leeway: Duration) -> Self {
        self.rotation_leeway = leeway;
        self
    }

    /// Requires PKCE, or no longer.
    pub fn pkce_required(mut self, required: bool) -> Self {
        self.pkce_required = required;
        self
    }

    /// Names the Okta session in ID tokens (`sid`), or no longer.
    ///
    /// At Okta an app has the claim only if it takes part in Single Logout, so it is off
    /// until [`Client::frontchannel_logout`] or this method switches it on. Without it,
    /// sign-out by session must fall back to the person.
    pub fn session_claim(mut self, named: bool) -> Self {
        self.session_claim = named;
        self
    }

    /// Loads this URI in a hidden frame, with `iss` and `sid`, when an Okta session
    /// ends that the app was used in, and another app (or the org) ended it.
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

    /// Replaces whether the app gets session details: `iss` and `sid` at the URI, and
    /// `sid` in its ID tokens.
    ///
    /// Without them an app has the cookies to go by, which many browsers do not send in
    /// frames.
    pub fn frontchannel_logout_session_required(mut self, required: bool) -> Self {
        (self.frontchannel_logout_session_required, self.session_claim) = (required, required);
        self
    }

    /// Tells the app at this URI when somebody is signed out everywhere, see
    /// [`crate::Org::universal_logout`].
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

    /// Replaces how the app is told who was signed out; by e-mail address, unless it is
    /// set.
    pub fn universal_logout_subject(mut self, format: SubjectFormat) -> Self {
        self.universal_logout_subject = format;
        self
    }

    /// Replaces the label.
    pub fn label(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Registers the URIs of an origin, as [`Client::origin`] does.
    pub(crate) fn allow_origin(&mut self, origin: &str) {
        let origin = origin.trim_end_matches('/');
        push_new(&mut self.redirect_uris, format!("{origin}/authorization-code/callback"));
        push_new(&mut self.post_logout_redirect_uris, format!("{origin}/"));
    }

    /// Whether this is a service: it acts for itself, and nobody signs in.
    pub(crate) fn is_service(&self) -> bool {
        self.may_use(GrantType::ClientCredentials) && !self.may_use(GrantType::AuthorizationCode)
    }

    /// Whether the grant is among those of the client.
    pub(crate) fn may_use(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }
}

/// Adds a value that is not there yet.
fn push_new(list: &mut Vec<String>, value: String) {
    if !list.contains(&value) {
        list.push(value);
    }
}
