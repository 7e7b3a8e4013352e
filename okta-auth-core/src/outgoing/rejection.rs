//! Reads whether an API rejected a token (RFC 6750 §3.1).

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};

/// Whether a response rejects the token itself, so that a new token may be accepted. Another 401
/// asks for something that a new token does not have, such as a second factor.
pub(super) fn rejects_token(status: StatusCode, headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    status == StatusCode::UNAUTHORIZED && challenges.into_iter().any(names_invalid_token)
}

/// Whether one of the challenges of a header is of the scheme `Bearer` and has the parameter
/// `error="invalid_token"` (RFC 9110 §11.6.1).
fn names_invalid_token(header: &str) -> bool {
    let mut is_bearer = false;
    for part in outside_quotes(header) {
        let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value.trim())));
        // The first parameter follows the scheme.
        let name = match name.trim().split_once([' ', '\t']) {
            Some((scheme, name)) => {
                is_bearer = scheme.eq_ignore_ascii_case("Bearer");
                name.trim()
            }
            None if value.is_none() => {
                is_bearer = part.eq_ignore_ascii_case("Bearer");
                continue;
            }
            None => name.trim(),
        };
        let value = value.map(|value| value.trim_matches('"'));
        if is_bearer && name.eq_ignore_ascii_case("error") && value == Some("invalid_token") {
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
        let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#.parse().unwrap())]);
        assert!(rejects_token(StatusCode::UNAUTHORIZED, &headers));
        assert!(!rejects_token(StatusCode::FORBIDDEN, &headers));
        assert!(!rejects_token(StatusCode::UNAUTHORIZED, &HeaderMap::new()));
    }
}
