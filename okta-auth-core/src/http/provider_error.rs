//! Parses the bodies of Okta's error responses.

use serde_json::Value;

use crate::error::Error;
use crate::json::{self, Unique};

/// The content of an error body. Okta uses the OAuth form (`error` and `error_description`, RFC 6749 §5.2) or its
/// management form (`errorCode` and `errorSummary`), at any endpoint.
#[derive(Debug, Default)]
pub(crate) struct ProviderError {
    /// In lower case; empty if the body has no code.
    code: String,
    /// Empty if the body has no description.
    description: String,
}

impl ProviderError {
    /// Parses a body. A body in another form yields empty fields.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Ok(Unique(members)) = json::object(body) else { return Self::default() };
        let text = |names: [&str; 2]| names.iter().find_map(|name| members.get(*name).and_then(Value::as_str));
        Self {
            code: text(["error", "errorCode"]).unwrap_or_default().to_ascii_lowercase(),
            description: text(["error_description", "errorSummary"]).unwrap_or_default().to_owned(),
        }
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Adds Okta's error to an error: the code if it is a plain identifier, and the description for the log.
    pub(crate) fn explain(&self, error: Error) -> Error {
        error.with_provider_error(&self.code).with_provider_description(&self.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        let read = |body: &str| {
            let error = ProviderError::read(body.as_bytes()).explain(Error::new(Code::TokenRefused, "refused"));
            let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
            (text(error.provider_error()), text(error.provider_description()))
        };
        let pair = |code: &str, description: &str| (code.to_owned(), description.to_owned());
        let oauth = r#"{"error":"invalid_grant","error_description":"The code is\ninvalid."}"#;
        assert_eq!(read(oauth), pair("invalid_grant", r"The code is\ninvalid."));
        let okta = r#"{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit.","errorCauses":[]}"#;
        assert_eq!(read(okta), pair("e0000047", "API call exceeded rate limit."));
        assert_eq!(read(r#"{"error":7,"error_description":"Seven."}"#), pair("-", "Seven."));
        assert_eq!(read(r#"{"error":"<b>","error_description":["x"]}"#), pair("-", "-"));
        for other in ["", "[]", "<html>", "null", r#"{"error":"a","error":"b"}"#] {
            assert_eq!(read(other), pair("-", "-"), "{other}");
        }
    }
}
