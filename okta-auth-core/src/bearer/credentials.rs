//! Reads the bearer credentials of a request.
//!
//! Ambiguous credentials are rejected before any verification, so that a gateway in front and the application behind it
//! cannot see two different tokens.

use std::fmt;
use std::ops::Range;

use crate::error::{Code, Error, Result};
use crate::headers::{HeaderText, Headers};

#[derive(Clone)]
pub(crate) enum Credentials {
    /// None, or a scheme other than `Bearer`.
    None,
    /// One token. Its characters are not validated yet: a cached token has been validated before.
    Token(SentToken),
    /// Several tokens, or a token in the query, with the reason.
    Malformed(&'static str),
}

/// A token as a range of its header, which is not copied.
#[derive(Clone)]
pub(crate) struct SentToken {
    header: HeaderText,
    range: Range<usize>,
}

/// Collects the bearer tokens of the `Authorization` headers during one pass over all headers.
#[derive(Default)]
pub(crate) struct Presented {
    first: Option<SentToken>,
    several: bool,
}

impl SentToken {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.header.as_bytes().get(self.range.clone()).unwrap_or_default()
    }

    /// The token.
    ///
    /// # Errors
    /// [`Code::CredentialsMalformed`] if it has characters outside `b64token`.
    pub(crate) fn text(&self) -> Result<&str> {
        let bytes = self.bytes();
        let text = if is_token(bytes) { std::str::from_utf8(bytes).ok() } else { None };
        text.ok_or_else(|| Error::new(Code::CredentialsMalformed, "what follows `Bearer` is not a token"))
    }
}

impl Presented {
    pub(crate) fn note<H: Headers>(&mut self, value: &H::Value) {
        let Some(range) = bearer(value.as_ref()) else { return };
        match self.first {
            None => self.first = Some(SentToken { header: H::keep(value), range }),
            Some(_) => self.several = true,
        }
    }

    /// Combines the headers with the query (RFC 6750 §2).
    pub(crate) fn with_query(self, query: Option<&str>) -> Credentials {
        // Nearly all requests with a session.
        if self.first.is_none() && query.is_none() {
            return Credentials::None;
        }
        let in_query = query.is_some_and(has_token);
        let why = match (self.first, self.several, in_query) {
            (None, _, false) => return Credentials::None,
            (Some(token), false, false) => return Credentials::Token(token),
            (None, _, true) => "a token in the query is not accepted; use the Authorization header",
            (Some(_), true, _) => "more than one token was sent",
            (Some(_), false, true) => "a token was sent in the header and in the query",
        };
        Credentials::Malformed(why)
    }
}

impl Credentials {
    /// Reads the `Authorization` headers and the query (RFC 6750 §2).
    pub(crate) fn parse<H: Headers>(headers: &H, query: Option<&str>) -> Self {
        let mut presented = Presented::default();
        let sent = headers.each().filter(|(name, _)| *name == "authorization");
        sent.for_each(|(_, value)| presented.note::<H>(value));
        presented.with_query(query)
    }

    pub(crate) fn is_present(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The token, if the request has one.
    ///
    /// # Errors
    /// [`Code::CredentialsMalformed`].
    pub(crate) fn token(&self) -> Result<Option<&str>> {
        match self {
            Self::None => Ok(None),
            Self::Token(token) => token.text().map(Some),
            Self::Malformed(why) => Err(Error::new(Code::CredentialsMalformed, *why)),
        }
    }
}

/// The range of the token after the scheme `Bearer`, which is case-insensitive (RFC 9110 §11.1).
fn bearer(value: &[u8]) -> Option<Range<usize>> {
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") || !matches!(rest.first(), None | Some(b' ' | b'\t')) {
        return None;
    }
    let start = value.len().saturating_sub(rest.trim_ascii_start().len());
    Some(start..start.saturating_add(rest.trim_ascii().len()))
}

/// Matches `b64token` (RFC 6750 §2.1). Without an early exit the loop vectorizes, and nearly all tokens match anyway.
fn is_token(text: &[u8]) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = text.get(..text.len().saturating_sub(padding)).unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    !body.is_empty() & body.iter().fold(true, |all, byte| all & fits(*byte))
}

/// Whether the query has a parameter `access_token`, also with a percent-encoded name.
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
    use http::HeaderMap;
    use http::header::AUTHORIZATION;

    use super::*;

    fn parse(values: &[&str], query: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        match Credentials::parse(&headers, query) {
            Credentials::None => "none".to_owned(),
            Credentials::Token(token) => token.text().map_or("malformed".to_owned(), str::to_owned),
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
    fn other_schemes_are_ignored() {
        for value in ["", "Basic dTpw", "DPoP t", "Bearerish t", "Bear", "Token t"] {
            assert_eq!(parse(&[value], None), "none", "{value}");
        }
        assert_eq!(parse(&[], Some("token=t&access_tokens=t")), "none");
    }

    #[test]
    fn malformed_repeated_and_query_tokens_are_rejected() {
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
