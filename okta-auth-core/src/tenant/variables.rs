//! Tenants from variables: `OKTA_TENANTS=acme,globex`, `OKTA_ACME_ISSUER_URI`, and so
//! on.

use std::collections::HashMap;

use super::id::TenantId;
use super::settings::TenantSettings;
use super::table::TenantTable;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// The list of ids.
const TENANTS: &str = "OKTA_TENANTS";

impl TenantTable {
    /// Reads tenants from variables. `OKTA_TENANTS` lists their ids; each has, with its
    /// id in upper case and `_` for `-`, `OKTA_{ID}_ISSUER_URI` and
    /// `OKTA_{ID}_CLIENT_ID`, and may have `_CLIENT_SECRET`, `_SHARED_KEY` (`true`),
    /// `_NAME`, `_BASE_URL`, `_HOSTS`, `_EMAIL_DOMAINS`, `_FORMER_ISSUERS` (lists
    /// separated by commas), `_SCOPES`, `_AUDIENCE` and `_POLICIES`.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], listing every problem with its variable and its fix.
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
        if problems.is_empty() {
            return Self::new(tenants);
        }
        let message = format!("the tenants cannot be used:\n- {}", problems.join("\n- "));
        Err(Error::new(Code::ConfigInvalid, message))
    }
}

/// One tenant.
fn tenant(id: &str, variables: &HashMap<String, String>, problems: &mut Vec<String>) -> Option<TenantSettings> {
    let Some(known) = TenantId::parse(id) else {
        problems.push(format!("{TENANTS}: `{id}` is no id; use lower-case letters, digits and hyphens"));
        return None;
    };
    let prefix = format!("OKTA_{}", id.to_ascii_uppercase().replace('-', "_"));
    let value = |name: &str| variables.get(&format!("{prefix}_{name}"));
    let mut required = |name: &str| {
        let found = value(name).cloned();
        if found.is_none() {
            problems.push(format!("{prefix}_{name}: it is not set"));
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
            problems.push(format!("{prefix}_SHARED_KEY: it is neither `true` nor `false`"));
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

/// The items of a list.
fn list(text: Option<&String>) -> Vec<String> {
    let items = text.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::TenantKey;

    #[test]
    fn tenants_are_read_with_everything_that_is_set() {
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
    fn the_applications_key_is_for_those_who_say_so_in_one_of_two_words() {
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
    fn every_mistake_is_told_with_its_variable() {
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
