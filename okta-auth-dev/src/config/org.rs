//! The table of an org: the whole settings file, or an entry of `[[org]]`.

use serde::Deserialize;

use super::client::ClientTable;
use super::server::ServerTable;
use super::user::UserTable;
use crate::error::Error;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgTable {
    /// Required in `[[org]]`, ignored at the top level.
    pub(crate) subdomain: Option<String>,
    pub(crate) name: Option<String>,
    /// Ignored in `[[org]]`, because all orgs share one listener.
    pub(crate) port: Option<u16>,
    pub(crate) rate_limit: Option<u32>,
    pub(crate) default_users: Option<bool>,
    #[serde(default)]
    pub(crate) user: Vec<UserTable>,
    #[serde(default)]
    pub(crate) client: Vec<ClientTable>,
    #[serde(default)]
    pub(crate) server: Vec<ServerTable>,
    #[serde(default)]
    pub(crate) org: Vec<OrgTable>,
}

pub(crate) fn parse(text: &str) -> Result<OrgTable, Error> {
    toml::from_str(text).map_err(|error| Error::config(format_args!("the settings are wrong: {error}")))
}
