//! A DPoP proof: a JWT that a client signs for one request (RFC 9449 §4.2).
//!
//! The checks and their order are those of RFC 9449 §4.3; the descriptions are Okta's. Checks that need the org's state
//! are the caller's: `jti`, the nonce, and the binding of the token.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use url::Url;

use crate::jws::Jws;
use crate::keys::{Algorithm, thumbprint, verify_with_jwk};
use crate::random;
use crate::request_log::Recorded;

/// The header `typ` of a proof.
const TYPE: &str = "dpop+jwt";

/// The age at which a proof is rejected, in seconds.
const MAX_AGE: i64 = 300;

/// The tolerated difference of a client's fast clock, in seconds.
const SKEW: i64 = 60;

/// Members of private keys and of symmetric keys, which a proof must not reveal.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

const MISSING: &str = "The DPoP proof JWT header is missing.";
const INVALID: &str = "The DPoP proof JWT is invalid.";

/// A proof with a valid signature, for this method and URL, at this time.
#[derive(Debug)]
pub(crate) struct Proof {
    /// The thumbprint of the key (RFC 7638): the value of `cnf.jkt`.
    pub(crate) jkt: String,
    pub(crate) jti: Option<String>,
    pub(crate) nonce: Option<String>,
    ath: Option<String>,
}

impl Proof {
    /// Whether a request has a proof, valid or not.
    pub(crate) fn is_present(request: &Recorded) -> bool {
        headers(request).next().is_some()
    }

    /// Reads the proof of a request to this URL. The error is Okta's description.
    pub(crate) fn read(request: &Recorded, url: &str, now: i64) -> Result<Self, &'static str> {
        let mut headers = headers(request);
        let text = headers.next().ok_or(MISSING)?;
        if headers.next().is_some() {
            return Err("Multiple DPoP proof JWT headers are not allowed.");
        }
        let jws = Jws::parse(text).ok_or("The DPoP proof JWT cannot be parsed.")?;
        let jkt = check_signature(&jws)?;
        check_request(&jws, &request.method, url)?;
        check_times(&jws, now)?;
        let claim = |name: &str| Some(jws.text(name).to_owned()).filter(|text| !text.is_empty());
        Ok(Self { jkt, jti: claim("jti"), nonce: claim("nonce"), ath: claim("ath") })
    }

    /// Whether `ath` is the hash of this access token.
    pub(crate) fn is_for(&self, access_token: &str) -> bool {
        self.ath.as_deref() == Some(&random::base64url(digest(&SHA256, access_token.as_bytes())))
    }
}

/// Key and `jti` of a proof whose signature is not verified; `None` without a `jti`.
pub(crate) fn identity_of(request: &Recorded) -> Option<String> {
    let jws = Jws::parse(headers(request).next()?)?;
    let jti = Some(jws.text("jti")).filter(|jti| !jti.is_empty())?;
    Some(format!("{} {jti}", thumbprint(jws.header.get("jwk")?)?))
}

fn headers(request: &Recorded) -> impl Iterator<Item = &str> {
    request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("dpop")).map(|(_, value)| value.as_str())
}

/// Verifies the signature with the key in the header, and returns the thumbprint of the key.
fn check_signature(jws: &Jws<'_>) -> Result<String, &'static str> {
    if jws.header.get("typ").and_then(Value::as_str) != Some(TYPE) {
        return Err("'typ' must be 'dpop+jwt' in the DPoP proof JWT.");
    }
    let algorithm = Algorithm::named(jws.algorithm()).filter(|algorithm| algorithm.signs_assertions());
    let algorithm = algorithm.ok_or("The DPoP proof JWT signature algorithm is invalid.")?;
    let jwk = jws.header.get("jwk").ok_or(INVALID)?;
    let jkt = thumbprint(jwk).ok_or(INVALID)?;
    if PRIVATE.iter().any(|name| jwk.get(name).is_some()) {
        return Err(INVALID);
    }
    let good = verify_with_jwk(jwk, algorithm, jws.message.as_bytes(), &jws.signature);
    good.then_some(jkt).ok_or("The DPoP proof JWT signature is invalid.")
}

/// Compares method and URL. `htu` has neither query nor fragment (RFC 9449 §4.2); the rest is compared after URL
/// normalization.
fn check_request(jws: &Jws<'_>, method: &str, url: &str) -> Result<(), &'static str> {
    if jws.text("htm") != method {
        return Err("'htm' claim in the DPoP proof JWT is invalid.");
    }
    let htu = Url::parse(jws.text("htu")).ok().filter(|htu| htu.query().is_none() && htu.fragment().is_none());
    let same = htu.is_some() && htu == Url::parse(url).ok();
    same.then_some(()).ok_or("'htu' claim in the DPoP proof JWT is invalid.")
}

fn check_times(jws: &Jws<'_>, now: i64) -> Result<(), &'static str> {
    let issued_at = jws.number("iat").ok_or("'iat' claim in the DPoP proof JWT is invalid.")?;
    if issued_at > now + SKEW {
        return Err("The DPoP proof JWT is issued in the future.");
    }
    if issued_at < now - MAX_AGE {
        return Err("The DPoP proof JWT is issued more than five minutes in the past.");
    }
    let expired = jws.claims.get("exp").is_some_and(|exp| exp.as_i64().is_none_or(|exp| exp <= now));
    if expired { Err("The DPoP proof JWT is expired.") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proof of RFC 9449 §4.1.
    const SAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik\
        VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR\
        nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE\
        QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj\
        oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia\
        WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg\
        4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

    fn read(now: i64, method: &str, url: &str) -> Result<Proof, &'static str> {
        let request = Recorded {
            method: method.to_owned(),
            headers: vec![("dpop".to_owned(), SAMPLE.replace(' ', ""))],
            ..Recorded::default()
        };
        Proof::read(&request, url, now)
    }

    #[test]
    fn the_proof_of_the_specification_is_accepted() {
        let (iat, url) = (1_562_262_616, "https://server.example.com/token");
        let proof = read(iat, "POST", url).unwrap();
        assert_eq!(proof.jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!(proof.jti.as_deref(), Some("-BwC3ESc6acc2lTc"));
        assert!(read(iat + MAX_AGE, "POST", "https://SERVER.example.com:443/token").is_ok());
        assert!(read(iat + MAX_AGE + 1, "POST", url).unwrap_err().contains("five minutes"));
        assert!(read(iat - SKEW - 1, "POST", url).unwrap_err().contains("future"));
        assert!(read(iat, "GET", url).unwrap_err().contains("htm"));
        assert!(read(iat, "POST", "https://server.example.com/token2").unwrap_err().contains("htu"));
    }
}
