//! Completes thin ID tokens with claims from userinfo.
//!
//! Okta issues a "thin" ID token when it issues an access token along with it: the rest of the profile is only at the
//! userinfo endpoint. The server and its settings decide which claims are omitted, so this module checks which claims
//! are missing and not the type of the server.

use serde_json::{Map, Value};

use crate::config::Userinfo;
use crate::error::{Code, Error, Result};
use crate::jose::check_email;
use crate::protocol::{ProviderContext, TokenSet};

/// For each scope, claims that a full ID token has at least one of. `name` and `preferred_username` are excluded
/// because a thin token has them too.
const PROMISED: &[(&str, &[&str])] = &[
    ("profile", &["given_name", "family_name", "locale", "zoneinfo", "updated_at"]),
    ("email", &["email"]),
    ("phone", &["phone_number"]),
    ("address", &["address"]),
    ("groups", &["groups"]),
];

/// Claims that are about the sign-in and not about the user.
const OF_THE_SIGN_IN: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "jti",
    "ver",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "idp",
    "sid",
    "session_expiry",
];

/// Whether a claim is about the sign-in: its strength, its time, and its end.
pub(super) fn is_of_the_sign_in(name: &str) -> bool {
    OF_THE_SIGN_IN.contains(&name)
}

/// Whether all claims of a granted scope are missing.
fn is_thin(claims: &Map<String, Value>, scopes: &[String]) -> bool {
    let granted = PROMISED.iter().filter(|(scope, _)| scopes.iter().any(|granted| granted == scope));
    granted.into_iter().any(|(_, promised)| !promised.iter().any(|claim| claims.contains_key(*claim)))
}

/// Fetches the claims of userinfo if the configuration wants them beside `known`, the claims of an ID token. Returns
/// `None` if it does not, or if the issuer has no userinfo endpoint.
pub(crate) async fn fetch(
    with: &ProviderContext<'_>,
    known: Option<&Map<String, Value>>,
    scopes: &[String],
    tokens: &TokenSet,
) -> Option<Result<Map<String, Value>>> {
    let endpoint = with.metadata.userinfo_endpoint()?;
    let is_wanted = match with.config.app.options.userinfo {
        Userinfo::Always => true,
        Userinfo::Never => false,
        Userinfo::WhenThin => known.is_none_or(|claims| is_thin(claims, scopes)),
    };
    if is_wanted { Some(with.protocol.userinfo(endpoint, tokens).await) } else { None }
}

/// Adds the claims that the ID token lacks. The token's own claims take precedence: they are signed. Claims about the
/// sign-in are accepted only from the token.
///
/// # Errors
/// [`Code::UserinfoSubject`] if the response has another subject, or none; [`Code::TokenClaim`] if the e-mail address
/// has control characters.
pub(crate) fn merge(claims: &mut Map<String, Value>, userinfo: Map<String, Value>, subject: &str) -> Result<()> {
    match userinfo.get("sub") {
        Some(Value::String(sub)) if sub == subject => {}
        Some(Value::String(_)) => {
            let message = "the `sub` of userinfo differs from that of the ID token; the sign-in is refused";
            return Err(Error::new(Code::UserinfoSubject, message));
        }
        _ => {
            let message = "the `sub` of userinfo is missing or not a string; the sign-in is refused";
            return Err(Error::new(Code::UserinfoSubject, message));
        }
    }
    check_email(&userinfo)?;
    for (name, value) in userinfo.into_iter().filter(|(name, _)| !is_of_the_sign_in(name)) {
        claims.entry(name).or_insert(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_token_without_the_promised_claims_is_thin() {
        let scopes = ["openid", "profile", "email"].map(str::to_owned);
        assert!(is_thin(&object(json!({"name": "A", "preferred_username": "a", "email": "a@b"})), &scopes));
        assert!(is_thin(&object(json!({"given_name": "A"})), &scopes));
        assert!(!is_thin(&object(json!({"given_name": "A", "email": "a@b"})), &scopes));
        assert!(!is_thin(&Map::new(), &["openid".to_owned()]));
    }

    #[test]
    fn userinfo_of_another_user_is_rejected_and_signed_claims_take_precedence() {
        let mut claims = object(json!({"sub": "a", "email": "signed"}));
        for other in [json!({"sub": "b"}), json!({"sub": ["a"]}), json!({})] {
            let error = merge(&mut claims, object(other), "a").unwrap_err();
            assert_eq!(error.code(), Code::UserinfoSubject);
        }
        merge(&mut claims, object(json!({"sub": "a", "email": "other", "locale": "x"})), "a").unwrap();
        assert_eq!(claims, object(json!({"sub": "a", "email": "signed", "locale": "x"})));
    }

    #[test]
    fn claims_about_the_sign_in_are_not_taken_from_userinfo() {
        let mut claims = object(json!({"sub": "00u1", "amr": ["pwd"]}));
        let says = json!({
            "sub": "00u1", "acr": "urn:okta:loa:2fa:any", "amr": ["mfa"], "auth_time": 2_000_000_000, "idp": "x",
            "session_expiry": 1, "email": "a@b", "sid": "other", "groups": ["Admins"],
        });
        merge(&mut claims, object(says), "00u1").unwrap();
        assert_eq!(Value::from(claims), json!({"sub": "00u1", "amr": ["pwd"], "email": "a@b", "groups": ["Admins"]}));
    }
}
