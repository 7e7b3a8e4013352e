//! The command line.
//!
//! Most options have a variable with the same meaning, which the library reads. So the
//! command line is turned into variables, and there is one way to read either.

use std::collections::BTreeMap;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A development org for apps that sign in with Okta.

Usage: okta-dev [OPTIONS]

Address:
  --port PORT             the port [default: 8090, or what the file says; 0: a free one]
  --issuer URL            what the org is called in issuers and URLs, such as http://localhost:8090, if that is not the
                          address [default: http://127.0.0.1 and the port]
  --host NAME             answers requests under this name, too, such as the name of a container; may be repeated.
                          Loopback names and the host of the issuer are always answered, other names never
  --listen ADDRESS        the address to listen on [default: 127.0.0.1]; any other than loopback needs --host
  --https                 serves HTTPS with a certificate of its own, which it writes to a file and names
  --certificate FILE      serves HTTPS with this certificate chain in PEM; needs --key
  --key FILE              the private key of the certificate in PEM

Apps and people:
  --config FILE           settings in TOML: people, clients, authorization servers
  --origin ORIGIN         an origin of the app, such as http://localhost:3000: its usual sign-in and sign-out redirect
                          URIs are registered for the first client; may be repeated
  --redirect-uri URI      one more sign-in redirect URI for the first client; may be repeated. Its origin with a slash
                          is registered for sign-out
  --trusted-origin ORIGIN an origin whose scripts may read answers, besides those of redirect URIs; may be repeated
  --secret SECRET         the secret of the first client [default: the same in every run]
  --orgs NAMES            customers, separated by commas: each gets an org of its own at NAME.localhost and the same port,
                          with people, a client, keys, and the redirect URIs of the first client, also below its name

Behaviour:
  --access-token-lifetime SECONDS
                          how long access tokens of custom servers are valid [default: 3600, or what the file says]
  --groups-claim NAME     a claim of this name carries all groups in ID tokens; without it there is none, as at Okta
  --full-id-tokens        ID tokens of custom servers carry the whole profile; without it they are thin, as at Okta
  --identifier-first      asks for the username and the password on two pages, as Okta Identity Engine does
  --cross-site-cookies    marks the session cookie SameSite=None; Secure on plain HTTP, too
  --refuse-post-message   refuses response_mode=okta_post_message with a code

Output:
  --json                  one JSON object a line: first how to connect, then each request
  --quiet                 no line for each request
  --help, --version

The environment says what the command line does not: OKTA_DEV_PORT, OKTA_DEV_ISSUER, OKTA_DEV_HOSTS, OKTA_DEV_LISTEN,
OKTA_DEV_CONFIG, OKTA_DEV_ORIGINS, OKTA_DEV_TRUSTED_ORIGINS, OKTA_DEV_CLIENT_SECRET, OKTA_DEV_ORGS,
OKTA_DEV_ACCESS_TOKEN_LIFETIME, OKTA_DEV_GROUPS_CLAIM, OKTA_DEV_FULL_ID_TOKENS, OKTA_DEV_IDENTIFIER_FIRST,
OKTA_DEV_CROSS_SITE_COOKIES, OKTA_DEV_REFUSE_POST_MESSAGE, OKTA_DEV_ROTATION (static or rotate),
OKTA_DEV_REFRESH_LEEWAY (seconds). Lists are separated by commas, and switches are `true` or `false`.

The default client accepts http://localhost:8080/authorization-code/callback. The page at the address of the org says how
to connect an app. The test API is at /dev, and the page of the administrator at /admin.";

/// The port unless another is given.
const PORT: &str = "8090";

/// Options with a value, and the variable that each stands for. Those that may be
/// repeated make a list.
const VALUES: [(&str, &str); 12] = [
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
];

/// Switches, and the variable that each stands for.
const SWITCHES: [(&str, &str); 4] = [
    ("--full-id-tokens", "FULL_ID_TOKENS"),
    ("--identifier-first", "IDENTIFIER_FIRST"),
    ("--cross-site-cookies", "CROSS_SITE_COOKIES"),
    ("--refuse-post-message", "REFUSE_POST_MESSAGE"),
];

/// What the command line says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Variables, without the prefix, that win over the environment.
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
    /// Reads the command line; `--port 1` and `--port=1` are the same.
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

    /// Turns a switch on; false if the name is none.
    fn switch(&mut self, name: &str) -> bool {
        let known = SWITCHES.into_iter().find(|(known, _)| *known == name);
        known.map(|(_, variable)| self.variables.insert(variable, "true".to_owned())).is_some()
    }

    /// Sets a variable, or adds to the list that it has.
    fn add(&mut self, variable: &'static str, value: &str) {
        let list = variable.ends_with('S');
        let before = self.variables.get(variable).filter(|_| list);
        let value = before.map_or_else(|| value.to_owned(), |before| format!("{before},{value}"));
        self.variables.insert(variable, value);
    }

    /// The environment, with what the command line says in its place.
    ///
    /// The port has its default only without a file, because the file may name one.
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
