//! Claims that all kinds of token share (RFC 7519 §4.1), and their checks.
//!
//! Each kind of token has its own module with its own rules, built from the checks here, so that issuers, subjects and
//! times are always compared in the same way. A missing claim and a wrong claim have different errors.
//!
//! `leeway` is the tolerated clock skew. It extends the validity of the token on both sides: after `exp` and before
//! `nbf`.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::clock::{NumericDate, Timestamp};
use crate::error::{Code, Error, Result};
use crate::json::Unique;

/// The `aud` claim: one string, or a list of strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Audience(Vec<String>);

impl Audience {
    /// Whether `name` is one of the audiences.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|audience| audience == name)
    }

    /// The audiences.
    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMore).map(Self)
    }
}

/// Deserializes one string or a list of strings (RFC 7519 §4.1.3). Another type in the list is an error, because an
/// audience that cannot be compared must not be ignored.
struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
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

/// A JSON object without duplicate names. Parsers disagree about which of two values counts.
#[derive(Debug)]
pub(super) struct Payload(pub(super) Map<String, Value>);

impl Payload {
    /// Parses a payload whose signature has been verified.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        Unique::read(bytes).map(|Unique(all)| Self(all)).map_err(|error| {
            Error::new(Code::TokenMalformed, "the token's payload is not a JSON object without duplicate names")
                .with_cause(error)
        })
    }

    /// Returns a claim that is present and not null, converted by `read`.
    ///
    /// # Errors
    /// [`Code::TokenClaim`] with the claim's name and the message `wrong` if `read` returns `None`.
    pub(super) fn read<'a, T>(
        &'a self,
        name: &'static str,
        wrong: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.0.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| Error::invalid_claim(name, wrong))
    }

    pub(super) fn string(&self, name: &'static str) -> Result<Option<&str>> {
        self.read(name, "is not a string", Value::as_str)
    }

    /// Returns a claim that is a point in time.
    pub(super) fn date(&self, name: &'static str) -> Result<Option<Timestamp>> {
        self.read(name, "is not a number of seconds", NumericDate::read)
    }

    pub(super) fn audience(&self) -> Result<Option<Audience>> {
        self.read("aud", "is neither a string nor a list of strings", |value| Audience::deserialize(value).ok())
    }

    pub(super) fn times(&self) -> Result<Times> {
        Ok(Times { exp: self.date("exp")?, nbf: self.date("nbf")?, iat: self.date("iat")? })
    }

    /// Whether a claim is present, with any value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// Fractions of a second are dropped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    /// The token is invalid from this moment on.
    pub(super) exp: Option<Timestamp>,
    /// The token is invalid before this moment.
    pub(super) nbf: Option<Timestamp>,
    pub(super) iat: Option<Timestamp>,
}

impl Times {
    /// Checks the times. `exp` and `iat` must be present. The token must have been issued, be valid already, and not
    /// have expired.
    ///
    /// A token whose `exp` is exactly now has expired: RFC 7519 §4.1.4 says "on or after". An `iat` beyond the leeway
    /// means that one of the clocks is wrong.
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

/// The maximum length of an identifier in characters. OIDC Core §2 has the same limit for `sub`; other identifiers of
/// Okta have less than 50.
const MAX_IDENTIFIER: usize = 255;

/// The maximum length of a `sid` in characters. OpenID Connect sets none, and some providers encrypt data into it.
const MAX_SID: usize = 2_048;

/// Checks a subject: any string (RFC 7519 §4.1.2) of 1 to 255 characters (OIDC Core §2). Okta uses the login as the
/// subject of access tokens, so it may contain non-ASCII characters.
///
/// An empty subject is rejected, because all users with it would become one user.
pub(super) fn check_subject(subject: Option<&str>) -> Result<()> {
    check_identifier("sub", subject.ok_or_else(|| Error::invalid_claim("sub", "is missing"))?)
}

/// Checks the `sid` of a session at the provider.
pub(super) fn check_sid(sid: &str) -> Result<()> {
    if is_sid(sid) {
        return Ok(());
    }
    Err(Error::invalid_claim("sid", "must have 1 to 2,048 characters and no control characters"))
}

/// Checks an identifier, which may appear in logs, on pages and in keys of stores.
pub(super) fn check_identifier(name: &'static str, text: &str) -> Result<()> {
    if is_identifier(text) {
        return Ok(());
    }
    Err(Error::invalid_claim(name, "must have 1 to 255 characters and no control characters"))
}

/// Whether a text is a valid identifier of a token, a client or a user: 1 to 255 characters, none of which can forge a
/// log line or change how it reads.
pub(crate) fn is_identifier(text: &str) -> bool {
    is_plain_text(text, MAX_IDENTIFIER)
}

/// Whether a text is a valid `sid`: like an identifier, but longer.
pub(crate) fn is_sid(text: &str) -> bool {
    is_plain_text(text, MAX_SID)
}

fn is_plain_text(text: &str, longest: usize) -> bool {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return (1..=longest).contains(&text.len());
    }
    text.chars().take(longest.saturating_add(1)).count() <= longest && text.chars().all(is_plain)
}

/// Whether a character is not a control character, a line separator, a direction mark or the replacement character. The
/// replacement character stands for invalid UTF-8 and would make different texts equal.
fn is_plain(character: char) -> bool {
    let special = matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | char::REPLACEMENT_CHARACTER);
    !character.is_control() && !special
}

/// Checks the e-mail address, if present: no control characters, and at most 320 characters (RFC 3696, erratum 1690).
/// Sessions are found by it, and applications show it and send mail to it. A value that is not a string is ignored.
pub(crate) fn check_email(claims: &Map<String, Value>) -> Result<()> {
    let Some(email) = claims.get("email").and_then(Value::as_str) else { return Ok(()) };
    if email.chars().all(is_plain) && email.chars().count() <= 320 {
        return Ok(());
    }
    Err(Error::invalid_claim("email", "has control characters or more than 320 characters"))
}

/// Checks that the issuer is the expected one, character by character.
///
/// The comparison folds no case and ignores no slash (OIDC Core §3.1.3.7), because two spellings may be two servers.
pub(super) fn check_issuer(issuer: Option<&str>, expected: &str) -> Result<()> {
    match issuer {
        None => Err(Error::invalid_claim("iss", "is missing")),
        Some(issuer) if issuer != expected => Err(Error::invalid_claim("iss", "is not the configured issuer")),
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
    fn any_number_is_a_time_and_other_types_are_named() {
        let read = times(r#"{"exp":1.9,"iat":1e3,"nbf":99999999999999999999}"#).unwrap();
        let seconds = [read.exp, read.iat, read.nbf].map(|time| time.map(Timestamp::seconds));
        assert_eq!(seconds, [Some(1), Some(1_000), Some(i64::MAX)]);
        let beyond = times(r#"{"exp":1e400,"iat":-1e400,"nbf":-1e999}"#).unwrap();
        let seconds = [beyond.exp, beyond.iat, beyond.nbf].map(|time| time.map(Timestamp::seconds));
        assert_eq!(seconds, [Some(i64::MAX), Some(i64::MIN), Some(i64::MIN)]);
        for name in ["exp", "iat", "nbf"] {
            for bad in ["\"1\"", "[1]", "true", "{}", "\"\""] {
                let error = times(&format!(r#"{{"{name}":{bad}}}"#)).unwrap_err();
                assert_eq!((error.code(), error.claim()), (Code::TokenClaim, Some(name)), "{bad}");
            }
        }
    }

    #[test]
    fn identifiers_must_not_forge_log_lines() {
        let long = "\u{fc}".repeat(255);
        for fine in
            ["a", " ", "j\u{fc}rgen.m\u{fc}ller@example.test", "\u{1f600}", "a|b;c\"'<>", &"x".repeat(255), &long]
        {
            assert!(is_identifier(fine) && is_sid(fine), "{fine}");
        }
        assert!(is_sid(&"x".repeat(2_048)) && !is_sid(&"x".repeat(2_049)) && !is_sid(&"\u{fc}".repeat(2_049)));
        let control =
            ["a\n", "\ra", "\0", "\u{1b}[2J", "\t", "\u{7f}", "\u{85}", "\u{9b}", "\u{2028}", "\u{202e}", "\u{2066}"];
        for bad in control.into_iter().chain(["", "\u{fffd}", &"x".repeat(256), &format!("{long}x")]) {
            assert!(!is_identifier(bad), "{bad:?}");
            assert_eq!(check_subject(Some(bad)).unwrap_err().claim(), Some("sub"));
            assert!(!is_sid(bad) || bad.len() > 255, "{bad:?}");
        }
        let email = |email: &str| check_email(&Map::from_iter([("email".to_owned(), email.into())]));
        email("j\u{fc}rgen@example.test").unwrap();
        for bad in ["a@b\r\nBcc: c@d", &"x".repeat(321)] {
            assert_eq!(email(bad).unwrap_err().claim(), Some("email"));
        }
    }

    #[test]
    fn duplicate_claims_are_refused() {
        assert!(Payload::parse(br#"{"a":1,"b":1}"#).is_ok());
        for bad in [r#"{"a":1,"a":1}"#, r#"{"sub":"x","s\u0075b":"y"}"#, "[]", "1", "{} x", ""] {
            assert_eq!(Payload::parse(bad.as_bytes()).unwrap_err().code(), Code::TokenMalformed, "{bad}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(Payload::parse(format!(r#"{{"act":{deep}}}"#).as_bytes()).is_err());
    }

    #[test]
    fn audiences_are_strings() {
        let parse = |text: &str| serde_json::from_str::<Audience>(text);
        assert!(parse(r#""a""#).unwrap().contains("a") && parse(r#"["b","a"]"#).unwrap().contains("a"));
        assert!(parse(r#"["a",1]"#).is_err() && parse("null").is_err() && parse(r#"{"a":"a"}"#).is_err());
    }
}
