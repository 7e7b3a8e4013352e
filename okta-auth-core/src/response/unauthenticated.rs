//! Responses to a client without a session, or whose access token does not suffice (RFC 6750 §3, RFC 9470 §3).

use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::challenge::TokenRequirements;
use super::page::Page;
use super::reply::{Reply, json};
use super::responder::Responder;
use crate::bearer::{Scheme, WwwAuthenticate};
use crate::error::{Code, Error};
use crate::events::first_error;
use crate::language::Text;
use crate::login::ReturnTo;
use crate::policy::StepUp;

/// Makes htmx navigate to a URL.
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

impl Responder<'_> {
    /// Responds with 401 to a form without a session: a redirect would silently discard its data.
    pub(crate) fn session_expired(&self, back_to: &ReturnTo) -> Reply {
        let again = self.config.routes.login_url(&[("return_to", back_to.as_str())]);
        let page = Page {
            title: self.text(Text::SessionOver),
            sentences: vec![self.text(Text::ChangesLost)],
            choices: Vec::new(),
            links: again.iter().map(|again| (self.text(Text::SignIn), again.as_str())).collect(),
            code: None,
            reference: self.reference,
        };
        let mut reply = self.page(StatusCode::UNAUTHORIZED, &page);
        reply.headers_mut().insert(WWW_AUTHENTICATE, WwwAuthenticate::bare().header());
        reply
    }

    /// Responds with 401 to a client without a session: a challenge without an error (RFC 6750 §3.1). htmx follows the
    /// URL of its sign-in, which returns to `htmx_page`, for every status.
    pub(crate) fn login_required(&self, htmx_page: Option<&ReturnTo>) -> Reply {
        let body = json!({ "error": "login_required", "message": "Sign in first." });
        let mut reply = challenged(StatusCode::UNAUTHORIZED, &WwwAuthenticate::bare(), &body);
        let address = htmx_page.and_then(|page| self.config.routes.login_url(&[("return_to", page.as_str())]));
        if let Some(address) = address.and_then(|address| HeaderValue::try_from(address).ok()) {
            reply.headers_mut().insert(HX_REDIRECT, address);
        }
        reply
    }

    /// Responds with 401 to a client without a token. The challenge has no error, because no token was sent (RFC 6750
    /// §3.1), but refers to the metadata (RFC 9728 §5.1).
    pub(crate) fn token_missing(&self, requirements: &TokenRequirements) -> Reply {
        let message = "Send an access token in the Authorization header.";
        // Without a failure there is no log line, so the body has no reference.
        let body = json!({ "error": "login_required", "message": message });
        let scheme = if requirements.bound { Scheme::Dpop } else { self.scheme };
        let challenge = self.with_scopes(WwwAuthenticate::bare(), &requirements.scopes).of_scheme(scheme, self.config);
        let challenge = self.with_resource_metadata(challenge);
        challenged(StatusCode::UNAUTHORIZED, &challenge, &body)
    }

    /// Responds with 401 `invalid_token`, or with 400 `invalid_request` if the request does not have exactly one token
    /// (RFC 6750 §3.1). The reason is logged; the client learns only whether a new token or a new proof would help. A
    /// bound token after `Bearer` gets a second challenge with the right scheme (RFC 9449 §7.2).
    pub(crate) fn token_refused(&self, error: &Error, requirements: &TokenRequirements) -> Reply {
        let (code, claim) = (error.code(), error.claim());
        self.log_refused_token(error);
        let (status, name, description) = match code {
            Code::CredentialsMalformed => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "send one access token, in the Authorization header and nowhere else",
            ),
            Code::TokenExpired => (StatusCode::UNAUTHORIZED, "invalid_token", "the access token has expired"),
            Code::DpopProof => (
                StatusCode::UNAUTHORIZED,
                "invalid_dpop_proof",
                "send a new DPoP proof for this request, with the key of the access token",
            ),
            Code::DpopNonce => {
                (StatusCode::UNAUTHORIZED, "use_dpop_nonce", "send a DPoP proof with the nonce of this response")
            }
            _ => (StatusCode::UNAUTHORIZED, "invalid_token", "the access token is not valid for this API"),
        };
        let mut challenge = WwwAuthenticate::error(name, description);
        if name == "invalid_token" {
            challenge = self.with_scopes(challenge, &requirements.scopes);
        }
        let mut reply = self.challenge(status, challenge, name, description);
        if claim == Some("cnf") && self.scheme == Scheme::Bearer {
            reply
                .headers_mut()
                .append(WWW_AUTHENTICATE, WwwAuthenticate::bare().of_scheme(Scheme::Dpop, self.config).header());
        }
        reply
    }

    /// Logs the reason. Every client gets its first nonce with a refusal, which is no incident.
    fn log_refused_token(&self, error: &Error) {
        let (reference, code, claim, cause) = (self.reference, error.code(), error.claim(), error.cause_text());
        if code == Code::DpopNonce {
            tracing::debug!(target: "okta_auth", %reference, %code, "an access token was refused: {error}");
            return;
        }
        first_error();
        tracing::info!(target: "okta_auth", %reference, %code, claim, cause, "an access token was refused: {error}");
    }

    /// Responds with 401 to a token without a key, where a policy requires one. A new token with a key would help.
    pub(crate) fn binding_needed(&self) -> Reply {
        let description = "the access token must be bound to a key of the client (DPoP)";
        let challenge = WwwAuthenticate::error("invalid_token", description);
        Responder { scheme: Scheme::Dpop, ..*self }.challenge(
            StatusCode::UNAUTHORIZED,
            challenge,
            "invalid_token",
            description,
        )
    }

    /// Tells a client that the request needs a stronger or new authentication (RFC 9470 §3).
    pub(crate) fn step_up_needed(&self, step_up: &StepUp) -> Reply {
        let name = "insufficient_user_authentication";
        let description = "a stronger or more recent sign-in is needed";
        let mut challenge = WwwAuthenticate::error(name, description).acr_values(&step_up.acr_values);
        if let Some(max_age) = step_up.max_age {
            challenge = challenge.max_age(max_age.as_secs());
        }
        self.challenge(StatusCode::UNAUTHORIZED, challenge, name, description)
    }

    /// Responds with 403 to a token without these scopes (RFC 6750 §3.1).
    pub(crate) fn insufficient_scope(&self, scopes: Vec<&str>) -> Reply {
        let description = "the access token lacks a scope";
        let challenge = WwwAuthenticate::error("insufficient_scope", description).scope(scopes);
        self.challenge(StatusCode::FORBIDDEN, challenge, "insufficient_scope", description)
    }

    /// Responds to an access token with a challenge that names the API's metadata.
    fn challenge(&self, status: StatusCode, challenge: WwwAuthenticate, code: &str, message: &str) -> Reply {
        let body = json!({ "error": code, "message": message, "reference": self.reference.to_string() });
        challenged(status, &self.with_resource_metadata(challenge.of_scheme(self.scheme, self.config)), &body)
    }

    /// Adds the required scopes to a challenge: those of the policy, or else those in the API's metadata.
    fn with_scopes(&self, challenge: WwwAuthenticate, scopes: &[String]) -> WwwAuthenticate {
        let all = &self.config.options.resource_scopes;
        challenge.scope(if scopes.is_empty() { all } else { scopes }.iter().map(String::as_str))
    }

    fn with_resource_metadata(&self, challenge: WwwAuthenticate) -> WwwAuthenticate {
        match self.config.resource_metadata_url() {
            Some(url) => challenge.resource_metadata(&url),
            None => challenge,
        }
    }
}

fn challenged(status: StatusCode, challenge: &WwwAuthenticate, body: &serde_json::Value) -> Reply {
    let mut reply = json(status, body);
    let headers = reply.headers_mut();
    headers.insert(WWW_AUTHENTICATE, challenge.header());
    // Required for scripts of another origin to read the challenge (Fetch §3.3.2).
    let exposed = match challenge.scheme() {
        Scheme::Bearer => "WWW-Authenticate",
        Scheme::Dpop => "WWW-Authenticate, DPoP-Nonce",
    };
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
    reply
}
