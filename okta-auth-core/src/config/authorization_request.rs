//! How the authorization request reaches the provider: through the browser or pushed, plain or signed.

use super::builder::ConfigBuilder;
use super::client_auth::ClientAuth;
use super::env::{PAR, REQUEST_OBJECT};
use super::problem::Diagnostics;

/// The shortest secret that signs, in characters: a key for HS256 has at least 256 bits (RFC 7518 §3.2).
const SHORTEST_SECRET: usize = 32;

impl ConfigBuilder {
    /// Pushes the authorization request from the application to the provider (RFC 9126); `OKTA_PAR=on`.
    ///
    /// The browser then carries only the client id and a reference, which is used once, so the request can be neither
    /// read nor changed on its way. The client has to authenticate, so a public client cannot push. By default the
    /// request is pushed only if the provider's metadata requires it. A sign-in whose request cannot be pushed fails;
    /// the request is never sent through the browser instead.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::config::ConfigBuilder;
    ///
    /// # fn vault(_: &str) -> &'static str { "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa" }
    /// # fn main() -> Result<(), okta_auth::error::Error> {
    /// let config = ConfigBuilder::default().issuer("https://acme.okta.com").client_id("0oa1").par();
    /// assert!(config.clone().build().is_err(), "a public client cannot push");
    /// config.client_secret(vault("client-secret")).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn par(mut self) -> Self {
        self.options.par = true;
        self
    }

    /// Sends the authorization request as a signed request object (RFC 9101); `OKTA_REQUEST_OBJECT=signed`.
    ///
    /// It is signed with the client's private key, or with its client secret (HS256), which then needs 32 characters or
    /// more. The browser can read such a request but cannot change it. With [`par`](Self::par) the signed request
    /// object is pushed. A public client has no key to sign with, so `build` rejects it. By default the request is
    /// signed only if the provider's metadata requires it.
    pub fn signed_requests(mut self) -> Self {
        self.options.signed_requests = true;
        self
    }

    /// Reads the variables.
    pub(super) fn read_authorization_request(&mut self, findings: &mut Diagnostics) {
        self.options.par |= self.is_switched(PAR, "on", findings);
        self.options.signed_requests |= self.is_switched(REQUEST_OBJECT, "signed", findings);
    }

    /// Checks that the client can do what is configured.
    pub(super) fn check_authorization_request(&self, auth: &ClientAuth, findings: &mut Diagnostics) {
        if self.api_only {
            return;
        }
        let is_public = matches!(auth, ClientAuth::None);
        if self.options.par && is_public {
            let message = "a public client cannot push its authorization requests, because they need client \
                           authentication (RFC 9126 §2); set OKTA_CLIENT_SECRET or OKTA_PRIVATE_KEY, or remove OKTA_PAR";
            findings.error(PAR, message);
        }
        if self.options.signed_requests && is_public {
            let message = "a public client has no key to sign its authorization requests (RFC 9101); set \
                           OKTA_PRIVATE_KEY or OKTA_CLIENT_SECRET, or remove OKTA_REQUEST_OBJECT";
            findings.error(REQUEST_OBJECT, message);
        }
        if self.options.signed_requests && auth.secret().is_some_and(|secret| secret.expose().len() < SHORTEST_SECRET) {
            let message = "the client secret has fewer than 32 characters, which HS256 needs (RFC 7518 §3.2); create a \
                           new one at Okta, or use a private key";
            findings.error(REQUEST_OBJECT, message);
        }
    }

    /// Whether the variable has this value. The only other one is `auto`, the default.
    fn is_switched(&self, variable: &'static str, on: &str, findings: &mut Diagnostics) -> bool {
        match self.variables.value(variable) {
            Some(value) if value == on => return true,
            None | Some("auto") => {}
            Some(other) => {
                let message = format!("`{}` is not a setting; use `{on}` or `auto`", other.escape_default());
                findings.error(variable, message);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";

    fn built(secret: &str, variable: &str, value: &str) -> Result<(bool, bool), String> {
        let issuer = ("OKTA_ISSUER_URI", "https://acme.okta.com");
        let client = [("OKTA_CLIENT_ID", "0oa1"), ("OKTA_CLIENT_SECRET", secret)];
        let config = ConfigBuilder::from_variables([issuer, client[0], client[1], (variable, value)]).build();
        config.map(|it| (it.app.options.par, it.app.options.signed_requests)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_variables_switch_on_or_leave_it_to_the_metadata() {
        let built = |variable, value| built(SECRET, variable, value);
        assert_eq!(built(PAR, "on"), Ok((true, false)));
        assert_eq!(built(REQUEST_OBJECT, "signed"), Ok((false, true)));
        for value in ["auto", ""] {
            assert_eq!((built(PAR, value), built(REQUEST_OBJECT, value)), (Ok((false, false)), Ok((false, false))));
        }
        assert!(built(PAR, "yes").unwrap_err().contains("OKTA_PAR: `yes` is not a setting; use `on` or `auto`"));
        assert!(built(REQUEST_OBJECT, "on").unwrap_err().contains("use `signed` or `auto`"));
    }

    #[test]
    fn a_short_secret_cannot_sign_and_a_public_client_can_do_neither() {
        assert!(built("kq3Yl0Zs8Xw5Rt2Vb7Nm", REQUEST_OBJECT, "signed").unwrap_err().contains("RFC 7518"));
        assert!(built("kq3Yl0Zs8Xw5Rt2Vb7Nm", PAR, "on").is_ok());
        assert!(built("", PAR, "on").unwrap_err().contains("RFC 9126"));
        assert!(built("", REQUEST_OBJECT, "signed").unwrap_err().contains("RFC 9101"));
    }
}
