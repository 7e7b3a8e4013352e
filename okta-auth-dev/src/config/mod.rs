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

mod client;
mod server;
mod user;

pub(crate) use client::ClientTable;
pub(crate) use user::UserTable;

use server::ServerTable;

use serde::Deserialize;

use crate::builder::OrgBuilder;
use crate::error::Error;

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
