//! The pages of the example: plain functions from data to HTML.

use std::sync::Arc;
use std::time::SystemTime;

use okta_auth::clock::Timestamp;
use okta_auth::session::Session;
use serde_json::Value;

use crate::User;

/// Headers of every page: only scripts and requests of the app itself, and no frames.
/// Forms may redirect to Okta.
pub(crate) const HEADERS: [(&str, &str); 2] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'self' https: http:; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
];

/// The script for the button that calls the API.
pub(crate) const SCRIPT: &str = include_str!("app.js");

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f4f6f9;--card:#fff;--ink:#1d2433;--mute:#5b6478;--line:#dfe3ea;--act:#1452cc;--on:#fff;--tag:#e8eefb}\
@media(prefers-color-scheme:dark){:root{--bg:#12151c;--card:#1b202a;--ink:#eef1f6;--mute:#a3adbf;--line:#303848;--act:#8ab4ff;--on:#10131a;--tag:#26314a}}\
*{box-sizing:border-box}body{margin:0;min-height:100vh;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,sans-serif}\
header{display:flex;align-items:center;justify-content:space-between;flex-wrap:wrap;gap:.5rem 1rem;padding:1rem 1.5rem;border-bottom:1px solid var(--line);background:var(--card)}\
header nav{display:flex;gap:1rem;align-items:center}header a,header button{white-space:nowrap}header a{color:var(--ink);text-decoration:none}header b{font-size:1.05rem}\
main{max-width:40rem;margin:3rem auto;padding:0 1.5rem}.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:2rem}\
h1{margin:0 0 .5rem;font-size:1.6rem}p{color:var(--mute);margin:.25rem 0 1.5rem}dl{display:grid;grid-template-columns:9.5rem 1fr;gap:.75rem 1rem;margin:0}\
dt{color:var(--mute)}dd{margin:0;overflow-wrap:anywhere}.tag{display:inline-block;background:var(--tag);border-radius:99px;padding:.1rem .7rem;margin:0 .35rem .35rem 0}\
.button,button{display:inline-block;font:inherit;cursor:pointer;border:1px solid var(--act);border-radius:9px;padding:.6rem 1.1rem;background:var(--act);color:var(--on);text-decoration:none}\
button.quiet{background:none;border-color:var(--mute);color:var(--ink);padding:.4rem .9rem}form{margin:0}\
.avatar{width:3.5rem;height:3.5rem;border-radius:50%;display:grid;place-items:center;background:var(--act);color:var(--on);font-size:1.5rem;margin-bottom:1rem}\
ul{list-style:none;margin:0;padding:0}li{display:flex;align-items:center;justify-content:space-between;gap:1rem;padding:.9rem 0;border-top:1px solid var(--line)}\
pre{margin:1rem 0 0;padding:1rem;border:1px solid var(--line);border-radius:9px;background:var(--bg);overflow:auto;max-height:20rem;font-size:.875rem}\
details{margin-top:1.75rem;border-top:1px solid var(--line);padding-top:1.25rem}summary{cursor:pointer;font-weight:600}\
table{width:100%;border-collapse:collapse;margin-top:.75rem;font-size:.9rem;table-layout:fixed}th,td{text-align:left;vertical-align:top;padding:.45rem 0;\
border-top:1px solid var(--line);overflow-wrap:anywhere}thead th{border:0;color:var(--mute);font-weight:400}thead th:first-child{width:11rem}tbody th{font-weight:400;padding-right:1rem}\
td .tag{margin-bottom:.15rem}i{color:var(--mute);font-style:normal}dl+button{margin-top:1.5rem}\
li div{min-width:0}li p{margin:0}li button{white-space:nowrap}p a{color:var(--act)}a:focus-visible,button:focus-visible,summary:focus-visible,pre:focus-visible{outline:3px solid var(--act);outline-offset:2px}\
@media(max-width:30rem){thead th:first-child{width:9rem}header{padding:1rem}header,header nav{gap:.5rem .75rem}main{margin:1.5rem auto;padding:0 1rem}.card{padding:1.25rem}}";

/// The public page, which shows the signed-in user, if any.
pub(crate) fn home(user: Option<&str>) -> String {
    let card = match user {
        Some(name) => format!(
            "<h1>Hello, {}</h1><p>You are signed in. Some pages require more: \
             <a href=\"/admin\">one requires the group Admins</a>, and \
             <a href=\"/sensitive\">one a second factor</a>.</p>\
             <a class=\"button\" href=\"/profile\">Your profile</a>",
            escape(name)
        ),
        None => "<h1>Hello, stranger</h1><p>This page is public. Your profile is not.</p>\
                 <a class=\"button\" href=\"/login?return_to=/profile\">Sign in</a>"
            .to_owned(),
    };
    layout("Welcome", user, &card)
}

/// The page that requires a user.
pub(crate) fn profile(user: &User) -> String {
    let name = user.name();
    let initial = name.chars().next().unwrap_or('?').to_string();
    let head = format!(
        "<div class=\"avatar\" aria-hidden=\"true\">{}</div><h1>{}</h1><p>{}</p>",
        escape(&initial),
        escape(name),
        escape(user.email().unwrap_or("Okta sent no e-mail address."))
    );
    layout("Your profile", Some(name), &format!("{head}{}", about(user)))
}

/// The page that requires the group `Admins`.
pub(crate) fn admin(user: &User) -> String {
    let head = format!(
        "<h1>Administration</h1><p>{}, you have access because the policy of this page allows one of your groups.</p>",
        escape(user.name())
    );
    layout("Administration", Some(user.name()), &format!("{head}{}", about(user)))
}

/// The page that requires a second factor and a recent sign-in.
pub(crate) fn sensitive(user: &User) -> String {
    let head =
        format!("<h1>Sensitive data</h1><p>{}, you have just signed in with a second factor.</p>", escape(user.name()));
    layout("Sensitive data", Some(user.name()), &format!("{head}{}", about(user)))
}

/// The values that policies check, a button that calls the API, and every claim.
fn about(user: &User) -> String {
    let session = user.session();
    let none = || "<i>none</i>".to_owned();
    let groups: String = user.groups().iter().map(|group| tag(group)).collect();
    let groups = if groups.is_empty() { none() } else { groups };
    let acr = session.all_claims().get("acr").and_then(Value::as_str).map_or_else(none, escape);
    let claims: String = session.all_claims().iter().map(|(name, value)| claim(name, value)).collect();
    format!(
        "<dl><dt>Groups</dt><dd>{groups}</dd><dt>Signed in</dt><dd>{}</dd><dt>Session ends</dt><dd>{}</dd>\
         <dt>Assurance (<code>acr</code>)</dt><dd>{acr}</dd></dl>\
         <button type=\"button\" data-api=\"/api/me\">Call the API</button>\
         <pre id=\"answer\" role=\"status\" tabindex=\"0\" hidden></pre>\
         <details open><summary>Claims</summary><table><thead><tr><th scope=\"col\">Claim</th><th scope=\"col\">Value</th>\
         </tr></thead><tbody>{claims}</tbody></table></details>",
        ago(session.created_at()),
        ahead(user.session_ends_at()),
    )
}

fn tag(text: &str) -> String {
    format!("<span class=\"tag\">{}</span>", escape(text))
}

fn claim(name: &str, value: &Value) -> String {
    let value = match value {
        Value::String(text) => escape(text),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).map(tag).collect()
        }
        other => escape(&other.to_string()),
    };
    format!("<tr><th scope=\"row\"><code>{}</code></th><td>{value}</td></tr>", escape(name))
}

/// The user's sessions, each with a button that ends it.
pub(crate) fn devices(name: &str, this: &Session, sessions: &[Arc<Session>]) -> String {
    let items: String = sessions.iter().map(|session| device(session, session.id() == this.id())).collect();
    let card = format!(
        "<h1>Your devices</h1><p>You are signed in on these devices. If you end a session, that device has to sign in \
         again.</p><ul>{items}</ul>"
    );
    layout("Your devices", Some(name), &card)
}

/// One session. The current session is ended by signing out, which also ends the session
/// at Okta.
fn device(session: &Session, is_this: bool) -> String {
    let (tag, action, button) = match is_this {
        true => (" <span class=\"tag\">this device</span>", "/logout", "Sign out"),
        false => ("", "/devices/end", "End"),
    };
    format!(
        "<li><div><b>{}</b>{tag}<p>Signed in {}, last used {}</p></div><form method=\"post\" action=\"{action}\">\
         <input type=\"hidden\" name=\"id\" value=\"{}\"><button class=\"quiet\">{button}</button></form></li>",
        escape(session.device().unwrap_or("Unknown device")),
        ago(session.created_at()),
        ago(session.last_seen_at()),
        session.id()
    )
}

/// Replaces the list if sessions are in cookies.
pub(crate) fn no_devices(name: &str) -> String {
    let card = "<h1>Your devices</h1><p>This app keeps sessions in cookies, so each browser has its own, and the app \
                cannot list them. Start the app with <code>OKTA_SESSION_STORE=memory</code>, or with \
                <code>redis://..</code> for several replicas, to see them here.</p>";
    layout("Your devices", Some(name), card)
}

fn ago(then: Timestamp) -> String {
    match Timestamp::from(SystemTime::now()).since(then).as_secs() / 60 {
        0 => "just now".to_owned(),
        minutes @ 1..60 => format!("{minutes} min ago"),
        minutes => format!("{} h ago", minutes / 60),
    }
}

fn ahead(then: Timestamp) -> String {
    match then.since(Timestamp::from(SystemTime::now())).as_secs().div_ceil(60) {
        0 => "now".to_owned(),
        minutes @ 1..=90 => format!("in {minutes} min"),
        minutes => format!("in {} h", minutes / 60),
    }
}

fn layout(title: &str, user: Option<&str>, card: &str) -> String {
    // Sign-out changes state, so it is a form with POST instead of a link.
    let corner = match user {
        Some(_) => {
            "<a href=\"/profile\">Profile</a><a href=\"/devices\">Devices</a><form method=\"post\" action=\"/logout\">\
             <button class=\"quiet\">Sign out</button></form>"
        }
        None => "<a href=\"/login\">Sign in</a>",
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style><script src=\"/app.js\" defer></script></head><body><header><a href=\"/\"><b>okta-auth</b></a><nav>{corner}</nav></header>\
         <main><div class=\"card\">{card}</div></main></body></html>"
    )
}

fn escape(text: &str) -> String {
    let named = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
    named.iter().fold(text.to_owned(), |text, (c, name)| text.replace(*c, name))
}
