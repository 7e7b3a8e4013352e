//! The text that the program prints at startup.
//!
//! Every line can be copied unchanged. With orgs of customers, a second part configures an app with many tenants, once
//! as shell variables and once as a file.

use okta_auth_dev::{Client, GrantType, Org};

/// Formats the connection details.
///
/// The banner shows both issuers, because an app uses one of them: a custom server for an app with its own APIs, the
/// org's own server for sign-in only.
pub(crate) fn banner(org: &Org, certificate: Option<&str>) -> String {
    let mut lines = vec![
        format!("Development org at {} - stop it with Ctrl-C.", org.url()),
        format!("How to connect an app: {0}/   people and sessions: {0}/admin   test API: {0}/dev", org.url()),
        String::new(),
        format!("  listens on          {}", org.address()),
        format!("  issuer              {}", org.issuer()),
        format!("  issuer (org)        {}", org.org_issuer()),
    ];
    lines.extend(certificate.map(|file| format!("  certificate         {file}  (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS)")));
    lines.extend(org.clients().iter().map(client_line));
    lines.push(String::new());
    for user in org.users() {
        lines.push(format!("  user                {}  {}  ({})", user.login, user.password, user.groups.join(", ")));
    }
    lines.push(String::new());
    lines.extend(org.client().redirect_uris.iter().map(|uri| format!("  redirect URI        {uri}")));
    lines.push(String::new());
    lines.extend(org.env().iter().map(|(name, value)| format!("export {name}={value}")));
    lines.push(String::new());
    let orgs = org.orgs();
    lines.extend(orgs.iter().flat_map(customer));
    if !orgs.is_empty() {
        let names: Vec<_> = orgs.iter().filter_map(Org::subdomain).collect();
        lines.extend(["For an app with many tenants:".to_owned(), String::new()]);
        lines.push(format!("export OKTA_TENANTS={}", names.join(",")));
        lines.extend(orgs.iter().flat_map(Org::tenant_env).map(|(name, value)| match value.contains(' ') {
            true => format!("export {name}='{value}'"),
            false => format!("export {name}={value}"),
        }));
        lines.extend([String::new(), "or tenants.toml:".to_owned(), String::new()]);
        lines.extend(orgs.iter().map(Org::tenant_toml));
        lines.push(String::new());
    }
    lines.join("\n")
}

fn client_line(client: &Client) -> String {
    let secret = client.client_secret.as_deref().unwrap_or("(no secret: PKCE)");
    let service = client.grant_types == [GrantType::ClientCredentials];
    let label = if service { "service client" } else { "client" };
    format!("  {label:<20}{}  {secret}  ({})", client.client_id, client.name)
}

fn customer(org: &Org) -> Vec<String> {
    let mut lines = vec![format!("{} at {}", org.name(), org.url())];
    let users = org.users().into_iter();
    lines.extend(users.map(|user| format!("  user                {}  {}", user.login, user.password)));
    let uris = org.client().redirect_uris.into_iter();
    lines.extend(uris.map(|uri| format!("  redirect URI        {uri}")));
    lines.push(String::new());
    lines
}
