//! The library's own endpoints: sign-in, callback, and logout.
//!
//! | path | method | sender | authentication |
//! |---|---|---|---|
//! | `/login` | GET | a link of the application | none: a sign-in is harmless |
//! | `/login/initiate` | GET, POST | Okta's dashboard, or any site | none: it only starts a sign-in |
//! | `/authorization-code/callback` | GET, POST | Okta, through the browser | state, in this browser's cookie |
//! | `/logout` | POST | a page of the application | `Origin` and `Sec-Fetch-Site` |
//! | `/logout?continue` | GET | a script of the application, by navigating | a cookie of its logout |
//! | `/frontchannel-logout` | GET, POST | Okta's sign-out page, in a frame | a `sid` |
//! | `/backchannel-logout` | POST | a provider | a logout token |
//! | `/global-token-revocation` | POST | Okta | a revocation token |
//! | `/.well-known/oauth-protected-resource` | GET, OPTIONS | clients of the API | none: it is public |
//! | `/session` | GET, POST | scripts of the application | the session, if there is one |
//! | `/session/popup` | GET | Okta, through a window of the browser | none: it is static |
//! | `/okta-auth.js` | GET | pages of the application | none: it is static |
//!
//! Each of them can be renamed or disabled. None of them refreshes the tokens of a session, so that logout works while
//! Okta is down.

use bytes::Bytes;
use http::Method;
use http::request::Parts;

use super::context::{NoTenant, RequestContext};
use super::{access, callback, login, logout};
use crate::browser_kit::{ScriptCaching, popup_page, script};
use crate::logout::pages;
use crate::response::{Reply, method_not_allowed, resource_metadata};
use crate::routing::Endpoint;

// Each endpoint accepts the methods of its specification and answers others with 405 and `Allow`. It identifies a
// request only by the path that the router matched.

/// Serves a request to one of the library's paths.
pub(super) async fn serve(context: &RequestContext, endpoint: Endpoint, parts: &Parts, body: Bytes) -> Reply {
    match context.without_tenant().cloned() {
        None => {}
        Some(NoTenant::Discover(_)) if endpoint.is_of_browser_kit() => {}
        Some(NoTenant::Discover(realms)) => return realms.serve(context, endpoint, parts, &body).await,
        Some(NoTenant::Rejected(error) | NoTenant::Public(error)) => return context.error(&error),
    }
    match (endpoint, &parts.method) {
        (Endpoint::Login, &Method::GET | &Method::HEAD) => login::from_link(context, parts).await,
        (Endpoint::Login, _) => method_not_allowed("GET"),
        (Endpoint::InitiateLogin, &Method::GET | &Method::POST) => login::from_third_party(context, parts, &body).await,
        (Endpoint::InitiateLogin, _) => method_not_allowed("GET, POST"),
        (Endpoint::Callback, &Method::GET) => {
            callback::callback(context, parts, parts.uri.query().unwrap_or_default().as_bytes()).await
        }
        (Endpoint::Callback, &Method::POST) => callback::callback(context, parts, &body).await,
        (Endpoint::Callback, _) => method_not_allowed("GET, POST"),
        (Endpoint::Logout, &Method::POST) => logout::sign_out(context, parts).await,
        (Endpoint::Logout, &Method::GET) if logout::is_continuation(context, parts) => {
            logout::continue_sign_out(context).await
        }
        (Endpoint::Logout, &Method::GET) => pages::confirm(&context.responder()),
        (Endpoint::Logout, _) => method_not_allowed("POST"),
        (Endpoint::FrontChannelLogout, &Method::GET | &Method::POST) => {
            logout::front_channel(context, parts, &body).await
        }
        (Endpoint::FrontChannelLogout, _) => method_not_allowed("GET, POST"),
        (Endpoint::BackChannelLogout, &Method::POST) => logout::back_channel(context, parts, &body).await,
        (Endpoint::GlobalTokenRevocation, &Method::POST) => logout::universal(context, parts, &body).await,
        (Endpoint::BackChannelLogout | Endpoint::GlobalTokenRevocation, _) => method_not_allowed("POST"),
        (Endpoint::ResourceMetadata, &Method::GET | &Method::HEAD) => {
            resource_metadata::document(context.auth().config(), context.auth().tenant().is_some())
        }
        (Endpoint::ResourceMetadata, &Method::OPTIONS) => resource_metadata::preflight(),
        (Endpoint::ResourceMetadata, _) => method_not_allowed("GET"),
        (Endpoint::Session, &Method::GET | &Method::HEAD | &Method::POST) => session_status(context),
        (Endpoint::Session, _) => method_not_allowed("GET, POST"),
        (Endpoint::Popup, &Method::GET | &Method::HEAD) => popup_page(&context.responder()),
        (Endpoint::BrowserScript, &Method::GET | &Method::HEAD) => script(parts, ScriptCaching::Revalidate),
        (Endpoint::ImmutableBrowserScript, &Method::GET | &Method::HEAD) => script(parts, ScriptCaching::Immutable),
        (Endpoint::Popup | Endpoint::BrowserScript | Endpoint::ImmutableBrowserScript, _) => method_not_allowed("GET"),
    }
}

/// Serves the state of the session. Only a POST counts as a use of it, and has to come from the application's own
/// pages.
fn session_status(context: &RequestContext) -> Reply {
    let (auth, session) = (&context.auth().0, &context.inner().session);
    context.inner().mark_personal();
    match access::own_session(context) {
        Ok(_) => {
            let silent =
                context.without_tenant().is_none() && auth.browser_kit.silent.is_due(context.cookies(), context.now());
            let session = session.with_ends(&auth.sessions);
            auth.browser_kit.session_status(&auth.config, session, (context.now(), silent))
        }
        Err(error) => context.error(&error),
    }
}
