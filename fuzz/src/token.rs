//! Forged tokens and session cookies.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use okta_auth_core::OktaAuth;
use okta_auth_core::adapter::{Engine, RefreshTiming};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::engine::{SESSION_COOKIE, issuer, start};

thread_local! {
    static ENGINE: (String, OktaAuth, Runtime) = {
        let issuer = issuer();
        let (auth, runtime) = start(&issuer);
        (issuer, auth, runtime)
    };
}

/// No access is granted: neither with the text itself, nor with its lines as header, claims and signature of a JWT.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    ENGINE.with(|(issuer, auth, runtime)| {
        runtime.block_on(async {
            for token in [text.to_owned(), jwt(text, None), jwt(text, Some(issuer))] {
                refused(auth, &token).await;
            }
        });
    });
}

/// Encodes the lines of the text as the parts of a JWT. With an issuer, missing members of a valid token are added,
/// so that the later checks are reached.
fn jwt(text: &str, issuer: Option<&str>) -> String {
    let mut lines = text.split('\n');
    let mut part = |good: Value| {
        let line = lines.next().unwrap_or_default();
        let Some(issuer) = issuer else { return URL_SAFE_NO_PAD.encode(line) };
        let (Value::Object(mut all), Ok(Value::Object(own))) = (good, serde_json::from_str(line)) else {
            return URL_SAFE_NO_PAD.encode(line);
        };
        all.extend(own);
        URL_SAFE_NO_PAD.encode(Value::Object(all).to_string().replace("{issuer}", issuer))
    };
    let header = part(json!({ "alg": "RS256", "kid": "k1" }));
    let claims = part(json!({
        "iss": "{issuer}", "aud": "api://default", "cid": "0oa1abcdXYZ2efGhI5d7", "sub": "ada", "iat": 1_700_000_000,
        "exp": 4_000_000_000_u64, "jti": "AT.1", "ver": 1, "scp": ["openid"],
    }));
    format!("{header}.{claims}.{}", part(Value::Null))
}

/// Tries the text as an access token, as an ID token and as a session.
async fn refused(auth: &OktaAuth, token: &str) {
    let error = auth.verify_access_token(token).await.expect_err("an access token was accepted");
    let _ = (error.to_string(), error.code().as_str());
    assert!(auth.verify_id_token(token, None).await.is_err(), "an ID token was accepted");
    let cookie = format!("{SESSION_COOKIE}={token}");
    let bearer = format!("Bearer {token}");
    let request = Request::builder().uri("/profile").header("cookie", cookie).header("authorization", bearer);
    let Ok(request) = request.body(()) else { return };
    let parts = request.into_parts().0;
    let context = Engine::new(auth).authenticate(&parts, "/profile", RefreshTiming::BeforeHandler).context().await;
    assert!(!matches!(context.user::<()>(), Ok(Some(_))), "a user is signed in");
    assert!(context.access_token::<()>().await.is_err(), "a token was accepted");
}
