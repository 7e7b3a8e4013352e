//! Reads from a response whether an API rejected the token (RFC 6750 §3.1), or a proof without its nonce (RFC 9449 §9).

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};

/// Whether a response rejects the token itself, so that a new token may be accepted. Another 401 asks for something
/// that a new token does not have, such as a second factor. The scheme is that of the token.
#[cfg(feature = "client")]
pub(crate) fn rejects_token(status: StatusCode, headers: &HeaderMap, scheme: &str) -> bool {
    status == StatusCode::UNAUTHORIZED && challenges(headers).any(|header| names(header, scheme, "invalid_token"))
}

/// Whether a response asks for a nonce in the proof. RFC 9449 §9 requires 401; Okta lists the error with 400.
pub(crate) fn asks_for_nonce(status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST)
        && challenges(headers).any(|header| names(header, "DPoP", "use_dpop_nonce"))
}

fn challenges(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok())
}

/// Whether one of the challenges of a header is of this scheme and has the parameter `error` with this value (RFC 9110
/// §11.6.1).
fn names(header: &str, wanted: &str, error: &str) -> bool {
    let mut is_wanted = false;
    for part in outside_quotes(header) {
        let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value.trim())));
        // The first parameter follows the scheme.
        let name = match name.trim().split_once([' ', '\t']) {
            Some((scheme, name)) => {
                is_wanted = scheme.eq_ignore_ascii_case(wanted);
                name.trim()
            }
            None if value.is_none() => {
                is_wanted = part.eq_ignore_ascii_case(wanted);
                continue;
            }
            None => name.trim(),
        };
        let value = value.map(|value| value.trim_matches('"'));
        if is_wanted && name.eq_ignore_ascii_case("error") && value == Some(error) {
            return true;
        }
    }
    false
}

/// Splits at the commas that are not in a quoted string.
fn outside_quotes(header: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = header.split(move |c| {
        let is_end = c == ',' && !quoted;
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        is_end
    });
    parts.map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_invalid_token_of_the_scheme_bearer_is_a_rejection() {
        let names_invalid_token = |header: &str| names(header, "Bearer", "invalid_token");
        for rejected in [
            r#"Bearer error="invalid_token""#,
            "bearer error=invalid_token",
            r#"Bearer realm="a, b", error="invalid_token", error_description="The token, \"it\", expired""#,
            r#"Basic realm="x", Bearer scope="a b" , error = "invalid_token""#,
            r#"Negotiate, Bearer error="invalid_token""#,
        ] {
            assert!(names_invalid_token(rejected), "{rejected}");
        }
        for other in [
            "",
            "Bearer",
            r#"Bearer error="insufficient_user_authentication", acr_values="x""#,
            r#"Bearer error="insufficient_scope""#,
            r#"Bearer error_description="error=\"invalid_token\"""#,
            r#"Bearer error_description="x, error=invalid_token""#,
            r#"DPoP error="invalid_token""#,
            r#"Bearer realm="x", DPoP error="invalid_token""#,
            r#"Bearer x_error="invalid_token""#,
            r#"error="invalid_token""#,
        ] {
            assert!(!names_invalid_token(other), "{other}");
        }
    }

    #[cfg(feature = "client")]
    #[test]
    fn a_rejection_has_the_scheme_of_the_token() {
        for (scheme, other) in [("Bearer", "DPoP"), ("DPoP", "Bearer")] {
            let challenge = format!(r#"{scheme} error="invalid_token""#).parse().unwrap();
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, challenge)]);
            assert!(rejects_token(StatusCode::UNAUTHORIZED, &headers, scheme));
            assert!(!rejects_token(StatusCode::FORBIDDEN, &headers, scheme));
            assert!(!rejects_token(StatusCode::UNAUTHORIZED, &headers, other));
            assert!(!rejects_token(StatusCode::UNAUTHORIZED, &HeaderMap::new(), scheme));
        }
    }

    #[test]
    fn a_challenge_of_the_scheme_dpop_asks_for_a_nonce() {
        let asks = |status: StatusCode, header: &str| {
            asks_for_nonce(status, &HeaderMap::from_iter([(WWW_AUTHENTICATE, header.parse().unwrap())]))
        };
        let nonce = r#"dPoP error="use_dpop_nonce", algs="ES256""#;
        assert!(asks(StatusCode::UNAUTHORIZED, nonce) && asks(StatusCode::BAD_REQUEST, nonce));
        assert!(!asks(StatusCode::FORBIDDEN, nonce));
        assert!(!asks(StatusCode::UNAUTHORIZED, r#"Bearer error="use_dpop_nonce""#));
        assert!(!asks(StatusCode::UNAUTHORIZED, r#"DPoP error="invalid_token""#));
    }
}
