//! The errors of Okta's API.

use std::fmt;

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::{Code, Error, escaped};
use crate::http::{retry_after, stated};
use crate::json::{self, Unique};

/// The maximum number of causes. Okta states one for each invalid member.
const MAX_CAUSES: usize = 20;
/// The maximum length of a code and of an id. Okta's have 8 and 25 characters.
const MAX_NAME: usize = 64;

/// Okta's response to a request that it rejected: a status, and in most cases an `errorCode` with a summary.
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::Error;
/// use okta_auth::okta_api::ErrorResponse;
///
/// fn is_missing(error: &Error) -> bool {
///     ErrorResponse::of(error).is_some_and(|response| response.code() == Some("E0000007"))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ErrorResponse {
    status: StatusCode,
    code: Option<String>,
    summary: Option<String>,
    id: Option<String>,
    causes: Vec<String>,
}

impl ErrorResponse {
    /// Returns the response that is the cause of an error; `None` for an error without a response, for example if Okta
    /// cannot be reached.
    pub fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Okta's `errorCode`, for example `E0000007` for a resource that does not exist; `None` if the response has no
    /// well-formed one.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Okta's `errorSummary`: text for operators, escaped to stay on one line, and truncated after 500 characters.
    pub fn summary(&self) -> Option<&str> {
        self.summary.as_deref()
    }

    /// Okta's `errorId`, for Okta's support.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The summaries of Okta's `errorCauses`, at most 20, escaped and truncated like [`summary`](Self::summary). They
    /// may quote the request.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// Reads a response. A body in another form, such as a proxy's page, leaves only the status.
    pub(super) fn read(status: StatusCode, body: &[u8]) -> Self {
        let Unique(members) = json::object(body).unwrap_or(Unique(Map::new()));
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let name = |text: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            (!text.is_empty() && text.len() <= MAX_NAME && text.chars().all(is_plain)).then(|| text.to_owned())
        };
        let causes = members.get("errorCauses").and_then(Value::as_array).into_iter().flatten();
        let causes = causes.filter_map(|cause| cause.get("errorSummary")?.as_str()).take(MAX_CAUSES).map(escaped);
        Self {
            status,
            code: text("errorCode").and_then(name),
            summary: text("errorSummary").filter(|text| !text.is_empty()).map(escaped),
            id: text("errorId").and_then(name),
            causes: causes.collect(),
        }
    }

    /// Returns the error for this response. Okta's texts are in the log only.
    pub(super) fn into_error(self, headers: &HeaderMap, now: Timestamp) -> Error {
        let (code, wait) = match self.status {
            StatusCode::TOO_MANY_REQUESTS => (Code::ProviderRateLimited, Some(retry_after(headers, now))),
            status if status.is_server_error() => (Code::ProviderUnavailable, stated(headers, now)),
            _ => (Code::ApiRefused, None),
        };
        let provider_error = self.code.as_deref().unwrap_or_default().to_ascii_lowercase();
        let description = self.causes.iter().fold(self.summary.clone().unwrap_or_default(), |all, cause| {
            if all.is_empty() { cause.clone() } else { format!("{all}; {cause}") }
        });
        let error = Error::new(code, self.message()).with_provider_error(&provider_error);
        let error = error.with_provider_description(&description).with_cause(self);
        wait.into_iter().fold(error, Error::with_retry_after)
    }

    fn message(&self) -> String {
        let fix = match (self.status, self.code()) {
            (_, Some("E0000006")) => {
                "; grant the scope to the application at Okta, and assign an administrator role to it"
            }
            (StatusCode::UNAUTHORIZED, _) => {
                "; the token is not accepted: check OKTA_ISSUER_URI and the application's status at Okta"
            }
            (StatusCode::TOO_MANY_REQUESTS, _) => "; Okta limits the rate",
            _ => "",
        };
        format!("{self}{fix}")
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Okta's API answered {}", self.status.as_u16())?;
        self.code.as_ref().map_or(Ok(()), |code| write!(f, " ({code})"))
    }
}

impl std::error::Error for ErrorResponse {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> ErrorResponse {
        ErrorResponse::read(StatusCode::BAD_REQUEST, body.as_bytes())
    }

    #[test]
    fn every_member_is_read() {
        let body = r#"{"errorCode":"E0000001","errorSummary":"Api validation failed: login","errorLink":"E0000001",
            "errorId":"oaeHfmOAx1iRLa0H10DeMz5fQ","errorCauses":[{"errorSummary":"login: already exists"},{"x":1},7]}"#;
        let response = read(body);
        assert_eq!(response.code(), Some("E0000001"));
        assert_eq!(response.summary(), Some("Api validation failed: login"));
        assert_eq!(response.id(), Some("oaeHfmOAx1iRLa0H10DeMz5fQ"));
        assert_eq!(response.causes(), ["login: already exists"]);
        let error = response.into_error(&HeaderMap::new(), Timestamp::from_seconds(0));
        assert_eq!((error.code(), error.provider_error()), (Code::ApiRefused, Some("e0000001")));
        assert_eq!(error.to_string(), "Okta's API answered 400 (E0000001)");
        assert_eq!(error.provider_description(), Some("Api validation failed: login; login: already exists"));
        assert_eq!(ErrorResponse::of(&error).unwrap().status(), StatusCode::BAD_REQUEST);
        assert!(ErrorResponse::of(&Error::new(Code::Internal, "another")).is_none());
    }

    #[test]
    fn garbage_is_dropped_or_bounded() {
        for garbage in [
            "",
            "<html>",
            "[]",
            "null",
            r#"{"errorCode":7,"errorSummary":{},"errorId":[],"errorCauses":"x"}"#,
            r#"{"errorCode":"E0000001","errorCode":"E0000006"}"#,
            r#"{"errorCode":"E 1\n","errorSummary":"","errorId":"<b>","errorCauses":[[],null,{"errorSummary":1}]}"#,
        ] {
            let response = read(garbage);
            assert_eq!((response.code(), response.summary(), response.id()), (None, None, None), "{garbage}");
            assert_eq!((response.causes().len(), response.to_string()), (0, "Okta's API answered 400".to_owned()));
        }
        let cause = serde_json::json!({"errorSummary": "\n".repeat(10_000)});
        let causes: Vec<_> = std::iter::repeat_n(cause, 1_000).collect();
        let body = serde_json::json!({
            "errorCode": "E".repeat(65), "errorSummary": "x\r\ny".repeat(10_000), "errorCauses": causes,
        });
        let response = read(&body.to_string());
        assert_eq!((response.code(), response.causes().len()), (None, MAX_CAUSES));
        assert!(response.causes()[0].len() <= 1_100 && response.summary().unwrap().len() <= 1_100);
        let text = format!("{:?}", response.into_error(&HeaderMap::new(), Timestamp::from_seconds(0)));
        assert!(text.len() < 2_000 && !text.contains('\n'), "{text}");
    }
}
