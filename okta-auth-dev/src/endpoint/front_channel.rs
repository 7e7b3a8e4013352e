//! Single Logout through the browser (OpenID Connect Front-Channel Logout 1.0).
//!
//! When an Okta session ends, a page loads the logout URI of every other app that was used in it, each in a hidden
//! frame, and then continues to the next page. A browser that blocks third-party cookies sends none from these frames,
//! so an app has only `iss` and `sid`.

use url::Url;

use super::page;
use crate::org_state::OrgState;
use crate::random;
use crate::reply::Reply;
use crate::store::Session;

/// The logout URIs for an ended session: of every app that was used in it and uses Single Logout, except the app that
/// started the sign-out.
pub(crate) fn uris(org: &OrgState, session: &Session, initiator: Option<&str>) -> Vec<(String, String)> {
    let others = session.apps.iter().filter(|(id, _)| Some(id.as_str()) != initiator);
    others.filter_map(|(id, server)| Some((id.clone(), uri(org, session, id, server)?))).collect()
}

/// The logout URI of an app, with both `iss` and `sid` if the app requires them.
fn uri(org: &OrgState, session: &Session, client_id: &str, server: &str) -> Option<String> {
    let client = org.client(client_id).filter(|client| client.participate_slo)?;
    let mut uri = Url::parse(&client.frontchannel_logout_uri?).ok()?;
    if client.frontchannel_logout_session_required {
        let issuer = org.server(server)?.settings.issuer(&org.url);
        uri.query_pairs_mut().append_pair("iss", &issuer).append_pair("sid", &session.sid);
    }
    ["http", "https"].contains(&uri.scheme()).then(|| uri.to_string())
}

/// The page with the frames. It continues when all frames have loaded, or after a timeout; without scripts it shows a
/// link.
pub(super) fn reply(org: &OrgState, uris: &[(String, String)], next: Option<&str>) -> Reply {
    let nonce = random::token();
    let origins = uris.iter().filter_map(|(_, uri)| Some(Url::parse(uri).ok()?.origin().ascii_serialization()));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; frame-src {}; base-uri 'none'; \
         frame-ancestors 'none'",
        origins.collect::<Vec<_>>().join(" ")
    );
    let frames: Vec<&str> = uris.iter().map(|(_, uri)| uri.as_str()).collect();
    Reply::html(200, page::front_channel(org, &frames, next, &nonce)).header("content-security-policy", policy)
}
