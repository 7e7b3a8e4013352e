//! The home page: the issuers of the org, and how an app connects to them.

use super::layout::{escape, wide_page};
use crate::client::{AuthMethod, Client};
use crate::endpoint::session_cookie::SESSION_COOKIE;
use crate::org_state::{OrgState, Server};
use crate::reply::Reply;
use crate::request_log::Recorded;
use crate::sync::lock;

/// The link to the administrator's page, which a build without the feature does not have.
const ADMIN_LINK: &str =
    if cfg!(feature = "admin-api") { "<p class=\"way-on\"><a href=\"/admin\">People and sessions</a></p>" } else { "" };

/// Renders the page, with the user of this browser's session.
pub(in crate::endpoint) fn home(org: &OrgState, request: &Recorded) -> Reply {
    let clients = lock(&org.clients).clone();
    let apps: String = clients.iter().map(|client| app(org, client)).collect();
    let body = format!(
        "<h1>Development org</h1><p class=\"soft\">It behaves like an Okta org. It is not an Okta product.</p>{who}\
         <h2>Connect an app</h2><p class=\"note\">A click selects a block, ready to copy.</p>{apps}\
         <h2>Issuers</h2><ul>{issuers}</ul><h2>People</h2><table><tr><th>Username</th><th>Password</th>\
         <th>Groups</th></tr>{people}</table>{admin}",
        who = signed_in(org, request),
        issuers = issuers(org),
        people = people(org),
        admin = ADMIN_LINK,
    );
    Reply::html(200, wide_page("Development org", &org.name, &body))
}

fn signed_in(org: &OrgState, request: &Recorded) -> String {
    let id = request.cookie(SESSION_COOKIE);
    let session = id.and_then(|id| lock(&org.store).sessions.find(id, org.clock.seconds()));
    let who = |login: &str| format!("<p class=\"soft\">You are signed in as <strong>{}</strong>.</p>", escape(login));
    session.map(|session| who(&session.login)).unwrap_or_default()
}

fn app(org: &OrgState, client: &Client) -> String {
    let variables = org.variables(client);
    let lines: String = variables.iter().map(|(name, value)| format!("export {name}={}\n", escape(value))).collect();
    let uris: String =
        client.redirect_uris.iter().map(|uri| format!("<li><code>{}</code></li>", escape(uri))).collect();
    let uris = if uris.is_empty() { uris } else { format!("<p class=\"note\">Redirect URIs</p><ul>{uris}</ul>") };
    let scopes = if client.is_service() { service_scopes(org, client) } else { String::new() };
    let grants: Vec<&str> = client.grant_types.iter().map(|grant| grant.as_str()).collect();
    format!(
        "<section><h3>{name} <span>{kind}</span></h3><pre class=\"copy\">{lines}</pre>\
         <p class=\"note\">Grants: {grants}</p>{scopes}{uris}</section>",
        name = escape(&client.name),
        kind = match client.auth_method {
            AuthMethod::None => kind(client).to_owned(),
            method => format!("{} ({})", kind(client), method.as_str()),
        },
        grants = escape(&grants.join(", ")),
        lines = lines.trim_end(),
    )
}

/// The custom scopes of a service at the server of its variables: without a user, it has no other scopes.
fn service_scopes(org: &OrgState, client: &Client) -> String {
    let Some(server) = org.variables_server() else { return String::new() };
    let may = |scope: &&String| client.scopes.is_empty() || client.scopes.contains(scope);
    custom_scopes(server.settings.scopes.iter().filter(may))
}

fn custom_scopes<'a>(scopes: impl Iterator<Item = &'a String>) -> String {
    let scopes: Vec<String> = scopes.map(|scope| format!("<code>{}</code>", escape(scope))).collect();
    if scopes.is_empty() {
        return String::new();
    }
    format!("<p class=\"note\">Custom scopes: {}</p>", scopes.join(" "))
}

fn kind(client: &Client) -> &'static str {
    match client.auth_method {
        _ if client.is_service() => "service, without users",
        AuthMethod::None => "public client with PKCE",
        AuthMethod::PrivateKeyJwt => "signs with a private key",
        AuthMethod::ClientSecretPost => "secret in the form",
        AuthMethod::ClientSecretJwt => "signs with its secret",
        AuthMethod::ClientSecretBasic => "secret in the Authorization header",
    }
}

fn issuers(org: &OrgState) -> String {
    let issuer = |server: &Server| {
        let issuer = escape(&server.settings.issuer(&org.url));
        let scopes = custom_scopes(server.settings.scopes.iter());
        format!("<li><a href=\"{issuer}/.well-known/openid-configuration\"><code>{issuer}</code></a>{scopes}</li>")
    };
    org.servers.iter().map(issuer).collect()
}

fn people(org: &OrgState) -> String {
    let users = lock(&org.users).clone();
    let row = |cells: [&str; 3]| {
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
        format!("<tr>{cells}</tr>")
    };
    users.iter().map(|user| row([&user.login, &user.password, &user.groups.join(", ")])).collect()
}
