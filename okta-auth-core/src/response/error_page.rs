//! Error responses: a page for a browser, JSON for any other client.
//!
//! They contain no cause, token or text of a provider. Those are in the log, under the same code and reference.

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::page::Page;
use super::reply::{Reply, html, json};
use super::responder::Responder;
use crate::error::{Code, Error};
use crate::events::first_error;
use crate::login::ReturnTo;

const DEFAULT_WAIT: u64 = 10;

/// The response to one kind of failure.
///
/// | status | when |
/// |---|---|
/// | 400 | the browser sent stale, foreign or forged data |
/// | 403 | the user is known and not authorized |
/// | 502 | Okta sent an invalid response or `server_error` |
/// | 503 | Okta is unreachable or limits the rate; with `Retry-After` |
/// | 413, 502, 504 | a request for a proxied API |
/// | 500 | the application or this library has a bug |
struct UserMessage {
    status: StatusCode,
    title: &'static str,
    sentences: &'static [&'static str],
}

impl Responder<'_> {
    /// Creates the response to an error that is already in the log, with a link to a sign-in that returns to `back_to`.
    pub(crate) fn error(&self, error: &Error, back_to: &ReturnTo) -> Reply {
        first_error();
        let message = user_message(error);
        let mut answer = if self.is_navigation {
            self.error_page(error, &message, back_to)
        } else {
            let text = message.sentences.first().copied().unwrap_or_default();
            let (code, reference) = (error.code().as_str(), self.reference.to_string());
            json(message.status, &json!({ "error": code, "message": text, "reference": reference }))
        };
        if message.status == StatusCode::SERVICE_UNAVAILABLE {
            let wait = error.retry_after().map_or(DEFAULT_WAIT, |wait| wait.as_secs().max(1));
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
        }
        answer
    }

    /// Creates the page: what happened, a link to a new sign-in that returns to the user's page, and a link home.
    fn error_page(&self, error: &Error, message: &UserMessage, back_to: &ReturnTo) -> Reply {
        let routes = self.config.routes();
        // Without `prompt=login` Okta would sign in the same account again.
        let denied = error.code() == Code::AccessDenied
            || (error.code() == Code::AuthorizationRefused && error.provider_error() == Some("access_denied"));
        let (label, prompt) = if denied { ("Use another account", Some("login")) } else { ("Sign in again", None) };
        let parameters = prompt.map(|prompt| ("prompt", prompt)).into_iter().chain([("return_to", back_to.as_str())]);
        let again = routes.login_url(&parameters.collect::<Vec<_>>());
        let home = routes.home();
        let mut links: Vec<(&str, &str)> = again.iter().map(|again| (label, again.as_str())).collect();
        links.push(("Home", &home));
        // Below the address of an unknown tenant these links do not work. The application's own start page may.
        let start = self.config.public_url("/");
        if error.code() == Code::TenantUnknown {
            links = vec![("Go to the start page", &start)];
        }
        let (sentences, code) = (message.sentences.to_vec(), error.code().as_str());
        let page = Page { title: message.title, sentences, links, code: Some(code), reference: self.reference };
        html(message.status, page.render())
    }
}

/// Chooses status and text for each code. Failures that the user can resolve come first; the other texts refer to the
/// operator.
fn user_message(error: &Error) -> UserMessage {
    let (status, title, sentences): (_, _, &[&str]) = match error.code() {
        Code::TenantUnknown => (
            StatusCode::NOT_FOUND,
            "There is nothing here",
            &["This address does not belong to a known organization. Please check it."],
        ),
        _ if error.is_temporary() => return away(error),
        _ if is_stale(error) => (
            StatusCode::BAD_REQUEST,
            "This sign-in link is no longer valid",
            &[
                "The sign-in was started in another browser, was already completed, or its cookie has expired.",
                "Make sure that cookies are allowed and that the address is the one you started from.",
            ],
        ),
        Code::AttemptExpired => (
            StatusCode::BAD_REQUEST,
            "This sign-in took too long",
            &["For your safety a sign-in has to be completed within a few minutes.", "Please start again."],
        ),
        Code::AuthorizationRefused => return refused(error),
        Code::SignInRefused => {
            (StatusCode::FORBIDDEN, "You cannot sign in here", &["This application did not let you in."])
        }
        Code::SessionTooLarge | Code::SessionNotRenewable => return unusable_session(error),
        Code::CrossOrigin => {
            (StatusCode::FORBIDDEN, "This request came from another site", &["For your safety it was rejected."])
        }
        Code::SignOutLocalOnly | Code::SignOutLinkInvalid => return half_signed_out(error),
        Code::AccessDenied | Code::ActorDenied => (
            StatusCode::FORBIDDEN,
            "You do not have access to this page",
            &[
                "You are signed in, but your account does not have permission for this.",
                "Please ask the people who run this application.",
            ],
        ),
        Code::RouteDenied => (
            StatusCode::FORBIDDEN,
            "This page is not available",
            &["The application does not serve this address. Please check it, or go back to the start page."],
        ),
        Code::ClaimsMismatch => (
            StatusCode::FORBIDDEN,
            "Your account is missing data that this page needs",
            &["Please ask the people who run this application."],
        ),
        Code::ProxyRefused | Code::ProxyTooLarge | Code::ProxyTimeout | Code::ProxyUnavailable | Code::ProxyBusy => {
            return not_forwarded(error);
        }
        _ if error.is_of_provider() => return UNUSABLE,
        _ if is_unverified(error) => (StatusCode::BAD_REQUEST, "Sign-in failed", NOT_VERIFIED),
        _ => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong",
            &["Please tell the people who run this application."],
        ),
    };
    UserMessage { status, title, sentences }
}

/// Whether the browser sent a stale or foreign callback. A foreign code is noticed only when Okta rejects it.
fn is_stale(error: &Error) -> bool {
    match error.code() {
        Code::AttemptUnknown | Code::CallbackMalformed => true,
        Code::TokenRefused => error.provider_error() == Some("invalid_grant"),
        _ => false,
    }
}

fn is_unverified(error: &Error) -> bool {
    error.is_token() || matches!(error.code(), Code::IdTokenMissing | Code::UserinfoSubject | Code::ResponseIssuer)
}

/// The response to a temporary failure.
fn away(error: &Error) -> UserMessage {
    let (title, sentences): (_, &[&str]) = match error.code() {
        Code::StoreUnavailable | Code::RenewalUnavailable => {
            ("This is not available right now", &["You are still signed in.", "Please try again in a little while."])
        }
        Code::SignOutPending => (
            "You are signed out in this browser",
            &["Part of this application is not available at the moment. It will complete the sign-out shortly."],
        ),
        Code::TenantUnavailable => ("This is not available right now", &["Please try again in a little while."]),
        _ => (
            "Sign-in is not available right now",
            &["The sign-in service cannot be reached at the moment.", "Please try again in a little while."],
        ),
    };
    UserMessage { status: StatusCode::SERVICE_UNAVAILABLE, title, sentences }
}

/// The sign-in succeeded, but the session cannot be kept.
fn unusable_session(error: &Error) -> UserMessage {
    let (status, title, sentences): (_, _, &[&str]) = match error.code() {
        Code::SessionTooLarge => (
            StatusCode::FORBIDDEN,
            "Your account has too much data for this application",
            &[
                "Your account is in more groups, or has more attributes, than this application can keep.",
                "Please tell the people who run this application.",
            ],
        ),
        _ => (
            StatusCode::BAD_GATEWAY,
            "Your session ended immediately",
            &[
                "The sign-in service ended your session right after you signed in.",
                "Please try again. If the problem persists, tell the people who run this application.",
            ],
        ),
    };
    UserMessage { status, title, sentences }
}

/// A request for a proxied API was not forwarded, or got no response.
fn not_forwarded(error: &Error) -> UserMessage {
    const AGAIN: &[&str] = &["A service of this application cannot be reached.", "Please try again in a little while."];
    let (status, sentences): (_, &[&str]) = match error.code() {
        Code::ProxyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, &["The data is larger than this application accepts."]),
        Code::ProxyTimeout => (StatusCode::GATEWAY_TIMEOUT, AGAIN),
        Code::ProxyUnavailable => (StatusCode::BAD_GATEWAY, AGAIN),
        Code::ProxyBusy => (StatusCode::SERVICE_UNAVAILABLE, AGAIN),
        _ => (StatusCode::BAD_REQUEST, &["This request is not valid."]),
    };
    UserMessage { status, title: "This did not work", sentences }
}

/// For invalid responses of Okta and for failures on its side.
const UNUSABLE: UserMessage = UserMessage {
    status: StatusCode::BAD_GATEWAY,
    title: "Sign-in failed",
    sentences: &[
        "The sign-in service returned an invalid response.",
        "Please try again. If the problem persists, tell the people who run this application.",
    ],
};

/// The browser is signed out, but a part of the logout failed.
fn half_signed_out(error: &Error) -> UserMessage {
    let (status, title, sentences): (_, _, &[&str]) = match error.code() {
        Code::SignOutLocalOnly => (
            StatusCode::SERVICE_UNAVAILABLE,
            "You are not signed out on the server",
            &[
                "You are signed out in this browser, but the server could not end your session.",
                "On a shared or lost device, please tell the people who run this application.",
            ],
        ),
        _ => (
            StatusCode::BAD_REQUEST,
            "You are signed out of this application",
            &[
                "The link that ends your session at the sign-in service works only once and expires after one minute.",
                "If other people use this device, sign out at the sign-in service as well.",
            ],
        ),
    };
    UserMessage { status, title, sentences }
}

/// One text for every rejected token, because the reason does not help the user.
const NOT_VERIFIED: &[&str] =
    &["The response of the sign-in service could not be verified, so you are not signed in.", "Please try again."];

/// Explains Okta's error codes to the user (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6).
fn refused(error: &Error) -> UserMessage {
    let (status, title, sentences): (_, _, &[&str]) = match error.provider_error() {
        Some("access_denied") => (
            StatusCode::FORBIDDEN,
            "Access denied",
            &[
                "The sign-in was cancelled, or your account may not use this application.",
                "An administrator can give you access to it.",
            ],
        ),
        Some("server_error") => return UNUSABLE,
        Some("temporarily_unavailable") => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Sign-in is not available right now",
            &["Please try again in a little while."],
        ),
        Some("login_required" | "interaction_required" | "consent_required" | "account_selection_required") => {
            (StatusCode::BAD_REQUEST, "Please sign in", &["The sign-in service needs you to sign in again."])
        }
        Some("unmet_authentication_requirements") => (
            StatusCode::FORBIDDEN,
            "A stronger sign-in is needed",
            &["Your account could not meet the requirements of this page, for example a second factor."],
        ),
        _ => (
            StatusCode::BAD_REQUEST,
            "Sign-in failed",
            &[
                "The sign-in service refused the request.",
                "Please try again. If the problem persists, tell the people who run this application.",
            ],
        ),
    };
    UserMessage { status, title, sentences }
}
