//! The token response (RFC 6749 §5.1, OIDC Core §3.1.3.3).

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde_json::{Map, Value};

use super::dpop::DpopKey;
use crate::clock::{NumericDate, Timestamp};
use crate::error::{Code, Error, Result};
use crate::http::{ProviderError, check_json};
use crate::jose::unverified_claims;
use crate::json;
use crate::secret::{Secret, SecretBytes};

/// A token counts as valid for this long, even if the response states less. Otherwise a server that states 0 would get
/// a request for each use of a token. It is as long as the pause after a failed refresh.
pub(crate) const SHORTEST_LIFETIME: Duration = Duration::from_secs(5);

/// A token is refreshed after this time, even if the response states more: Okta's longest lifetime. Otherwise an absurd
/// number would keep a token for as long as its session or process.
pub(crate) const LONGEST_USE: Duration = Duration::from_secs(24 * 3600);

/// The tokens of a token response. They are unverified.
#[derive(Debug)]
pub(crate) struct TokenSet {
    /// For userinfo and for calls to other APIs.
    pub(crate) access_token: Secret,
    /// When the access token expires, by `expires_in` and after at least [`SHORTEST_LIFETIME`]; `None` if the response
    /// does not have it.
    pub(crate) access_token_expires_at: Option<Timestamp>,
    /// Only issued with the scope `offline_access`.
    pub(crate) refresh_token: Option<Secret>,
    /// To be verified by the caller.
    pub(crate) id_token: Option<Secret>,
    /// The granted scopes; `None` if they are the requested ones (RFC 6749 §5.1).
    pub(crate) scopes: Option<Vec<String>>,
    /// The key that the tokens are bound to (RFC 9449 §5).
    pub(crate) dpop_key: Option<DpopKey>,
    /// The type of an exchanged token (RFC 8693 §2.2.1).
    #[cfg(feature = "client")]
    pub(crate) issued_token_type: Option<String>,
}

/// The JSON of the response. Members that are `null` and tokens that are empty count as absent, and unknown members are
/// ignored.
#[derive(Deserialize)]
struct RawTokenResponse {
    access_token: Secret,
    token_type: String,
    #[serde(default)]
    expires_in: Option<ExpiresIn>,
    #[serde(default, deserialize_with = "non_empty")]
    refresh_token: Option<Secret>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default, deserialize_with = "non_empty")]
    id_token: Option<Secret>,
    #[cfg(feature = "client")]
    #[serde(default)]
    issued_token_type: Option<String>,
}

impl RawTokenResponse {
    fn read(response: &http::Response<SecretBytes>) -> Result<Self> {
        check_json(response.headers(), "the response of the token endpoint")?;
        let wrong = |why: &dyn fmt::Display| {
            let message = format!("the token endpoint did not answer with a token response (RFC 6749 §5.1): {why}");
            ProviderError::read(response.body()).explain(Error::new(Code::ProviderResponse, message))
        };
        let wire: Self = json::document(response.body()).map_err(|error| wrong(&error))?;
        if !is_sendable(wire.access_token.expose()) {
            return Err(wrong(&"its member `access_token` is empty or has characters that cannot be sent in a header"));
        }
        Ok(wire)
    }
}

/// Whether an access token can be sent after a scheme (RFC 6750 §2.1). Its characters are checked here, because every
/// use of another token would fail later.
fn is_sendable(access_token: &str) -> bool {
    !access_token.is_empty() && access_token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Some servers send an empty string for a token that they did not issue.
fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let token = Option::<Secret>::deserialize(deserializer)?;
    Ok(token.filter(|token| !token.expose().is_empty()))
}

/// Parses a response of status 200 whose `access_token` is no access token but a security token of this type (RFC 8693
/// §2.2.1). Its `token_type` is `N_A`; one page of Okta's documentation shows `Bearer`.
///
/// # Errors
/// [`Code::ProviderResponse`] if it is another response.
#[cfg(feature = "id-jag")]
pub(super) fn read_security_token(response: &http::Response<SecretBytes>, kind: &str) -> Result<Secret> {
    let wire = RawTokenResponse::read(response)?;
    let wrong = |member: &str| {
        let message = format!("the token endpoint did not issue the requested grant (`{member}`, RFC 8693 §2.2.1)");
        Err(Error::new(Code::ProviderResponse, message))
    };
    if wire.issued_token_type.as_deref() != Some(kind) {
        return wrong("issued_token_type");
    }
    if !["N_A", "Bearer"].iter().any(|known| wire.token_type.eq_ignore_ascii_case(known)) {
        return wrong("token_type");
    }
    Ok(wire.access_token)
}

/// A time in seconds, in the responses of all endpoints. RFC 6749 §5.1 requires a number; some servers send it as a
/// string of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExpiresIn(pub(super) Duration);

impl<'de> Deserialize<'de> for ExpiresIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = match Value::deserialize(deserializer)? {
            Value::String(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().unwrap_or(u64::MAX))
            }
            number => NumericDate::read(&number).and_then(|seconds| u64::try_from(seconds.seconds()).ok()),
        };
        let wrong = || de::Error::invalid_value(de::Unexpected::Other("value"), &"a number of seconds");
        let seconds = seconds.ok_or_else(wrong)?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

impl TokenSet {
    /// Parses a response of status 200.
    ///
    /// # Errors
    /// [`Code::ProviderResponse`] if it is not a token response; the message names the member.
    pub(super) fn read(response: &http::Response<SecretBytes>, now: Timestamp) -> Result<Self> {
        let wire = RawTokenResponse::read(response)?;
        if !wire.token_type.eq_ignore_ascii_case("Bearer") {
            let message = "Okta issued an access token that is not a bearer token (`token_type`), although the request \
                           had no DPoP proof";
            return Err(Error::new(Code::ProviderResponse, message));
        }
        Ok(Self::of(wire, now, None))
    }

    /// Parses a response of status 200 to a request with a DPoP proof of this key. `required` is whether a bearer token
    /// is refused.
    ///
    /// # Errors
    /// [`Code::ProviderResponse`] if it is not a token response, or if the token is not bound to the key.
    pub(super) fn read_bound(
        response: &http::Response<SecretBytes>,
        now: Timestamp,
        key: DpopKey,
        required: bool,
    ) -> Result<Self> {
        let wire = RawTokenResponse::read(response)?;
        let is = |name: &str| wire.token_type.eq_ignore_ascii_case(name);
        let is_bound = is("DPoP");
        let wrong = |message: &'static str| Err(Error::new(Code::ProviderResponse, message));
        if !is_bound && !is("Bearer") {
            return wrong("the access token is of an unknown type (`token_type`)");
        }
        if !is_bound && required {
            return wrong(
                "Okta issued a bearer token (`token_type`) to a request with a DPoP proof; turn on `Require \
                 Demonstrating Proof of Possession (DPoP) header in token requests` for the application, or set \
                 OKTA_DPOP=off",
            );
        }
        let is_confirmed = match Confirmation::of(&wire.access_token) {
            Confirmation::Key(named) => is_bound && named == key.thumbprint(),
            Confirmation::Absent => !is_bound,
            Confirmation::Unreadable => true,
        };
        if !is_confirmed {
            return wrong("the access token is not bound to the key of the DPoP proof (`cnf`, RFC 9449 §6.1)");
        }
        Ok(Self::of(wire, now, is_bound.then_some(key)))
    }

    fn of(wire: RawTokenResponse, now: Timestamp, dpop_key: Option<DpopKey>) -> Self {
        Self {
            access_token: wire.access_token,
            access_token_expires_at: wire.expires_in.map(|lifetime| now.plus(lifetime.0.max(SHORTEST_LIFETIME))),
            refresh_token: wire.refresh_token,
            id_token: wire.id_token,
            dpop_key,
            #[cfg(feature = "client")]
            issued_token_type: wire.issued_token_type,
            scopes: wire.scope.map(|scope| scope.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect()),
        }
    }
}

/// The key that an access token names (`cnf.jkt`, RFC 9449 §6.1).
enum Confirmation {
    Key(String),
    Absent,
    /// The token is opaque or encrypted, so only its API knows.
    Unreadable,
}

impl Confirmation {
    fn of(token: &Secret) -> Self {
        let Some(claims) = unverified_claims::<Map<String, Value>>(token.expose()) else { return Self::Unreadable };
        let key = claims.get("cnf").and_then(|cnf| cnf.get("jkt")).and_then(Value::as_str);
        key.map_or(Self::Absent, |key| Self::Key(key.to_owned()))
    }
}

opaque_debug!(RawTokenResponse);

#[cfg(test)]
impl TokenSet {
    /// The tokens of a refresh, for tests, without a stated lifetime.
    pub(crate) fn sample() -> Self {
        Self {
            access_token: Secret::new("the next access token"),
            access_token_expires_at: None,
            refresh_token: Some(Secret::new("the next refresh token")),
            id_token: None,
            scopes: None,
            dpop_key: None,
            #[cfg(feature = "client")]
            issued_token_type: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<TokenSet> {
        let response = http::Response::builder().header("content-type", "application/json;charset=UTF-8");
        TokenSet::read(&response.body(body.as_bytes().to_vec().into()).unwrap(), Timestamp::from_seconds(1_000))
    }

    fn with(members: &str) -> Result<TokenSet> {
        read(&format!(r#"{{"access_token":"private","token_type":"Bearer"{members}}}"#))
    }

    #[test]
    fn a_lifetime_is_a_number_or_its_digits() {
        let expires_at = |value: &str| {
            let tokens = with(&format!(r#","expires_in":{value}"#)).unwrap();
            tokens.access_token_expires_at.map(Timestamp::seconds)
        };
        for (value, seconds) in [
            ("3600", Some(4_600)),
            ("\"3600\"", Some(4_600)),
            ("3600.9", Some(4_600)),
            ("5", Some(1_005)),
            ("6", Some(1_006)),
            ("4.9", Some(1_005)),
            ("0", Some(1_005)),
            ("\"0\"", Some(1_005)),
            ("1e300", Some(i64::MAX)),
            ("1e400", Some(i64::MAX)),
            ("99999999999999999999999999", Some(i64::MAX)),
            ("\"99999999999999999999999\"", Some(i64::MAX)),
            ("null", None),
        ] {
            assert_eq!(expires_at(value), seconds, "{value}");
        }
        for bad in
            ["-1", "-1e400", "\"\"", "\"-1\"", "\"1.5\"", "\" 1\"", "\"1h\"", "true", "[3600]", "{}", r#""\u0663""#]
        {
            let error = with(&format!(r#","expires_in":{bad}"#)).unwrap_err();
            assert_eq!(error.code(), Code::ProviderResponse, "{bad}");
            assert!(error.to_string().contains("`expires_in` is not a number of seconds"), "{bad}: {error}");
        }
    }

    #[test]
    fn each_member_is_named_and_no_value_is_shown() {
        for (body, member) in [
            (r#"{"token_type":"Bearer"}"#, "`access_token` is missing"),
            (r#"{"access_token":7,"token_type":"Bearer"}"#, "`access_token` is not a string"),
            (r#"{"access_token":null,"token_type":"Bearer"}"#, "`access_token` is not a string"),
            (r#"{"access_token":"private"}"#, "`token_type` is missing"),
            (r#"{"access_token":"private","token_type":["Bearer"]}"#, "`token_type` is not a string"),
            (
                r#"{"access_token":"private","access_token":"private","token_type":"Bearer"}"#,
                "`access_token` occurs twice",
            ),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.to_string().contains(member), "{body}: {error}");
            assert!(!format!("{error:?}").contains("private"), "{error:?}");
        }
        for name in ["refresh_token", "scope", "id_token"] {
            for wrong in ["7", "true", "[\"x\"]", "{}"] {
                let error = with(&format!(r#","{name}":{wrong}"#)).unwrap_err();
                assert!(error.to_string().contains(&format!("`{name}` is not a string")), "{error}");
            }
            assert!(with(&format!(r#","{name}":null"#)).is_ok());
        }
        for wrong in ["", " ", "a b", "a\\r\\nb", "\\u0000", "\\u00fc", "a\\u007f"] {
            let error = read(&format!(r#"{{"access_token":"{wrong}","token_type":"Bearer"}}"#)).unwrap_err();
            assert!(error.to_string().contains("`access_token` is empty or has characters"), "{wrong}: {error}");
        }
        let empty = with(r#","refresh_token":"","id_token":"","scope":"""#).unwrap();
        assert!(empty.refresh_token.is_none() && empty.id_token.is_none() && empty.scopes == Some(Vec::new()));
        let refused = read(r#"{"error":"server_error","error_description":"Try later."}"#).unwrap_err();
        assert_eq!(
            (refused.provider_error(), refused.provider_description()),
            (Some("server_error"), Some("Try later."))
        );
    }
}
