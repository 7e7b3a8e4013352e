//! Home-realm discovery: requests without a tenant are asked for an e-mail address or for a choice.
//!
//! Only the domain of an address is looked up in the settings of the tenants. Whether the user exists is decided at
//! Okta and not revealed here.
//!
//! Requests that belong to no tenant have no engine. Public pages at the application's own address work, and a page
//! that needs a user starts home-realm discovery. Except for the start of a sign-in and the browser kit, all of the
//! library's endpoints answer 404.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use url::Url;

use super::router::TenantRouter;
use super::source::TenantKey;
use crate::config::AppConfig;
use crate::engine::{Authentication, BoxFuture, OktaAuth, RealmDiscovery, RequestContext, unauthorized};
use crate::error::{Code, Error, Result};
use crate::headers::Head;
use crate::http::unique_params;
use crate::language::Text;
use crate::login::{LoginOptions, ReturnTo};
use crate::policy::MatchedRoute;
use crate::response::{Page, Reply, Responder, escape, see_other};
use crate::routing::{Endpoint, RefreshTiming};
use crate::session::Email;
use crate::sign_in::InitiateLoginRequest;

impl RealmDiscovery for TenantRouter {
    fn serve<'a>(
        &'a self,
        context: &'a RequestContext,
        endpoint: Endpoint,
        parts: &'a Parts,
        body: &'a Bytes,
    ) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            if let (Endpoint::Login, Some(address)) = (endpoint, context.inner().configured_address()) {
                return see_other(&address);
            }
            let outcome = match (endpoint, &parts.method) {
                (Endpoint::Login, &Method::GET | &Method::HEAD) => Ok(self.page(context, &return_to(context, parts))),
                (Endpoint::Login, &Method::POST) => self.identify(context, parts, body).await,
                (Endpoint::InitiateLogin, &Method::GET | &Method::POST) => self.initiate(context, parts, body).await,
                _ => Err(Error::new(Code::TenantUnknown, "the request has no tenant")),
            };
            outcome.unwrap_or_else(|error| context.error(&error))
        })
    }

    fn page(&self, context: &RequestContext, return_to: &ReturnTo) -> Reply {
        self.discovery(context, return_to, None)
    }

    fn has_guard_of_tenant(&self, route: MatchedRoute<'_>) -> bool {
        self.routes().has_guard_of_tenant(route)
    }
}

impl TenantRouter {
    /// Creates the home-realm discovery page, or 404 if it has nothing to offer. After an address without a tenant the
    /// page reports this and keeps the input.
    fn discovery(&self, context: &RequestContext, return_to: &ReturnTo, unknown_address: Option<&str>) -> Reply {
        let choices = self.choices();
        if !self.email_first() && choices.is_empty() {
            return context.error(&Error::new(Code::TenantUnknown, "the request has no tenant"));
        }
        let responder = context.responder();
        let mut sentences = vec![responder.text(Text::WhichOrganization)];
        let targets: Vec<(&str, String)> = choices
            .iter()
            .filter_map(|(name, config)| {
                Some((name.as_str(), login_url(config, LoginOptions::new(return_to.clone()))?))
            })
            .collect();
        let choices: Vec<(&str, &str)> = targets.iter().map(|(name, url)| (*name, url.as_str())).collect();
        if !choices.is_empty() && self.email_first() {
            sentences.push(responder.text(Text::EnterOrChoose));
        }
        let routes = &context.site().config.routes;
        let login = routes.public(routes.login().unwrap_or("/login"));
        let form = self.email_first().then(|| email_form(&responder, &login, return_to, unknown_address));
        let page = Page {
            title: responder.text(Text::ChooseTenant),
            sentences,
            choices,
            links: Vec::new(),
            code: None,
            reference: context.reference(),
        };
        responder.page_with_form(StatusCode::OK, &page, form.as_deref().unwrap_or_default())
    }

    async fn identify(&self, context: &RequestContext, parts: &Parts, body: &[u8]) -> Result<Reply> {
        let [email, return_to] = unique_params(&[body], ["email", "return_to"]).unwrap_or_default();
        let return_to = local_target(context, return_to);
        let email = email.map_or_else(String::new, |email| email.trim().to_owned());
        let domain = domain_of(&email);
        let tenant = match domain {
            Some(domain) => self.find(&TenantKey::EmailDomain(domain)).await?,
            None => None,
        };
        let Some(auth) = tenant else {
            return Ok(self.discovery(context, &return_to, Some(&email)));
        };
        let mut options = LoginOptions::new(return_to);
        options.login_hint = Some(email);
        Ok(start_login_at(&auth, context, parts, options).await)
    }

    /// Continues to the tenant that third-party-initiated login names (OIDC Core §4).
    async fn initiate(&self, context: &RequestContext, parts: &Parts, body: &[u8]) -> Result<Reply> {
        let initiation = InitiateLoginRequest::parse(parts.uri.query().unwrap_or_default().as_bytes(), body)?;
        let tenant = self.named_by(&initiation.issuer).await?;
        let auth = tenant.ok_or_else(|| Error::new(Code::CallbackMalformed, "no tenant has this `iss`"))?;
        Ok(start_login_at(&auth, context, parts, initiation.options_at(&auth.site().config)).await)
    }
}

/// Starts a tenant's sign-in: here if the tenant shares this address, else at its own address.
async fn start_login_at(auth: &OktaAuth, context: &RequestContext, parts: &Parts, options: LoginOptions) -> Reply {
    let (here, there) = (&context.site().config, &auth.site().config);
    if here.origin() == there.origin() && here.routes.mount() == there.routes.mount() {
        if !context.inner().may_start_login() {
            return unauthorized(context);
        }
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let context = match auth.authenticate_head(Head::of(parts, target), RefreshTiming::OnDemand) {
            Authentication::Ready(context) => context,
            Authentication::Pending(waiting) => Authentication::Pending(waiting).context().await,
        };
        return context.start_login(&options).await;
    }
    match login_url(there, options) {
        Some(url) => see_other(&url),
        None => context.error(&Error::new(Code::TenantUnknown, "the tenant has no login page")),
    }
}

/// Returns the requested target of the sign-in.
fn return_to(context: &RequestContext, parts: &Parts) -> ReturnTo {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let [target] = unique_params(&[query], ["return_to"]).unwrap_or_default();
    local_target(context, target)
}

fn local_target(context: &RequestContext, target: Option<String>) -> ReturnTo {
    let config = &context.site().config;
    target.map_or_else(|| ReturnTo::start_page(config), |target| ReturnTo::within(&target, config))
}

fn email_form(responder: &Responder<'_>, login: &str, return_to: &ReturnTo, unknown_address: Option<&str>) -> String {
    let text = |text: Text| escape(responder.text(text));
    let (alert, invalid) = match unknown_address {
        Some(_) => (
            format!("<p id=\"unknown\" role=\"alert\">{}</p>", text(Text::EmailUnknown)),
            " aria-invalid=\"true\" aria-describedby=\"unknown\"",
        ),
        None => (String::new(), ""),
    };
    format!(
        "{alert}<form method=\"post\" action=\"{}\"><label>{} <input type=\"email\" name=\"email\" \
         value=\"{}\" autocomplete=\"email\" required autofocus{invalid}></label><input type=\"hidden\" \
         name=\"return_to\" value=\"{}\"><button>{}</button></form>",
        escape(login),
        text(Text::EmailAddress),
        escape(unknown_address.unwrap_or_default()),
        escape(return_to.as_str()),
        text(Text::ContinueLabel)
    )
}

/// Returns the login URL of a tenant. A target outside of the tenant's own path belongs to no tenant and is replaced by
/// the tenant's start page.
fn login_url(config: &AppConfig, options: LoginOptions) -> Option<String> {
    let mut url = Url::parse(&config.public_url(config.routes.login()?)).ok()?;
    let home = config.routes.home();
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

/// Returns the domain of an address, in lower case. Domains with non-ASCII letters are rejected, because their lower
/// case is ambiguous.
fn domain_of(address: &str) -> Option<String> {
    let email = Email::parse(address)?;
    let (_, domain) = email.as_str().split_once('@')?;
    domain.is_ascii().then(|| domain.to_owned())
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
