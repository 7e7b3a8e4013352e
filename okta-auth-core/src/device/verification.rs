//! Checks the texts that the user is shown.

use url::{Origin, Url};

use crate::error::{Code, Error, Result};
use crate::issuer::{Issuer, is_loopback};
use crate::protocol::DeviceAuthorizationResponse;

/// The maximum length of a user code in characters. Okta's codes have 8.
const LONGEST_CODE: usize = 32;
/// The maximum length of an address in bytes. A longer one does not fit on a screen, or into a QR code.
const LONGEST_ADDRESS: usize = 1_024;

/// What the user is shown: checked, in ASCII and without control characters.
#[derive(Clone, Debug)]
pub(super) struct Verification {
    pub(super) user_code: String,
    pub(super) uri: Url,
    pub(super) uri_complete: Option<Url>,
}

impl Verification {
    /// Checks the response of an issuer.
    ///
    /// # Errors
    /// [`Code::ProviderResponse`] for a code or an address that must not be shown.
    pub(super) fn new(
        response: &DeviceAuthorizationResponse,
        issuer: &Issuer,
        allowed_origins: &[Origin],
    ) -> Result<Self> {
        let address = |text: &str, member| checked_address(text, member, issuer, allowed_origins);
        let complete = response.verification_uri_complete.as_deref();
        Ok(Self {
            user_code: checked_code(&response.user_code)?,
            uri: address(&response.verification_uri, "verification_uri")?,
            uri_complete: complete.map(|text| address(text, "verification_uri_complete")).transpose()?,
        })
    }
}

/// A control character would be an instruction to the terminal, and another alphabet can look like this one.
fn checked_code(code: &str) -> Result<String> {
    if !code.is_empty() && code.len() <= LONGEST_CODE && code.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(code.to_owned());
    }
    let message = format!(
        "the user code (`user_code`, RFC 8628 §3.2) is not shown, because it is not 1 to {LONGEST_CODE} visible ASCII \
         characters"
    );
    Err(Error::new(Code::ProviderResponse, message))
}

fn checked_address(text: &str, member: &str, issuer: &Issuer, allowed_origins: &[Origin]) -> Result<Url> {
    let refused = |why: String| {
        let message = format!("the address for the user (`{member}`, RFC 8628 §3.2) is not shown, because {why}");
        Error::new(Code::ProviderResponse, message)
    };
    if text.len() > LONGEST_ADDRESS {
        return Err(refused(format!("it is longer than {LONGEST_ADDRESS} bytes")));
    }
    let url = Url::parse(text).ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_graphic()));
    let url = url.ok_or_else(|| refused("it is not a URL in ASCII".to_owned()))?;
    let local = issuer.is_loopback() && is_loopback(&url);
    if url.scheme() != "https" && !(url.scheme() == "http" && local) {
        return Err(refused("it is not https".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it contains a user name or a password".to_owned()));
    }
    let origin = url.origin();
    if origin != issuer.url().origin() && !allowed_origins.contains(&origin) {
        return Err(refused(format!(
            "it is at {}, and the issuer is at {}; if users are to sign in there, name it with \
             `DeviceFlowBuilder::verification_origin`",
            origin.ascii_serialization(),
            issuer.url().origin().ascii_serialization()
        )));
    }
    Ok(url)
}
