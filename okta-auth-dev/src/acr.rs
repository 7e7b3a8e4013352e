//! Evaluates `acr_values`: which level a session meets, and whether a second factor is missing.
//!
//! The levels are Okta's: `urn:okta:loa:1fa:any` and so on. The org has two factors: the password, and a code that its
//! own page displays, which adds `otp` and `mfa`. A user whose configured `amr` has more methods counts as having used
//! them.

use crate::oauth_error::OAuthError;

/// Methods that the code of the second step adds to a session.
const SECOND_FACTOR: [&str; 2] = ["otp", "mfa"];

/// The result of comparing a request's levels with a session's methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AcrResult {
    /// The session meets this level, which becomes the claim `acr`. `None` if the request names no level that Okta
    /// defines.
    Met(Option<String>),
    /// The session would meet a level after the second factor.
    NeedsSecondFactor,
    /// No factor of the user meets a requested level.
    Unmet,
}

/// Compares the levels of a request, the preferred one first, with the methods of a session.
///
/// The first level that the session meets wins, so a request that also names a lower level needs no second step. Levels
/// that Okta does not define are ignored. `second_factor` says whether the user has one.
pub(crate) fn assess(acr_values: &[String], amr: &[String], second_factor: bool) -> AcrResult {
    let known: Vec<&String> = acr_values.iter().filter(|level| meets(level, amr, false).is_some()).collect();
    if known.is_empty() {
        return AcrResult::Met(None);
    }
    let first_met = |amr: &[String], more: bool| known.iter().find(|level| meets(level, amr, more) == Some(true));
    if let Some(level) = first_met(amr, second_factor) {
        return AcrResult::Met(Some((*level).clone()));
    }
    let possible = second_factor && first_met(&with_second_factor(amr), true).is_some();
    if possible { AcrResult::NeedsSecondFactor } else { AcrResult::Unmet }
}

/// Returns the session's methods after a correct code.
pub(crate) fn with_second_factor(amr: &[String]) -> Vec<String> {
    let missing = SECOND_FACTOR.into_iter().filter(|method| !amr.iter().any(|known| known == method));
    amr.iter().cloned().chain(missing.map(str::to_owned)).collect()
}

pub(crate) fn unmet() -> OAuthError {
    OAuthError::bad(
        "unmet_authentication_requirements",
        "Unable to meet the authentication requirements imposed by 'acr_values' parameter.",
    )
}

/// Whether the methods meet a level; `None` for a level that Okta does not define. `more` says whether the user could
/// still add a factor.
fn meets(level: &str, amr: &[String], more: bool) -> Option<bool> {
    let has = |methods: &[&str]| amr.iter().any(|method| methods.contains(&method.as_str()));
    Some(match level {
        "urn:okta:loa:1fa:any" => true,
        "urn:okta:loa:1fa:pwd" => has(&["pwd"]),
        "urn:okta:loa:2fa:any" => has(&["mfa"]),
        "urn:okta:loa:2fa:any:ifpossible" => has(&["mfa"]) || !more,
        // Phishing-resistant, and for `phrh` also hardware-protected. A typed code is
        // neither.
        "phr" => has(&["phr", "pop", "hwk"]),
        "phrh" => has(&["hwk"]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn assessed(levels: &str, amr: &str, second_factor: bool) -> AcrResult {
        assess(&words(levels), &words(amr), second_factor)
    }

    fn met(level: &str) -> AcrResult {
        AcrResult::Met(Some(level.to_owned()))
    }

    #[test]
    fn a_level_is_granted_refused_or_ignored() {
        assert_eq!(assessed("urn:okta:loa:1fa:pwd", "pwd", true), met("urn:okta:loa:1fa:pwd"));
        assert_eq!(assessed("urn:okta:loa:2fa:any", "pwd", false), AcrResult::Unmet);
        assert_eq!(assessed("phr urn:okta:loa:2fa:any", "pwd otp mfa", true), met("urn:okta:loa:2fa:any"));
        assert_eq!(assessed("urn:example:gold", "pwd", true), AcrResult::Met(None));
        assert_eq!(assessed("urn:okta:loa:2fa:any urn:okta:loa:1fa:any", "pwd", true), met("urn:okta:loa:1fa:any"));
    }

    #[test]
    fn the_second_factor_is_required_only_where_it_helps() {
        assert_eq!(assessed("urn:okta:loa:2fa:any", "pwd", true), AcrResult::NeedsSecondFactor);
        assert_eq!(assessed("phr urn:okta:loa:2fa:any", "pwd", true), AcrResult::NeedsSecondFactor);
        assert_eq!(assessed("phr", "pwd", true), AcrResult::Unmet);
        assert_eq!(assessed("phrh", "pwd swk", true), AcrResult::Unmet);
        let if_possible = "urn:okta:loa:2fa:any:ifpossible";
        assert_eq!(assessed(if_possible, "pwd", true), AcrResult::NeedsSecondFactor);
        assert_eq!(assessed(if_possible, "pwd", false), met(if_possible));
        assert_eq!(with_second_factor(&words("pwd")), words("pwd otp mfa"));
        assert_eq!(with_second_factor(&words("pwd otp mfa")), words("pwd otp mfa"));
    }
}
