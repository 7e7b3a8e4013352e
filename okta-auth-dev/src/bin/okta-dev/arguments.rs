//! Parses the command line.
//!
//! Most options have an equivalent variable that the library reads, so the command line is converted to variables and
//! both are read in one way.

use std::collections::BTreeMap;

pub(crate) const HELP: &str = "\
A development org for apps that sign in with Okta.

Usage: okta-dev [OPTIONS]

Address:
  --port PORT             the port [default: 8090, or the port in the file; 0: a free one]
  --issuer URL            the base URL of issuers and links, such as http://localhost:8090, if it differs from the
                          listening address [default: http://127.0.0.1 and the port]
  --host NAME             also answers requests for this host name, such as the name of a container; may be repeated.
                          Loopback names and the host of the issuer are always answered, other names are rejected
  --listen ADDRESS        the address to listen on [default: 127.0.0.1]; any other than loopback needs --host
  --https                 serves HTTPS with a self-signed certificate, writes it to a file, and prints the path
  --certificate FILE      serves HTTPS with this certificate chain in PEM; needs --key
  --key FILE              the private key of the certificate in PEM

Apps and users:
  --config FILE           settings in TOML: users, clients, authorization servers
  --origin ORIGIN         an origin of the app, such as http://localhost:3000: its usual sign-in and sign-out redirect
                          URIs are registered for the first client and the public one; may be repeated
  --redirect-uri URI      another sign-in redirect URI for both clients; may be repeated. Its origin is registered for
                          sign-out
  --trusted-origin ORIGIN an origin whose scripts may read responses, besides those of redirect URIs; may be repeated
  --secret SECRET         the secret of the first client [default: the same in every run]
  --orgs NAMES            customers, separated by commas: each gets its own org at NAME.localhost on the same port,
                          with users, a client, keys, and the redirect URIs of the first client and their variants under
                          the subdomain

Behaviour:
  --access-token-lifetime SECONDS
                          the lifetime of access tokens of custom servers [default: 3600, or the lifetime in the file]
  --groups-claim NAME     adds all groups to ID tokens in this claim; by default there is no groups claim, as at Okta
  --full-id-tokens        ID tokens of custom servers carry the whole profile; by default they are thin, as at Okta
  --identifier-first      asks for the username and the password on two pages, as Okta Identity Engine does
  --cross-site-cookies    marks the session cookie SameSite=None; Secure on plain HTTP as well
  --refuse-post-message   rejects response_mode=okta_post_message with a code
  --dpop WHICH            which clients need DPoP proofs in token requests: off, services (Okta's default for new
                          apps), or on for all [default: off]
  --dpop-nonce-lifetime SECONDS
                          how long a nonce for DPoP proofs is handed out [default: 86400, as at Okta]
  --par                   confidential clients must push their authorization requests (RFC 9126)
  --signed-requests       confidential clients must sign their authorization requests (RFC 9101)
  --rfc-extensions        serves what RFCs define and Okta does not announce: dpop_jkt, and ID tokens that are
                          encrypted with ECDH-ES

Output:
  --json                  prints one JSON object per line: first the connection details, then each request
  --quiet                 prints no line for each request
  --help, --version

Missing options are read from the environment: OKTA_DEV_PORT, OKTA_DEV_ISSUER, OKTA_DEV_HOSTS, OKTA_DEV_LISTEN,
OKTA_DEV_CONFIG, OKTA_DEV_ORIGINS, OKTA_DEV_TRUSTED_ORIGINS, OKTA_DEV_CLIENT_SECRET, OKTA_DEV_ORGS,
OKTA_DEV_ACCESS_TOKEN_LIFETIME, OKTA_DEV_GROUPS_CLAIM, OKTA_DEV_FULL_ID_TOKENS, OKTA_DEV_IDENTIFIER_FIRST,
OKTA_DEV_CROSS_SITE_COOKIES, OKTA_DEV_REFUSE_POST_MESSAGE, OKTA_DEV_DPOP, OKTA_DEV_DPOP_NONCE_LIFETIME, OKTA_DEV_PAR,
OKTA_DEV_SIGNED_REQUESTS, OKTA_DEV_RFC_EXTENSIONS, OKTA_DEV_ROTATION (static or rotate),
OKTA_DEV_REFRESH_LEEWAY (seconds). Lists are separated by commas; switches are `true` or `false`.

The default client accepts http://localhost:8080/authorization-code/callback. The page at the org's address explains how
to connect an app. The test API is at /dev, and the administrator's page at /admin.";

const PORT: &str = "8090";

/// Options with a value and their variables. A variable that ends with `S` is a list.
const VALUES: [(&str, &str); 14] = [
    ("--port", "PORT"),
    ("--issuer", "ISSUER"),
    ("--host", "HOSTS"),
    ("--listen", "LISTEN"),
    ("--config", "CONFIG"),
    ("--origin", "ORIGINS"),
    ("--trusted-origin", "TRUSTED_ORIGINS"),
    ("--secret", "CLIENT_SECRET"),
    ("--orgs", "ORGS"),
    ("--access-token-lifetime", "ACCESS_TOKEN_LIFETIME"),
    ("--groups-claim", "GROUPS_CLAIM"),
    ("--redirect-uri", "REDIRECT_URIS"),
    ("--dpop", "DPOP"),
    ("--dpop-nonce-lifetime", "DPOP_NONCE_LIFETIME"),
];

const SWITCHES: [(&str, &str); 7] = [
    ("--full-id-tokens", "FULL_ID_TOKENS"),
    ("--identifier-first", "IDENTIFIER_FIRST"),
    ("--cross-site-cookies", "CROSS_SITE_COOKIES"),
    ("--refuse-post-message", "REFUSE_POST_MESSAGE"),
    ("--par", "PAR"),
    ("--signed-requests", "SIGNED_REQUESTS"),
    ("--rfc-extensions", "RFC_EXTENSIONS"),
];

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Variables without the prefix `OKTA_DEV_`; they take precedence over the environment.
    variables: BTreeMap<&'static str, String>,
    pub(crate) https: bool,
    pub(crate) certificate: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) help: bool,
    pub(crate) version: bool,
}

impl Arguments {
    /// Parses the command line; `--port 1` and `--port=1` are equivalent.
    pub(crate) fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut words = words.flat_map(|word| match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => vec![name.to_owned(), value.to_owned()],
            _ => vec![word],
        });
        let mut arguments = Self::default();
        while let Some(name) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{name}` needs a value; see --help"));
            match name.as_str() {
                "--https" => arguments.https = true,
                "--certificate" => arguments.certificate = Some(value()?),
                "--key" => arguments.key = Some(value()?),
                "--json" => arguments.json = true,
                "--quiet" => arguments.quiet = true,
                "--help" | "-h" => arguments.help = true,
                "--version" | "-V" => arguments.version = true,
                name if arguments.switch(name) => {}
                name => match VALUES.into_iter().find(|(known, _)| *known == name) {
                    Some((_, variable)) => arguments.add(variable, &value()?),
                    None => return Err(format!("unknown argument `{name}`; see --help")),
                },
            }
        }
        Ok(arguments)
    }

    /// Turns a switch on; returns false if there is no switch with this name.
    fn switch(&mut self, name: &str) -> bool {
        let known = SWITCHES.into_iter().find(|(known, _)| *known == name);
        known.map(|(_, variable)| self.variables.insert(variable, "true".to_owned())).is_some()
    }

    /// Sets a variable, or appends to a list.
    fn add(&mut self, variable: &'static str, value: &str) {
        let list = variable.ends_with('S');
        let before = self.variables.get(variable).filter(|_| list);
        let value = before.map_or_else(|| value.to_owned(), |before| format!("{before},{value}"));
        self.variables.insert(variable, value);
    }

    /// Merges the command line into the environment; the command line takes precedence.
    ///
    /// The default port applies only without a file, because the file may set one.
    pub(crate) fn variables(&self, environment: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
        let mut variables: BTreeMap<String, String> = environment.collect();
        variables.extend(self.variables.iter().map(|(name, value)| (format!("OKTA_DEV_{name}"), value.clone())));
        if !variables.contains_key("OKTA_DEV_CONFIG") {
            variables.entry("OKTA_DEV_PORT".to_owned()).or_insert_with(|| PORT.to_owned());
        }
        variables.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, String> {
        Arguments::read(line.split_ascii_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        let arguments = read("--host a --host=b --port 1 --identifier-first --json").unwrap();
        let environment = [("OKTA_DEV_PORT", "2"), ("OKTA_DEV_HOSTS", "c"), ("OKTA_DEV_ORGS", "acme")];
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables: BTreeMap<String, String> = arguments.variables(environment).into_iter().collect();
        let value = |name: &str| variables.get(&format!("OKTA_DEV_{name}")).map(String::as_str);
        assert_eq!((value("HOSTS"), value("PORT"), value("ORGS")), (Some("a,b"), Some("1"), Some("acme")));
        assert_eq!((value("IDENTIFIER_FIRST"), arguments.json), (Some("true"), true));
        let defaults: Vec<_> = read("").unwrap().variables(std::iter::empty()).into_iter().collect();
        assert_eq!(defaults, [("OKTA_DEV_PORT".to_owned(), PORT.to_owned())]);
        let file = read("--config x.toml").unwrap().variables(std::iter::empty());
        assert!(file.iter().all(|(name, _)| name != "OKTA_DEV_PORT"), "the file may name a port");
    }

    #[test]
    fn mistakes_name_the_argument() {
        assert!(read("--prot 1").unwrap_err().contains("--prot"));
        assert!(read("--port").unwrap_err().contains("--port"));
    }

    #[test]
    fn the_help_names_every_option() {
        for (name, variable) in VALUES.into_iter().chain(SWITCHES) {
            assert!(HELP.contains(name), "{name}");
            assert!(variable == "REDIRECT_URIS" || HELP.contains(&format!("OKTA_DEV_{variable}")), "{variable}");
        }
    }
}
