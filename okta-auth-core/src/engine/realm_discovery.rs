//! Home-realm discovery: requests without a tenant are asked for an e-mail address or for a
//! choice.
//!
//! Only the domain of an address is looked up in the settings of the tenants. Whether the
//! user exists is decided at Okta and not revealed here.
//!
//! Requests that match no tenant are served by an engine without an issuer: public pages at
//! the application's own address work, and a page that needs a user starts home-realm
//! discovery. This engine never sends a request. Except for the start of a sign-in, all of
//! its endpoints answer 404.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use url::{Url, form_urlencoded};

use super::authenticate::Authentication;
use super::context::{NoTenant, RequestContext};
use super::page::{Page, escape};
use super::reply::{self, Reply};
use super::routes::Endpoint;
use super::tenant_router::TenantRouter;
use super::{OktaAuth, RefreshTiming};
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::login::{LoginOptions, ReturnTo};
use crate::tenant::TenantKey;

/// The longest e-mail address (RFC 5321 §4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DiscoveryOptions {
    pub(super) email_first: bool,
    pub(super) chooser: bool,
    pub(super) exclusive: bool,
}

impl RequestContext {
    pub(super) fn router(&self) -> Option<&Arc<TenantRouter>> {
        match self.without_tenant() {
            Some(NoTenant::Discover(router)) => Some(router),
            _ => None,
        }
    }

    pub(super) async fn serve_without_tenant(
        &self,
        router: &TenantRouter,
        endpoint: Endpoint,
        parts: &Parts,
        body: &Bytes,
    ) -> Reply {
        if let (Endpoint::Login, Some(address)) = (endpoint, self.at_configured_address()) {
            return reply::see_other(&address);
        }
        let outcome = match (endpoint, &parts.method) {
            (Endpoint::Login, &Method::GET | &Method::HEAD) => Ok(self.discovery(router, &self.wanted(parts), None)),
            (Endpoint::Login, &Method::POST) => self.identify(router, parts, body).await,
            (Endpoint::InitiateLogin, &Method::GET | &Method::POST) => self.initiate_at(router, parts, body).await,
            _ => Err(Error::new(Code::TenantUnknown, "the request has no tenant")),
        };
        outcome.unwrap_or_else(|error| self.error(&error))
    }

    /// Creates the home-realm discovery page, or 404 if it has nothing to offer. After an
    /// address without a tenant the page reports this and keeps the input.
    pub(super) fn discovery(
        &self,
        router: &TenantRouter,
        return_to: &ReturnTo,
        unknown_address: Option<&str>,
    ) -> Reply {
        let choices = router.choices();
        if !router.email_first() && choices.is_empty() {
            return self.error(&Error::new(Code::TenantUnknown, "the request has no tenant"));
        }
        let mut sentences = vec!["Please tell us which organization you belong to."];
        let targets: Vec<(&str, String)> = choices
            .iter()
            .filter_map(|(name, config)| {
                Some((name.as_str(), login_url(config, LoginOptions::new(return_to.clone()))?))
            })
            .collect();
        let links: Vec<(&str, &str)> = targets.iter().map(|(name, url)| (*name, url.as_str())).collect();
        if !links.is_empty() && router.email_first() {
            sentences.push("Enter your e-mail address, or choose.");
        }
        let routes = self.auth().config().routes();
        let login = routes.public(routes.login().unwrap_or("/login"));
        let form = router.email_first().then(|| email_form(&login, return_to, unknown_address));
        let page = Page { title: "Sign in", sentences, links, code: None, reference: self.reference() };
        reply::with_form(StatusCode::OK, &page, form.as_deref().unwrap_or_default())
    }

    async fn identify(&self, router: &TenantRouter, parts: &Parts, body: &[u8]) -> Result<Reply> {
        let (mut email, mut return_to) = (String::new(), self.auth().start_page());
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "email" => value.trim().clone_into(&mut email),
                "return_to" => return_to = self.auth().return_to(&value),
                _ => {}
            }
        }
        let domain = domain_of(&email);
        let tenant = match domain {
            Some(domain) => router.find(&TenantKey::EmailDomain(domain)).await?,
            None => None,
        };
        let Some(auth) = tenant else {
            return Ok(self.discovery(router, &return_to, Some(&email)));
        };
        let mut options = LoginOptions::new(return_to);
        options.login_hint = Some(email);
        Ok(self.enter(&auth, parts, options).await)
    }

    /// Continues to the tenant that third-party-initiated login names (OIDC Core §4).
    async fn initiate_at(&self, router: &TenantRouter, parts: &Parts, body: &[u8]) -> Result<Reply> {
        let initiation = self.initiation(parts, body)?;
        let tenant = router.named_by(&initiation.issuer).await?;
        let auth = tenant.ok_or_else(|| Error::new(Code::CallbackMalformed, "no tenant has this `iss`"))?;
        Ok(self.enter(&auth, parts, initiation.options_at(&auth)).await)
    }

    /// Starts a tenant's sign-in: here if the tenant shares this address, else at its own
    /// address.
    async fn enter(&self, auth: &OktaAuth, parts: &Parts, options: LoginOptions) -> Reply {
        let (here, there) = (self.auth().config(), auth.config());
        if here.origin() == there.origin() && here.routes().mount() == there.routes().mount() {
            if !self.may_start_login() {
                return self.unauthorized();
            }
            let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
            let context = match auth.authenticate(parts, target, RefreshTiming::OnDemand) {
                Authentication::Ready(context) => context,
                Authentication::Pending(waiting) => Authentication::Pending(waiting).context().await,
            };
            return context.start_login(&options).await;
        }
        match login_url(there, options) {
            Some(url) => reply::see_other(&url),
            None => self.error(&Error::new(Code::TenantUnknown, "the tenant has no login page")),
        }
    }

    fn wanted(&self, parts: &Parts) -> ReturnTo {
        let query = parts.uri.query().unwrap_or_default();
        let target = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "return_to");
        target.map_or_else(|| self.auth().start_page(), |(_, target)| self.auth().return_to(&target))
    }
}

fn email_form(login: &str, return_to: &ReturnTo, unknown_address: Option<&str>) -> String {
    let (alert, invalid) = match unknown_address {
        Some(_) => (
            "<p id=\"unknown\" role=\"alert\">No organization uses this e-mail address. Please check it and \
             try again.</p>",
            " aria-invalid=\"true\" aria-describedby=\"unknown\"",
        ),
        None => ("", ""),
    };
    format!(
        "{alert}<form method=\"post\" action=\"{}\"><label>E-mail address <input type=\"email\" name=\"email\" \
         value=\"{}\" autocomplete=\"email\" required autofocus{invalid}></label><input type=\"hidden\" \
         name=\"return_to\" value=\"{}\"><button>Continue</button></form>",
        escape(login),
        escape(unknown_address.unwrap_or_default()),
        escape(return_to.as_str())
    )
}

/// Returns the login URL of a tenant. A target outside of the tenant's own path belongs to
/// no tenant and is replaced by the tenant's start page.
fn login_url(config: &Config, options: LoginOptions) -> Option<String> {
    let mut url = Url::parse(&config.public_url(config.routes().login()?)).ok()?;
    let home = config.routes().home();
    let target = options.return_to.as_str();
    let target = if target.starts_with(&home) { target } else { &home };
    if target != "/" {
        url.query_pairs_mut().append_pair("return_to", target);
    }
    if let Some(hint) = options.login_hint {
        url.query_pairs_mut().append_pair("login_hint", &hint);
    }
    Some(url.into())
}

/// Returns the domain of an address with exactly one `@`, in lower case. Domains with
/// non-ASCII letters are rejected, because their lower case is ambiguous.
fn domain_of(address: &str) -> Option<String> {
    let plain = address.len() <= MAX_ADDRESS && !address.contains(|c: char| c.is_control() || c.is_whitespace());
    let (local, domain) = address.split_once('@').filter(|_| plain)?;
    let fits = !local.is_empty() && !domain.is_empty() && domain.is_ascii() && !domain.contains('@');
    fits.then(|| domain.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::domain_of;

    #[test]
    fn an_address_has_one_at_sign_and_an_ascii_domain() {
        assert_eq!(domain_of("Ada@Example.COM").as_deref(), Some("example.com"));
        for other in
            ["", "@", "ada@", "@example.com", "ada@evil.example@example.com", "ada@exam\u{212a}le.com", "a b@c.d"]
        {
            assert_eq!(domain_of(other), None, "{other}");
        }
    }
}
