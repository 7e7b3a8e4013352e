//! Settings from environment variables, for demos that a command starts.

use std::time::Duration;

use super::OrgBuilder;
use crate::client::Rotation;
use crate::error::Error;

impl OrgBuilder {
    /// Reads the settings from the process environment, see [`OrgBuilder::from_variables`].
    ///
    /// # Errors
    ///
    /// If a value is invalid, or the settings file is missing or invalid.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(std::env::vars_os().filter_map(|(name, value)| {
            // Variables that are not valid Unicode are never this crate's.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// Reads the settings from these variables. Unknown variables without the prefix are ignored, and empty ones count
    /// as unset.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `OKTA_DEV_CONFIG` | a TOML file with the rest, see [`crate::config`] |
    /// | `OKTA_DEV_PORT` | the port; 0 for a free one |
    /// | `OKTA_DEV_ISSUER` | the base URL of issuers, see [`OrgBuilder::issuer`] |
    /// | `OKTA_DEV_LISTEN` | the address to listen on, see [`OrgBuilder::host`] |
    /// | `OKTA_DEV_HOSTS` | names that clients may use, separated by commas, see [`OrgBuilder::allow_host`] |
    /// | `OKTA_DEV_CLIENT_SECRET` | the secret of the first client |
    /// | `OKTA_DEV_REDIRECT_URIS` | sign-in redirect URIs of the first client, separated by commas; the origin of each is registered for sign-out, with a slash and without one |
    /// | `OKTA_DEV_TRUSTED_ORIGINS` | origins whose scripts may read responses, separated by commas, see [`OrgBuilder::trusted_origin`] |
    /// | `OKTA_DEV_IDENTIFIER_FIRST` | `true`: the password has its own page, see [`OrgBuilder::identifier_first`] |
    /// | `OKTA_DEV_CROSS_SITE_COOKIES` | `true`: see [`OrgBuilder::cross_site_cookies`] |
    /// | `OKTA_DEV_REFUSE_POST_MESSAGE` | `true`: see [`OrgBuilder::refuse_post_message`] |
    /// | `OKTA_DEV_ORGS` | customers with their own orgs, separated by commas, see [`OrgBuilder::customers`] |
    /// | `OKTA_DEV_ORIGINS` | origins of the app, separated by commas, see [`OrgBuilder::redirect_origin`] |
    /// | `OKTA_DEV_ACCESS_TOKEN_LIFETIME` | how long access tokens of custom servers are valid, in seconds |
    /// | `OKTA_DEV_GROUPS_CLAIM` | the name of a claim that carries all groups, see [`OrgBuilder::groups_claim_everywhere`] |
    /// | `OKTA_DEV_FULL_ID_TOKENS` | `true`: ID tokens of custom servers carry the whole profile, see [`OrgBuilder::thin_id_token`] |
    /// | `OKTA_DEV_DPOP` | which clients need DPoP proofs: `off`, `services`, or `on` for all, see [`OrgBuilder::require_dpop`] |
    /// | `OKTA_DEV_DPOP_NONCE_LIFETIME` | how long a nonce for DPoP proofs is handed out, in seconds, see [`OrgBuilder::dpop_nonce_lifetime`] |
    /// | `OKTA_DEV_PAR` | `on`: confidential clients must push authorization requests, see [`OrgBuilder::require_par`] |
    /// | `OKTA_DEV_SIGNED_REQUESTS` | `on`: confidential clients must sign authorization requests, see [`OrgBuilder::require_signed_requests`] |
    /// | `OKTA_DEV_RFC_EXTENSIONS` | `true`: see [`OrgBuilder::rfc_extensions`] |
    /// | `OKTA_DEV_ROTATION` | whether refresh tokens rotate: `static` or `rotate` |
    /// | `OKTA_DEV_REFRESH_LEEWAY` | how long a rotated refresh token stays valid, in seconds |
    ///
    /// The variables take precedence over the file.
    ///
    /// # Errors
    ///
    /// See [`OrgBuilder::from_env`].
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// // A session outlives its access token every five seconds.
    /// let builder = OrgBuilder::from_variables([("OKTA_DEV_ACCESS_TOKEN_LIFETIME", "5")])?;
    /// assert!(OrgBuilder::from_variables([("OKTA_DEV_ACCESS_TOKEN_LIFETIME", "soon")]).is_err());
    /// # Ok::<(), okta_auth_dev::Error>(())
    /// ```
    pub fn from_variables<N: AsRef<str>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Error> {
        let (mut builder, mut rest) = (Self::default(), Vec::new());
        for (name, value) in variables {
            let (Some(name), value) = (name.as_ref().strip_prefix("OKTA_DEV_"), value.into()) else { continue };
            match name {
                _ if value.is_empty() => {}
                "CONFIG" => builder = settings_file(&value)?,
                _ => rest.push((name.to_owned(), value)),
            }
        }
        rest.into_iter().try_fold(builder, |builder, (name, value)| builder.variable(&name, &value))
    }

    /// Applies one variable, given without the prefix.
    fn variable(self, name: &str, value: &str) -> Result<Self, Error> {
        let wrong = |expected: &str| Error::config(format_args!("OKTA_DEV_{name} is `{value}`: use {expected}"));
        let seconds = |least: u64| {
            let length = value.parse::<u64>().ok().filter(|length| *length >= least);
            length.map(Duration::from_secs).ok_or_else(|| wrong(&format!("seconds, {least} or more")))
        };
        let words = value.split(',').map(str::trim);
        let switch = || match value {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => value.parse::<bool>().map_err(|_| wrong("`true` or `false`")),
        };
        Ok(match name {
            "PORT" => self.port(value.parse().map_err(|_| wrong("a port from 0 to 65535"))?),
            "ISSUER" => self.issuer(value),
            "LISTEN" => self.host(value.parse().map_err(|_| wrong("an IP address, such as 127.0.0.1 or 0.0.0.0"))?),
            "HOSTS" => words.fold(self, Self::allow_host),
            "CLIENT_SECRET" => self.client_secret(value),
            "REDIRECT_URIS" => words.fold(self, Self::redirect_uri_and_home),
            "TRUSTED_ORIGINS" => words.fold(self, Self::trusted_origin),
            "IDENTIFIER_FIRST" => self.identifier_first(switch()?),
            "CROSS_SITE_COOKIES" => self.cross_site_cookies(switch()?),
            "REFUSE_POST_MESSAGE" => self.refuse_post_message(switch()?),
            "ORGS" => self.customers(words),
            "ORIGINS" => words.fold(self, Self::redirect_origin),
            "ACCESS_TOKEN_LIFETIME" => self.access_token_lifetime(seconds(1)?),
            "GROUPS_CLAIM" => self.groups_claim_everywhere(value),
            "FULL_ID_TOKENS" => self.thin_id_token(!switch()?),
            "DPOP" => match value {
                "off" => self.require_dpop(false),
                "services" => self.require_dpop_of_services(),
                "on" => self.require_dpop(true),
                _ => return Err(wrong("`off`, `services` or `on`")),
            },
            "DPOP_NONCE_LIFETIME" => self.dpop_nonce_lifetime(seconds(1)?),
            "PAR" => self.require_par(switch()?),
            "SIGNED_REQUESTS" => self.require_signed_requests(switch()?),
            "RFC_EXTENSIONS" => self.rfc_extensions(switch()?),
            "REFRESH_LEEWAY" => self.refresh_leeway(seconds(0)?),
            "ROTATION" => self.rotation(match value {
                "static" => Rotation::Static,
                "rotate" => Rotation::Rotate,
                _ => return Err(wrong("`static` or `rotate`")),
            }),
            _ => return Err(Error::config(format_args!("unknown variable OKTA_DEV_{name}"))),
        })
    }
}

#[cfg(feature = "cli")]
fn settings_file(path: &str) -> Result<OrgBuilder, Error> {
    OrgBuilder::from_file(path)
}

#[cfg(not(feature = "cli"))]
fn settings_file(_: &str) -> Result<OrgBuilder, Error> {
    Err(Error::config("OKTA_DEV_CONFIG: this build reads no settings files; enable the feature `cli` of okta-auth-dev"))
}
