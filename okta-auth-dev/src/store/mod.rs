//! What the org remembers between requests: sessions, codes, refresh tokens,
//! revocations.
//!
//! All of it is in memory and forgotten with the org. One lock guards everything, so
//! what belongs together happens together: a code is taken out and a refresh token
//! replaced exactly once, however many requests race. Times are seconds of the virtual
//! clock, passed in by the caller.

mod refresh;
mod session;
mod sign_in;

pub(crate) use refresh::RefreshToken;
pub(crate) use session::Session;
pub(crate) use sign_in::{Attempt, Step};

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::endpoint::AuthorizeRequest;
use crate::random;

/// What somebody allowed a client to do: the root of every token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Ties together everything that one sign-in led to, so that it can be revoked
    /// together.
    pub(crate) id: String,
    /// The authorization server that issues the tokens.
    pub(crate) server: String,
    /// The client that was allowed.
    pub(crate) client_id: String,
    /// The login of the person; nobody with `client_credentials`.
    pub(crate) login: Option<String>,
    /// The scopes that were granted: all that were asked for, since a request with an
    /// unknown one fails.
    pub(crate) scopes: Vec<String>,
    /// The Okta session that the person was in: the claim `sid`.
    pub(crate) sid: Option<String>,
    /// What the request sent, for the ID tokens.
    pub(crate) nonce: Option<String>,
    /// When the person authenticated, in seconds. Refreshed tokens keep it.
    pub(crate) auth_time: i64,
    /// The value of `acr` if the request asked for one.
    pub(crate) acr: Option<String>,
    /// How the person authenticated. Refreshed ID tokens repeat it, whatever happened
    /// since.
    pub(crate) amr: Vec<String>,
    /// The identity provider that authenticated the person; none for the org itself.
    pub(crate) idp: Option<String>,
}

impl Grant {
    /// Whether the scope was granted.
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    /// Whether this person allowed it.
    pub(crate) fn is_of(&self, login: &str) -> bool {
        self.login.as_ref().is_some_and(|owner| owner.eq_ignore_ascii_case(login))
    }
}

/// An authorization code that was not used yet.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    /// The redirect URI of the request, which the exchange must repeat (RFC 6749
    /// §4.1.3).
    pub(crate) redirect_uri: String,
    /// The PKCE challenge (S256) if one was sent.
    pub(crate) challenge: Option<String>,
    /// In seconds.
    pub(crate) expires_at: i64,
}

/// Everything that happens in an org.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// By the value of the cookie.
    sessions: HashMap<String, Session>,
    /// What sign-in pages wait for, and until when.
    sign_ins: HashMap<String, (AuthorizeRequest, i64)>,
    /// What the pages for the second factor wait for, by their handle.
    steps: HashMap<String, Step>,
    /// Which apps a person ever used, by login in lower case.
    apps: HashMap<String, BTreeSet<String>>,
    /// By the code itself.
    codes: HashMap<String, Code>,
    /// By the token itself; replaced ones stay, so that their reuse is noticed.
    refresh_tokens: HashMap<String, RefreshToken>,
    /// The `jti` of access tokens that were revoked one by one.
    revoked_tokens: HashSet<String>,
    /// The grants of which everything is revoked.
    revoked_grants: HashSet<String>,
    /// Which grant an access token belongs to, by `jti`.
    grant_of_token: HashMap<String, Grant>,
    /// The `jti` of client assertions, which work once.
    assertions: HashSet<String>,
}

impl Store {
    // -- codes -----------------------------------------------------------------------------------------------------

    /// Hands out an authorization code.
    pub(crate) fn issue_code(&mut self, code: Code) -> String {
        let value = random::token();
        self.codes.insert(value.clone(), code);
        value
    }

    /// Takes a code out: it works once, and a failed attempt uses it up too.
    ///
    /// After this the code is unknown, whether the exchange succeeds or not.
    pub(crate) fn take_code(&mut self, value: &str, now: i64) -> Option<Code> {
        self.codes.remove(value).filter(|code| code.expires_at > now)
    }

    // -- access tokens and revocation ------------------------------------------------------------------------------

    /// Remembers which grant an access token belongs to.
    pub(crate) fn note_access_token(&mut self, jti: String, grant: &Grant) {
        self.grant_of_token.insert(jti, grant.clone());
    }

    /// Revokes one access token. Its refresh token lives on.
    pub(crate) fn revoke_token(&mut self, jti: String) {
        self.revoked_tokens.insert(jti);
    }

    /// Revokes a refresh token and every access token of the same sign-in.
    ///
    /// Okta does the same when a rotated refresh token is used again too late.
    pub(crate) fn revoke_grant(&mut self, grant: &Grant) {
        self.revoked_grants.insert(grant.id.clone());
    }

    /// Revokes several grants at once: those of a person, for instance.
    ///
    /// A grant is known by its refresh token or, if it has none, by its access tokens.
    pub(crate) fn revoke_grants(&mut self, which: impl Fn(&Grant) -> bool) {
        let refreshable = self.refresh_tokens.values().map(|token| &token.grant);
        let all = refreshable.chain(self.grant_of_token.values());
        self.revoked_grants.extend(all.filter(|grant| which(grant)).map(|grant| grant.id.clone()));
    }

    /// Whether an access token was revoked, alone or with its grant.
    pub(crate) fn is_revoked(&self, jti: &str) -> bool {
        let grant = self.grant_of_token.get(jti);
        self.revoked_tokens.contains(jti) || grant.is_some_and(|grant| self.revoked_grants.contains(&grant.id))
    }

    /// Notes the `jti` of a client assertion; false if it was used before.
    ///
    /// Okta refuses the second use as a replay.
    pub(crate) fn use_assertion(&mut self, jti: String) -> bool {
        self.assertions.insert(jti)
    }
}
