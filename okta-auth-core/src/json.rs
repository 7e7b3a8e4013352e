//! JSON objects as the protocols have them.
//!
//! `serde` reads a struct from an array too, member after member, and of a name that
//! comes twice the last one counts. Another reader of the same document would see
//! something else, so neither is accepted.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Reads a whole document that is an object.
///
/// # Errors
/// Those of `serde_json`; for an array, for anything else that is no object, and for
/// anything after it.
pub(crate) fn object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> serde_json::Result<T> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(de::Error::custom("no JSON object"));
    }
    serde_json::from_slice(bytes)
}

/// An object in which no name comes twice.
#[derive(Debug)]
pub(crate) struct Unique(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Names).map(Self)
    }
}

/// Reads an object and refuses a name that comes twice.
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
                return Err(de::Error::custom("a name comes twice"));
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
    fn an_object_is_no_array_and_ends_where_it_ends() {
        let Pair { a, b } = object(b" \n{\"a\":1,\"b\":2} ").unwrap();
        assert_eq!((a, b), (1, 2));
        assert!(serde_json::from_slice::<Pair>(b"[1,2]").is_ok(), "the premise");
        for bad in ["[1,2]", " [1,2]", "", "null", "1", "{\"a\":1,\"b\":2}x", "{\"a\":1,\"b\":2}{}"] {
            assert!(object::<Pair>(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(object::<Unique>(br#"{"a":1,"b":1}"#).is_ok());
        for bad in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, "[]"] {
            assert!(object::<Unique>(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
