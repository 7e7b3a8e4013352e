//! The text that the program prints at startup.
//!
//! Every line can be copied unchanged. With orgs of customers, a second part configures an app with many tenants, once
//! as shell variables and once as a file.

use okta_auth_dev::{AuthorizationServer, Client, GrantType, Org};

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
    lines.extend(
        certificate.map(|file| {
            format!("  certificate         {file}  (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, REQUESTS_CA_BUNDLE)")
        }),
    );
    lines.extend(org.clients().iter().map(client_line));
    lines.extend(org.authorization_servers().iter().filter_map(scopes_line));
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

/// The custom scopes of a server, which a service client needs for its first token.
fn scopes_line(server: &AuthorizationServer) -> Option<String> {
    let label = format!("scopes of {}", server.id);
    (!server.scopes.is_empty()).then(|| format!("  {label:<19} {}", server.scopes.join(" ")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_banner_names_the_scopes_of_each_server() {
        let orders = AuthorizationServer::custom("orders", "api://orders").scope("audit");
        let bare = AuthorizationServer::custom("bare", "api://bare");
        let org = Org::builder().authorization_server(orders).authorization_server(bare).start().await.unwrap();
        let banner = banner(&org, None);
        assert!(banner.contains("\n  scopes of default   orders:read orders:write\n"), "{banner}");
        assert!(banner.contains("\n  scopes of orders    audit\n"), "{banner}");
        assert!(!banner.contains("scopes of org") && !banner.contains("scopes of bare"), "{banner}");
    }

    /// Node reads NODE_EXTRA_CA_CERTS, Python's `requests` reads REQUESTS_CA_BUNDLE, and most others read SSL_CERT_FILE.
    #[tokio::test]
    async fn the_banner_names_the_variables_that_trust_the_certificate() {
        let org = Org::start().await.unwrap();
        let with = banner(&org, Some("/tmp/okta-dev.pem"));
        for variable in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"] {
            assert!(with.contains(variable) && !banner(&org, None).contains(variable), "{with}");
        }
    }
}
