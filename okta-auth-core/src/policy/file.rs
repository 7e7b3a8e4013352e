//! Reads policies from TOML. The text is checked as a whole, and an error names its line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use toml::Spanned;

use super::claim::claim;
use super::credentials::AcceptedCredentials;
use super::rule::{self, Policy};
use super::set::{DefaultAccess, PolicySet};
use crate::clock::Seconds;
use crate::error::{Code, Error, Result};

impl PolicySet {
    /// Reads policies from a TOML text: a table for each policy, with its `rule` and, if it protects routes, its
    /// `routes`. `accepts` sets the credentials that these routes accept: `"session"`, which is the default, `"token"`,
    /// or `"session_or_token"`.
    ///
    /// Two settings may precede the tables: `default` (`"deny"`, `"signed_in"` or `"open"`) for requests to routes
    /// without a policy, and `public`, a list of routes that are always open.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::policy::PolicySet;
    ///
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let policies = PolicySet::parse(r#"
    ///     default = "signed_in"
    ///     public = ["/", "/health"]
    ///
    ///     [admin]
    ///     rule = { group = "Admins" }
    ///     routes = ["/admin"]
    ///
    ///     [write-orders]
    ///     rule = { any = [
    ///         { group = "Admins" },
    ///         { all = [{ scope = "orders:write" }, { acr = "urn:okta:loa:2fa:any" }, { signed_in_within = 300 }] },
    ///     ] }
    /// "#)?;
    /// assert!(policies.route("/admin").is_some());
    /// assert_eq!(policies.names().collect::<Vec<_>>(), ["admin", "write-orders"]);
    ///
    /// let error = PolicySet::parse("[admin]\nrule = { grup = \"Admins\" }").unwrap_err();
    /// assert!(error.to_string().contains("line 2") && error.to_string().contains("`group`"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A rule is one of:
    ///
    /// | rule | meaning |
    /// |---|---|
    /// | `{ group = "Admins" }` | [`group`](super::group) |
    /// | `{ scope = "orders:read" }` | [`scope`](super::scope) |
    /// | `{ acr = "urn:..." }`, `{ acr = ["urn:...", "phr"] }` | [`acr`](super::acr), [`acr_one_of`](super::acr_one_of) |
    /// | `{ amr = "mfa" }` | [`amr`](super::amr) |
    /// | `{ signed_in_within = 300 }` | [`signed_in_within`](super::signed_in_within), in seconds |
    /// | `{ tenant = "https://..." }` | [`tenant`](super::tenant) |
    /// | `{ claim = { name = "department", equals = "Sales" } }` | [`claim`]; or `contains`, `one_of`, `present = true` |
    /// | `{ actor = "0oa..." }` | [`actor`](super::actor) |
    /// | `"signed_in"`, `"user"`, `"machine"`, `"bound"`, `"no_actor"`, `"anyone"`, `"nobody"` | the functions of those names |
    /// | `{ all = [..] }`, `{ any = [..] }`, `{ not = .. }` | `&`, `\|`, `!` |
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] if the text is not valid TOML or a policy is invalid; the message names the line of the
    /// mistake and the accepted values.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_named("the policies", text)
    }

    /// Reads policies from a file; see [`parse`](Self::parse).
    ///
    /// The file is read once, at startup. To change permissions, edit the file and restart; no rebuild is needed, and
    /// the old and the new rules are never mixed.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] if the file cannot be read or is invalid; the message names the line of the mistake.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let name = path.as_ref().display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(Code::PolicyInvalid, format!("`{name}` cannot be read: {error}")).with_cause(error)
        })?;
        Self::parse_named(&name, &text)
    }

    /// `name` is the name of the text in error messages.
    fn parse_named(name: &str, text: &str) -> Result<Self> {
        let invalid = |at: Option<usize>, message: &str| {
            let line = at.map(|at| line_of(text, at)).map_or(String::new(), |line| format!(", line {line}"));
            let several = message.contains("exactly 1 element");
            let message =
                if several { "a rule has one condition; combine several with `all` or `any`" } else { message };
            Error::new(Code::PolicyInvalid, format!("{name}{line}: {}", message.trim_end()))
        };
        let document: Document =
            toml::from_str(text).map_err(|error| invalid(error.span().map(|span| span.start), error.message()))?;
        let mut set = Self::default();
        if let Some(access) = document.default {
            set = set.default_access(access);
        }
        for route in document.public {
            set = set.public(checked_route(route).map_err(|(at, problem)| invalid(Some(at), &problem))?);
        }
        for (name, entry) in document.policies {
            let at = entry.rule.span().start;
            let policy = entry.rule.into_inner().policy().map_err(|problem| invalid(Some(at), &problem))?;
            let policy = policy.named(name.as_str());
            for route in entry.routes {
                let at = route.span().start;
                let route = checked_route(route).map_err(|(at, problem)| invalid(Some(at), &problem))?;
                set = set.protect_for(route, entry.accepts.into(), policy.clone());
                set.check().map_err(|error| invalid(Some(at), &error.to_string()))?;
            }
            set = set.with(name, policy);
        }
        Ok(set)
    }
}

fn checked_route(route: Spanned<String>) -> Result<String, (usize, String)> {
    let at = route.span().start;
    let route = route.into_inner();
    if route.starts_with('/') {
        return Ok(route);
    }
    Err((at, format!("the route `{route}` does not begin with a slash; write `/{route}`")))
}

/// The line of a position, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

/// The file. A policy may be named `default` or `public`; it is then a table.
#[derive(Default)]
struct Document {
    default: Option<DefaultAccess>,
    public: Vec<Spanned<String>>,
    policies: BTreeMap<String, Entry>,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("policies")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut document = Document::default();
        while let Some(name) = map.next_key::<String>()? {
            let entry = match name.as_str() {
                "default" => match map.next_value()? {
                    Item::Setting(DefaultSource(access)) => {
                        document.default = Some(access);
                        continue;
                    }
                    Item::Policy(entry) => entry,
                },
                "public" => match map.next_value()? {
                    Item::Setting(Routes(routes)) => {
                        document.public = routes;
                        continue;
                    }
                    Item::Policy(entry) => entry,
                },
                _ => map.next_value()?,
            };
            document.policies.insert(name, entry);
        }
        Ok(document)
    }
}

enum Item<S> {
    Setting(S),
    Policy(Entry),
}

impl<'de, S: Deserialize<'de>> Deserialize<'de> for Item<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor(std::marker::PhantomData))
    }
}

struct ItemVisitor<S>(std::marker::PhantomData<S>);

impl<'de, S: Deserialize<'de>> Visitor<'de> for ItemVisitor<S> {
    type Value = Item<S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`default = \"deny\"`, \"signed_in\" or \"open\"; `public = [..]`, a list of routes; or a policy")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Item<S>, E> {
        S::deserialize(serde::de::value::StrDeserializer::new(text)).map(Item::Setting)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, routes: A) -> Result<Item<S>, A::Error> {
        S::deserialize(SeqAccessDeserializer::new(routes)).map(Item::Setting)
    }

    fn visit_map<A: MapAccess<'de>>(self, entry: A) -> Result<Item<S>, A::Error> {
        Entry::deserialize(MapAccessDeserializer::new(entry)).map(Item::Policy)
    }
}

struct DefaultSource(DefaultAccess);

impl<'de> Deserialize<'de> for DefaultSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Word {
            Deny,
            SignedIn,
            Open,
        }
        Ok(Self(match Word::deserialize(deserializer)? {
            Word::Deny => DefaultAccess::Deny,
            Word::SignedIn => DefaultAccess::SignedIn,
            Word::Open => DefaultAccess::Open,
        }))
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Routes(Vec<Spanned<String>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: Spanned<Source>,
    #[serde(default)]
    routes: Vec<Spanned<String>>,
    #[serde(default)]
    accepts: AcceptsSource,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AcceptsSource {
    #[default]
    Session,
    SessionOrToken,
    Token,
}

impl From<AcceptsSource> for AcceptedCredentials {
    fn from(source: AcceptsSource) -> Self {
        match source {
            AcceptsSource::Session => Self::Session,
            AcceptsSource::SessionOrToken => Self::SessionOrBearer,
            AcceptsSource::Token => Self::BearerOnly,
        }
    }
}

/// A rule in the file: a table with one entry, or a word. `serde` and `toml` report an unknown name with the known ones
/// and the line.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    Group(String),
    Scope(String),
    Acr(OneOrMore),
    Amr(String),
    SignedInWithin(Seconds),
    Tenant(String),
    Claim(ClaimSource),
    SignedIn,
    User,
    Machine,
    Bound,
    Actor(String),
    NoActor,
    Anyone,
    Nobody,
    All(Vec<Source>),
    Any(Vec<Source>),
    Not(Box<Source>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`acr` is a text, or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A claim with exactly one test. Two tests would be ambiguous between `all` and `any`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimSource {
    name: String,
    equals: Option<Value>,
    contains: Option<Value>,
    one_of: Option<Vec<Value>>,
    present: Option<bool>,
}

impl Source {
    fn policy(self) -> Result<Policy, String> {
        Ok(match self {
            Self::Group(name) => rule::group(filled("group", name)?),
            Self::Scope(name) => rule::scope(filled("scope", name)?),
            Self::Acr(OneOrMore::One(value)) => rule::acr(filled("acr", value)?),
            Self::Acr(OneOrMore::More(values)) if values.is_empty() => return Err(empty("acr")),
            Self::Acr(OneOrMore::More(values)) => rule::acr_one_of(values),
            Self::Amr(method) => rule::amr(filled("amr", method)?),
            Self::SignedInWithin(Seconds(time)) => rule::signed_in_within(time),
            Self::Tenant(issuer) => rule::tenant(filled("tenant", issuer)?),
            Self::Claim(claim) => claim.policy()?,
            Self::SignedIn => rule::signed_in(),
            Self::User => rule::user(),
            Self::Machine => rule::machine(),
            Self::Bound => rule::bound(),
            Self::Actor(subject) => rule::actor(filled("actor", subject)?),
            Self::NoActor => rule::no_actor(),
            Self::Anyone => rule::anyone(),
            Self::Nobody => rule::nobody(),
            Self::All(rules) => Policy::all(policies("all", rules)?),
            Self::Any(rules) => Policy::any(policies("any", rules)?),
            Self::Not(rule) => !rule.policy()?,
        })
    }
}

impl ClaimSource {
    fn policy(self) -> Result<Policy, String> {
        let name = claim(filled("claim", self.name)?);
        match (self.equals, self.contains, self.one_of, self.present) {
            (Some(value), None, None, None) => Ok(name.equals(value)),
            (None, Some(value), None, None) => Ok(name.contains(value)),
            (None, None, Some(values), None) if values.is_empty() => Err(empty("one_of")),
            (None, None, Some(values), None) => Ok(name.one_of(values)),
            (None, None, None, Some(true)) => Ok(name.is_present()),
            _ => Err("a claim takes one of `equals`, `contains`, `one_of` and `present = true`".to_owned()),
        }
    }
}

fn policies(name: &str, rules: Vec<Source>) -> Result<Vec<Policy>, String> {
    if rules.is_empty() { Err(empty(name)) } else { rules.into_iter().map(Source::policy).collect() }
}

fn filled(name: &str, text: String) -> Result<String, String> {
    if text.trim().is_empty() { Err(empty(name)) } else { Ok(text) }
}

fn empty(name: &str) -> String {
    format!("`{name}` is empty; set a value, or use \"nobody\" or \"anyone\"")
}
