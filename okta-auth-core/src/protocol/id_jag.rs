//! The two requests of Cross App Access: a grant from the org, and an access token for it from the authorization server
//! of another app (Identity Assertion JWT Authorization Grant).

use super::client::{ProviderClient, TOKEN_EXCHANGE, TokenParameters, is_repeatable};
use super::dpop::TokenKey;
use super::token_response::{TokenSet, read_security_token};
use crate::discovery::Metadata;
use crate::error::Result;
use crate::secret::Secret;

/// The type of a grant.
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
/// The grant type of an assertion (RFC 7523 §2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The token of a user that a grant is requested for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SubjectToken<'a> {
    IdToken(&'a Secret),
    RefreshToken(&'a Secret),
}

impl<'a> SubjectToken<'a> {
    fn parameters(self) -> [(&'a str, &'a str); 2] {
        let (kind, token) = match self {
            Self::IdToken(token) => ("urn:ietf:params:oauth:token-type:id_token", token),
            Self::RefreshToken(token) => ("urn:ietf:params:oauth:token-type:refresh_token", token),
        };
        [("subject_token_type", kind), ("subject_token", token.expose())]
    }
}

impl ProviderClient {
    /// Requests a grant at the org. The audience is the issuer of the resource's authorization server.
    ///
    /// If the connection broke, the request is sent a second time, with an assertion and a proof of its own, because it
    /// uses nothing up.
    ///
    /// # Errors
    /// As for [`exchange_code`](Self::exchange_code), and `Code::ProviderResponse` if the response is not a grant.
    pub(crate) async fn request_id_jag(
        &self,
        metadata: &Metadata,
        subject: SubjectToken<'_>,
        wanted: TokenParameters<'_>,
    ) -> Result<Secret> {
        let mut parameters = vec![("grant_type", TOKEN_EXCHANGE), ("requested_token_type", ID_JAG)];
        parameters.extend(subject.parameters());
        parameters.extend(wanted.present());
        match self.security_token(metadata, &parameters).await {
            Err(error) if is_repeatable(&error) => self.security_token(metadata, &parameters).await,
            outcome => outcome,
        }
    }

    async fn security_token(&self, metadata: &Metadata, parameters: &[(&str, &str)]) -> Result<Secret> {
        let (response, _) = self.token_response(metadata, parameters, TokenKey::Own).await?;
        read_security_token(&response, ID_JAG)
    }

    /// Exchanges a grant at the server that is its audience, once: Okta rejects a second use.
    ///
    /// # Errors
    /// As for [`exchange_code`](Self::exchange_code).
    pub(crate) async fn redeem_id_jag(
        &self,
        metadata: &Metadata,
        grant: &Secret,
        scopes: Option<&str>,
    ) -> Result<TokenSet> {
        let mut parameters = vec![("grant_type", JWT_BEARER), ("assertion", grant.expose())];
        parameters.extend(scopes.map(|scopes| ("scope", scopes)));
        self.tokens(metadata, &parameters, TokenKey::Own).await
    }
}
