//! Reads the access token of a request, and the DPoP proof that comes with a token of the scheme `DPoP`.
//!
//! Ambiguous credentials are rejected before any verification, so that a gateway in front and the application behind it
//! cannot see two different tokens.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use http::HeaderValue;

use super::challenge::Scheme;
use crate::error::{Code, Error, Result};
use crate::headers::{HeaderText, Headers};

#[derive(Clone)]
pub(crate) enum Credentials {
    /// None, or a scheme other than `Bearer` and `DPoP`.
    None,
    /// One token after `Bearer`. Its characters are not validated yet: a cached token has been validated before.
    Token(SentToken),
    /// One token after `DPoP`, with its proof. Boxed, because most requests have none.
    Proven(Box<(SentToken, SentProof)>),
    /// Several tokens, or a token in the query, with the reason.
    Malformed(&'static str),
}

/// A token as a range of its header, which is not copied.
#[derive(Clone)]
pub(crate) struct SentToken {
    header: HeaderText,
    range: Range<usize>,
}

/// The `DPoP` header or headers of a request, and the nonce in the response to it.
#[derive(Clone, Default)]
pub(crate) struct SentProof {
    /// `None` for several.
    only: Option<HeaderText>,
    next_nonce: OnceLock<HeaderValue>,
}

/// Collects the tokens of the `Authorization` headers, and the proofs, during one pass over all headers.
#[derive(Default)]
pub(crate) struct Presented {
    first: Option<SentToken>,
    several: bool,
    /// Boxed, because most requests have none.
    dpop: Option<Box<PresentedDpop>>,
}

/// The tokens after `DPoP`, and the proofs.
#[derive(Default)]
struct PresentedDpop {
    first: Option<SentToken>,
    several: bool,
    proof: Option<SentProof>,
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
        text.ok_or_else(|| Error::new(Code::CredentialsMalformed, "the text after the scheme is not a token"))
    }
}

impl SentProof {
    /// The proof.
    ///
    /// # Errors
    /// [`Code::DpopProof`] if there is more than one (RFC 9449 §4.3), or if it is not ASCII.
    pub(crate) fn text(&self) -> Result<&str> {
        let only = self.only.as_ref().ok_or("more than one DPoP proof was sent");
        let text = only.and_then(|only| std::str::from_utf8(only.as_bytes()).map_err(|_| "the DPoP proof is not text"));
        text.map_err(|why| Error::new(Code::DpopProof, why))
    }

    /// Adds a nonce for the next proof to the response.
    pub(super) fn answer_with(&self, nonce: HeaderValue) {
        self.next_nonce.get_or_init(|| nonce);
    }
}

impl Presented {
    pub(crate) fn note<H: Headers>(&mut self, value: &H::Value) {
        let (range, first, several) = if let Some(range) = after_scheme(b"bearer", value.as_ref()) {
            (range, &mut self.first, &mut self.several)
        } else if let Some(range) = after_scheme(b"dpop", value.as_ref()) {
            let dpop = self.dpop.get_or_insert_default();
            (range, &mut dpop.first, &mut dpop.several)
        } else {
            return;
        };
        match first {
            None => *first = Some(SentToken { header: H::keep(value), range }),
            Some(_) => *several = true,
        }
    }

    pub(crate) fn note_proof<H: Headers>(&mut self, value: &H::Value) {
        let proof = &mut self.dpop.get_or_insert_default().proof;
        let only = proof.is_none().then(|| H::keep(value));
        *proof = Some(SentProof { only, ..SentProof::default() });
    }

    /// Combines the headers with the query (RFC 6750 §2).
    pub(crate) fn with_query(self, query: Option<&str>) -> Credentials {
        // Nearly all requests with a session.
        if self.first.is_none() && self.dpop.is_none() && query.is_none() {
            return Credentials::None;
        }
        // Without a proof, `DPoP` is a scheme like any other.
        let bound = self.dpop.and_then(|dpop| Some((dpop.first?, dpop.proof?, dpop.several)));
        let (sent, several) = match (bound, self.first) {
            (Some((token, proof, several)), bearer) => {
                (Some(Credentials::Proven(Box::new((token, proof)))), several || bearer.is_some())
            }
            (None, bearer) => (bearer.map(Credentials::Token), self.several),
        };
        let in_query = query.is_some_and(has_token);
        let why = match (sent, several, in_query) {
            (None, _, false) => return Credentials::None,
            (Some(sent), false, false) => return sent,
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
        for (name, value) in headers.each() {
            match name {
                "authorization" => presented.note::<H>(value),
                "dpop" => presented.note_proof::<H>(value),
                _ => {}
            }
        }
        presented.with_query(query)
    }

    pub(crate) fn is_present(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The scheme to challenge with: that of the credentials, or `Bearer`.
    pub(crate) fn scheme(&self) -> Scheme {
        if matches!(self, Self::Proven(_)) { Scheme::Dpop } else { Scheme::Bearer }
    }

    /// The nonce of the API that the response has to carry (RFC 9449 §9).
    pub(crate) fn next_nonce(&self) -> Option<&HeaderValue> {
        if let Self::Proven(proven) = self { proven.1.next_nonce.get() } else { None }
    }

    /// The token after `Bearer`, if the request has exactly one.
    pub(crate) fn bearer(&self) -> Option<&str> {
        if let Self::Token(token) = self { token.text().ok() } else { None }
    }

    /// The token, if the request has one.
    ///
    /// # Errors
    /// [`Code::CredentialsMalformed`].
    pub(crate) fn token(&self) -> Result<Option<&str>> {
        match self {
            Self::None => Ok(None),
            Self::Token(token) => token.text().map(Some),
            Self::Proven(proven) => proven.0.text().map(Some),
            Self::Malformed(why) => Err(Error::new(Code::CredentialsMalformed, *why)),
        }
    }
}

/// The range of the token after a scheme, which is case-insensitive (RFC 9110 §11.1).
fn after_scheme(expected: &[u8], value: &[u8]) -> Option<Range<usize>> {
    let (scheme, rest) = value.split_at_checked(expected.len())?;
    if !scheme.eq_ignore_ascii_case(expected) || !matches!(rest.first(), None | Some(b' ' | b'\t')) {
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
            Self::Proven(_) => "Credentials(token and proof)",
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
            Credentials::Proven(_) => "proven".to_owned(),
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

    fn with_proofs(authorization: &[&str], proofs: &[&str], query: Option<&str>) -> Credentials {
        let mut headers = HeaderMap::new();
        for (name, values) in [("authorization", authorization), ("dpop", proofs)] {
            for value in values {
                headers.append(name, value.parse().unwrap());
            }
        }
        Credentials::parse(&headers, query)
    }

    #[test]
    fn a_token_after_dpop_counts_only_with_a_proof_and_alone() {
        for scheme in ["DPoP", "dpop", "DPOP"] {
            let sent = with_proofs(&[&format!("{scheme} t")], &["p"], None);
            assert_eq!((sent.token().unwrap(), sent.bearer()), (Some("t"), None), "{scheme}");
        }
        assert!(!with_proofs(&["DPoP t"], &[], None).is_present());
        assert!(!with_proofs(&[], &["p"], None).is_present());
        assert_eq!(with_proofs(&["Bearer t"], &["p"], None).bearer(), Some("t"));
        let malformed = |sent: &Credentials| matches!(sent, Credentials::Malformed(_));
        assert!(malformed(&with_proofs(&["DPoP t", "Bearer t"], &["p"], None)));
        assert!(malformed(&with_proofs(&["DPoP t", "DPoP t"], &["p"], None)));
        assert!(malformed(&with_proofs(&["DPoP t"], &["p"], Some("access_token=t"))));
        let Credentials::Proven(proven) = with_proofs(&["DPoP t"], &["p", "p"], None) else { panic!() };
        assert_eq!(proven.1.text().unwrap_err().code(), Code::DpopProof);
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
