//! What the FAPI 2.0 Security Profile requires of an authorization server, as far as the metadata shows it.

use super::metadata::Metadata;
use crate::error::{Code, Error, Result};

impl Metadata {
    /// Checks that the server supports the profile (FAPI 2.0 Security Profile §5.3.2).
    ///
    /// # Errors
    /// [`Code::MetadataInvalid`], naming the first missing part.
    pub(crate) fn check_fapi2(&self) -> Result<()> {
        let missing = if self.pushed_authorization_request_endpoint().is_none() {
            "pushed authorization requests (`pushed_authorization_request_endpoint`, RFC 9126)"
        } else if !self.authorization_response_iss_parameter_supported() {
            "the issuer in authorization responses (`authorization_response_iss_parameter_supported`, RFC 9207)"
        } else if !self.has_private_key_jwt {
            "client authentication by `private_key_jwt` (`token_endpoint_auth_methods_supported`)"
        } else if !self.has_dpop_with_es256 {
            "DPoP proofs with ES256 (`dpop_signing_alg_values_supported`, RFC 9449)"
        } else {
            return Ok(());
        };
        let message = format!(
            "the issuer cannot be used with FAPI 2.0, because its metadata does not announce {missing}; enable it at the \
             provider, or remove `fapi2()`. Okta does not implement FAPI 2.0"
        );
        Err(Error::new(Code::MetadataInvalid, message))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_missing_part_is_named() {
        let check = |name: &str, value: Value| {
            let mut document = json!({
                "issuer": "https://a.example",
                "authorization_endpoint": "https://a.example/authorize",
                "token_endpoint": "https://a.example/token",
                "jwks_uri": "https://a.example/keys",
                "pushed_authorization_request_endpoint": "https://a.example/par",
                "authorization_response_iss_parameter_supported": true,
                "token_endpoint_auth_methods_supported": ["tls_client_auth", "private_key_jwt"],
                "dpop_signing_alg_values_supported": ["PS256", "ES256"],
            });
            if !name.is_empty() {
                document[name] = value;
            }
            serde_json::from_value::<Metadata>(document).unwrap().check_fapi2()
        };
        check("", Value::Null).unwrap();
        for (name, value) in [
            ("pushed_authorization_request_endpoint", Value::Null),
            ("authorization_response_iss_parameter_supported", Value::Null),
            ("authorization_response_iss_parameter_supported", json!(false)),
            ("token_endpoint_auth_methods_supported", Value::Null),
            ("token_endpoint_auth_methods_supported", json!(["client_secret_basic"])),
            ("token_endpoint_auth_methods_supported", json!("private_key_jwt")),
            ("dpop_signing_alg_values_supported", Value::Null),
            ("dpop_signing_alg_values_supported", json!(["PS256", 7])),
        ] {
            let error = check(name, value).unwrap_err();
            assert_eq!(error.code(), Code::MetadataInvalid);
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
    }
}
