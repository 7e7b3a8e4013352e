//! Settings from a TOML file.
//!
//! Every key may be left out; a key that does not exist is an error. People are added
//! to the two default ones, and replace one with the same login. The first client takes
//! the place of the default web app. A server with the id `default` takes the place of
//! the default one, and `org` stands for the org's own.
//!
//! ```
//! let settings = r#"
//! name = "Acme Corporation"          # on the sign-in page
//! port = 8090                        # 0, the default: a free one
//! rate_limit = 600                   # requests a minute for each endpoint; no limit without it
//! default_users = true               # keep Ada and Ben
//!
//! [[user]]
//! login = "eve@acme.test"
//! password = "correct-horse-3"
//! given_name = "Eve"
//! family_name = "Polastri"
//! groups = ["Everyone", "App_Auditors"]
//! amr = ["pwd", "otp", "mfa"]        # `mfa` meets the acr values of two factors
//! second_factor = false              # a request for two factors is refused; true: a second page asks for a code
//! claims = { department = "Audit" }  # with the scope `profile`
//!
//! [[client]]
//! id = "0oaacmeweb00000001"
//! secret = "a-secret-for-development" # a random one is made if it is left out
//! type = "web"                        # web, public or service
//! auth_method = "client_secret_basic" # client_secret_post, client_secret_jwt, private_key_jwt, none
//! redirect_uris = ["http://localhost:3000/authorization-code/callback"]
//! post_logout_redirect_uris = ["http://localhost:3000/"]
//! scopes = ["openid", "profile", "email", "offline_access"] # all of the server if left out
//! rotation = "rotate"                 # or static
//! rotation_leeway = 30                # seconds
//! pkce_required = true
//! session_claim = true                # `sid` in ID tokens; with session details of Single Logout if left out
//! frontchannel_logout_uri = "http://localhost:3000/frontchannel-logout"
//! frontchannel_logout_session_required = true # `iss` and `sid` in its query
//! universal_logout_uri = "http://localhost:3000/global-token-revocation"
//! universal_logout_subject = "email"  # or iss_sub, opaque
//!
//! [[server]]
//! id = "orders"
//! audience = "api://orders"
//! scopes = ["orders:read", "orders:write"]
//! access_token_lifetime = 3600        # seconds, as are all of these
//! id_token_lifetime = 3600
//! refresh_token_idle = 604800
//! refresh_token_lifetime = 7776000    # from the sign-in; without an end if left out
//! code_lifetime = 300
//! thin_id_token = false               # the whole profile in ID tokens
//!
//! [[server.groups_claim]]
//! name = "groups"
//! filter = "STARTS_WITH"              # EQUALS, CONTAINS, REGEX; all groups if left out
//! value = "App_"
//! id_token = true
//! always = true                       # in thin ID tokens, too; false: at userinfo alone
//! access_token = true
//! scopes = []                         # always, if empty
//!
//! [[server.claim]]
//! name = "department"
//! value = "user.department"           # or login, email, firstName, ...; everything else is a literal
//! id_token = true                     # false if left out
//! access_token = true
//! scopes = ["profile"]                # always, if empty
//!
//! [[server.access_policy]]            # with one or more, everything else is `access_denied`
//! name = "Auditors read"
//! clients = ["0oaacmeweb00000001"]    # all, if left out
//! groups = ["App_Auditors"]           # everybody if `groups` and `users` are left out
//! users = ["eve@acme.test"]
//! scopes = ["openid", "orders:read"]  # all, if left out
//! access_token_lifetime = 300         # seconds; what the server says, if left out
//!
//! [[org]]                             # a second org, at http://globex.localhost:8090
//! subdomain = "globex"
//! name = "Globex"
//! "#;
//! let builder = okta_auth_dev::OrgBuilder::from_toml(settings)?;
//! # Ok::<(), okta_auth_dev::Error>(())
//! ```

mod server;

use std::time::Duration;

use server::ServerTable;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::builder::OrgBuilder;
use crate::client::{AuthMethod, Client, Rotation};
use crate::error::Error;
use crate::notice::SubjectFormat;
use crate::random;
use crate::user::User;

/// The top level, and an entry of `[[org]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrgTable {
    /// Required in `[[org]]`, ignored at the top.
    subdomain: Option<String>,
    /// The name on the sign-in page.
    name: Option<String>,
    /// Ignored in `[[org]]`: there is one listener.
    port: Option<u16>,
    /// Requests a minute for each endpoint.
    rate_limit: Option<u32>,
    /// Whether Ada and Ben stay.
    default_users: Option<bool>,
    #[serde(default)]
    user: Vec<UserTable>,
    #[serde(default)]
    client: Vec<ClientTable>,
    #[serde(default)]
    server: Vec<ServerTable>,
    #[serde(default)]
    org: Vec<OrgTable>,
}

/// An entry of `[[user]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserTable {
    /// The username, usually an e-mail address.
    login: String,
    password: String,
    given_name: Option<String>,
    family_name: Option<String>,
    /// The login if it is left out.
    email: Option<String>,
    phone_number: Option<String>,
    groups: Option<Vec<String>>,
    /// How the person signs in; `["pwd"]` if it is left out.
    amr: Option<Vec<String>>,
    /// Whether a second page may ask for a code; true if it is left out.
    second_factor: Option<bool>,
    /// More claims with the scope `profile`.
    #[serde(default)]
    claims: Map<String, Value>,
}

/// An entry of `[[client]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientTable {
    id: String,
    /// A random one if it is left out, which the program prints.
    secret: Option<String>,
    /// What the defaults of the rest are.
    #[serde(default, rename = "type")]
    kind: ClientKind,
    name: Option<String>,
    auth_method: Option<AuthMethodName>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    rotation: Option<RotationName>,
    /// Seconds.
    rotation_leeway: Option<u64>,
    /// Public keys for `private_key_jwt`, as inline tables.
    #[serde(default)]
    jwks: Vec<Value>,
    pkce_required: Option<bool>,
    /// Whether ID tokens carry `sid`; if it is left out, with session details of Single
    /// Logout only.
    session_claim: Option<bool>,
    /// With it the app takes part in Single Logout.
    frontchannel_logout_uri: Option<String>,
    /// True if it is left out.
    frontchannel_logout_session_required: Option<bool>,
    universal_logout_uri: Option<String>,
    /// By e-mail address if it is left out.
    universal_logout_subject: Option<SubjectFormat>,
}

/// The values of `type`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClientKind {
    #[default]
    Web,
    Public,
    Service,
}

/// The values of `auth_method`: Okta's `token_endpoint_auth_method`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AuthMethodName {
    ClientSecretBasic,
    ClientSecretPost,
    ClientSecretJwt,
    PrivateKeyJwt,
    None,
}

/// The values of `rotation`: Okta's `rotation_type`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RotationName {
    Static,
    Rotate,
}

/// Reads the settings.
pub(crate) fn parse(text: &str) -> Result<OrgBuilder, Error> {
    let table: OrgTable =
        toml::from_str(text).map_err(|error| Error::config(format_args!("the settings are wrong: {error}")))?;
    table.builder()
}

impl OrgTable {
    /// The settings of this org, with those of the orgs inside.
    fn builder(self) -> Result<OrgBuilder, Error> {
        let mut builder = OrgBuilder::default();
        if self.default_users == Some(false) {
            builder = builder.without_users();
        }
        builder = self.user.into_iter().fold(builder, |builder, user| builder.user(user.user()));
        builder = self.client.into_iter().fold(builder, |builder, client| builder.client(client.client()));
        builder =
            self.server.into_iter().fold(builder, |builder, server| builder.authorization_server(server.server()));
        for org in self.org {
            let subdomain = org.subdomain.clone();
            let subdomain = subdomain.ok_or_else(|| Error::config("an entry of [[org]] needs a `subdomain`"))?;
            builder = builder.org(subdomain, org.builder()?);
        }
        builder = self.name.into_iter().fold(builder, OrgBuilder::name);
        builder = self.port.into_iter().fold(builder, OrgBuilder::port);
        Ok(self.rate_limit.into_iter().fold(builder, OrgBuilder::rate_limit))
    }
}

impl UserTable {
    /// What is left out has the default of [`User::new`].
    fn user(self) -> User {
        let user = User::new(self.login, self.password);
        User {
            given_name: self.given_name.unwrap_or(user.given_name),
            family_name: self.family_name.unwrap_or(user.family_name),
            email: self.email.unwrap_or(user.email),
            phone_number: self.phone_number,
            groups: self.groups.unwrap_or(user.groups),
            amr: self.amr.unwrap_or(user.amr),
            second_factor: self.second_factor.unwrap_or(user.second_factor),
            claims: self.claims,
            id: user.id,
            login: user.login,
            password: user.password,
            email_verified: true,
        }
    }
}

impl ClientTable {
    /// What is left out has the default of its type.
    fn client(self) -> Client {
        let secret = self.secret.unwrap_or_else(random::token);
        let client = match self.kind {
            ClientKind::Web => Client::web(self.id, secret),
            ClientKind::Public => Client::public(self.id),
            ClientKind::Service => Client::service(self.id, secret),
        };
        let participate_slo = self.frontchannel_logout_uri.is_some();
        let session_details = self.frontchannel_logout_session_required.unwrap_or(true);
        Client {
            name: self.name.unwrap_or(client.name),
            redirect_uris: self.redirect_uris,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            scopes: self.scopes,
            auth_method: self.auth_method.map_or(client.auth_method, AuthMethodName::method),
            rotation: self.rotation.map_or(client.rotation, RotationName::rotation),
            rotation_leeway: self.rotation_leeway.map_or(client.rotation_leeway, Duration::from_secs),
            jwks: self.jwks,
            pkce_required: self.pkce_required.unwrap_or(client.pkce_required),
            session_claim: self.session_claim.unwrap_or(participate_slo && session_details),
            participate_slo,
            frontchannel_logout_uri: self.frontchannel_logout_uri,
            frontchannel_logout_session_required: session_details,
            universal_logout_uri: self.universal_logout_uri,
            universal_logout_subject: self.universal_logout_subject.unwrap_or_default(),
            ..client
        }
    }
}

impl AuthMethodName {
    /// The same by another name: the file's words are Okta's.
    fn method(self) -> AuthMethod {
        match self {
            Self::ClientSecretBasic => AuthMethod::ClientSecretBasic,
            Self::ClientSecretPost => AuthMethod::ClientSecretPost,
            Self::ClientSecretJwt => AuthMethod::ClientSecretJwt,
            Self::PrivateKeyJwt => AuthMethod::PrivateKeyJwt,
            Self::None => AuthMethod::None,
        }
    }
}

impl RotationName {
    /// The same by another name.
    fn rotation(self) -> Rotation {
        match self {
            Self::Static => Rotation::Static,
            Self::Rotate => Rotation::Rotate,
        }
    }
}
