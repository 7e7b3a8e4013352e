//! The one way to verify a token.

use std::sync::{Arc, Weak};
use std::time::Duration;

use url::Url;

use super::access_token::{AccessTokenRules, VerifiedAccessToken};
use super::algorithm::Algorithm;
use super::claims::Payload;
use super::compact::{Compact, Headers, Typ};
use super::id_token::{IdTokenRules, VerifiedIdToken};
use super::jwk::KeySet;
use super::jwks::{Keys, Signed, Trust};
use super::logout_token::{LogoutTokenRules, VerifiedLogoutToken};
use super::revocation_token::{RevocationTokenRules, VerifiedRevocationToken};
use crate::clock::{SharedClock, Timestamp};
use crate::error::{Code, Error, Result};

/// The `typ` of each kind of token. Okta sends none but for the last one, where it
/// tells a request to end sessions from everything else that the same key signs.
const ID_TOKEN: Typ<'_> = Typ { names: &["jwt"], required: false };
const ACCESS_TOKEN: Typ<'_> = Typ { names: &["jwt", "at+jwt"], required: false };
const LOGOUT_TOKEN: Typ<'_> = Typ { names: &["jwt", "logout+jwt"], required: false };
const REVOCATION_TOKEN: Typ<'_> = Typ { names: &["global-token-revocation+jwt"], required: true };

/// Verifies the tokens of one issuer.
///
/// The order is fixed and the same for every kind: shape, header, algorithm, key,
/// signature. Only then is the payload looked at, by the rules of its kind. There is no
/// other way from a text to a verified token, so no rule can be left out by a caller.
#[derive(Debug)]
pub(crate) struct Verifier {
    /// What the issuer publishes.
    keys: Keys,
    /// The algorithms that tokens may use.
    allowed: Vec<Algorithm>,
    /// The clock skew that is tolerated.
    leeway: Duration,
    clock: SharedClock,
    /// The header of the last good token.
    headers: Headers,
}

/// A payload whose signature has been verified, and when.
#[derive(Debug)]
pub(super) struct Authentic {
    pub(super) payload: Payload,
    /// What it was signed with; `at_hash` depends on it.
    pub(super) algorithm: Algorithm,
    /// When it was verified: one moment for all claims about time.
    pub(super) now: Timestamp,
    /// The clock skew that is tolerated.
    pub(super) leeway: Duration,
}

/// What a token says, in the bytes that were signed, and by whose key.
struct Genuine {
    payload: Vec<u8>,
    algorithm: Algorithm,
    /// The set that the key was in.
    keys: Arc<KeySet>,
}

/// Which set of keys a token was verified with. It keeps the set's place in memory
/// taken, and so unlike any other set's, but not the keys.
#[derive(Clone, Debug)]
pub(crate) struct KeysVersion(Weak<KeySet>);

impl KeysVersion {
    /// Whether it is that of a set.
    fn is_of(&self, set: &Arc<KeySet>) -> bool {
        std::ptr::eq(Arc::as_ptr(set), self.0.as_ptr())
    }
}

impl Verifier {
    /// Verifies with these keys, these algorithms and this much clock skew.
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

    /// Verifies an access token of a custom authorization server (RFC 9068 §4, without
    /// the `typ` that Okta does not send).
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of fetching the keys.
    pub(crate) async fn access_token(
        &self,
        keys: &Url,
        token: &str,
        rules: &AccessTokenRules<'_>,
    ) -> Result<(VerifiedAccessToken, KeysVersion)> {
        let signed = self.authentic(keys, (token, rules.issuer), ACCESS_TOKEN, Trust::Anonymous).await?;
        let version = KeysVersion(Arc::downgrade(&signed.keys));
        Ok((VerifiedAccessToken::check(signed.payload, rules, self.clock.now(), self.leeway)?, version))
    }

    /// Verifies a logout token (OIDC Back-Channel Logout §2.6). That it is used once is
    /// up to the caller.
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of fetching the keys.
    pub(crate) async fn logout_token(
        &self,
        keys: &Url,
        token: &str,
        rules: &LogoutTokenRules<'_>,
    ) -> Result<VerifiedLogoutToken> {
        let signed = self.authentic(keys, (token, rules.issuer), LOGOUT_TOKEN, Trust::Anonymous).await?;
        VerifiedLogoutToken::check(&self.read(&signed)?, rules)
    }

    /// Verifies the token of a Global Token Revocation request, which is Okta's
    /// Universal Logout. That it is used once is up to the caller.
    ///
    /// # Errors
    /// One of the `Token...` codes, or the error of fetching the keys.
    pub(crate) async fn revocation_token(
        &self,
        keys: &Url,
        token: &str,
        rules: &RevocationTokenRules<'_>,
    ) -> Result<VerifiedRevocationToken> {
        let signed = self.authentic(keys, (token, rules.issuer), REVOCATION_TOKEN, Trust::Anonymous).await?;
        VerifiedRevocationToken::check(&self.read(&signed)?, rules)
    }

    /// Whether the keys are still those of `version`: what was verified with them would
    /// be verified again.
    ///
    /// # Errors
    /// The error of fetching the keys, if there are none at all.
    pub(crate) async fn is_current(&self, keys: &Url, version: &KeysVersion) -> Result<bool> {
        let current = self.keys.current(keys).await?;
        Ok(version.is_of(&current))
    }

    /// Whether the keys are here, fresh and still those of `version`. `false` says
    /// nothing.
    pub(crate) fn surely_is_current(&self, keys: &Url, version: &KeysVersion, now: Timestamp) -> bool {
        self.keys.fresh(keys, now, |current| version.is_of(current)) == Some(true)
    }

    /// Shape, header, algorithm, key, signature; the payload is not looked at before
    /// that.
    async fn authentic(
        &self,
        keys: &Url,
        (token, issuer): (&str, &str),
        typ: Typ<'_>,
        trust: Trust,
    ) -> Result<Genuine> {
        let compact = Compact::parse(token, &self.headers)?;
        compact.header.check_type(typ)?;
        let algorithm = self.algorithm(&compact.header.alg)?;
        let signed = Signed {
            kid: compact.header.kid.as_deref(),
            algorithm,
            issuer,
            input: compact.signed,
            signature: &compact.signature,
        };
        let keys = self.keys.verify(keys, &signed, trust).await?;
        self.headers.keep(token, &compact.header);
        Ok(Genuine { payload: compact.payload()?, algorithm, keys })
    }

    /// The claims of a token whose signature has been verified.
    fn read(&self, signed: &Genuine) -> Result<Authentic> {
        let payload = Payload::parse(&signed.payload)?;
        Ok(Authentic { payload, algorithm: signed.algorithm, now: self.clock.now(), leeway: self.leeway })
    }

    /// The algorithm of the header, if it is on the list. The list decides, not the
    /// header.
    fn algorithm(&self, name: &str) -> Result<Algorithm> {
        let algorithm = Algorithm::parse(name).filter(|algorithm| self.allowed.contains(algorithm));
        algorithm.ok_or_else(|| {
            let allowed: Vec<&str> = self.allowed.iter().map(|algorithm| algorithm.as_str()).collect();
            let message = format!("the token's algorithm is not allowed; allowed: {}", allowed.join(", "));
            Error::new(Code::TokenAlgorithm, message)
        })
    }
}
