//! Claims of a token that is not verified yet. They may select whose keys are tried or which tenant is looked up, and
//! may reject a token; token validation checks them again.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::base64url;
use crate::error::{Code, Error, Result};

/// Reads the payload of a token, or of the signed part of one. Returns `None` if it is not JSON of this type.
pub(crate) fn unverified_claims<T: DeserializeOwned>(token: &str) -> Option<T> {
    let payload = base64url::decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Returns the unverified `iss` of a token.
///
/// # Errors
/// [`Code::TokenMalformed`], always with the same message, because the text is untrusted.
pub(crate) fn unverified_issuer(token: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
    }
    let malformed = || Error::new(Code::TokenMalformed, "the token is not a signed token that names its issuer");
    unverified_claims::<Claims>(token).map(|claims| claims.iss).ok_or_else(malformed)
}
