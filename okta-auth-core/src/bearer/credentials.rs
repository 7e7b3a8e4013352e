//! What a request presents in place of a session.
//!
//! Whatever could be read in two ways is refused before anything is verified: a gateway in front
//! and the application behind it must not see two different tokens.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// What the request presents.
#[derive(Clone)]
pub(crate) enum Credentials {
    /// Nothing, or a scheme that is not ours to judge.
    None,
    /// One token, not yet looked at.
    Token(Secret),
    /// More than one, or one where none belongs.
    Malformed(&'static str),
}

impl Credentials {
    /// Reads the `Authorization` headers and the query (RFC 6750 §2).
    pub(crate) fn parse(headers: &HeaderMap, query: Option<&str>) -> Self {
        let in_query = query.is_some_and(has_token);
        let mut tokens = headers.get_all(AUTHORIZATION).iter().filter_map(|value| bearer(value.as_bytes()));
        match (tokens.next(), tokens.next(), in_query) {
            (None, _, false) => Self::None,
            (None, _, true) => Self::Malformed("a token in the query is not accepted; use the Authorization header"),
            (Some(_), Some(_), _) => Self::Malformed("more than one token was sent"),
            (Some(_), None, true) => Self::Malformed("a token was sent in the header and in the query"),
            (Some(token), None, false) => match std::str::from_utf8(token) {
                Ok(token) if is_token(token) => Self::Token(Secret::new(token)),
                _ => Self::Malformed("what follows `Bearer` is not a token"),
            },
        }
    }

    /// Whether there is a token, or something that should be one.
    pub(crate) fn is_present(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The token, if there is one.
    ///
    /// # Errors
    /// [`Code::CredentialsMalformed`].
    pub(crate) fn token(&self) -> Result<Option<&Secret>> {
        match self {
            Self::None => Ok(None),
            Self::Token(token) => Ok(Some(token)),
            Self::Malformed(why) => Err(Error::new(Code::CredentialsMalformed, *why)),
        }
    }
}

/// What follows the scheme `Bearer`, which is compared without regard to case (RFC 9110
/// §11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    match rest.split_first() {
        _ if !scheme.eq_ignore_ascii_case(b"bearer") => None,
        None => Some(b""),
        Some((b' ' | b'\t', rest)) => Some(rest.trim_ascii()),
        Some(_) => None,
    }
}

/// `b64token` (RFC 6750 §2.1).
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| IN_TOKEN.get(usize::from(byte)) == Some(&true))
}

/// The characters of a token, as a table: this is asked for each of them with each request.
const IN_TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/".as_slice();
    while let Some((byte, after)) = rest.split_first() {
        table[*byte as usize] = true;
        rest = after;
    }
    table
};

/// Whether a query has a parameter `access_token`, in any spelling of its name.
fn has_token(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "Credentials(none)",
            Self::Token(_) => "Credentials(token)",
            Self::Malformed(_) => "Credentials(malformed)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str], query: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        match Credentials::parse(&headers, query) {
            Credentials::None => "none".to_owned(),
            Credentials::Token(token) => token.expose().to_owned(),
            Credentials::Malformed(_) => "malformed".to_owned(),
        }
    }

    #[test]
    fn one_token_after_the_scheme() {
        for value in ["Bearer a.b-c_d~e+f/g==", "bearer a.b-c_d~e+f/g==", "BEARER   a.b-c_d~e+f/g== "] {
            assert_eq!(parse(&[value], Some("x=y")), "a.b-c_d~e+f/g==", "{value}");
        }
        assert_eq!(parse(&["Basic dTpw", "Bearer t"], None), "t");
    }

    #[test]
    fn other_schemes_are_not_ours() {
        for value in ["", "Basic dTpw", "DPoP t", "Bearerish t", "Bear", "Token t"] {
            assert_eq!(parse(&[value], None), "none", "{value}");
        }
        assert_eq!(parse(&[], Some("token=t&access_tokens=t")), "none");
    }

    #[test]
    fn no_token_two_tokens_and_tokens_in_the_query() {
        for value in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer =", "Bearer a=b", "Bearer \"a\""] {
            assert_eq!(parse(&[value], None), "malformed", "{value}");
        }
        assert_eq!(parse(&["Bearer a", "Bearer a"], None), "malformed");
        for query in ["access_token=t", "access_token", "a=b&access_token=t", "access%5Ftoken=t"] {
            assert_eq!(parse(&[], Some(query)), "malformed", "{query}");
            assert_eq!(parse(&["Bearer t"], Some(query)), "malformed", "{query}");
        }
    }
}
