//! The sender of a request, as policies see it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::jose::{Actor, VerifiedAccessToken};
use crate::session::Session;

/// A signed-in user, the holder of an access token, or an anonymous sender.
///
/// One request has one caller: if it presents a token, the session is ignored. Cheap to clone.
///
/// All data is verified: this application sealed the session after a sign-in, and a token has passed every rule of its
/// kind. The meaning of a claim depends on its configuration at Okta.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::policy::check;
///
/// let same_country = check("same country", |caller| async move {
///     caller.claim("/address/country").is_some_and(|country| country == "SE")
/// });
/// # let _ = same_country;
/// ```
#[derive(Clone)]
pub struct Caller {
    who: Who,
    now: Timestamp,
    leeway: Duration,
}

#[derive(Clone)]
enum Who {
    Anonymous,
    User(Arc<Session>),
    Token(VerifiedAccessToken),
}

impl Caller {
    pub(crate) fn anonymous(now: Timestamp, leeway: Duration) -> Self {
        Self { who: Who::Anonymous, now, leeway }
    }

    pub(crate) fn user(session: Arc<Session>, now: Timestamp, leeway: Duration) -> Self {
        Self { who: Who::User(session), now, leeway }
    }

    pub(crate) fn token(token: VerifiedAccessToken, now: Timestamp, leeway: Duration) -> Self {
        Self { who: Who::Token(token), now, leeway }
    }

    /// Whether the caller has neither a session nor an access token.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.who, Who::Anonymous)
    }

    /// Whether the caller is a person: signed in, or with a token that was issued to a client for a user.
    pub fn is_user(&self) -> bool {
        match &self.who {
            Who::Anonymous => false,
            Who::User(_) => true,
            Who::Token(token) => token.claims().is_user(),
        }
    }

    /// Whether the caller is a client that acts for itself (RFC 6749 §4.4).
    pub fn is_machine(&self) -> bool {
        self.access_token().is_some_and(|token| token.claims().is_machine())
    }

    /// Whether the caller presented an access token.
    pub fn is_token(&self) -> bool {
        self.access_token().is_some()
    }

    /// Returns the session of a signed-in user.
    pub fn session(&self) -> Option<&Session> {
        if let Who::User(session) = &self.who { Some(session) } else { None }
    }

    /// Returns the access token, if the caller presented one.
    pub fn access_token(&self) -> Option<&VerifiedAccessToken> {
        if let Who::Token(token) = &self.who { Some(token) } else { None }
    }

    /// Returns the party that uses the access token for its user, such as an AI agent.
    pub fn actor(&self) -> Option<&Actor> {
        self.access_token().and_then(|token| token.claims().actor())
    }

    /// Returns the issuer of the session's ID token or of the access token.
    pub fn issuer(&self) -> Option<&str> {
        match &self.who {
            Who::Anonymous => None,
            Who::User(session) => Some(session.issuer()),
            Who::Token(token) => Some(token.claims().issuer()),
        }
    }

    /// Returns the `sub` claim. At Okta it is the user's id in a session and the user's login in an access token.
    pub fn subject(&self) -> Option<&str> {
        match &self.who {
            Who::Anonymous => None,
            Who::User(session) => Some(session.subject()),
            Who::Token(token) => Some(token.claims().subject()),
        }
    }

    /// Returns the granted scopes.
    pub fn scopes(&self) -> &[String] {
        match &self.who {
            Who::Anonymous => &[],
            Who::User(session) => session.scopes(),
            Who::Token(token) => token.claims().scopes(),
        }
    }

    /// Returns all claims; `None` for an anonymous caller.
    pub fn claims(&self) -> Option<&Map<String, Value>> {
        match &self.who {
            Who::Anonymous => None,
            Who::User(session) => Some(session.all_claims()),
            Who::Token(token) => Some(token.claims().all()),
        }
    }

    /// Returns a claim by its name, or by a JSON Pointer (RFC 6901) that begins with a slash: `/address/country`.
    pub fn claim(&self, path: &str) -> Option<&Value> {
        let claims = self.claims()?;
        let Some(pointer) = path.strip_prefix('/') else { return claims.get(path) };
        let (name, rest) = pointer.split_once('/').map_or((pointer, ""), |(name, rest)| (name, rest));
        let value = claims.get(&name.replace("~1", "/").replace("~0", "~"))?;
        if rest.is_empty() { Some(value) } else { value.pointer(&format!("/{rest}")) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn leeway(&self) -> Duration {
        self.leeway
    }
}

impl fmt::Debug for Caller {
    /// Writes only the kind of caller, without identifying data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.who {
            Who::Anonymous => "Caller(anonymous)",
            Who::User(_) => "Caller(user)",
            Who::Token(_) => "Caller(token)",
        })
    }
}
