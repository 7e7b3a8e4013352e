//! The claims of ID tokens, access tokens and userinfo, as Okta issues them.
//!
//! `sub` has two meanings: the Okta user id in ID tokens and at userinfo, and the login in access tokens, which have
//! the id as `uid`.
//!
//! All times are whole seconds of the virtual clock. The prefix of a `jti` is the kind of the token: `ID.` or `AT.`.

use std::time::Duration;

use aws_lc_rs::digest::{self, digest};
use serde_json::{Map, Value, json};

use super::issuing::Issuing;
use crate::clock::seconds;
use crate::keys::Algorithm;
use crate::random;
use crate::server::{AuthorizationServer, GroupsClaim, PolicyRequest};
use crate::user::User;

impl Issuing<'_> {
    /// The claims of an ID token. `sub` is the Okta user id. `at_hash` is present if an access token is issued as well.
    ///
    /// `idp` is the org itself, unless the sign-in named an identity provider. `sid` is present for clients with
    /// [`crate::Client::session_claim`], `nonce` if the request had one. `acr` is the level that was met, if the
    /// request had `acr_values`.
    pub(crate) fn id_token_claims(&self, access_token: Option<&str>) -> Map<String, Value> {
        let (settings, now) = (&self.server.settings, self.org.clock.seconds());
        let user = self.user();
        let mut claims = object(json!({
            "sub": user.id,
            "ver": 1,
            "iss": settings.issuer(&self.org.url),
            "aud": self.grant.client_id,
            "iat": now,
            "exp": now + seconds(settings.id_token_lifetime),
            "jti": format!("ID.{}", random::token()),
            "amr": self.grant.amr,
            "idp": self.grant.idp.as_ref().unwrap_or(&self.org.id),
            "auth_time": self.grant.auth_time,
        }));
        let tells_session = self.org.client(&self.grant.client_id).is_some_and(|client| client.session_claim);
        let optional = [
            ("sid", self.grant.sid.clone().filter(|_| tells_session)),
            ("nonce", self.grant.nonce.clone()),
            ("acr", self.grant.acr.clone()),
            ("at_hash", access_token.map(|token| at_hash(token, Algorithm::Rs256))),
        ];
        claims.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
        let thin = settings.thin_id_token && access_token.is_some();
        let profile = profile_claims(&user, &self.grant.scopes);
        claims.extend(profile.into_iter().filter(|(name, _)| !thin || THIN.contains(&name.as_str())));
        claims.extend(configured_claims(settings, &user, &self.grant.scopes, thin));
        claims
    }

    /// The claims of an access token. `sub` is the login, `uid` the Okta user id; a token without a user has the client
    /// id as `sub`, and no `uid`.
    ///
    /// `aud` is a string. `scp` is a list, unlike `scope` in the response and at introspection. A refreshed token keeps
    /// the `auth_time` of the sign-in.
    pub(crate) fn access_token_claims(&self) -> Map<String, Value> {
        if let Some(delegation) = &self.grant.delegation {
            return self.agent_claims(delegation);
        }
        let (settings, now) = (&self.server.settings, self.org.clock.seconds());
        let (issuer, audience) = (settings.issuer(&self.org.url), self.audience());
        let mut claims = object(json!({
            "ver": 1,
            "jti": format!("AT.{}", random::token()),
            "iss": issuer,
            "aud": audience,
            "iat": now,
            "exp": now + seconds(self.access_token_lifetime()),
            "cid": self.grant.client_id,
            "scp": self.grant.scopes,
            "sub": self.grant.login.as_ref().unwrap_or(&self.grant.client_id),
        }));
        let person = self.grant.login.is_some().then(|| self.user());
        let custom = settings.claims.iter().filter(|claim| claim.in_access_token);
        claims.extend(custom.filter_map(|claim| claim.issued(person.as_ref(), &self.grant.scopes)));
        if let Some(user) = person {
            claims.insert("uid".into(), json!(user.id));
            claims.insert("auth_time".into(), json!(self.grant.auth_time));
            claims.extend(self.grant.acr.iter().map(|acr| ("acr".to_owned(), json!(acr))));
            let groups = settings.groups_claims.iter().filter(|claim| claim.in_access_token);
            claims.extend(groups.filter_map(|c| Some((c.name.clone(), json!(c.value(&user, &self.grant.scopes)?)))));
        }
        claims
    }

    /// The `aud` of the access token: the org itself, a requested resource, or the audience of the server.
    pub(super) fn audience(&self) -> String {
        let settings = &self.server.settings;
        if settings.is_org() {
            return settings.issuer(&self.org.url);
        }
        self.grant.resource.clone().unwrap_or_else(|| settings.audience.clone())
    }

    /// The lifetime of the access token, by the policy that allows it.
    pub(crate) fn access_token_lifetime(&self) -> Duration {
        let person = self.grant.login.as_ref().map(|_| self.user());
        self.server.settings.lifetime(&PolicyRequest {
            client_id: &self.grant.client_id,
            user: person.as_ref(),
            scopes: &self.grant.scopes,
            grant_type: self.grant.grant_type,
        })
    }

    /// The user, or a placeholder for a deleted user; the endpoints check that first.
    fn user(&self) -> User {
        let login = self.grant.login.as_deref().unwrap_or_default();
        self.org.user(login).unwrap_or_else(|| User::new(login, ""))
    }
}

/// The profile claims of a thin ID token.
const THIN: [&str; 3] = ["email", "name", "preferred_username"];

/// The response of userinfo: `sub` and the claims of all granted scopes.
pub(crate) fn userinfo_claims(settings: &AuthorizationServer, user: &User, scopes: &[String]) -> Map<String, Value> {
    let mut claims = object(json!({"sub": user.id}));
    claims.extend(profile_claims(user, scopes));
    claims.extend(configured_claims(settings, user, scopes, false));
    claims
}

/// The claims of the granted scopes.
///
/// Users have no postal address, so the scope `address` adds nothing. A missing telephone number is omitted. The scope
/// `profile` includes [`User::claims`].
fn profile_claims(user: &User, scopes: &[String]) -> Map<String, Value> {
    let granted = |scope: &str| scopes.iter().any(|known| known == scope);
    let mut claims = Map::new();
    if granted("email") {
        claims.extend(object(json!({"email": user.email, "email_verified": user.email_verified})));
    }
    if granted("phone") {
        claims.extend(user.phone_number.iter().map(|number| ("phone_number".to_owned(), json!(number))));
    }
    if granted("profile") {
        claims.extend(object(json!({
            "name": user.full_name(),
            "preferred_username": user.login,
            "given_name": user.given_name,
            "family_name": user.family_name,
            "zoneinfo": "America/Los_Angeles",
            "locale": "en-US",
            "updated_at": 1_700_000_000,
        })));
        claims.extend(user.claims.clone());
    }
    claims
}

/// The configured claims of ID tokens, groups last. If names collide, the later claim wins, also over the profile.
fn configured_claims(settings: &AuthorizationServer, user: &User, scopes: &[String], thin: bool) -> Map<String, Value> {
    let custom = settings.claims.iter().filter(|claim| claim.in_id_token && (claim.always || !thin));
    let custom = custom.filter_map(|claim| claim.issued(Some(user), scopes));
    let thin_groups = |claim: &GroupsClaim| claim.always && !settings.is_org();
    let groups = settings.groups_claims.iter().filter(|claim| claim.in_id_token && (!thin || thin_groups(claim)));
    let groups = groups.filter_map(|claim| Some((claim.name.clone(), json!(claim.value(user, scopes)?))));
    custom.chain(groups).collect()
}

/// The left half of the hash of the access token, in base64url (OpenID Connect Core §3.1.3.6). The hash function is
/// that of the signature algorithm.
pub(crate) fn at_hash(access_token: &str, algorithm: Algorithm) -> String {
    let hash = match algorithm {
        Algorithm::Rs384 | Algorithm::Es384 => &digest::SHA384,
        Algorithm::Rs512 | Algorithm::EdDsa => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let value = digest(hash, access_token.as_bytes());
    let half = value.as_ref().len() / 2;
    random::base64url(value.as_ref().get(..half).unwrap_or_default())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
