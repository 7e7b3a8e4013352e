//! Starts a sign-in: for a handler, for a link to the login path, and for a third party.

use http::request::Parts;

use super::context::{NoTenant, RequestContext, Tenancy};
use super::{OktaAuth, challenge};
use crate::error::Result;
use crate::events::{EventKind, EventSubject};
use crate::login::LoginOptions;
use crate::response::{Reply, add_cookies, see_other};
use crate::sign_in::InitiateLoginRequest;

/// Redirects the browser to Okta with a new pending login. A silent sign-in begins only once in each browser, and its
/// failure leads to the requested page.
pub(super) async fn start(context: &RequestContext, options: &LoginOptions) -> Reply {
    if let Some(address) = context.inner().configured_address() {
        return see_other(&address);
    }
    let auth = match &context.inner().tenancy {
        Tenancy::Engine(auth) => auth,
        Tenancy::NoTenant(NoTenant::Discover(realms), _) => return realms.page(context, &options.return_to),
        Tenancy::NoTenant(NoTenant::Rejected(error) | NoTenant::Public(error), _) => return context.error(error),
    };
    let silent = options.silent.then_some(&auth.0.browser_kit.silent);
    let is_signed_in = context.inner().session.known().is_some();
    if silent.is_some_and(|silent| is_signed_in || !silent.is_due(context.cookies(), context.now())) {
        return see_other(options.return_to.as_str());
    }
    let (kind, reply) = match redirect(context, auth, options).await {
        Ok(reply) => (EventKind::SignInStarted, Ok(reply)),
        Err(error) => (EventKind::SignInFailed { code: error.code() }, Err(error)),
    };
    context.inner().emit(kind, EventSubject::default(), reply.as_ref().err());
    let Some(silent) = silent else { return reply.unwrap_or_else(|error| context.error_page(&error)) };
    let mut reply = reply.unwrap_or_else(|_| {
        silent.pause(context.now());
        see_other(options.return_to.as_str())
    });
    add_cookies(reply.headers_mut(), silent.record());
    reply
}

async fn redirect(context: &RequestContext, auth: &OktaAuth, options: &LoginOptions) -> Result<Reply> {
    let redirect = auth.0.login.start(options, context.cookies()).await?;
    let mut reply = see_other(&redirect.url);
    add_cookies(reply.headers_mut(), redirect.cookies);
    Ok(reply)
}

/// Serves the login path, only for navigations.
pub(super) async fn from_link(context: &RequestContext, parts: &Parts) -> Reply {
    if !context.inner().may_start_login() {
        return challenge::unauthorized(context);
    }
    let query = parts.uri.query().unwrap_or_default();
    start(context, &LoginOptions::from_query(query, &context.site().config)).await
}

/// Serves third-party-initiated login (OIDC Core §4).
pub(super) async fn from_third_party(context: &RequestContext, auth: &OktaAuth, parts: &Parts, body: &[u8]) -> Reply {
    let (query, config) = (parts.uri.query().unwrap_or_default(), auth.config());
    let request = InitiateLoginRequest::parse(query.as_bytes(), body);
    match request.and_then(|request| request.for_issuer_of(config)) {
        Ok(_) if !context.inner().may_start_login() => challenge::unauthorized(context),
        Ok(request) => start(context, &request.options_at(&config.app)).await,
        Err(error) => context.error(&error),
    }
}
