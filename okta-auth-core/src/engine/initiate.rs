//! Third-party-initiated sign-in (OIDC Core §4): a link in Okta's dashboard leads here.
//!
//! 1. `iss` must be there, once, and be that of the application or of one of its
//!    tenants, now or before a move, character by character. Okta's dashboard names the
//!    org, so the org of a custom server is taken in its place; another server of that
//!    org is not. Where several tenants share an org, its name leads to none of them. The
//!    sign-in is at the issuer of now. Nothing is fetched from an issuer because a request
//!    names it.
//! 2. `login_hint` is passed on to Okta, which decides what it means.
//! 3. `target_link_uri` is where the browser goes afterwards, if that is on this
//!    origin; else the root. It is read by the same rules as every other target.
//! 4. State, nonce and PKCE are fresh, as for a sign-in that the application began.
//!
//! It starts a sign-in of our own and is proof of nothing: whatever else comes along,
//! tokens above all, is not looked at.

use http::request::Parts;
use url::form_urlencoded;

use super::OktaAuth;
use super::reply::Reply;
use super::visit::Visit;
use crate::error::{Code, Error, Result};
use crate::login::LoginOptions;

/// The longest hint that is passed on.
const MAX_HINT: usize = 254;

/// What a third party asks for.
#[derive(Debug)]
pub(super) struct Initiation {
    /// At which issuer.
    pub(super) issuer: String,
    /// For whom.
    hint: Option<String>,
    /// And where to go afterwards.
    target: Option<String>,
}

impl Initiation {
    /// What to sign in with at an application. A target that is not on its origin
    /// becomes the root: whoever sends people here must not choose where they end.
    pub(super) fn options_at(self, auth: &OktaAuth) -> LoginOptions {
        let origin = auth.config().origin();
        let target = self.target.as_deref().unwrap_or("/");
        // It is absolute by specification; what is left of it without our origin is a path.
        let local = target.strip_prefix(&origin).filter(|rest| rest.starts_with('/'));
        let local = local.or(Some(target).filter(|target| target.starts_with('/'))).unwrap_or("/");
        let mut options = LoginOptions::new(auth.return_to(local));
        options.login_hint = self.hint;
        options
    }
}

impl Visit {
    /// Starts a sign-in at the one issuer, if it is the one that is meant.
    pub(super) async fn initiate_login(&self, parts: &Parts, body: &[u8]) -> Reply {
        let config = self.auth().config();
        let initiation = self.initiation(parts, body).and_then(|initiation| {
            if config.is_named_by(&initiation.issuer) {
                return Ok(initiation);
            }
            let message = "a third party asked for a sign-in at an issuer that is not the configured one";
            Err(Error::new(Code::CallbackMalformed, message))
        });
        match initiation {
            Ok(_) if !self.may_start_login() => self.unauthorized(),
            Ok(initiation) => self.start_login(&initiation.options_at(self.auth())).await,
            Err(error) => self.error(&error),
        }
    }

    /// Reads query and form. `iss` must be there, and nothing may come twice.
    pub(super) fn initiation(&self, parts: &Parts, body: &[u8]) -> Result<Initiation> {
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
                return Err(malformed("a parameter of a third-party-initiated sign-in comes twice"));
            }
        }
        let issuer = issuer.ok_or_else(|| malformed("a third-party-initiated sign-in has no `iss`"))?;
        let hint = hint.filter(|hint| !hint.is_empty() && hint.len() <= MAX_HINT);
        Ok(Initiation { issuer, hint, target })
    }
}
