//! Explains the errors of Okta's authorization endpoint to the operator.
//!
//! Okta uses one code for several mistakes and distinguishes them only in the description, which is for people and may
//! change. So the description selects one of our messages, and no message contains it.

pub(super) fn message(error: &str, description: &str) -> &'static str {
    let says = |words: &str| description.to_ascii_lowercase().contains(words);
    match error {
        "access_denied" if says("not assigned") => {
            "the user is not assigned to this application at Okta; assign the user, or a group of theirs (Applications \
             > the application > Assignments)"
        }
        "access_denied" if says("policy evaluation") => {
            "no access policy of the authorization server allows this sign-in; add a policy with a rule for this \
             application (Security > API > the server > Access Policies)"
        }
        "access_denied" => {
            "Okta did not let the user in (access_denied): the sign-in was cancelled, or a sign-on policy or an \
             assignment does not allow it; see Reports > System Log at Okta"
        }
        "invalid_scope" => {
            "the authorization server does not have one of the scopes in OKTA_SCOPES; add it there (Security > API > \
             the server > Scopes), or remove it from OKTA_SCOPES"
        }
        "unauthorized_client" | "unsupported_response_type" => {
            "the application may not use the authorization code flow; allow the grant type Authorization Code \
             (Applications > the application > General)"
        }
        "server_error" if says("groups") => {
            "Okta refused because the user is in too many groups; filter the groups claim, to at most 100 of them"
        }
        _ => "Okta answered the sign-in with an error; see `provider_error`",
    }
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn the_description_selects_the_message_and_is_not_part_of_it() {
        let unassigned = message("access_denied", "User is not assigned to the client application.");
        assert!(unassigned.contains("Assignments"));
        assert!(message("access_denied", "Policy evaluation failed for this request.").contains("Access Policies"));
        assert!(message("access_denied", "").contains("System Log"));
        assert!(message("anything", "<script>").contains("provider_error"));
    }
}
