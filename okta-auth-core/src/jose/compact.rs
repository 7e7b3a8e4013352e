//! Parses the compact serialization of a signed token (RFC 7515 §7.1), without trusting its contents.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use crate::base64url;
use crate::error::{Code, Error, Result};
use crate::json;

/// Okta's largest tokens, with a hundred groups, have about 10 KB.
const MAX_BYTES: usize = 32 * 1024;

pub(super) struct Compact<'a> {
    pub(super) header: Arc<Header>,
    /// The signed bytes: the first two parts and the dot between them.
    pub(super) signed: &'a [u8],
    pub(super) signature: Vec<u8>,
    payload: &'a str,
}

/// The relevant members of a header. `jku`, `jwk`, `x5u` and `x5c` would name a key to verify with; they are never read
/// (RFC 8725 §3.10).
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    /// The algorithm that the token claims.
    pub(super) alg: String,
    #[serde(default)]
    pub(super) kid: Option<String>,
    /// The kind of token; Okta sends none.
    #[serde(default)]
    pub(super) typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
}

/// The allowed values of `typ` for a kind of token, in lower case and without `application/`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typ<'a> {
    pub(super) names: &'a [&'a str],
    /// Whether `typ` is required. Okta's own tokens have none, so for most kinds it is optional and the claims
    /// distinguish the kinds.
    pub(super) required: bool,
}

pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> Compact<'a> {
    /// Splits a token: exactly three parts, each in strict base64url, and a header without extensions.
    ///
    /// # Errors
    /// [`Code::TokenMalformed`], [`Code::TokenEncrypted`] for five parts, [`Code::TokenHeader`] for `crit` or `b64`.
    pub(super) fn parse(token: &'a str, headers: &Headers) -> Result<Self> {
        if token.len() > MAX_BYTES {
            return Err(malformed("it is larger than 32 KiB"));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong_parts(token));
        };
        let signed = header.len().saturating_add(payload.len()).saturating_add(1);
        let signature = decode(signature)?;
        if signature.is_empty() || payload.is_empty() {
            return Err(malformed("a part of it is empty"));
        }
        let header = headers.read(header)?;
        Ok(Self { header, signed: token.as_bytes().get(..signed).unwrap_or_default(), signature, payload })
    }

    /// Decodes the payload. Call this only after the signature has been verified.
    pub(super) fn payload(&self) -> Result<Vec<u8>> {
        decode(self.payload)
    }
}

/// The last valid header. An issuer's tokens have the same header until its key changes, so caching it saves the
/// parsing of nearly every token.
#[derive(Debug, Default)]
pub(super) struct Headers(Mutex<Option<(String, Arc<Header>)>>);

impl Headers {
    /// Parses a header, or returns the cached one if it is equal. An invalid header is not cached.
    fn read(&self, encoded: &str) -> Result<Arc<Header>> {
        if let Some((known, header)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && known == encoded
        {
            return Ok(Arc::clone(header));
        }
        let header: Header =
            json::object(&decode(encoded)?).map_err(|error| malformed("its header is invalid").with_cause(error))?;
        header.check()?;
        Ok(Arc::new(header))
    }

    /// Caches the header of a token whose signature has been verified, so that an attacker cannot evict it.
    pub(super) fn keep(&self, token: &str, header: &Arc<Header>) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let encoded = token.split('.').next().unwrap_or_default();
        if last.as_ref().is_none_or(|(known, _)| known != encoded) {
            *last = Some((encoded.to_owned(), Arc::clone(header)));
        }
    }
}

impl Header {
    fn check(&self) -> Result<()> {
        // RFC 7515 §4.1.11: critical extensions must be supported, and none is.
        if self.crit || self.b64 {
            let message = "the token's header requires an unsupported extension (`crit` or `b64`)";
            return Err(Error::new(Code::TokenHeader, message));
        }
        Ok(())
    }

    /// Rejects a token of another kind by its `typ` (RFC 8725 §3.11).
    pub(super) fn check_type(&self, allowed: Typ<'_>) -> Result<()> {
        let fits = self.typ.as_ref().map_or(!allowed.required, |typ| {
            let short = typ.to_ascii_lowercase();
            allowed.names.contains(&short.strip_prefix("application/").unwrap_or(&short))
        });
        if fits {
            return Ok(());
        }
        Err(Error::new(Code::TokenHeader, "the token's `typ` does not match the expected kind of token"))
    }
}

/// Decodes strict base64url: no padding, no white space, no stray bits at the end.
fn decode(part: &str) -> Result<Vec<u8>> {
    base64url::decode(part).map_err(|error| malformed("a part of it is not base64url").with_cause(error))
}

/// An encrypted token has five parts and gets its own error.
fn wrong_parts(token: &str) -> Error {
    if token.split('.').count() == 5 {
        let message = "the token is encrypted, but no decryption key is configured; turn off token encryption at Okta";
        return Error::new(Code::TokenEncrypted, message);
    }
    malformed("it does not have three parts")
}

/// The message contains no part of the token.
fn malformed(why: &str) -> Error {
    Error::new(Code::TokenMalformed, format!("the token is not a signed token: {why}"))
}

impl fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compact").field("header", &self.header).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> String {
        format!("{}.e30.c2ln", base64url::encode(header))
    }

    fn code(token: &str) -> Code {
        Compact::parse(token, &Headers::default()).unwrap_err().code()
    }

    #[test]
    fn a_token_has_exactly_three_parts() {
        let good = token(r#"{"alg":"RS256","kid":"k"}"#);
        let parsed = Compact::parse(&good, &Headers::default()).unwrap();
        assert_eq!((parsed.header.kid.as_deref(), parsed.payload().unwrap().as_slice()), (Some("k"), &b"{}"[..]));
        assert_eq!(parsed.signed, &good.as_bytes()[..good.len() - 5]);
        for bad in ["", "a", "a.b", "a.b.c.d", "..", &format!("{good}."), &format!("{good} "), &format!(" {good}")] {
            assert_eq!(code(bad), Code::TokenMalformed, "{bad}");
        }
        assert_eq!(code("a.b.c.d.e"), Code::TokenEncrypted);
        assert_eq!(code(&token(r#"["RS256","k"]"#)), Code::TokenMalformed, "a header is an object");
        assert_eq!(code(&"a".repeat(MAX_BYTES + 1)), Code::TokenMalformed);
    }

    #[test]
    fn base64_is_strict() {
        let header = base64url::encode(r#"{"alg":"RS256"}"#);
        assert!(Compact::parse(&format!("{header}.e30.c2ln"), &Headers::default()).is_ok());
        for bad in [format!("{header}=.e30.c2ln"), format!("{header}.e30.c2l+"), format!("{header}.e30.c2ln\n")] {
            assert_eq!(code(&bad), Code::TokenMalformed);
        }
        // `cQ` and `cR` decode to the same byte; only `cQ` is canonical.
        assert!(Compact::parse(&format!("{header}.e30.cQ"), &Headers::default()).is_ok());
        assert_eq!(code(&format!("{header}.e30.cR")), Code::TokenMalformed);
    }

    #[test]
    fn headers_with_extensions_are_refused() {
        for bad in [
            r#"{"alg":"RS256","crit":["exp"]}"#,
            r#"{"alg":"RS256","crit":[]}"#,
            r#"{"alg":"RS256","crit":null}"#,
            r#"{"alg":"RS256","b64":false}"#,
            r#"{"alg":"RS256","b64":true,"crit":["b64"]}"#,
        ] {
            assert_eq!(code(&token(bad)), Code::TokenHeader, "{bad}");
        }
    }

    #[test]
    fn invalid_headers_are_refused() {
        for bad in [
            "{}",
            "[]",
            "null",
            r#"{"alg":5}"#,
            r#"{"alg":"RS256","alg":"none"}"#,
            r#"{"alg":"RS256","kid":1}"#,
            "\u{feff}{}",
        ] {
            assert_eq!(code(&token(bad)), Code::TokenMalformed, "{bad}");
        }
    }

    #[test]
    fn types_of_other_kinds_are_refused() {
        let with = |typ: Option<&str>| Header {
            alg: String::new(),
            kid: None,
            typ: typ.map(str::to_owned),
            crit: false,
            b64: false,
        };
        let (optional, required) =
            (Typ { names: &["jwt"], required: false }, Typ { names: &["logout+jwt"], required: true });
        for fine in [None, Some("JWT"), Some("application/jwt")] {
            assert!(with(fine).check_type(optional).is_ok(), "{fine:?}");
        }
        for other in ["at+jwt", "logout+jwt", "dpop+jwt", "", "JWT2", "application/application/jwt"] {
            assert!(with(Some(other)).check_type(optional).is_err(), "{other}");
        }
        assert!(with(Some("Application/Logout+JWT")).check_type(required).is_ok());
        for other in [None, Some(""), Some("JWT")] {
            assert!(with(other).check_type(required).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_cached_header_is_compared_as_a_whole() {
        let headers = Headers::default();
        let (one, other) = (token(r#"{"alg":"RS256","kid":"a"}"#), token(r#"{"alg":"RS256","kid":"ab"}"#));
        let parsed = Compact::parse(&one, &headers).unwrap();
        headers.keep(&one, &parsed.header);
        assert!(Arc::ptr_eq(&Compact::parse(&one, &headers).unwrap().header, &parsed.header));
        assert_eq!(Compact::parse(&other, &headers).unwrap().header.kid.as_deref(), Some("ab"));
        let bad = token(r#"{"alg":"RS256","crit":["x"]}"#);
        assert!(Compact::parse(&bad, &headers).is_err());
        // A part of the cached header, from either end, is a different and invalid header.
        let (header, rest) = one.split_once('.').unwrap();
        for range in [0..8, 0..header.len() - 4, 4..header.len(), 0..0] {
            let part = header.get(range).unwrap();
            assert!(Compact::parse(&format!("{part}.{rest}"), &headers).is_err(), "{part}");
        }
    }
}
