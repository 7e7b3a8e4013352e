//! Settings from a TOML file.
//!
//! Every key is optional; an unknown key is an error. Users are added to the two default ones and replace a user with
//! the same login. The first client replaces the default web app. A server with the id `default` replaces the default
//! one, and `org` configures the org's own server.
//!
//! ```
//! let settings = r#"
//! name = "Acme Corporation"          # on the sign-in page
//! port = 8090                        # 0, the default, selects a free port
//! rate_limit = 600                   # requests per minute for each endpoint; unlimited by default
//! default_users = true               # keep Ada and Ben
//!
//! [[user]]
//! login = "eve@acme.test"
//! password = "correct-horse-3"
//! given_name = "Eve"
//! family_name = "Polastri"
//! groups = ["Everyone", "App_Auditors"]
//! amr = ["pwd", "otp", "mfa"]        # `mfa` meets the two-factor levels of `acr_values`
//! second_factor = false              # false rejects requests for two factors; true asks for a code on a second page
//! claims = { department = "Audit" }  # with the scope `profile`
//!
//! [[client]]
//! id = "0oaacmeweb00000001"
//! secret = "a-secret-for-development" # random by default
//! type = "web"                        # web, public, service or metadata_document
//! auth_method = "client_secret_basic" # client_secret_post, client_secret_jwt, private_key_jwt, none
//! redirect_uris = ["http://localhost:3000/authorization-code/callback"]
//! post_logout_redirect_uris = ["http://localhost:3000/"]
//! scopes = ["openid", "profile", "email", "offline_access"] # by default all scopes of the server
//! rotation = "rotate"                 # or static
//! rotation_leeway = 30                # seconds
//! pkce_required = true
//! dpop_bound_access_tokens = true     # every token request needs a DPoP proof
//! require_pushed_authorization_requests = true
//! require_signed_request_object = true # a request object in every authorization request
//! request_object_signing_alg = "RS256" # by default all of Okta's algorithms
//! id_token_encrypted_response_alg = "RSA-OAEP-256" # -384, -512; needs a key with use = "enc" in jwks
//! session_claim = true                # `sid` in ID tokens; by default only with session details of Single Logout
//! frontchannel_logout_uri = "http://localhost:3000/frontchannel-logout"
//! frontchannel_logout_session_required = true # `iss` and `sid` in its query
//! universal_logout_uri = "http://localhost:3000/global-token-revocation"
//! universal_logout_subject = "email"  # or iss_sub, opaque
//!
//! [[client]]
//! id = "0oaacmejob00000001"
//! type = "service"
//! auth_method = "private_key_jwt"
//! jwks = [{ kty = "EC", crv = "P-256", kid = "k1", x = "...", y = "..." }] # or jwks_uri
//! okta_scopes = ["okta.users.read"]   # of Okta's API, at the org's own server
//! admin_roles = ["READ_ONLY_ADMIN"]   # without a role, Okta's API answers 403
//! api_integration = false             # true allows a secret at the org's own server
//!
//! [[client]]
//! id = "http://localhost:3000/.well-known/client.json"
//! type = "metadata_document"          # everything else is in the document
//!
//! [[client]]
//! id = "0oaacmeagent000001"
//! auth_method = "private_key_jwt"
//! jwks = [{ kty = "EC", crv = "P-256", kid = "k2", x = "...", y = "..." }]
//! agent = true                        # an AI agent: `act` of its grants names it
//! delegated_by = ["0oaacmejob00000001"] # whose access tokens it may exchange
//! resource = "https://agent.acme.test" # their required `aud`
//! grant_types = [
//!     "authorization_code",
//!     "urn:ietf:params:oauth:grant-type:token-exchange",
//!     "urn:ietf:params:oauth:grant-type:jwt-bearer",
//! ]
//!
//! [[client.connection]]               # what it may request at another app
//! audience = "https://auth.chat.example/" # an issuer, or the id of a custom server
//! client_id = "agent-at-chat"         # its id there; by default its own
//! resources = ["https://api.chat.example/"]
//! scopes = ["chat.read"]              # by default all scopes
//! email_subject = false               # true: `sub` is the e-mail address
//!
//! [[server]]
//! id = "orders"
//! audience = "api://orders"
//! scopes = ["orders:read", "orders:write"]
//! resources = ["https://orders.acme.test/"] # which a grant may name; they become `aud`
//! trusted_servers = ["default"]       # whose access tokens can be exchanged here
//! consent_scopes = ["orders:write"]   # not for grants without a page
//! access_token_lifetime = 3600        # lifetimes are in seconds
//! id_token_lifetime = 3600
//! refresh_token_idle = 604800
//! refresh_token_lifetime = 7776000    # from the sign-in; unlimited by default
//! code_lifetime = 300
//! thin_id_token = false               # the whole profile in ID tokens
//!
//! [[server.groups_claim]]
//! name = "groups"
//! filter = "STARTS_WITH"              # EQUALS, CONTAINS, REGEX; by default all groups
//! value = "App_"
//! id_token = true
//! always = true                       # also in thin ID tokens; false: only at userinfo
//! access_token = true
//! scopes = []                         # empty: for all scopes
//!
//! [[server.claim]]
//! name = "department"
//! value = "user.department"           # or login, email, firstName, ...; other values are literals
//! id_token = true                     # false by default
//! access_token = true
//! scopes = ["profile"]                # empty: for all scopes
//!
//! [[server.access_policy]]            # requests that no policy allows fail with `access_denied`
//! name = "Auditors read"
//! clients = ["0oaacmeweb00000001"]    # by default all clients
//! groups = ["App_Auditors"]           # all users if `groups` and `users` are missing
//! users = ["eve@acme.test"]
//! scopes = ["openid", "orders:read"]  # by default all scopes
//! grant_types = ["authorization_code"] # by default all grants
//! access_token_lifetime = 300         # seconds; by default the server's lifetime
//!
//! [[org]]                             # a second org, at http://globex.localhost:8090
//! subdomain = "globex"
//! name = "Globex"
//! "#;
//! let builder = okta_auth_dev::OrgBuilder::from_toml(settings)?;
//! # Ok::<(), okta_auth_dev::Error>(())
//! ```

mod client;
#[cfg(feature = "cli")]
mod org;
#[cfg(feature = "cli")]
mod server;
mod user;

pub(crate) use client::ClientTable;
#[cfg(feature = "cli")]
pub(crate) use org::{OrgTable, parse};
pub(crate) use user::UserTable;
