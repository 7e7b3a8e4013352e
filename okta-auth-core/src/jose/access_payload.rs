//! The payload of an access token, read in one pass and without building what nobody
//! may ask for.
//!
//! An API verifies a token with each request, so what happens after the signature
//! counts. Texts are borrowed from the payload, claims without a meaning here are
//! skipped, and the map of all claims is made when somebody first asks for it. What is
//! checked is the same as everywhere: each name once, each claim of its type.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::claims::{Audience, Times};
use crate::clock::NumericDate;
use crate::error::{Code, Error, Result};
use crate::json;

/// Claims that no access token has: those of ID tokens, logout tokens and DPoP proofs.
const OF_OTHERS: [&str; 6] = ["nonce", "at_hash", "c_hash", "events", "htm", "htu"];

/// The names of the claims with a meaning here.
const KNOWN: [&str; 13] =
    ["iss", "sub", "aud", "cid", "client_id", "uid", "scp", "scope", "exp", "nbf", "iat", "token_type", "active"];

/// The claims with a meaning here, each of its type.
#[derive(Debug, Default)]
pub(super) struct AccessPayload<'a> {
    /// Who issued it.
    pub(super) iss: Option<Cow<'a, str>>,
    /// Whom it speaks of.
    pub(super) sub: Option<Cow<'a, str>>,
    /// Whom it is for.
    pub(super) aud: Option<Audience>,
    /// The client, in Okta's form.
    pub(super) cid: Option<Cow<'a, str>>,
    /// The client, in the form of RFC 9068.
    pub(super) client_id: Option<Cow<'a, str>>,
    /// The user's id; absent for a machine.
    pub(super) uid: Option<Cow<'a, str>>,
    /// The scopes, in Okta's form.
    pub(super) scp: Option<Vec<String>>,
    /// The scopes, in the form of RFC 9068.
    pub(super) scope: Option<Cow<'a, str>>,
    /// The claims about time.
    pub(super) times: Times,
    /// What an introspection calls it.
    pub(super) token_type: Option<Cow<'a, str>>,
    /// What an introspection says.
    pub(super) active: Option<bool>,
    /// Whether a claim of another kind of token is there.
    pub(super) of_another_kind: bool,
    /// Whether it is bound to a key.
    pub(super) bound: bool,
}

impl<'a> AccessPayload<'a> {
    /// Reads a payload whose signature has been verified, or the answer of an
    /// introspection.
    ///
    /// # Errors
    /// [`Code::TokenMalformed`] if it is no JSON object with each name once,
    /// [`Code::TokenClaim`] if a claim is of another type than it should be.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut fault = None;
        json::object_with(bytes, Claims { fault: &mut fault }).map_err(|error| match fault {
            Some(Fault { claim, why }) if error.is_data() => Error::invalid_claim(claim, why),
            _ if error.is_data() => Error::new(Code::TokenClaim, "a claim of the token comes twice").with_cause(error),
            _ => Error::new(Code::TokenMalformed, "the token's payload is not a JSON object").with_cause(error),
        })
    }

    /// The scopes of both forms.
    pub(super) fn scopes(&mut self) -> Vec<String> {
        let mut scopes = self.scp.take().unwrap_or_default();
        let written = self.scope.as_deref().unwrap_or_default().split(' ').filter(|scope| !scope.is_empty());
        scopes.extend(written.map(str::to_owned));
        scopes
    }

    /// Reads the value of one claim. `null` is of no type that a claim may have.
    fn read<A: MapAccess<'a>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let time = |map: &mut A| map.next_value::<NumericDate>().map(|date| Some(date.0));
        match name {
            "iss" => self.iss = text(map)?,
            "sub" => self.sub = text(map)?,
            "aud" => self.aud = Some(map.next_value()?),
            "cid" => self.cid = text(map)?,
            "client_id" => self.client_id = text(map)?,
            "uid" => self.uid = text(map)?,
            "scp" => self.scp = Some(map.next_value()?),
            "scope" => self.scope = text(map)?,
            "exp" => self.times.exp = time(map)?,
            "nbf" => self.times.nbf = time(map)?,
            "iat" => self.times.iat = time(map)?,
            "token_type" => self.token_type = text(map)?,
            "active" => self.active = Some(map.next_value()?),
            other => {
                self.of_another_kind |= OF_OTHERS.contains(&other);
                self.bound |= other == "cnf";
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A text that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a text.
fn text<'a, A: MapAccess<'a>>(map: &mut A) -> Result<Option<Cow<'a, str>>, A::Error> {
    map.next_value::<Text<'a>>().map(|text| Some(text.0))
}

/// Reads an object and refuses a name that comes twice: which of the two counts would
/// be up to each reader.
struct Claims<'f> {
    /// What could not be read.
    fault: &'f mut Option<Fault>,
}

/// A claim that cannot be read, and why.
struct Fault {
    claim: &'static str,
    why: &'static str,
}

impl Claims<'_> {
    /// Notes the claim at fault, if it is one with a meaning here: other names are
    /// whatever the issuer says.
    fn note(&mut self, name: &str, why: &'static str) {
        *self.fault = KNOWN.iter().find(|known| **known == name).map(|claim| Fault { claim, why });
    }
}

impl<'de> DeserializeSeed<'de> for Claims<'_> {
    type Value = AccessPayload<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Claims<'_> {
    type Value = AccessPayload<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut payload = AccessPayload::default();
        let mut seen: Vec<Cow<'de, str>> = Vec::with_capacity(24);
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            if seen.contains(&name) {
                self.note(&name, "comes twice");
                return Err(de::Error::custom("a claim comes twice"));
            }
            payload.read(&name, &mut map).inspect_err(|_| self.note(&name, "is not of its type"))?;
            seen.push(name);
        }
        Ok(payload)
    }
}
