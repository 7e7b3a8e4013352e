//! The tenants to choose from at `/login`.

use std::sync::{Arc, Mutex, PoisonError};

use super::table::TenantTable;
use crate::config::AppConfig;
use crate::tenant::TenantSettings;

pub(super) type Choices = Arc<[(String, Arc<AppConfig>)]>;

/// Builds the choices once per table of tenants and not per request, because building validates all settings of all
/// tenants and logs their warnings.
#[derive(Debug, Default)]
pub(super) struct Chooser(Mutex<Option<(Arc<TenantTable>, Choices)>>);

impl Chooser {
    /// Returns the choices for a table, without tenants whose settings are invalid.
    pub(super) fn choices(
        &self,
        table: Arc<TenantTable>,
        build: impl Fn(&TenantSettings) -> Option<Arc<AppConfig>>,
    ) -> Choices {
        let mut built = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, choices)) = built.as_ref().filter(|(of, _)| Arc::ptr_eq(of, &table)) {
            return Arc::clone(choices);
        }
        let choice = |tenant: &Arc<TenantSettings>| Some((tenant.display_name().to_owned(), build(tenant)?));
        let choices: Choices = table.all().iter().filter_map(choice).collect();
        *built = Some((table, Arc::clone(&choices)));
        choices
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::config::Config;
    use crate::tenant::TenantId;

    #[test]
    fn choices_are_built_once_per_table() {
        let table = |names: &[&str]| {
            let tenant = |name: &&str| {
                TenantSettings::new(TenantId::parse(name).unwrap(), format!("https://{name}.okta.com"), "0oa1")
            };
            Arc::new(TenantTable::new(names.iter().map(tenant)).unwrap())
        };
        let (chooser, built) = (Chooser::default(), Cell::new(0));
        let build = |tenant: &TenantSettings| {
            built.set(built.get() + 1);
            let config = Config::builder().issuer(&tenant.issuer).client_id(&tenant.client_id);
            config.build().ok().map(|config| config.app)
        };
        let first = table(&["acme", "globex"]);
        for _ in 0..3 {
            assert_eq!(chooser.choices(Arc::clone(&first), build).len(), 2);
        }
        assert_eq!(built.get(), 2);
        assert_eq!(chooser.choices(table(&["acme"]), build).len(), 1);
        assert_eq!(built.get(), 3);
    }
}
