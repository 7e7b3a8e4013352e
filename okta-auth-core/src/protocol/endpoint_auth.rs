//! Client authentication at endpoints that announce their own methods.
//!
//! The configured method is that of the token endpoint. Some providers accept only HTTP Basic at the introspection and
//! the revocation endpoint, also from clients that send their secret in the form to the token endpoint.

use crate::config::ClientAuth;
use crate::discovery::{AuthMethod, AuthMethods};
use crate::error::{Code, Error};

/// Returns the configured method.
pub(super) fn configured(auth: &ClientAuth) -> AuthMethod {
    match auth {
        ClientAuth::SecretBasic(_) => AuthMethod::SecretBasic,
        ClientAuth::SecretPost(_) => AuthMethod::SecretPost,
        ClientAuth::SecretJwt(_) => AuthMethod::SecretJwt,
        ClientAuth::PrivateKeyJwt(_) => AuthMethod::PrivateKeyJwt,
        ClientAuth::None => AuthMethod::None,
    }
}

/// Returns the method for an endpoint. A secret that is sent anyway is sent in the way that the endpoint accepts. Any
/// other method stays, because its replacement would be weaker: `client_secret_jwt` never sends the secret.
pub(super) fn method_for(auth: &ClientAuth, listed: &AuthMethods) -> AuthMethod {
    let own = configured(auth);
    if !listed.exclude(own) || !matches!(own, AuthMethod::SecretBasic | AuthMethod::SecretPost) {
        return own;
    }
    let both = [AuthMethod::SecretBasic, AuthMethod::SecretPost];
    both.into_iter().find(|method| listed.contain(*method)).unwrap_or(own)
}

/// Adds the methods to the error of an endpoint that refused the request, if it does not list the configured method.
pub(super) fn explain(error: Error, auth: &ClientAuth, listed: &AuthMethods) -> Error {
    let (own, used) = (configured(auth), method_for(auth, listed));
    if !listed.exclude(own) || !matches!(error.code(), Code::TokenRefused | Code::ProviderResponse) {
        return error;
    }
    let message = format!(
        "{error}; for this endpoint the metadata lists {listed}, the application is configured for {own}, and the \
         request used {used}"
    );
    error.with_message(message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::Secret;

    fn listed(names: &[&str]) -> AuthMethods {
        serde_json::from_value(json!(names)).unwrap()
    }

    #[test]
    fn only_a_secret_that_is_sent_anyway_is_sent_in_another_way() {
        use AuthMethod::{None, SecretBasic, SecretJwt, SecretPost};
        let secret = || Secret::new("s");
        let (basic, post, jwt) = ("client_secret_basic", "client_secret_post", "client_secret_jwt");
        for (auth, list, method) in [
            (ClientAuth::SecretPost(secret()), &[basic][..], SecretBasic),
            (ClientAuth::SecretBasic(secret()), &[post], SecretPost),
            (ClientAuth::SecretPost(secret()), &[post, basic], SecretPost),
            (ClientAuth::SecretBasic(secret()), &["none", jwt, basic, post], SecretBasic),
            (ClientAuth::SecretPost(secret()), &[], SecretPost),
            (ClientAuth::SecretPost(secret()), &["none", "private_key_jwt", jwt], SecretPost),
            (ClientAuth::SecretBasic(secret()), &["none"], SecretBasic),
            (ClientAuth::SecretJwt(secret()), &[basic, post], SecretJwt),
            (ClientAuth::None, &[basic, post], None),
        ] {
            assert_eq!(method_for(&auth, &listed(list)), method, "{auth:?} {list:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_methods_that_do_not_fit() {
        let (auth, basic) = (ClientAuth::SecretJwt(Secret::new("s")), listed(&["client_secret_basic"]));
        let explained = |code, listed: &AuthMethods| explain(Error::new(code, "it refused"), &auth, listed);
        let error = explained(Code::TokenRefused, &basic);
        let told = "it refused; for this endpoint the metadata lists client_secret_basic, the application is configured \
                    for client_secret_jwt, and the request used client_secret_jwt";
        assert_eq!((error.code(), error.to_string().as_str()), (Code::TokenRefused, told));
        for (code, listed) in [
            (Code::ProviderUnavailable, basic),
            (Code::ProviderResponse, listed(&["client_secret_jwt"])),
            (Code::ProviderResponse, AuthMethods::default()),
        ] {
            assert_eq!(explained(code, &listed).to_string(), "it refused");
        }
    }
}
