//! Checks that a response belongs to a pending login of this browser, and exchanges its code for tokens.

use super::identity::VerifiedIdentity;
use super::refusal;
use super::response::{AuthorizationResponse, Outcome};
use crate::discovery::Metadata;
use crate::error::{Code, Error, Result};
use crate::jose::{IdTokenRules, RefetchPolicy, VerifiedIdToken};
use crate::login::{ConsumedLogin, PendingLogin};
use crate::protocol::{ProviderContext, TokenSet};
use crate::secret::Secret;

/// A code whose state, issuer and browser have been checked. Only [`new`](Self::new) creates one.
#[derive(Debug)]
pub(crate) struct ValidatedCallback {
    login: ConsumedLogin,
    code: Secret,
}

impl ValidatedCallback {
    /// Checks the response against the pending login and the server that the request went to. `iss_required` is whether
    /// the response must name its issuer even if the metadata does not promise it.
    ///
    /// # Errors
    /// [`Code::AttemptUnknown`] if the state differs, [`Code::ResponseIssuer`] if another issuer answers,
    /// [`Code::AuthorizationRefused`] if Okta returns an error.
    pub(crate) fn new(
        login: ConsumedLogin,
        response: AuthorizationResponse,
        metadata: &Metadata,
        iss_required: bool,
    ) -> Result<Self> {
        if !login.pending().state.matches(&response.state) {
            return Err(Error::new(Code::AttemptUnknown, "the state of the response is not the state of the request"));
        }
        check_issuer(response.issuer.as_deref(), metadata, iss_required)?;
        match response.outcome {
            Outcome::Code(code) => Ok(Self { login, code }),
            Outcome::Refused { error, description } => {
                let description = description.as_deref().unwrap_or_default();
                let message = refusal::message(&error, description);
                let refused = Error::new(Code::AuthorizationRefused, message).with_provider_error(&error);
                Err(refused.with_provider_description(description))
            }
        }
    }

    pub(crate) async fn exchange(self, with: &ProviderContext<'_>) -> Result<VerifiedIdentity> {
        let pending = self.login.pending();
        let tokens = with.protocol.exchange_code(with.metadata, self.code.expose(), &pending.pkce_verifier).await?;
        let id_token = verify(with, &tokens, pending).await?;
        let mut identity = VerifiedIdentity::new(id_token, tokens, with.config);
        identity.complete(with).await?;
        Ok(identity)
    }
}

/// RFC 9207 §2.4: an `iss` in the response must be right, and must be present if the metadata promises it. This
/// prevents mix-up attacks (RFC 9700 §4.4).
fn check_issuer(issuer: Option<&str>, metadata: &Metadata, required: bool) -> Result<()> {
    match issuer {
        Some(issuer) if issuer == metadata.issuer() => Ok(()),
        None if !required && !metadata.authorization_response_iss_parameter_supported() => Ok(()),
        Some(other) => {
            let message = "the response is of another issuer than the sign-in was sent to; see `provider_description`";
            Err(Error::new(Code::ResponseIssuer, message).with_provider_description(other))
        }
        None => {
            let message = "the response does not name its issuer, which the provider's metadata or FAPI 2.0 requires";
            Err(Error::new(Code::ResponseIssuer, message))
        }
    }
}

/// Verifies the ID token against the parameters of this attempt.
async fn verify(with: &ProviderContext<'_>, tokens: &TokenSet, pending: &PendingLogin) -> Result<VerifiedIdToken> {
    let id_token = tokens.id_token.as_ref().ok_or_else(|| {
        let message = "Okta's token response has no ID token; check that the scope `openid` is granted";
        Error::new(Code::IdTokenMissing, message)
    })?;
    let rules = IdTokenRules {
        issuer: with.metadata.issuer(),
        client_id: &with.config.client_id,
        trusted_audiences: &with.config.app.options.trusted_audiences,
        nonce: Some(pending.nonce.expose()),
        access_token: Some(tokens.access_token.expose()),
        max_age: pending.max_age(),
        acr_values: pending.acr_values(),
        // The ID token came over TLS from the token endpoint, for our own code.
        trust: RefetchPolicy::Always,
    };
    with.verifier.id_token(with.metadata.jwks_uri(), id_token.expose(), &rules).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::clock::{Moment, Timestamp};
    use crate::login::{LoginOptions, ReturnTo, UsedStates};

    fn metadata(iss_in_response: bool) -> Metadata {
        serde_json::from_value(json!({
            "issuer": "https://issuer.example",
            "authorization_endpoint": "https://issuer.example/authorize",
            "token_endpoint": "https://issuer.example/token",
            "jwks_uri": "https://issuer.example/keys",
            "authorization_response_iss_parameter_supported": iss_in_response,
        }))
        .unwrap()
    }

    fn validate(query: impl FnOnce(&str) -> String, iss_in_response: bool) -> Result<ValidatedCallback> {
        validate_with(query, iss_in_response, false)
    }

    fn validate_with(
        query: impl FnOnce(&str) -> String,
        iss_in_response: bool,
        iss_required: bool,
    ) -> Result<ValidatedCallback> {
        let options = LoginOptions::new(ReturnTo::root());
        let pending = PendingLogin::new(&options, Moment::from_seconds(1)).unwrap();
        let response = AuthorizationResponse::parse(query(pending.state.expose()).as_bytes()).unwrap();
        let (used, lifetime, now) = (UsedStates::default(), Duration::from_secs(600), Timestamp::from_seconds(1));
        let login = ConsumedLogin::consume(pending, &used, lifetime, now).unwrap();
        ValidatedCallback::new(login, response, &metadata(iss_in_response), iss_required)
    }

    #[test]
    fn the_state_must_match_the_attempt() {
        validate(|state| format!("code=c&state={state}"), false).unwrap();
        for other in ["x", "", "1"] {
            let error = validate(|state| format!("code=c&state=y{state}{other}"), false).unwrap_err();
            assert_eq!(error.code(), Code::AttemptUnknown);
        }
    }

    #[test]
    fn an_issuer_that_the_metadata_promises_must_be_present_and_right() {
        let with = |issuer: &str, promised| {
            validate(|state| format!("code=c&state={state}{issuer}"), promised).map(drop).map_err(|error| error.code())
        };
        assert_eq!(with("&iss=https%3A%2F%2Fissuer.example", true), Ok(()));
        assert_eq!(with("", false), Ok(()));
        for (issuer, promised) in [("", true), ("&iss=https%3A%2F%2Fissuer.example%2F", false), ("&iss=", false)] {
            assert_eq!(with(issuer, promised), Err(Code::ResponseIssuer), "{issuer}");
        }
    }

    #[test]
    fn an_issuer_that_the_profile_requires_must_be_present_whatever_the_metadata_say() {
        let with = |issuer: &str| {
            let query = |state: &str| format!("code=c&state={state}{issuer}");
            validate_with(query, false, true).map(drop).map_err(|error| error.code())
        };
        assert_eq!(with("&iss=https%3A%2F%2Fissuer.example"), Ok(()));
        assert_eq!(with(""), Err(Code::ResponseIssuer));
    }

    #[test]
    fn an_error_of_another_issuer_is_rejected_too() {
        let query = |state: &str| format!("error=access_denied&state={state}&iss=https%3A%2F%2Fevil.example");
        assert_eq!(validate(query, false).unwrap_err().code(), Code::ResponseIssuer);
    }
}
