//! What the org remembers between requests: sessions, codes, refresh tokens, revocations.
//!
//! All of it is in memory and forgotten with the org. One lock guards everything, so what belongs
//! together happens together: a code is taken out and a refresh token replaced exactly once,
//! however many requests race. Times are seconds of the virtual clock, passed in by the caller.

use std::collections::{HashMap, HashSet};

use crate::endpoint::AuthorizeRequest;
use crate::random;

/// How long an unused Okta session lives, in seconds: two hours, Okta's default.
const SESSION_IDLE: i64 = 7200;

/// How long the sign-in page waits for its form, in seconds.
const SIGN_IN_WAIT: i64 = 3600;

/// What somebody allowed a client to do: the root of every token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Ties together everything that one sign-in led to, so that it can be revoked together.
    pub(crate) id: String,
    /// The authorization server that issues the tokens.
    pub(crate) server: String,
    /// The client that was allowed.
    pub(crate) client_id: String,
    /// The login of the person; nobody with `client_credentials`.
    pub(crate) login: Option<String>,
    /// The scopes that were granted: all that were asked for, since a request with an unknown one
    /// fails.
    pub(crate) scopes: Vec<String>,
    /// What the request sent, for the ID tokens.
    pub(crate) nonce: Option<String>,
    /// When the person authenticated, in seconds. Refreshed tokens keep it.
    pub(crate) auth_time: i64,
    /// The value of `acr` if the request asked for one.
    pub(crate) acr: Option<String>,
    /// How the person signed in; empty for what the person's own record says.
    pub(crate) amr: Vec<String>,
}

impl Grant {
    /// Whether the scope was granted.
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

/// An authorization code that was not used yet.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    /// The redirect URI of the request, which the exchange must repeat (RFC 6749 §4.1.3).
    pub(crate) redirect_uri: String,
    /// The PKCE challenge (S256) if one was sent.
    pub(crate) challenge: Option<String>,
    /// In seconds.
    pub(crate) expires_at: i64,
}

/// A refresh token.
#[derive(Clone, Debug)]
pub(crate) struct RefreshToken {
    pub(crate) grant: Grant,
    /// When it expires unless it is used before, in seconds.
    pub(crate) expires_at: i64,
    /// When another one took its place, in seconds.
    pub(crate) replaced_at: Option<i64>,
}

/// Somebody's Okta session, which lets further apps sign them in without a password.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Whose session it is.
    pub(crate) login: String,
    /// When the password was checked, in seconds.
    pub(crate) auth_time: i64,
    /// In seconds; moves with every use.
    pub(crate) expires_at: i64,
    /// How the person signed in: the claim `amr`.
    pub(crate) amr: Vec<String>,
}

/// A second step that is waited for. It is forgotten after the same time as a sign-in page.
#[derive(Clone, Debug)]
pub(crate) struct SecondFactor {
    /// What it is needed for.
    pub(crate) request: AuthorizeRequest,
    /// The identifier of the session that takes it.
    pub(crate) session: String,
    /// The code that is asked for.
    pub(crate) passcode: String,
    /// How many wrong ones there were.
    pub(crate) wrong: u32,
}

/// Everything that happens in an org.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// By the value of the cookie.
    sessions: HashMap<String, Session>,
    /// What sign-in pages wait for, and until when.
    sign_ins: HashMap<String, (AuthorizeRequest, i64)>,
    /// What pages for a second factor wait for, and until when.
    second_factors: HashMap<String, (SecondFactor, i64)>,
    /// By the code itself.
    codes: HashMap<String, Code>,
    /// By the token itself; replaced ones stay, so that their reuse is noticed.
    refresh_tokens: HashMap<String, RefreshToken>,
    /// The `jti` of access tokens that were revoked one by one.
    revoked_tokens: HashSet<String>,
    /// The grants of which everything is revoked.
    revoked_grants: HashSet<String>,
    /// Which grant an access token belongs to, by `jti`.
    grant_of_token: HashMap<String, String>,
    /// The `jti` of client assertions, which work once.
    assertions: HashSet<String>,
}

impl Store {
    // -- sessions --------------------------------------------------------------------------------------------------

    /// Starts a session and returns its identifier.
    ///
    /// The prefix `102` is what Okta's session identifiers begin with.
    pub(crate) fn open_session(&mut self, login: &str, amr: Vec<String>, now: i64) -> String {
        let id = format!("102{}", random::token());
        let session = Session { login: login.to_owned(), auth_time: now, expires_at: now + SESSION_IDLE, amr };
        self.sessions.insert(id.clone(), session);
        id
    }

    /// The session if it still lives. Asking for it keeps it alive.
    pub(crate) fn session(&mut self, id: &str, now: i64) -> Option<Session> {
        let session = self.sessions.get_mut(id).filter(|session| session.expires_at > now)?;
        session.expires_at = now + SESSION_IDLE;
        Some(session.clone())
    }

    /// Ends a session.
    ///
    /// Tokens that the session led to live on: signing out of Okta does not revoke them.
    pub(crate) fn close_session(&mut self, id: &str) {
        self.sessions.remove(id);
    }

    /// Ends every session of a person.
    pub(crate) fn close_sessions_of(&mut self, login: &str) {
        self.sessions.retain(|_, session| !session.login.eq_ignore_ascii_case(login));
    }

    // -- sign-in pages ---------------------------------------------------------------------------------------------

    /// Remembers what the sign-in page was shown for, and returns its handle (Okta's `stateToken`).
    pub(crate) fn begin_sign_in(&mut self, request: AuthorizeRequest, now: i64) -> String {
        let handle = random::token();
        self.sign_ins.insert(handle.clone(), (request, now + SIGN_IN_WAIT));
        handle
    }

    /// What the sign-in page was shown for. The handle works again after a wrong password.
    pub(crate) fn sign_in(&self, handle: &str, now: i64) -> Option<AuthorizeRequest> {
        self.sign_ins.get(handle).filter(|(_, expires_at)| *expires_at > now).map(|(request, _)| request.clone())
    }

    /// Forgets a sign-in page that did its work.
    pub(crate) fn end_sign_in(&mut self, handle: &str) {
        self.sign_ins.remove(handle);
    }

    // -- second factors --------------------------------------------------------------------------------------------

    /// Remembers a second step, and returns its handle.
    ///
    /// The handle is in the form, the session in a cookie: both are needed to complete it.
    pub(crate) fn begin_second_factor(&mut self, step: SecondFactor, now: i64) -> String {
        let handle = random::token();
        self.second_factors.insert(handle.clone(), (step, now + SIGN_IN_WAIT));
        handle
    }

    /// The second step with this handle.
    pub(crate) fn second_factor(&self, handle: &str, now: i64) -> Option<SecondFactor> {
        self.second_factors.get(handle).filter(|(_, expires_at)| *expires_at > now).map(|(step, _)| step.clone())
    }

    /// Changes a second step after a wrong code.
    pub(crate) fn change_second_factor(&mut self, handle: &str, changed: SecondFactor) {
        if let Some((step, _)) = self.second_factors.get_mut(handle) {
            *step = changed;
        }
    }

    /// Forgets a second step.
    pub(crate) fn end_second_factor(&mut self, handle: &str) {
        self.second_factors.remove(handle);
    }

    /// Adds a second factor to a session, once however often it is shown.
    ///
    /// Later requests of the session are answered with it, until the person signs in anew.
    /// The person has just authenticated, so `auth_time` moves.
    pub(crate) fn add_second_factor(&mut self, id: &str, now: i64) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.auth_time = now;
            for method in ["otp", "mfa"] {
                if !session.amr.iter().any(|known| known == method) {
                    session.amr.push(method.to_owned());
                }
            }
        }
    }

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

    // -- refresh tokens --------------------------------------------------------------------------------------------

    /// Hands out a refresh token.
    pub(crate) fn issue_refresh_token(&mut self, grant: Grant, expires_at: i64) -> String {
        let value = random::token();
        self.refresh_tokens.insert(value.clone(), RefreshToken { grant, expires_at, replaced_at: None });
        value
    }

    /// The refresh token unless it expired or was revoked.
    ///
    /// A replaced one is still returned: the caller decides about the leeway.
    pub(crate) fn refresh_token(&self, value: &str, now: i64) -> Option<RefreshToken> {
        let token = self.refresh_tokens.get(value)?;
        let alive = token.expires_at > now && !self.revoked_grants.contains(&token.grant.id);
        alive.then(|| token.clone())
    }

    /// Moves the expiry of a refresh token that was used.
    ///
    /// The idle period starts again.
    pub(crate) fn extend_refresh_token(&mut self, value: &str, expires_at: i64) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.expires_at = expires_at;
        }
    }

    /// Marks a refresh token as replaced. The first time counts: using it again within the leeway
    /// does not prolong it.
    pub(crate) fn replace_refresh_token(&mut self, value: &str, now: i64) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.replaced_at.get_or_insert(now);
        }
    }

    // -- access tokens and revocation ------------------------------------------------------------------------------

    /// Remembers which grant an access token belongs to.
    pub(crate) fn note_access_token(&mut self, jti: String, grant: &Grant) {
        self.grant_of_token.insert(jti, grant.id.clone());
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

    /// Revokes everything of a person at once.
    ///
    /// Grants without a refresh token are not known here; their access tokens run out by
    /// themselves.
    pub(crate) fn revoke_grants_of(&mut self, login: &str) {
        let theirs = self.refresh_tokens.values().map(|token| &token.grant);
        let theirs = theirs.filter(|grant| grant.login.as_deref() == Some(login)).map(|grant| grant.id.clone());
        self.revoked_grants.extend(theirs);
    }

    /// Whether an access token was revoked, alone or with its grant.
    pub(crate) fn is_revoked(&self, jti: &str) -> bool {
        let grant = self.grant_of_token.get(jti);
        self.revoked_tokens.contains(jti) || grant.is_some_and(|grant| self.revoked_grants.contains(grant))
    }

    /// Notes the `jti` of a client assertion; false if it was used before.
    ///
    /// Okta refuses the second use as a replay.
    pub(crate) fn use_assertion(&mut self, jti: String) -> bool {
        self.assertions.insert(jti)
    }
}
