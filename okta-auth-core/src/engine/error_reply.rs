//! What a user is told when something fails: a page for a browser, JSON for anything
//! else.
//!
//! Neither holds a cause, a token or a provider's text; the log has them, under the
//! same code and the same reference.

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::page::Page;
use super::reply::{self, Reply};
use crate::config::Config;
use crate::error::{Code, Error};
use crate::events::{Reference, first_error};
use crate::login::ReturnTo;

/// How long a client is asked to wait when Okta does not say, in seconds.
const DEFAULT_WAIT: u64 = 10;

/// What is told about one kind of failure.
///
/// | status | when |
/// |---|---|
/// | 400 | the browser came with something old, foreign or forged |
/// | 403 | somebody is known, and may not |
/// | 502 | Okta answered with something that cannot be used, or with `server_error` |
/// | 503 | Okta cannot be reached, or limits the rate; with `Retry-After` |
/// | 500 | the application or this library has a mistake |
struct Telling {
    status: StatusCode,
    title: &'static str,
    sentences: &'static [&'static str],
}

/// The answer for an error, as the client reads it.
pub(super) fn error_reply(
    error: &Error,
    navigation: bool,
    config: &Config,
    back_to: &ReturnTo,
    reference: Reference,
) -> Reply {
    first_error();
    let telling = telling(error);
    let mut answer = if navigation {
        page(error, &telling, config, back_to, reference)
    } else {
        let message = telling.sentences.first().copied().unwrap_or_default();
        let (code, reference) = (error.code().as_str(), reference.to_string());
        reply::json(telling.status, &json!({ "error": code, "message": message, "reference": reference }))
    };
    if telling.status == StatusCode::SERVICE_UNAVAILABLE {
        let wait = error.retry_after().map_or(DEFAULT_WAIT, |wait| wait.as_secs().max(1));
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    answer
}

/// The page: what happened, another try that leads back to where the user was, and
/// home.
fn page(error: &Error, telling: &Telling, config: &Config, back_to: &ReturnTo, reference: Reference) -> Reply {
    let routes = config.routes();
    // Without `prompt=login` Okta would sign the same account in again.
    let denied = error.code() == Code::AccessDenied
        || (error.code() == Code::AuthorizationRefused && error.provider_error() == Some("access_denied"));
    let (label, prompt) = if denied { ("Use another account", "prompt=login&") } else { ("Sign in again", "") };
    let again =
        routes.login().map(|login| routes.public(&format!("{login}?{prompt}return_to={}", encode(back_to.as_str()))));
    let home = routes.home();
    let mut links: Vec<(&str, &str)> = again.iter().map(|again| (label, again.as_str())).collect();
    links.push(("Home", &home));
    // At the address of no tenant all of these lead nowhere. The application's own address may.
    let start = config.public_url("/");
    if error.code() == Code::TenantUnknown {
        links = vec![("Go to the start page", &start)];
    }
    let (sentences, code) = (telling.sentences.to_vec(), error.code().as_str());
    let page = Page { title: telling.title, sentences, links, code: Some(code), reference };
    reply::html(telling.status, page.render())
}

/// Encodes a value for a query.
fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Status and words for each code. What the user can mend comes first; what only the
/// operator can mend says so.
fn telling(error: &Error) -> Telling {
    let (status, title, sentences): (_, _, &[&str]) = match error.code() {
        Code::TenantUnknown => (
            StatusCode::NOT_FOUND,
            "There is nothing here",
            &["This address belongs to no organization that we know. Please check it."],
        ),
        _ if error.is_temporary() => return away(error),
        _ if is_stale(error) => (
            StatusCode::BAD_REQUEST,
            "This sign-in link does not work any more",
            &[
                "The sign-in was started in another browser, was already completed, or its cookie is gone.",
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
            (StatusCode::FORBIDDEN, "This request came from another site", &["For your safety it was not carried out."])
        }
        Code::SignOutLocalOnly | Code::SignOutLinkInvalid => return half_signed_out(error),
        Code::AccessDenied => (
            StatusCode::FORBIDDEN,
            "You do not have access to this page",
            &["Your account is signed in, but may not do this.", "Please ask the people who run this application."],
        ),
        Code::RouteDenied => (
            StatusCode::FORBIDDEN,
            "This page is not available",
            &["The application does not serve this address. Please check it, or go back to the start page."],
        ),
        Code::ClaimsMismatch => (
            StatusCode::FORBIDDEN,
            "Your account lacks something that this page needs",
            &["Please ask the people who run this application."],
        ),
        _ if error.is_of_provider() => return UNUSABLE,
        _ if is_unverified(error) => (StatusCode::BAD_REQUEST, "Sign-in failed", NOT_VERIFIED),
        _ => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong",
            &["Please tell the people who run this application."],
        ),
    };
    Telling { status, title, sentences }
}

/// Whether the browser came with something old or foreign; of a code that is only seen
/// when Okta does not take it.
fn is_stale(error: &Error) -> bool {
    match error.code() {
        Code::AttemptUnknown | Code::CallbackMalformed => true,
        Code::TokenRefused => error.provider_error() == Some("invalid_grant"),
        _ => false,
    }
}

/// Whether what Okta said of the user did not pass a check.
fn is_unverified(error: &Error) -> bool {
    error.is_token() || matches!(error.code(), Code::IdTokenMissing | Code::UserinfoSubject | Code::ResponseIssuer)
}

/// What is away comes back: nobody has to do anything but wait.
fn away(error: &Error) -> Telling {
    let (title, sentences): (_, &[&str]) = match error.code() {
        Code::StoreUnavailable | Code::RenewalUnavailable => {
            ("This is not available right now", &["You are still signed in.", "Please try again in a little while."])
        }
        Code::SignOutPending => (
            "You are signed out in this browser",
            &["Part of this application cannot be reached at the moment, so the rest is done a little later."],
        ),
        Code::TenantUnavailable => ("This is not available right now", &["Please try again in a little while."]),
        _ => (
            "Sign-in is not available right now",
            &["The sign-in service cannot be reached at the moment.", "Please try again in a little while."],
        ),
    };
    Telling { status: StatusCode::SERVICE_UNAVAILABLE, title, sentences }
}

/// The user has signed in, and the application cannot keep the session.
fn unusable_session(error: &Error) -> Telling {
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
            "Your sign-in ended at once",
            &[
                "The sign-in service ended your sign-in right after it had begun.",
                "Please try again; if it stays so, tell the people who run this application.",
            ],
        ),
    };
    Telling { status, title, sentences }
}

/// For answers of Okta that cannot be used, and for its own failures.
const UNUSABLE: Telling = Telling {
    status: StatusCode::BAD_GATEWAY,
    title: "Sign-in failed",
    sentences: &[
        "The sign-in service gave an answer that cannot be used.",
        "Please try again; if it stays so, tell the people who run this application.",
    ],
};

/// The browser is signed out, and something else is not.
fn half_signed_out(error: &Error) -> Telling {
    let (status, title, sentences): (_, _, &[&str]) = match error.code() {
        Code::SignOutLocalOnly => (
            StatusCode::SERVICE_UNAVAILABLE,
            "You are not signed out on the server",
            &[
                "This browser has forgotten your session, but the server could not end it.",
                "On a shared or lost device, please tell the people who run this application.",
            ],
        ),
        _ => (
            StatusCode::BAD_REQUEST,
            "You are signed out of this application",
            &[
                "The link that ends your session at the sign-in service works once and for one minute.",
                "If other people use this device, sign out at the sign-in service as well.",
            ],
        ),
    };
    Telling { status, title, sentences }
}

/// For every token that was refused: to the user they are all the same.
const NOT_VERIFIED: &[&str] =
    &["The answer of the sign-in service could not be verified, so nobody was signed in.", "Please try again."];

/// What Okta's error codes mean to the person in front of the screen (RFC 6749
/// §4.1.2.1, OIDC Core §3.1.2.6).
fn refused(error: &Error) -> Telling {
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
                "Please try again; if it stays so, tell the people who run this application.",
            ],
        ),
    };
    Telling { status, title, sentences }
}
