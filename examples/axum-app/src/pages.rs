//! The pages of the example: plain functions from data to HTML.

use std::sync::Arc;
use std::time::SystemTime;

use okta_auth::clock::Timestamp;
use okta_auth::session::Session;

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f4f6f9;--card:#fff;--ink:#1d2433;--mute:#5b6478;--line:#dfe3ea;--act:#1452cc;--on:#fff;--tag:#e8eefb}\
@media(prefers-color-scheme:dark){:root{--bg:#12151c;--card:#1b202a;--ink:#eef1f6;--mute:#a3adbf;--line:#303848;--act:#8ab4ff;--on:#10131a;--tag:#26314a}}\
*{box-sizing:border-box}body{margin:0;min-height:100vh;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,sans-serif}\
header{display:flex;align-items:center;justify-content:space-between;flex-wrap:wrap;gap:.5rem 1rem;padding:1rem 1.5rem;border-bottom:1px solid var(--line);background:var(--card)}\
header nav{display:flex;gap:1rem;align-items:center}header a,header button{white-space:nowrap}header a{color:var(--ink);text-decoration:none}header b{font-size:1.05rem}\
main{max-width:40rem;margin:3rem auto;padding:0 1.5rem}.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:2rem}\
h1{margin:0 0 .5rem;font-size:1.6rem}p{color:var(--mute);margin:.25rem 0 1.5rem}dl{display:grid;grid-template-columns:7rem 1fr;gap:.75rem 1rem;margin:0}\
dt{color:var(--mute)}dd{margin:0;overflow-wrap:anywhere}.tag{display:inline-block;background:var(--tag);border-radius:99px;padding:.1rem .7rem;margin:0 .35rem .35rem 0}\
.button,button{display:inline-block;font:inherit;cursor:pointer;border:1px solid var(--act);border-radius:9px;padding:.6rem 1.1rem;background:var(--act);color:var(--on);text-decoration:none}\
button.quiet{background:none;border-color:var(--mute);color:var(--ink);padding:.4rem .9rem}form{margin:0}\
.avatar{width:3.5rem;height:3.5rem;border-radius:50%;display:grid;place-items:center;background:var(--act);color:var(--on);font-size:1.5rem;margin-bottom:1rem}\
ul{list-style:none;margin:0;padding:0}li{display:flex;align-items:center;justify-content:space-between;gap:1rem;padding:.9rem 0;border-top:1px solid var(--line)}\
li div{min-width:0}li p{margin:0}li button{white-space:nowrap}p a{color:var(--act)}a:focus-visible,button:focus-visible{outline:3px solid var(--act);outline-offset:2px}\
@media(max-width:30rem){header{padding:1rem}header,header nav{gap:.5rem .75rem}main{margin:1.5rem auto;padding:0 1rem}.card{padding:1.25rem}}";

/// The public page: shows who is signed in, if anybody is.
pub(crate) fn home(user: Option<&str>) -> String {
    let card = match user {
        Some(name) => format!(
            "<h1>Hello, {}</h1><p>You are signed in. Some pages ask for more: \
             <a href=\"/admin\">one for admins</a>, and <a href=\"/sensitive\">one for a second factor</a>.</p>\
             <a class=\"button\" href=\"/profile\">Your profile</a>",
            escape(name)
        ),
        None => "<h1>Hello, stranger</h1><p>This page is open to everybody. Your profile is not.</p>\
                 <a class=\"button\" href=\"/login?return_to=/profile\">Sign in</a>"
            .to_owned(),
    };
    layout("Welcome", user, &card)
}

/// The page that needs a user.
pub(crate) fn profile(name: &str, email: &str, groups: &[String]) -> String {
    let tags: String = groups.iter().map(|group| format!("<span class=\"tag\">{}</span>", escape(group))).collect();
    let initial = name.chars().next().unwrap_or('?').to_string();
    let card = format!(
        "<div class=\"avatar\" aria-hidden=\"true\">{}</div><h1>{}</h1><p>This is what Okta says about you.</p>\
         <dl><dt>Name</dt><dd>{}</dd><dt>E-mail</dt><dd>{}</dd><dt>Groups</dt><dd>{tags}</dd></dl>",
        escape(&initial),
        escape(name),
        escape(name),
        escape(email)
    );
    layout("Your profile", Some(name), &card)
}

/// The page for the group `Admins`.
pub(crate) fn admin(name: &str) -> String {
    let card = format!("<h1>Administration</h1><p>{}, you are here because you are an admin.</p>", escape(name));
    layout("Administration", Some(name), &card)
}

/// The page that asks for a second factor and a recent sign-in.
pub(crate) fn sensitive(name: &str) -> String {
    let card = format!(
        "<h1>Sensitive matters</h1><p>{}, you have just shown who you are, with a second factor.</p>",
        escape(name)
    );
    layout("Sensitive matters", Some(name), &card)
}

/// The user's sessions: what each is, and a button that ends it.
pub(crate) fn devices(name: &str, this: &Session, sessions: &[Arc<Session>]) -> String {
    let items: String = sessions.iter().map(|session| device(session, session.id() == this.id())).collect();
    let card = format!(
        "<h1>Your devices</h1><p>This is where you are signed in. What you end here asks for a sign-in \
         with its next click.</p><ul>{items}</ul>"
    );
    layout("Your devices", Some(name), &card)
}

/// One session. This one ends by signing out, which ends Okta's own session too.
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

/// In place of the list, for sessions in cookies.
pub(crate) fn no_devices(name: &str) -> String {
    let card = "<h1>Your devices</h1><p>Sessions of this app are in cookies: each browser has its own, and nobody can \
                list them. Start the app with <code>OKTA_SESSION_STORE=memory</code>, or with \
                <code>redis://..</code> for several replicas, to see them here.</p>";
    layout("Your devices", Some(name), card)
}

/// How long ago something was, in words.
fn ago(then: Timestamp) -> String {
    match Timestamp::from(SystemTime::now()).since(then).as_secs() / 60 {
        0 => "just now".to_owned(),
        minutes @ 1..60 => format!("{minutes} min ago"),
        minutes => format!("{} h ago", minutes / 60),
    }
}

fn layout(title: &str, user: Option<&str>, card: &str) -> String {
    // Sign-out changes something, so it is a form with POST and not a link.
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
         <style>{STYLE}</style></head><body><header><a href=\"/\"><b>okta-auth</b></a><nav>{corner}</nav></header>\
         <main><div class=\"card\">{card}</div></main></body></html>"
    )
}

fn escape(text: &str) -> String {
    let named = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
    named.iter().fold(text.to_owned(), |text, (c, name)| text.replace(*c, name))
}
