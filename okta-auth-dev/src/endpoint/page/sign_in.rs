//! The sign-in pages: username and password on one page or on two.

use super::layout::{escape, page};
use crate::endpoint::paths::{IDENTIFY, SIGN_IN};
use crate::org_state::OrgState;
use crate::sync::lock;
use crate::user::User;

/// The first page: username and password, or the username only.
pub(in crate::endpoint) struct SignIn<'a> {
    pub(in crate::endpoint) org: &'a OrgState,
    pub(in crate::endpoint) app: &'a str,
    /// Ties the form to the request.
    pub(in crate::endpoint) handle: &'a str,
    /// The initial value of the username field.
    pub(in crate::endpoint) username: &'a str,
    pub(in crate::endpoint) failed: bool,
    /// The users offered for sign-in with one click.
    pub(in crate::endpoint) users: &'a [User],
}

/// The second page of the identifier-first flow. The fields have the names of Okta Identity Engine.
pub(in crate::endpoint) struct Password<'a> {
    pub(in crate::endpoint) org: &'a OrgState,
    pub(in crate::endpoint) handle: &'a str,
    pub(in crate::endpoint) username: &'a str,
    pub(in crate::endpoint) failed: bool,
}

/// The alert after a failed attempt, and the attributes that tie it to the fields.
fn problem(failed: bool) -> (&'static str, &'static str) {
    if !failed {
        return ("", "");
    }
    (
        "<p class=\"bad\" role=\"alert\" id=\"problem\">Unable to sign in</p>",
        " aria-invalid=\"true\" aria-describedby=\"problem\"",
    )
}

impl SignIn<'_> {
    /// Renders the page.
    ///
    /// After a failed attempt the page keeps the username, and shows the same text for an unknown username and a wrong
    /// password. Screen readers announce the alert, and both fields refer to it.
    pub(in crate::endpoint) fn html(&self) -> String {
        let form = if self.org.options.identifier_first { self.identifier() } else { self.both() };
        let (failed, _) = problem(self.failed);
        let (app, users) = (escape(self.app), self.users());
        let body = format!("<h1>Sign In</h1><p class=\"soft\">to {app}</p>{failed}{form}{users}");
        page("Sign In", &self.org.name, &body)
    }

    fn both(&self) -> String {
        let (_, described) = problem(self.failed);
        // The focus is on the first empty field.
        let (at_name, at_password) = if self.username.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
        format!(
            "<form method=\"post\" action=\"/{SIGN_IN}\">{handle}\
             <label for=\"username\">Username</label>\
             <input id=\"username\" name=\"username\" value=\"{username}\" autocomplete=\"username\" \
             autocapitalize=\"none\" spellcheck=\"false\" required{at_name}{described}>\
             <label for=\"password\">Password</label>\
             <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" \
             required{at_password}{described}>\
             <button type=\"submit\">Sign in</button></form>",
            handle = handle_field(self.handle),
            username = escape(self.username),
        )
    }

    fn identifier(&self) -> String {
        format!(
            "<form method=\"post\" action=\"/{IDENTIFY}\">{handle}\
             <label for=\"identifier\">Username</label>\
             <input id=\"identifier\" name=\"identifier\" value=\"{username}\" autocomplete=\"username\" \
             autocapitalize=\"none\" spellcheck=\"false\" required autofocus>\
             <button type=\"submit\">Next</button></form>",
            handle = handle_field(self.handle),
            username = escape(self.username),
        )
    }

    /// One form for each user, so that a click signs in without a script.
    fn users(&self) -> String {
        let items: String = self.users.iter().map(|user| self.user(user)).collect();
        if items.is_empty() {
            return items;
        }
        format!("<h2>This is a development org. Use a test user:</h2><ul>{items}</ul>")
    }

    /// The form contains the password, because test passwords are not secret.
    fn user(&self, user: &User) -> String {
        format!(
            "<li><form method=\"post\" action=\"/{SIGN_IN}\">{handle}\
             <input type=\"hidden\" name=\"username\" value=\"{login}\">\
             <input type=\"hidden\" name=\"password\" value=\"{password}\">\
             <button type=\"submit\"><strong>{name}</strong><span>{login} &middot; {groups}</span></button></form></li>",
            handle = handle_field(self.handle),
            login = escape(&user.login),
            password = escape(&user.password),
            name = escape(&user.full_name()),
            groups = escape(&user.groups.join(", ")),
        )
    }
}

impl Password<'_> {
    /// Renders the page. The hint shows the password of a known user, because test passwords are not secret; for an
    /// unknown username there is no hint.
    pub(in crate::endpoint) fn html(&self) -> String {
        let (failed, described) = problem(self.failed);
        let body = format!(
            "<h1>Verify with your password</h1><p class=\"soft\">{username}</p>{failed}\
             <form method=\"post\" action=\"/{SIGN_IN}\">{handle}\
             <input type=\"hidden\" name=\"identifier\" value=\"{username}\">\
             <label for=\"credentials.passcode\">Password</label>\
             <input id=\"credentials.passcode\" name=\"credentials.passcode\" type=\"password\" \
             autocomplete=\"current-password\" required autofocus{described}>\
             <button type=\"submit\">Verify</button></form>{hint}",
            username = escape(self.username),
            handle = handle_field(self.handle),
            hint = self.hint(),
        );
        page("Verify", &self.org.name, &body)
    }

    fn hint(&self) -> String {
        let users = lock(&self.org.users);
        let user = users.iter().find(|user| user.login.eq_ignore_ascii_case(self.username.trim()));
        let hint = |user: &User| {
            format!("<h2>This is a development org. The password is <code>{}</code></h2>", escape(&user.password))
        };
        user.map(hint).unwrap_or_default()
    }
}

fn handle_field(handle: &str) -> String {
    format!("<input type=\"hidden\" name=\"stateToken\" value=\"{}\">", escape(handle))
}
