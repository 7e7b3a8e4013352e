//! Verification of all kinds of token.

use std::sync::{Arc, Weak};
use std::time::Duration;

use url::Url;

use super::access_token::{AccessTokenRules, VerifiedAccessToken};
use super::algorithm::Algorithm;
use super::claims::Payload;
use super::compact::{Compact, Headers, Typ};
#[cfg(feature = "id-jag")]
use super::id_jag::{ID_JAG, IdJagRules, VerifiedIdJag};
use super::id_token::{IdTokenRules, VerifiedIdToken};
use super::jwk::KeySet;
use super::jwks::{Keys, RefetchPolicy, SignatureInput};
use super::logout_token::{LogoutTokenRules, VerifiedLogoutToken};
use super::revocation_token::{RevocationTokenRules, VerifiedRevocationToken};
use super::verified_claims::VerifiedClaims;
use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};

/// The `typ` of each kind of token. Okta sends it only for revocation tokens, where it distinguishes a request to end
/// sessions from every other token with the same key.
const ID_TOKEN: Typ<'_> = Typ { names: &["jwt"], required: false };
const ACCESS_TOKEN: Typ<'_> = Typ { names: &["jwt", "at+jwt"], required: false };
const LOGOUT_TOKEN: Typ<'_> = Typ { names: &["jwt", "logout+jwt"], required: false };
const REVOCATION_TOKEN: Typ<'_> = Typ { names: &["global-token-revocation+jwt"], required: true };

/// Verifies the tokens of one issuer. No other code path leads from a text to a verified token, so a caller cannot skip
/// a rule.
#[derive(Debug)]
pub(crate) struct Verifier {
    keys: Keys,
    allowed: Vec<Algorithm>,
    leeway: Duration,
    clock: SharedClock,
    /// The header of the last valid token.
    headers: Headers,
}

struct VerifiedSignature {
    payload: Vec<u8>,
    algorithm: Algorithm,
    keys: Arc<KeySet>,
}

/// Identifies the key set that a token was verified with. The weak pointer keeps the address of the set reserved, so
/// that no other set gets the same address, but not the keys.
#[derive(Clone, Debug)]
pub(crate) struct KeysVersion(Weak<KeySet>);

impl KeysVersion {
    fn is_of(&self, set: &Arc<KeySet>) -> bool {
        std::ptr::eq(Arc::as_ptr(set), self.0.as_ptr())
    }
}

impl Verifier {
    pub(crate) fn new(keys: Keys, allowed: Vec<Algorithm>, leeway: Duration, clock: SharedClock) -> Self {
        Self { keys, allowed, leeway, clock, headers: Headers::default() }
    }

    /// Verifies an ID token (OIDC Core §3.1.3.7).
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of fetching the keys.
    pub(crate) async fn id_token(&self, keys: &Url, token: &str, rules: &IdTokenRules<'_>) -> Result<VerifiedIdToken> {
        let signed = self.authentic(keys, (token, rules.issuer), ID_TOKEN, rules.trust).await?;
        VerifiedIdToken::check(self.read(&signed)?, rules)
    }

    /// Verifies an access token of a custom authorization server (RFC 9068 §4, without `typ`, which Okta does not
    /// send).
    pub(crate) async fn access_token(
        &self,
        keys: &Url,
        token: &str,
        rules: &AccessTokenRules<'_>,
    ) -> Result<(VerifiedAccessToken, KeysVersion)> {
        let signed = self.authentic(keys, (token, rules.issuer), ACCESS_TOKEN, RefetchPolicy::RateLimited).await?;
        let version = KeysVersion(Arc::downgrade(&signed.keys));
        let verified = VerifiedAccessToken::check(signed.payload, rules, self.clock.now(), self.leeway)?;
        Ok((verified.with_text(token), version))
    }

    /// Verifies a logout token (OIDC Back-Channel Logout §2.6). The caller must reject replays.
    pub(crate) async fn logout_token(
        &self,
        keys: &Url,
        token: &str,
        rules: &LogoutTokenRules<'_>,
    ) -> Result<VerifiedLogoutToken> {
        let signed = self.authentic(keys, (token, rules.issuer), LOGOUT_TOKEN, RefetchPolicy::RateLimited).await?;
        VerifiedLogoutToken::check(&self.read(&signed)?, rules)
    }

    /// Verifies the token of a Global Token Revocation request (Okta's Universal Logout). The caller must reject
    /// replays.
    pub(crate) async fn revocation_token(
        &self,
        keys: &Url,
        token: &str,
        rules: &RevocationTokenRules<'_>,
    ) -> Result<VerifiedRevocationToken> {
        let signed = self.authentic(keys, (token, rules.issuer), REVOCATION_TOKEN, RefetchPolicy::RateLimited).await?;
        VerifiedRevocationToken::check(&self.read(&signed)?, rules)
    }

    /// Verifies an ID-JAG (Identity Assertion JWT Authorization Grant). The caller must reject replays.
    #[cfg(feature = "id-jag")]
    pub(crate) async fn id_jag(&self, keys: &Url, grant: &str, rules: &IdJagRules<'_>) -> Result<VerifiedIdJag> {
        let signed = self.authentic(keys, (grant, rules.issuer), ID_JAG, RefetchPolicy::RateLimited).await?;
        VerifiedIdJag::check(self.read(&signed)?, rules)
    }

    /// Whether the keys are still those of `version`. A token that was verified with them is then still valid.
    ///
    /// # Errors
    /// The error of fetching the keys, if none are cached.
    pub(crate) async fn is_current(&self, keys: &Url, version: &KeysVersion) -> Result<bool> {
        let current = self.keys.current(keys).await?;
        Ok(version.is_of(&current))
    }

    /// Whether the keys are cached, fresh and still those of `version`. `false` does not mean that they changed.
    pub(crate) fn is_current_cached(&self, keys: &Url, version: &KeysVersion, now: Timestamp) -> bool {
        self.keys.fresh(keys, now, |current| version.is_of(current)) == Some(true)
    }

    /// Checks structure, header, algorithm, key and signature. The payload is not parsed before that.
    async fn authentic(
        &self,
        keys: &Url,
        (token, issuer): (&str, &str),
        typ: Typ<'_>,
        trust: RefetchPolicy,
    ) -> Result<VerifiedSignature> {
        let compact = Compact::parse(token, &self.headers)?;
        compact.header.check_type(typ)?;
        let algorithm = self.algorithm(&compact.header.alg)?;
        let signed = SignatureInput {
            kid: compact.header.kid.as_deref(),
            algorithm,
            issuer,
            input: compact.signed,
            signature: &compact.signature,
        };
        let keys = self.keys.verify(keys, &signed, trust).await?;
        self.headers.keep(token, &compact.header);
        Ok(VerifiedSignature { payload: compact.payload()?, algorithm, keys })
    }

    /// Parses the claims of a token whose signature has been verified.
    fn read(&self, signed: &VerifiedSignature) -> Result<VerifiedClaims> {
        let payload = Payload::parse(&signed.payload)?;
        Ok(VerifiedClaims { payload, algorithm: signed.algorithm, now: self.clock.now(), leeway: self.leeway })
    }

    /// Returns the algorithm of the header if it is on the allow-list.
    fn algorithm(&self, name: &str) -> Result<Algorithm> {
        let known = Algorithm::parse(name);
        known.filter(|algorithm| self.allowed.contains(algorithm)).ok_or_else(|| {
            let allowed: Vec<&str> = self.allowed.iter().map(|algorithm| algorithm.as_str()).collect();
            let allowed = allowed.join(", ");
            let message = match known {
                Some(algorithm) => format!(
                    "the token's algorithm is {algorithm}, which is not allowed; allowed: {allowed}; if the provider is \
                     meant to sign with it, allow it with `algorithms`, or in OKTA_ALGORITHMS"
                ),
                None if is_plain(name) => {
                    format!("the token's algorithm is {name}, which is not supported; allowed: {allowed}")
                }
                None => format!("the token's algorithm is not supported; allowed: {allowed}"),
            };
            Error::new(Code::TokenAlgorithm, message)
        })
    }
}

/// Whether a name may be logged. The header is not verified yet, and registered names have at most 18 characters (RFC
/// 7518 §3.1, §4.1).
fn is_plain(name: &str) -> bool {
    (1..=18).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+_".contains(&byte))
}
