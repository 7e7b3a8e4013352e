//! The authorization response (RFC 6749 §4.1.2, OAuth 2.0 Form Post Response Mode §2).

use crate::error::{Code, Error, Result};
use crate::http::unique_params;
use crate::secret::Secret;

/// The parameters of the protocol. Others are ignored (RFC 6749 §4.1.2).
const PARAMETERS: [&str; 7] = ["code", "state", "error", "error_description", "iss", "id_token", "access_token"];

/// The parameters of a request to the callback. They are untrusted: any page can make a browser call the callback.
#[derive(Debug)]
pub(crate) struct AuthorizationResponse {
    pub(crate) state: String,
    /// The issuer that claims to have sent the response (RFC 9207). Okta does not send it.
    pub(crate) issuer: Option<String>,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Code(Secret),
    /// The `error` and its description, which are untrusted text.
    Refused {
        error: String,
        description: Option<String>,
    },
}

impl AuthorizationResponse {
    /// Parses the query of a redirect or the body of a form post.
    ///
    /// # Errors
    /// [`Code::CallbackMalformed`] for a parameter that comes twice (RFC 6749 §3.1), for both or neither of `code` and
    /// `error`, and for tokens, which a code flow never delivers here.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self> {
        let [code, state, error, description, issuer, id_token, access_token] =
            unique_params(&[encoded], PARAMETERS)
                .ok_or_else(|| malformed("a parameter of the response comes twice"))?;
        if id_token.is_some() || access_token.is_some() {
            return Err(malformed(
                "the response contains tokens that were not requested; set the application to the code flow",
            ));
        }
        let state = state.filter(|state| !state.is_empty()).ok_or_else(|| malformed("the response has no `state`"))?;
        let outcome = match (code.filter(|code| !code.is_empty()), error) {
            (Some(code), None) => Outcome::Code(Secret::new(code)),
            (None, Some(error)) => Outcome::Refused { error, description },
            (Some(_), Some(_)) => return Err(malformed("the response has both a `code` and an `error`")),
            (None, None) => return Err(malformed("the response has neither a `code` nor an `error`")),
        };
        Ok(Self { state, issuer, outcome })
    }
}

/// All malformed responses share one code: none of them belongs to a sign-in of this application.
fn malformed(why: &'static str) -> Error {
    Error::new(Code::CallbackMalformed, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(query: &str) -> Result<AuthorizationResponse> {
        AuthorizationResponse::parse(query.as_bytes())
    }

    #[test]
    fn a_code_with_its_state_is_read() {
        let response = code_of("code=a%20b&state=s&session_state=x&iss=https%3A%2F%2Fi").unwrap();
        assert!(matches!(&response.outcome, Outcome::Code(code) if code.expose() == "a b"));
        assert_eq!((response.state.as_str(), response.issuer.as_deref()), ("s", Some("https://i")));
    }

    #[test]
    fn ambiguous_responses_are_rejected() {
        for query in [
            "code=a&code=b&state=s",
            "code=a&state=s&state=s",
            "code=a&error=access_denied&state=s",
            "state=s",
            "code=&state=s",
            "code=a",
            "code=a&state=",
            "code=a&state=s&id_token=x",
            "code=a&state=s&access_token=x",
            "code=a&state=s&iss=x&iss=y",
            "",
        ] {
            assert_eq!(code_of(query).unwrap_err().code(), Code::CallbackMalformed, "{query}");
        }
    }
}
