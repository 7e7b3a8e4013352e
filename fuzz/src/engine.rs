//! Engines without Okta: one with an unreachable issuer, and one whose issuer publishes a key with an unused private
//! half.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use okta_auth_core::OktaAuth;
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use tokio::runtime::Runtime;

/// The origin of the application.
pub(crate) const BASE: &str = "https://app.example.com";
/// An issuer without a server: port 1 refuses connections at once.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:1/oauth2/default";
/// The name of the session cookie, as browsers see it.
pub(crate) const SESSION_COOKIE: &str = "__Host-fuzz-session";

/// The RSA key of RFC 7515 A.2.
const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-\
pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4u\
DZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

/// Creates an engine for this issuer, and the runtime that it needs.
pub(crate) fn start(issuer: &str) -> (OktaAuth, Runtime) {
    let config = ConfigBuilder::default()
        .issuer(issuer)
        .client_id("0oa1abcdXYZ2efGhI5d7")
        .client_secret("a-secret-for-fuzzing-only-0123456789")
        .base_url(BASE)
        .cookie_name("fuzz-session")
        .cookie_secret("a cookie secret of 32 bytes or more, for fuzzing");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    (OktaAuthBuilder::from(config).build().expect("the configuration is complete"), runtime)
}

/// Serves metadata and one key on the loopback interface until the process ends, and returns the issuer.
pub(crate) fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let issuer = format!("http://{}/oauth2/default", listener.local_addr().expect("an address"));
    let known = issuer.clone();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(answer(stream, &known))));
    issuer
}

/// Answers one request, with the keys or the metadata.
fn answer(mut stream: TcpStream, issuer: &str) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        head.extend(byte);
    }
    let body = if head.starts_with(b"GET /oauth2/default/v1/keys") {
        format!(r#"{{"keys":[{{"kty":"RSA","kid":"k1","use":"sig","alg":"RS256","e":"AQAB","n":"{MODULUS}"}}]}}"#)
    } else {
        format!(
            r#"{{"issuer":"{issuer}","authorization_endpoint":"{issuer}/v1/authorize","token_endpoint":"{issuer}/v1/token",
            "jwks_uri":"{issuer}/v1/keys","response_types_supported":["code"],"subject_types_supported":["public"],
            "id_token_signing_alg_values_supported":["RS256"]}}"#
        )
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}
