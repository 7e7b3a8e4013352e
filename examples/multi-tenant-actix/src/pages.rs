//! The pages: plain functions from data to HTML.

use okta_auth::actix::User;

use crate::customers::Customer;
use crate::saas::{COLOURS, Fields};

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f4f6f9;--card:#fff;--ink:#1d2433;--mute:#5b6478;--line:#dfe3ea;--tag:#e8ecf4;--bad:#b3261e;--edge:#717b8f;--rim:transparent}\
@media(prefers-color-scheme:dark){:root{--bg:#12151c;--card:#1b202a;--ink:#eef1f6;--mute:#a3adbf;--line:#303848;--tag:#2a3140;--bad:#ff9d94;--edge:#8792a8;--rim:#8792a8}}\
*{box-sizing:border-box}body{margin:0;min-height:100vh;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,sans-serif}\
header{display:flex;align-items:center;justify-content:space-between;flex-wrap:wrap;gap:.5rem 1rem;padding:1rem 1.5rem;background:var(--brand);color:#fff}\
header nav{display:flex;gap:1rem;align-items:center;white-space:nowrap}header a{color:#fff;text-decoration:none}header b{overflow-wrap:anywhere}\
main{max-width:44rem;margin:3rem auto;padding:0 1.5rem}.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:2rem}\
h1{margin:0 0 .5rem;font-size:1.6rem}h2{font-size:1.15rem;margin:2rem 0 .75rem}p{color:var(--mute);margin:.25rem 0 1.5rem}form{margin:0}\
dl{display:grid;grid-template-columns:7rem 1fr;gap:.75rem 1rem;margin:0}dt{color:var(--mute)}dd{margin:0;overflow-wrap:anywhere}\
.tag{display:inline-block;background:var(--tag);border-radius:99px;padding:.1rem .7rem;margin:0 .35rem .35rem 0}\
label{display:grid;gap:.3rem;color:var(--mute);margin:0 0 1rem}label.line{display:flex;align-items:center;gap:.5rem}\
input:not([type=checkbox]),select{font:inherit;color:var(--ink);background:var(--bg);border:1px solid var(--edge);border-radius:9px;padding:.6rem .8rem;width:100%}::placeholder{color:var(--mute);opacity:1}\
.two{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 1rem}\
.button,button{display:inline-block;font:inherit;cursor:pointer;border:1px solid var(--rim);border-radius:9px;padding:.6rem 1.1rem;background:var(--brand);color:#fff;text-decoration:none}\
button.quiet{background:none;border-color:currentColor;color:inherit;padding:.35rem .9rem}\
ul{list-style:none;margin:0;padding:0}li{display:flex;align-items:center;justify-content:space-between;gap:1rem;padding:.9rem 0;border-top:1px solid var(--line)}\
li div{min-width:0}li p{margin:0;overflow-wrap:anywhere}li b::before{content:\"\";display:inline-block;width:.7rem;height:.7rem;border-radius:50%;background:var(--own);margin-right:.5rem}\
summary{cursor:pointer;color:var(--mute);margin:0 0 1rem}.wrong{color:var(--bad);font-weight:600}li a{color:inherit}\
a:focus-visible,button:focus-visible,input:focus-visible,select:focus-visible,summary:focus-visible{outline:3px solid var(--ink);outline-offset:2px}\
header :focus-visible{outline-color:#fff}\
@media(max-width:30rem){header{padding:1rem}main{margin:1.5rem auto;padding:0 1rem}.card{padding:1.25rem}.two{grid-template-columns:1fr}}";

/// Headers of every page: no caching, no frames, no scripts. Forms may redirect to a
/// customer's Okta.
pub(crate) const HEADERS: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self' https: http:; \
         frame-ancestors 'none'",
    ),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
];

/// The appearance of a page.
#[derive(Clone, Debug)]
pub(crate) struct Brand {
    pub(crate) name: String,
    /// One of the colours that the admin page offers.
    pub(crate) colour: String,
}

impl Default for Brand {
    /// The app's own appearance, for requests without a customer.
    fn default() -> Self {
        Self { name: "Timesheets".to_owned(), colour: "#2f3a4f".to_owned() }
    }
}

/// The page at the app's own address. An e-mail address determines the customer.
pub(crate) fn front() -> String {
    let card = "<h1>Timesheets for your company</h1><p>Enter your work e-mail address, and we take you to your \
                company's sign-in.</p><form method=\"post\" action=\"/login\"><label>E-mail address <input type=\"email\" \
                name=\"email\" autocomplete=\"email\" placeholder=\"ada@acme.test\" required autofocus></label>\
                <button>Continue</button></form>";
    layout(&Brand::default(), "Welcome", None, card)
}

/// A customer's public page.
pub(crate) fn home(brand: &Brand, user: Option<&User>) -> String {
    let card = match user {
        Some(user) => format!(
            "<h1>Hello, {}</h1><p>You are signed in at {}.</p><a class=\"button\" href=\"/profile\">Your profile</a>",
            escape(user.name()),
            escape(&brand.name)
        ),
        None => format!(
            "<h1>Welcome to {}</h1><p>Sign in to see your timesheets.</p>\
             <a class=\"button\" href=\"/login?return_to=/profile\">Sign in</a>",
            escape(&brand.name)
        ),
    };
    layout(brand, "Welcome", user, &card)
}

pub(crate) fn profile(brand: &Brand, user: &User) -> String {
    let tags: String =
        user.groups().iter().map(|group| format!("<span class=\"tag\">{}</span>", escape(group))).collect();
    let card = format!(
        "<h1>{}</h1><p>Your data at the Okta of {}.</p>\
         <dl><dt>E-mail</dt><dd>{}</dd><dt>Groups</dt><dd>{tags}</dd><dt>Issuer</dt><dd>{}</dd></dl>",
        escape(user.name()),
        escape(&brand.name),
        escape(user.email().unwrap_or_default()),
        escape(user.session().issuer())
    );
    layout(brand, "Your profile", Some(user), &card)
}

/// A customer's page for users whom its policies allow.
pub(crate) fn admin(brand: &Brand, user: &User) -> String {
    let card = format!(
        "<h1>Administration of {}</h1><p>{}, the policies of {0} give you access to this page.</p>",
        escape(&brand.name),
        escape(user.name())
    );
    layout(brand, "Administration", Some(user), &card)
}

/// The admin page: the customers, and forms to add and remove them. After an error it
/// shows the reason, and the form keeps the entered values, except the client secret.
pub(crate) fn customers(customers: &[Customer], token: &str, mistake: Option<(&str, &Fields)>) -> String {
    let token = escape(token);
    let items: String = customers.iter().map(|customer| item(customer, &token)).collect();
    let wrong = mistake.map(|(wrong, _)| format!("<p class=\"wrong\" role=\"alert\">{}</p>", escape(wrong)));
    let wrong = wrong.unwrap_or_default();
    let typed = |name: &str| mistake.and_then(|(_, fields)| fields.get(name)).map_or("", String::as_str);
    let [id, name, issuer, domain, client] =
        ["id", "name", "issuer", "email_domain", "client_id"].map(|field| escape(typed(field)));
    let colours: String = COLOURS.iter().map(|(name, colour)| option(name, colour, typed("colour"))).collect();
    let strict = if typed("strict").is_empty() { "" } else { " checked" };
    let open = if format!("{issuer}{domain}{client}").is_empty() { "" } else { " open" };
    let card = format!(
        "<h1>Customers</h1><p>Add and remove customers while the app runs.</p>{wrong}<ul>{items}</ul>\
         <h2>A new customer</h2>\
         <form method=\"post\" action=\"/tenants\"><input type=\"hidden\" name=\"token\" value=\"{token}\"><div class=\"two\">\
         <label>Id <input name=\"id\" placeholder=\"hooli\" value=\"{id}\" required></label>\
         <label>Name <input name=\"name\" placeholder=\"Hooli\" value=\"{name}\"></label></div>\
         <label>Colour <select name=\"colour\">{colours}</select></label>\
         <label class=\"line\"><input type=\"checkbox\" name=\"strict\" value=\"yes\"{strict}> Strict policies</label>\
         <details{open}><summary>Use the customer's own Okta (otherwise it gets a development org)</summary>\
         <div class=\"two\">\
         <label>Issuer <input name=\"issuer\" placeholder=\"https://hooli.okta.com/oauth2/default\" value=\"{issuer}\"></label>\
         <label>E-mail domain <input name=\"email_domain\" placeholder=\"hooli.com\" value=\"{domain}\"></label>\
         <label>Client id <input name=\"client_id\" value=\"{client}\"></label>\
         <label>Client secret <input name=\"client_secret\" type=\"password\" autocomplete=\"off\"></label></div></details>\
         <button name=\"add\">Add</button></form>"
    );
    layout(&Brand::default(), "Customers", None, &card)
}

/// An entry in the list of colours.
fn option(name: &str, colour: &str, chosen: &str) -> String {
    let selected = if colour == chosen { " selected" } else { "" };
    format!("<option value=\"{colour}\"{selected}>{name}</option>")
}

/// The form for the admin key, with an error message after a wrong key.
pub(crate) fn closed(wrong: bool) -> String {
    let (wrong, invalid) = match wrong {
        true => (
            "<p class=\"wrong\" id=\"wrong\" role=\"alert\">This key is not correct.</p>",
            " aria-invalid=\"true\" aria-describedby=\"wrong\"",
        ),
        false => ("", ""),
    };
    let card = format!(
        "<h1>Customers</h1><p>Enter the key to manage customers. The app printed it at startup.</p>{wrong}\
         <form method=\"post\" action=\"/tenants\"><label>Key <input type=\"password\" name=\"key\" autocomplete=\"off\" \
         required autofocus{invalid}></label><button>Open</button></form>"
    );
    layout(&Brand::default(), "Customers", None, &card)
}

/// The page at a customer's address, which has no admin page.
pub(crate) fn nothing() -> String {
    layout(&Brand::default(), "Not found", None, "<h1>There is nothing here</h1><p><a href=\"/\">Home</a></p>")
}

/// A customer in the list.
fn item(customer: &Customer, token: &str) -> String {
    let (settings, id) = (&customer.settings, customer.settings.id.as_str());
    let strict = settings.policies.as_ref().map(|_| " <span class=\"tag\">strict</span>").unwrap_or_default();
    format!(
        "<li style=\"--own:{}\"><div><b>{}</b>{strict}<p>{} &middot; {}</p></div><form method=\"post\" action=\"/tenants\">\
         <input type=\"hidden\" name=\"token\" value=\"{token}\"><input type=\"hidden\" name=\"id\" value=\"{id}\">\
         <button class=\"quiet\" name=\"remove\" value=\"yes\" aria-label=\"Remove {id}\">Remove</button></form></li>",
        escape(&customer.colour),
        escape(settings.display_name()),
        escape(&settings.email_domains.join(", ")),
        escape(&settings.issuer)
    )
}

fn layout(brand: &Brand, title: &str, user: Option<&User>, card: &str) -> String {
    // Sign-out changes state, so it is a form with POST instead of a link.
    let corner = match user {
        Some(_) => {
            "<a href=\"/profile\">Profile</a><a href=\"/admin\">Administration</a>\
             <form method=\"post\" action=\"/logout\"><button class=\"quiet\">Sign out</button></form>"
        }
        None => "",
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body style=\"--brand:{}\"><header><a href=\"/\"><b>{}</b></a><nav>{corner}</nav></header>\
         <main><div class=\"card\">{card}</div></main></body></html>",
        escape(&brand.colour),
        escape(&brand.name)
    )
}

fn escape(text: &str) -> String {
    let named = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
    named.iter().fold(text.to_owned(), |text, (c, name)| text.replace(*c, name))
}
