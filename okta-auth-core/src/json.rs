//! Strict parsing of JSON objects.
//!
//! `serde` also accepts an array for a struct, and takes the last value of a duplicate name. Another parser of the same
//! document would get other values, so both are rejected.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::expectation;

/// Parses a document that is a JSON object.
///
/// # Errors
/// Those of `serde_json`, and an error for an array, for any other type, and for trailing data.
pub(crate) fn object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> serde_json::Result<T> {
    object_with(bytes, PhantomData)
}

/// Like [`object`], with a seed.
pub(crate) fn object_with<'a, S: DeserializeSeed<'a>>(bytes: &'a [u8], seed: S) -> serde_json::Result<S::Value> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(de::Error::custom("not a JSON object"));
    }
    // `from_slice` does not check the strings of members that it skips.
    let text = std::str::from_utf8(bytes).map_err(|_| de::Error::custom("not UTF-8"))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Parses a document that is a JSON object, and names the invalid member.
///
/// Tracking the members costs time, so this is for rarely parsed documents. Numbers that are out of range saturate.
pub(crate) fn document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    parse_document(bytes).or_else(|error| {
        // The document may have tokens.
        saturated(bytes).map(Zeroizing::new).map_or(Err(error), |bytes| parse_document(&bytes))
    })
}

fn parse_document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Unreadable("it is not a JSON object".to_owned()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable("it is not UTF-8".to_owned()))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| Unreadable::at(&error))?;
    reader.end().map_err(|_| Unreadable("it has trailing data after its JSON object".to_owned()))?;
    Ok(value)
}

/// Why a document is invalid: the member, and the expected type. It never contains a value of the document.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

impl Unreadable {
    fn at(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let text = error.inner().to_string();
        let member = match error.path().iter().next() {
            Some(serde_path_to_error::Segment::Map { key }) if is_name(key) => Some(key),
            _ => None,
        };
        let quoted = |text: &str| text.split('`').nth(1).filter(|name| is_name(name)).map(str::to_owned);
        // These two messages contain only field names of our own types.
        let (missing, twice) = (text.starts_with("missing field"), text.starts_with("duplicate field"));
        Self(match (member, quoted(&text)) {
            (_, Some(name)) if missing => format!("its member `{name}` is missing"),
            (_, Some(name)) if twice => format!("its member `{name}` occurs twice"),
            (Some(name), _) if error.inner().is_data() => format!("its member `{name}` {}", wrong(&text)),
            _ if error.inner().is_data() => wrong(&text),
            _ => format!("it is not JSON (line {} column {})", error.inner().line(), error.inner().column()),
        })
    }
}

fn wrong(message: &str) -> String {
    let unusable = || "has a value that cannot be used".to_owned();
    expectation(message).map_or_else(unusable, |expected| format!("is not {expected}"))
}

/// Whether a member's name may appear in a message, which names of specifications may.
fn is_name(name: &str) -> bool {
    name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Replaces numbers that are out of the range of a double: `1e400` becomes `1e308`. Returns `None` if there are none.
///
/// `serde_json` refuses such a document, although RFC 8259 §6 allows any number. No value of that size is meaningful
/// here, so a very large number takes its place.
pub(crate) fn saturated(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut kept, mut rest, mut changed) = (Vec::with_capacity(bytes.len()), bytes, false);
    while let Some((first, others)) = rest.split_first() {
        let length = match first {
            b'"' => string_length(others).saturating_add(1),
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len())
            }
            _ => 1,
        };
        let (part, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let number =
            if *first == b'"' { None } else { std::str::from_utf8(part).ok().and_then(|text| text.parse().ok()) };
        match number {
            Some(f64::INFINITY) => kept.extend_from_slice(b"1e308"),
            Some(f64::NEG_INFINITY) => kept.extend_from_slice(b"-1e308"),
            _ => kept.extend_from_slice(part),
        }
        changed |= number.is_some_and(f64::is_infinite);
        rest = after;
    }
    changed.then_some(kept)
}

/// How long a string is after its first quote, the last one included.
fn string_length(bytes: &[u8]) -> usize {
    let mut escaped = false;
    let end = bytes.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map_or(bytes.len(), |end| end.saturating_add(1))
}

/// An object without duplicate names.
#[derive(Debug)]
pub(crate) struct Unique(pub(crate) Map<String, Value>);

impl Unique {
    /// Reads a whole document. Numbers that are out of range saturate.
    pub(crate) fn read(bytes: &[u8]) -> serde_json::Result<Self> {
        object(bytes).or_else(|error| saturated(bytes).map_or(Err(error), |bytes| object(&bytes)))
    }
}

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Names).map(Self)
    }
}

/// Deserializes an object and rejects duplicate names.
struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map<String, Value>, A::Error> {
        let mut all = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if all.insert(name, value).is_some() {
                return Err(de::Error::custom("a name occurs twice"));
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Pair {
        a: u8,
        b: u8,
    }

    #[test]
    fn errors_name_the_member_and_no_value() {
        assert_eq!(document::<Pair>(br#"{"a":1,"b":2,"c":[{}]}"#).unwrap().b, 2);
        assert_eq!(document::<Pair>(br#"{"a":1,"b":2,"c":[-1e400]}"#).unwrap().b, 2);
        for (json, why) in [
            (r#"{"a":"private","b":2}"#, "its member `a` is not u8"),
            (r#"{"a":1,"b":300}"#, "its member `b` is not u8"),
            (r#"{"b":2}"#, "its member `a` is missing"),
            (r#"{"a":1,"a":2,"b":3}"#, "its member `a` occurs twice"),
            (r#"{"a":1,"b":private}"#, "it is not JSON (line 1 column 12)"),
            (r#"{"a":1,"b":2}private"#, "it has trailing data after its JSON object"),
            ("[1,2]", "it is not a JSON object"),
            ("", "it is not a JSON object"),
            (r#"{"a":1,"b":1e400}"#, "its member `b` is not u8"),
            (r#"{"a":1,"b":2,"c":1e400"#, "it is not JSON (line 1 column 22)"),
        ] {
            assert_eq!(document::<Pair>(json.as_bytes()).unwrap_err().to_string(), why, "{json}");
        }
    }

    #[test]
    fn a_document_is_utf8_in_every_member() {
        for bad in
            [&b"{\"a\":1,\"b\":2,\"c\":\"\xff\"}"[..], b"{\"a\":1,\"b\":2,\"\xc0\x80\":1}", b"{\"a\":1,\"b\":2}\xff"]
        {
            assert_eq!(document::<Pair>(bad).unwrap_err().to_string(), "it is not UTF-8");
            assert!(object::<Pair>(bad).is_err());
        }
        assert!(object::<Pair>(r#"{"a":1,"b":2,"c":"\u00fc ü"}"#.as_bytes()).is_ok());
    }

    #[test]
    fn numbers_beyond_every_range_become_the_greatest_and_nothing_else_changes() {
        let fixed = |json: &str| saturated(json.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
        let text = r#"{"1e400":"1e400\"1e400\\","exp":1e400,"a":[-9.5E+999,1e3],"b":-1}"#;
        let expected = r#"{"1e400":"1e400\"1e400\\","exp":1e308,"a":[-1e308,1e3],"b":-1}"#;
        assert_eq!(fixed(text).as_deref(), Some(expected));
        assert!(serde_json::from_str::<Value>(text).is_err() && serde_json::from_str::<Value>(expected).is_ok());
        for other in [r#"{"exp":1e308,"a":"1e400"}"#, "", "\"", r#"{"a":"\"#, "inf", "[nan,infinity]", "1e", "-"] {
            assert_eq!(fixed(other), None, "{other}");
        }
    }

    #[test]
    fn arrays_and_trailing_data_are_rejected() {
        let Pair { a, b } = object(b" \n{\"a\":1,\"b\":2} ").unwrap();
        assert_eq!((a, b), (1, 2));
        assert!(serde_json::from_slice::<Pair>(b"[1,2]").is_ok(), "serde itself accepts an array");
        for bad in ["[1,2]", " [1,2]", "", "null", "1", "{\"a\":1,\"b\":2}x", "{\"a\":1,\"b\":2}{}"] {
            assert!(object::<Pair>(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(object::<Unique>(br#"{"a":1,"b":1}"#).is_ok());
        for bad in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, "[]"] {
            assert!(object::<Unique>(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
