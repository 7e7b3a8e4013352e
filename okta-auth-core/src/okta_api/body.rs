//! JSON in requests and responses.

use std::io;

use http::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Code, Error, Result};
use crate::http::check_json;
use crate::secret::SecretBytes;

/// Parses a response. The error has a line and a column, and no value of the document.
pub(super) fn parse<T: DeserializeOwned>(response: &Response<SecretBytes>) -> Result<T> {
    check_json(response.headers(), "the response of Okta's API")?;
    serde_json::from_slice(response.body()).map_err(|error| {
        let message = "the response of Okta's API does not fit the type that the application expects";
        Error::new(Code::ProviderResponse, message).with_cause(error)
    })
}

pub(super) fn to_json(body: &impl Serialize) -> Result<SecretBytes> {
    let mut writer = SecretWriter(SecretBytes::with_capacity(1024));
    serde_json::to_writer(&mut writer, body).map_err(|error| {
        Error::new(Code::ConfigInvalid, "the body of a request to Okta's API is not JSON").with_cause(error)
    })?;
    Ok(writer.0)
}

/// Writes to a buffer that leaves no copies behind.
struct SecretWriter(SecretBytes);

impl io::Write for SecretWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
