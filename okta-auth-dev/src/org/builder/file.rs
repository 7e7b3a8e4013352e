//! Settings from a TOML file.

use std::path::Path;

use super::OrgBuilder;
use crate::config::{self, OrgTable};
use crate::error::Error;

impl OrgBuilder {
    /// Reads the settings from TOML; [`crate::config`] describes the format.
    ///
    /// # Errors
    ///
    /// If the text is not valid TOML or has an unknown key. The error names the line.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        Self::from_table(config::parse(text)?)
    }

    /// Reads the settings from a TOML file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, and as [`OrgBuilder::from_toml`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::config(format_args!("cannot read {}", path.display())).because(error))?;
        Self::from_toml(&text)
    }

    /// Builds the settings of this org and of the nested orgs.
    fn from_table(table: OrgTable) -> Result<Self, Error> {
        let mut builder = Self::default();
        if table.default_users == Some(false) {
            builder = builder.without_users();
        }
        builder = table.user.into_iter().fold(builder, |builder, user| builder.user(user.user()));
        builder = table.client.into_iter().fold(builder, |builder, client| builder.client(client.client()));
        builder =
            table.server.into_iter().fold(builder, |builder, server| builder.authorization_server(server.server()));
        for org in table.org {
            let subdomain = org.subdomain.clone();
            let subdomain = subdomain.ok_or_else(|| Error::config("an entry of [[org]] needs a `subdomain`"))?;
            builder = builder.org(subdomain, Self::from_table(org)?);
        }
        builder = table.name.into_iter().fold(builder, Self::name);
        builder = table.port.into_iter().fold(builder, Self::port);
        Ok(table.rate_limit.into_iter().fold(builder, Self::rate_limit))
    }
}
