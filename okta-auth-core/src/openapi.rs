//! Security schemes for OpenAPI documents of `utoipa`, so that Swagger UI signs in.
//!
//! ```
//! # use okta_auth_core as okta_auth;
//! use okta_auth::OktaAuth;
//! use okta_auth::openapi::SecuritySchemes;
//! use utoipa::Modify;
//! use utoipa::openapi::{Info, OpenApi, Paths};
//!
//! # fn main() -> Result<(), okta_auth::Error> {
//! let auth = OktaAuth::builder()
//!     .issuer("https://acme.okta.com/oauth2/default")
//!     .api_only()
//!     .resource_scopes(["orders:read"])
//!     .build()?;
//! let mut document = OpenApi::new(Info::new("orders", "1.0"), Paths::new()); // usually `#[derive(OpenApi)]`
//! SecuritySchemes::new(&auth).modify(&mut document);
//! assert!(document.components.is_some_and(|components| components.security_schemes.contains_key("bearer")));
//! # Ok(())
//! # }
//! ```

use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{
    AuthorizationCode, Flow, HttpAuthScheme, HttpBuilder, OAuth2, OpenIdConnect, Scopes, SecurityScheme,
};

use crate::engine::OktaAuth;
use crate::error::Result;

/// The ways to get and send an access token for this API, as components of an OpenAPI document:
///
/// | name | scheme |
/// |---|---|
/// | `bearer` | an access token in the header `Authorization` |
/// | `openid` | OpenID Connect, with the issuer's metadata |
/// | `oauth2` | the authorization code flow with the issuer's endpoints; only from [`discover`](Self::discover) |
///
/// The scopes are those of `resource_scopes`. Operations refer to a scheme by its name: `#[utoipa::path(..,
/// security(("oauth2" = ["orders:read"])))]`.
#[derive(Clone, Debug)]
pub struct SecuritySchemes {
    metadata_url: String,
    /// The authorization and the token endpoint.
    endpoints: Option<(String, String)>,
    scopes: Vec<String>,
}

impl SecuritySchemes {
    /// Creates the schemes that need no network.
    pub fn new(auth: &OktaAuth) -> Self {
        let config = auth.config();
        let metadata_url = config.issuer().metadata_url().into();
        Self { metadata_url, endpoints: None, scopes: config.app.options.resource_scopes.clone() }
    }

    /// Creates all schemes, with the endpoints of the issuer's metadata.
    ///
    /// # Errors
    /// The error of fetching the metadata. Fall back to [`new`](Self::new), so that the API starts during an outage.
    pub async fn discover(auth: &OktaAuth) -> Result<Self> {
        let metadata = auth.metadata().await?;
        let endpoints = (metadata.authorization_endpoint().to_string(), metadata.token_endpoint().to_string());
        Ok(Self { endpoints: Some(endpoints), ..Self::new(auth) })
    }
}

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let openid = OpenIdConnect::new(&self.metadata_url);
        components.add_security_scheme("openid", SecurityScheme::OpenIdConnect(openid));
        if let Some((authorization, token)) = &self.endpoints {
            let scopes = Scopes::from_iter(self.scopes.iter().map(|scope| (scope.as_str(), "")));
            let flow = Flow::AuthorizationCode(AuthorizationCode::new(authorization, token, scopes));
            components.add_security_scheme("oauth2", SecurityScheme::OAuth2(OAuth2::new([flow])));
        }
    }
}
