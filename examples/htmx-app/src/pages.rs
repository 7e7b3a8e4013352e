//! The HTML of the example.

use okta_auth::axum::User;

pub(crate) const HTMX: &str = include_str!("../vendor/htmx-2.0.7.min.js");
pub(crate) const SCRIPT: &str = include_str!("app.js");

/// The headers of all pages. A form of the library redirects to Okta, so `form-action` allows other origins.
pub(crate) const HEADERS: [(&str, &str); 2] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; \
         form-action 'self' https: http:; frame-ancestors 'none'",
    ),
];

pub(crate) fn home(user: Option<&User>) -> String {
    let body = match user {
        Some(user) => format!("<h1>Hello, {}</h1><p><a href=\"/notes\">Notes</a>", escape(user.name())),
        None => "<h1>Hello, stranger</h1><p><a href=\"/login?return_to=/notes\">Sign in</a>".to_owned(),
    };
    page("", &format!("<main>{body}</main>"))
}

pub(crate) fn notes(user: &User, notes: &[String]) -> String {
    let items: String = notes.iter().map(|note| item(note)).collect();
    let body = format!(
        "<header><form method=\"post\" action=\"/logout\"><button>Sign out</button></form></header>\
         <main><h1>Notes of {}</h1>\
         <form hx-post=\"/notes\" hx-target=\"#notes\" hx-swap=\"beforeend\" method=\"post\" action=\"/notes\">\
         <label>Note <textarea name=\"text\" required></textarea></label><button>Save</button></form>\
         <form hx-post=\"/files\" hx-target=\"#notes\" hx-swap=\"beforeend\" hx-encoding=\"multipart/form-data\">\
         <label>File <input type=\"file\" name=\"file\" required></label><button>Upload</button></form>\
         <ul id=\"notes\">{items}</ul><p>In all tabs: <output id=\"count\">-</output></main>\
         <dialog id=\"over\"><p>You are signed out. What you entered is still here.</p><button>Sign in</button></dialog>",
        escape(user.name())
    );
    page(&attribute(user), &body)
}

/// The page of the window that signs in: it tells the other pages, and closes.
pub(crate) fn signed_in(user: &User) -> String {
    page(
        &format!("{} data-signed-in", attribute(user)),
        "<main><p>You are signed in. You can close this window.</main>",
    )
}

pub(crate) fn item(text: &str) -> String {
    format!("<li>{}</li>", escape(text))
}

fn attribute(user: &User) -> String {
    format!(" data-user=\"{}\"", escape(user.subject()))
}

fn page(attributes: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>htmx-app</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"htmx-config\" content='{{\"includeIndicatorStyles\":false,\"allowEval\":false}}'>\
         <style>:root{{color-scheme:light dark}}body{{background:Canvas;color:CanvasText;\
         font:1rem sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}}label{{display:block}}\
         button,input,textarea{{font:inherit;margin:.25rem 0;max-width:100%}}\
         :focus-visible{{outline:3px solid;outline-offset:2px}}</style>\
         <script src=\"/htmx.js\" defer></script><script src=\"/app.js\" defer></script></head>\
         <body{attributes}>{body}</body></html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
