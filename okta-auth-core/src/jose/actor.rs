//! Actors: who uses a token for its user (RFC 8693 §4.1).

use std::fmt;
use std::iter::successors;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::claims::is_identifier;

/// The number of actors in one token. A longer chain is rejected: no handler could judge it.
pub(super) const MAX_ACTORS: usize = 8;

/// A party that uses a token for its user, such as an AI agent: the claim `act` of RFC 8693 §4.1, with `sub_profile` as
/// Okta writes it.
///
/// A chain begins with the present actor. Base decisions on this one alone; the earlier ones only inform (RFC 8693
/// §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    subject: String,
    issuer: Option<String>,
    profile: Option<String>,
    previous: Option<Box<Self>>,
}

impl Actor {
    /// The identifier of the actor, unique for its issuer.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The issuer of the identifier, if it is not the token's issuer.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The kind of actor: at Okta `ai_agent` or `service`.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The actor that this one received its authority from.
    pub fn previous(&self) -> Option<&Self> {
        self.previous.as_deref()
    }

    /// All actors, the present one first. There are at most eight.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        successors(Some(self), |actor| actor.previous())
    }
}

/// The claim, with the number of actors that it may still contain.
pub(super) struct Chain(pub(super) usize);

impl<'de> DeserializeSeed<'de> for Chain {
    type Value = Actor;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Actor, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Chain {
    type Value = Actor;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an actor with a subject")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Actor, A::Error> {
        let left = self.0.checked_sub(1).ok_or_else(|| de::Error::custom("too many actors"))?;
        let mut members = Members::default();
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if seen.contains(&name) {
                return Err(de::Error::custom("a member occurs twice"));
            }
            match name.as_str() {
                "sub" => members.subject = Some(map.next_value::<Identifier>()?.0),
                "iss" => members.issuer = Some(map.next_value::<Identifier>()?.0),
                "sub_profile" => members.profile = Some(map.next_value::<Identifier>()?.0),
                "act" => members.previous = Some(Box::new(map.next_value_seed(Self(left))?)),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            seen.push(name);
        }
        let Members { subject, issuer, profile, previous } = members;
        let subject = subject.ok_or_else(|| de::Error::missing_field("sub"))?;
        Ok(Actor { subject, issuer, profile, previous })
    }
}

#[derive(Default)]
struct Members {
    subject: Option<String>,
    issuer: Option<String>,
    profile: Option<String>,
    previous: Option<Box<Actor>>,
}

/// A string that is safe in logs.
struct Identifier(String);

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if is_identifier(&text) { Ok(Self(text)) } else { Err(de::Error::custom("not an identifier")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Actor, serde_json::Error> {
        Chain(MAX_ACTORS).deserialize(&mut serde_json::Deserializer::from_str(json))
    }

    fn nested(depth: usize) -> String {
        (1..depth).fold(r#"{"sub":"agent"}"#.to_owned(), |inner, _| format!(r#"{{"sub":"agent","act":{inner}}}"#))
    }

    #[test]
    fn a_chain_is_read_from_the_present_actor_to_the_first() {
        let actor = read(
            r#"{"sub":"agent","sub_profile":"ai_agent","more":[1],"act":{"iss":"https://x.okta.com","sub":"job","sub_profile":"service"}}"#,
        )
        .unwrap();
        assert_eq!((actor.subject(), actor.profile(), actor.issuer()), ("agent", Some("ai_agent"), None));
        let first = actor.previous().unwrap();
        assert_eq!((first.subject(), first.issuer()), ("job", Some("https://x.okta.com")));
        assert!(first.previous().is_none());
        assert_eq!(actor.chain().count(), 2);
    }

    #[test]
    fn the_depth_is_bounded() {
        assert_eq!(read(&nested(MAX_ACTORS)).unwrap().chain().count(), MAX_ACTORS);
        assert!(read(&nested(MAX_ACTORS + 1)).is_err());
        assert!(read(&nested(500)).is_err());
    }

    #[test]
    fn malformed_actors_are_rejected() {
        for bad in [
            "null",
            "\"agent\"",
            "[]",
            "{}",
            r#"{"sub":""}"#,
            r#"{"sub":7}"#,
            r#"{"sub":"a\nb"}"#,
            r#"{"sub":"a","sub":"b"}"#,
            r#"{"sub":"a","sub_profile":["ai_agent"]}"#,
            r#"{"sub":"a","act":{}}"#,
            r#"{"sub":"a","act":null}"#,
            r#"{"sub":"a","iss":7}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
