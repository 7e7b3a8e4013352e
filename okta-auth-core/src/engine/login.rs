//! Starts a sign-in: for a handler, for a link to the login path, and for a third party.

use http::request::Parts;

use super::challenge;
use super::context::{NoTenant, RequestContext};
use crate::error::Result;
use crate::events::{EventKind, EventSubject};
use crate::login::LoginOptions;
use crate::response::{Reply, add_cookies, see_other};
use crate::sign_in::InitiateLoginRequest;

/// Redirects the browser to Okta with a new pending login.
pub(super) async fn start(context: &RequestContext, options: &LoginOptions) -> Reply {
    if let Some(address) = context.inner().configured_address() {
        return see_other(&address);
    }
    let (kind, reply) = match try_start(context, options).await {
        Ok(reply) => (EventKind::SignInStarted, Ok(reply)),
        Err(error) => (EventKind::SignInFailed { code: error.code() }, Err(error)),
    };
    context.inner().emit(kind, EventSubject::default(), reply.as_ref().err());
    reply.unwrap_or_else(|error| context.error_page(&error))
}

async fn try_start(context: &RequestContext, options: &LoginOptions) -> Result<Reply> {
    match context.without_tenant() {
        None => {}
        Some(NoTenant::Discover(realms)) => return Ok(realms.page(context, &options.return_to)),
        Some(NoTenant::Rejected(error) | NoTenant::Public(error)) => return Err((**error).clone()),
    }
    let redirect = context.auth().0.login.start(options, context.cookies()).await?;
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
    start(context, &LoginOptions::from_query(query, context.auth().config())).await
}

/// Serves third-party-initiated login (OIDC Core §4).
pub(super) async fn from_third_party(context: &RequestContext, parts: &Parts, body: &[u8]) -> Reply {
    let (query, config) = (parts.uri.query().unwrap_or_default(), context.auth().config());
    let request = InitiateLoginRequest::parse(query.as_bytes(), body);
    match request.and_then(|request| request.for_issuer_of(config)) {
        Ok(_) if !context.inner().may_start_login() => challenge::unauthorized(context),
        Ok(request) => start(context, &request.options_at(config)).await,
        Err(error) => context.error(&error),
    }
}
