//! A response that belongs to a pending sign-in of this browser, and its exchange for
//! tokens.

use std::sync::Arc;

use super::identity::VerifiedIdentity;
use super::refusal;
use super::response::{AuthorizationResponse, Outcome};
use crate::config::Config;
use crate::discovery::Metadata;
use crate::error::{Code, Error, Result};
use crate::jose::{IdTokenRules, Trust, VerifiedIdToken, Verifier};
use crate::login::PendingLogin;
use crate::protocol::{Protocol, TokenSet};
use crate::secret::Secret;

/// A code whose state, issuer and browser have been checked. There is no other way to
/// get one.
#[derive(Debug)]
pub(crate) struct ValidatedCallback {
    pending: PendingLogin,
    code: Secret,
}

impl ValidatedCallback {
    /// Holds the response against the pending sign-in and the server that it went to.
    ///
    /// # Errors
    /// [`Code::AttemptUnknown`] if the state is another one, [`Code::ResponseIssuer`]
    /// if another issuer answers, [`Code::AuthorizationRefused`] if Okta says no.
    pub(crate) fn new(pending: PendingLogin, response: AuthorizationResponse, metadata: &Metadata) -> Result<Self> {
        if !pending.state.matches(&response.state) {
            return Err(Error::new(Code::AttemptUnknown, "the state of the response is not the one that was sent"));
        }
        check_issuer(response.issuer.as_deref(), metadata)?;
        match response.outcome {
            Outcome::Code(code) => Ok(Self { pending, code }),
            Outcome::Refused { error, description } => {
                let description = description.as_deref().unwrap_or_default();
                let message = refusal::message(&error, description);
                let refused = Error::new(Code::AuthorizationRefused, message).with_provider_error(&error);
                Err(refused.with_provider_description(description))
            }
        }
    }

    /// Exchanges the code and verifies what came for it.
    pub(crate) async fn exchange(self, with: &Exchange<'_>) -> Result<(VerifiedIdentity, PendingLogin)> {
        let pending = self.pending;
        let tokens = with.protocol.exchange_code(with.metadata, self.code.expose(), &pending.pkce_verifier).await?;
        let id_token = with.verify(&tokens, &pending).await?;
        let mut identity = VerifiedIdentity::new(id_token, tokens, with.config);
        identity.complete(with).await?;
        Ok((identity, pending))
    }
}

/// RFC 9207 §2.4: an `iss` that is there must be right, and one that the metadata
/// promises must be there. It is the defence against a mix-up of servers (RFC 9700
/// §4.4).
fn check_issuer(issuer: Option<&str>, metadata: &Metadata) -> Result<()> {
    let fine = match issuer {
        Some(issuer) => issuer == metadata.issuer(),
        None => !metadata.authorization_response_iss_parameter_supported(),
    };
    let message = "the response names another issuer than the one that the sign-in went to, or none";
    if fine { Ok(()) } else { Err(Error::new(Code::ResponseIssuer, message)) }
}

/// What an exchange needs.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) config: &'a Arc<Config>,
    pub(crate) metadata: &'a Metadata,
    pub(crate) protocol: &'a Protocol,
    pub(crate) verifier: &'a Verifier,
}

impl Exchange<'_> {
    /// Verifies the ID token against what this attempt asked for.
    async fn verify(&self, tokens: &TokenSet, pending: &PendingLogin) -> Result<VerifiedIdToken> {
        let id_token = tokens.id_token.as_ref().ok_or_else(|| {
            let message = "Okta's token response has no ID token; check that the scope `openid` is granted";
            Error::new(Code::IdTokenMissing, message)
        })?;
        let rules = IdTokenRules {
            issuer: self.metadata.issuer(),
            client_id: &self.config.client_id,
            nonce: Some(pending.nonce.expose()),
            access_token: Some(tokens.access_token.expose()),
            max_age: pending.max_age(),
            acr_values: pending.acr_values(),
            // It came over TLS from the token endpoint, for a code of our own.
            trust: Trust::BackChannel,
        };
        self.verifier.id_token(self.metadata.jwks_uri(), id_token.expose(), &rules).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Moment;
    use crate::login::{LoginOptions, ReturnTo};

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
        let options = LoginOptions::new(ReturnTo::root());
        let pending = PendingLogin::new(&options, Moment::from_seconds(1)).unwrap();
        let response = AuthorizationResponse::parse(query(pending.state.expose()).as_bytes()).unwrap();
        ValidatedCallback::new(pending, response, &metadata(iss_in_response))
    }

    #[test]
    fn the_state_must_be_the_one_of_the_attempt() {
        validate(|state| format!("code=c&state={state}"), false).unwrap();
        for other in ["x", "", "1"] {
            let error = validate(|state| format!("code=c&state=y{state}{other}"), false).unwrap_err();
            assert_eq!(error.code(), Code::AttemptUnknown);
        }
    }

    #[test]
    fn an_issuer_that_the_metadata_promises_must_be_there_and_right() {
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
    fn an_error_of_another_issuer_is_not_believed_either() {
        let query = |state: &str| format!("error=access_denied&state={state}&iss=https%3A%2F%2Fevil.example");
        assert_eq!(validate(query, false).unwrap_err().code(), Code::ResponseIssuer);
    }
}
