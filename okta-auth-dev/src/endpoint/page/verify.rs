//! The page of the second factor.
//!
//! It shows the code that it asks for: the org has nobody to send it to. What an app
//! sees is the same, a browser that stays away for a while and comes back with more
//! `amr`.

use super::{escape, page};
use crate::endpoint::second_factor;
use crate::tenant::Tenant;

/// The page that asks for a code.
pub(in crate::endpoint) struct Verify<'a> {
    pub(in crate::endpoint) tenant: &'a Tenant,
    /// Who is asked.
    pub(in crate::endpoint) login: &'a str,
    /// Ties the form to the request.
    pub(in crate::endpoint) handle: &'a str,
    /// The code to type in.
    pub(in crate::endpoint) passcode: &'a str,
    /// Whether the last attempt failed.
    pub(in crate::endpoint) failed: bool,
}

impl Verify<'_> {
    /// The whole page. The first button is the one that the Enter key presses; the
    /// other one must work with an empty field.
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
            path = second_factor::PATH,
            handle = escape(self.handle),
        );
        page("Verify", &self.tenant.name, &body)
    }

    /// What announces that an attempt failed, and what ties it to the field.
    fn problem(&self) -> (&'static str, &'static str) {
        if !self.failed {
            return ("", " aria-describedby=\"passcode-hint\"");
        }
        (
            "<p class=\"bad\" role=\"alert\" id=\"problem\">That was not the code. Here is a new one.</p>",
            " aria-invalid=\"true\" aria-describedby=\"problem passcode-hint\"",
        )
    }
}
