//! Reads tenants from variables: `OKTA_TENANTS=acme,globex`, `OKTA_ACME_ISSUER_URI`, and so on.

use std::collections::HashMap;

use super::table::TenantTable;
use crate::config::is_read;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::tenant::{TenantId, TenantSettings};

const TENANTS: &str = "OKTA_TENANTS";

impl TenantTable {
    /// Reads tenants from variables. `OKTA_TENANTS` lists their ids. In the names below, the id is in upper case and
    /// has `_` for `-`. Each tenant needs `OKTA_{ID}_ISSUER_URI` and `OKTA_{ID}_CLIENT_ID`, and may have
    /// `_CLIENT_SECRET`, `_SHARED_KEY` (`true`), `_NAME`, `_BASE_URL`, `_HOSTS`, `_EMAIL_DOMAINS`, `_FORMER_ISSUERS`
    /// (lists separated by commas), `_SCOPES`, `_AUDIENCE` and `_POLICIES`.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if a variable is missing, invalid or unknown; the message lists every problem with its
    /// variable and its fix.
    pub fn from_variables<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into().trim().to_owned()));
        let variables: HashMap<String, String> = variables.filter(|(_, value)| !value.is_empty()).collect();
        let mut problems = Vec::new();
        let ids = list(variables.get(TENANTS));
        if ids.is_empty() {
            problems.push(format!("{TENANTS}: it is not set; list the ids of the tenants, separated by commas"));
        }
        let tenants: Vec<_> = ids.iter().filter_map(|id| tenant(id, &variables, &mut problems)).collect();
        problems.extend(strangers(&ids, &variables));
        if problems.is_empty() {
            return Self::new(tenants);
        }
        let message = format!("the tenants cannot be used:\n- {}", problems.join("\n- "));
        Err(Error::new(Code::ConfigInvalid, message))
    }
}

const SETTINGS: [&str; 12] = [
    "ISSUER_URI",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "SHARED_KEY",
    "NAME",
    "BASE_URL",
    "HOSTS",
    "EMAIL_DOMAINS",
    "FORMER_ISSUERS",
    "SCOPES",
    "AUDIENCE",
    "POLICIES",
];

fn prefix(id: &str) -> String {
    format!("OKTA_{}_", id.to_ascii_uppercase().replace('-', "_"))
}

/// Reports variables with a tenant's prefix and an unknown suffix. A misspelled secret would otherwise silently turn
/// the client into a public one.
fn strangers(ids: &[String], variables: &HashMap<String, String>) -> Vec<String> {
    let prefixes: Vec<String> = ids.iter().map(|id| prefix(id)).collect();
    let is_setting = |name: &str| {
        let mut ends = prefixes.iter().filter_map(|prefix| name.strip_prefix(prefix.as_str()));
        is_read(name) || ends.any(|end| SETTINGS.contains(&end))
    };
    let looks_like_one = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
    let mut strangers: Vec<&String> =
        variables.keys().filter(|name| looks_like_one(name) && !is_setting(name)).collect();
    strangers.sort();
    let settings = SETTINGS.join(", ");
    let told =
        |name: &String| format!("{name}: this is not a setting of a tenant; the name must end with one of {settings}");
    strangers.into_iter().map(told).collect()
}

fn tenant(id: &str, variables: &HashMap<String, String>, problems: &mut Vec<String>) -> Option<TenantSettings> {
    let Some(known) = TenantId::parse(id) else {
        problems
            .push(format!("{TENANTS}: `{id}` is not a valid tenant id; use lower-case letters, digits and hyphens"));
        return None;
    };
    let prefix = prefix(id);
    let value = |name: &str| variables.get(&format!("{prefix}{name}"));
    let mut required = |name: &str| {
        let found = value(name).cloned();
        if found.is_none() {
            problems.push(format!("{prefix}{name}: it is not set"));
        }
        found
    };
    let (issuer, client_id) = (required("ISSUER_URI"), required("CLIENT_ID"));
    let mut tenant = TenantSettings::new(known, issuer?, client_id?);
    tenant.client_secret = value("CLIENT_SECRET").map(Secret::new);
    tenant.shared_key = match value("SHARED_KEY").map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            problems.push(format!("{prefix}SHARED_KEY: the value must be `true` or `false`"));
            return None;
        }
    };
    tenant.name = value("NAME").cloned();
    tenant.base_url = value("BASE_URL").cloned();
    tenant.scopes = value("SCOPES").cloned();
    tenant.audience = value("AUDIENCE").cloned();
    tenant.policies = value("POLICIES").cloned();
    tenant.hosts = list(value("HOSTS"));
    tenant.email_domains = list(value("EMAIL_DOMAINS"));
    tenant.former_issuers = list(value("FORMER_ISSUERS"));
    Some(tenant)
}

fn list(text: Option<&String>) -> Vec<String> {
    let items = text.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::source::TenantKey;
    use super::*;

    #[test]
    fn all_settings_are_read() {
        let table = TenantTable::from_variables([
            ("OKTA_TENANTS", "acme, big-co"),
            ("OKTA_ACME_ISSUER_URI", "https://acme.okta.com/oauth2/default"),
            ("OKTA_ACME_CLIENT_ID", "0oa1"),
            ("OKTA_ACME_HOSTS", "acme.example.com, www.acme.example.com"),
            ("OKTA_BIG_CO_ISSUER_URI", "https://bigco.okta.com"),
            ("OKTA_BIG_CO_CLIENT_ID", "0oa2"),
            ("OKTA_BIG_CO_CLIENT_SECRET", "secret"),
            ("OKTA_BIG_CO_EMAIL_DOMAINS", "BigCo.com"),
        ])
        .unwrap();
        let find = |key| table.tenant(&key).map(|tenant| tenant.id.as_str().to_owned());
        assert_eq!(find(TenantKey::Host("www.acme.example.com".to_owned())).as_deref(), Some("acme"));
        assert_eq!(find(TenantKey::EmailDomain("bigco.com".to_owned())).as_deref(), Some("big-co"));
        assert_eq!(find(TenantKey::Issuer("https://bigco.okta.com".to_owned())).as_deref(), Some("big-co"));
        assert_eq!(find(TenantKey::Host("bigco.okta.com".to_owned())), None);
    }

    #[test]
    fn shared_key_accepts_only_true_and_false() {
        let shared_key = |value: &str| {
            let variables = [
                ("OKTA_TENANTS", "acme"),
                ("OKTA_ACME_ISSUER_URI", "https://acme.okta.com"),
                ("OKTA_ACME_CLIENT_ID", "0oa1"),
                ("OKTA_ACME_SHARED_KEY", value),
            ];
            TenantTable::from_variables(variables).map(|table| table.all()[0].shared_key)
        };
        assert!(shared_key(" true ").unwrap() && !shared_key("false").unwrap() && !shared_key("").unwrap());
        for other in ["TRUE", "yes", "1", "0", "no", "true,false"] {
            let error = shared_key(other).unwrap_err().to_string();
            assert!(error.contains("OKTA_ACME_SHARED_KEY"), "{other}: {error}");
        }
    }

    #[test]
    fn unknown_variables_of_a_tenant_are_errors() {
        let with = |name: &str| {
            let variables = [
                ("OKTA_TENANTS", "acme,acme-eu,client"),
                ("OKTA_ACME_ISSUER_URI", "https://acme.okta.com"),
                ("OKTA_ACME_CLIENT_ID", "0oa1"),
                ("OKTA_ACME_EU_ISSUER_URI", "https://acme-eu.okta.com"),
                ("OKTA_ACME_EU_CLIENT_ID", "0oa1"),
                ("OKTA_CLIENT_ISSUER_URI", "https://client.okta.com"),
                ("OKTA_CLIENT_CLIENT_ID", "0oa1"),
                (name, "hunter2"),
            ];
            TenantTable::from_variables(variables).map(drop).map_err(|error| error.to_string())
        };
        for fine in ["OKTA_ACME_NAME", "OKTA_ACME_EU_CLIENT_SECRET", "OKTA_CLIENT_SECRET", "OKTA_OTHER_SECRET", "ACME"]
        {
            assert_eq!(with(fine), Ok(()), "{fine}");
        }
        for slip in ["OKTA_ACME_SECRET", "OKTA_ACME_CLIENTSECRET", "OKTA_ACME_EU_SCOPE", "OKTA_CLIENT_SECRETS"] {
            let message = with(slip).unwrap_err();
            assert!(
                message.contains(slip) && message.contains("CLIENT_SECRET") && !message.contains("hunter2"),
                "{message}"
            );
        }
    }

    #[test]
    fn every_error_names_its_variable() {
        let error = TenantTable::from_variables([
            ("OKTA_TENANTS", "acme,Bad Id"),
            ("OKTA_ACME_ISSUER_URI", "https://acme.okta.com"),
        ])
        .unwrap_err()
        .to_string();
        assert!(error.contains("OKTA_ACME_CLIENT_ID") && error.contains("Bad Id"), "{error}");
        let none = TenantTable::from_variables::<&str, &str>([]).unwrap_err().to_string();
        assert!(none.contains("OKTA_TENANTS"), "{none}");
    }
}
