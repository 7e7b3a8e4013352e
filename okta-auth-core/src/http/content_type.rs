//! The content type of responses that have to be JSON. The rule is the same at every endpoint of the provider.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::error::{Code, Error, Result};

/// Checks the content type of a response that has to be JSON: `application/json` or `application/*+json`, with or
/// without parameters. A response without a content type is accepted, because its body decides (RFC 9110 §8.3).
///
/// # Errors
/// [`Code::ProviderResponse`] for another type; the message begins with `what`.
pub(crate) fn check_json(headers: &HeaderMap, what: &str) -> Result<()> {
    let kinds = headers.get_all(CONTENT_TYPE).iter().map(|value| value.to_str().unwrap_or_default());
    let mut kinds = kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let is_json =
        |kind: &str| kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    let Some(other) = kinds.find(|kind| !is_json(kind)) else { return Ok(()) };
    let why = if other == "application/jwt" || other.ends_with("+jwt") {
        "is a JWT and not JSON; set the client at the provider to unsigned and unencrypted responses"
    } else {
        "is not JSON (`Content-Type`)"
    };
    Err(Error::new(Code::ProviderResponse, format!("{what} {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(kinds: &[&str]) -> HeaderMap {
        kinds.iter().map(|kind| (CONTENT_TYPE, kind.parse().unwrap())).collect()
    }

    #[test]
    fn json_by_its_media_type() {
        let check = |kinds: &[&str]| check_json(&with(kinds), "it").map_err(|error| error.to_string());
        for fine in ["application/json", "Application/JSON; charset=utf-8", "application/jwk-set+json"] {
            assert_eq!(check(&[fine]), Ok(()), "{fine}");
        }
        for other in ["text/html", "application/jsonp", "text/json+json", "application/jwt", ""] {
            assert!(check(&[other]).unwrap_err().starts_with("it is"), "{other}");
        }
        assert!(check(&[]).is_ok() && check(&["application/json", "text/html"]).is_err());
    }
}
