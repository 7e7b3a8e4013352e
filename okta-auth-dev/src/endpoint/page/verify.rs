//! The page of the second factor.
//!
//! It shows the code that it asks for, because the org has no other channel to the user. An app sees the usual
//! behaviour: the browser returns after a while with more methods in `amr`.

use super::layout::{escape, page};
use crate::endpoint::paths;
use crate::org_state::OrgState;

pub(in crate::endpoint) struct Verify<'a> {
    pub(in crate::endpoint) org: &'a OrgState,
    pub(in crate::endpoint) login: &'a str,
    /// Ties the form to the request.
    pub(in crate::endpoint) handle: &'a str,
    pub(in crate::endpoint) passcode: &'a str,
    pub(in crate::endpoint) failed: bool,
}

impl Verify<'_> {
    /// Renders the page. The Enter key presses the first button. The second button must also work with an empty field.
    pub(in crate::endpoint) fn html(&self) -> String {
        let (problem, described) = self.problem();
        let body = format!(
            "<h1>Verify it is you</h1><p class=\"soft\">{login}</p>{problem}\
             <p class=\"soft\">This is a development org, so the page itself shows the code that an authenticator app \
             would.</p><p class=\"hint\" id=\"passcode-hint\">{passcode}</p>\
             <form method=\"post\" action=\"/{path}\">\
             <input type=\"hidden\" name=\"stateToken\" value=\"{handle}\">\
             <label for=\"passcode\">Enter the code</label>\
             <input id=\"passcode\" name=\"passcode\" inputmode=\"numeric\" autocomplete=\"one-time-code\" \
             spellcheck=\"false\" required autofocus{described}>\
             <button type=\"submit\" name=\"action\" value=\"verify\">Verify</button>\
             <button type=\"submit\" name=\"action\" value=\"cancel\" class=\"plain\" formnovalidate>Cancel</button>\
             </form>",
            login = escape(self.login),
            passcode = escape(self.passcode),
            path = paths::VERIFY,
            handle = escape(self.handle),
        );
        page("Verify", &self.org.name, &body)
    }

    /// The alert after a failed attempt, and the attributes that tie it to the field.
    fn problem(&self) -> (&'static str, &'static str) {
        if !self.failed {
            return ("", " aria-describedby=\"passcode-hint\"");
        }
        (
            "<p class=\"bad\" role=\"alert\" id=\"problem\">That code is incorrect. Enter the new one.</p>",
            " aria-invalid=\"true\" aria-describedby=\"problem passcode-hint\"",
        )
    }
}
