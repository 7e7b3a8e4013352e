//! The pages on which a user connects a device.

use super::layout::{escape, page};
use crate::endpoint::paths::{ACTIVATE, ACTIVATE_DECIDE};
use crate::org_state::OrgState;

/// The page with the field for the user code.
pub(in crate::endpoint) struct Activate<'a> {
    pub(in crate::endpoint) org: &'a OrgState,
    pub(in crate::endpoint) failed: bool,
}

/// The page that asks whether to connect a device.
pub(in crate::endpoint) struct Connect<'a> {
    pub(in crate::endpoint) org: &'a OrgState,
    pub(in crate::endpoint) app: &'a str,
    pub(in crate::endpoint) login: &'a str,
    pub(in crate::endpoint) user_code: &'a str,
    pub(in crate::endpoint) scopes: &'a [String],
    /// Ties the form to the device and to the browser session.
    pub(in crate::endpoint) handle: &'a str,
}

impl Activate<'_> {
    pub(in crate::endpoint) fn html(&self) -> String {
        let (problem, described) = if self.failed {
            (
                "<p class=\"bad\" role=\"alert\" id=\"problem\">The user code is invalid or has expired.</p>",
                " aria-invalid=\"true\" aria-describedby=\"problem\"",
            )
        } else {
            ("", "")
        };
        let body = format!(
            "<h1>Activate your device</h1><p class=\"soft\">Enter the code that your device shows.</p>{problem}\
             <form method=\"post\" action=\"/{ACTIVATE}\"><label for=\"user_code\">Activation code</label>\
             <input id=\"user_code\" name=\"user_code\" autocomplete=\"off\" autocapitalize=\"characters\" \
             spellcheck=\"false\" required autofocus{described}>\
             <button type=\"submit\">Next</button></form>"
        );
        page("Activate your device", &self.org.name, &body)
    }
}

impl Connect<'_> {
    /// Renders the page. No button has the focus, so that the Enter key connects nothing.
    pub(in crate::endpoint) fn html(&self) -> String {
        let body = format!(
            "<h1>Connect a device?</h1><p class=\"soft\">{app} asks for access as {login}.</p>\
             <p class=\"soft\">Continue only if your own device shows this code:</p>\
             <p class=\"hint\" id=\"user-code-hint\">{user_code}</p>\
             <p class=\"note\">Scopes: {scopes}</p>\
             <form method=\"post\" action=\"/{ACTIVATE_DECIDE}\">\
             <input type=\"hidden\" name=\"stateToken\" value=\"{handle}\">\
             <input type=\"hidden\" name=\"device\" value=\"{user_code}\">\
             <button type=\"submit\" name=\"action\" value=\"allow\">Connect</button>\
             <button type=\"submit\" name=\"action\" value=\"deny\" class=\"plain\">Do not connect</button></form>",
            app = escape(self.app),
            login = escape(self.login),
            user_code = escape(self.user_code),
            scopes = escape(&self.scopes.join(" ")),
            handle = escape(self.handle),
        );
        page("Connect a device", &self.org.name, &body)
    }
}

/// The last page.
pub(in crate::endpoint) fn connected(org: &OrgState, allowed: bool) -> String {
    let (title, text) = if allowed {
        ("Device connected", "You can close this page and continue on your device.")
    } else {
        ("Device not connected", "The device gets no access. You can close this page.")
    };
    page(title, &org.name, &format!("<h1>{title}</h1><p class=\"soft\">{text}</p>"))
}
