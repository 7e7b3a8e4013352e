//! Who makes a request, as policies see it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::jose::VerifiedAccessToken;
use crate::session::Session;

/// A signed-in user, the holder of an access token, or nobody.
///
/// One request has one caller: where a token is presented, the session does not count.
/// Cheap to clone.
///
/// What it says has been verified: a session was sealed by this application after a
/// sign-in, and a token passed every rule of its kind. What a claim means is up to
/// whoever set it up at Okta.
///
/// ```
/// use okta_auth_core::policy::check;
///
/// let same_country = check("same country", |caller| async move {
///     caller.claim("/address/country").is_some_and(|country| country == "SE")
/// });
/// # let _ = same_country;
/// ```
#[derive(Clone)]
pub struct Caller {
    who: Who,
    /// When the request came.
    now: Timestamp,
    /// The clock skew that is tolerated in claims about time.
    leeway: Duration,
}

/// By what the caller is known. The clones of one share it.
#[derive(Clone)]
enum Who {
    Nobody,
    User(Arc<Session>),
    Token(VerifiedAccessToken),
}

impl Caller {
    /// Nobody is known.
    pub(crate) fn nobody(now: Timestamp, leeway: Duration) -> Self {
        Self { who: Who::Nobody, now, leeway }
    }

    /// Somebody with a live session.
    pub(crate) fn user(session: Arc<Session>, now: Timestamp, leeway: Duration) -> Self {
        Self { who: Who::User(session), now, leeway }
    }

    /// The holder of a verified access token.
    pub(crate) fn token(token: VerifiedAccessToken, now: Timestamp, leeway: Duration) -> Self {
        Self { who: Who::Token(token), now, leeway }
    }

    /// Whether nobody is known.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.who, Who::Nobody)
    }

    /// Whether the caller is a person: signed in, or with a token that was issued to a
    /// client for a user.
    pub fn is_user(&self) -> bool {
        !self.is_anonymous() && !self.is_machine()
    }

    /// Whether the caller is a client that acts for itself (RFC 6749 §4.4).
    pub fn is_machine(&self) -> bool {
        self.access_token().is_some_and(|token| token.claims().is_machine())
    }

    /// Whether the caller presented an access token.
    pub fn is_token(&self) -> bool {
        self.access_token().is_some()
    }

    /// The session, of a signed-in user.
    pub fn session(&self) -> Option<&Session> {
        if let Who::User(session) = &self.who { Some(session) } else { None }
    }

    /// The session, to keep.
    pub(crate) fn shared_session(&self) -> Option<&Arc<Session>> {
        if let Who::User(session) = &self.who { Some(session) } else { None }
    }

    /// The access token, of a caller that presented one.
    pub fn access_token(&self) -> Option<&VerifiedAccessToken> {
        if let Who::Token(token) = &self.who { Some(token) } else { None }
    }

    /// Who vouches for the caller.
    pub fn issuer(&self) -> Option<&str> {
        match &self.who {
            Who::Nobody => None,
            Who::User(session) => Some(session.issuer()),
            Who::Token(token) => Some(token.claims().issuer()),
        }
    }

    /// The `sub` claim. At Okta that of a session is the user's id, and that of an
    /// access token the user's login.
    pub fn subject(&self) -> Option<&str> {
        match &self.who {
            Who::Nobody => None,
            Who::User(session) => Some(session.subject()),
            Who::Token(token) => Some(token.claims().subject()),
        }
    }

    /// The granted scopes.
    pub fn scopes(&self) -> &[String] {
        match &self.who {
            Who::Nobody => &[],
            Who::User(session) => session.scopes(),
            Who::Token(token) => token.claims().scopes(),
        }
    }

    /// Every claim; `None` of nobody.
    pub fn claims(&self) -> Option<&Map<String, Value>> {
        match &self.who {
            Who::Nobody => None,
            Who::User(session) => Some(session.all_claims()),
            Who::Token(token) => Some(token.claims().all()),
        }
    }

    /// A claim by its name, or by a JSON Pointer (RFC 6901) that begins with a slash:
    /// `/address/country`.
    pub fn claim(&self, path: &str) -> Option<&Value> {
        let claims = self.claims()?;
        let Some(pointer) = path.strip_prefix('/') else { return claims.get(path) };
        let (name, rest) = pointer.split_once('/').map_or((pointer, ""), |(name, rest)| (name, rest));
        let value = claims.get(&name.replace("~1", "/").replace("~0", "~"))?;
        if rest.is_empty() { Some(value) } else { value.pointer(&format!("/{rest}")) }
    }

    /// When the request came.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// The clock skew that is tolerated.
    pub(super) fn leeway(&self) -> Duration {
        self.leeway
    }
}

impl fmt::Debug for Caller {
    /// The kind of caller and nothing that tells who it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.who {
            Who::Nobody => "Caller(nobody)",
            Who::User(_) => "Caller(user)",
            Who::Token(_) => "Caller(token)",
        })
    }
}
