//! Error responses: a page for a browser, JSON for any other client.
//!
//! They contain no cause, token or text of a provider. Those are in the log, under the same code and reference.

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::page::Page;
use super::reply::{Reply, json};
use super::responder::Responder;
use crate::error::{Code, Error};
use crate::events::first_error;
use crate::language::Text;
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
    title: Text,
    sentences: &'static [Text],
}

impl Responder<'_> {
    /// Creates the response to an error that is already in the log, with a link to a sign-in that returns to `back_to`.
    pub(crate) fn error(&self, error: &Error, back_to: &ReturnTo) -> Reply {
        first_error();
        let message = user_message(error);
        let mut answer = if self.is_navigation {
            self.error_page(error, &message, back_to)
        } else {
            let text = message.sentences.first().map_or("", |text| text.english());
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
        let routes = &self.config.routes;
        // Without `prompt=login` Okta would sign in the same account again, and a provider that ignores `max_age` would
        // return the same `auth_time`.
        let denied = error.code() == Code::AccessDenied
            || (error.code() == Code::AuthorizationRefused && error.provider_error() == Some("access_denied"));
        let label = if denied { Text::UseAnotherAccount } else { Text::SignInAgain };
        let prompt = (denied || error.claim() == Some("auth_time")).then_some(("prompt", "login"));
        let parameters = prompt.into_iter().chain([("return_to", back_to.as_str())]);
        let again = routes.login_url(&parameters.collect::<Vec<_>>());
        let home = routes.home();
        let mut links: Vec<(&str, &str)> = again.iter().map(|again| (self.text(label), again.as_str())).collect();
        links.push((self.text(Text::Home), &home));
        // Below the address of an unknown tenant these links do not work. The application's own start page may.
        let start = self.config.public_url("/");
        if error.code() == Code::TenantUnknown {
            links = vec![(self.text(Text::StartPage), &start)];
        }
        let page = Page {
            title: self.text(message.title),
            sentences: message.sentences.iter().map(|text| self.text(*text)).collect(),
            choices: Vec::new(),
            links,
            code: Some(error.code().as_str()),
            reference: self.reference,
        };
        self.page(message.status, &page)
    }
}

/// Chooses status and text for each code. Failures that the user can resolve come first; the other texts refer to the
/// operator.
fn user_message(error: &Error) -> UserMessage {
    let (status, title, sentences): (_, _, &[Text]) = match error.code() {
        Code::TenantUnknown => (StatusCode::NOT_FOUND, Text::NothingHere, &[Text::CheckAddress]),
        _ if error.is_temporary() => return away(error),
        _ if is_stale(error) => (StatusCode::BAD_REQUEST, Text::LinkInvalid, &[Text::LinkUsed, Text::AllowCookies]),
        Code::AttemptExpired => (StatusCode::BAD_REQUEST, Text::SignInExpired, &[Text::TimeLimit, Text::StartAgain]),
        Code::AuthorizationRefused => return refused(error),
        Code::SignInRefused => (StatusCode::FORBIDDEN, Text::SignInRefused, &[Text::NotLetIn]),
        Code::SessionTooLarge | Code::SessionNotRenewable => return unusable_session(error),
        Code::CrossOrigin => (StatusCode::FORBIDDEN, Text::OtherSite, &[Text::RejectedForSafety]),
        Code::SignOutLocalOnly | Code::SignOutLinkInvalid => return half_signed_out(error),
        Code::AccessDenied | Code::ActorDenied => {
            (StatusCode::FORBIDDEN, Text::NoAccess, &[Text::NoPermission, Text::AskOperator])
        }
        Code::RouteDenied => (StatusCode::FORBIDDEN, Text::PageUnavailable, &[Text::AddressNotServed]),
        Code::ClaimsMismatch => (StatusCode::FORBIDDEN, Text::DataMissing, &[Text::AskOperator]),
        Code::ProxyRefused | Code::ProxyTooLarge | Code::ProxyTimeout | Code::ProxyUnavailable | Code::ProxyBusy => {
            return not_forwarded(error);
        }
        _ if error.is_of_provider() => return UNUSABLE,
        _ if is_unverified(error) => (StatusCode::BAD_REQUEST, Text::SignInFailed, NOT_VERIFIED),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, Text::InternalError, &[Text::TellOperator]),
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
    let (title, sentences): (_, &[Text]) = match error.code() {
        Code::StoreUnavailable | Code::RenewalUnavailable => {
            (Text::Unavailable, &[Text::StillSignedIn, Text::TryLater])
        }
        Code::SignOutPending => (Text::SignedOutInBrowser, &[Text::SignOutCompletes]),
        Code::TenantUnavailable => (Text::Unavailable, &[Text::TryLater]),
        _ => (Text::SignInUnavailable, &[Text::ProviderUnreachable, Text::TryLater]),
    };
    UserMessage { status: StatusCode::SERVICE_UNAVAILABLE, title, sentences }
}

/// The sign-in succeeded, but the session cannot be kept.
fn unusable_session(error: &Error) -> UserMessage {
    let (status, title, sentences): (_, _, &[Text]) = match error.code() {
        Code::SessionTooLarge => (StatusCode::FORBIDDEN, Text::TooMuchData, &[Text::TooManyGroups, Text::TellOperator]),
        _ => (
            StatusCode::BAD_GATEWAY,
            Text::SessionEndedAtOnce,
            &[Text::ProviderEndedSession, Text::RetryOrTellOperator],
        ),
    };
    UserMessage { status, title, sentences }
}

/// A request for a proxied API was not forwarded, or got no response.
fn not_forwarded(error: &Error) -> UserMessage {
    const LATER: &[Text] = &[Text::ServiceUnreachable, Text::TryLater];
    let (status, sentences): (_, &[Text]) = match error.code() {
        Code::ProxyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, &[Text::RequestTooLarge]),
        Code::ProxyTimeout => (StatusCode::GATEWAY_TIMEOUT, LATER),
        Code::ProxyUnavailable => (StatusCode::BAD_GATEWAY, LATER),
        Code::ProxyBusy => (StatusCode::SERVICE_UNAVAILABLE, LATER),
        _ => (StatusCode::BAD_REQUEST, &[Text::RequestInvalid]),
    };
    UserMessage { status, title: Text::RequestFailed, sentences }
}

/// For invalid responses of Okta and for failures on its side.
const UNUSABLE: UserMessage = UserMessage {
    status: StatusCode::BAD_GATEWAY,
    title: Text::SignInFailed,
    sentences: &[Text::ProviderInvalid, Text::RetryOrTellOperator],
};

/// The browser is signed out, but a part of the logout failed.
fn half_signed_out(error: &Error) -> UserMessage {
    let (status, title, sentences): (_, _, &[Text]) = match error.code() {
        Code::SignOutLocalOnly => (
            StatusCode::SERVICE_UNAVAILABLE,
            Text::NotSignedOutOnServer,
            &[Text::ServerKeptSession, Text::SharedDevice],
        ),
        _ => (StatusCode::BAD_REQUEST, Text::SignedOutHere, &[Text::SignOutLinkUsed, Text::SignOutThereToo]),
    };
    UserMessage { status, title, sentences }
}

/// One text for every rejected token, because the reason does not help the user.
const NOT_VERIFIED: &[Text] = &[Text::NotVerified, Text::PleaseTryAgain];

/// Explains Okta's error codes to the user (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6).
fn refused(error: &Error) -> UserMessage {
    let (status, title, sentences): (_, _, &[Text]) = match error.provider_error() {
        Some("access_denied") => {
            (StatusCode::FORBIDDEN, Text::AccessDenied, &[Text::CancelledOrNotAllowed, Text::Administrator])
        }
        Some("server_error") => return UNUSABLE,
        Some("temporarily_unavailable") => {
            (StatusCode::SERVICE_UNAVAILABLE, Text::SignInUnavailable, &[Text::TryLater])
        }
        Some("login_required" | "interaction_required" | "consent_required" | "account_selection_required") => {
            (StatusCode::BAD_REQUEST, Text::PleaseSignIn, &[Text::ProviderNeedsSignIn])
        }
        Some("unmet_authentication_requirements") => {
            (StatusCode::FORBIDDEN, Text::StrongerSignIn, &[Text::RequirementsUnmet])
        }
        _ => (StatusCode::BAD_REQUEST, Text::SignInFailed, &[Text::ProviderRefused, Text::RetryOrTellOperator]),
    };
    UserMessage { status, title, sentences }
}
