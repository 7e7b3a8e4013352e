//! The pages of a sign-in that did not lead to a session.

use http::StatusCode;
use serde_json::json;

use super::page::Page;
use super::reply::{Reply, json};
use super::responder::Responder;
use crate::error::Code;
use crate::language::Text;
use crate::login::ReturnTo;

impl Responder<'_> {
    /// Creates the page for a signed-in user who did not complete the step-up, or whom Okta did not allow to: Okta
    /// sends `access_denied` for both. The session is unchanged.
    pub(crate) fn step_up_cancelled(&self, from: &ReturnTo, wanted: &ReturnTo, code: Code) -> Reply {
        let page = Page {
            title: self.text(Text::VerificationIncomplete),
            sentences: vec![self.text(Text::PageNeedsVerification)],
            choices: Vec::new(),
            links: vec![(self.text(Text::GoBack), from.as_str()), (self.text(Text::TryAgain), wanted.as_str())],
            code: Some(code.as_str()),
            reference: self.reference,
        };
        self.page(StatusCode::FORBIDDEN, &page)
    }

    /// Creates the response to a user whom the hook rejected. The link to another account needs `prompt=login`, because
    /// Okta would otherwise sign in the same account again.
    pub(crate) fn sign_in_refused(&self, reason: &str, wanted: &ReturnTo) -> Reply {
        let (code, reference) = (Code::SignInRefused.as_str(), self.reference);
        if !self.is_navigation {
            let body = json!({ "error": code, "message": reason, "reference": reference.to_string() });
            return json(StatusCode::FORBIDDEN, &body);
        }
        let routes = &self.config.routes;
        let other = routes.login_url(&[("prompt", "login"), ("return_to", wanted.as_str())]);
        let home = routes.home();
        let other = other.iter().map(|other| (self.text(Text::UseAnotherAccount), other.as_str()));
        let page = Page {
            title: self.text(Text::SignInRefused),
            sentences: vec![reason],
            choices: Vec::new(),
            links: other.chain([(self.text(Text::Home), home.as_str())]).collect(),
            code: Some(code),
            reference,
        };
        self.page(StatusCode::FORBIDDEN, &page)
    }
}
