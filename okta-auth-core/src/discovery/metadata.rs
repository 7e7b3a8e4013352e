//! The metadata document and its validation.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use super::auth_methods::AuthMethods;
use crate::error::{Code, Error, Result};
use crate::issuer::{Issuer, is_loopback};

/// The provider metadata (OIDC Discovery §3), as far as this library uses it.
///
/// Missing members are never guessed. Without an end-session endpoint a logout ends only the local session. Without an
/// introspection endpoint the tokens of an org server are rejected. Without a userinfo endpoint only the claims of the
/// ID token are available.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    userinfo_endpoint: Option<Url>,
    #[serde(default)]
    end_session_endpoint: Option<Url>,
    #[serde(default)]
    revocation_endpoint: Option<Url>,
    #[serde(default)]
    introspection_endpoint: Option<Url>,
    #[serde(default, rename = "revocation_endpoint_auth_methods_supported")]
    revocation_methods: AuthMethods,
    #[serde(default, rename = "introspection_endpoint_auth_methods_supported")]
    introspection_methods: AuthMethods,
    /// Boxed, like the next one, because many servers have none.
    #[serde(default)]
    pushed_authorization_request_endpoint: Option<Box<Url>>,
    #[serde(default)]
    require_pushed_authorization_requests: Option<bool>,
    #[serde(default)]
    require_signed_request_object: Option<bool>,
    #[cfg(feature = "device")]
    #[serde(default)]
    device_authorization_endpoint: Option<Box<Url>>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: Option<bool>,
    /// Only used, and only checked, with FAPI 2.0.
    #[serde(default, rename = "token_endpoint_auth_methods_supported", deserialize_with = "lists_private_key_jwt")]
    pub(super) has_private_key_jwt: bool,
    /// Only used, and only checked, with FAPI 2.0.
    #[serde(default, rename = "dpop_signing_alg_values_supported", deserialize_with = "lists_es256")]
    pub(super) has_dpop_with_es256: bool,
}

impl Metadata {
    /// Returns the issuer. It has been compared with the configured one.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the URL that browsers are sent to for sign-in.
    pub(crate) fn authorization_endpoint(&self) -> &Url {
        &self.authorization_endpoint
    }

    /// Returns the URL where codes and refresh tokens are exchanged.
    pub(crate) fn token_endpoint(&self) -> &Url {
        &self.token_endpoint
    }

    /// Returns the URL of the keys. It is never built from the issuer, because it may have another host.
    pub(crate) fn jwks_uri(&self) -> &Url {
        &self.jwks_uri
    }

    /// Returns the URL of the userinfo endpoint (OIDC Core §5.3).
    pub(crate) fn userinfo_endpoint(&self) -> Option<&Url> {
        self.userinfo_endpoint.as_ref()
    }

    /// Returns the URL that browsers are sent to for logout (OIDC RP-Initiated Logout §2.1).
    pub(crate) fn end_session_endpoint(&self) -> Option<&Url> {
        self.end_session_endpoint.as_ref()
    }

    /// Returns the URL where tokens are revoked (RFC 7009).
    pub(crate) fn revocation_endpoint(&self) -> Option<&Url> {
        self.revocation_endpoint.as_ref()
    }

    /// Returns the URL where tokens are introspected (RFC 7662).
    pub(crate) fn introspection_endpoint(&self) -> Option<&Url> {
        self.introspection_endpoint.as_ref()
    }

    /// Returns the methods of client authentication at the revocation endpoint.
    pub(crate) fn revocation_methods(&self) -> &AuthMethods {
        &self.revocation_methods
    }

    /// Returns the methods of client authentication at the introspection endpoint.
    pub(crate) fn introspection_methods(&self) -> &AuthMethods {
        &self.introspection_methods
    }

    /// Returns the URL where authorization requests are pushed (RFC 9126 §5).
    pub(crate) fn pushed_authorization_request_endpoint(&self) -> Option<&Url> {
        self.pushed_authorization_request_endpoint.as_deref()
    }

    /// Whether the server accepts only pushed authorization requests (RFC 9126 §5).
    pub(crate) fn require_pushed_authorization_requests(&self) -> bool {
        self.require_pushed_authorization_requests == Some(true)
    }

    /// Whether the server accepts only signed authorization requests (RFC 9101 §10.5).
    pub(crate) fn require_signed_request_object(&self) -> bool {
        self.require_signed_request_object == Some(true)
    }

    /// Returns the URL where a sign-in on another device begins (RFC 8628 §4).
    #[cfg(feature = "device")]
    pub(crate) fn device_authorization_endpoint(&self) -> Option<&Url> {
        self.device_authorization_endpoint.as_deref()
    }

    /// Whether authorization responses carry `iss` (RFC 9207 §3).
    pub(crate) fn authorization_response_iss_parameter_supported(&self) -> bool {
        self.authorization_response_iss_parameter_supported == Some(true)
    }

    /// Every endpoint, including those for browsers.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Url> {
        self.of_browsers().chain(self.of_the_application())
    }

    fn of_browsers(&self) -> impl Iterator<Item = &Url> {
        std::iter::once(&self.authorization_endpoint).chain(&self.end_session_endpoint)
    }

    fn of_the_application(&self) -> impl Iterator<Item = &Url> {
        let optional = [&self.userinfo_endpoint, &self.revocation_endpoint, &self.introspection_endpoint];
        let all = [&self.token_endpoint, &self.jwks_uri].into_iter().chain(optional.into_iter().flatten());
        let all = all.chain(self.pushed_authorization_request_endpoint());
        #[cfg(feature = "device")]
        let all = all.chain(self.device_authorization_endpoint());
        all
    }

    /// Validates the document against the issuer that it was fetched for.
    ///
    /// 1. The issuer is the same, character by character (OIDC Discovery §4.3). Otherwise another server could
    ///    impersonate it. Only a configured slash at the end may be missing.
    /// 2. Endpoints are https. http is allowed for an issuer and endpoints on this machine, and for the backchannel of
    ///    such an issuer, which browsers are never sent to.
    /// 3. Endpoints have no credentials and no fragment.
    /// 4. The document does not exclude PKCE with S256 (RFC 9700 §2.1.1).
    pub(super) fn check(&self, issuer: &Issuer, is_inside: impl Fn(&Url) -> bool) -> Result<()> {
        if !issuer.is_spelled(&self.issuer) {
            let message =
                format!("the metadata at {issuer} names another issuer, {}", difference(issuer, &self.issuer));
            return Err(Error::new(Code::IssuerMismatch, message));
        }
        let mut of_browsers = self.of_browsers().filter(|endpoint| !is_acceptable(endpoint, issuer));
        let mut own =
            self.of_the_application().filter(|endpoint| !is_acceptable(endpoint, issuer) && !is_inside(endpoint));
        if let Some(bad) = of_browsers.next().or_else(|| own.next()) {
            let message =
                format!("the metadata of {issuer} has an endpoint at `{}` that is not plain https", bad.path());
            return Err(Error::new(Code::MetadataInvalid, message));
        }
        let methods = self.code_challenge_methods_supported.as_ref();
        if methods.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
            return Err(Error::new(Code::MetadataInvalid, format!("{issuer} does not support PKCE with S256")));
        }
        Ok(())
    }
}

/// Whether a member lists client authentication by `private_key_jwt`. A member of another type is not an error.
fn lists_private_key_jwt<'de, D: Deserializer<'de>>(member: D) -> Result<bool, D::Error> {
    lists(member, "private_key_jwt")
}

/// Whether a member lists the algorithm ES256. A member of another type is not an error.
fn lists_es256<'de, D: Deserializer<'de>>(member: D) -> Result<bool, D::Error> {
    lists(member, "ES256")
}

fn lists<'de, D: Deserializer<'de>>(member: D, name: &str) -> Result<bool, D::Error> {
    let member = Value::deserialize(member)?;
    Ok(member.as_array().is_some_and(|list| list.iter().any(|value| value == name)))
}

/// Describes how the issuer of the metadata differs from the configured one, and the fix.
fn difference(configured: &Issuer, named: &str) -> String {
    let plain = Url::parse(named).is_ok() && named.len() <= 255 && named.bytes().all(|byte| byte.is_ascii_graphic());
    if !plain {
        return "which is not a URL; OKTA_ISSUER_URI does not lead to an OpenID provider".to_owned();
    }
    let how = if named.trim_end_matches('/') == configured.as_str() {
        "by a slash at its end"
    } else if named.eq_ignore_ascii_case(configured.as_str()) {
        "only in upper and lower case"
    } else {
        "in more than a slash or case; a custom domain is the usual cause"
    };
    format!("`{named}`, which differs {how}: set OKTA_ISSUER_URI to exactly that if it is the intended server")
}

/// Whether an endpoint may be used: https without credentials and fragment, or http on this machine for an issuer on
/// this machine.
fn is_acceptable(endpoint: &Url, issuer: &Issuer) -> bool {
    let local = issuer.is_loopback() && is_loopback(endpoint);
    let scheme = endpoint.scheme() == "https" || (endpoint.scheme() == "http" && local);
    let plain = endpoint.username().is_empty() && endpoint.password().is_none() && endpoint.fragment().is_none();
    scheme && plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(issuer: &str, change: impl FnOnce(&mut Value)) -> Result<()> {
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/v1/authorize"),
            "token_endpoint": format!("{issuer}/v1/token"),
            "jwks_uri": format!("{issuer}/v1/keys"),
            "code_challenge_methods_supported": ["S256"],
        });
        change(&mut document);
        let metadata: Metadata = serde_json::from_value(document).unwrap();
        metadata.check(&Issuer::new(issuer, issuer.parse().unwrap()), |_| false)
    }

    const OKTA: &str = "https://x.okta.com/oauth2/default";
    const LOCAL: &str = "http://127.0.0.1:7/oauth2/default";

    #[test]
    fn a_document_of_the_same_issuer_passes() {
        check(OKTA, |_| {}).unwrap();
        check(LOCAL, |_| {}).unwrap();
        check(OKTA, |document| document["jwks_uri"] = "https://keys.example/k".into()).unwrap();
    }

    #[test]
    fn another_issuer_is_rejected_even_if_only_a_slash_differs() {
        for other in ["https://x.okta.com/oauth2/default/", "https://X.okta.com/oauth2/default", "https://x.okta.com"] {
            let error = check(OKTA, |document| document["issuer"] = other.into()).unwrap_err();
            assert_eq!(error.code(), Code::IssuerMismatch);
            assert!(error.to_string().contains(&format!("`{other}`")), "{error}");
        }
        for other in ["", "x", "https://x.okta.com/\n", "https://x.okta.com/\u{202e}"] {
            let error = check(OKTA, |document| document["issuer"] = other.into()).unwrap_err();
            assert!(error.to_string().contains("is not a URL"), "{error}");
        }
    }

    #[test]
    fn each_wrong_member_is_named() {
        let read = |change: &dyn Fn(&mut Value)| {
            let mut document = json!({
                "issuer": OKTA, "authorization_endpoint": OKTA, "token_endpoint": OKTA, "jwks_uri": OKTA,
                "userinfo_endpoint": null, "code_challenge_methods_supported": null,
                "authorization_response_iss_parameter_supported": null,
            });
            change(&mut document);
            crate::json::document::<Metadata>(document.to_string().as_bytes()).map_err(|error| error.to_string())
        };
        assert!(!read(&|_| {}).unwrap().authorization_response_iss_parameter_supported());
        for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
            let why = read(&|document| drop(document.as_object_mut().unwrap().remove(name))).unwrap_err();
            assert_eq!(why, format!("its member `{name}` is missing"));
        }
        for (name, wrong) in [
            ("issuer", json!(7)),
            ("authorization_endpoint", json!([OKTA])),
            ("token_endpoint", json!("not a URL, expected private")),
            ("jwks_uri", json!({})),
            ("userinfo_endpoint", json!("")),
            ("end_session_endpoint", json!(true)),
            ("revocation_endpoint", json!(7)),
            ("introspection_endpoint", json!("/v1/introspect")),
            ("pushed_authorization_request_endpoint", json!("/v1/par")),
            ("require_pushed_authorization_requests", json!("true")),
            ("require_signed_request_object", json!("true")),
            ("code_challenge_methods_supported", json!("S256")),
            ("authorization_response_iss_parameter_supported", json!("true")),
        ] {
            let why = read(&|document| document[name] = wrong.clone()).unwrap_err();
            assert!(why.contains(&format!("its member `{name}`")) && !why.contains("private"), "{why}");
        }
    }

    #[test]
    fn endpoints_that_are_not_plain_https_are_rejected() {
        for (name, bad) in [
            ("token_endpoint", "http://x.okta.com/t"),
            ("token_endpoint", "http://127.0.0.1/t"),
            ("jwks_uri", "ftp://x.okta.com/k"),
            ("userinfo_endpoint", "https://user@x.okta.com/u"),
            ("pushed_authorization_request_endpoint", "http://x.okta.com/par"),
            ("authorization_endpoint", "https://x.okta.com/a#f"),
            ("end_session_endpoint", "http://x.okta.com/l"),
        ] {
            let error = check(OKTA, |document| document[name] = bad.into()).unwrap_err();
            assert_eq!(error.code(), Code::MetadataInvalid, "{name} {bad}");
        }
        assert!(check(LOCAL, |document| document["token_endpoint"] = "http://x.okta.com/t".into()).is_err());
    }

    #[test]
    fn an_internal_address_is_for_the_application_and_not_for_browsers() {
        let inside = |name: &str| {
            let mut document = json!({
                "issuer": LOCAL,
                "authorization_endpoint": format!("{LOCAL}/v1/authorize"),
                "token_endpoint": format!("{LOCAL}/v1/token"),
                "jwks_uri": format!("{LOCAL}/v1/keys"),
            });
            document[name] = "http://okta:8090/x".into();
            let metadata: Metadata = serde_json::from_value(document).unwrap();
            metadata.check(&Issuer::new(LOCAL, LOCAL.parse().unwrap()), |url| url.host_str() == Some("okta"))
        };
        for own in ["token_endpoint", "jwks_uri", "userinfo_endpoint", "introspection_endpoint", "revocation_endpoint"]
        {
            inside(own).unwrap();
        }
        for of_browsers in ["authorization_endpoint", "end_session_endpoint"] {
            assert_eq!(inside(of_browsers).unwrap_err().code(), Code::MetadataInvalid, "{of_browsers}");
        }
    }

    #[test]
    fn a_server_without_s256_is_rejected() {
        assert!(check(OKTA, |document| document["code_challenge_methods_supported"] = json!(["plain"])).is_err());
        check(OKTA, |document| document["code_challenge_methods_supported"] = Value::Null).unwrap();
    }
}
