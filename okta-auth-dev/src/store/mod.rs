//! The state of an org: sessions, codes, devices, refresh tokens, revocations.
//!
//! The state is only in memory. One lock guards everything, so compound operations are atomic: concurrent requests
//! consume a code and replace a refresh token exactly once. Times are seconds of the virtual clock, passed in by the
//! caller.

mod delegation;
mod device;
mod grant;
mod pending_page;
mod pushed;
mod refresh_token;
mod session;

pub(crate) use delegation::Delegation;
pub(crate) use device::{Device, Poll};
pub(crate) use grant::{Code, Grant};
pub(crate) use pending_page::{Attempt, Step};
pub(crate) use pushed::{PushedError, PushedRequest};
pub(crate) use refresh_token::RefreshToken;
pub(crate) use session::Session;

use std::collections::{HashMap, HashSet};

use crate::random;
use device::Devices;
use pending_page::PendingPages;
use pushed::PushedRequests;
use session::Sessions;

#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) sessions: Sessions,
    pub(crate) pages: PendingPages,
    pub(crate) devices: Devices,
    pub(crate) pushed: PushedRequests,
    codes: HashMap<String, Code>,
    /// By the token itself; rotated ones stay, so that their reuse is detected.
    refresh_tokens: HashMap<String, RefreshToken>,
    /// The `jti` of individually revoked access tokens.
    revoked_tokens: HashSet<String>,
    /// The ids of revoked grants.
    revoked_grants: HashSet<String>,
    /// The grant of each access token, by `jti`.
    grant_of_token: HashMap<String, Grant>,
    /// The grant of each ID token, by `jti`.
    grant_of_id_token: HashMap<String, Grant>,
    /// The last ID-JAG of each client, by client id.
    id_jags: HashMap<String, String>,
    /// The `jti` of used client assertions, request objects and ID-JAGs.
    assertions: HashSet<String>,
    /// Key and `jti` of used DPoP proofs, with the time of their use.
    proofs: HashMap<String, i64>,
}

/// The number of DPoP proofs at which those that are too old to be accepted are dropped.
const PROOFS: usize = 100_000;

/// How long a DPoP proof could be accepted, in seconds.
const PROOF_AGE: i64 = 600;

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

    // -- refresh tokens ---------------------------------------------------------------------------------------------

    pub(crate) fn issue_refresh_token(&mut self, grant: Grant, expires_at: i64, ends_at: Option<i64>) -> String {
        let value = random::token();
        let token = RefreshToken { grant, expires_at, ends_at, replaced_at: None };
        self.refresh_tokens.insert(value.clone(), token);
        value
    }

    /// Returns the refresh token unless it has expired or was revoked. Rotated tokens are returned as well; the caller
    /// checks the grace period.
    pub(crate) fn refresh_token(&self, value: &str, now: i64) -> Option<RefreshToken> {
        let token = self.refresh_tokens.get(value)?;
        let alive = token.expires_at > now && !self.revoked_grants.contains(&token.grant.id);
        alive.then(|| token.clone())
    }

    /// Sets the new expiry of a used refresh token, which restarts the idle period.
    pub(crate) fn extend_refresh_token(&mut self, value: &str, expires_at: i64) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.expires_at = expires_at;
        }
    }

    /// Marks a refresh token as rotated. Only the first rotation sets the time, so repeated use does not extend the
    /// grace period.
    pub(crate) fn replace_refresh_token(&mut self, value: &str, now: i64) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.replaced_at.get_or_insert(now);
        }
    }

    // -- access tokens and revocation ------------------------------------------------------------------------------

    pub(crate) fn note_access_token(&mut self, jti: String, grant: &Grant) {
        self.grant_of_token.insert(jti, grant.clone());
    }

    pub(crate) fn note_id_token(&mut self, jti: String, grant: &Grant) {
        self.grant_of_id_token.insert(jti, grant.clone());
    }

    /// The grant of a token that the org issued in a response.
    pub(crate) fn grant_of(&self, jti: &str) -> Option<&Grant> {
        self.grant_of_token.get(jti).or_else(|| self.grant_of_id_token.get(jti))
    }

    pub(crate) fn note_id_jag(&mut self, client_id: &str, grant: &str) {
        self.id_jags.insert(client_id.to_owned(), grant.to_owned());
    }

    /// The last ID-JAG of a client.
    pub(crate) fn id_jag_of(&self, client_id: &str) -> Option<String> {
        self.id_jags.get(client_id).cloned()
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

    /// Records the `jti` of a client assertion; returns false if it was used before. Okta rejects the second use as a
    /// replay.
    pub(crate) fn use_assertion(&mut self, jti: String) -> bool {
        self.assertions.insert(jti)
    }
    /// Records a DPoP proof; returns false if it was used before.
    pub(crate) fn use_proof(&mut self, proof: String, now: i64) -> bool {
        if self.proofs.len() >= PROOFS {
            self.proofs.retain(|_, used_at| *used_at > now - PROOF_AGE);
        }
        self.proofs.insert(proof, now).is_none()
    }
}
