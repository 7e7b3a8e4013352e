//! Third-party-initiated login (OIDC Core §4), for example from a link in Okta's dashboard.
//!
//! 1. `iss` must occur exactly once and equal the present or a former issuer of the
//!    application or of a tenant, character by character. Okta's dashboard names the org,
//!    so the org of a custom server is accepted for it; another server of that org is not.
//!    An org that several tenants share identifies none of them. The sign-in uses the
//!    present issuer. The URL in `iss` is never fetched.
//! 2. `login_hint` is passed on to Okta, which interprets it.
//! 3. `target_link_uri` is the target of the sign-in if it is on this origin; otherwise the
//!    target is the root. It is parsed by the same rules as every other target.
//! 4. State, nonce and PKCE are fresh, as for a sign-in that the application starts.
//!
//! The request only starts a new sign-in. All other parameters are ignored, in particular
//! tokens.

use http::request::Parts;
use url::form_urlencoded;

use super::OktaAuth;
use super::context::RequestContext;
use super::reply::Reply;
use crate::error::{Code, Error, Result};
use crate::login::LoginOptions;

const MAX_HINT: usize = 254;

#[derive(Debug)]
pub(crate) struct InitiateLoginRequest {
    pub(crate) issuer: String,
    hint: Option<String>,
    target: Option<String>,
}

impl InitiateLoginRequest {
    /// Returns the login options. A target that is not on the application's origin becomes
    /// the root, to prevent an open redirect.
    pub(crate) fn options_at(self, auth: &OktaAuth) -> LoginOptions {
        let origin = auth.config().origin();
        let target = self.target.as_deref().unwrap_or("/");
        // It is absolute by specification; without our origin a path remains.
        let local = target.strip_prefix(&origin).filter(|rest| rest.starts_with('/'));
        let local = local.or(Some(target).filter(|target| target.starts_with('/'))).unwrap_or("/");
        let mut options = LoginOptions::new(auth.return_to(local));
        options.login_hint = self.hint;
        options
    }
}

impl RequestContext {
    pub(super) async fn initiate_login(&self, parts: &Parts, body: &[u8]) -> Reply {
        let config = self.auth().config();
        let initiation = self.initiation(parts, body).and_then(|initiation| {
            if config.is_named_by(&initiation.issuer) {
                return Ok(initiation);
            }
            let message = "third-party-initiated login names an issuer that is not the configured one";
            Err(Error::new(Code::CallbackMalformed, message))
        });
        match initiation {
            Ok(_) if !self.may_start_login() => self.unauthorized(),
            Ok(initiation) => self.start_login(&initiation.options_at(self.auth())).await,
            Err(error) => self.error(&error),
        }
    }

    /// Reads query and form. `iss` is required, and parameters must not be repeated.
    pub(crate) fn initiation(&self, parts: &Parts, body: &[u8]) -> Result<InitiateLoginRequest> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let malformed = |message| Error::new(Code::CallbackMalformed, message);
        let [mut issuer, mut hint, mut target] = [const { None::<String> }; 3];
        for (name, value) in form_urlencoded::parse(query).chain(form_urlencoded::parse(body)) {
            let place = match &*name {
                "iss" => &mut issuer,
                "login_hint" => &mut hint,
                "target_link_uri" => &mut target,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(malformed("a parameter of third-party-initiated login is repeated"));
            }
        }
        let issuer = issuer.ok_or_else(|| malformed("third-party-initiated login has no `iss`"))?;
        let hint = hint.filter(|hint| !hint.is_empty() && hint.len() <= MAX_HINT);
        Ok(InitiateLoginRequest { issuer, hint, target })
    }
}
