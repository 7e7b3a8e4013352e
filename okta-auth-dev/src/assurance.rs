//! What `acr_values` asks for, and whether a person can do it.
//!
//! The levels are Okta's: `urn:okta:loa:1fa:any` and so on. A person signs in with a
//! password, and with a code where a level needs a second factor.

use crate::oauth_error::OAuthError;

/// Whether the methods of a person reach an assurance level; nothing for a level that Okta does not
/// know.
fn meets(level: &str, amr: &[String]) -> Option<bool> {
    let has = |methods: &[&str]| amr.iter().any(|method| methods.contains(&method.as_str()));
    Some(match level {
        "urn:okta:loa:1fa:any" | "urn:okta:loa:2fa:any:ifpossible" => true,
        "urn:okta:loa:1fa:pwd" => has(&["pwd"]),
        "urn:okta:loa:2fa:any" => has(&["mfa"]),
        // Resistant to phishing, and on top of that protected by hardware.
        "phr" => has(&["phr", "pop", "hwk"]),
        "phrh" => has(&["hwk"]),
        _ => return None,
    })
}

/// The first level that was asked for and is reached. Okta ignores levels that it does not know, so
/// without a known one there is none; with known ones of which the person reaches none, it refuses.
pub(crate) fn reached(acr_values: &[String], amr: &[String]) -> Result<Option<String>, OAuthError> {
    let known: Vec<(&String, bool)> = acr_values.iter().filter_map(|level| Some((level, meets(level, amr)?))).collect();
    match known.iter().find(|(_, met)| *met) {
        Some((level, _)) => Ok(Some((*level).clone())),
        None if known.is_empty() => Ok(None),
        None => Err(OAuthError::bad(
            "unmet_authentication_requirements",
            "Unable to meet the authentication requirements imposed by 'acr_values' parameter.",
        )),
    }
}

/// Whether a second factor, and nothing less, would reach one of the levels that were asked for.
///
/// A level that no code could reach, such as one resistant to phishing, is refused without
/// asking for one.
pub(crate) fn needs_second_factor(acr_values: &[String], amr: &[String]) -> bool {
    let more: Vec<String> = amr.iter().cloned().chain(["otp".to_owned(), "mfa".to_owned()]).collect();
    reached(acr_values, amr).is_err() && reached(acr_values, &more).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_level_is_granted_refused_or_ignored() {
        let reach = |levels: &str, amr: &str| reached(&words(levels), &words(amr));
        assert_eq!(reach("urn:okta:loa:1fa:pwd", "pwd").unwrap().as_deref(), Some("urn:okta:loa:1fa:pwd"));
        assert!(reach("urn:okta:loa:2fa:any", "pwd").is_err());
        assert_eq!(reach("phr urn:okta:loa:2fa:any", "pwd otp mfa").unwrap().as_deref(), Some("urn:okta:loa:2fa:any"));
        assert_eq!(reach("urn:example:gold", "pwd").unwrap(), None);
    }
}
