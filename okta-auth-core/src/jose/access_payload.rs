//! A parser for the payload of an access token, in one pass and with few allocations.
//!
//! An API verifies a token with each request, so the cost after the signature matters. Strings are borrowed from the
//! payload, unknown claims are skipped, and the map of all claims is built only on first use. The checks are the same
//! as for other tokens: no duplicate names, and each claim has its type.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::actor::{Actor, Chain, MAX_ACTORS};
use super::claims::{Audience, Times};
use super::unverified::unverified_claims;
use crate::base64url;
use crate::clock::NumericDate;
use crate::error::{Code, Error, Result};
use crate::json;

/// Claims that never occur in an access token: those of ID tokens, logout tokens and DPoP proofs.
const OF_OTHERS: [&str; 6] = ["nonce", "at_hash", "c_hash", "events", "htm", "htu"];

/// The values of `token_use` (Ory, Amazon Cognito) and `token_class` (idpyoidc) for access tokens.
const ACCESS_TOKEN_USES: [&str; 2] = ["access_token", "access"];

const KNOWN: [&str; 16] = [
    "iss",
    "sub",
    "aud",
    "cid",
    "client_id",
    "uid",
    "scp",
    "scope",
    "exp",
    "nbf",
    "iat",
    "token_type",
    "active",
    "act",
    "sub_profile",
    "cnf",
];

#[derive(Debug, Default)]
pub(super) struct AccessPayload<'a> {
    pub(super) iss: Option<Cow<'a, str>>,
    pub(super) sub: Option<Cow<'a, str>>,
    pub(super) aud: Option<Audience>,
    /// The client, as `cid` in Okta's form.
    pub(super) cid: Option<Cow<'a, str>>,
    pub(super) client_id: Option<Cow<'a, str>>,
    pub(super) uid: Option<Cow<'a, str>>,
    /// The scopes, in Okta's form.
    pub(super) scp: Option<Vec<String>>,
    pub(super) scope: Option<Cow<'a, str>>,
    pub(super) times: Times,
    pub(super) token_type: Option<Cow<'a, str>>,
    pub(super) active: Option<bool>,
    pub(super) act: Option<Actor>,
    /// The kind of subject, which Okta writes if it is not a user.
    pub(super) sub_profile: Option<Cow<'a, str>>,
    /// Whether a claim of another kind of token is present.
    pub(super) of_another_kind: bool,
    /// Whether a member that some providers add to introspection responses says that the token is no access token.
    pub(super) has_another_use: bool,
    pub(super) binding: Binding,
}

/// The confirmation claim (`cnf`, RFC 7800 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Binding {
    /// The token is a bearer token.
    #[default]
    None,
    /// The thumbprint of the key that the client has to prove (`jkt`, RFC 9449 §6.1).
    DpopKey([u8; 32]),
    /// Another confirmation method, several, or an invalid one.
    Unsupported,
}

impl Binding {
    /// Reads the confirmation of a token that the issuer itself verifies. A text that is not a JWT has none.
    pub(super) fn unverified(token: &str) -> Self {
        let claims = unverified_claims::<Map<String, Value>>(token).unwrap_or_default();
        claims.get("cnf").map_or(Self::None, Self::read)
    }

    /// Combines what two sources say about one token. Both may be silent, and neither may contradict the other.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, binding) | (binding, Self::None) => binding,
            (one, other) if one == other => one,
            _ => Self::Unsupported,
        }
    }

    fn read(confirmation: &Value) -> Self {
        let only = confirmation.as_object().filter(|members| members.len() == 1);
        let jkt = only.and_then(|members| members.get("jkt")?.as_str());
        let thumbprint = jkt.and_then(|jkt| base64url::decode(jkt).ok()?.try_into().ok());
        thumbprint.map_or(Self::Unsupported, Self::DpopKey)
    }
}

impl<'a> AccessPayload<'a> {
    /// Parses a payload whose signature has been verified, or an introspection response.
    ///
    /// # Errors
    /// [`Code::TokenMalformed`] if it is not a JSON object; [`Code::TokenClaim`] if a name occurs twice or a claim has
    /// a wrong type.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut fault = None;
        json::object_with(bytes, Claims { fault: &mut fault }).map_err(|error| match fault {
            Some(Fault { claim, why }) if error.is_data() => Error::invalid_claim(claim, why),
            _ if error.is_data() => Error::new(Code::TokenClaim, "a claim occurs twice in the token").with_cause(error),
            _ => Error::new(Code::TokenMalformed, "the token's payload is not a JSON object").with_cause(error),
        })
    }

    /// Whether the token names its client, or is one that an ID-JAG was exchanged for: Okta's samples of these name an
    /// actor and scopes as text, and no client. No ID token has both.
    pub(super) fn names_its_holder(&self) -> bool {
        let has_scope = self.scope.as_deref().is_some_and(|scope| !scope.trim().is_empty());
        self.cid.is_some() || self.client_id.is_some() || (self.act.is_some() && has_scope)
    }

    pub(super) fn scopes(&mut self) -> Vec<String> {
        let mut scopes = self.scp.take().unwrap_or_default();
        let written = self.scope.as_deref().unwrap_or_default().split(' ').filter(|scope| !scope.is_empty());
        scopes.extend(written.map(str::to_owned));
        scopes
    }

    /// Parses the value of one claim. `null` is never valid.
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
            "act" => self.act = Some(map.next_value_seed(Chain(MAX_ACTORS))?),
            "sub_profile" => self.sub_profile = text(map)?,
            "cnf" => self.binding = Binding::read(&map.next_value()?),
            "active" => self.active = Some(map.next_value()?),
            "token_use" | "token_class" => {
                let value: Value = map.next_value()?;
                self.has_another_use |= value.as_str().is_some_and(|used| !ACCESS_TOKEN_USES.contains(&used));
            }
            other => {
                self.of_another_kind |= OF_OTHERS.contains(&other);
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A string, borrowed if it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text<'a, A: MapAccess<'a>>(map: &mut A) -> Result<Option<Cow<'a, str>>, A::Error> {
    map.next_value::<Text<'a>>().map(|text| Some(text.0))
}

/// Deserializes an object and rejects duplicate names, because parsers disagree about which value counts.
struct Claims<'f> {
    fault: &'f mut Option<Fault>,
}

struct Fault {
    claim: &'static str,
    why: &'static str,
}

impl Claims<'_> {
    /// Records the claim at fault, if it has a meaning here. Other names are chosen by the issuer and must not appear
    /// in a message.
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
                self.note(&name, "occurs twice");
                return Err(de::Error::custom("a claim occurs twice"));
            }
            payload.read(&name, &mut map).inspect_err(|_| self.note(&name, "has a wrong type"))?;
            seen.push(name);
        }
        Ok(payload)
    }
}
