//! Requests to an engine with an unreachable issuer.

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use http::header::{LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use okta_auth_core::OktaAuth;
use okta_auth_core::adapter::{Endpoint, Engine, RefreshTiming, Reply, RequestContext};
use okta_auth_core::engine::AcceptedCredentials;
use okta_auth_core::policy;
use tokio::runtime::Runtime;
use url::Url;

use crate::engine::{BASE, NOWHERE, SESSION_COOKIE, start};

thread_local! {
    static ENGINE: (OktaAuth, Runtime) = start(NOWHERE);
}

const METHODS: &[&str] = &["GET", "POST", "HEAD", "PUT", "OPTIONS"];
/// The input replaces the `*`.
const TARGETS: &[&str] = &[
    "/",
    "/login?return_to=*",
    "/login/initiate?iss=*",
    "/login/initiate?iss=http://127.0.0.1:1/oauth2/default&*",
    "/authorization-code/callback?*",
    "/authorization-code/callback?code=c&state=*",
    "/authorization-code/callback?error=access_denied&error_description=*",
    "/logout?*",
    "/frontchannel-logout?*",
    "/frontchannel-logout?iss=http://127.0.0.1:1/oauth2/default&sid=*",
    "/backchannel-logout",
    "/global-token-revocation",
    "/.well-known/oauth-protected-resource",
    "/*",
];
/// Headers, with the first part of their values; the input is appended.
const HEADERS: &[(&str, &str)] = &[
    ("cookie", ""),
    ("cookie", "__Host-fuzz-session="),
    ("cookie", "__Host-fuzz-session.0="),
    ("authorization", ""),
    ("authorization", "Bearer "),
    ("authorization", "DPoP "),
    ("dpop", ""),
    ("origin", ""),
    ("origin", "https://app.example.com"),
    ("referer", ""),
    ("sec-fetch-site", ""),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-dest", "iframe"),
    ("accept", "text/html"),
    ("accept", ""),
    ("content-type", "application/json"),
    ("content-type", "application/x-www-form-urlencoded"),
    ("content-type", ""),
    ("x-requested-with", ""),
    ("host", ""),
    ("x-forwarded-host", ""),
    ("user-agent", ""),
    ("cache-control", ""),
];
/// The first part of a body; the input is appended.
const BODIES: &[&str] = &[
    "",
    "logout_token=",
    "code=c&state=",
    "iss=http://127.0.0.1:1/oauth2/default&login_hint=",
    r#"{"sub_id":{"format":"iss_sub","iss":"http://127.0.0.1:1/oauth2/default","sub":""#,
    r#"{"sub_id":{"format":"email","email":""#,
];

/// Sends one request: no panic, no signed-in user, no redirect to a foreign origin, and no new session.
pub fn request(data: &[u8]) {
    let Ok(Some((parts, body))) = shape(&mut Unstructured::new(data)) else { return };
    ENGINE.with(|(auth, runtime)| runtime.block_on(send(auth, &parts, body)));
}

/// Builds the request that the input describes. `None` if `http` rejects it, as servers do before the library sees
/// it.
fn shape(input: &mut Unstructured<'_>) -> Result<Option<(Parts, Bytes)>> {
    let (method, target) = (*input.choose(METHODS)?, *input.choose(TARGETS)?);
    let mut request = Request::builder().method(method).uri(target.replace('*', input.arbitrary::<&str>()?));
    for _ in 0..input.int_in_range(0..=8)? {
        let (name, begin) = *input.choose(HEADERS)?;
        let mut value = begin.as_bytes().to_vec();
        value.extend(input.arbitrary::<&[u8]>()?);
        request = request.header(name, value);
    }
    let mut body = input.choose(BODIES)?.as_bytes().to_vec();
    body.extend(input.arbitrary::<&[u8]>()?);
    body.truncate(Endpoint::MAX_BODY);
    Ok(request.body(Bytes::from(body)).ok().map(Request::into_parts))
}

/// Passes the request to the engine like an adapter: to the endpoint with this path, or else to a handler that
/// requires a user.
async fn send(auth: &OktaAuth, parts: &Parts, body: Bytes) {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let context = Engine::new(auth).authenticate(parts, target, RefreshTiming::BeforeHandler).context().await;
    let endpoint = Endpoint::all(auth.config().routes()).find(|(_, path)| *path == parts.uri.path());
    let reply = match endpoint {
        Some((endpoint, _)) => context.serve(endpoint, parts, body).await,
        None => ask(&context).await,
    };
    check(&context, reply);
}

/// Calls the methods that handlers use.
async fn ask(context: &RequestContext) -> Reply {
    assert!(context.access_token::<()>().await.is_err(), "a token was accepted");
    let challenge = context
        .require(&policy::signed_in(), AcceptedCredentials::SessionOrBearer)
        .await
        .expect_err("access was allowed");
    context.answer(challenge).await
}

/// Checks that apply to every response.
fn check(context: &RequestContext, mut reply: Reply) {
    assert!(!matches!(context.user::<()>(), Ok(Some(_))), "a user is signed in");
    context.finish(reply.headers_mut());
    assert!(reply.status() != StatusCode::INTERNAL_SERVER_ERROR, "an internal error: {reply:?}");
    if let Some(location) = reply.headers().get(LOCATION) {
        let base = Url::parse(BASE).expect("a URL");
        let to = base.join(location.to_str().expect("a location is text")).expect("a location is a URL");
        let issuer = Url::parse(NOWHERE).expect("a URL");
        assert!([base.origin(), issuer.origin()].contains(&to.origin()), "a redirect leads to {to}");
    }
    assert!(!begins_session(reply.headers()), "a session began: {reply:?}");
}

/// Whether a session cookie, or a chunk of it, is set to a value.
fn begins_session(headers: &HeaderMap) -> bool {
    headers.get_all(SET_COOKIE).iter().any(|set| {
        let set = set.to_str().expect("a cookie is text");
        let (name, rest) = set.split_once('=').expect("a cookie has a name");
        let value = rest.split(';').next().unwrap_or_default();
        name.starts_with(SESSION_COOKIE) && !value.is_empty() && !rest.contains("Max-Age=0")
    })
}
