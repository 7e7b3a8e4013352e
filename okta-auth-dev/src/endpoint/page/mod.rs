//! The pages: sign-in, second factor, errors, home. No scripts, no outside assets;
//! light and dark.
//!
//! They are made for the tests of an accessibility checker, too: every field has a
//! label, errors are announced and tied to the fields, the focus is visible, and
//! everything works without scripts. All text that comes from elsewhere is escaped.
//!
//! Every page comes with a content security policy that allows its own styles and
//! nothing else. Two need more and have a policy of their own: the one that posts a
//! form to the app, and the one that tells apps over the front channel. Each has
//! one script at most, allowed by its nonce.

mod admin;
mod front_channel;
mod verify;

pub(crate) use admin::{Admin, PATH as ADMIN_PATH};
pub(super) use front_channel::front_channel;
pub(super) use verify::Verify;

use crate::reply::Reply;
use crate::tenant::Tenant;
use crate::user::User;

/// The one style sheet. Text has a contrast of 4.5:1 or more in both schemes.
const STYLE: &str = "\
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--text:#1d1d21;--soft:#5b5e66;--line:#8c8f97;--blue:#1662dd;\
--on:#fff;--bad:#b3131b;--bad-page:#fdecec}\
@media(prefers-color-scheme:dark){:root{--page:#15161a;--card:#212329;--text:#f1f2f4;--soft:#b4b7bf;--line:#7d818b;\
--blue:#7fb0ff;--on:#0b1730;--bad:#ffb1b1;--bad-page:#3b1d20}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--page);color:var(--text);\
font:16px/1.5 system-ui,sans-serif;padding:24px 16px}\
main{width:100%;max-width:400px;background:var(--card);border-radius:12px;padding:32px;\
box-shadow:0 1px 3px #0002,0 8px 32px #0001}\
.org{margin:0 0 24px;padding-bottom:20px;border-bottom:1px solid color-mix(in srgb,var(--line) 35%,transparent);\
text-align:center;font-weight:600}\
h1{font-size:20px;margin:0 0 4px;text-align:center}\
p{margin:0 0 16px}.soft{color:var(--soft);font-size:14px;text-align:center}\
label{display:block;font-size:14px;font-weight:600;margin:16px 0 4px}\
input{width:100%;font:inherit;padding:9px 12px;border:1px solid var(--line);border-radius:6px;background:var(--card);\
color:inherit}\
button{width:100%;font:inherit;font-weight:600;padding:10px 12px;margin-top:20px;border:1px solid var(--blue);\
border-radius:6px;background:var(--blue);color:var(--on);cursor:pointer}\
:focus-visible{outline:3px solid var(--blue);outline-offset:2px}\
.bad{background:var(--bad-page);color:var(--bad);border-radius:6px;padding:10px 12px;margin:16px 0 0}\
h2{font-size:14px;margin:28px 0 0;padding-top:20px;\
border-top:1px solid color-mix(in srgb,var(--line) 35%,transparent)}\
ul{list-style:none;margin:0;padding:0}\
li button{margin-top:8px;background:none;color:inherit;text-align:left;font-weight:400;border-color:var(--line)}\
button.plain{background:none;color:var(--blue);margin-top:12px}\
.hint{font:600 28px/1.2 ui-monospace,monospace;letter-spacing:.2em;text-align:center;margin:16px 0}\
li strong{display:block}li span{color:var(--soft);font-size:14px}\
code{overflow-wrap:anywhere;font-size:14px}";

/// Escapes text for HTML, in elements and in quoted attributes.
///
/// Not enough for attributes without quotes, for scripts or for style sheets; the
/// pages put no foreign text there.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A page with one card on it. `body` is HTML.
fn page(title: &str, org: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - {org}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" \
         content=\"noindex\"><style>{STYLE}</style></head><body><main><p class=\"org\">{org}</p>{body}</main></body>\
         </html>",
        title = escape(title),
        org = escape(org),
    )
}

/// The sign-in page.
pub(super) struct SignIn<'a> {
    pub(super) tenant: &'a Tenant,
    /// The label of the app that asks.
    pub(super) app: &'a str,
    /// Ties the form to the request.
    pub(super) handle: &'a str,
    /// What the field for the username starts with.
    pub(super) username: &'a str,
    /// Whether the last attempt failed.
    pub(super) failed: bool,
    /// The people that are one click away.
    pub(super) users: &'a [User],
}

impl SignIn<'_> {
    /// The whole page.
    ///
    /// A failed attempt keeps the username and says the same whether the name or
    /// the password was wrong. The alert is announced by screen readers, and both
    /// fields refer to it.
    pub(super) fn html(&self) -> String {
        let failed =
            if self.failed { "<p class=\"bad\" role=\"alert\" id=\"problem\">Unable to sign in</p>" } else { "" };
        let described = if self.failed { " aria-invalid=\"true\" aria-describedby=\"problem\"" } else { "" };
        // The first empty field has the focus.
        let (at_name, at_password) = if self.username.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
        let body = format!(
            "<h1>Sign In</h1><p class=\"soft\">to {app}</p>{failed}\
             <form method=\"post\" action=\"/{path}\">\
             <input type=\"hidden\" name=\"stateToken\" value=\"{handle}\">\
             <label for=\"username\">Username</label>\
             <input id=\"username\" name=\"username\" value=\"{username}\" autocomplete=\"username\" \
             autocapitalize=\"none\" spellcheck=\"false\" required{at_name}{described}>\
             <label for=\"password\">Password</label>\
             <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" \
             required{at_password}{described}>\
             <button type=\"submit\">Sign in</button></form>{users}",
            app = escape(self.app),
            path = super::sign_in::PATH,
            handle = escape(self.handle),
            username = escape(self.username),
            users = self.users(),
        );
        page("Sign In", &self.tenant.name, &body)
    }

    /// One form for each person, so that a click signs in without a script.
    fn users(&self) -> String {
        let items: String = self.users.iter().map(|user| self.user(user)).collect();
        if items.is_empty() {
            return items;
        }
        format!("<h2>This is a development org. Use a test user:</h2><ul>{items}</ul>")
    }

    /// The password is in the form: it is no secret.
    fn user(&self, user: &User) -> String {
        format!(
            "<li><form method=\"post\" action=\"/{path}\">\
             <input type=\"hidden\" name=\"stateToken\" value=\"{handle}\">\
             <input type=\"hidden\" name=\"username\" value=\"{login}\">\
             <input type=\"hidden\" name=\"password\" value=\"{password}\">\
             <button type=\"submit\"><strong>{name}</strong><span>{login} &middot; {groups}</span></button></form></li>",
            path = super::sign_in::PATH,
            handle = escape(self.handle),
            login = escape(&user.login),
            password = escape(&user.password),
            name = escape(&user.full_name()),
            groups = escape(&user.groups.join(", ")),
        )
    }
}

/// The page for an error that must not be sent to a redirect URI.
///
/// The description may repeat what the request said, for instance its redirect URI.
/// It is shown as text and never as a link.
pub(super) fn error(tenant: &Tenant, error: &str, description: &str) -> String {
    let body = format!(
        "<h1>400</h1><p class=\"soft\">Bad Request</p><p>Your request resulted in an error.</p>\
         <p class=\"bad\" role=\"alert\"><strong>{}</strong><br>{}</p>",
        escape(error),
        escape(description)
    );
    page("Error", &tenant.name, &body)
}

/// The page for a form whose request is gone, or whose session.
pub(super) fn expired(tenant: &Tenant) -> Reply {
    Reply::html(400, error(tenant, "login_required", "Request expired, please start over and try again."))
}

/// The page after sign-out when there is nowhere to go back to.
pub(super) fn signed_out(tenant: &Tenant) -> String {
    page("Signed Out", &tenant.name, "<h1>Signed out</h1><p class=\"soft\">Your session here has ended.</p>")
}

/// The page at the root: what this is.
pub(super) fn home(tenant: &Tenant) -> Reply {
    let issuers: String = tenant
        .servers
        .iter()
        .map(|server| {
            let issuer = escape(&server.settings.issuer(&tenant.url));
            format!("<li><a href=\"{issuer}/.well-known/openid-configuration\"><code>{issuer}</code></a></li>")
        })
        .collect();
    let body = format!(
        "<h1>Development org</h1><p class=\"soft\">It is no Okta org; it behaves like one.</p><ul>{issuers}\
         <li><a href=\"/admin\">People and sessions</a></li></ul>"
    );
    Reply::html(200, page("Development org", &tenant.name, &body))
}

/// The page that posts an authorization response to the app (form_post). With scripts
/// it submits itself; without, there is a button. `nonce` is the one the policy allows
/// a script with.
pub(super) fn form_post(tenant: &Tenant, action: &str, fields: &[(String, String)], nonce: &str) -> String {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value)))
        .collect();
    let body = format!(
        "<h1>Signing in</h1><form method=\"post\" action=\"{}\">{inputs}<button type=\"submit\">Continue</button></form>\
         <script nonce=\"{nonce}\">document.forms[0].submit()</script>",
        escape(action)
    );
    page("Signing In", &tenant.name, &body)
}
