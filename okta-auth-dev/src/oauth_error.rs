//! Okta's errors: the two JSON formats, and the literal descriptions.
//!
//! The OAuth endpoints answer with `{"error", "error_description"}`. Metadata, rate limits and everything outside OAuth
//! answer with `{"errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"}`. A client must parse both,
//! because a 429 has the second format on every endpoint.
//!
//! The descriptions are from Okta's published table of OAuth errors. An app must not depend on them, and must escape
//! them when it displays them.

use std::borrow::Cow;

use serde::Serialize;

use crate::client::Client;
use crate::error::Error;
use crate::random;
use crate::reply::Reply;

/// An OAuth error: `{"error": …, "error_description": …}` in JSON, or the same two parameters in a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OAuthError {
    pub(crate) status: u16,
    pub(crate) error: Cow<'static, str>,
    pub(crate) description: Cow<'static, str>,
    /// The nonce for the next DPoP proof (RFC 9449 §8).
    pub(crate) dpop_nonce: Option<String>,
    /// The reason and the remedy that the description leaves out; only the request log has it.
    pub(crate) advice: Option<String>,
}

#[derive(Serialize)]
struct OAuthBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

/// The JSON of every other error, in Okta's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManagementBody<'a> {
    error_code: &'a str,
    error_summary: &'a str,
    error_link: &'a str,
    error_id: String,
    error_causes: Vec<Cause<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cause<'a> {
    error_summary: &'a str,
}

impl OAuthError {
    pub(crate) fn new(
        status: u16,
        error: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, error: error.into(), description: description.into(), dpop_nonce: None, advice: None }
    }

    pub(crate) fn bad(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, error, description)
    }

    /// 400: a parameter is missing, malformed, or repeated.
    pub(crate) fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("invalid_request", description)
    }

    /// 400: the code or the refresh token is invalid.
    pub(crate) fn invalid_grant(description: &'static str) -> Self {
        Self::bad("invalid_grant", description)
    }

    /// 400: a code of another client.
    pub(crate) fn issued_to_another_client() -> Self {
        Self::invalid_grant(
            "The grant was issued to another client. Please make sure the 'client_id' matches the one used at the \
             authorize request.",
        )
    }

    /// A client id that is not registered: a URL is rejected like a client metadata document.
    pub(crate) fn unknown_client(id: &str) -> Self {
        if id.contains("://") {
            let description = "The CIMD client does not match any configured CIMD client entity.";
            return Self::bad("invalid_client_metadata", description);
        }
        Self::invalid_client("Invalid value for 'client_id' parameter.")
    }

    /// 401: client authentication failed.
    pub(crate) fn invalid_client(description: &'static str) -> Self {
        Self::new(401, "invalid_client", description)
    }

    /// 401: the client uses another authentication method than its own. [`OAuthError::with_advice`] says which.
    pub(crate) fn client_authentication_failed() -> Self {
        Self::invalid_client("Client authentication failed. Either the client or the client credentials are invalid.")
    }

    pub(crate) fn with_advice(self, advice: String) -> Self {
        Self { advice: Some(advice), ..self }
    }

    /// 400: the scopes do not match the server, the client, or each other.
    pub(crate) fn invalid_scope(description: &'static str) -> Self {
        Self::bad("invalid_scope", description)
    }

    /// 400: the DPoP proof is missing or invalid.
    pub(crate) fn invalid_dpop_proof(description: &'static str) -> Self {
        Self::bad("invalid_dpop_proof", description)
    }

    /// A feature in the metadata that the org does not serve.
    pub(crate) fn feature_not_enabled() -> Self {
        Self::bad("access_denied", "The requested feature is not enabled in this environment.")
    }

    /// The embedded sign-in of Okta's widget and SDKs. The widget shows this description.
    pub(crate) fn interaction_code_not_enabled() -> Self {
        let description = "The requested feature (Interaction Code flow) isn't enabled in this environment. Ensure that \
                           you have Okta Identity Engine enabled and the Interaction Code flow enabled for this \
                           application and authorization server.";
        Self::bad("access_denied", description)
    }

    /// The client does not have the requested grant.
    pub(crate) fn unauthorized_grant(client: &Client) -> Self {
        let configured: Vec<&str> = client.grant_types.iter().map(|grant| grant.as_str()).collect();
        Self::bad(
            "unauthorized_client",
            format!(
                "The client is not authorized to use the provided grant type. Configured grant types: [{}].",
                configured.join(", ")
            ),
        )
    }

    /// A scope that the server or this client does not have.
    pub(crate) fn unknown_scope() -> Self {
        Self::invalid_scope("One or more scopes are not configured for the authorization server resource.")
    }

    /// No scope was requested, and no server of the org has default scopes.
    pub(crate) fn no_default_scopes() -> Self {
        Self::invalid_scope(
            "The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
        )
    }

    /// The token to exchange has expired or was revoked, or its session has ended.
    pub(crate) fn subject_token_expired() -> Self {
        Self::invalid_grant("The 'subject_token' either expired or the session associated with it was terminated.")
    }

    /// An internal error, such as a failure to generate a key.
    pub(crate) fn server_error() -> Self {
        Self::new(
            500,
            "server_error",
            "The authorization server encountered an unexpected condition that prevented it from fulfilling the \
             request.",
        )
    }

    pub(crate) fn too_many_groups() -> Self {
        Self::bad(
            "server_error",
            "The groups claim matched too many groups and must be configured to match fewer groups.",
        )
    }

    /// 401: access policies exist, and none allows the request.
    pub(crate) fn no_matching_policy() -> Self {
        Self::new(
            401,
            "access_denied",
            "Policy evaluation failed for this request, please check the policy configurations.",
        )
    }

    pub(crate) fn duplicate_parameter() -> Self {
        Self::invalid_request("The request contained multiple parameters with the same name.")
    }

    pub(crate) fn reply(&self) -> Reply {
        let body = OAuthBody { error: &self.error, error_description: &self.description };
        let advice = self.advice.as_ref().map(|advice| format!(" {advice}")).unwrap_or_default();
        let reason = format!("{}{advice}", self.description);
        let reply = Reply::json(self.status, &body).no_store().refused(&self.error, &reason);
        match &self.dpop_nonce {
            Some(nonce) => reply.header("dpop-nonce", nonce.clone()),
            None => reply,
        }
    }
}

impl From<Error> for OAuthError {
    /// Internal details are not sent to the client.
    fn from(_: Error) -> Self {
        Self::server_error()
    }
}

/// An error in the format of Okta's management API, for metadata, unknown paths and rate limits.
///
/// `errorLink` repeats the code. `errorId` is unique; Okta's support finds a request by it.
pub(crate) fn management(status: u16, code: &str, summary: &str) -> Reply {
    with_causes(status, code, summary, Vec::new())
}

/// 400 for a parameter with an invalid value.
pub(crate) fn api_validation_failed(parameter: &str, cause: &str) -> Reply {
    let summary = format!("Api validation failed: {parameter}");
    with_causes(400, "E0000001", &summary, vec![Cause { error_summary: cause }])
}

fn with_causes(status: u16, code: &str, summary: &str, error_causes: Vec<Cause<'_>>) -> Reply {
    let body = ManagementBody {
        error_code: code,
        error_summary: summary,
        error_link: code,
        error_id: random::okta_id("oae", 22),
        error_causes,
    };
    Reply::json(status, &body).no_store().refused(code, summary)
}

pub(crate) fn not_found(what: &str) -> Reply {
    management(404, "E0000007", &format!("Not found: Resource not found: {what}"))
}

pub(crate) fn no_such_path() -> Reply {
    management(404, "E0000008", "The requested path was not found")
}

/// 405.
pub(crate) fn wrong_method() -> Reply {
    management(405, "E0000022", "The endpoint does not support the provided HTTP method")
}

/// 429. The caller adds the `X-Rate-Limit-*` headers; Okta sends no `Retry-After`.
pub(crate) fn rate_limited() -> Reply {
    management(429, "E0000047", "API call exceeded rate limit due to too many requests.")
}
