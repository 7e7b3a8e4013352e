//! The state of an org: sessions, codes, refresh tokens, revocations.
//!
//! The state is only in memory. One lock guards everything, so compound operations are
//! atomic: concurrent requests consume a code and replace a refresh token exactly once.
//! Times are seconds of the virtual clock, passed in by the caller.

mod refresh;
mod session;
mod sign_in;

pub(crate) use refresh::RefreshToken;
pub(crate) use session::Session;
pub(crate) use sign_in::{Attempt, Step};

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::endpoint::AuthorizeRequest;
use crate::random;

/// The permission of a client, from which all its tokens derive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Links everything that one sign-in issued, so that it can be revoked together.
    pub(crate) id: String,
    pub(crate) server: String,
    pub(crate) client_id: String,
    pub(crate) login: Option<String>,
    /// The granted scopes. They equal the requested scopes, because an unknown scope
    /// fails the request.
    pub(crate) scopes: Vec<String>,
    /// The Okta session of the user: the claim `sid`.
    pub(crate) sid: Option<String>,
    pub(crate) nonce: Option<String>,
    /// When the user authenticated, in seconds. Refreshed tokens keep it.
    pub(crate) auth_time: i64,
    /// The value of `acr`, if the request had `acr_values`.
    pub(crate) acr: Option<String>,
    /// How the user authenticated. Refreshed ID tokens repeat it unchanged.
    pub(crate) amr: Vec<String>,
    /// The identity provider that authenticated the user; `None` for the org itself.
    pub(crate) idp: Option<String>,
}

impl Grant {
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    pub(crate) fn is_of(&self, login: &str) -> bool {
        self.login.as_ref().is_some_and(|owner| owner.eq_ignore_ascii_case(login))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    /// The redirect URI of the request, which the exchange must repeat (RFC 6749 §4.1.3).
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) expires_at: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    /// By the value of the cookie.
    sessions: HashMap<String, Session>,
    /// The requests of sign-in pages with their expiry, by handle.
    sign_ins: HashMap<String, (AuthorizeRequest, i64)>,
    /// The second steps, by handle.
    steps: HashMap<String, Step>,
    /// The apps that a user has ever used, by login in lower case.
    apps: HashMap<String, BTreeSet<String>>,
    codes: HashMap<String, Code>,
    /// By the token itself; rotated ones stay, so that their reuse is detected.
    refresh_tokens: HashMap<String, RefreshToken>,
    /// The `jti` of individually revoked access tokens.
    revoked_tokens: HashSet<String>,
    /// The ids of revoked grants.
    revoked_grants: HashSet<String>,
    /// The grant of each access token, by `jti`.
    grant_of_token: HashMap<String, Grant>,
    /// The `jti` of used client assertions.
    assertions: HashSet<String>,
}

impl Store {
    // -- codes -----------------------------------------------------------------------------------------------------

    pub(crate) fn issue_code(&mut self, code: Code) -> String {
        let value = random::token();
        self.codes.insert(value.clone(), code);
        value
    }

    /// Removes a code: it works once, and a failed exchange also consumes it.
    pub(crate) fn take_code(&mut self, value: &str, now: i64) -> Option<Code> {
        self.codes.remove(value).filter(|code| code.expires_at > now)
    }

    // -- access tokens and revocation ------------------------------------------------------------------------------

    pub(crate) fn note_access_token(&mut self, jti: String, grant: &Grant) {
        self.grant_of_token.insert(jti, grant.clone());
    }

    /// Revokes one access token. Its refresh token stays valid.
    pub(crate) fn revoke_token(&mut self, jti: String) {
        self.revoked_tokens.insert(jti);
    }

    /// Revokes a refresh token and every access token of the same sign-in.
    ///
    /// Okta does the same when a rotated refresh token is used after the grace period.
    pub(crate) fn revoke_grant(&mut self, grant: &Grant) {
        self.revoked_grants.insert(grant.id.clone());
    }

    /// Revokes several grants, for example those of a user.
    ///
    /// The grants are found by their refresh tokens and their access tokens.
    pub(crate) fn revoke_grants(&mut self, which: impl Fn(&Grant) -> bool) {
        let refreshable = self.refresh_tokens.values().map(|token| &token.grant);
        let all = refreshable.chain(self.grant_of_token.values());
        self.revoked_grants.extend(all.filter(|grant| which(grant)).map(|grant| grant.id.clone()));
    }

    /// Whether an access token was revoked, individually or with its grant.
    pub(crate) fn is_revoked(&self, jti: &str) -> bool {
        let grant = self.grant_of_token.get(jti);
        self.revoked_tokens.contains(jti) || grant.is_some_and(|grant| self.revoked_grants.contains(&grant.id))
    }

    /// Records the `jti` of a client assertion; returns false if it was used before. Okta
    /// rejects the second use as a replay.
    pub(crate) fn use_assertion(&mut self, jti: String) -> bool {
        self.assertions.insert(jti)
    }
}
