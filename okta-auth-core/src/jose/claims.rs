//! Claims that all kinds of token share (RFC 7519 §4.1), and what is checked of them.
//!
//! Each kind of token has rules of its own in a module of its own, and they are made
//! of the checks here, so that issuers, subjects and times are compared in one way.
//! A claim that is missing is told apart from one that is wrong.
//!
//! `leeway` is the clock skew that is tolerated. It is added in favour of the token
//! on both sides: a token is good for that much longer than `exp` says, and that
//! much earlier than `nbf`.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::json::{self, Unique};

/// The `aud` claim: one text, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience(Vec<String>);

impl Audience {
    /// Whether `name` is one of the audiences.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|audience| audience == name)
    }

    /// The audiences.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMore).map(Self)
    }
}

/// Reads one text or a list of them (RFC 7519 §4.1.3). Anything else in the list is an
/// error: an audience that cannot be compared must not be passed over.
struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<String>, E> {
        Ok(vec![text.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(all)
    }
}

/// A JSON object in which no name comes twice: which of the two values counts would be
/// up to each reader.
#[derive(Debug)]
pub(super) struct Payload(pub(super) Map<String, Value>);

impl Payload {
    /// Reads a payload whose signature has been verified.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        json::object::<Unique>(bytes).map(|Unique(all)| Self(all)).map_err(|error| {
            Error::new(Code::TokenMalformed, "the token's payload is not a JSON object with each name once")
                .with_cause(error)
        })
    }

    /// Reads the claims that a kind of token has, each with its type.
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        T::deserialize(&self.0).map_err(|error| {
            Error::new(Code::TokenClaim, "a claim of the token is missing or not of its type (see the cause)")
                .with_cause(error)
        })
    }

    /// The claims about time.
    ///
    /// # Errors
    /// [`Code::TokenClaim`] if one is not an integer.
    pub(super) fn times(&self) -> Result<Times> {
        let time = |name: &'static str| match self.0.get(name) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(seconds) => Ok(Some(Timestamp::from_seconds(seconds))),
                None => Err(Error::invalid_claim(name, "is not a whole number of seconds")),
            },
        };
        Ok(Times { exp: time("exp")?, nbf: time("nbf")?, iat: time("iat")? })
    }

    /// Whether a claim is there, whatever its value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// The claims about time, in whole seconds. `NumericDate` allows fractions, which no
/// issuer here sends; a float is refused with everything else that is no integer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    /// The token is no good from this moment on.
    pub(super) exp: Option<Timestamp>,
    /// The token is no good before this moment.
    pub(super) nbf: Option<Timestamp>,
    /// When the token was issued.
    pub(super) iat: Option<Timestamp>,
}

impl Times {
    /// `exp` and `iat` must be there; the token must have been issued, be valid
    /// already, and not have expired.
    ///
    /// A time that is just reached counts as expired: RFC 7519 §4.1.4 says "on or
    /// after". An `iat` beyond the leeway means that one of the clocks is wrong.
    pub(super) fn check(&self, now: Timestamp, leeway: Duration) -> Result<()> {
        let exp = self.exp.ok_or_else(|| Error::invalid_claim("exp", "is missing"))?;
        let iat = self.iat.ok_or_else(|| Error::invalid_claim("iat", "is missing"))?;
        if now >= exp.plus(leeway) {
            return Err(Error::new(Code::TokenExpired, "the token has expired; if it is new, check the clocks"));
        }
        if iat > now.plus(leeway) {
            return Err(Error::invalid_claim("iat", "is in the future; check the clocks"));
        }
        if self.nbf.is_some_and(|nbf| nbf > now.plus(leeway)) {
            return Err(Error::invalid_claim("nbf", "is in the future; check the clocks"));
        }
        Ok(())
    }
}

/// A subject has 1 to 255 ASCII characters (OIDC Core §2).
///
/// An empty one would make one user out of everybody who has it.
pub(super) fn check_subject(subject: Option<&str>) -> Result<()> {
    match subject {
        None => Err(Error::invalid_claim("sub", "is missing")),
        Some(sub) if sub.is_empty() || sub.len() > 255 || !sub.is_ascii() => {
            Err(Error::invalid_claim("sub", "is not 1 to 255 ASCII characters"))
        }
        Some(_) => Ok(()),
    }
}

/// The issuer is the expected one, character by character.
///
/// No case is folded and no slash forgiven (OIDC Core §3.1.3.7): two spellings may
/// be two servers.
pub(super) fn check_issuer(issuer: Option<&str>, expected: &str) -> Result<()> {
    match issuer {
        None => Err(Error::invalid_claim("iss", "is missing")),
        Some(issuer) if issuer != expected => {
            Err(Error::invalid_claim("iss", "is another issuer than the configured one"))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(text: &str) -> Result<Times> {
        Payload::parse(text.as_bytes())?.times()
    }

    #[test]
    fn edges_of_the_leeway() {
        let (now, leeway) = (Timestamp::from_seconds(1_000_000), Duration::from_secs(60));
        let check = |exp: i64, iat: i64, nbf: i64| {
            times(&format!(r#"{{"exp":{exp},"iat":{iat},"nbf":{nbf}}}"#)).unwrap().check(now, leeway)
        };
        check(1_000_001, 999_999, 0).unwrap();
        check(999_941, 1_000_060, 1_000_060).unwrap();
        assert_eq!(check(999_940, 0, 0).unwrap_err().code(), Code::TokenExpired);
        assert_eq!(check(1_000_001, 1_000_061, 0).unwrap_err().claim(), Some("iat"));
        assert_eq!(check(1_000_001, 0, 1_000_061).unwrap_err().claim(), Some("nbf"));
        assert_eq!(check(i64::MIN, 0, 0).unwrap_err().code(), Code::TokenExpired);
        check(i64::MAX, i64::MIN, i64::MIN).unwrap();
    }

    #[test]
    fn times_are_integers() {
        assert!(times(r#"{"exp":1,"iat":1}"#).is_ok());
        for bad in [
            r#"{"exp":1.5}"#,
            r#"{"exp":"1"}"#,
            r#"{"iat":1e3}"#,
            r#"{"exp":[1]}"#,
            r#"{"exp":true}"#,
            r#"{"exp":99999999999999999999}"#,
        ] {
            assert_eq!(times(bad).unwrap_err().code(), Code::TokenClaim, "{bad}");
        }
    }

    #[test]
    fn a_claim_that_comes_twice_is_refused() {
        assert!(Payload::parse(br#"{"a":1,"b":1}"#).is_ok());
        for bad in [r#"{"a":1,"a":1}"#, r#"{"sub":"x","s\u0075b":"y"}"#, "[]", "1", "{} x", ""] {
            assert_eq!(Payload::parse(bad.as_bytes()).unwrap_err().code(), Code::TokenMalformed, "{bad}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(Payload::parse(format!(r#"{{"act":{deep}}}"#).as_bytes()).is_err());
    }

    #[test]
    fn audiences_are_texts() {
        let parse = |text: &str| serde_json::from_str::<Audience>(text);
        assert!(parse(r#""a""#).unwrap().contains("a") && parse(r#"["b","a"]"#).unwrap().contains("a"));
        assert!(parse(r#"["a",1]"#).is_err() && parse("null").is_err() && parse(r#"{"a":"a"}"#).is_err());
    }
}
