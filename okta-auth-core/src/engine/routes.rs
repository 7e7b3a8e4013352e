//! Serves the library's own endpoints; [`Endpoint`] lists them.
//!
//! None of them refreshes the tokens of a session, so that logout works while Okta is down.

use bytes::Bytes;
use http::Method;
use http::request::Parts;

use super::context::{NoTenant, RequestContext, Tenancy};
use super::{access, callback, login, logout};
use crate::browser_kit::{ScriptCaching, anonymous_status, popup_page, script};
use crate::logout::pages;
use crate::response::{Reply, method_not_allowed, resource_metadata};
use crate::routing::Endpoint;

// Each endpoint accepts the methods of its specification and answers others with 405 and `Allow`. It identifies a
// request only by the path that the router matched.

/// Serves a request to one of the library's paths.
pub(super) async fn serve(context: &RequestContext, endpoint: Endpoint, parts: &Parts, body: Bytes) -> Reply {
    let auth = match &context.inner().tenancy {
        Tenancy::NoTenant(NoTenant::Rejected(error) | NoTenant::Public(error), _) => return context.error(error),
        Tenancy::NoTenant(..) if endpoint.is_of_browser_kit() => return browser_kit(context, endpoint, parts),
        Tenancy::NoTenant(NoTenant::Discover(realms), _) => return realms.serve(context, endpoint, parts, &body).await,
        Tenancy::Engine(auth) => auth,
    };
    match (endpoint, &parts.method) {
        (Endpoint::Login, &Method::GET | &Method::HEAD) => login::from_link(context, parts).await,
        (Endpoint::Login, _) => method_not_allowed("GET"),
        (Endpoint::InitiateLogin, &Method::GET | &Method::POST) => {
            login::from_third_party(context, auth, parts, &body).await
        }
        (Endpoint::InitiateLogin, _) => method_not_allowed("GET, POST"),
        (Endpoint::Callback, &Method::GET) => {
            callback::callback(context, auth, parts, parts.uri.query().unwrap_or_default().as_bytes()).await
        }
        (Endpoint::Callback, &Method::POST) => callback::callback(context, auth, parts, &body).await,
        (Endpoint::Callback, _) => method_not_allowed("GET, POST"),
        (Endpoint::Logout, &Method::POST) => logout::sign_out(context, auth, parts).await,
        (Endpoint::Logout, &Method::GET) if logout::is_continuation(context, parts) => {
            logout::continue_sign_out(context, auth).await
        }
        (Endpoint::Logout, &Method::GET) => pages::confirm(&context.responder()),
        (Endpoint::Logout, _) => method_not_allowed("POST"),
        (Endpoint::FrontChannelLogout, &Method::GET | &Method::POST) => {
            logout::front_channel(context, auth, parts, &body).await
        }
        (Endpoint::FrontChannelLogout, _) => method_not_allowed("GET, POST"),
        (Endpoint::BackChannelLogout, &Method::POST) => logout::back_channel(context, auth, parts, &body).await,
        (Endpoint::GlobalTokenRevocation, &Method::POST) => logout::universal(context, auth, parts, &body).await,
        (Endpoint::BackChannelLogout | Endpoint::GlobalTokenRevocation, _) => method_not_allowed("POST"),
        (Endpoint::ResourceMetadata, &Method::GET | &Method::HEAD) => {
            resource_metadata::document(auth.config(), auth.tenant().is_some())
        }
        (Endpoint::ResourceMetadata, &Method::OPTIONS) => resource_metadata::preflight(),
        (Endpoint::ResourceMetadata, _) => method_not_allowed("GET"),
        (Endpoint::Session | Endpoint::Popup | Endpoint::BrowserScript | Endpoint::ImmutableBrowserScript, _) => {
            browser_kit(context, endpoint, parts)
        }
    }
}

/// Serves a path of the browser kit, also to a request without a tenant.
fn browser_kit(context: &RequestContext, endpoint: Endpoint, parts: &Parts) -> Reply {
    match (endpoint, &parts.method) {
        (Endpoint::Session, &Method::GET | &Method::HEAD | &Method::POST) => session_status(context),
        (Endpoint::Session, _) => method_not_allowed("GET, POST"),
        (Endpoint::Popup, &Method::GET | &Method::HEAD) => popup_page(&context.responder()),
        (Endpoint::BrowserScript, &Method::GET | &Method::HEAD) => script(parts, ScriptCaching::Revalidate),
        (_, &Method::GET | &Method::HEAD) => script(parts, ScriptCaching::Immutable),
        _ => method_not_allowed("GET"),
    }
}

/// Serves the state of the session. Only a POST counts as a use of it, and has to come from the application's own
/// pages.
fn session_status(context: &RequestContext) -> Reply {
    let (state, config) = (context.inner(), &context.site().config);
    state.mark_personal();
    if let Err(error) = access::own_session(context) {
        return context.error(&error);
    }
    let Some(auth) = context.auth() else { return anonymous_status(config, false) };
    let kit = &auth.0.browser_kit;
    match state.session.with_ends(&auth.0.sessions) {
        Some(session) => kit.session_status(config, session, context.now()),
        None => anonymous_status(config, kit.silent.is_due(context.cookies(), context.now())),
    }
}
