//! Policies from TOML, checked as a whole, each mistake with its line.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::condition::claim;
use super::rule::{self, Policy};
use super::set::PolicySet;
use crate::clock::Seconds;
use crate::error::{Code, Error, Result};

impl PolicySet {
    /// Reads policies from a TOML text: a table for each policy, with its `rule` and,
    /// if it protects routes, its `routes`.
    ///
    /// ```
    /// use okta_auth_core::policy::PolicySet;
    ///
    /// # fn main() -> Result<(), okta_auth_core::error::Error> {
    /// let policies = PolicySet::parse(r#"
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
    /// | `"signed_in"`, `"user"`, `"machine"`, `"anyone"`, `"nobody"` | the functions of those names |
    /// | `{ all = [..] }`, `{ any = [..] }`, `{ not = .. }` | `&`, `\|`, `!` |
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`], with the line of the mistake and what would be right.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_named("the policies", text)
    }

    /// Reads policies from a file; see [`parse`](Self::parse).
    ///
    /// The file is read once, at start. To change who may do what, change the file and
    /// start again: no rebuild, and no moment in which half of the rules are the old
    /// ones.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] if it cannot be read, or with the line of the mistake.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let name = path.as_ref().display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(Code::PolicyInvalid, format!("`{name}` cannot be read: {error}")).with_cause(error)
        })?;
        Self::parse_named(&name, &text)
    }

    /// Reads `text` and calls it `name` in messages.
    fn parse_named(name: &str, text: &str) -> Result<Self> {
        let invalid = |at: Option<usize>, message: &str| {
            let line = at.map(|at| line_of(text, at)).map_or(String::new(), |line| format!(", line {line}"));
            let several = message.contains("exactly 1 element");
            let message = if several { "a rule is one thing; put several into `all` or `any`" } else { message };
            Error::new(Code::PolicyInvalid, format!("{name}{line}: {}", message.trim_end()))
        };
        let entries: BTreeMap<String, Entry> =
            toml::from_str(text).map_err(|error| invalid(error.span().map(|span| span.start), error.message()))?;
        let mut set = Self::default();
        for (name, entry) in entries {
            let at = entry.rule.span().start;
            let policy = entry.rule.into_inner().policy().map_err(|problem| invalid(Some(at), &problem))?;
            let policy = policy.named(name.as_str());
            for route in entry.routes {
                if !route.get_ref().starts_with('/') {
                    let message = format!("the route `{0}` does not begin with a slash; write `/{0}`", route.get_ref());
                    return Err(invalid(Some(route.span().start), &message));
                }
                set = set.protect(route.into_inner(), policy.clone());
            }
            set = set.with(name, policy);
        }
        Ok(set)
    }
}

/// The line that a position is on, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

/// One policy of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: Spanned<Source>,
    #[serde(default)]
    routes: Vec<Spanned<String>>,
}

/// A rule as it is written: a table with one entry, or a word. Names that are not here
/// are an error with those that are, and the line; that is what `serde` and `toml` do
/// by themselves.
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
    Anyone,
    Nobody,
    All(Vec<Source>),
    Any(Vec<Source>),
    Not(Box<Source>),
}

/// One text, or a list of them.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`acr` is a text, or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A claim, and the one thing that is asked of it. Two at once would have to be read as
/// `all` or as `any`, and somebody would guess wrong.
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
    /// The policy that is written; or what is wrong with it.
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
            Self::Anyone => rule::anyone(),
            Self::Nobody => rule::nobody(),
            Self::All(rules) => Policy::all(policies("all", rules)?),
            Self::Any(rules) => Policy::any(policies("any", rules)?),
            Self::Not(rule) => !rule.policy()?,
        })
    }
}

impl ClaimSource {
    /// Exactly one thing is asked of a claim.
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

/// The policies of a list that has at least one.
fn policies(name: &str, rules: Vec<Source>) -> Result<Vec<Policy>, String> {
    if rules.is_empty() { Err(empty(name)) } else { rules.into_iter().map(Source::policy).collect() }
}

/// A text that is not empty.
fn filled(name: &str, text: String) -> Result<String, String> {
    if text.trim().is_empty() { Err(empty(name)) } else { Ok(text) }
}

/// What is wrong with an empty text or list, and what to do.
fn empty(name: &str) -> String {
    format!("`{name}` is empty; fill it in, or write \"nobody\" or \"anyone\" to mean that")
}
