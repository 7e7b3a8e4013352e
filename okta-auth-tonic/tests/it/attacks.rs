//! Credentials and paths that an attacker chooses.

use axum::Router;
use axum::routing::get;
use http::{HeaderMap, HeaderValue};
use okta_auth_axum::{RouterExt as _, User};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_dev::{ADA, Org, TestBrowser};
use tonic::Code;
use tonic::codegen::Service as _;

use crate::support::{Server, bearer};

fn headers(values: &[(&'static str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in values {
        headers.append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

/// Calls a method with any bytes as metadata. Returns the status and the stable code.
async fn raw(server: &Server, path: &str, sent: HeaderMap) -> (u16, Option<String>, Option<String>) {
    let mut channel = server.channel();
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
    let mut call = http::Request::post(path).body(tonic::body::Body::empty()).unwrap();
    *call.headers_mut() = sent;
    let response = channel.call(call).await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), header("grpc-status"), header("okta-auth-code"))
}

#[tokio::test]
async fn only_one_token_with_the_scheme_bearer_counts() {
    let server = Server::start().await;
    let token = server.token(&["openid"]);
    let valid = format!("Bearer {token}").into_bytes();
    let (basic, dpop) = (format!("Basic {token}").into_bytes(), format!("DPoP {token}").into_bytes());
    let binary = [valid.as_slice(), b"\xff"].concat();
    let two = format!("Bearer {token}, Bearer {token}").into_bytes();
    for (sent, code) in [
        (headers(&[("authorization", &basic)]), "login_required"),
        (headers(&[("authorization", &dpop)]), "login_required"),
        (headers(&[("authorization", token.as_bytes())]), "login_required"),
        (headers(&[("authorization-bin", &valid)]), "login_required"),
        (headers(&[("proxy-authorization", &valid)]), "login_required"),
        (headers(&[("authorization", b"Bearer")]), "invalid_request"),
        (headers(&[("authorization", &binary)]), "invalid_request"),
        (headers(&[("authorization", &two)]), "invalid_request"),
        (headers(&[("authorization", &valid), ("authorization", &valid)]), "invalid_request"),
        (headers(&[("authorization", &valid), ("authorization", b"Bearer junk")]), "invalid_request"),
    ] {
        let expected = (200, Some("16".to_owned()), Some(code.to_owned()));
        assert_eq!(raw(&server, "/test.Echo/Any", sent.clone()).await, expected, "{sent:?}");
    }
    let path = format!("/test.Echo/Any?access_token={token}");
    assert_eq!(raw(&server, &path, HeaderMap::new()).await.2.unwrap(), "invalid_request");
    assert_eq!(server.calls(), 0);
    server.client().with("/test.Echo/Any", &token).await.unwrap();
}

/// The method behind such a path would have no policy, if a service normalizes paths.
#[tokio::test]
async fn another_spelling_of_a_path_reaches_no_method() {
    let server = Server::start().await;
    let token = server.token(&["openid"]);
    for path in [
        "/test.Admin/Delete/",
        "/test.Admin//Delete",
        "//test.Admin/Delete",
        "/test.Admin/./Delete",
        "/test.Open/../test.Admin/Delete",
        "/test.Admin%2FDelete",
        "/test%2EAdmin/Delete",
        "/test.Admin/D%65lete",
        "/test.Admin/Delete;x",
        "/test.Admin/Delete%00",
        "/test.Admin/Delete%20",
        "/test.Admin/",
        "/test.Admin",
        "/",
    ] {
        for sent in [HeaderMap::new(), bearer(&token)] {
            assert_eq!(raw(&server, path, sent).await, (200, Some("12".to_owned()), None), "{path}");
        }
    }
    // The service's policy applies to every method of the service, also to one in another case.
    assert_eq!(raw(&server, "/test.Admin/delete", bearer(&token)).await.2.unwrap(), "insufficient_scope");
    for path in ["/test.admin/Delete", "/TEST.Admin/Delete"] {
        assert_eq!(raw(&server, path, HeaderMap::new()).await.2.unwrap(), "login_required", "{path}");
        assert_eq!(raw(&server, path, bearer(&token)).await, (200, Some("12".to_owned()), None), "{path}");
    }
    // A query is no part of the name.
    assert_eq!(raw(&server, "/test.Admin/Delete?x=/test.Open/Check", bearer(&token)).await.1.unwrap(), "7");
    assert_eq!(server.calls(), 0);
}

/// Metadata beyond the limit of the server fails that call alone.
#[tokio::test]
async fn large_metadata_is_refused() {
    let server = Server::start().await;
    let client = server.client();
    let refused = client.refused("/test.Echo/Any", bearer(&"a".repeat(12_000))).await;
    assert_eq!((refused.status, refused.code.as_deref()), (Code::Unauthenticated, Some("invalid_token")));
    client.with("/test.Echo/Any", &"a".repeat(1_000_000)).await.unwrap_err();
    assert_eq!(server.calls(), 0);
    server.client().with("/test.Echo/Any", &server.token(&["openid"])).await.unwrap();
}

/// An application with pages and gRPC: a browser attaches cookies by itself, so a session authenticates no call.
#[tokio::test]
async fn a_session_authenticates_no_call() {
    let org = Org::start().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    org.allow_redirect(&base);
    let config = ConfigBuilder::from_variables(org.env()).base_url(&base);
    let auth = OktaAuthBuilder::from(config).build().unwrap();
    let app = Router::new().route("/me", get(|user: User| async move { user.subject().to_owned() })).okta_auth(&auth);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut browser = TestBrowser::new(&base);
    browser.sign_in(&org, ADA, "/me").await.unwrap();
    assert_eq!(browser.open("/me").await.unwrap().status, 200);
    let cookies: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
    let sent = headers(&[("cookie", cookies.join("; ").as_bytes())]);

    let server = Server::with(&org, auth).await;
    assert_eq!(server.client().refused("/test.Echo/Any", sent.clone()).await.code.unwrap(), "login_required");
    let mut both = bearer(&server.token(&["openid"]));
    both.extend(sent);
    assert!(server.client().call("/test.Echo/Any", both).await.unwrap().starts_with(ADA));
}

/// Headers by which a browser shows a page navigation get a gRPC status and never a redirect or a page.
#[tokio::test]
async fn a_navigation_is_refused_like_any_call() {
    let server = Server::start().await;
    let navigation: [(&'static str, &[u8]); 3] =
        [("accept", b"text/html"), ("sec-fetch-mode", b"navigate"), ("sec-fetch-dest", b"document")];
    let refused = raw(&server, "/test.Echo/Any", headers(&navigation)).await;
    assert_eq!(refused, (200, Some("16".to_owned()), Some("login_required".to_owned())));
    let mut denied = bearer(&server.org.token().service_token(["openid"]).sign());
    denied.extend(headers(&navigation));
    assert_eq!(raw(&server, "/test.Echo/Person", denied).await.1.unwrap(), "7");
}
